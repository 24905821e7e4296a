"""What the queue shows of a case: its clocks, the words that raised it, its growth, and who has it."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Integer, cast, literal, text
from sqlmodel import Session, col, func, select

from classifier.records import Assessment, reading_text
from collector.records import Post
from triage.growth_records import Growth
from triage.pace import WINDOW
from triage.paces import lately
from triage.records import Alert, AlertState, Case, Clock, Delivery, Membership, Person
from triage.web.filters import PER_PAGE, Filters, fits, ordered
from triage.web.reading import unmentioned
from triage.web.words import UNVERIFIED_FROM, left, plain

QUOTES = 4
SPARK_HOURS = 6
SPARK_STEPS = 24
SPARK_STEP = timedelta(hours=SPARK_HOURS) / SPARK_STEPS
SOON = timedelta(minutes=5)


class Tick(NamedTuple):
    """One running clock as shown: its name, and what is left in words."""

    name: str
    desk: str
    due_at: datetime
    left: str
    overdue: bool
    soon: bool


class Spark(NamedTuple):
    """Posts per quarter of an hour over the last six hours, oldest first."""

    counts: tuple[int, ...]

    @property
    def total(self) -> int:
        return sum(self.counts)

    @property
    def bars(self) -> tuple[tuple[int, int, int], ...]:
        """(x, y, height) of each bar in a drawing of 96 by 24; a post is never invisible."""
        most = max(self.counts, default=0)
        heights = [max(round(22 * each / most), 2) if each else 0 for each in self.counts] if most else []
        return tuple((4 * at, 24 - high, high) for at, high in enumerate(heights) if high)

    @property
    def says(self) -> str:
        if not self.total:
            return "No posts in the last six hours"
        recent = sum(self.counts[-4:])
        return f"Posts in the last six hours: {self.total:,}, of them {recent:,} in the last hour"


class Top(NamedTuple):
    """What leads the page of a case: its row in the queue without what stands on the page anyway."""

    clocks: tuple[Tick, ...]
    unverified: int
    spark: Spark
    unanswered: tuple[str, ...]
    holder: str
    mine: bool


class Row(NamedTuple):
    case: Case
    clocks: tuple[Tick, ...]
    quotes: tuple[str, ...]
    unverified: int
    spark: Spark
    pace: int
    unanswered: tuple[str, ...]
    acknowledged: str
    untold: bool
    holder: str
    mine: bool

    @property
    def lead(self) -> Tick | None:
        return self.clocks[0] if self.clocks else None


class Found(NamedTuple):
    """One page of the queue. `total` counts all pages."""

    rows: list[Row]
    total: int
    pages: int


def find_rows(session: Session, filters: Filters, me: Person, *, now: datetime) -> Found:
    """The cases these filters show, in their order."""
    condition = fits(filters, me, now=now)
    total = session.exec(select(func.count()).select_from(Case).where(condition)).one()
    pages = max(-(-total // PER_PAGE), 1)
    page = min(filters.page, pages)
    statement = ordered(select(Case).where(condition), filters, now=now)
    cases = session.scalars(statement.limit(PER_PAGE).offset((page - 1) * PER_PAGE)).all()
    return Found(rows_of(session, cases, me, now=now), total, pages)


def rows_of(session: Session, cases: Sequence[Case], me: Person, *, now: datetime) -> list[Row]:
    """The rows of these cases, in the given order, with one query for each kind of thing."""
    ids = [each.id for each in cases]
    clocks = _clocks(session, ids, now=now)
    quotes = _quoted(session, ids)
    unverified = unverified_of(session, ids)
    sparks = _sparks(session, ids, now=now)
    paces = lately(session, ids, since=now - WINDOW)
    alerts = _alerts(session, ids)
    untold = _untold(session, ids)
    names = names_of(
        session,
        [each.claimed_by for each in cases]
        + [alert.acknowledged_by for each in ids for alert in alerts.get(each, ())],
    )
    return [
        Row(
            case=each,
            clocks=tuple(clocks.get(each.id, ())),
            quotes=tuple(quotes.get(each.id, ())),
            unverified=unverified.get(each.id, 0),
            spark=sparks.get(each.id, Spark(())),
            pace=paces.get(each.id, 0),
            unanswered=unanswered(alerts.get(each.id, ())),
            acknowledged=_acknowledged(alerts.get(each.id, ()), names),
            untold=each.id in untold,
            holder=names.get(each.claimed_by, "") if holds(each, now) and each.claimed_by else "",
            mine=holds(each, now) and each.claimed_by == me.id,
        )
        for each in cases
    ]


def holds(case: Case, now: datetime) -> bool:
    """Whether someone's claim on this case is still running."""
    return case.claimed_by is not None and case.claimed_until is not None and case.claimed_until > now


def unanswered(alerts: Sequence[Alert]) -> tuple[str, ...]:
    """The desks that have not acknowledged one of these."""
    return tuple(dict.fromkeys(each.desk for each in alerts if each.state == AlertState.OPEN))


def ticks(clocks: Sequence[Clock], now: datetime) -> list[Tick]:
    """Those of a case's clocks that run, as shown, in the given order."""
    running = [each for each in clocks if each.stopped_at is None and each.paused_at is None]
    return [_tick(each.name, each.desk, each.due_at, now) for each in running]


def _tick(name: str, desk: str, due_at: datetime, now: datetime) -> Tick:
    return Tick(plain(name), desk, due_at, left(due_at, now), due_at < now, due_at - now < SOON)


