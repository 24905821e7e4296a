"""What a pack reads of each case on the list: all its records, a statement a kind, however many cases there are."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import func, or_, select
from sqlmodel import Session, col

from classifier.rarity import Rarity
from classifier.records import Assessment
from collector.records import Media, Post
from responders.tactics import Tactic, named
from triage.alike import Alike, cases_like
from triage.claim_records import ClaimDecision, ClaimResponse, KnownClaim, Question
from triage.custody import voice_in
from triage.lifecycle import Lifecycle
from triage.log import QUIET
from triage.records import Alert, Case, Clock, LogEntry, Membership, Person
from triage.release_records import BwvDecision, ReleaseOutcome
from triage.review.figures import Period
from triage.review.finding_records import Action, Feedback, Finding, Referral
from triage.review.meeting_records import Declaration, Review, ReviewItem
from triage.review.merits import may_discuss
from triage.review.pack_records import SheetEntry
from triage.statement_records import CaseFact, Statement, StatementIssue
from triage.track_records import BodyWornVideo, Prompt, Track

AT_ONCE = 200  # cases read together
SAID = 0.5  # a label counts for a post from here


class FirstPost(NamedTuple):
    """The first post of a case."""

    id: UUID
    source: str
    platform: str
    published_at: datetime
    url: str | None


class Voices(NamedTuple):
    """Who speaks in a case, by count alone, and what of."""

    first: FirstPost | None = None
    authors: int = 0
    tactics: tuple[str, ...] = ()
    labels: tuple[tuple[str, int], ...] = ()


class Sheet(NamedTuple):
    """All that is recorded of one case on the list; `barred` is why it is not discussed on its merits, `met` when each
    meeting it was before meets."""

    case: Case
    item: ReviewItem
    meets_at: datetime
    voices: Voices
    clip_s: float | None
    entries: dict[str, SheetEntry]
    facts: dict[str, CaseFact]
    bwv: BodyWornVideo | None
    alerts: list[tuple[Alert, str | None]]
    clocks: list[Clock]
    tracks: list[Track]
    prompts: list[Prompt]
    claims: list[KnownClaim]
    decisions: dict[UUID, ClaimDecision]
    responses: dict[UUID, ClaimResponse]
    questions: list[Question]
    releases: list[BwvDecision]
    lines: list[Statement]
    issues: dict[UUID, list[StatementIssue]]
    findings: list[Finding]
    actions: list[Action]
    feedback: list[Feedback]
    listings: list[ReviewItem]
    declared: list[Declaration]
    met: dict[UUID, datetime]
    referrals: list[Referral]
    alike: list[Alike]
    barred: str | None
    log: list[LogEntry]


def sheets_of(
    session: Session,
    period: Period,
    tactics: Sequence[Tactic],
    rarity: Rarity | None = None,
    lifecycle: Lifecycle | None = None,
) -> list[Sheet]:
    """Cases put on a list in the period, or on the list of a meeting in it, the gravest first."""
    listed = _listed(session, period)
    parts = (listed[start : start + AT_ONCE] for start in range(0, len(listed), AT_ONCE))
    return [sheet for part in parts for sheet in _sheets(session, part, tactics, rarity, lifecycle)]


def releases_refused(session: Session, period: Period) -> Sequence[tuple[BwvDecision, int]]:
    """Every decision of the period not to release body-worn video, with its case's number; also of cases not listed."""
    asked = (
        select(BwvDecision, col(Case.number))
        .join(Case, col(Case.id) == col(BwvDecision.case_id))
        .where(
            col(BwvDecision.outcome) == ReleaseOutcome.DO_NOT_RELEASE,
            col(BwvDecision.decided_at) >= period.since,
            col(BwvDecision.decided_at) < period.until,
        )
        .order_by(col(BwvDecision.decided_at), col(BwvDecision.number))
    )
    return [(made, number) for made, number in session.execute(asked)]


def _listed(session: Session, period: Period) -> list[tuple[Case, ReviewItem, datetime]]:
    in_period = or_(
        (col(ReviewItem.listed_at) >= period.since) & (col(ReviewItem.listed_at) < period.until),
        (col(Review.meets_at) >= period.since) & (col(Review.meets_at) < period.until),
    )
    asked = (
        select(Case, ReviewItem, col(Review.meets_at))
        .join(ReviewItem, col(ReviewItem.case_id) == col(Case.id))
        .join(Review, col(Review.id) == col(ReviewItem.review_id))
        .where(in_period, col(ReviewItem.off_at).is_(None))
        .order_by(col(Case.severity), col(Case.number), col(Review.meets_at))
    )
    once: dict[UUID, tuple[Case, ReviewItem, datetime]] = {}
    for case, item, meets_at in session.execute(asked):
        once[case.id] = (case, item, meets_at)  # of several meetings the last
    return list(once.values())


