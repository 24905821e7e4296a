"""An action is owned by a post, ages in the open, and is closed by the group, also when it did not work."""

from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given as drawn
from hypothesis import strategies as st
from sqlmodel import Session, select

from tests.make import NOON
from tests.triage.review.deciding import listed, reviewer
from triage.locked import Conflict
from triage.permissions import Denied
from triage.records import LogEntry, Person
from triage.review.actions import (
    ActionGiven,
    Closing,
    band_of,
    close,
    complete,
    find_action,
    move_due,
    note_progress,
    notes_of,
    open_action,
    reopen_action,
)
from triage.review.finding_form import Unanswered
from triage.review.finding_records import Action, ActionOutcome, ActionTarget

TODAY = NOON.date()
ASKED = ActionGiven(
    "Brief the team on explaining a search", "BCU commander", date(2026, 8, 14), "bcu", "training"
)


@pytest.fixture
def tom(session: Session) -> Person:
    return reviewer(session)


def opened(session: Session, who: Person, given: ActionGiven = ASKED) -> Action:
    review, case = listed(session)
    return open_action(session, review.id, given, case_id=case.id, themes=["training"], who=who, now=NOON)


def test_an_action_is_numbered_and_logged_on_its_case(session: Session, tom: Person) -> None:
    made = opened(session, tom)
    session.commit()
    assert made.number
    assert find_action(session, made.number) == made
    entry = session.exec(select(LogEntry).where(LogEntry.what == "action opened")).one()
    assert entry.detail == {
        "action": f"A-{made.number}",
        "due": "2026-08-14",
        "owner": "BCU commander",
        "target": "bcu",
    }
    assert entry.case_id == made.case_id


def test_an_action_may_be_about_no_one_case(session: Session, tom: Person) -> None:
    review, _ = listed(session)
    made = open_action(session, review.id, ASKED, themes=["training"], who=tom, now=NOON)
    close(session, made.id, Closing("not_done", "The unit was dissolved"), who=tom, now=NOON)
    session.commit()
    assert made.closed_in == review.id
    assert session.exec(select(LogEntry).where(LogEntry.what == "action closed")).one().case_id is None


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"words": "Brief"}, "action-words"),
        ({"owner_post": ""}, "action-owner"),
        ({"target": "press"}, "action-target"),
        ({"due_on": None}, "action-due"),
        ({"due_on": date(2026, 7, 13)}, "action-due"),
        ({"theme": "justice"}, "action-theme"),
    ],
)
def test_what_is_missing_is_said_by_field(
    session: Session, tom: Person, changed: dict[str, Any], field: str
) -> None:
    with pytest.raises(Unanswered) as missing:
        opened(session, tom, ASKED._replace(**changed))
    assert set(missing.value.fields) == {field}


def test_it_is_worked_on_in_the_open_and_closed_by_the_group(session: Session, tom: Person) -> None:
    made = opened(session, tom)
    note_progress(session, made.id, "Dates are set", who=tom, now=NOON)
    with pytest.raises(Conflict, match="what shows"):
        close(session, made.id, Closing("worked", "Searches are explained"), who=tom, now=NOON)
    complete(session, made.id, "Training record TR/7", who=tom, now=NOON)
    assert band_of(made, TODAY) == "done, to be closed"
    close(session, made.id, Closing("worked", "Searches are explained"), who=tom, now=NOON)
    session.flush()
    assert made.outcome == ActionOutcome.WORKED
    assert made.closed_in == made.review_id
    assert {each.what for each in notes_of(session, made.id)} == {"progress", "evidence", "closed"}
    with pytest.raises(Conflict, match="is closed"):
        note_progress(session, made.id, "One more thing", who=tom, now=NOON)


def test_one_that_did_not_work_is_closed_as_that_and_may_be_taken_up_again(
    session: Session, tom: Person
) -> None:
    made = opened(session, tom)
    close(session, made.id, Closing("did_not_work", "Complaints went on as before"), who=tom, now=NOON)
    assert band_of(made, TODAY) == "closed"
    reopen_action(session, made.id, "Try it with another unit", who=tom, now=NOON)
    assert (made.outcome, made.closed_at) == (None, None)
    told = [each.words for each in notes_of(session, made.id) if each.what == "closed"]
    assert told == ["did not work: Complaints went on as before"]
    with pytest.raises(Conflict, match="is open"):
        reopen_action(session, made.id, "Try it again", who=tom, now=NOON)


def test_a_due_date_moves_with_a_reason_and_the_first_one_stays(session: Session, tom: Person) -> None:
    made = opened(session, tom)
    with pytest.raises(Conflict, match="why the due date"):
        move_due(session, made.id, date(2026, 9, 1), "", who=tom, now=NOON)
    move_due(session, made.id, date(2026, 9, 1), "Trainers are away", who=tom, now=NOON)
    assert (made.first_due_on, made.due_on) == (date(2026, 8, 14), date(2026, 9, 1))
    with pytest.raises(Conflict, match="from today on"):
        move_due(session, made.id, date(2026, 7, 1), "Earlier is better", who=tom, now=NOON)


def test_only_a_reviewer_asks_and_closes(session: Session, tom: Person) -> None:
    made = opened(session, tom)
    viewer = reviewer(session, "viewer", roles=["viewer", "duty_officer"])
    with pytest.raises(Denied):
        close(session, made.id, Closing("not_known", "Nobody said"), who=viewer, now=NOON)


@drawn(st.integers(-400, 800))
def test_the_longer_overdue_the_graver_the_band(days: int) -> None:
    due = TODAY + timedelta(days=days)
    made = Action(
        review_id=uuid4(), target=ActionTarget.BCU, words="", owner_post="", due_on=due,
        first_due_on=due, opened_by="tom", opened_at=NOON,
    )  # fmt: skip
    expected = (
        "not due yet" if days > 7 else "due within a week" if days >= 0 else "overdue" if days > -14
        else "overdue for two weeks" if days > -42 else "overdue for six weeks"
    )  # fmt: skip
    assert band_of(made, TODAY) == expected
