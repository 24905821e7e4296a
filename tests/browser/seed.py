"""A busy night in an invented city: cases, posts, clocks, alerts and drafts, all written for these tests."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import NamedTuple
from uuid import UUID, uuid4

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from sqlmodel import Session, SQLModel

from classifier.records import Assessment
from collector.records import Grade, Post, SourceRow, Tally, minute_of
from tests.browser.night import CLOCKS, NIGHT, Told
from tests.browser.seed_growth import seed_growth
from tests.make import make_assessment, make_case, make_post
from triage.log import MACHINE, Line, note
from triage.records import (
    Alert,
    AlertState,
    Case,
    Clock,
    Delivery,
    DeliveryState,
    Desk,
    Heartbeat,
    Membership,
    Person,
    Routing,
    Status,
)
from triage.review.meeting_records import Review, ReviewItem
from triage.statement_records import Statement

PASSWORD = "three calm lamps"


PLATFORMS = ("bluesky", "mastodon", "feed")


class Seeded(NamedTuple):
    """Who is there to sign in, and the cases, gravest first as in NIGHT."""

    officer: Person
    secretary: Person
    cases: list[Case]


@cache
def password_hash() -> str:
    """Of the same kind as any, but quickly made and compared."""
    return PasswordHash((Argon2Hasher(time_cost=1, memory_cost=64, parallelism=1),)).hash(PASSWORD)


def seed_people(session: Session, *, now: datetime) -> tuple[Person, Person]:
    """Two people with the same password: a comms officer and the oversight secretary."""
    made = (
        Person(
            username="amira",
            name="Amira K.",
            desks=["comms", "oversight"],
            roles=["triage", "duty_officer", "approver", "oversight_reviewer"],
            created_at=now,
            password_hash=password_hash(),
        ),
        Person(
            username="tom",
            name="Tom B.",
            desks=["oversight"],
            roles=["triage", "oversight_reviewer"],
            created_at=now,
            password_hash=password_hash(),
        ),
    )
    session.add_all(made)
    session.commit()
    return made


def seed_watch(session: Session, *, now: datetime, blind: bool = False) -> None:
    """Sources and parts that are alive; with `blind`, one source that has failed for forty minutes."""
    for number, name in enumerate(("hackney-herald", "lambeth-eye", "mastodon-london", "bluesky")):
        lost = blind and name == "mastodon-london"
        session.add(
            SourceRow(
                name=name,
                kind="feed",
                url=f"https://news.example/{name}",
                every_s=180,
                grade=Grade.B,
                boroughs=["Hackney", "Lambeth"][number : number + 1],
                basis="written for tests",
                due_at=now + timedelta(hours=1),
                last_success_at=now - timedelta(minutes=40 if lost else 1),
                failures=9 if lost else 0,
                error="the server does not answer" if lost else None,
            )
        )
        for minutes in (2, 30, 600):
            session.add(
                Tally(
                    source=name,
                    minute=minute_of(now - timedelta(minutes=minutes)),
                    seen=400,
                    stored=12,
                    known=8,
                    dropped=380,
                )
            )
    for part in ("web", "schedule", "listen", "work-1", "work-2"):
        session.add(Heartbeat(part=part, host="desk-1", pid=100, beat_at=now))
    session.commit()


def seed_night(
    session: Session, officer: Person, other: Person, *, now: datetime, cases: int = 24, posts: int = 14
) -> list[Case]:
    """The cases of NIGHT with all that hangs on them, each with so many posts at most."""
    night = NIGHT[:cases]
    made = [_case(told, now) for told in night]
    _add(session, made)
    held = [[_post(told, number, now) for number in range(min(told.posts, posts))] for told in night]
    _add(session, [post for each in held for post in each])
    alerts = [_alerts(case, told) for case, told in zip(made, night, strict=True)]
    _add(session, [alert for each in alerts for alert in each])
    for case, told, its_posts, its_alerts in zip(made, night, held, alerts, strict=True):
        session.add_all(_joined(case, told, its_posts, now))
        session.add_all(_clocks(case, told))
        session.add_all(_delivery(alert, told) for alert in its_alerts)
        if told.severity < 4:
            session.add(_draft(case, told, case.opened_at))
        opening = Line("case opened", case.id, "rule: force reported, Met likely")
        note(session, [opening], who=MACHINE, now=case.opened_at)
    session.commit()
    for at, holder in (
        (1, other),
        (3, officer),
        (4, other),
        (7, officer),
        (9, other),
        (10, other),
        (12, officer),
    ):
        if at < len(made):
            made[at].claimed_by, made[at].claimed_until = holder.id, now + timedelta(minutes=7 + at)
    meeting = Review(meets_at=now + timedelta(days=6), created_at=now)
    session.add(meeting)
    session.flush()
    for each in made[:6]:
        session.add(
            ReviewItem(case_id=each.id, review_id=meeting.id, because="force is reported", listed_at=now)
        )
    _seed_dropped(session, now=now)
    session.commit()
    seed_growth(session, made, now=now)
    for each in made:
        session.refresh(each)
    return made


def seed(session: Session, *, now: datetime, posts: int = 14) -> Seeded:
    """Everything: people, sources, a full night."""
    officer, secretary = seed_people(session, now=now)
    seed_watch(session, now=now, blind=True)
    return Seeded(officer, secretary, seed_night(session, officer, secretary, now=now, posts=posts))


def _add(session: Session, rows: Sequence[SQLModel]) -> None:
    """What others refer to goes first, all of a kind at once."""
    session.add_all(rows)
    session.flush()


def _case(told: Told, now: datetime) -> Case:
    opened = now - timedelta(minutes=told.minutes)
    return make_case(
        title=told.title,
        place=told.place,
        borough=told.borough,
        bcu=told.bcu,
        type=told.type,
        severity=told.severity,
        severity_parts={
            "harm": 5 - told.severity,
            "conduct": 2.0,
            "reach": 1.0,
            "score": 0.61,
            "triggers": [told.signals[0][0]] if told.severity == 1 else [],
        },
        incident=0.93 - told.severity / 10,
        force="met" if told.severity < 4 else "unknown",
        status=Status(told.status),
        desks=["comms", "oversight"] if told.severity < 4 else ["comms"],
        opened_at=opened,
        first_published_at=opened - timedelta(minutes=3),
        last_post_at=now - timedelta(minutes=told.minutes // 6),
        post_count=told.posts,
        source_count=min(told.posts, 3),
    )


def _post(told: Told, number: int, now: datetime) -> Post:
    late = told.minutes * (number / 14) ** 0.5
    return make_post(
        told.text if number % 3 else f"{told.text}{' Please share.' * (number // 3)}",
        platform=PLATFORMS[number % 3],
        source="bluesky",
        has_video=number == 0,
        author_key=bytes([number % 9]) * 8,
        url=f"https://social.example/posts/{uuid4().hex}",
        collected_at=now,
        published_at=now - timedelta(minutes=told.minutes + 3 - late),
    )


def _joined(case: Case, told: Told, posts: list[Post], now: datetime) -> Iterator[SQLModel]:
    """What hangs on the posts of a case; the last of many is not surely its own."""
    for number, post in enumerate(posts):
        yield Membership(
            post_id=post.id,
            case_id=case.id,
            sure=not (number and post is posts[-1] and told.severity < 3),
            score=0.82,
            how="same words" if number else "opened the case",
            joined_at=now,
        )
        yield _assessment(post, told, now=now)
        yield _routing(post, case.id, now)


def _assessment(post: Post, told: Told, *, now: datetime) -> Assessment:
    return make_assessment(
        post,
        at=now,
        incident=0.9 - told.severity / 20,
        severity=1 - told.severity / 5,
        type=told.type,
        unverified=0.7 if told.severity == 1 else 0.1,
        signals=[_signal(told.text, words, why) for words, why in told.signals],
        places=[{"text": told.place, "name": told.place, "borough": told.borough, "bcu": told.bcu, "p": 0.9}],
    )


def _signal(text: str, words: str, why: str) -> dict[str, object]:
    start = text.index(words)
    return {"name": "force", "score": 0.8, "start": start, "end": start + len(words), "because": why}


def _clocks(case: Case, told: Told) -> Iterator[Clock]:
    for name, desk, minutes in CLOCKS[told.severity]:
        done = told.status != "detected" and name == "acknowledge"
        yield Clock(
            case_id=case.id,
            name=name,
            desk=Desk(desk),
            started_at=case.opened_at,
            due_at=case.opened_at + timedelta(minutes=minutes),
            stopped_at=case.opened_at + timedelta(minutes=3) if done else None,
            stopped_by="tom" if done else None,
        )


def _alerts(case: Case, told: Told) -> list[Alert]:
    done = told.status != "detected"
    return [
        Alert(
            case_id=case.id,
            desk=Desk(desk),
            priority="critical" if told.severity == 1 else "high",
            rule="force reported",
            raised_at=case.opened_at,
            state=AlertState.ACKNOWLEDGED if done else AlertState.OPEN,
            acknowledged_at=case.opened_at + timedelta(minutes=3) if done else None,
        )
        for desk in case.desks
    ]


def _delivery(alert: Alert, told: Told) -> Delivery:
    failed = told.severity == 4 and told.posts == 140
    return Delivery(
        alert_id=alert.id,
        channel="slack:#golden-hour",
        state=DeliveryState.FAILED if failed else DeliveryState.DELIVERED,
        due_at=alert.raised_at,
        attempts=1,
        delivered_at=None if failed else alert.raised_at,
        error="channel_not_found" if failed else None,
    )


def _draft(case: Case, told: Told, opened: datetime) -> Statement:
    return Statement(
        case_id=case.id,
        template="aware",
        drafted_at=opened,
        missing=["time of the encounter", "body-worn video reviewed"],
        text=f"We are aware of posts about an incident said to have happened at {told.place}, {told.borough}.\n\n"
        "We are establishing the facts and will say more when we can confirm them. If you saw what happened, "
        "please call 101.\n\nNext update: within the hour.",
        facts=[{"name": "place", "value": told.place, "source": f"{told.posts} posts"}],
    )


def _routing(post: Post, case_id: UUID | None, now: datetime, rule: str = "force reported") -> Routing:
    outcome = "raised" if case_id else "dropped"
    return Routing(
        post_id=post.id,
        at=now,
        model="test-1",
        rule=rule,
        outcome=outcome,
        because="reports force by officers of the Met" if case_id else "reads as fiction",
        case_id=case_id,
    )


def _seed_dropped(session: Session, *, now: datetime) -> None:
    posts = [
        make_post(
            f"New episode tonight: the police chase of series {number}, what a stunt",
            url=f"https://social.example/tv/{number}",
        )
        for number in range(7)
    ]
    _add(session, posts)
    session.add_all(make_assessment(post, incident=0.08, severity=0.0, type="none") for post in posts)
    session.add_all(_routing(post, None, now, rule="fiction") for post in posts)
