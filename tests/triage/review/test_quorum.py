"""Who is there, who is recused, and whether that is enough to decide."""

from datetime import datetime, timedelta

import pytest
from pydantic import ValidationError
from sqlmodel import Session

from tests.triage.review.kept import CYCLE, case, keeper, meetings, seat, seat_group
from triage.hidden import look_as, sees
from triage.locked import Conflict
from triage.permissions import Denied
from triage.records import Case, Person
from triage.review.agenda import list_for_review
from triage.review.attendance import (
    Came,
    add_to_sheet,
    need_quorum,
    note_attendance,
    quorate,
    sheet_of,
)
from triage.review.declaring import declarations_of, declare, recused_from, withdraw
from triage.review.group import BODY, Group
from triage.review.meeting_records import Review
from triage.review.seats import chairs, end_seat, expect_members, give_seat
from triage.ties import withdraw_tie

GROUP = CYCLE.group


def begun(session: Session, now: datetime) -> tuple[Person, Review, datetime]:
    """A meeting under way, with everybody expected and nobody there."""
    chair = seat_group(session, now=now)
    review = meetings(session, now=now)[1]
    expect_members(session, review, GROUP)
    return chair, review, review.meets_at


def everybody_comes(session: Session, review: Review, who: Person, now: datetime) -> None:
    for row in sheet_of(session, review.id):
        note_attendance(session, review.id, row.id, Came.CAME, who=who, now=now)


def test_a_quorum_needs_each_of_its_parts(session: Session, noon: datetime) -> None:
    who, review, at = begun(session, noon)
    assert quorate(session, review, GROUP) == [
        "chair or deputy",
        "Professional Standards",
        "operational commander",
        "Media and Communications",
        "community members: 2 more",
    ]
    everybody_comes(session, review, who, at)
    assert quorate(session, review, GROUP) == []
    need_quorum(session, review, GROUP)
    ada = next(each for each in sheet_of(session, review.id) if each.name == "Ada")
    note_attendance(session, review.id, ada.id, Came.LEFT, who=who, now=at)
    assert quorate(session, review, GROUP) == ["community members: 1 more"]
    with pytest.raises(Conflict, match="community members: 1 more"):
        need_quorum(session, review, GROUP)
    note_attendance(session, review.id, ada.id, Came.CAME, who=who, now=at)
    note_attendance(session, review.id, ada.id, Came.APOLOGIES, who=who, now=at)
    assert quorate(session, review, GROUP) != []


def test_a_deputy_stands_in_and_nobody_counts_twice(session: Session, noon: datetime) -> None:
    who, review, at = begun(session, noon)
    everybody_comes(session, review, who, at)
    rows = {each.post: each for each in sheet_of(session, review.id)}
    note_attendance(session, review.id, rows["chair"].id, Came.LEFT, who=who, now=at)
    assert quorate(session, review, GROUP) == ["chair or deputy"]
    twice = add_to_sheet(session, review.id, "deputy", GROUP, name="Ada", who=who, now=at)
    with pytest.raises(Conflict, match="twice"):
        note_attendance(session, review.id, twice.id, Came.CAME, who=who, now=at)
    deputy = add_to_sheet(session, review.id, "deputy", GROUP, name="Dee", who=who, now=at)
    note_attendance(session, review.id, deputy.id, Came.CAME, who=who, now=at)
    assert quorate(session, review, GROUP) == []


def test_nobody_is_there_before_the_day(session: Session, noon: datetime) -> None:
    who, review, _ = begun(session, noon)
    [row, *_] = sheet_of(session, review.id)
    with pytest.raises(Conflict, match="not come yet"):
        note_attendance(session, review.id, row.id, Came.CAME, who=who, now=noon)
    note_attendance(session, review.id, row.id, Came.SIGNED, who=who, now=noon)
    assert row.undertaking_at == noon


@pytest.fixture
def listed(session: Session, noon: datetime) -> tuple[Person, Review, datetime, Case]:
    chair, review, at = begun(session, noon)
    one = case(session)
    list_for_review(session, one.id, CYCLE.meetings, now=noon)
    return chair, review, at, one


@pytest.mark.parametrize("kind", [each.name for each in GROUP.interest])
def test_whoever_declares_an_interest_does_not_see_the_case_from_then_on(
    session: Session, noon: datetime, listed: tuple[Person, Review, datetime, Case], kind: str
) -> None:
    _, review, _, one = listed
    who = keeper(session, "tess")
    assert sees(session, who, one.id)
    made = declare(session, review.id, one.id, kind, GROUP, who=who, now=noon)
    session.commit()
    assert (made.name, made.recused, made.tie_id is not None) == ("Tess", True, True)
    assert not sees(session, who, one.id)
    look_as(session, who)
    assert session.get(Case, one.id, populate_existing=True) is None
    assert declarations_of(session, review.id) == [], "nor what is said of the case"


def test_who_is_recused_does_not_count_for_that_case_and_does_for_others(
    session: Session, noon: datetime, listed: tuple[Person, Review, datetime, Case]
) -> None:
    who, review, at, one = listed
    everybody_comes(session, review, who, at)
    other = case(session)
    declare(session, review.id, one.id, "public_comment", GROUP, who=who, name="Ada", now=at)
    assert quorate(session, review, GROUP) == []
    assert quorate(session, review, GROUP, case_id=one.id) == ["community members: 1 more"]
    assert quorate(session, review, GROUP, case_id=other.id) == []
    with pytest.raises(Conflict, match="recused"):
        need_quorum(session, review, GROUP, case_id=one.id)
    with pytest.raises(Conflict, match="declared already"):
        declare(session, review.id, one.id, "other", GROUP, who=who, name="Ada", now=at)


