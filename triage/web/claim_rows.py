"""How claims and questions are shown: on the panel of their case, on the list of all, on a page of their own."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session, col, or_, select

from collector.records import Post
from triage.claim_records import AnswerState, ClaimDecision, ClaimSighting, ClaimState, KnownClaim, Question
from triage.claim_types import Guide, Hypothesis, hypotheses
from triage.claims import wordings
from triage.clocks import LONDON
from triage.hidden import hidden_cases
from triage.questions import questions
from triage.records import Case, Membership
from triage.tracks import NEXT_UPDATE
from triage.web.case_file import CaseFile
from triage.web.reading import pseudonym

SHOWN = 50
STATES = {
    ClaimState.UNVERIFIED: "unverified",
    ClaimState.DISPUTED: "disputed",
    ClaimState.FALSE: "false, on evidence",
    ClaimState.TRUE: "true, on evidence",
    ClaimState.PARTIAL: "partial or missing context",
    ClaimState.OPINION: "opinion",
}
ANSWERS = {
    AnswerState.ANSWERED: "answered",
    AnswerState.NOT_YET: "not yet",
    AnswerState.CANNOT_SAY: "cannot say",
}

_COUNTS = text("""
    WITH seen AS (SELECT coalesce(w.merged_into, w.id) AS root, s.post_id,
            bool_or(s.state IN ('counted', 'confirmed')) AS sure, bool_or(s.state = 'suggested') AS suggested
        FROM known_claims AS w JOIN claim_sightings AS s ON s.claim_id = w.id
        WHERE coalesce(w.merged_into, w.id) = ANY(:claims) AND w.case_id <> ALL(CAST(:hidden AS uuid[]))
            AND NOT EXISTS (SELECT FROM memberships AS m WHERE m.post_id = s.post_id AND m.sure
                AND m.case_id = ANY(CAST(:hidden AS uuid[])))
        GROUP BY 1, 2)
    SELECT root, count(*) FILTER (WHERE sure) AS posts,
        count(*) FILTER (WHERE suggested AND NOT sure) AS suggested FROM seen GROUP BY root
