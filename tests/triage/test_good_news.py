"""Praise stands in a queue of its own; what a journalist asks about is one level graver."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlmodel import Session, select

from tests.make import LIFECYCLE, NOON, make_assessment, make_person, make_post
from triage.exemplary import EXEMPLARY, list_as_exemplary
from triage.locked import Conflict
from triage.memory import Memory
from triage.records import Alert, Case, LogEntry, Person, Severity
from triage.review.meeting_records import Review, ReviewItem
from triage.route import route
from triage.rules import Lane, Rules, read_rules
from triage.settings import TriageSettings
from triage.web.filters import Filters, fits

CONFIG = Path(__file__).resolve().parents[2] / "config"
THANKS = "Two officers sat with my gran on Rye Lane in Peckham until the ambulance came, so kind, thank you"
FORCE = "Three officers held a man face down outside the bakery on Rye Lane in Peckham this evening"
ASKED = {"signals": [{"name": "media_enquiry", "score": 0.8, "because": "a journalist asks"}]}
PRAISE = {"incident": 0.1, "incident_any": 0.4, "type": "other_encounter", "labels": {"praise": 0.9}}


@pytest.fixture(scope="module")
def rules() -> Rules:
    return read_rules(CONFIG / "rules.toml")


@pytest.fixture
def memory() -> Memory:
    return Memory.of(CONFIG / "matching" / "rarity.bin", TriageSettings())


@pytest.fixture
def officer(session: Session) -> Person:
    person = make_person()
    session.add(person)
    session.commit()
    return person


def routed(session: Session, rules: Rules, memory: Memory, words: str, **said: Any) -> None:
    post = make_post(words)
    session.add_all([post, make_assessment(post, **said)])
    session.flush()
    route(session, [post.id], rules, memory, LIFECYCLE, now=NOON)
    session.commit()


def shown(session: Session, who: Person, view: str) -> list[Case]:
    return list(session.exec(select(Case).where(fits(Filters(view=view), who, now=NOON))))


def test_praise_stands_in_a_queue_of_its_own_and_tells_nobody(
    session: Session, rules: Rules, memory: Memory, officer: Person
) -> None:
    routed(session, rules, memory, THANKS, **PRAISE)
    [case] = shown(session, officer, "good")
    assert (case.lane, case.title, case.severity) == (Lane.GOOD_NEWS, "Praise", Severity.SEV5)
    assert Filters(view="good").address() == "/queue?view=good"
    for view in ("open", "unclaimed", "waiting"):
        assert shown(session, officer, view) == []
    assert session.exec(select(Alert)).all() == []


def test_a_report_that_joins_praise_brings_it_back_among_the_others(
    session: Session, rules: Rules, memory: Memory, officer: Person
) -> None:
    routed(session, rules, memory, THANKS, **PRAISE)
    routed(session, rules, memory, f"RT {THANKS}", severity=0.6)
    [case] = shown(session, officer, "open")
    assert (case.lane, case.post_count) == (None, 2)
    assert case.title.startswith("Use of force")
    assert case.severity < Severity.SEV5
    routed(session, rules, memory, f"RT {THANKS} look", **PRAISE)
    assert shown(session, officer, "good") == [], "praise does not take an incident away"


def test_oversight_can_have_it_listed_as_exemplary_once(
    session: Session, rules: Rules, memory: Memory, officer: Person
) -> None:
    routed(session, rules, memory, THANKS, **PRAISE)
    [case] = shown(session, officer, "good")
    list_as_exemplary(session, case.id, who=officer, why="handled well", now=NOON)
    session.commit()
    job = session.execute(
        text("SELECT args FROM procrastinate_jobs WHERE task_name = 'list_for_review'")
    ).scalar_one()
    assert job == {"case": str(case.id), "because": EXEMPLARY}
    line = session.exec(select(LogEntry).where(LogEntry.what == "proposed as exemplary")).one()
    assert (line.who, line.why) == (officer.username, "handled well")
    meeting = Review(meets_at=NOON, created_at=NOON)
    session.add(meeting)
    session.flush()
    session.add(ReviewItem(case_id=case.id, review_id=meeting.id, because=EXEMPLARY, listed_at=NOON))
    session.commit()
    with pytest.raises(Conflict, match="on the list of a meeting already"):
        list_as_exemplary(session, case.id, who=officer, why="again", now=NOON)


def test_what_a_journalist_asks_about_is_one_level_graver_and_only_once(
    session: Session, rules: Rules, memory: Memory
) -> None:
    routed(session, rules, memory, FORCE, severity=0.4)
    case = session.exec(select(Case)).one()
    assert case.severity == Severity.SEV3
    for words in ("look at this", "and this", "and again"):
        routed(session, rules, memory, f"RT {FORCE} {words}", severity=0.4, **ASKED)
        session.refresh(case)
        assert (case.severity, case.severity_parts["raised"]) == (Severity.SEV2, 1)
    raised = session.exec(select(LogEntry).where(LogEntry.what == "severity raised")).one()
    assert raised.why is not None
    assert raised.why.startswith("a journalist asks")


def test_a_journalist_s_question_about_something_small_is_graver_too(
    session: Session, rules: Rules, memory: Memory
) -> None:
    routed(session, rules, memory, FORCE, severity=0.1, incident=0.1, type="arrest_detention", **ASKED)
    case = session.exec(select(Case)).one()
    assert case.severity == Severity.SEV3
    assert {each.desk for each in session.exec(select(Alert))} == {"comms"}
