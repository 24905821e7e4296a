"""Holding statements: known facts only, what is missing listed, a new version only when something is known anew."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select
from sqlmodel import Session, col

from classifier.records import Force, IncidentType
from config.settings import HERE
from responders.filling import fill, try_out
from responders.statements import draft, known_facts
from responders.templates import StatementTemplate, StatementTemplateError, read_template, read_templates
from tests.make import LIFECYCLE, make_case, make_person
from tests.responders.words import AWARE, KINDS, STANDING, TEMPLATES
from triage.case_facts import note_fact, verify_fact
from triage.claim_records import AnswerState
from triage.log import MACHINE
from triage.questions import ask_standing, questions
from triage.records import Case, LogEntry
from triage.statement_records import Statement, StatementState, StatementVersion
from triage.statements import ask_line, write_line

GOLDEN = Path(__file__).parent / "golden"


@pytest.fixture
def aware() -> StatementTemplate:
    return AWARE


def stored(session: Session, case: Case) -> Case:
    session.add(case)
    session.flush()
    session.refresh(case)
    return case


CASES = {
    "complete": make_case(place="Rye Lane", borough="Southwark", severity=2),
    "borough only": make_case(
        borough="Hammersmith and Fulham", severity=1, type=IncidentType.DEATH_OR_FIREARMS
    ),
    "nowhere": make_case(severity=3, type=IncidentType.STOP_SEARCH),
    "long place": make_case(
        place="A Very Long Road Name Indeed", borough="Kensington and Chelsea", severity=3
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_drafts_stay_as_agreed(aware: StatementTemplate, noon: datetime, name: str) -> None:
    case = CASES[name]
    case.number = 7
    text = fill(aware, known_facts(case, aware, now=noon)).text
    assert text + "\n" == (GOLDEN / f"aware-{name.replace(' ', '-')}.md").read_text(encoding="utf-8")
    assert len(text.partition("\n\nQuestions from the media")[0].split()) <= 70


def test_a_draft_keeps_each_fact_with_its_source(
    session: Session, aware: StatementTemplate, noon: datetime
) -> None:
    case = stored(session, make_case(borough="Southwark", severity=2))
    made = draft(session, case.id, [aware], now=noon)
    assert made is not None
    assert made.missing == []
    assert {each["name"] for each in made.facts} == {
        "aware_since",
        "place",
        "checking",
        "next_update",
        "case",
        "version",
    }
    assert all(each["source"] for each in made.facts)
    place = next(each for each in made.facts if each["name"] == "place")
    assert (place["source"], place["verified_by"]) == (f"GH-{case.number}: named in the posts", None)


def test_what_is_not_known_is_listed_and_never_invented(
    session: Session, aware: StatementTemplate, noon: datetime
) -> None:
    case = stored(session, make_case(severity=2))
    made = draft(session, case.id, [aware], now=noon)
    assert made is not None
    assert made.missing == ["place"]
    assert "[place not known]" in made.text


def test_the_same_job_again_changes_nothing(
    session: Session, aware: StatementTemplate, noon: datetime
) -> None:
    case = stored(session, make_case(borough="Southwark", severity=2))
    first = draft(session, case.id, [aware], now=noon)
    again = draft(session, case.id, [aware], now=noon + timedelta(hours=3))
    assert first is again
    session.commit()
    assert len(session.scalars(select(LogEntry)).all()) == 1


def test_a_new_fact_makes_a_new_wording_of_the_line(
    session: Session, aware: StatementTemplate, noon: datetime
) -> None:
    case = stored(session, make_case(severity=2))
    draft(session, case.id, [aware], now=noon)
    case.borough = "Southwark"
    session.add(case)
    draft(session, case.id, [aware], now=noon + timedelta(hours=1))
    session.commit()
    [line] = session.scalars(select(Statement)).all()
    assert (line.version, line.state, line.author) == (2, StatementState.DRAFTED, None)
    assert "16:00 on 14 July" in line.text
    first, second = session.scalars(select(StatementVersion).order_by(col(StatementVersion.number)))
    assert "[place not known]" in first.texts["long"]
    assert second.texts["long"] == line.text
    assert {first.written_by, second.written_by} == {MACHINE}


def test_the_questions_on_each_confirmed_case_are_those_that_templates_answer() -> None:
    assert LIFECYCLE.questions == tuple(each.asks for each in STANDING)


def test_a_line_that_people_took_up_is_left_to_them(
    session: Session, aware: StatementTemplate, noon: datetime
) -> None:
    case = stored(session, make_case(severity=2))
    line = draft(session, case.id, [aware], now=noon)
    assert line is not None
    session.commit()
    session.refresh(line)
    ann = make_person(roles=["triage"])
    session.add(ann)
    write_line(session, line.number or 0, {"long": "We are looking into it."}, version=1, who=ann, now=noon)
    case.borough = "Southwark"
    again = draft(session, case.id, [aware], now=noon + timedelta(hours=1))
    assert again is line
    assert (line.version, line.text, line.author) == (2, "We are looking into it.", ann.username)


def test_a_line_that_was_asked_for_is_filled_with_verified_facts_only(
    session: Session, noon: datetime
) -> None:
    case = stored(session, make_case(severity=2, borough="Southwark"))
    ann = make_person(roles=["duty_officer"])
    session.add(ann)
    given: dict[str, Any] = {"who": ann, "now": noon}
    contact = note_fact(session, case.id, "contact", "a stop and search", "Stop record 12", KINDS, **given)
    note_fact(session, case.id, "place", "Rye Lane", "A post says so", KINDS, **given)
    verify_fact(session, contact.id, **given)
    line = ask_line(session, case.id, "confirmed", "H2", **given)
    draft(session, case.id, TEMPLATES, now=noon)
    session.commit()
    session.refresh(line)
    assert (line.version, line.author) == (1, ann.username)
    assert "a stop and search" in line.text
    assert "place" in line.missing
    assert "Rye Lane" not in line.text
    [kept] = [each for each in line.facts if each.get("id")]
    assert (kept["name"], kept["id"], kept["verified_by"]) == ("contact", str(contact.id), ann.username)
    assert set(line.variants) >= {"short", "bcu", "internal", "stakeholder", "if_asked"}


@pytest.mark.parametrize(
    "case",
    [
        make_case(severity=4),
        make_case(severity=2, type=IncidentType.OFFICER_CONDUCT),
        make_case(severity=2, force=Force.OVERSEAS),
    ],
    ids=["minor", "no encounter", "not ours"],
)
def test_no_template_no_draft(session: Session, aware: StatementTemplate, noon: datetime, case: Case) -> None:
    stored(session, case)
    assert draft(session, case.id, [aware], now=noon) is None
    session.rollback()


def test_two_jobs_at_once_make_one_draft(engine: Engine, aware: StatementTemplate, noon: datetime) -> None:
    with Session(engine) as session:
        case_id = stored(session, make_case(borough="Southwark", severity=2)).id
        session.commit()
    for _job in range(2):
        with Session(engine) as session:
            draft(session, case_id, [aware], now=noon)
            session.commit()
    with Session(engine) as session:
        assert len(session.scalars(select(Statement)).all()) == 1


WRONG = {
    "a fact that is none": (
        'required = ["place", ',
        'required = ["suspect", "place", ',
        "'suspect' is no fact",
    ),
    "a fact not listed": ('required = ["place", ', "required = [", "know: needs 'place'"),
    "a misspelt key": ("approver =", "aprover =", "approver"),
    "an unknown type": ('"stop_search",', '"stop_serch",', "when.types"),
    "no text for a type": ("stop_search = ", "none = ", "checking: nothing is said for 'stop_search'"),
    "no time for a severity": ("3 = 120\n", "", "next_update_minutes: nothing is said for 3"),
    "broken markup": ("{{ place }}", "{{ place }", "aware.md"),
    "no front matter": ("+++\nid", "id", "aware.md"),
    "a wording left out": ("# Short\n", "", "'# Short' must stand there exactly once"),
    "parts in another order": ("## Concern", "## Xconcern", "'## Concern' must stand there exactly once"),
    "no such question": (
        "[checking]",
        '[questions.weather]\nanswer = "x"\n\n[checking]',
        "is no standing question",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_template_is_refused_with_file_and_reason(tmp_path: Path, name: str) -> None:
    found, put, told = WRONG[name]
    written = (HERE / "statements" / "aware.md").read_text(encoding="utf-8")
    assert found in written
    path = tmp_path / "aware.md"
    path.write_text(written.replace(found, put, 1), encoding="utf-8")
    with pytest.raises(StatementTemplateError, match=r"aware\.md") as refused:
        read_template(path, KINDS, STANDING)
    assert told in str(refused.value)


def test_a_name_used_twice_is_refused() -> None:
    path = HERE / "statements" / "aware.md"
    with pytest.raises(StatementTemplateError, match="used by another"):
        read_templates([path, path], KINDS, STANDING)


TOO_MUCH = {
    "too many words": ("No details", "No details " + "at all " * 30, "70 are allowed"),
    "a short line that is long": (
        "We know of posts",
        "We know of posts " + "and more " * 20,
        "280 are allowed",
    ),
    "code": ("{{ place }}", "{{ place.__class__.__mro__ }}", "aware"),
}


@pytest.mark.parametrize("name", TOO_MUCH)
def test_a_template_that_cannot_be_filled_is_refused(tmp_path: Path, name: str) -> None:
    found, put, told = TOO_MUCH[name]
    path = tmp_path / "aware.md"
    path.write_text(
        (HERE / "statements" / "aware.md").read_text(encoding="utf-8").replace(found, put), encoding="utf-8"
    )
    with pytest.raises(StatementTemplateError, match=told):
        try_out(read_template(path, KINDS, STANDING), KINDS)


def test_words_for_the_standing_questions_are_ready_and_follow_what_is_verified(
    session: Session, aware: StatementTemplate, noon: datetime
) -> None:
    case = stored(session, make_case(borough="Southwark", severity=2))
    ask_standing(session, case.id, LIFECYCLE.questions, now=noon)
    draft(session, case.id, [aware], now=noon)
    was_it_met = questions(session, case.id)[0]
    assert was_it_met.ready == {
        "not_yet": "We are checking which force or body was involved.",
        "cannot_say": "We neither confirm nor deny it where saying so would identify someone the law protects.",
    }
    assert (was_it_met.answer, was_it_met.state) == ("", AnswerState.NOT_YET)
    given: dict[str, Any] = {"who": make_person(roles=["duty_officer"]), "now": noon}
    noted = note_fact(session, case.id, "contact", "a stop and search", "Stop record 12", KINDS, **given)
    verify_fact(session, noted.id, **given)
    draft(session, case.id, [aware], now=noon)
    session.refresh(was_it_met)
    assert was_it_met.ready["answered"] == "Yes. Officers of the Metropolitan Police were involved."


def test_the_newest_lines_template_says_what_is_ready(session: Session, noon: datetime) -> None:
    case = stored(session, make_case(borough="Southwark", severity=2))
    ask_standing(session, case.id, LIFECYCLE.questions, now=noon)
    draft(session, case.id, TEMPLATES, now=noon)
    session.add(
        Statement(
            case_id=case.id, template="referred", version=0, text="", drafted_at=noon + timedelta(hours=1)
        )
    )
    draft(session, case.id, TEMPLATES, now=noon + timedelta(hours=1))
    why_force = next(each for each in questions(session, case.id) if each.text == "Why was force used?")
    assert why_force.ready["cannot_say"].startswith("This is being looked at independently.")
