"""Deciding on the release of body-worn video: by the policy of the day, by two people, once somebody has viewed it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlmodel import Session, col, select

from tests.make import NOON, make_case, make_person
from tests.triage.confirmed import EVERY, HOUR, confirmed, kept, logged
from tests.triage.releasing import ASKED, KINDS, NEW, OLD, POLICIES, form, viewed
from triage import regroup
from triage.case_facts import facts_of, note_fact, verify_fact
from triage.locked import Conflict
from triage.permissions import Denied
from triage.records import Case, Person, Role, Status
from triage.release import (
    agree_release,
    decide_release,
    enter_item,
    refuse_release,
    releases,
    standing_release,
    waiting_release,
)
from triage.release_facts import reference_of
from triage.release_form import NOTHING_HIDDEN, Given, Told, Unanswered
from triage.release_records import BwvDecision
from triage.statement_records import Statement, StatementState
from triage.track_records import BodyWornVideo

BEFORE = datetime(2024, 3, 1, 12, tzinfo=UTC)  # a day of the old policy


@pytest.fixture
def ben(session: Session) -> Person:
    return kept(session, make_person(username="ben", name="Ben Ode", roles=EVERY))


@pytest.fixture
def seen(session: Session, case: Case, ann: Person) -> Case:
    viewed(session, case, ann)
    return case


def decide(session: Session, case: Case, who: Person, given: Given, now: datetime = NOON) -> BwvDecision:
    made = decide_release(session, case.id, POLICIES, given, KINDS, who=who, now=now)
    session.commit()
    return made


def agree(session: Session, made: BwvDecision, who: Person, now: datetime = NOON + HOUR) -> BwvDecision:
    agree_release(session, made.id, POLICIES, KINDS, who=who, now=now)
    session.commit()
    return made


def missing(session: Session, case: Case, who: Person, given: Given, now: datetime = NOON) -> dict[str, str]:
    with pytest.raises(Unanswered) as refused:
        decide_release(session, case.id, POLICIES, given, KINDS, who=who, now=now)
    session.rollback()
    return refused.value.fields


def test_a_release_waits_for_a_second_person_and_gives_the_line_its_facts(
    session: Session, seen: Case, ann: Person, ben: Person
) -> None:
    made = decide(session, seen, ann, form())
    assert (made.decided_at, standing_release(session, seen.id)) == (None, None)
    with pytest.raises(Conflict, match="Somebody else"):
        agree(session, made, ann)
    with pytest.raises(Conflict, match="second person already"):
        decide(session, seen, ben, form(outcome="defer"))
    agree(session, made, ben)
    assert (made.first, made.second, made.decided_at) == ("ann", "ben", NOON + HOUR)
    assert made.viewed_by == ["Supervisor"]
    facts = {each.name: (each.value, each.verified_by) for each in facts_of(session, seen.id)}
    assert facts["release_ref"] == (reference_of(made), "ben")
    assert reference_of(made) == f"RELEASE/2026/{made.number:06d}"
    assert facts["encounter_length"][0] == "11 minutes"
    assert facts["subject_told"][0] == "yes"
    assert facts["redactions"][0] == "faces of members of the public, faces of officers"
    assert [line.who for line in logged(session, seen, "release decided")] == ["ben"]
    [asked] = logged(session, seen, "release decision asked for")
    assert (asked.why, asked.detail["policy"]) == ("People judge a short clip", "bwv-2026")


@pytest.mark.parametrize("outcome", ["do_not_release", "defer"])
def test_a_refusal_or_a_deferral_counts_at_once_with_the_time_it_took(
    session: Session, case: Case, ann: Person, outcome: str
) -> None:
    made = decide(session, case, ann, form(outcome=outcome))
    assert made.decided_at is not None
    assert made.decided_at - made.asked_at == NOON - ASKED == timedelta(hours=5)
    assert facts_of(session, case.id) == []
    assert (made.reason is not None) == (outcome == "do_not_release")


def test_nothing_is_released_that_nobody_has_viewed(session: Session, case: Case, ann: Person) -> None:
    assert "body-worn video exists" in missing(session, case, ann, form())["outcome"]
    viewed(session, case, ann)
    bwv = session.get_one(BodyWornVideo, case.id)
    bwv.viewings = []
    session.commit()
    assert "Nobody is entered as having viewed it" in missing(session, case, ann, form())["outcome"]


def test_the_second_person_cannot_agree_once_the_viewing_is_gone(
    session: Session, seen: Case, ann: Person, ben: Person
) -> None:
    made = decide(session, seen, ann, form())
    session.get_one(BodyWornVideo, seen.id).exists = "no"
    session.commit()
    with pytest.raises(Conflict, match="exists"):
        agree(session, made, ben)


def test_everything_that_is_missing_is_said_by_field(session: Session, seen: Case, ann: Person) -> None:
    bare = Given(policy=NEW.version, outcome="release")
    fields = missing(session, seen, ann, bare)
    asks = {f"a-{each.name}" for each in NEW.consideration}
    told = {f"t-{each.name}" for each in NEW.told}
    assert set(fields) == {"asked_at", "necessity", "proportionality", "redactions", "why"} | asks | told
    assert set(missing(session, seen, ann, bare._replace(outcome=""))) == {"outcome"}
    assert set(missing(session, seen, ann, bare._replace(outcome="defer"))) == {"asked_at", "why"}
    assert "reason" in missing(session, seen, ann, bare._replace(outcome="do_not_release"))
    assert releases(session, seen.id) == []


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"asked_at": NOON + HOUR}, "asked_at"),
        ({"redactions": [NOTHING_HIDDEN, "Voices"]}, "redactions"),
        ({"why": "no"}, "why"),
        ({"answers": {each.name: "No" for each in NEW.consideration}}, "a-trust"),
        ({"told": {each.name: Told(NOON + HOUR) for each in NEW.told}}, "t-cps"),
        ({"outcome": "do_not_release", "reason": "data_protection", "lawful_basis": "none"}, "lawful_basis"),
    ],
)
def test_what_makes_no_sense_is_said_at_its_field(
    session: Session, seen: Case, ann: Person, given: dict[str, Any], field: str
) -> None:
    assert field in missing(session, seen, ann, form(**given))


def test_data_protection_as_a_reason_keeps_its_note_on_the_lawful_basis(
    session: Session, case: Case, ann: Person
) -> None:
    note = "No lawful basis for the bystanders shown"
    made = decide(
        session, case, ann, form(outcome="do_not_release", reason="data_protection", lawful_basis=note)
    )
    assert (made.reason_says, made.lawful_basis) == ("Data protection", note)


def test_whoever_was_not_told_is_kept_with_the_reason(
    session: Session, seen: Case, ann: Person, ben: Person
) -> None:
    told = {each.name: Told(why="Not involved in this case") for each in NEW.told}
    made = agree(session, decide(session, seen, ann, form(told=told)), ben)
    assert {each["why"] for each in made.told} == {"Not involved in this case"}
    assert {each.name: each.value for each in facts_of(session, seen.id)}["subject_told"] == "no"


def test_on_a_day_of_the_old_policy_an_exception_must_hold(session: Session, ann: Person) -> None:
    case = confirmed(session, ann)
    viewed(session, case, ann)
    asked: dict[str, Any] = {
        "asked_at": BEFORE - HOUR,
        "told": {each.name: Told(why="Nobody to tell") for each in OLD.told},
    }
    with pytest.raises(Conflict, match="Another policy is in force now"):
        decide(session, case, ann, form(NEW, **asked), BEFORE)
    session.rollback()
    assert "exception" in missing(session, case, ann, form(OLD, exception="", **asked), BEFORE)
    made = decide(session, case, ann, form(OLD, **asked), BEFORE)
    assert made.exception == OLD.exception[0].says


def test_an_old_decision_is_read_in_the_words_of_its_policy_and_waits_for_nobody_under_a_new_one(
    session: Session, ann: Person, ben: Person
) -> None:
    case = confirmed(session, ann)
    viewed(session, case, ann)
    asked: dict[str, Any] = {
        "asked_at": BEFORE - HOUR,
        "told": {each.name: Told(why="Nobody to tell") for each in OLD.told},
    }
    made = decide(session, case, ann, form(OLD, **asked), BEFORE)
    with pytest.raises(Conflict, match="Another policy is in force now"):
        agree(session, made, ben)
    session.rollback()
    refuse_release(session, made.id, who=ben, now=NOON)
    session.commit()
    assert [each["asks"] for each in made.answers] == [each.asks for each in OLD.consideration]
    assert (made.policy, made.policy_title) == (OLD.version, OLD.title)
    assert decide(session, case, ann, form(NEW)).policy == NEW.version


def test_before_the_first_policy_nothing_is_decided(session: Session, case: Case, ann: Person) -> None:
    with pytest.raises(Conflict, match="No policy"):
        decide(session, case, ann, form(OLD), datetime(2019, 1, 1, tzinfo=UTC))


def test_a_later_decision_supersedes_and_what_rested_on_the_first_is_stale(
    session: Session, seen: Case, ann: Person, ben: Person
) -> None:
    first = agree(session, decide(session, seen, ann, form()), ben)
    [fact] = [each for each in facts_of(session, seen.id) if each.name == "release_ref"]
    line = Statement(
        case_id=seen.id, template="footage", text="x", drafted_at=NOON, state=StatementState.DRAFTED,
        facts=[{"id": str(fact.id), "name": fact.name, "value": fact.value}],
    )  # fmt: skip
    session.add(line)
    session.commit()
    later = decide(session, seen, ben, form(outcome="do_not_release"), NOON + 3 * HOUR)
    assert first.superseded_at == NOON + 3 * HOUR
    assert standing_release(session, seen.id) == later
    assert facts_of(session, seen.id) == []
    session.refresh(line)
    assert f"BWV-{later.number} supersedes" in (line.stale_because or "")
    with pytest.raises(Conflict, match="in force"):
        enter_item(session, first.id, "PUB/1", who=ann, now=NOON)


def test_a_fact_somebody_verified_otherwise_is_left_to_people(
    session: Session, seen: Case, ann: Person, ben: Person
) -> None:
    from_elsewhere = note_fact(
        session, seen.id, "subject_told", "no", "Family liaison log", KINDS, who=ann, now=NOON
    )
    verify_fact(session, from_elsewhere.id, who=ann, now=NOON)
    agree(session, decide(session, seen, ann, form()), ben)
    found = [each for each in facts_of(session, seen.id) if each.name == "subject_told"]
    assert [(each.value, each.verified_by) for each in found] == [("no", "ann"), ("yes", None)]


def test_what_was_released_is_entered_by_reference_never_by_link(
    session: Session, seen: Case, ann: Person, ben: Person
) -> None:
    made = decide(session, seen, ann, form())
    with pytest.raises(Conflict, match="in force"):
        enter_item(session, made.id, "PUB/1", who=ann, now=NOON)
    agree(session, made, ben)
    for wrong in ("https://video.example/1", "footage.mp4", " "):
        with pytest.raises(Conflict, match="reference"):
            enter_item(session, made.id, wrong, who=ann, now=NOON)
    assert enter_item(session, made.id, " PUB/1 ", who=ann, now=NOON).item == "PUB/1"


@pytest.mark.parametrize(
    "role", [each for each in Role if each not in (Role.APPROVER, Role.OVERSIGHT_REVIEWER)]
)
def test_only_approvers_and_oversight_decide(session: Session, seen: Case, ann: Person, role: Role) -> None:
    other = kept(session, make_person(roles=[role.value]))
    with pytest.raises(Denied):
        decide(session, seen, other, form(outcome="defer"))
    session.rollback()
    made = decide(session, seen, ann, form())
    with pytest.raises(Denied):
        agree(session, made, other)
    with pytest.raises(Denied):
        refuse_release(session, made.id, who=other, now=NOON)
    with pytest.raises(Denied):
        enter_item(session, made.id, "PUB/1", who=other, now=NOON)


def test_a_closed_case_is_decided_on_no_more(session: Session, seen: Case, ann: Person, ben: Person) -> None:
    made = decide(session, seen, ann, form())
    seen.status = Status.CLOSED
    session.commit()
    with pytest.raises(Conflict, match="Reopen"):
        agree(session, made, ben)
    with pytest.raises(Conflict, match="Reopen"):
        decide(session, seen, ann, form(outcome="defer"))


def test_decisions_go_with_a_case_that_is_joined_and_one_stays_in_force(
    session: Session, seen: Case, ann: Person
) -> None:
    there = decide(session, seen, ann, form(outcome="do_not_release"))
    other = make_case()
    session.add(other)
    session.commit()
    moved = decide(session, other, ann, form(outcome="defer"))
    waits = decide(session, seen, ann, form())
    regroup.join(session, seen.id, other.id, who=ann, why="the same", now=NOON + HOUR)
    session.commit()
    assert {each.id for each in releases(session, seen.id)} == {there.id, moved.id, waits.id}
    assert standing_release(session, seen.id) == there
    assert waiting_release(session, seen.id) == waits
    assert session.exec(select(BwvDecision.id).where(col(BwvDecision.case_id) == other.id)).all() == []
