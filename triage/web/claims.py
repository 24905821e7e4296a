"""Claims and questions: all known claims, one with its posts and decisions, and the forms that change them.

Claims are found by their words, never by who makes them.
"""

from collections.abc import Callable
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Form, HTTPException
from fastapi.responses import HTMLResponse, Response
from sqlmodel import select

from collector.plain import clean
from collector.records import Post
from triage import claims, deciding, questions, responding
from triage.claim_records import AnswerState, ClaimState, ClaimType, KnownClaim
from triage.hidden import seeing_all
from triage.locked import Conflict
from triage.records import Membership
from triage.web.claim_rows import STATES, asked_of, find_rows, first_of, rows_of, seen_of
from triage.web.permitted import note_view
from triage.web.queue import find_case, refuse_hidden
from triage.web.reading import read_text, unmentioned
from triage.web.responses import read_answering, read_told
from triage.web.search import NOT_PEOPLE
from triage.web.visit import Visit, Visiting

router = APIRouter()

Words = Annotated[str, Form(max_length=5_000)]
Ref = Annotated[str, Form(max_length=40)]
Tick = Annotated[bool, Form()]
AT_ONCE = 10  # posts that are answered with one press


@router.get("/claims")
def all_claims(visit: Visiting, q: str = "", state: str = "") -> HTMLResponse:
    """All known claims, or those with these words."""
    words = " ".join(clean(q).split())[:300]
    refused = NOT_PEOPLE if words.startswith("@") else ""
    rows = [] if refused else find_rows(visit.session, words, state)
    return visit.page("claims_all.html", rows=rows, q=words, state=state, refused=refused, states=STATES)


@router.get("/claims/{ref}")
def one_claim(visit: Visiting, ref: str) -> HTMLResponse:
    """One claim: what it says, who said it first as a voice, which posts make it, what was decided and why."""
    claim = _claim(visit, ref)
    [row] = rows_of(visit.session, [claim])
    seen, asked = seen_of(visit.session, claim), asked_of(visit.session, claim)
    note_view(visit, claim.case_id, [each.post.id for each in asked])
    root = visit.session.get(KnownClaim, claim.merged_into) if claim.merged_into else None
    return visit.page(
        "claim.html",
        row=row,
        claim=claim,
        root=root,
        others=claims.wordings(visit.session, claim)[1:],
        first=first_of(seen),
        seen=seen,
        asked=[(each, unmentioned(read_text(each.post))[:600]) for each in asked],
        at_once=AT_ONCE,
        decisions=deciding.decisions(visit.session, claim.id),
        kind=next((each for each in visit.room.guide.type if each.name == claim.type), None),
        kinds=visit.room.guide.type,
        states=STATES,
        by_two=deciding.BY_TWO,
        answering=read_answering(visit, claim, row.suggested),
        told=read_told(visit.session, claim),
    )


@router.get("/cases/{ref}/claims/new")
def claim_form(visit: Visiting, ref: str, post: UUID | None = None, ours: bool = False) -> HTMLResponse:
    """The form that notes a claim; with the words of a post of the case to shorten."""
    case = find_case(visit.session, ref)
    source = _post_in(visit, case.id, post) if post else None
    if source is not None:
        note_view(visit, case.id, [source.id])
    words = unmentioned(read_text(source))[: claims.LONGEST] if source else ""
    return visit.page(
        "claim_new.html", case=case, post=post, words=words, ours=ours, kinds=visit.room.guide.type
    )


@router.post("/cases/{ref}/claims")
def note(
    visit: Visiting, ref: str, words: Words = "", title: Words = "", kind: Ref = "", post: Ref = "",
    ours: Tick = False,
) -> Response:  # fmt: skip
    """Note a claim on the case."""
    case = find_case(visit.session, ref)

    def change() -> None:
        claims.note_claim(
            visit.session, case.id, words=_own(words), title=_own(title), type=_kind(kind), ours=ours,
            post=_id(post), who=visit.person, now=visit.now,
        )  # fmt: skip

    return _act(visit, "claim-noted", f"/cases/{case.number}", change, part="claims")


@router.post("/claims/{ref}/words")
def reword(visit: Visiting, ref: str, words: Words = "", title: Words = "", kind: Ref = "") -> Response:
    """Put it in other words, or change its title or hypothesis."""
    given: dict[str, Any] = {"words": _own(words), "title": _own(title), "type": _kind(kind)}
    return _change(visit, ref, "claim-changed", claims.reword, **given)


@router.post("/claims/{ref}/decide")
def decide(
    visit: Visiting, ref: str, state: Ref = "", why: Words = "", evidence: Words = "", wrong: Tick = False
) -> Response:
    """Say what it is; false, true and "Met statement wrong" then wait for a second person."""
    if state not in set(ClaimState):
        raise HTTPException(422, "Choose what the claim is.")
    said = ClaimState(state)
    waits = said in deciding.BY_TWO or wrong
    given: dict[str, Any] = {"why": clean(why), "evidence": clean(evidence).splitlines(), "met_wrong": wrong}
    guide = visit.room.guide.notice
    return _change(
        visit, ref, "claim-asked" if waits else "claim-decided", deciding.decide, said, guide, **given
    )


@router.post("/claims/{ref}/answer")
def answer_decision(visit: Visiting, ref: str, decision: Ref = "", agreed: Tick = False) -> Response:
    """Agree to a decision as the second person, or say no."""
    claim, made = _claim(visit, ref), _id(decision)
    given: dict[str, Any] = {"who": visit.person, "now": visit.now}

    def change() -> None:
        if made is None:
            raise Conflict("This does not wait for anybody any more.")
        if agreed:
            deciding.agree(visit.session, made, visit.room.guide.notice, **given)
        else:
            deciding.refuse(visit.session, made, **given)

    return _act(visit, "claim-decided" if agreed else "claim-refused", f"/claims/{claim.number}", change)


