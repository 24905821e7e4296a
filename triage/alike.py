"""Cases like one case, open and closed: in type, place, power, tactics, claim, footage and words; why, and what came
of them.

A few hundred candidates come from indexes (the place, the borough, the type, the footage, the claims), the newest
first; only these are read and ranked, so it costs the same with fifty thousand cases. It is asked for when somebody
looks, never when posts are routed, and shows nothing that is hidden from whom the session looks as.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session, col, func, or_, select

from classifier.rarity import Rarity
from classifier.records import IncidentType
from collector.footage_records import Footage
from triage.arrivals import deeds_of, text_of
from triage.claim_records import ClaimSighting, KnownClaim, SightingState
from triage.comparing import signal_of, spoken
from triage.records import Case, Membership
from triage.review.finding_records import Action, Finding
from triage.similarity import COMMON, Subject, subject
from triage.statement_records import Statement, StatementState
from triage.track_records import Prompt

OF_EACH = 60  # candidates by each road
TELLINGS = 2  # posts that a case is known by here
MOST = 6
FOOTAGE, CLAIM, PLACE, DEED, TYPE, BOROUGH, WORD, MOST_WORDS = 5.0, 4.0, 3.0, 1.5, 1.0, 1.0, 0.5, 8
ENOUGH = 3.0  # less is every other case of a borough
MOST_NAMED = 5
SEEN = (SightingState.COUNTED, SightingState.CONFIRMED)
SPOKEN = (StatementState.APPROVED, StatementState.ISSUED, StatementState.CORRECTED)

_TELLINGS = text("""
    SELECT told.case_id, p.title, p.text, p.published_at, a.labels, a.signals
    FROM unnest(CAST(:cases AS uuid[])) AS asked(id)
    CROSS JOIN LATERAL (
        SELECT case_id, post_id, joined_at FROM memberships
        WHERE case_id = asked.id AND sure AND how NOT IN ('same text', 'copy') ORDER BY joined_at, post_id LIMIT :each
    ) told
    JOIN posts p ON p.id = told.post_id AND p.withdrawn_at IS NULL
    LEFT JOIN LATERAL (
        SELECT labels, signals FROM assessments WHERE post_id = p.id ORDER BY at DESC LIMIT 1
    ) a ON true
    ORDER BY told.joined_at, told.post_id
""")


class Alike(NamedTuple):
    """A case like the one asked about. `line` is the last line approved for it, `decided` what people decided on it:
    of what, and how.
    """

    case: Case
    because: list[str]
    score: float
    line: str
    line_at: datetime | None
    decided: list[tuple[str, str]]


class _Traits(NamedTuple):
    """What a case's first posts say: what was done by what power, in words, and the telling terms by weight."""

    deeds: dict[str, str]
    words: dict[str, float]


def cases_like(
    session: Session, case: Case, rarity: Rarity, known: "dict[UUID, _Traits] | None" = None
) -> list[Alike]:
    """The likest first, of equal ones the newest. `known` keeps what was read of cases, for who asks of several."""
    footage, claims = _by_footage(session, case.id), _by_claims(session, case.id)
    cases = _candidates(session, case, {*footage, *claims})
    traits = {} if known is None else known
    wanted = [each for each in (case.id, *(each.id for each in cases)) if each not in traits]
    traits |= _traits(session, wanted, rarity) if wanted else {}
    found = []
    for each in cases:
        score, because = _likeness(case, each, traits, footage, claims)
        if score >= ENOUGH:
            found.append((score, each, because))
    found.sort(key=lambda each: (each[0], each[1].opened_at, each[1].number or 0), reverse=True)
    best = found[:MOST]
    ids = [each.id for _, each, _ in best]
    lines, decided = _lines(session, ids), _decided(session, ids)
    return [
        Alike(each, why, score, *lines.get(each.id, ("", None)), decided[each.id])
        for score, each, why in best
    ]


def _candidates(session: Session, case: Case, linked: Iterable[UUID]) -> list[Case]:
    """Each road gives its newest; what shares footage or a claim comes in any case."""
    order = col(Case.opened_at).desc(), col(Case.number).desc()
    newest = select(Case).where(Case.id != case.id).order_by(*order).limit(OF_EACH)
    roads = [newest.where(Case.type == case.type)]
    if case.place:
        roads.append(newest.where(Case.place == case.place))
    if case.borough:
        roads.append(newest.where(Case.type == case.type, Case.borough == case.borough))
    if ids := set(linked):
        roads.append(newest.where(col(Case.id).in_(ids)))
    return list({each.id: each for road in roads for each in session.exec(road)}.values())


def _by_footage(session: Session, case_id: UUID) -> set[UUID]:
    """Cases with a copy of this one's footage."""
    own = select(Membership.post_id).where(Membership.case_id == case_id, col(Membership.sure))
    families = session.exec(select(Footage.family_id).where(col(Footage.post_id).in_(own)).distinct()).all()
    if not families:
        return set()
    posts = select(Footage.post_id).where(col(Footage.family_id).in_(families))
    held = select(Membership.case_id).where(
        col(Membership.post_id).in_(posts), col(Membership.sure), Membership.case_id != case_id
    )
    return set(session.exec(held.distinct().order_by(col(Membership.case_id)).limit(OF_EACH)))


