"""The growth of cases as routing sees it: what came in, by the minute, in one statement for each batch.

Counts only. Of authors nothing is kept but a count (triage/voices.py); what a withdrawn post made stays counted.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlmodel import Session

from collector.records import Post, minute_of
from triage.casework import Placed
from triage.custody import voice_in
from triage.voices import NOBODY, count, heard

KEPT = timedelta(days=60)  # of the pace of the stream, which is compared over four weeks

_HEARD = text("SELECT case_id, voices FROM spreads WHERE case_id = ANY(:cases)")
_KEEP = text("""
    WITH spread AS (
        INSERT INTO spreads (case_id, voices, accounts, platforms, viewed, told, told_pace)
        SELECT case_id, decode(voices, 'hex'), accounts, platforms, 0, 0, 0
        FROM jsonb_to_recordset(CAST(:spreads AS jsonb))
            AS s (case_id uuid, voices text, accounts int, platforms text[])
        ON CONFLICT (case_id) DO UPDATE SET voices = excluded.voices, accounts = excluded.accounts,
            platforms = ARRAY(SELECT DISTINCT unnest(spreads.platforms || excluded.platforms) ORDER BY 1)
    ), stream AS (
        INSERT INTO stream_paces (at, posts)
        SELECT at, posts FROM jsonb_to_recordset(CAST(:stream AS jsonb)) AS s (at timestamptz, posts int)
        ON CONFLICT (at) DO UPDATE SET posts = stream_paces.posts + excluded.posts
    )
    INSERT INTO growth (case_id, at, posts, voices, sources, platforms)
    SELECT case_id, at, posts, voices, sources, platforms FROM jsonb_to_recordset(CAST(:minutes AS jsonb))
        AS g (case_id uuid, at timestamptz, posts int, voices int, sources text[], platforms text[])
    ON CONFLICT (case_id, at) DO UPDATE SET
        posts = growth.posts + excluded.posts, voices = growth.voices + excluded.voices,
        sources = ARRAY(SELECT DISTINCT unnest(growth.sources || excluded.sources) ORDER BY 1),
        platforms = ARRAY(SELECT DISTINCT unnest(growth.platforms || excluded.platforms) ORDER BY 1)
""")


class Came(NamedTuple):
    """What the ledger asks of a post."""

    published_at: datetime
    source: str
    platform: str
    author_key: bytes | None


def keep_growth(session: Session, placed: Sequence[Placed], new: Collection[UUID], *, now: datetime) -> None:
    """Count these posts to their cases, and those that are `new` to the stream."""
    by_case: dict[UUID, list[Came]] = {}
    for each in placed:
        if each.case is not None and not each.stands:
            by_case.setdefault(each.case, []).append(_came(each))
    voices = _voices(session, list(by_case))
    stream = Counter(
        minute_of(min(each.arrival.published_at, now)) for each in placed if each.arrival.id in new
    )
    _keep(session, by_case, voices, stream, now=now)


def count_anew(session: Session, case_id: UUID, posts: Iterable[Post], *, now: datetime) -> None:
    """Count a case from its posts, after people or footage moved some in or out."""
    session.execute(text("DELETE FROM growth WHERE case_id = :case"), {"case": case_id})
    came = [Came(each.published_at, each.source, each.platform, each.author_key) for each in posts]
    _keep(session, {case_id: came}, {}, {}, now=now)


def forget_paces(session: Session, *, now: datetime) -> None:
    """Let the old pace of the stream go. The caller commits."""
    session.execute(text("DELETE FROM stream_paces WHERE at < :before"), {"before": now - KEPT})


def _came(placed: Placed) -> Came:
    arrival = placed.arrival
    return Came(arrival.published_at, arrival.source, arrival.platform, arrival.author_key)


def _voices(session: Session, cases: Sequence[UUID]) -> dict[UUID, bytes]:
    return {case: bytes(voices) for case, voices in session.execute(_HEARD, {"cases": cases})}


def _keep(
    session: Session,
    by_case: Mapping[UUID, Sequence[Came]],
    voices: Mapping[UUID, bytes],
    stream: Mapping[datetime, int],
    *,
    now: datetime,
) -> None:
    spreads: list[dict[str, Any]] = []
    minutes: list[dict[str, Any]] = []
    for case, came in by_case.items():
        registers = voices.get(case, NOBODY)
        for at, posts in _by_minute(came, now).items():
            known = count(registers)
            registers = heard(registers, _digests(case, posts))
            minutes.append(_minute(case, at, posts, count(registers) - known))
        platforms = sorted({each.platform for each in came})
        spreads.append(
            {"case_id": case, "voices": registers.hex(), "accounts": count(registers), "platforms": platforms}
        )
    streamed = [{"at": at, "posts": posts} for at, posts in sorted(stream.items())]
    session.execute(_KEEP, {"spreads": _json(spreads), "stream": _json(streamed), "minutes": _json(minutes)})


def _minute(case: UUID, at: datetime, posts: Sequence[Came], voices: int) -> dict[str, Any]:
    return {
        "case_id": case,
        "at": at,
        "posts": len(posts),
        "voices": max(0, voices),
        "sources": sorted({each.source for each in posts}),
        "platforms": sorted({each.platform for each in posts}),
    }


def _by_minute(came: Iterable[Came], now: datetime) -> dict[datetime, list[Came]]:
    """In order. What claims to be from the future came now."""
    found: dict[datetime, list[Came]] = {}
    for each in sorted(came, key=lambda each: each.published_at):
        found.setdefault(minute_of(min(each.published_at, now)), []).append(each)
    return found


def _digests(case: UUID, posts: Iterable[Came]) -> list[bytes]:
    return [voice_in(case, each.author_key) for each in posts if each.author_key]


def _json(rows: Sequence[dict[str, Any]]) -> str:
    return msgspec.json.encode(rows).decode()
