"""An early signal: what was to be seen of a case in its first hour, and how often such cases escalated later.

Of cases the oversight group reviewed, because of the others nobody knows. It counts, with intervals, and explains
nothing: cases come from what people post, and reviewed ones are chosen. It is never used to judge a new case by itself.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session, col, select

from triage.growth_records import Growth
from triage.overrides import SET
from triage.records import Case, LogEntry
from triage.review.finding_records import Finding, Referral
from triage.review.meeting_records import Review
from triage.sampling import wilson

HOUR = timedelta(hours=1)
SURE = 0.5  # a signal this strong counts
FLOOR = 5  # fewer than so many cases are not shown
MANY = 10  # posts
QUIET, ANEW = (
    timedelta(hours=48),
    timedelta(hours=24),
)  # a re-eruption: quiet for so long, then MANY posts within
RAISED, REFERRED, ERUPTED = "severity raised", "conduct or referral", "erupted again"
VIDEO, TEN_POSTS, SEVERAL = "shows video", "ten posts or more", "three platforms or more"

_FIRST = text("""
    WITH first AS (
        SELECT c.id, m.post_id FROM cases c
        JOIN memberships m ON m.case_id = c.id AND m.sure AND m.joined_at <= c.opened_at + CAST(:hour AS interval)
        WHERE c.id = ANY(CAST(:cases AS uuid[]))
    )
    SELECT f.id, a.signals, p.has_video, p.platform, f.post_id FROM first f
    JOIN posts p ON p.id = f.post_id
    JOIN LATERAL (SELECT signals FROM assessments WHERE post_id = f.post_id ORDER BY at DESC LIMIT 1) a ON true
