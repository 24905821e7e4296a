"""A made-up house for retention: posts in every place a post can be, records of every sort, each with a mark.

`model.py` says when each may go.
"""

import hashlib
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any
from uuid import uuid4

from sqlalchemy import Engine
from sqlmodel import Session

from collector.evidence import note_custody
from collector.evidence_records import PostVersion, SealedAuthor
from collector.footage_records import Footage, Frame, Look
from collector.records import Media, PostKey, Sighting
from collector.refused_records import RefusedItem
from collector.video.files import Files
from responders.retention.posts import take_away
from responders.retention.running import Place
from tests.conftest import LOG_KEY
from tests.make import make_alert, make_assessment, make_case, make_person, make_post, make_source
from tests.responders.retention.model import Known, Model, Standing, Told
from triage.claim_records import ClaimSighting, KnownClaim, Question, SightingState
from triage.hold_records import Hold, HoldScope
from triage.log import Line, note
from triage.notification_records import ChannelKind, Notification, NotificationKind, NotificationState
from triage.records import Desk, Membership, Routing, Status
from triage.retention_policy import RetentionPolicy
from triage.rights_records import RightsKind, RightsRequest
from triage.searching import keep_words
from triage.shift_records import HandoverNote
from triage.statement_records import Statement

EPOCH = datetime(2026, 7, 14, 12, 0, tzinfo=UTC)
SOURCES = {"stream": "jetstream", "toots": "mastodon", "videos": "youtube"}
DAYS = ("1d", "14d", "30d", "200d")
PERIODS = ("1h", "12h", "72h", "5d", "14d", "30d", "90d")


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
        self.engine, self.folder, self.random = engine, folder, random
        self.model = Model(policy)
        self.files = Files(folder / "media")
        (folder / "exports").mkdir(parents=True)
        self.place = Place(
            engine, policy, folder, self.files, timedelta(days=30), folder / "vault", LOG_KEY, b"permalinks"
        )

    def ago(self, most_days: float) -> datetime:
        return EPOCH - timedelta(seconds=self.random.randrange(int(most_days * 86_400)))

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
        words = [post.row.id for post in self.model.posts if post.cases]
        keep_words(session, words)
        custody = [post.row.id for post in self.model.posts if post.in_custody]
        note_custody(session, custody, "collected", who="collector", now=EPOCH)
        session.commit()

    def _case(self, session: Session) -> None:
        opened = self.ago(500)
        status = self.random.choice(
            [Status.CONFIRMED, Status.DETECTED, Status.CLOSED, Status.NOISE, Status.CLOSED]
        )
        case = Known(make_case())
        told = self.model.thing(
            "case", lambda now: self.model.case_due(case, now), lambda now: self.model.case_held(case, now)
        )
        case.row = make_case(
            title=told, severity=self.random.randint(1, 5), status=status, opened_at=opened,
            touched_at=opened + (EPOCH - opened) * self.random.random(), sources=[self.random.choice([*SOURCES])],
        )  # fmt: skip
        self.model.cases.append(case)
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
        line = self.model.thing(
            "line of the log",
            lambda now: self.model.over("audit", moment, now),
            lambda now: self.model.case_held(case, now),
        )
        note(session, [Line("noted", case.row.id, line)], who="ann", now=moment)
        session.commit()

    def _post(self, session: Session) -> None:
        random = self.random
        source = random.choice([*SOURCES])
        collected = self.ago(random.choice((3, 20, 60, 120)))
        decided = None if random.random() < 0.15 else collected + timedelta(minutes=random.randrange(90))
        post = Told(make_post(), SOURCES[source], decided)
        word = self.model.thing(
            "post", lambda now: self.model.post_due(post, now), lambda now: self.model.post_held(post, now)
        )
        post.row = make_post(
            f"Police on Mare Street {word}", title=f"Seen {word}", collected_at=collected, source=source,
            platform=SOURCES[source] if source == "videos" else "bluesky", url=f"https://social.example/{word}",
            external_id=f"at://{word}", published_at=collected, author_key=b"a" * 16, checked_at=None,
        )  # fmt: skip
        chosen = random.sample(self.model.cases, random.choice((0, 0, 1, 1, 2)))
        for case in chosen:
            joined = min(EPOCH, collected + timedelta(hours=random.randrange(48)))
            sure = random.random() < 0.75
            post.cases.append((case, sure, joined))
            case.posts.append(post)
            session.add(
                Membership(post_id=post.row.id, case_id=case.row.id, sure=sure, how="x", joined_at=joined)
            )
        self.model.posts.append(post)
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
                given = {"case_id": random.choice(self.model.cases).row.id}
            elif scope == HoldScope.POST:
                given = {"post_id": random.choice(self.model.posts).row.id}
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
            self.model.holds.append(Standing(row, ends))

    def _others(self, session: Session) -> None:
        for _ in range(3):
            moment = self.ago(120)
            session.add(self._refused(moment))
            session.add(self._notice(moment))
            session.add(self._handover(moment))
            session.add(self._rights(moment))
            self._export(moment)

    def _word(self, name: str, moment: datetime) -> str:
        return self.model.thing(name, lambda now: self.model.over(name, moment, now))

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
        folder = self.folder / "exports" / f"GH-{len(self.model.things)}"
        folder.mkdir()
        path = folder / "posts.jsonl"
        path.write_text(word)
        os.utime(path, (moment.timestamp(), moment.timestamp()))

    # what happens to it

    def delete_some(self, now: datetime) -> None:
        """Authors delete some posts; what the collector is told it does at once."""
        standing = [post for post in self.model.posts if post.deleted_at is None]
        chosen: list[Told] = self.random.sample(standing, min(len(standing), 3))
        with Session(self.engine) as session:
            take_away(session, [post.row.id for post in chosen], "deleted by its author", now=now)
            session.commit()
        for post in chosen:
            post.deleted_at = now

    def release_some(self, now: datetime) -> None:
        """Some holds are released."""
        for standing in self.model.holds:
            if standing.stands(now) and self.random.random() < 0.3:
                standing.ends_at = now
                with Session(self.engine) as session:
                    row = session.get_one(Hold, standing.row.id)
                    row.ended_at, row.ended_because = now, "no longer needed"
                    session.commit()
