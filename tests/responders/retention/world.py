"""A made-up house for retention: posts in every place a post can be, records of every sort, each with a mark; and a
plain model of when each may go, written without a look at how the house does it.
"""

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Engine
from sqlmodel import Session

from collector.evidence import note_custody
from collector.evidence_records import PostVersion, SealedAuthor
from collector.footage_records import Footage, Frame, Look
from collector.records import Media, Post, PostKey, Sighting
from collector.refused_records import RefusedItem
from collector.video.files import Files
from responders.retention.posts import take_away
from responders.retention.running import Place
from tests.conftest import LOG_KEY
from tests.make import make_alert, make_assessment, make_case, make_person, make_post, make_source
from tests.responders.retention.scanning import mark
from triage.claim_records import ClaimSighting, KnownClaim, Question, SightingState
from triage.hold_records import Hold, HoldScope
from triage.log import Line, note
from triage.notification_records import ChannelKind, Notification, NotificationKind, NotificationState
from triage.records import Case, Desk, Membership, Person, Routing, Status
from triage.retention_policy import RetentionPolicy
from triage.rights_records import RightsKind, RightsRequest
from triage.searching import keep_words
from triage.shift_records import HandoverNote
from triage.statement_records import Statement

EPOCH = datetime(2026, 7, 14, 12, 0, tzinfo=UTC)
SOURCES = {"stream": "jetstream", "toots": "mastodon", "videos": "youtube"}
DAYS = ("1d", "14d", "30d", "200d")
PERIODS = ("1h", "12h", "72h", "5d", "14d", "30d", "90d")


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


def random_policy(policy: RetentionPolicy, random: Random) -> RetentionPolicy:
    """The shipped classes with other periods: any, but case files stay longer than posts."""
    classes = [
        each.model_copy(update={"keep": random.choice(DAYS if each.setting else PERIODS)})
        if each.name not in ("cases", "audit", "platform", "keys", "meetings", "held", "deleted")
        and each.keep
        else each
        for each in policy.classes
    ]
    cases = random.choice(("90d", "120d", "1y"))
    changed = [each.model_copy(update={"keep": cases}) if each.name == "cases" else each for each in classes]
    return policy.model_copy(update={"classes": tuple(changed)})


