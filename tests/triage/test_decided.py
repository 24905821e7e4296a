"""What people decide elsewhere about a case: prompts, body-worn video, a severity set by hand."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import Session, select

from tests.make import LIFECYCLE, NOON, make_assessment, make_case, make_post
from tests.triage.confirmed import HOUR, clock_of, confirmed, logged
from triage import actions
from triage.body_worn import Known, note_body_worn, note_viewing, share_seen
from triage.casework import follow
from triage.overrides import override_of, set_severity, take_back_severity
from triage.prompts import answer_prompt, raise_prompt
from triage.records import Alert, AlertState, Case, Desk, LogEntry, Membership, Person
from triage.track_records import BodyWornVideo, Prompt


def test_what_fits_is_asked_and_a_person_enters_the_decision(session: Session, ann: Person) -> None:
    case = confirmed(session, ann, severity_parts={"triggers": ["death"], "conduct": 1.0})
    asked = set(session.exec(select(Prompt.name)))
    assert asked == {"apology", "critical_incident", "death_or_serious_injury"}
    assert clock_of(session, case, "referral_decision").due_at == datetime(2026, 7, 15, 23, tzinfo=UTC)
    given: dict[str, Any] = {"decided_by": "DPS", "why": "Criteria met", "who": ann, "now": NOON + HOUR}
    with pytest.raises(actions.Conflict, match="Names are not entered"):
        answer_prompt(
            session,
            case.id,
            "death_or_serious_injury",
            "Referred",
            LIFECYCLE,
            **{**given, "decided_by": "A. Name"},
        )
    session.rollback()
    answer_prompt(session, case.id, "death_or_serious_injury", "Referred", LIFECYCLE, **given)
    assert clock_of(session, case, "referral_decision").stopped_by == "ann"
    [line] = logged(session, case, "decision entered")
    assert line.detail == {"prompt": "death_or_serious_injury", "answer": "Referred", "decided_by": "DPS"}


def test_a_label_in_one_post_asks_about_discrimination(session: Session, ann: Person) -> None:
    case = make_case(severity=3)
    post = make_post()
    session.add_all([case, post, make_assessment(post, labels={"allegation:discrimination": 0.8})])
    session.flush()
    session.add(Membership(post_id=post.id, case_id=case.id, how="new", joined_at=NOON))
    session.commit()
    actions.confirm(session, case.id, who=ann, now=NOON, lifecycle=LIFECYCLE)
    session.commit()
    because = dict(session.execute(select(Prompt.name, Prompt.because)).all())
    assert because == {"apology": "always asked", "discrimination": "discrimination alleged"}


def test_a_person_asks_what_the_machine_did_not(session: Session, ann: Person) -> None:
    case = confirmed(session, ann, severity=3)
    assert session.exec(select(Prompt.name)).all() == ["apology"]
    raise_prompt(session, case.id, "discrimination", LIFECYCLE, who=ann, why="The family says so", now=NOON)
    assert clock_of(session, case, "referral_decision").stopped_at is None
    with pytest.raises(actions.Conflict, match="stands on this case"):
        raise_prompt(session, case.id, "discrimination", LIFECYCLE, who=ann, why="again", now=NOON)


def test_body_worn_video_is_a_reference_and_never_a_link(session: Session, case: Case, ann: Person) -> None:
    for link in (
        "https://video.example/1",
        "www.video.example",
        "//server/share/1",
        "clip.mp4",
        r"\\server\share",
    ):
        with pytest.raises(actions.Conflict, match="never reached from here"):
            note_body_worn(session, case.id, Known("yes", reference=link), who=ann, now=NOON)
        session.rollback()
    with pytest.raises(actions.Conflict, match="Enter first"):
        note_viewing(session, case.id, "Supervisor", LIFECYCLE, who=ann, now=NOON)
    session.rollback()
    note_body_worn(
        session, case.id, Known("yes", "BWV/2026/0012", "At the stop", "30 s later", 600), who=ann, now=NOON
    )
    session.commit()
    with pytest.raises(actions.Conflict, match="Look again"):
        note_body_worn(session, case.id, Known("no"), who=ann, version=0, now=NOON)
    session.rollback()
    note_viewing(session, case.id, "Supervisor", LIFECYCLE, who=ann, now=NOON)
    session.commit()
    assert session.exec(select(BodyWornVideo)).one().viewings == [
        {"role": "Supervisor", "at": NOON.isoformat()}
    ]
    assert "BWV/2026" not in str([each.detail for each in session.exec(select(LogEntry))])


@pytest.mark.parametrize(
    ("clip", "encounter", "said"),
    [(None, 60, ""), (30, None, ""), (30, 600, "5% of the encounter"), (1, 600, "under 1% of the encounter"),
     (600, 600, "as long as the encounter")],
)  # fmt: skip
def test_how_much_of_an_encounter_a_clip_can_show(
    clip: float | None, encounter: int | None, said: str
) -> None:
    assert share_seen(clip, encounter) == said


def test_a_severity_is_set_with_a_reason_and_taken_back(session: Session, ann: Person) -> None:
    case = confirmed(session, ann, severity=3)
    actions.acknowledge(session, case.id, who=ann, desk=Desk.COMMS, now=NOON)
    session.commit()
    with pytest.raises(actions.Conflict, match="Say why"):
        set_severity(session, case.id, 1, LIFECYCLE, who=ann, why="", now=NOON)
    session.rollback()
    set_severity(session, case.id, 1, LIFECYCLE, who=ann, why="An MP has called", now=NOON)
    session.commit()
    said = override_of(session, case)
    assert said == ("ann", NOON, "An MP has called", 3, 1)
    assert clock_of(session, case, "first_line").due_at == NOON + timedelta(minutes=15)
    assert session.exec(select(Alert)).one().state == AlertState.OPEN
    take_back_severity(session, case.id, LIFECYCLE, who=ann, now=NOON)
    session.commit()
    assert (case.severity, case.severity_computed, override_of(session, case)) == (3, None, None)


@pytest.mark.parametrize(("level", "told"), [(1, ["oversight"]), (4, [])])
def test_a_case_nobody_was_told_of_is_told_when_a_person_finds_it_grave(
    session: Session, ann: Person, level: int, told: list[str]
) -> None:
    case = make_case(severity=5, desks=["oversight"])
    session.add(case)
    session.commit()
    set_severity(session, case.id, level, LIFECYCLE, who=ann, why="He has died", now=NOON)
    session.commit()
    assert list(session.exec(select(Alert.desk))) == told


def test_a_lighter_severity_leaves_what_runs(session: Session, case: Case, ann: Person) -> None:
    due = clock_of(session, case, "first_line").due_at
    set_severity(session, case.id, 4, LIFECYCLE, who=ann, why="It is a film set", now=NOON)
    session.commit()
    assert clock_of(session, case, "first_line").due_at == due


@given(st.integers(1, 5), st.integers(1, 5), st.lists(st.integers(1, 5), max_size=6))
def test_what_a_person_said_stays_until_posts_are_graver_than_both(
    computed: int, said: int, found: list[int]
) -> None:
    case = make_case(severity=said, severity_computed=computed)
    for level in found:
        follow(case, level)
    grave = [level for level in found if level < min(computed, said)]
    assert case.severity == min([said, *grave])
    assert (case.severity_computed is None) is bool(grave)
    if not grave:
        assert case.severity_computed == min([computed, *found])
