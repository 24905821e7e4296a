"""The review pack: a front page of figures, a sheet for each case on the list, and the rows every figure counts.

Made from the records alone: no clock is read, so the same records give the same bytes.
"""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from jinja2 import StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment
from sqlalchemy import or_, select
from sqlmodel import Session, col

from classifier.records import Assessment
from collector.records import Post
from responders.blocks import SHAPES
from responders.figures import (
    Period,
    alerts_raised,
    by_severity,
    cases_opened,
    clocks_due,
    drafts,
    silence,
    sources,
)
from responders.tactics import Tactic, named
from triage.chain import head_of
from triage.claim_records import KnownClaim
from triage.custody import voice_in
from triage.hidden import look_as_anybody
from triage.log import VIEWED
from triage.records import Alert, Case, Clock, LogEntry, Membership, Person, Severity
from triage.release_records import BwvDecision, ReleaseOutcome
from triage.review.meeting_records import Review, ReviewItem
from triage.statement_records import Statement
from triage.track_records import Track

LONDON = ZoneInfo("Europe/London")
PUBLISHERS = {"feed"}  # platforms whose addresses name a publisher, not a person
AT_ONCE = 200  # cases read together


class Sheet(NamedTuple):
    """What the group reads about one case."""

    case: Case
    because: str
    meets_at: datetime
    first_post: "FirstPost | None"
    voices: int
    tactics: list[str]
    labels: list[tuple[str, int]]
    alerts: list[tuple[Alert, str | None]]
    clocks: list[Clock]
    tracks: list[Track]
    claims: list[KnownClaim]
    releases: list[BwvDecision]
    statements: list[Statement]
    log: list[LogEntry]


class FirstPost(NamedTuple):
    """The first post of a case. `url` is None where the address itself would name its author."""

    id: UUID
    source: str
    platform: str
    published_at: datetime
    url: str | None


class Voices(NamedTuple):
    first: FirstPost | None
    authors: int
    reasons: list[str]
    labels: list[tuple[str, int]]


def pack(
    session: Session,
    since: datetime,
    until: datetime,
    *,
    template: str,
    tactics: Sequence[Tactic],
    desk_url: str = "",
) -> str:
    """The full pack for cases opened, and cases listed, from `since` on and before `until`, as one HTML page."""
    look_as_anybody(session)  # the pack goes to people who see no restricted case
    period = Period(since, until)
    cases = cases_opened(session, period)
    listed = _listed(session, period)
    first_drafts = drafts(session, period)
    told: dict[str, Any] = {
        "period": period,
        "last_day": until - timedelta(microseconds=1),
        "cases": cases,
        "severities": by_severity(cases),
        "clocks": clocks_due(session, period),
        "drafts": first_drafts,
        "silence": silence(first_drafts),
        "alerts": alerts_raised(session, period),
        "sources": sources(session, period),
        "refused": _refused(session, period),
        "sheets": [sheet for part in _parts(listed) for sheet in _sheets(session, part, tactics)],
        "desk_url": desk_url.rstrip("/"),
        "head": head_of(session),
    }
    return _environment().from_string(template).render(told)


def _refused(session: Session, period: Period) -> Sequence[tuple[BwvDecision, int]]:
    """Every decision of the period not to release body-worn video, with its case's number; also of cases not listed."""
    asked = (
        select(BwvDecision, col(Case.number))
        .join(Case, col(Case.id) == col(BwvDecision.case_id))
        .where(
            col(BwvDecision.outcome) == ReleaseOutcome.DO_NOT_RELEASE,
            col(BwvDecision.decided_at) >= period.since,
            col(BwvDecision.decided_at) < period.until,
        )
        .order_by(col(BwvDecision.decided_at))
    )
    return session.execute(asked).all()


def _parts(listed: Sequence[Any]) -> list[Sequence[Any]]:
    return [listed[start : start + AT_ONCE] for start in range(0, len(listed), AT_ONCE)]


def _listed(session: Session, period: Period) -> Sequence[tuple[Case, ReviewItem, datetime]]:
    """Cases put on a list in the period, or on the list of a meeting in it, the gravest first."""
    in_period = or_(
        (col(ReviewItem.listed_at) >= period.since) & (col(ReviewItem.listed_at) < period.until),
        (col(Review.meets_at) >= period.since) & (col(Review.meets_at) < period.until),
    )
    asked = (
        select(Case, ReviewItem, col(Review.meets_at))
        .join(ReviewItem, col(ReviewItem.case_id) == col(Case.id))
        .join(Review, col(Review.id) == col(ReviewItem.review_id))
        .where(in_period)
        .order_by(col(Case.severity), col(Case.number), col(Review.meets_at))
    )
    return session.execute(asked).all()


def _sheets(
    session: Session, listed: Sequence[tuple[Case, ReviewItem, datetime]], tactics: Sequence[Tactic]
) -> list[Sheet]:
    ids = [case.id for case, _item, _meets_at in listed]
    voices = _voices(session, ids)
    clocks, tracks, claims, releases, statements, log = (
        _by_case(session.scalars(asked))
        for asked in (
            select(Clock).where(col(Clock.case_id).in_(ids)).order_by(col(Clock.due_at), col(Clock.name)),
            select(Track).where(col(Track.case_id).in_(ids)).order_by(col(Track.name)),
            select(KnownClaim)
            .where(col(KnownClaim.case_id).in_(ids), col(KnownClaim.merged_into).is_(None))
            .order_by(col(KnownClaim.number)),
            select(BwvDecision)
            .where(col(BwvDecision.case_id).in_(ids), col(BwvDecision.decided_at).is_not(None))
            .order_by(col(BwvDecision.decided_at)),
            select(Statement)
            .where(col(Statement.case_id).in_(ids))
            .order_by(col(Statement.template), col(Statement.version)),
            select(LogEntry)
            .where(col(LogEntry.case_id).in_(ids), col(LogEntry.what) != VIEWED)
            .order_by(col(LogEntry.seq)),
        )
    )
    alerts = _alerts(session, ids)
    return [
        Sheet(
            case=case,
            because=item.because,
            meets_at=meets_at,
            first_post=voices[case.id].first,
            voices=voices[case.id].authors,
            tactics=named(tactics, voices[case.id].reasons),
            labels=voices[case.id].labels,
            alerts=alerts.get(case.id, []),
            clocks=clocks.get(case.id, []),
            tracks=tracks.get(case.id, []),
            claims=claims.get(case.id, []),
            releases=releases.get(case.id, []),
            statements=statements.get(case.id, []),
            log=log.get(case.id, []),
        )
        for case, item, meets_at in listed
    ]


