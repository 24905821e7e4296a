"""Who may take a model into use, when the gate refuses, and that all of it stands in the log."""

from datetime import timedelta

import pytest
from sqlmodel import Session, col, select

from classifier.learning_records import ModelVersion, ShadowAssessment
from classifier.promotion import bounds, forget_shadows, in_use, shadow
from classifier.records import Assessment, IncidentType
from classifier.shadow import assess_beside, chosen
from tests.classifier.reader import CONFIG, model
from tests.classifier.test_versions import figures
from tests.make import NOON, make_assessment, make_person, make_post
from triage.locked import Conflict
from triage.permissions import Denied
from triage.promoting import (
    Refused,
    agree,
    ask,
    promote,
    refuse,
    roll_back,
    start_shadow,
    stop_shadow,
    waiting,
)
from triage.records import LogEntry, Person
from triage.rules import read_rules
from triage.shadowing import compare

SHIPPED = "both-0"
LEAST = bounds()["london_stories"]["incident"]["average_precision"]
BOTH = (set(ShadowAssessment.model_fields) & set(Assessment.model_fields)) - {"boroughs"}


@pytest.fixture
def known(session: Session) -> Session:
    """Three models: the shipped one, one as good, and one that fails the gate."""
    worse = figures()
    worse["sets"]["london_stories"]["incident"]["average_precision"] = 0.5
    for version, found in ((SHIPPED, figures()), ("both-1", figures(0.01)), ("both-bad", worse)):
        session.add(
            ModelVersion(version=version, sha256=b"0", figures=found, added_at=NOON, added_by="terminal, ann")
        )
    session.flush()
    return session


def someone(session: Session, *roles: str) -> Person:
    person = make_person(roles=list(roles))
    session.add(person)
    session.flush()
    return person


def log(session: Session) -> list[tuple[str, str]]:
    session.commit()
    return [(each.who, each.what) for each in session.exec(select(LogEntry).order_by(col(LogEntry.seq)))]


def test_the_operator_promotes_and_goes_back_and_the_log_has_the_figures(known: Session) -> None:
    promote(known, "both-1", shipped=SHIPPED, who="terminal, ann", why="better on news", now=NOON)
    assert in_use(known, SHIPPED) == "both-1"
    roll_back(known, shipped=SHIPPED, who="terminal, ann", why="worse on news", now=NOON + timedelta(hours=1))
    assert in_use(known, SHIPPED) == SHIPPED
    assert log(known) == [("terminal, ann", "model promoted"), ("terminal, ann", "went back to a model")]
    first = known.exec(select(LogEntry).order_by(col(LogEntry.seq))).first()
    assert first is not None
    assert first.detail["figures"]["london_stories"]["incident"] == pytest.approx(LEAST + 0.04)


def test_the_gate_says_which_figure_keeps_a_model_out(known: Session) -> None:
    with pytest.raises(
        Refused, match=f"london_stories, incident: average_precision is 0.500, the bound is {LEAST}"
    ):
        promote(known, "both-bad", shipped=SHIPPED, who="terminal, ann", why="try", now=NOON)
    assert in_use(known, SHIPPED) == SHIPPED
    assert log(known) == []


def test_a_model_nobody_added_and_one_in_use_are_not_promoted(known: Session) -> None:
    with pytest.raises(Refused, match="no model is called"):
        promote(known, "both-9", shipped=SHIPPED, who="terminal, ann", why="try", now=NOON)
    with pytest.raises(Refused, match="in use already"):
        promote(known, SHIPPED, shipped=SHIPPED, who="terminal, ann", why="try", now=NOON)
    with pytest.raises(Refused, match="nothing was in use before"):
        roll_back(known, shipped=SHIPPED, who="terminal, ann", why="try", now=NOON)


def test_on_the_desk_a_second_person_must_agree(known: Session) -> None:
    ann, ben = someone(known, "admin"), someone(known, "oversight_reviewer")
    asked = ask(known, "both-1", shipped=SHIPPED, who=ann, why="better on news", now=NOON)
    assert in_use(known, SHIPPED) == SHIPPED
    with pytest.raises(Conflict, match="Somebody else"):
        agree(known, asked.id, shipped=SHIPPED, who=ann, now=NOON)
    with pytest.raises(Conflict, match="waits for a second person already"):
        ask(known, "both-1", shipped=SHIPPED, who=ben, why="too", now=NOON)
    agree(known, asked.id, shipped=SHIPPED, who=ben, now=NOON)
    assert in_use(known, SHIPPED) == "both-1"
    assert [what for _, what in log(known)] == ["promotion of a model asked for", "model promoted"]
    back = ask(known, None, shipped=SHIPPED, who=ben, why="worse", now=NOON + timedelta(hours=1))
    agree(known, back.id, shipped=SHIPPED, who=ann, now=NOON + timedelta(hours=2))
    assert in_use(known, SHIPPED) == SHIPPED


