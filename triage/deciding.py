"""Deciding what a claim is: a person with a reason and evidence; a second one where it is called false or true.

Criticism, dispute and falsehood stay three things, and a machine says none of them. A decision can be taken back;
then the one before it is in force again.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlmodel import Session, col, select

from triage.case_facts import mark_answers_stale
from triage.claim_records import DECIDED, ClaimDecision, ClaimState, KnownClaim
from triage.claim_types import Notice
from triage.claims import lock_claim, reason, say
from triage.locked import Conflict, touch
from triage.permissions import GRANTS, Permission, need
from triage.records import OPEN, Alert, AlertState, Case, Person

BY_TWO = (ClaimState.FALSE, ClaimState.TRUE)
ON_EVIDENCE = (ClaimState.DISPUTED, ClaimState.FALSE, ClaimState.TRUE, ClaimState.PARTIAL)
MOST_EVIDENCE, LONGEST_EVIDENCE = 10, 500


def decide(
    session: Session,
    number: int,
    state: ClaimState,
    notice: Notice,
    *,
    why: str,
    evidence: Sequence[str] = (),
    met_wrong: bool = False,
    who: Person,
    now: datetime,
) -> ClaimDecision:
    """Say what a claim is. `met_wrong`: that a statement of ours was wrong. In force at once, or once another
    person agrees."""
    need(who, Permission.DECIDE_CLAIM)
    claim = lock_claim(session, number)
    if waiting(session, claim.id) is not None:
        raise Conflict(f"A decision on C-{number} waits for a second person already.")
    if (state, met_wrong) == (claim.state, claim.met_wrong):
        raise Conflict(f"C-{number} is {state.value} already.")
    references = [each.strip()[:LONGEST_EVIDENCE] for each in evidence if each.strip()][:MOST_EVIDENCE]
    if not references and (state in ON_EVIDENCE or met_wrong):
        raise Conflict("Name the evidence, a reference a line: a log number, a document, a link.")
    made = ClaimDecision(
        claim_id=claim.id, state=state, met_wrong=met_wrong, why=reason(why), evidence=references,
        first=who.username, first_role=_role(who), asked_at=now,
    )  # fmt: skip
    session.add(made)
    if state in BY_TWO or met_wrong:
        say(session, claim, "claim decision asked for", who=who, now=now, why=made.why, detail=_said(made))
    else:
        _put_in_force(session, claim, made, notice, who=who, now=now)
    session.flush()
    return made


def agree(session: Session, decision: UUID, notice: Notice, *, who: Person, now: datetime) -> ClaimDecision:
    """Agree, as the second person; it is in force from now on."""
    need(who, Permission.DECIDE_CLAIM)
    claim, made = _waits(session, decision)
    if made.first == who.username:
        raise Conflict("Somebody else has to agree: you asked for it.")
    made.second, made.second_role = who.username, _role(who)
    _put_in_force(session, claim, made, notice, who=who, now=now)
    return made


def refuse(session: Session, decision: UUID, *, who: Person, now: datetime) -> ClaimDecision:
    """Say no to what was asked for, or take it back."""
    need(who, Permission.DECIDE_CLAIM)
    claim, made = _waits(session, decision)
    made.refused_at, made.second, made.second_role = now, who.username, _role(who)
    say(session, claim, "claim decision refused", who=who, now=now, detail=_said(made))
    return made


def undo(session: Session, number: int, *, why: str, who: Person, now: datetime) -> KnownClaim:
    """Take the decision in force back; the one before it is in force again, or none."""
    need(who, Permission.DECIDE_CLAIM)
    claim = lock_claim(session, number)
    if claim.decision_id is None:
        raise Conflict(f"Nothing was decided on C-{number}.")
    session.get_one(ClaimDecision, claim.decision_id).undone_at = now
    session.flush()
    before = session.exec(
        select(ClaimDecision)
        .where(ClaimDecision.claim_id == claim.id, col(ClaimDecision.in_force_at).is_not(None))
        .where(col(ClaimDecision.undone_at).is_(None))
        .order_by(col(ClaimDecision.in_force_at).desc())
    ).first()
    was = claim.state
    _stand(session, claim, before, who=who.username, now=now)
    detail = {"was": was, "is": claim.state}
    say(session, claim, "claim decision taken back", who=who, now=now, why=reason(why), detail=detail)
    return claim


def waiting(session: Session, claim_id: UUID) -> ClaimDecision | None:
    """What was asked for and waits for a second person."""
    asked = select(ClaimDecision).where(ClaimDecision.claim_id == claim_id)
    open_ = col(ClaimDecision.in_force_at).is_(None), col(ClaimDecision.refused_at).is_(None)
    return session.exec(asked.where(*open_)).first()


def decisions(session: Session, claim_id: UUID) -> list[ClaimDecision]:
    """All that was asked for and decided, the last one first."""
    asked = select(ClaimDecision).where(ClaimDecision.claim_id == claim_id)
    return list(session.exec(asked.order_by(col(ClaimDecision.asked_at).desc())))


def _waits(session: Session, decision: UUID) -> tuple[KnownClaim, ClaimDecision]:
    known = session.get(ClaimDecision, decision)
    about = session.get(KnownClaim, known.claim_id) if known else None
    claim = lock_claim(session, about.number or 0) if about else None
    made = session.get(ClaimDecision, decision, with_for_update=True, populate_existing=True)
    if claim is None or made is None or made.in_force_at or made.refused_at:
        raise Conflict("This does not wait for anybody any more.")
    return claim, made


def _put_in_force(
    session: Session, claim: KnownClaim, made: ClaimDecision, notice: Notice, *, who: Person, now: datetime
) -> None:
    made.in_force_at = now
    _stand(session, claim, made, who=who.username, now=now)
    session.flush()
    say(session, claim, "claim decided", who=who, now=now, why=made.why, detail=_said(made))
    case = session.get_one(Case, claim.case_id, with_for_update=True)
    if made.state in notice.raise_again and case.status in OPEN:
        _raise_again(session, case, who=who, now=now)


def _stand(
    session: Session, claim: KnownClaim, decision: ClaimDecision | None, *, who: str, now: datetime
) -> None:
    before = claim.state
    claim.decision_id = decision.id if decision else None
    claim.state = ClaimState(decision.state) if decision else ClaimState.UNVERIFIED
    claim.met_wrong = decision.met_wrong if decision else False
    claim.changed_at = now
    if before in DECIDED and claim.state not in DECIDED:
        because = f"C-{claim.number}, which it answers, is no longer decided {before}"
        mark_answers_stale(session, claim.id, because, who=who, now=now)


def _raise_again(session: Session, case: Case, *, who: Person, now: datetime) -> None:
    """The alerts of the case wait for an answer anew; their messages say so."""
    for alert in session.scalars(select(Alert).where(Alert.case_id == case.id, Alert.growth == 0)):
        alert.state, alert.raised_at, alert.manner, alert.snoozed_until = AlertState.OPEN, now, "page", None
        alert.acknowledged_at = alert.acknowledged_by = alert.acknowledged_through = None
    touch(session, case, "alerts raised again for a claim", who=who, now=now)


def _role(who: Person) -> str:
    """In which of their roles a person decides."""
    return next(role for role in who.roles if Permission.DECIDE_CLAIM in GRANTS.get(role, ()))


def _said(made: ClaimDecision) -> dict[str, object]:
    return {
        "state": ClaimState(made.state).value,
        "met statement wrong": made.met_wrong,
        "asked by": made.first,
    }