def _by_case(rows: Any) -> dict[UUID, list[Any]]:
    found: dict[UUID, list[Any]] = {}
    for row in rows:
        found.setdefault(row.case_id, []).append(row)
    return found


def _alerts(session: Session, ids: Sequence[UUID]) -> dict[UUID, list[tuple[Alert, str | None]]]:
    asked = (
        select(Alert, col(Person.name))
        .outerjoin(Person, col(Person.id) == col(Alert.acknowledged_by))
        .where(col(Alert.case_id).in_(ids))
        .order_by(col(Alert.desk))
    )
    found: dict[UUID, list[tuple[Alert, str | None]]] = {}
    for alert, who in session.execute(asked):
        found.setdefault(alert.case_id, []).append((alert, who))
    return found


def _voices(session: Session, ids: Sequence[UUID]) -> dict[UUID, Voices]:
    """Of each case: its first post, how many different authors, and what the signals say."""
    asked = (
        select(
            col(Membership.case_id),
            col(Post.id),
            col(Post.source),
            col(Post.platform),
            col(Post.published_at),
            col(Post.url),
            col(Post.author_key),
            col(Post.withdrawn_at),
        )
        .join(Post, col(Post.id) == col(Membership.post_id))
        .where(col(Membership.case_id).in_(ids), col(Membership.sure))
        .order_by(col(Post.published_at), col(Post.id))
    )
    first: dict[UUID, FirstPost] = {}
    authors: dict[UUID, set[Any]] = {}
    for case_id, post_id, source, platform, published_at, url, author, withdrawn_at in session.execute(asked):
        authors.setdefault(case_id, set()).add(voice_in(case_id, author) if author else post_id)
        if withdrawn_at is None and case_id not in first:
            shown = _shown(platform, url)
            first[case_id] = FirstPost(post_id, source, platform, published_at, shown)
    reasons, labels = _said(session, ids)
    return {
        each: Voices(
            first.get(each), len(authors.get(each, ())), sorted(reasons.get(each, ())), labels.get(each, [])
        )
        for each in ids
    }


def _said(
    session: Session, ids: Sequence[UUID]
) -> tuple[dict[UUID, set[str]], dict[UUID, list[tuple[str, int]]]]:
    """The reasons behind the signals of each case's posts, and its labels with the number of posts."""
    asked = (
        select(col(Membership.case_id), col(Assessment.signals), col(Assessment.labels))
        .join(Assessment, col(Assessment.post_id) == col(Membership.post_id))
        .where(col(Membership.case_id).in_(ids), col(Membership.sure))
    )
    reasons: dict[UUID, set[str]] = {}
    counts: dict[UUID, dict[str, int]] = {}
    for case_id, signals, labels in session.execute(asked):
        reasons.setdefault(case_id, set()).update(said for each in signals if (said := _words(each)))
        counted = counts.setdefault(case_id, {})
        for name, score in labels.items():
            counted[name] = counted.get(name, 0) + (score >= 0.5)
    ordered = {
        case_id: sorted(((n, c) for n, c in counted.items() if c), key=lambda each: (-each[1], each[0]))
        for case_id, counted in counts.items()
    }
    return reasons, ordered


def _words(signal: dict[str, Any]) -> str:
    """The post's own words in a signal's `because`, which reads `names a weapon: baton`."""
    said, colon, words = str(signal.get("because", "")).partition(": ")
    return words if colon else said


def _shown(platform: str, url: str | None) -> str | None:
    """A publisher's address as it is; a person's post is opened from the case page, where access is logged."""
    if platform in PUBLISHERS and url and re.match(r"https?://", url) and "@" not in url:
        return url
    return None


def _environment() -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(
        undefined=StrictUndefined, autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {
        "moment": lambda at: at.astimezone(LONDON).strftime("%-d %b %Y, %H:%M") if at else "–",
        "day": lambda at: at.astimezone(LONDON).strftime("%-d %B %Y"),
        "length": length,
        "words": lambda text: str(text).replace("_", " "),
        "shape": lambda severity: SHAPES[Severity(severity)][0],
        "grade": lambda severity: SHAPES[Severity(severity)][1],
        "percent": lambda part, whole: f"{part}/{whole}" + (f" ({part / whole:.0%})" if whole else ""),
    }
    return environment


def length(span: timedelta | None) -> str:
    """A stretch of time in its two largest units, such as `2 h 5 min`."""
    if span is None:
        return "–"
    minutes, seconds = divmod(round(span.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    units = [(days, "d"), (hours, "h"), (minutes, "min"), (seconds, "s")]
    largest = next((at for at, (count, _unit) in enumerate(units) if count), len(units) - 1)
    return " ".join(f"{count} {unit}" for count, unit in units[largest : largest + 2] if count) or "0 s"