def _sheets(
    session: Session,
    listed: Sequence[tuple[Case, ReviewItem, datetime]],
    tactics: Sequence[Tactic],
    rarity: Rarity | None,
    lifecycle: Lifecycle | None,
) -> list[Sheet]:
    ids = [case.id for case, _, _ in listed]
    kept = {name: _by_case(session.scalars(asked)) for name, asked in _asked(ids).items()}
    voices, clips, alerts = voices_of(session, ids, tactics), _clips(session, ids), _alerts(session, ids)
    claims = [each.id for found in kept["claims"].values() for each in found]
    met = _met(session, [each.review_id for found in kept["listings"].values() for each in found])
    likes: dict[UUID, Any] = {}
    decisions = {each.id: each for each in _of(session, ClaimDecision, ClaimDecision.claim_id, claims)}
    responses = {each.claim_id: each for each in _of(session, ClaimResponse, ClaimResponse.claim_id, claims)}
    return [
        Sheet(
            case=case,
            item=item,
            meets_at=meets_at,
            voices=voices[case.id],
            clip_s=clips.get(case.id),
            entries={each.name: each for each in kept["entries"][case.id]},
            facts={each.name: each for each in kept["facts"][case.id]},
            bwv=next(iter(kept["bwv"][case.id]), None),
            alerts=alerts[case.id],
            decisions=decisions,
            responses=responses,
            issues=_by_line(kept["issues"][case.id]),
            alike=_alike(session, case, rarity, likes),
            met=met,
            barred=may_discuss(session, case.id, lifecycle) if lifecycle else None,
            **{name: kept[name][case.id] for name in _ALONE},
        )
        for case, item, meets_at in listed
    ]


_ALONE = (
    "clocks", "tracks", "prompts", "claims", "questions", "releases", "lines", "findings", "actions", "feedback",
    "listings", "declared", "referrals", "log",
)  # fmt: skip


def _asked(ids: Sequence[UUID]) -> dict[str, Any]:
    """One statement for each kind of row, in the order in which it is told."""

    def of(record: Any, *order: Any, **standing: Any) -> Any:
        asked = select(record).where(col(record.case_id).in_(ids)).order_by(*(col(each) for each in order))
        for name in standing.get("without", ()):
            asked = asked.where(col(getattr(record, name)).is_(None))
        for name in standing.get("having", ()):
            asked = asked.where(col(getattr(record, name)).is_not(None))
        return asked

    return {
        "clocks": of(Clock, Clock.due_at, Clock.name),
        "tracks": of(Track, Track.name),
        "prompts": of(Prompt, Prompt.name),
        "claims": of(KnownClaim, KnownClaim.number, without=["merged_into"]),
        "questions": of(Question, Question.asked_at, Question.id),
        "releases": of(BwvDecision, BwvDecision.decided_at, BwvDecision.number, having=["decided_at"]),
        "lines": of(Statement, Statement.number),
        "issues": of(StatementIssue, StatementIssue.at, StatementIssue.id),
        "findings": of(Finding, Finding.entered_at, Finding.version, without=["superseded_at"]),
        "actions": of(Action, Action.number),
        "feedback": of(Feedback, Feedback.due_at, Feedback.id),
        "listings": of(ReviewItem, ReviewItem.listed_at, ReviewItem.review_id),
        "declared": of(Declaration, Declaration.declared_at, Declaration.id, without=["withdrawn_at"]),
        "referrals": of(Referral, Referral.made_on, Referral.entered_at, without=["superseded_at"]),
        "entries": of(SheetEntry, SheetEntry.entered_at, without=["superseded_at"]),
        "facts": of(CaseFact, CaseFact.verified_at, without=["withdrawn_at"], having=["verified_at"]),
        "bwv": of(BodyWornVideo, BodyWornVideo.changed_at),
        "log": of(LogEntry, LogEntry.seq).where(col(LogEntry.what).not_in(QUIET)),
    }


def _of(session: Session, record: Any, owner: Any, owners: Sequence[UUID]) -> Iterator[Any]:
    if owners:
        order = record.asked_at if hasattr(record, "asked_at") else record.at
        yield from session.scalars(select(record).where(col(owner).in_(owners)).order_by(col(order)))


