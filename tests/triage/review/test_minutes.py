"""Minutes come from the records, are approved at the next meeting by somebody else, and are fixed then."""

from datetime import date, timedelta

import pytest
from sqlmodel import Session

from tests.make import NOON, make_case
from tests.triage.review.deciding import BEGAN, GROUP, come, found, listed, meeting, reviewer
from triage.hidden import look_as
from triage.locked import Conflict
from triage.records import Case, Person
from triage.review.actions import ActionGiven, Closing, close, open_action
from triage.review.finding_records import Minutes
from triage.review.meeting_records import Attendance, Declaration, Review
from triage.review.minutes import (
    approve_minutes,
    as_text,
    correct_minutes,
    draft_minutes,
    edit_minutes,
    minutes_of,
    shown,
)
from triage.ties import declare_tie

NEXT = BEGAN + timedelta(days=14)
LATER = NEXT + timedelta(hours=3)


@pytest.fixture
def tom(session: Session) -> Person:
    return reviewer(session)


def held(session: Session, tom: Person) -> tuple[Review, Case]:
    """A meeting with everything that minutes tell."""
    review, case = listed(session)
    for post, name, came in (
        ("chair", "Ada Example", 1),
        ("community", "Bo Example", 1),
        ("dps", "Cy Example", 0),
    ):
        seat = Attendance(review_id=review.id, post=post, name=name, noted_by="tom")
        seat.came_at, seat.apologies_at = (NOON, None) if came else (None, NOON)
        session.add(seat)
    session.add(
        Declaration(
            review_id=review.id, case_id=case.id, name="Bo Example", kind="friend_family", declared_at=NOON,
            noted_by="tom",
        )
    )  # fmt: skip
    found(session, review, case, tom, dissent=[("Community member", "Force was avoidable")])
    given = ActionGiven("Brief the team on searches.", "BCU commander", date(2026, 8, 14), "bcu")
    made = open_action(session, review.id, given, case_id=case.id, who=tom, now=NOON)
    close(session, made.id, Closing("did_not_work", "Nobody came to it"), who=tom, now=NOON)
    return review, case


def test_a_draft_says_who_was_there_what_was_found_and_names_nobody(session: Session, tom: Person) -> None:
    review, case = held(session, tom)
    made = draft_minutes(session, review.id, GROUP, who=tom, now=NOON)
    text = as_text(session, made, review)
    for said in (
        "Present: Chair (2), Community member (3), Media and Communications, Operational commander",
        "Apologies: Professional Standards (DPS).", f"GH-{case.number}",
        "Finding: Poor communication.",
        "Declared: friend or family of somebody in it, took no part.",
        "Dissent (Community member): Force was avoidable",
        "Owner: BCU commander, due 14 August 2026.", "closed: did not work. Nobody came to it", "Draft 1",
    ):  # fmt: skip
        assert said in text
    assert "Example" not in text
    assert "tom" not in text


def test_minutes_are_drafted_again_and_edited_until_they_are_approved(session: Session, tom: Person) -> None:
    review, _ = held(session, tom)
    made = draft_minutes(session, review.id, GROUP, who=tom, now=NOON)
    edit_minutes(session, made.id, {"actions": "None was asked for."}, version=1, who=tom, now=NOON)
    assert made.version == 2
    assert "None was asked for." in as_text(session, made, review)
    with pytest.raises(Conflict, match="Somebody changed"):
        edit_minutes(session, made.id, {"actions": "Other words"}, version=1, who=tom, now=NOON)
    draft_minutes(session, review.id, GROUP, who=tom, now=NOON)
    assert made.version == 3
    assert "None was asked for." not in as_text(session, made, review)


def test_the_next_meeting_approves_them_by_somebody_who_did_not_write_them(
    session: Session, tom: Person
) -> None:
    review, _ = held(session, tom)
    amira, zoe = reviewer(session, "amira"), reviewer(session, "zoe")
    made = draft_minutes(session, review.id, GROUP, who=tom, now=NOON)
    edit_minutes(session, made.id, {"actions": "None at all."}, version=1, who=amira, now=NOON)
    with pytest.raises(Conflict, match="next meeting"):
        approve_minutes(session, made.id, GROUP, who=zoe, now=NOON)
    following = meeting(session, at=NEXT, quorate=False)
    come(session, following, zoe, at=NEXT)
    for writer in (tom, amira):
        with pytest.raises(Conflict, match="did not write"):
            approve_minutes(session, made.id, GROUP, who=writer, now=LATER)
    with pytest.raises(Conflict, match="Who chairs the meeting"):
        approve_minutes(session, made.id, GROUP, who=reviewer(session, "yan"), now=LATER)
    approve_minutes(session, made.id, GROUP, who=zoe, now=LATER)
    session.commit()
    assert (made.approved_in, made.approved_by) == (following.id, "zoe")
    with pytest.raises(Conflict, match="approved"):
        draft_minutes(session, review.id, GROUP, who=tom, now=LATER)
    with pytest.raises(Conflict, match="approved"):
        edit_minutes(session, made.id, {"actions": "x y"}, version=2, who=tom, now=LATER)
    with pytest.raises(Conflict, match="approved"):
        approve_minutes(session, made.id, GROUP, who=zoe, now=LATER)
    correct_minutes(session, made.id, "Five came, not four", "The list was read wrongly", who=tom, now=LATER)
    session.commit()
    text = as_text(session, made, review)
    assert "Approved on 28 July 2026" in text
    assert "Appended since" in text
    assert "Five came, not four (The list was read wrongly)" in text
    after = draft_minutes(session, following.id, GROUP, who=tom, now=LATER)
    assert "The minutes of 14 July 2026 were approved." in as_text(session, after, following)


def test_minutes_that_are_not_approved_take_no_appendix(session: Session, tom: Person) -> None:
    review, _ = held(session, tom)
    made = draft_minutes(session, review.id, GROUP, who=tom, now=NOON)
    with pytest.raises(Conflict, match="not approved yet"):
        correct_minutes(session, made.id, "Five came", "It was read wrongly", who=tom, now=NOON)


def test_who_is_kept_from_a_case_reads_minutes_without_it_and_edits_nothing_of_it(
    session: Session, tom: Person
) -> None:
    amira = reviewer(session, "amira")
    hidden, other = make_case(), make_case()
    review = meeting(session, hidden, other)
    for case in (hidden, other):
        found(session, review, case, tom, decision=f"Decided of {case.number} as told")
    declare_tie(session, hidden.id, who=amira, now=NOON)
    session.commit()
    look_as(session, amira)
    made = draft_minutes(session, review.id, GROUP, who=amira, now=NOON)
    assert f"GH-{hidden.number}" in {each["name"] for each in made.parts}
    assert f"GH-{hidden.number}" not in {each["name"] for each in shown(session, made)}
    assert f"Decided of {hidden.number}" not in as_text(session, made, review)
    words = {f"GH-{hidden.number}": "Changed blindly", f"GH-{other.number}": "Changed rightly"}
    edit_minutes(session, made.id, words, version=1, who=amira, now=NOON)
    session.commit()
    kept: Minutes | None = minutes_of(session, review.id)
    assert kept is not None
    said = {each["name"]: each["words"] for each in kept.parts}
    assert f"Decided of {hidden.number}" in said[f"GH-{hidden.number}"]
    assert said[f"GH-{other.number}"] == "Changed rightly"


def test_nothing_is_minuted_before_the_meeting(session: Session, tom: Person) -> None:
    ahead = meeting(session, at=NEXT)
    with pytest.raises(Conflict, match="has not begun"):
        draft_minutes(session, ahead.id, GROUP, who=tom, now=NOON)