def names_of(session: Session, people: Sequence[UUID | None]) -> dict[UUID | None, str]:
    """Names by person id."""
    wanted = {each for each in people if each is not None}
    if not wanted:
        return {}
    return dict(session.exec(select(Person.id, Person.name).where(col(Person.id).in_(wanted))).all())


def _clocks(session: Session, ids: Sequence[UUID], *, now: datetime) -> dict[UUID, list[Tick]]:
    found: dict[UUID, list[Tick]] = defaultdict(list)
    running = select(Clock.case_id, Clock.name, Clock.desk, Clock.due_at).where(
        col(Clock.case_id).in_(ids), col(Clock.stopped_at).is_(None), col(Clock.paused_at).is_(None)
    )
    for case, name, desk, due_at in session.exec(running.order_by(col(Clock.due_at), Clock.name)):
        found[case].append(_tick(name, desk, due_at, now))
    return found


def _quoted(session: Session, ids: Sequence[UUID]) -> dict[UUID, list[str]]:
    """The strongest words of the gravest three posts of each case."""
    gravest = (
        select(
            Membership.case_id,
            Membership.post_id,
            func.row_number()
            .over(partition_by=col(Membership.case_id), order_by=col(Assessment.severity).desc())
            .label("nth"),
        )
        .join(Assessment, col(Assessment.post_id) == Membership.post_id)
        .where(col(Membership.case_id).in_(ids), col(Membership.sure))
        .subquery()
    )
    chosen = (
        select(gravest.c.case_id, Post.title, Post.text, Assessment.signals)
        .join(Post, col(Post.id) == gravest.c.post_id)
        .join(Assessment, col(Assessment.post_id) == gravest.c.post_id)
        .where(gravest.c.nth <= 3, col(Post.withdrawn_at).is_(None))
        .order_by(gravest.c.nth)
    )
    quotes: dict[UUID, list[str]] = defaultdict(list)
    for case, title, words, signals in session.execute(chosen):
        for quote in _quotes(reading_text(title, words), signals):
            if len(quotes[case]) < QUOTES and not any(quote.lower() in each.lower() for each in quotes[case]):
                quotes[case] = [each for each in quotes[case] if each.lower() not in quote.lower()] + [quote]
    return quotes


def unverified_of(session: Session, ids: Sequence[UUID]) -> dict[UUID, int]:
    """How many posts of each case claim unverified things."""
    counted = session.exec(
        select(Membership.case_id, func.count())
        .join(Assessment, col(Assessment.post_id) == Membership.post_id)
        .where(
            col(Membership.case_id).in_(ids), col(Membership.sure), Assessment.unverified >= UNVERIFIED_FROM
        )
        .group_by(col(Membership.case_id))
    )
    return dict(counted.all())


def _quotes(words: str, signals: Sequence[dict[str, Any]]) -> list[str]:
    strongest = sorted(signals, key=lambda each: -float(each.get("score") or 0))
    found = [unmentioned(words[each["start"] : each["end"]]) for each in strongest if "start" in each]
    return [each.strip()[:60] for each in found if each.strip()]


def spark_of(ledger: Sequence[Growth], *, now: datetime) -> Spark:
    """The spark of a case whose growth is at hand."""
    since = now - timedelta(hours=SPARK_HOURS)
    lately = [each for each in ledger if since <= each.at <= now]
    counts = [0] * SPARK_STEPS
    for each in lately:
        counts[min((each.at - since) // SPARK_STEP, SPARK_STEPS - 1)] += each.posts
    return Spark(tuple(counts) if lately else ())


def _sparks(session: Session, ids: Sequence[UUID], *, now: datetime) -> dict[UUID, Spark]:
    since = now - timedelta(hours=SPARK_HOURS)
    age: ColumnElement[Any] = func.extract("epoch", col(Growth.at) - literal(since))
    nth = cast(func.floor(age / SPARK_STEP.total_seconds()), Integer).label("nth")
    counted = session.execute(
        select(Growth.case_id, nth, func.sum(Growth.posts))
        .where(col(Growth.case_id).in_(ids), Growth.at >= since, Growth.at <= now)
        .group_by(col(Growth.case_id), text("nth"))
    )
    counts: dict[UUID, list[int]] = defaultdict(lambda: [0] * SPARK_STEPS)
    for case, at, number in counted:
        counts[case][min(at, SPARK_STEPS - 1)] = int(number)
    return {case: Spark(tuple(numbers)) for case, numbers in counts.items()}


def _alerts(session: Session, ids: Sequence[UUID]) -> dict[UUID, list[Alert]]:
    found: dict[UUID, list[Alert]] = defaultdict(list)
    for each in session.exec(select(Alert).where(col(Alert.case_id).in_(ids)).order_by(Alert.desk)):
        found[each.case_id].append(each)
    return found


def _untold(session: Session, ids: Sequence[UUID]) -> set[UUID]:
    """Cases with a message that did not arrive."""
    lost = ("failed", "unknown")
    found = select(Alert.case_id).join(Delivery, col(Delivery.alert_id) == Alert.id)
    return set(session.exec(found.where(col(Alert.case_id).in_(ids), col(Delivery.state).in_(lost))).all())


def _acknowledged(alerts: Sequence[Alert], names: dict[UUID | None, str]) -> str:
    done = [each for each in alerts if each.acknowledged_at is not None]
    return ", ".join(sorted({names.get(each.acknowledged_by, "someone") for each in done}))
