"""Sources in every state there is, with what hangs on them, for pages that show them."""

from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session

from collector.evidence_records import QuotaUse, WatchEvent
from collector.quotas import day_of
from collector.records import Gap, Grade, SourceRow, Tally, minute_of

HOUR = timedelta(hours=1)
ODD = "odd <b>&\"'?#% name"


def make_source(name: str, now: datetime, **given: Any) -> SourceRow:
    """A source that was read a minute ago and is due in ten."""
    given = {
        "kind": "feed",
        "url": f"https://news.example/{len(name)}",
        "every_s": 600,
        "grade": Grade.B,
        "basis": "publisher's public feed, written for tests",
        "due_at": now + timedelta(minutes=10),
        "last_success_at": now - timedelta(minutes=1),
        "last_tried_at": now - timedelta(minutes=1),
        **given,
    }
    return SourceRow(name=name, **given)


def seed_states(session: Session, *, now: datetime) -> None:
    """One source in each state: failing, quiet, paused, stopped, overdue, resting, streaming, off; one with gaps."""
    lost = {
        "failures": 9,
        "last_success_at": now - 5 * HOUR,
        "error": "the server answers 403",
        "remedy": "Ask them",
    }
    quiet = {"rhythm_s": 7200.0, "newest_at": now - 96 * HOUR, "quiet_since": now - 96 * HOUR}
    paused = {"paused_until": now + 5 * HOUR, "paused_by": "Amira K.", "paused_because": "they move house"}
    term = {"kind": "reddit", "term": "london police", "owner": "Duty team", "reason": "first-hand reports"}
    stopped = {**term, "stops_at": now - HOUR, "stops_because": "no agreement for reddit is recorded"}
    for name, given in (
        ("barnet-bugle", {"boroughs": ["Barnet"], **lost}),
        ("ealing-echo", {"boroughs": ["Ealing"], **quiet}),
        ("brent-brief", {"boroughs": ["Brent", "Ealing"], **paused}),
        ("reddit-search", stopped),
        ("sutton-sun", {"boroughs": ["Sutton"], "due_at": now - HOUR, "last_success_at": now - 2 * HOUR}),
        ("merton-mail", {"boroughs": ["Merton"], "rest_until": now + timedelta(minutes=12)}),
        ("camden-call", {"boroughs": ["Camden"], "failures": 1, "error": "no answer", "remedy": "Wait"}),
        (
            "youtube-words",
            {**term, "kind": "youtube", "stops_at": now + 99 * HOUR, "stops_because": "it expires"},
        ),
        ("bexley-bee", {"boroughs": ["Bexley"], "enabled": False}),
        ("new-news", {"last_success_at": None, "last_tried_at": None, "boroughs": ["Enfield"]}),
        (ODD, {"boroughs": ["Camden"], "error": "<script>alert(1)</script>"}),
    ):
        session.add(make_source(name, now, **given))
    _seed_gazette(session, now)
    session.add(QuotaUse(bucket="youtube", day=day_of(now), used=1_234))
    session.commit()


def _seed_gazette(session: Session, now: datetime) -> None:
    rhythm = {"rhythm_s": 3600.0, "newest_at": now - HOUR, "paced_s": 1800, "last_post_at": now - HOUR}
    session.add(make_source("hackney-gazette", now, boroughs=["Hackney"], tag="hackney", **rhythm))
    for ago, seen in ((0, 40), (24, 90), (24 * 29, 7), (24 * 31, 900)):
        minute = minute_of(now - ago * HOUR)
        session.add(
            Tally(source="hackney-gazette", minute=minute, seen=seen, stored=3, known=2, dropped=seen - 5)
        )
    for ago, closed in ((5, None), (40, None), (300, now - 200 * HOUR)):
        session.add(
            Gap(
                source="hackney-gazette",
                from_at=now - (ago + 3) * HOUR,
                until_at=now - ago * HOUR,
                because="everything in the feed is newer than the last fetch",
                found_at=now - ago * HOUR,
                closed_at=closed,
            )
        )
    for name, sources in (("verdict", ["hackney-gazette"]), ("carnival", ["ealing-echo"])):
        session.add(
            WatchEvent(
                name=name,
                every_s=60,
                from_at=now - HOUR,
                until_at=now + 5 * HOUR,
                sources=sources,
                because="a verdict is expected",
            )
        )
