"""Claims are decided with evidence, by one person or two."""

from datetime import timedelta

import pytest
from sqlmodel import Session, select

from tests.make import NOON, make_alert, make_person
from tests.triage.claims.noted import LATER, QUIET, decided, jobs, lines, noted, number
from tests.triage.confirmed import kept
from triage import deciding
from triage.claim_records import ClaimState
from triage.claim_types import Notice
from triage.locked import Conflict
from triage.permissions import Denied
from triage.records import Alert, AlertState, Case, Person


@pytest.mark.parametrize("state", [ClaimState.FALSE, ClaimState.TRUE])
def test_false_and_true_need_evidence_and_a_second_person(
    session: Session, ann: Person, ben: Person, case: Case, state: ClaimState
) -> None:
    claim = noted(session, case, ann)
    with pytest.raises(Conflict, match="evidence"):
        deciding.decide(session, number(claim), state, QUIET, why="Asked DPS", who=ann, now=NOON)
    asked = decided(session, claim, state, ann)
    assert claim.state == ClaimState.UNVERIFIED
    with pytest.raises(Conflict, match="Somebody else"):
        deciding.agree(session, asked.id, QUIET, who=ann, now=LATER)
    with pytest.raises(Conflict, match="second person already"):
        decided(session, claim, ClaimState.DISPUTED, ben)
    made = deciding.agree(session, asked.id, QUIET, who=ben, now=LATER)
    session.commit()
    assert (claim.state, claim.decision_id) == (state, made.id)
    assert (made.first, made.first_role, made.second, made.second_role) == (
        "ann", "duty_officer", "ben", "approver",
    )  # fmt: skip
    assert lines(session) == ["claim noted", "claim decision asked for", "claim decided"]


def test_disputed_partial_and_opinion_are_one_persons_and_each_is_its_own(
    session: Session, ann: Person, case: Case
) -> None:
    claim = noted(session, case, ann)
    for minute, state in enumerate((ClaimState.DISPUTED, ClaimState.PARTIAL, ClaimState.OPINION)):
        assert decided(session, claim, state, ann, now=NOON + timedelta(minutes=minute)).evidence == [
            "DPS log 12"
        ]
        assert claim.state == state
    deciding.undo(session, number(claim), why="Wrong claim", who=ann, now=LATER)
    assert claim.state == ClaimState.PARTIAL
    deciding.undo(session, number(claim), why="Wrong claim", who=ann, now=LATER)
    deciding.undo(session, number(claim), why="Wrong claim", who=ann, now=LATER)
    assert (claim.state, claim.decision_id) == (ClaimState.UNVERIFIED, None)
    with pytest.raises(Conflict, match="Nothing was decided"):
        deciding.undo(session, number(claim), why="Again", who=ann, now=LATER)


def test_a_reason_is_needed_and_the_permission(session: Session, ann: Person, case: Case) -> None:
    claim = noted(session, case, ann)
    with pytest.raises(Conflict, match="Say why"):
        deciding.decide(session, number(claim), ClaimState.OPINION, QUIET, why=" ", who=ann, now=NOON)
    triage = kept(session, make_person(roles=["triage"]))
    with pytest.raises(Denied):
        deciding.decide(session, number(claim), ClaimState.OPINION, QUIET, why="So", who=triage, now=NOON)


def test_that_a_statement_of_ours_was_wrong_is_recorded_by_two(
    session: Session, ann: Person, ben: Person, case: Case
) -> None:
    said = noted(session, case, ann, words="No force was used by officers at Rye Lane", ours=True)
    asked = decided(session, said, ClaimState.PARTIAL, ann, met_wrong=True)
    assert not said.met_wrong
    deciding.agree(session, asked.id, QUIET, who=ben, now=LATER)
    assert (said.met_wrong, said.state) == (True, ClaimState.PARTIAL)
    deciding.undo(session, number(said), why="The log was misread", who=ben, now=LATER)
    assert (said.met_wrong, said.state) == (False, ClaimState.UNVERIFIED)


def test_what_was_asked_for_can_be_refused(session: Session, ann: Person, ben: Person, case: Case) -> None:
    claim = noted(session, case, ann)
    asked = decided(session, claim, ClaimState.FALSE, ann)
    deciding.refuse(session, asked.id, who=ben, now=LATER)
    with pytest.raises(Conflict, match="any more"):
        deciding.agree(session, asked.id, QUIET, who=ben, now=LATER)
    assert claim.state == ClaimState.UNVERIFIED


@pytest.mark.parametrize("loud", [True, False])
def test_desks_hear_again_only_where_the_guide_says_so(
    session: Session, ann: Person, ben: Person, case: Case, loud: bool
) -> None:
    notice = Notice(raise_again=(ClaimState.TRUE,) if loud else (ClaimState.FALSE,))
    session.add(make_alert(case, state=AlertState.ACKNOWLEDGED, acknowledged_at=NOON))
    claim = noted(session, case, ann)
    asked = decided(session, claim, ClaimState.TRUE, ann)
    deciding.agree(session, asked.id, notice, who=ben, now=LATER)
    session.commit()
    alert = session.exec(select(Alert)).one()
    assert (alert.state == AlertState.OPEN, len(jobs(session, "deliver"))) == (loud, int(loud))