def _met(session: Session, reviews: Sequence[UUID]) -> dict[UUID, datetime]:
    """When each of these meetings meets."""
    asked = select(col(Review.id), col(Review.meets_at)).where(col(Review.id).in_(set(reviews)))
    return {each: meets_at for each, meets_at in session.execute(asked)}


def _by_case(rows: Iterable[Any]) -> dict[UUID, list[Any]]:
    found: dict[UUID, list[Any]] = defaultdict(list)
    for row in rows:
        found[row.case_id].append(row)
    return found


def _by_line(rows: Iterable[StatementIssue]) -> dict[UUID, list[StatementIssue]]:
    found: dict[UUID, list[StatementIssue]] = defaultdict(list)
    for row in rows:
        found[row.statement_id].append(row)
    return found


def _alike(session: Session, case: Case, rarity: Rarity | None, known: dict[UUID, Any]) -> list[Alike]:
    found = cases_like(session, case, rarity, known) if rarity is not None else []
    return sorted(found, key=lambda each: (-each.score, -(each.case.number or 0)))


def _clips(session: Session, ids: Sequence[UUID]) -> dict[UUID, float]:
    """The longest clip of each case, in seconds."""
    asked = (
        select(col(Membership.case_id), func.max(col(Media.duration_s)))
        .join(Media, col(Media.post_id) == col(Membership.post_id))
        .where(col(Membership.case_id).in_(ids), col(Membership.sure))
        .group_by(col(Membership.case_id))
    )
    return {case_id: longest for case_id, longest in session.execute(asked) if longest is not None}


def _alerts(session: Session, ids: Sequence[UUID]) -> dict[UUID, list[tuple[Alert, str | None]]]:
    asked = (
        select(Alert, col(Person.name))
        .outerjoin(Person, col(Person.id) == col(Alert.acknowledged_by))
        .where(col(Alert.case_id).in_(ids))
        .order_by(col(Alert.desk), col(Alert.growth))
    )
    found: dict[UUID, list[tuple[Alert, str | None]]] = defaultdict(list)
    for alert, who in session.execute(asked):
        found[alert.case_id].append((alert, who))
    return found


def voices_of(session: Session, ids: Sequence[UUID], tactics: Sequence[Tactic]) -> dict[UUID, Voices]:
    """Of each case: its first post, how many different authors, and what the signals say."""
    asked = (
        select(
            col(Membership.case_id), col(Post.id), col(Post.source), col(Post.platform), col(Post.published_at),
            col(Post.url), col(Post.author_key), col(Post.withdrawn_at),
        )
        .join(Post, col(Post.id) == col(Membership.post_id))
        .where(col(Membership.case_id).in_(ids), col(Membership.sure))
        .order_by(col(Post.published_at), col(Post.id))
    )  # fmt: skip
    first: dict[UUID, FirstPost] = {}
    authors: dict[UUID, set[Any]] = defaultdict(set)
    for case_id, post_id, source, platform, published_at, url, author, withdrawn_at in session.execute(asked):
        authors[case_id].add(voice_in(case_id, author) if author else post_id)
        if withdrawn_at is None:
            first.setdefault(case_id, FirstPost(post_id, source, platform, published_at, url))
    labels = _labels(session, ids)
    spoken = {each: tuple(named(tactics, dict(said))) for each, said in labels.items()}
    return {
        each: Voices(first.get(each), len(authors[each]), spoken.get(each, ()), labels.get(each, ()))
        for each in ids
    }


def tactics_spoken(
    session: Session, ids: Sequence[UUID], tactics: Sequence[Tactic]
) -> dict[UUID, tuple[str, ...]]:
    """The tactics that the posts of each case speak of, in the list's order."""
    labels = _labels(session, ids)
    return {case_id: tuple(named(tactics, dict(said))) for case_id, said in labels.items()}


def _labels(session: Session, ids: Sequence[UUID]) -> dict[UUID, tuple[tuple[str, int], ...]]:
    """The labels of each case, with the number of posts that carry them."""
    asked = (
        select(col(Membership.case_id), col(Assessment.labels))
        .join(Assessment, col(Assessment.post_id) == col(Membership.post_id))
        .where(col(Membership.case_id).in_(ids), col(Membership.sure))
    )
    counts: dict[UUID, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for case_id, labels in session.execute(asked):
        for name, score in labels.items():
            counts[case_id][name] += score >= SAID
    return {
        case_id: tuple(
            sorted(((n, c) for n, c in counted.items() if c), key=lambda each: (-each[1], each[0]))
        )
        for case_id, counted in counts.items()
    }