@router.post("/claims/{ref}/respond")
def respond(visit: Visiting, ref: str, option: Ref = "", why: Words = "", law: Words = "") -> Response:
    """Choose what is done about it."""
    policy = visit.room.policies.responses
    if policy is None:
        raise HTTPException(404, "No options are set up here: config/policy/responses.toml lists them.")
    given: dict[str, Any] = {"why": clean(why), "law": clean(law)}
    return _change(visit, ref, "claim-answered", responding.respond, clean(option), policy, **given)


@router.post("/claims/{ref}/undo")
def undo(visit: Visiting, ref: str, why: Words = "") -> Response:
    """Take the decision in force back."""
    return _change(visit, ref, "undone", deciding.undo, why=clean(why))


@router.post("/claims/{ref}/sighting")
def sighting(
    visit: Visiting, ref: str, post: Annotated[list[str], Form(default_factory=list)], same: Tick = False
) -> Response:
    """Say whether a post makes the claim, or several do."""
    found = [made for each in post if (made := _id(each)) is not None]
    if not found or len(found) > AT_ONCE:
        raise HTTPException(422, f"Name the posts, at most {AT_ONCE}.")
    claim = _claim(visit, ref)
    given: dict[str, Any] = {"same": same, "who": visit.person, "now": visit.now}

    def change() -> None:
        for each in found:
            claims.answer_sighting(visit.session, claim.number or 0, each, **given)

    return _act(visit, "claim-changed", f"/claims/{claim.number}", change)


@router.post("/claims/{ref}/merge")
def merge(visit: Visiting, ref: str, into: Ref = "") -> Response:
    """Say that it is another claim in other words."""
    other = _number(clean(into))
    if other is None:
        raise HTTPException(422, "Give the other claim's number, such as C-12.")
    return _change(visit, ref, "claim-changed", claims.merge, other)


@router.post("/claims/{ref}/part")
def part(visit: Visiting, ref: str) -> Response:
    """Take it apart from the claim it was merged into."""
    return _change(visit, ref, "undone", claims.part)


@router.post("/claims/{ref}/withdraw")
def withdraw(visit: Visiting, ref: str, why: Words = "") -> Response:
    """Look for it no more."""
    return _change(visit, ref, "claim-off", claims.withdraw, why=clean(why))


@router.post("/claims/{ref}/restore")
def restore(visit: Visiting, ref: str) -> Response:
    """Look for it again."""
    return _change(visit, ref, "undone", claims.restore)


@router.post("/cases/{ref}/questions")
def ask(visit: Visiting, ref: str, words: Words = "") -> Response:
    """Put a question on the case's list."""
    case = find_case(visit.session, ref)
    given: dict[str, Any] = {"who": visit.person, "now": visit.now}

    def change() -> None:
        questions.ask(visit.session, case.id, _own(words), **given)

    return _act(visit, "question-noted", f"/cases/{case.number}", change, part="claims")


@router.post("/cases/{ref}/questions/{question}")
def answer(visit: Visiting, ref: str, question: UUID, state: Ref = "", words: Words = "") -> Response:
    """Answer it, or say when we will, or why we cannot."""
    case = find_case(visit.session, ref)
    if state not in set(AnswerState):
        raise HTTPException(422, "Choose: answered, not yet, or cannot say.")
    given: dict[str, Any] = {"who": visit.person, "now": visit.now}

    def change() -> None:
        questions.answer(visit.session, question, AnswerState(state), clean(words), **given)

    return _act(visit, "question-answered", f"/cases/{case.number}", change, part="claims")


def _change(
    visit: Visit, ref: str, said: str, act: Callable[..., object], *given: object, **named: Any
) -> Response:
    """One act on the claim by its number, then back to its page."""
    number = _claim(visit, ref).number

    def change() -> None:
        act(visit.session, number, *given, **named, who=visit.person, now=visit.now)

    return _act(visit, said, f"/claims/{number}", change)


def _act(visit: Visit, said: str, back: str, change: Callable[[], None], part: str = "") -> Response:
    return visit.attempt(change, back) or visit.back(said, back, part=part)


def _claim(visit: Visit, ref: str) -> KnownClaim:
    number = _number(ref)
    found = claims.find_claim(visit.session, number) if number is not None else None
    if found is None:
        with seeing_all(visit.session):
            hidden = claims.find_claim(visit.session, number) if number is not None else None
        refuse_hidden(visit.session, hidden.case_id if hidden else None)
        raise HTTPException(404, "There is no such claim.")
    return found


def _number(ref: str) -> int | None:
    bare = ref.strip().upper().removeprefix("C-")
    return int(bare) if bare.isascii() and bare.isdecimal() and len(bare) < 18 else None


def _post_in(visit: Visit, case_id: UUID, post: UUID) -> Post:
    found = visit.session.exec(select(Post).where(Post.id == post)).first()
    if found is None or found.withdrawn_at or visit.session.get(Membership, (post, case_id)) is None:
        raise HTTPException(404, "There is no such post in this case, or it was withdrawn.")
    return found


def _own(words: str) -> str:
    """Without account names: a claim is what is said, never who says it."""
    return unmentioned(clean(words))


def _kind(name: str) -> ClaimType | None:
    return ClaimType(name) if name in set(ClaimType) else None


def _id(written: str) -> UUID | None:
    try:
        return UUID(written)
    except ValueError:
        return None