""")


class Row(NamedTuple):
    """A claim in a list: how many posts make it, how many perhaps, and whether a decision waits."""

    claim: KnownClaim
    case: int
    posts: int
    suggested: int
    waits: ClaimDecision | None


class Asked(NamedTuple):
    """A question and the words that are ready for it, by state."""

    question: Question
    ready: dict[AnswerState, str]


class Panel(NamedTuple):
    """What a case page says of claims and questions."""

    rows: list[Row]
    questions: list[Asked]
    hypotheses: list[Hypothesis]
    states: dict[ClaimState, str]
    answers: dict[AnswerState, str]


class Seen(NamedTuple):
    """One post that makes a claim, or may. `voice` is its author's name in the claim's case, if it is in that."""

    sighting: ClaimSighting
    post: Post
    case: int | None
    voice: str


class First(NamedTuple):
    """Who made a claim first, as far as we saw."""

    at: datetime
    voice: str
    case: int | None


def read_panel(session: Session, file: CaseFile, guide: Guide, *, now: datetime) -> Panel:
    """The claims of a case that stand for themselves, its questions, and what to check."""
    case = file.case
    asked = select(KnownClaim).where(KnownClaim.case_id == case.id, col(KnownClaim.merged_into).is_(None))
    claims = session.exec(asked.order_by(col(KnownClaim.number))).all() if file.has(KnownClaim) else []
    rows = rows_of(session, claims) if claims else []
    due = next((each for each in file.clocks if each.name == NEXT_UPDATE and each.stopped_at is None), None)
    update_at = due.due_at if due and due.due_at > now else None
    said = [_asked(each, update_at) for each in questions(session, case.id)] if file.has(Question) else []
    return Panel(rows, said, hypotheses(session, case, guide), STATES, ANSWERS)


def _asked(question: Question, update_at: datetime | None) -> Asked:
    """The words that nobody has entered yet; "not yet" says when, where an update is promised."""
    ready = {AnswerState(state): said for state, said in question.ready.items()}
    if update_at and (not_yet := ready.get(AnswerState.NOT_YET)):
        by = update_at.astimezone(LONDON).strftime("%H:%M on %-d %B")
        ready[AnswerState.NOT_YET] = f"{not_yet} Our next update is by {by}."
    in_order = [(state, ready[state]) for state in AnswerState if state in ready]
    return Asked(question, {state: said for state, said in in_order if said != question.answer})


def find_rows(session: Session, words: str, state: str) -> list[Row]:
    """Claims whose text or title holds every word, those changed last first; of one state, or of any."""
    asked = select(KnownClaim).where(col(KnownClaim.merged_into).is_(None))
    for word in words.split()[:8]:
        like = f"%{_literally(word)}%"
        held = col(KnownClaim.text).ilike(like, escape="\\"), col(KnownClaim.title).ilike(like, escape="\\")
        asked = asked.where(or_(*held))
    if state in set(ClaimState):
        asked = asked.where(KnownClaim.state == state, col(KnownClaim.withdrawn_at).is_(None))
    found = session.exec(asked.order_by(col(KnownClaim.changed_at).desc()).limit(SHOWN)).all()
    return rows_of(session, found)


def rows_of(session: Session, claims: Sequence[KnownClaim]) -> list[Row]:
    """These claims with their counts, in their order."""
    ids = [each.id for each in claims]
    asked_of = {"claims": ids, "hidden": hidden_cases(session)}
    counts = {each.root: each for each in session.execute(_COUNTS, asked_of)}
    open_ = col(ClaimDecision.in_force_at).is_(None), col(ClaimDecision.refused_at).is_(None)
    asked = select(ClaimDecision).where(col(ClaimDecision.claim_id).in_(ids), *open_)
    waits = {each.claim_id: each for each in session.exec(asked)}
    cases = {each.case_id for each in claims}
    numbered = session.exec(select(Case.id, Case.number).where(col(Case.id).in_(cases)))
    numbers = {case: number or 0 for case, number in numbered}
    return [
        Row(
            each,
            numbers[each.case_id],
            counts[each.id].posts if each.id in counts else 0,
            counts[each.id].suggested if each.id in counts else 0,
            waits.get(each.id),
        )
        for each in claims
    ]


def seen_of(session: Session, claim: KnownClaim) -> list[Seen]:
    """The first posts that count as making the claim, a post once however many wordings it fits."""
    order = col(ClaimSighting.published_at), col(ClaimSighting.post_id), col(ClaimSighting.score).desc()
    return _found(session, claim, ("counted", "confirmed"), order)


def asked_of(session: Session, claim: KnownClaim) -> list[Seen]:
    """The posts that wait for a person, the likeliest first."""
    order = col(ClaimSighting.score).desc(), col(ClaimSighting.published_at), col(ClaimSighting.post_id)
    found = _found(session, claim, ("suggested",), order)
    return [each for each in found if not each.post.withdrawn_at][:SHOWN]


def _found(session: Session, claim: KnownClaim, states: Sequence[str], order: Sequence[Any]) -> list[Seen]:
    among = [each.id for each in wordings(session, claim)]
    rows = session.execute(
        select(ClaimSighting, Post, Case.id, Case.number)
        .join(Post, col(Post.id) == ClaimSighting.post_id)
        .outerjoin(Membership, (col(Membership.post_id) == Post.id) & col(Membership.sure))
        .outerjoin(Case, col(Case.id) == Membership.case_id)
        .where(col(ClaimSighting.claim_id).in_(among), col(ClaimSighting.state).in_(states))
        .order_by(*order)
        .limit(4 * SHOWN)
    ).all()
    found: dict[UUID, Seen] = {}
    for sighting, post, case_id, number in rows:
        voice = pseudonym(claim.case_id, post.author_key) if case_id == claim.case_id else ""
        found.setdefault(post.id, Seen(sighting, post, number, voice))
    return list(found.values())


def first_of(seen: Sequence[Seen]) -> First | None:
    """The earliest of the posts that count."""
    return First(seen[0].sighting.published_at, seen[0].voice, seen[0].case) if seen else None


def _literally(word: str) -> str:
    return word.replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_")