class World:
    """One house with its model."""

    def __init__(self, engine: Engine, folder: Path, policy: RetentionPolicy, random: Random) -> None:
        self.engine, self.folder, self.policy, self.random = engine, folder, policy, random
        self.things: dict[int, Thing] = {}
        self.posts: list[Told] = []
        self.cases: list[Known] = []
        self.holds: list[Standing] = []
        self.files = Files(folder / "media")
        (folder / "exports").mkdir(parents=True)
        self.place = Place(
            engine, policy, folder, self.files, timedelta(days=30), folder / "vault", LOG_KEY, b"permalinks"
        )

    def thing(
        self, what: str, due: Callable[[datetime], bool], held: Callable[[datetime], bool] | None = None
    ) -> str:
        number = len(self.things)
        self.things[number] = Thing(what, due, held or (lambda _now: False))
        return mark(number)

    def over(self, name: str, moment: datetime, now: datetime) -> bool:
        return moment <= self.policy.of(name).period.before(now)

    def ago(self, most_days: float) -> datetime:
        return EPOCH - timedelta(seconds=self.random.randrange(int(most_days * 86_400)))

    # the model of what posts say

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

    # making it

    def fill(self, session: Session, posts: int) -> None:
        session.add_all(make_source(name, kind) for name, kind in SOURCES.items())
        self.person = make_person()
        session.add(self.person)
        session.flush()
        for _ in range(max(2, posts // 6)):
            self._case(session)
        for _ in range(posts):
            self._post(session)
        session.flush()
        self._holds(session)
        self._others(session)
        session.flush()
        words = [post.row.id for post in self.posts if post.cases]
        keep_words(session, words)
        custody = [post.row.id for post in self.posts if post.in_custody]
        note_custody(session, custody, "collected", who="collector", now=EPOCH)
        session.commit()

    def _case(self, session: Session) -> None:
        opened = self.ago(500)
        status = self.random.choice(
            [Status.CONFIRMED, Status.DETECTED, Status.CLOSED, Status.NOISE, Status.CLOSED]
        )
        case = Known(make_case())
        told = self.thing("case", lambda now: self.case_due(case, now), lambda now: self.case_held(case, now))
        case.row = make_case(
            title=told, severity=self.random.randint(1, 5), status=status, opened_at=opened,
            touched_at=opened + (EPOCH - opened) * self.random.random(), sources=[self.random.choice([*SOURCES])],
        )  # fmt: skip
        self.cases.append(case)
        session.add(case.row)
        session.flush()
        session.add_all(
            [
                make_alert(case.row, says=told),
                Question(case_id=case.row.id, text=told, asked_at=opened, asked_by="ann"),
                Statement(case_id=case.row.id, template="aware", text=told, drafted_at=opened),
            ]
        )
        moment = self.ago(9 * 366)
        line = self.thing(
            "line of the log",
            lambda now: self.over("audit", moment, now),
            lambda now: self.case_held(case, now),
        )
        note(session, [Line("noted", case.row.id, line)], who="ann", now=moment)
        session.commit()

    def _post(self, session: Session) -> None:
        random = self.random
        source = random.choice([*SOURCES])
        collected = self.ago(random.choice((3, 20, 60, 120)))
        decided = None if random.random() < 0.15 else collected + timedelta(minutes=random.randrange(90))
        post = Told(make_post(), SOURCES[source], decided)
        word = self.thing("post", lambda now: self.post_due(post, now), lambda now: self.post_held(post, now))
        post.row = make_post(
            f"Police on Mare Street {word}", title=f"Seen {word}", collected_at=collected, source=source,
            platform=SOURCES[source] if source == "videos" else "bluesky", url=f"https://social.example/{word}",
            external_id=f"at://{word}", published_at=collected, author_key=b"a" * 16, checked_at=None,
        )  # fmt: skip
        chosen = random.sample(self.cases, random.choice((0, 0, 1, 1, 2)))
        for case in chosen:
            joined = min(EPOCH, collected + timedelta(hours=random.randrange(48)))
            sure = random.random() < 0.75
            post.cases.append((case, sure, joined))
            case.posts.append(post)
            session.add(
                Membership(post_id=post.row.id, case_id=case.row.id, sure=sure, how="x", joined_at=joined)
            )
        self.posts.append(post)
        self._of_post(session, post, word)

    def _of_post(self, session: Session, post: Told, word: str) -> None:
        row, case = post.row, next((case for case, sure, _ in post.cases if sure), None)
        id_of = row.id
        span = {"name": "force", "score": 0.9, "start": 0, "end": 6, "because": f"says {word}"}
        media = Media(post_id=id_of, kind="video", url=f"https://cdn.example/{word}", alt=word)
        body = word.encode() + os.urandom(4)
        digest = hashlib.sha256(body).digest()
        session.add_all(
            [
                row,
                PostKey(id=id_of, collected_at=row.collected_at),
                Sighting(seen_at=row.collected_at, post_id=id_of, source=row.source),
                make_assessment(
                    row, signals=[span], places=[{"text": word, "start": 0, "end": 3, "name": "Mare St"}]
                ),
                media,
            ]
        )
        if post.decided_at is not None:
            session.add(
                Routing(
                    post_id=id_of,
                    at=post.decided_at,
                    model="m",
                    rule="r",
                    outcome="drop",
                    because="no rule fits",
                )
            )
        if case is None:
            return
        session.add_all(
            [
                PostVersion(
                    post_id=id_of, number=1, taken_at=row.collected_at, source=row.source, text=word,
                    payload=word.encode(), payload_sha256=digest,
                ),
                SealedAuthor(post_id=id_of, key_id="k1", sealed=word.encode(), sealed_at=row.collected_at),
                Look(
                    media_id=media.id, post_id=id_of, at=row.collected_at, done_at=row.collected_at, url=media.url,
                    sha256=digest, size_bytes=len(body), file_at=row.collected_at, headers={"x": word},
                ),
            ]
        )  # fmt: skip
        footage = uuid4()
        session.add(
            Footage(
                id=footage, family_id=footage, media_id=media.id, post_id=id_of, platform=row.platform,
                first_seen_at=row.collected_at, kept_at=row.collected_at, sha256=digest, size_bytes=len(body),
                kind="video", container="mp4", codec="h264", width=2, height=2, method="m", captions=[word],
            )
        )  # fmt: skip
        session.flush()
        session.add(Frame(footage_id=footage, number=0, at_s=0.0, hash=b"h" * 32))
        place = self.files.place(digest)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(body)
        claim = KnownClaim(
            case_id=case.row.id,
            text=word,
            title=word,
            post_id=id_of,
            noted_at=EPOCH,
            noted_by="ann",
            changed_at=EPOCH,
        )
        session.add(claim)
        session.flush()
        session.add(
            ClaimSighting(
                claim_id=claim.id, post_id=id_of, state=SightingState.COUNTED, score=1.0, because=word,
                published_at=row.published_at, at=row.collected_at,
            )
        )  # fmt: skip

    def _holds(self, session: Session) -> None:
        random = self.random
        for _ in range(random.choice((0, 1, 2, 4))):
            scope = random.choice([*HoldScope])
            given: dict[str, Any] = {}
            if scope == HoldScope.CASE:
                given = {"case_id": random.choice(self.cases).row.id}
            elif scope == HoldScope.POST:
                given = {"post_id": random.choice(self.posts).row.id}
            else:
                begin = self.ago(120)
                source = random.choice([None, *SOURCES])
                given = {
                    "from_at": begin,
                    "until_at": begin + timedelta(days=random.randrange(1, 60)),
                    "source": source,
                }
            ends = EPOCH + timedelta(days=random.randrange(1, 200))
            row = Hold(
                scope=scope, reason="court", why="a claim", content=True, set_by=self.person.id, set_at=EPOCH,
                review_at=ends, expires_at=ends, signed_by=self.person.id,
                signed_at=EPOCH if random.random() < 0.8 else None, **given,
            )  # fmt: skip
            session.add(row)
            session.flush()
            session.expunge(row)
            self.holds.append(Standing(row, ends))

    def _others(self, session: Session) -> None:
        for _ in range(3):
            moment = self.ago(120)
            session.add(self._refused(moment))
            session.add(self._notice(moment))
            session.add(self._handover(moment))
            session.add(self._rights(moment))
            self._export(moment)

    def _word(self, name: str, moment: datetime) -> str:
        return self.thing(name, lambda now: self.over(name, moment, now))

    def _refused(self, moment: datetime) -> RefusedItem:
        return RefusedItem(
            day=moment.date(), lot=0.5, post_id=uuid4(), source="stream", platform="bluesky",
            text=self._word("refused", moment), published_at=moment, refused_at=moment,
        )  # fmt: skip

    def _notice(self, moment: datetime) -> Notification:
        word = self._word("notices", moment)
        return Notification(
            key=word, kind=NotificationKind.BRIEF, channel_kind=ChannelKind.EMAIL, recipient="person:ann",
            address=f"{word}@example.org", subject=word, text=word, state=NotificationState.DELIVERED,
            created_at=moment, due_at=moment,
        )  # fmt: skip

    def _handover(self, moment: datetime) -> HandoverNote:
        word = self._word("shifts", moment)
        return HandoverNote(desk=Desk.COMMS, words=word, written_by=self.person.id, written_at=moment)

    def _rights(self, moment: datetime) -> RightsRequest:
        word = self._word("rights", moment)
        return RightsRequest(
            kind=RightsKind.ACCESS, reference=word, permalinks=[f"https://social.example/{word}"], received_at=moment,
            due_at=moment, entered_by="ann", entered_at=moment, answered_at=moment,
        )  # fmt: skip

    def _export(self, moment: datetime) -> None:
        word = self._word("exports", moment)
        folder = self.folder / "exports" / f"GH-{len(self.things)}"
        folder.mkdir()
        path = folder / "posts.jsonl"
        path.write_text(word)
        os.utime(path, (moment.timestamp(), moment.timestamp()))

    # what happens to it

    def delete_some(self, now: datetime) -> None:
        """Authors delete some posts; what the collector is told it does at once."""
        standing = [post for post in self.posts if post.deleted_at is None]
        chosen: list[Told] = self.random.sample(standing, min(len(standing), 3))
        with Session(self.engine) as session:
            take_away(session, [post.row.id for post in chosen], "deleted by its author", now=now)
            session.commit()
        for post in chosen:
            post.deleted_at = now

    def release_some(self, now: datetime) -> None:
        """Some holds are released."""
        for standing in self.holds:
            if standing.stands(now) and self.random.random() < 0.3:
                standing.ends_at = now
                with Session(self.engine) as session:
                    row = session.get_one(Hold, standing.row.id)
                    row.ended_at, row.ended_because = now, "no longer needed"
                    session.commit()


def person_of(world: World) -> Person:
    return world.person


def ids_of(posts: list[Told]) -> list[UUID]:
    return [post.row.id for post in posts]
