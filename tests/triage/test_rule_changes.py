"""Rules change by two people, as they were shown, and all of it stands in the log; and how that reads in words."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlmodel import Session, col, select

from tests.make import NOON, make_person
from triage.locked import Conflict
from triage.permissions import Denied
from triage.records import LogEntry, Person
from triage.rule_changes import (
    NotWhatWasAgreed,
    adopt,
    agree,
    agree_alone,
    agreed_to,
    in_force,
    propose,
    refuse,
    roll_back,
    rules_of,
    stack,
    waiting,
)
from triage.rule_records import RulesChange, RulesVersion
from triage.rule_words import Difference, differences, then, when
from triage.rules import RulesError, digest_of, in_brief, parse_rules

WORDS = (Path(__file__).resolve().parents[2] / "config" / "rules.toml").read_text(encoding="utf-8")
HIGHER = WORDS.replace("incident = 0.45", "incident = 0.55")
HIGHEST = WORDS.replace("incident = 0.45", "incident = 0.65")
LATER = NOON + timedelta(hours=1)


@pytest.fixture
def started(session: Session) -> Session:
    """A service whose file of rules was taken up."""
    adopt(session, WORDS, now=NOON)
    session.commit()
    return session


def someone(session: Session, *roles: str, **given: Any) -> Person:
    person = make_person(roles=list(roles), **given)
    session.add(person)
    session.flush()
    return person


def proposed(session: Session, who: Person, words: str = HIGHER) -> RulesChange:
    return propose(session, words, who=who, why="too many at night", rehearsal={}, now=NOON)


def log(session: Session) -> list[tuple[str, str]]:
    session.commit()
    return [(each.who, each.what) for each in session.exec(select(LogEntry).order_by(col(LogEntry.seq)))]


def test_the_file_at_the_first_start_is_the_first_version_and_no_later_file_is(session: Session) -> None:
    assert in_force(session) is None
    assert adopt(session, WORDS, now=NOON) == digest_of(WORDS)
    assert adopt(session, HIGHER, now=LATER) == digest_of(WORDS)
    assert in_force(session) == digest_of(WORDS)
    assert log(session) == [("golden hour", "rules taken up")]


def test_a_second_person_must_agree_and_the_log_has_the_digest(started: Session) -> None:
    ann, ben = someone(started, "admin"), someone(started, "oversight_reviewer")
    asked = proposed(started, ann)
    assert in_force(started) == digest_of(WORDS)
    with pytest.raises(Conflict, match="Somebody else"):
        agree(started, asked.id, asked.digest, who=ann, now=LATER)
    with pytest.raises(Conflict, match="waits for a second person already"):
        proposed(started, ben, HIGHEST)
    agree(started, asked.id, asked.digest, who=ben, now=LATER)
    assert in_force(started) == digest_of(HIGHER)
    assert rules_of(started, digest_of(HIGHER)).version == in_brief(digest_of(HIGHER))
    assert log(started)[1:] == [(ann.username, "rules proposed"), (ben.username, "rules agreed")]
    line = started.exec(select(LogEntry).where(LogEntry.what == "rules agreed")).one()
    assert (line.detail["digest"], line.detail["asked by"]) == (digest_of(HIGHER), ann.username)
    assert line.why == "too many at night"


def test_what_is_agreed_to_is_what_was_shown(started: Session) -> None:
    ann, ben = someone(started, "admin"), someone(started, "admin")
    asked = proposed(started, ann)
    with pytest.raises(Conflict, match="not the rules that were shown"):
        agree(started, asked.id, digest_of(HIGHEST), who=ben, now=LATER)
    started.flush()
    started.execute(
        text("UPDATE rules_versions SET words = :words WHERE digest = :digest"),
        {"words": HIGHEST, "digest": asked.digest},
    )
    started.expire_all()
    with pytest.raises(Conflict, match="not those that were agreed to"):
        agree(started, asked.id, asked.digest, who=ben, now=LATER)
    assert in_force(started) == digest_of(WORDS)
    with pytest.raises(NotWhatWasAgreed):
        rules_of(started, asked.digest)


def test_a_proposal_is_void_once_other_rules_came_into_force(started: Session) -> None:
    ann, ben = someone(started, "admin"), someone(started, "admin")
    first = proposed(started, ann)
    agree(started, first.id, first.digest, who=ben, now=LATER)
    second = proposed(started, ann, HIGHEST)
    roll_back(started, who=ben, why="worse", now=LATER + timedelta(hours=1))
    with pytest.raises(Conflict, match="propose again"):
        agree(started, second.id, second.digest, who=ben, now=LATER + timedelta(hours=2))


def test_a_rehearsal_beside_other_rules_than_those_in_force_counts_for_nothing(started: Session) -> None:
    ann = someone(started, "admin")
    with pytest.raises(Conflict, match="during the rehearsal"):
        propose(started, HIGHER, who=ann, why="x", rehearsal={"in_force": "another"}, now=NOON)


def test_it_can_be_refused_and_taken_back(started: Session) -> None:
    ann, ben = someone(started, "admin"), someone(started, "duty_officer")
    asked = proposed(started, ann)
    refuse(started, asked.id, who=ben, now=LATER)
    assert waiting(started) is None
    with pytest.raises(Conflict, match="any more"):
        agree(started, asked.id, asked.digest, who=ben, now=LATER)
    assert not agreed_to(started, digest_of(HIGHER))
    assert log(started)[-1] == (ben.username, "rules refused")


def test_one_person_goes_back_at_once_and_step_by_step(started: Session) -> None:
    ann, ben = someone(started, "admin"), someone(started, "admin")
    for hour, words in enumerate((HIGHER, HIGHEST)):
        asked = proposed(started, ann, words)
        agree(started, asked.id, asked.digest, who=ben, now=NOON + timedelta(hours=hour + 1))
    roll_back(started, who=ann, why="worse", now=NOON + timedelta(hours=3))
    assert in_force(started) == digest_of(HIGHER)
    roll_back(started, who=ann, why="still worse", now=NOON)  # a clock that is behind
    assert stack(started) == [digest_of(WORDS)]
    with pytest.raises(Conflict, match="No rules were in force before"):
        roll_back(started, who=ann, why="more", now=NOON + timedelta(hours=5))
    with pytest.raises(Conflict, match="Say why"):
        roll_back(started, who=ann, why=" ", now=NOON)
    assert agreed_to(started, digest_of(HIGHEST))
    assert log(started)[-1] == (ann.username, "went back to rules")


def test_only_who_is_alone_agrees_alone(started: Session) -> None:
    ann = someone(started, "admin")
    someone(started, "triage")
    someone(started, "admin", disabled_at=NOON)
    asked = proposed(started, ann)
    ben = someone(started, "admin", name="Ben B.")
    with pytest.raises(Conflict, match=r"Ben B\. can agree"):
        agree_alone(started, asked.id, asked.digest, who=ann, now=LATER)
    ben.disabled_at = NOON
    started.flush()
    assert agree_alone(started, asked.id, asked.digest, who=ann, now=LATER).alone
    started.commit()
    line = started.exec(select(LogEntry).where(LogEntry.what == "rules agreed")).one()
    assert line.detail["alone"] is True


def test_only_some_roles_change_rules_and_only_with_a_reason(started: Session) -> None:
    with pytest.raises(Denied):
        proposed(started, someone(started, "triage", "approver"))
    ann = someone(started, "admin")
    with pytest.raises(Conflict, match="in force already"):
        proposed(started, ann, WORDS)
    with pytest.raises(RulesError, match="fresh_for"):
        proposed(started, ann, "fresh_for = 7")
    with pytest.raises(Conflict, match="Say why"):
        propose(started, HIGHER, who=ann, why="", rehearsal={}, now=NOON)
    assert started.exec(select(RulesVersion)).one().digest == digest_of(WORDS)


def test_a_rule_reads_in_plain_words() -> None:
    rules = {each.name: each for each in parse_rules(WORDS, "rules.toml").rules}
    assert when(rules["death-unsure"]) == [
        "likely a stop, force, a death or a pursuit (25% or more)",
        "a hard trigger",
    ]
    assert then(rules["force"]) == "Raised: comms alerted, routine; oversight sees it; for the review"
    assert then(rules["no-encounter"]) == "Dropped"
    assert when(rules["no-encounter"]) == []
    assert "discrimination 50% or more or racial profiling 50% or more" in when(rules["discrimination"])[1]


def test_a_difference_names_rule_key_and_both_values() -> None:
    before = parse_rules(WORDS, "before")
    assert differences(before, before) == []
    [changed] = differences(before, parse_rules(HIGHER, "after"))
    assert changed == Difference(
        "death-or-serious-injury",
        "changed",
        (("likely a stop, force, a death or a pursuit, from", "45%", "55%"),),
    )
    rules = before.rules
    fewer = before._replace(rules=(*rules[:3], *rules[4:]), fresh_for=timedelta(hours=24))
    assert [(each.rule, each.what) for each in differences(before, fewer)] == [
        ("all rules", "changed"),
        (rules[3].name, "removed"),
    ]
    assert [(each.rule, each.what) for each in differences(fewer, before)][1] == (rules[3].name, "added")
    moved = before._replace(rules=(rules[5], *rules[:5], *rules[6:]))
    assert [(each.rule, each.what) for each in differences(before, moved)] == [(rules[5].name, "moved")]