def test_the_secretary_enters_what_somebody_with_an_account_declares(
    session: Session, noon: datetime, listed: tuple[Person, Review, datetime, Case]
) -> None:
    who, review, at, one = listed
    sergeant = keeper(session, "sol")
    made = declare(session, review.id, one.id, "line_manager", GROUP, who=who, username="sol", now=at)
    assert (made.person_id, made.noted_by) == (sergeant.id, "chair")
    assert not sees(session, sergeant, one.id)
    assert sees(session, who, one.id)


def test_a_recusal_ends_when_a_supervisor_withdraws_the_tie(
    session: Session, noon: datetime, listed: tuple[Person, Review, datetime, Case]
) -> None:
    _, review, _, one = listed
    who, lead = keeper(session, "tess"), keeper(session, "lead", ("duty_officer",))
    made = declare(session, review.id, one.id, "same_team", GROUP, who=who, now=noon)
    assert [each.name for each in recused_from(session, one.id)] == ["Tess"]
    assert made.tie_id is not None
    withdraw_tie(session, made.tie_id, who=lead, why="another officer of that name", now=noon)
    assert recused_from(session, one.id) == []
    assert sees(session, who, one.id)


def test_what_was_declared_wrongly_is_withdrawn_with_a_reason(
    session: Session, noon: datetime, listed: tuple[Person, Review, datetime, Case]
) -> None:
    who, review, at, one = listed
    everybody_comes(session, review, who, at)
    made = declare(session, review.id, one.id, "other", GROUP, who=who, name="Ada", now=at)
    assert quorate(session, review, GROUP, case_id=one.id) != []
    with pytest.raises(Conflict, match="why"):
        withdraw(session, made.id, who=who, why="no", now=at)
    withdraw(session, made.id, who=who, why="it was another case", now=at)
    assert quorate(session, review, GROUP, case_id=one.id) == []
    with pytest.raises(Conflict, match="not stand"):
        withdraw(session, made.id, who=who, why="it was another case", now=at)
    declare(session, review.id, one.id, "other", GROUP, who=who, name="Ada", now=at)


def test_only_a_supervisor_lets_somebody_with_an_account_see_it_again(
    session: Session, noon: datetime, listed: tuple[Person, Review, datetime, Case]
) -> None:
    who, review, at, one = listed
    tess = keeper(session, "tess", ("oversight_reviewer", "duty_officer"))
    lead = keeper(session, "lead", ("oversight_reviewer", "duty_officer"))
    made = declare(session, review.id, one.id, "same_team", GROUP, who=tess, now=at)
    with pytest.raises(Denied):
        withdraw(session, made.id, who=who, why="another officer of that name", now=at)
    with pytest.raises(Conflict, match="not stand"):
        withdraw(session, made.id, who=tess, why="another officer of that name", now=at)
    withdraw(session, made.id, who=lead, why="another officer of that name", now=at)
    assert sees(session, tess, one.id)
    assert recused_from(session, one.id) == []


def test_only_who_keeps_the_reviews_declares_for_others(
    session: Session, noon: datetime, listed: tuple[Person, Review, datetime, Case]
) -> None:
    _, review, _, one = listed
    triage = keeper(session, "sam", ("triage",))
    with pytest.raises(Denied):
        declare(session, review.id, one.id, "other", GROUP, who=triage, name="Ada", now=noon)
    with pytest.raises(Conflict, match="not on this list"):
        declare(session, review.id, case(session).id, "other", GROUP, who=keeper(session), now=noon)


def test_nobody_seats_themselves_and_who_has_no_seat_does_not_chair(session: Session, noon: datetime) -> None:
    who, other = keeper(session), keeper(session, "other")
    args = (session, BODY, "chair", GROUP, CYCLE.panels)
    with pytest.raises(Conflict, match="Somebody else"):
        give_seat(*args, name="", username="keeper", who=who, now=noon)
    assert not chairs(session, who, GROUP)
    made = give_seat(*args, name="", username="keeper", who=other, now=noon)
    assert chairs(session, who, GROUP)
    with pytest.raises(Conflict, match="already"):
        give_seat(*args, name="", username="keeper", who=other, now=noon)
    end_seat(session, made.id, who=other, now=noon + timedelta(days=1))
    assert not chairs(session, who, GROUP)
    with pytest.raises(Conflict, match="no such post"):
        give_seat(session, BODY, "king", GROUP, CYCLE.panels, name="Rex", who=who, now=noon)
    seat(session, "deputy", "Keeper", person=who.id, now=noon)
    assert chairs(session, who, GROUP)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"quorum": [{"title": "a king", "any_of": ["king"]}]}, "king"),
        ({"post": [{"name": "chair", "title": "Chair"}]}, "chair"),
        ({"interest": [{"name": "x1", "title": "X1"}] * 2}, "two of this name"),
    ],
)
def test_terms_of_reference_that_do_not_fit_together_are_refused(
    change: dict[str, object], told: str
) -> None:
    with pytest.raises(ValidationError, match=told):
        Group.model_validate({**GROUP.model_dump(), **change})
