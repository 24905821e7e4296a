"""How the cases of the night grew: every one by its posts, the gravest in a flood with an outlet and a burst."""

import hashlib
from datetime import datetime, timedelta
from uuid import UUID

from sqlmodel import Session

from collector.records import minute_of
from triage.growth_records import Growth, Spread, StreamPace
from triage.records import Alert, AlertState, Case, Desk
from triage.voices import NOBODY, count, heard

FLOOD = (0, 1, 0, 2, 1, 3, 2, 4, 9, 21, 34, 52, 61, 48, 66)  # posts in the last steps of five minutes


def seed_growth(session: Session, cases: list[Case], *, now: datetime) -> None:
    """A ledger for each case, the pace of four weeks, and a growth update for the first."""
    for case in cases[1:]:
        minutes = max(int((now - case.first_published_at).total_seconds() // 60), 1)
        posts = {
            minute_of(case.first_published_at + timedelta(minutes=minutes * nth // 12)): 1 + nth % 3
            for nth in range(min(case.post_count, 12))
        }
        session.add_all(
            Growth(case_id=case.id, at=at, posts=number, voices=1, sources=["bluesky"])
            for at, number in posts.items()
        )
        session.add(_spread(case.id, case.post_count))
    _flood(session, cases[0], now=now)
    for week in range(1, 5):
        session.add(StreamPace(at=minute_of(now - timedelta(weeks=week)), posts=1_800 + 60 * week))
    session.add(StreamPace(at=minute_of(now), posts=560))
    session.commit()


def _flood(session: Session, case: Case, *, now: datetime) -> None:
    for nth, posts in enumerate(reversed(FLOOD)):
        at = minute_of(now - timedelta(minutes=5 * nth + 1))
        sources = ["bluesky", "hackney-herald"] if nth < 3 else ["bluesky"]
        session.add(
            Growth(
                case_id=case.id,
                at=at,
                posts=posts,
                voices=posts * 3 // 4,
                sources=sources,
                platforms=["bluesky", "mastodon"],
            )
        )
    begun = now - timedelta(minutes=20)
    spread = _spread(case.id, 231)
    spread.views, spread.viewed, spread.spiking_at, spread.told = 412_800, 37, begun, 1
    spread.pick_ups = [
        {"name": "hackney-herald", "kind": "outlet", "at": begun.isoformat(), "first": False},
        {
            "name": "bluesky 1",
            "kind": "post",
            "platform": "bluesky",
            "at": begun.isoformat(),
            "views": 122_400,
        },
    ]
    spread.coordinated = [
        {
            "what": "words",
            "accounts": 41,
            "posts": 44,
            "from": begun.isoformat(),
            "until": (begun + timedelta(seconds=52)).isoformat(),
            "post": str(UUID(int=1)),
        }
    ]
    session.add(spread)
    session.add(
        Alert(
            case_id=case.id,
            desk=Desk.COMMS,
            growth=1,
            says="127 posts in ten minutes, picked up by hackney-herald",
            priority="high",
            rule="growth",
            state=AlertState.ACKNOWLEDGED,
            raised_at=begun,
        )
    )


def _spread(case: UUID, accounts: int) -> Spread:
    voices = heard(NOBODY, (hashlib.sha256(f"{case}{nth}".encode()).digest() for nth in range(accounts)))
    return Spread(case_id=case, voices=voices, accounts=count(voices), platforms=["bluesky", "mastodon"])