def _by_claims(session: Session, case_id: UUID) -> dict[UUID, str]:
    """Cases whose posts make a claim of this one, or of whose claims its posts make one; with the claim's title."""
    post, claim = col(ClaimSighting.post_id), col(ClaimSighting.claim_id)
    sighted = (
        select(Membership.case_id, KnownClaim.case_id, KnownClaim.title, KnownClaim.number)
        .join(ClaimSighting, post == Membership.post_id)
        .join(KnownClaim, col(KnownClaim.id) == claim)
        .where(
            col(Membership.sure),
            col(ClaimSighting.state).in_(SEEN),
            Membership.case_id != KnownClaim.case_id,
        )
        .distinct()
        .order_by(col(KnownClaim.number).desc(), col(Membership.case_id))
        .limit(OF_EACH)
    )
    ours = select(KnownClaim.id).where(KnownClaim.case_id == case_id)
    posts = select(Membership.post_id).where(Membership.case_id == case_id, col(Membership.sure))
    found: dict[UUID, str] = {}
    for road in (sighted.where(claim.in_(ours)), sighted.where(post.in_(posts))):
        for member, home, title, _number in session.exec(road):
            found.setdefault(home if member == case_id else member, title)
    return found


def _traits(session: Session, cases: Sequence[UUID], rarity: Rarity) -> dict[UUID, _Traits]:
    """Of cases that the session may see: the statement below does not ask."""
    deeds: dict[UUID, dict[str, str]] = defaultdict(dict)
    words: dict[UUID, dict[str, float]] = defaultdict(dict)
    for row in session.execute(_TELLINGS, {"cases": list(cases), "each": TELLINGS}).mappings():
        told = deeds[row["case_id"]]
        for each in sorted(deeds_of(row["labels"] or {})):
            told.setdefault(signal_of(each), spoken(row["signals"] or (), each))
        words[row["case_id"]] |= _telling(
            subject(text_of(row["title"], row["text"]), row["published_at"], rarity)
        )
    return {case: _Traits(deeds[case], words[case]) for case in cases}


def _telling(post: Subject) -> dict[str, float]:
    """The rare terms; a word of a name that is there as a whole is not told twice."""
    rare = {term: weight for term, weight in post.weights.items() if weight >= COMMON and len(term) > 2}
    parts = {part for term in rare if " " in term for part in term.split(" ")}
    return {term: weight for term, weight in rare.items() if term not in parts}


def _likeness(
    case: Case,
    other: Case,
    traits: Mapping[UUID, _Traits],
    footage: set[UUID],
    claims: Mapping[UUID, str],
) -> tuple[float, list[str]]:
    """How like they are, and why, what weighs most first."""
    mine, theirs = traits[case.id], traits[other.id]
    reasons: list[tuple[float, str]] = []
    if other.id in footage:
        reasons.append((FOOTAGE, "the same footage"))
    if other.id in claims:
        reasons.append((CLAIM, f"the same claim: {claims[other.id]}"))
    if case.place and case.place == other.place:
        reasons.append((PLACE, f"the same place: {case.place}"))
    elif case.borough and case.borough == other.borough:
        reasons.append((BOROUGH, f"the same borough: {case.borough}"))
    reasons += [(DEED, f"the same deed: {said}") for deed, said in mine.deeds.items() if deed in theirs.deeds]
    if case.type == other.type and case.type != IncidentType.NONE:
        reasons.append((TYPE, "the same type"))
    if shared := sorted(mine.words.keys() & theirs.words, key=lambda term: (-mine.words[term], term)):
        named = f"{', '.join(shared[:MOST_NAMED])}{' …' if len(shared) > MOST_NAMED else ''}"
        many = "rare word" if len(shared) == 1 else "rare words"
        reasons.append((WORD * min(len(shared), MOST_WORDS), f"{len(shared)} {many}: {named}"))
    reasons.sort(key=lambda each: -each[0])
    return sum(points for points, _ in reasons), [said for _, said in reasons]


def _lines(session: Session, cases: Sequence[UUID]) -> dict[UUID, tuple[str, datetime | None]]:
    """The last line that was approved for each."""
    spoke = func.coalesce(Statement.issued_at, Statement.approved_at)
    approved = select(Statement).where(
        col(Statement.case_id).in_(cases),
        or_(col(Statement.state).in_(SPOKEN), col(Statement.approved_at).is_not(None)),
    )
    return {
        each.case_id: (each.text, each.issued_at or each.approved_at)
        for each in session.exec(approved.order_by(spoke.asc().nulls_first(), col(Statement.number)))
    }


def _decided(session: Session, cases: Sequence[UUID]) -> dict[UUID, list[tuple[str, str]]]:
    """What people decided on each: of its claims, of referral and the like, at meetings, and what came of actions."""
    known = select(KnownClaim).where(
        col(KnownClaim.case_id).in_(cases), col(KnownClaim.decision_id).is_not(None)
    )
    found: dict[UUID, list[tuple[str, str]]] = defaultdict(list)
    for each in session.exec(known.order_by(col(KnownClaim.number))):
        found[each.case_id].append((f"Claim “{each.title}”", str(each.state)))
    answered = select(Prompt).where(col(Prompt.case_id).in_(cases), col(Prompt.answer).is_not(None))
    for prompt in session.exec(answered.order_by(col(Prompt.answered_at), col(Prompt.name))):
        found[prompt.case_id].append((_plain(prompt.name), str(prompt.answer)))
    for made in session.exec(
        select(Finding)
        .where(col(Finding.case_id).in_(cases), col(Finding.superseded_at).is_(None))
        .order_by(col(Finding.entered_at), col(Finding.version))
    ):
        titles = [str(made.says.get(name, name)) for name in (made.code, *made.secondary)]
        found[made.case_id].append(("Oversight found", "; ".join(titles)))
    acted = select(Action).where(col(Action.case_id).in_(cases), col(Action.outcome).is_not(None))
    for action in session.exec(acted.order_by(col(Action.number))):
        if action.case_id is not None:
            found[action.case_id].append((f"Action A-{action.number}", str(action.outcome)))
    return found


def _plain(name: str) -> str:
    """`referral_decision` as words."""
    return name.replace("_", " ").capitalize()