""")


class Part(NamedTuple):
    """Of so many cases so many escalated; `low` and `high` bound the share (95%, Wilson)."""

    escalated: int
    cases: int
    share: float
    low: float
    high: float


class EarlySignal(NamedTuple):
    """Cases that had a signal in the first hour beside those that had not. `odds` is the ratio of their odds to
    escalate (with half a case added to each count). `apart`: the intervals do not overlap."""

    name: str
    having: Part
    lacking: Part
    odds: float
    apart: bool


class Foretold(NamedTuple):
    """`left_out` are reviewed cases of whose first hour no post is stored any more. `too_few` are the signals that
    fewer than FLOOR cases had or lacked, or of which fewer than FLOOR escalated or did not."""

    since: datetime
    until: datetime
    cases: int
    escalated: int
    by: dict[str, int]
    left_out: int
    signals: list[EarlySignal]
    too_few: list[str]


def foretold(session: Session, since: datetime, until: datetime) -> Foretold:
    """Of the cases reviewed at meetings from `since` on and before `until` that the session may see; the highest odds
    first."""
    opened = _reviewed(session, since, until)
    had = _first_hour(session, list(opened))
    came = _escalated(session, {case: at for case, at in opened.items() if case in had})
    names = sorted({name for names in had.values() for name in names})
    found, too_few = [], []
    for name in names:
        signal = _signal(name, had, came)
        if signal is None:
            too_few.append(name)
        else:
            found.append(signal)
    by = {kind: sum(kind in kinds for kinds in came.values()) for kind in (RAISED, REFERRED, ERUPTED)}
    return Foretold(
        since=since,
        until=until,
        cases=len(had),
        escalated=len(came),
        by=by,
        left_out=len(opened) - len(had),
        signals=sorted(found, key=lambda each: (-each.odds, each.name)),
        too_few=too_few,
    )


def _reviewed(session: Session, since: datetime, until: datetime) -> dict[UUID, datetime]:
    """When the cases with a finding that stands, on their merits, were opened."""
    asked = (
        select(Case.id, Case.opened_at)
        .join(Finding, col(Finding.case_id) == col(Case.id))
        .join(Review, col(Review.id) == col(Finding.review_id))
        .where(
            col(Finding.superseded_at).is_(None), col(Finding.reviewed),
            col(Review.meets_at) >= since, col(Review.meets_at) < until,
        )
    )  # fmt: skip
    return {case: opened_at for case, opened_at in session.exec(asked)}


def _first_hour(session: Session, cases: Sequence[UUID]) -> dict[UUID, set[str]]:
    """What was to be seen of each in its first hour; of those of which a post is stored."""
    found: dict[UUID, set[str]] = defaultdict(set)
    posts: dict[UUID, set[UUID]] = defaultdict(set)
    platforms: dict[UUID, set[str]] = defaultdict(set)
    for case, signals, video, platform, post in session.execute(_FIRST, {"cases": list(cases), "hour": HOUR}):
        found[case] |= {str(each["name"]) for each in signals or () if each.get("score", 0) >= SURE}
        found[case] |= {VIDEO} if video else set()
        posts[case].add(post)
        platforms[case].add(platform)
    for case, names in found.items():
        if len(posts[case]) >= MANY:
            names.add(TEN_POSTS)
        if len(platforms[case]) >= 3:
            names.add(SEVERAL)
    return dict(found)


def _escalated(session: Session, opened: Mapping[UUID, datetime]) -> dict[UUID, set[str]]:
    """How cases escalated after their first hour; those that did not are left out."""
    found: dict[UUID, set[str]] = defaultdict(set)
    lines = select(LogEntry).where(
        col(LogEntry.case_id).in_(opened), col(LogEntry.what).in_(("severity raised", SET))
    )
    for entry in session.exec(lines):
        case = entry.case_id
        if case and entry.at > opened[case] + HOUR and _is_graver(entry):
            found[case].add(RAISED)
    concerned = select(Finding.case_id).where(
        col(Finding.case_id).in_(opened), col(Finding.concern), col(Finding.superseded_at).is_(None)
    )
    referred = select(Referral.case_id).where(
        col(Referral.case_id).in_(opened), col(Referral.superseded_at).is_(None)
    )
    for case in {*session.exec(concerned), *session.exec(referred)}:
        found[case].add(REFERRED)
    for case in _erupted(session, list(opened)):
        found[case].add(ERUPTED)
    return dict(found)


def _is_graver(entry: LogEntry) -> bool:
    before, after = entry.detail.get("from"), entry.detail.get("severity", entry.detail.get("to"))
    return isinstance(before, int) and isinstance(after, int) and after < before


def _erupted(session: Session, cases: Sequence[UUID]) -> set[UUID]:
    """Cases that were quiet for two days, and then had MANY posts within a day."""
    asked = select(Growth).where(col(Growth.case_id).in_(cases)).order_by(col(Growth.case_id), col(Growth.at))
    minutes: dict[UUID, list[tuple[datetime, int]]] = defaultdict(list)
    for each in session.exec(asked):
        minutes[each.case_id].append((each.at, each.posts))
    return {case for case, counts in minutes.items() if _has_erupted(counts)}


def _has_erupted(counts: Sequence[tuple[datetime, int]]) -> bool:
    begun = [at for (before, _), (at, _) in pairwise(counts) if at - before >= QUIET]
    return any(sum(posts for at, posts in counts if start <= at < start + ANEW) >= MANY for start in begun)


def _signal(name: str, had: Mapping[UUID, set[str]], came: Mapping[UUID, set[str]]) -> EarlySignal | None:
    """None where a count is too small to be shown."""
    having = [case for case, names in had.items() if name in names]
    lacking = [case for case, names in had.items() if name not in names]
    parts = [_part(some, came) for some in (having, lacking)]
    if any(each is None for each in parts):
        return None
    one, other = [each for each in parts if each is not None]
    odds = _odds(one) / _odds(other)
    return EarlySignal(name, one, other, odds, one.low > other.high or other.low > one.high)


def _part(cases: Sequence[UUID], came: Mapping[UUID, set[str]]) -> Part | None:
    escalated = sum(case in came for case in cases)
    calm = len(cases) - escalated
    if len(cases) < FLOOR or 0 < escalated < FLOOR or 0 < calm < FLOOR:
        return None
    return Part(escalated, len(cases), escalated / len(cases), *wilson(escalated, len(cases)))


def _odds(part: Part) -> float:
    return (part.escalated + 0.5) / (part.cases - part.escalated + 0.5)
