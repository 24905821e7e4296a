"""A plain model of when each thing of a house may go, written without a look at how the house does it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from collector.records import Post
from tests.responders.retention.scanning import mark
from triage.hold_records import Hold, HoldScope
from triage.records import Case
from triage.retention_policy import RetentionPolicy


@dataclass
class Thing:
    """What stands under one mark. `due` and `held` say how it is at a moment."""

    what: str
    due: Callable[[datetime], bool]
    held: Callable[[datetime], bool] = lambda _now: False


@dataclass
class Known:
    """A case as the model knows it."""

    row: Case
    posts: list["Told"] = field(default_factory=list)

    def closed_at(self) -> datetime | None:
        assert self.row.touched_at
        return (
            None if self.row.status in ("detected", "triaged", "watch", "confirmed") else self.row.touched_at
        )


@dataclass
class Told:
    """A post as the model knows it: (case, sure, joined) for each case it is in."""

    row: Post
    kind: str
    decided_at: datetime | None
    cases: list[tuple[Known, bool, datetime]] = field(default_factory=list)
    deleted_at: datetime | None = None

    @property
    def in_custody(self) -> bool:
        return any(sure for _, sure, _ in self.cases)


@dataclass
class Standing:
    """A hold as the model knows it."""

    row: Hold
    ends_at: datetime

    def stands(self, now: datetime) -> bool:
        return self.row.set_at <= now < self.ends_at

    def covers(self, post: Told) -> bool:
        if self.row.scope == HoldScope.CASE:
            return any(sure and case.row.id == self.row.case_id for case, sure, _ in post.cases)
        if self.row.scope == HoldScope.POST:
            return post.row.id == self.row.post_id
        assert self.row.from_at
        assert self.row.until_at
        fits = self.row.source in (None, post.row.source)
        return fits and self.row.from_at <= post.row.collected_at < self.row.until_at

    def covers_case(self, case: Known) -> bool:
        if self.row.scope == HoldScope.CASE:
            return case.row.id == self.row.case_id
        if self.row.scope == HoldScope.POST:
            return any(self.row.post_id == post.row.id for post in case.posts)
        assert self.row.from_at
        assert self.row.until_at
        fits = self.row.source is None or self.row.source in case.row.sources
        return fits and self.row.from_at <= case.row.opened_at < self.row.until_at


class Model:
    """What is in the house, under its marks. `_due` and `_held` say how it is at a moment."""

    def __init__(self, policy: RetentionPolicy) -> None:
        self.policy = policy
        self.things: dict[int, Thing] = {}
        self.posts: list[Told] = []
        self.cases: list[Known] = []
        self.holds: list[Standing] = []

    def thing(
        self, what: str, due: Callable[[datetime], bool], held: Callable[[datetime], bool] | None = None
    ) -> str:
        number = len(self.things)
        self.things[number] = Thing(what, due, held or (lambda _now: False))
        return mark(number)

    def over(self, name: str, moment: datetime, now: datetime) -> bool:
        return moment <= self.policy.of(name).period.before(now)

    def post_due(self, post: Told, now: datetime) -> bool:
        collected = post.row.collected_at
        if post.deleted_at is not None and post.deleted_at <= now:
            return True
        if post.kind == "youtube" and collected <= now - timedelta(days=30):
            return True
        if post.kind != "jetstream" and not post.in_custody and self.over("unseen", collected, now):
            return True
        if post.cases:
            return all(self._over_in(case, sure, joined, now) for case, sure, joined in post.cases)
        if post.decided_at is None:
            return self.over("unread", collected, now)
        return self.over("unflagged", post.decided_at, now)

    def _over_in(self, case: Known, sure: bool, joined: datetime, now: datetime) -> bool:
        if not sure or case.row.severity >= 4:
            return self.over("minor", joined, now)
        closed = case.closed_at()
        return closed is not None and self.over("grave", max(closed, joined), now)

    def post_held(self, post: Told, now: datetime) -> bool:
        return any(
            each.row.signed_at is not None and each.stands(now) and each.covers(post) for each in self.holds
        )

    def case_held(self, case: Known, now: datetime) -> bool:
        return any(each.stands(now) and each.covers_case(case) for each in self.holds)

    def case_due(self, case: Known, now: datetime) -> bool:
        closed = case.closed_at()
        if closed is None or not self.over("cases", closed, now):
            return False
        return all(self.post_due(post, now) and self._withdrawn(post, now) for post in case.posts)

    def _withdrawn(self, post: Told, now: datetime) -> bool:
        """What a clock of ours would purge stays where it is under a hold; what others take back is copied."""
        taken = post.deleted_at is not None and post.deleted_at <= now
        platform = post.kind == "youtube" and post.row.collected_at <= now - timedelta(days=30)
        return taken or platform or not self.post_held(post, now)