def test_what_was_asked_for_can_be_refused(known: Session) -> None:
    ann, ben = someone(known, "admin"), someone(known, "data_steward")
    asked = ask(known, "both-1", shipped=SHIPPED, who=ann, why="better", now=NOON)
    refuse(known, asked.id, who=ben, now=NOON)
    assert waiting(known) is None
    with pytest.raises(Conflict, match="any more"):
        agree(known, asked.id, shipped=SHIPPED, who=ben, now=NOON)


def test_only_some_roles_change_the_model(known: Session) -> None:
    with pytest.raises(Denied):
        ask(known, "both-1", shipped=SHIPPED, who=someone(known, "triage"), why="better", now=NOON)


def test_a_shadow_ends_by_itself_and_another_replaces_it(known: Session) -> None:
    start_shadow(known, "both-1", shipped=SHIPPED, share=0.1, days=2, who="terminal, ann", now=NOON)
    later = NOON + timedelta(days=1)
    start_shadow(known, "both-bad", shipped=SHIPPED, share=0.5, days=2, who="terminal, ann", now=later)
    running = shadow(known, now=later)
    assert running is not None
    assert running.version == "both-bad"
    assert shadow(known, now=later + timedelta(days=2)) is None
    stop_shadow(known, who="terminal, ann", now=later)
    assert shadow(known, now=later) is None
    assert [what for _, what in log(known)] == [
        "shadow started",
        "shadow stopped",
        "shadow started",
        "shadow stopped",
    ]


@pytest.mark.parametrize(("share", "days"), [(0.0, 2), (1.1, 2), (0.1, 0), (0.1, 29)])
def test_a_shadow_without_bounds_is_refused(known: Session, share: float, days: int) -> None:
    with pytest.raises(Refused):
        start_shadow(known, "both-1", shipped=SHIPPED, share=share, days=days, who="ann", now=NOON)


def test_a_shadow_reads_its_share_and_keeps_no_words(session: Session) -> None:
    posts = [
        make_post(f"Officers tasered a man outside Brixton station, witness {number}") for number in range(40)
    ]
    session.add_all(posts)
    session.flush()
    ids = [post.id for post in posts]
    some = chosen(ids, 0.5)
    assert 5 < len(some) < 35
    assert chosen(ids, 1.0) == ids
    assert assess_beside(session, some, model(), now=NOON) == len(some)
    assert assess_beside(session, some, model(), now=NOON) == 0
    kept = session.exec(select(ShadowAssessment)).all()
    assert {each.post_id for each in kept} == set(some)
    assert kept[0].boroughs == ["Lambeth"]
    assert "Brixton" not in str(kept[0])
    forget_shadows(session, now=NOON + timedelta(days=31))
    assert session.exec(select(ShadowAssessment)).all() == []


def test_the_report_says_what_would_be_gained_and_lost_by_source(session: Session) -> None:
    rules = read_rules(CONFIG / "rules.toml")
    both, gained, lost = make_post(), make_post(source="other"), make_post()
    session.add_all([both, gained, lost])
    nothing = {"incident": 0.01, "incident_any": 0.01, "type": IncidentType.NONE, "severity": 0.0}
    session.add_all([make_assessment(both), make_assessment(gained, **nothing), make_assessment(lost)])
    for post, said in ((both, {}), (gained, {}), (lost, nothing)):
        given = make_assessment(post, model="both-1", **said)
        session.add(ShadowAssessment(**given.model_dump(include=BOTH)))
    session.flush()
    found = compare(session, rules, "both-1", since=NOON - timedelta(days=1))
    assert (found.posts, found.raised, found.gains, found.losses) == (3, 1, 1, 1)
    assert (found.gained, found.lost) == ([gained.id], [lost.id])
    assert found.agreement == pytest.approx(1 / 3)
    assert found.by_source == {"hackney-herald": (2, 0, 1), "other": (1, 1, 0)}
