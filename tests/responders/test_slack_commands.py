"""`/goldenhour` and the home tab: what is read there, by whom, and what is not."""

from datetime import timedelta

import pytest
from sqlmodel import Session, select

from responders.slack_reply import Home
from tests.doubles.block_kit import texts_of, wrong_with_message, wrong_with_view
from tests.make import NOON, make_alert, make_case, make_person
from tests.responders.pressing import APP, OFFICER, Scene, opened, restrict
from triage.oncall import OnCall
from triage.oncall_roster import Roster
from triage.records import Alert, Clock, Desk, LogEntry


@pytest.fixture
def scene(session: Session) -> Scene:
    return Scene(session)


def test_the_queue_says_what_is_open_and_by_when(scene: Scene) -> None:
    due = NOON + timedelta(minutes=15)
    scene.session.add(
        Clock(case_id=scene.case.id, name="first_line", desk=Desk.COMMS, started_at=NOON, due_at=due)
    )
    scene.session.add_all([make_case(severity=4) for _each in range(20)])
    scene.session.commit()
    said = scene.ask("queue")
    assert (
        f"◆ SEV2 high · GH-{scene.case.number} · Southwark · Use of force · first line due 13:15 BST" in said
    )
    assert said.count("Open the case") == 10
    assert scene.ask("queue comms").count("Open the case") == 1


def test_one_case_is_shown_and_the_log_says_who_looked(scene: Scene) -> None:
    said = scene.ask(f"case gh-{scene.case.number}")
    assert "detected" in said
    assert "comms: open" in said
    [line] = scene.session.exec(select(LogEntry)).all()
    assert (line.what, line.who, line.detail) == ("viewed", "sam", {"through": "slack"})


@pytest.mark.parametrize("ref", ["", "GH-999", "x'; DROP TABLE cases", "GH-" + "9" * 50, "<!channel>", "²"])
def test_a_case_that_is_not_there_is_said_so(scene: Scene, ref: str) -> None:
    said = scene.ask(f"case {ref}")
    assert "There is no case" in said
    assert "<!" not in said


def test_of_a_restricted_case_its_people_read_the_number_and_others_nothing(scene: Scene) -> None:
    restrict(scene.session, scene.case, scene.person, OFFICER)
    other = make_person(slack_user="U0OLA", roles=["triage"])
    scene.session.add(other)
    scene.session.commit()
    for question in ("queue", f"case GH-{scene.case.number}"):
        seen, hidden = scene.ask(question), scene.ask(question, "U0OLA")
        assert f"A restricted case · GH-{scene.case.number}" in seen
        assert "Southwark" not in seen + hidden
        assert "restricted" not in hidden
    view = APP.hear(scene.session, opened("U0OLA"), now=NOON).later
    assert isinstance(view, Home)
    assert "restricted" not in " ".join(texts_of(view.view))


def test_who_is_on_call_is_said(scene: Scene) -> None:
    assert "No rota is set up" in scene.ask("on-call")
    rota = {
        "name": "press",
        "desk": "comms",
        "title": "Press bureau",
        "people": ["sam"],
        "begins": "2026-01-05",
    }
    app = APP._replace(oncall=lambda: OnCall(roster=Roster.model_validate({"rota": [rota]})))
    assert "Press bureau: Sam Comms until" in scene.ask("on-call", app=app)


def test_silence_is_for_what_waits_at_one_s_desks(scene: Scene) -> None:
    other = make_case()
    scene.session.add(other)
    scene.session.flush()
    elsewhere = make_alert(other, desk="oversight")
    scene.session.add(elsewhere)
    scene.session.commit()
    assert "Reminders of 1 alert are silent until 13:30 BST" in scene.ask("silence 30m at the briefing")
    assert scene.session.get_one(Alert, scene.alert.id).snoozed_until == NOON + timedelta(minutes=30)
    assert scene.session.get_one(Alert, elsewhere.id).snoozed_until is None
    assert "silent until 14:00" in scene.ask(f"silence GH-{scene.case.number} 1h at the briefing")
    assert scene.log() == ["reminders silenced", "reminders silenced"]


@pytest.mark.parametrize(
    "text", ["silence", "silence 30m", "silence soon please", "silence 3d because", "silence 0m x"]
)
def test_silence_without_how_long_or_why_is_explained(scene: Scene, text: str) -> None:
    assert "Say for how long and why" in scene.ask(text)
    assert scene.log() == []


def test_silence_is_no_longer_than_a_shift(scene: Scene) -> None:
    assert "5 minutes to 8 hours" in scene.ask("silence 24h tired")


def test_whoever_is_not_linked_reads_how_to_be(scene: Scene) -> None:
    for question in ("", "help", "queue", "silence 30m x"):
        assert "goldenhour people slack YOUR-USER-NAME U0NEW" in scene.ask(question, "U0NEW")
    assert "/goldenhour queue" in scene.ask("what?")


def test_a_viewer_asks_for_no_cases(session: Session) -> None:
    scene = Scene(session, roles=["viewer"])
    for question in ("queue", "case GH-1", "silence 30m x", "on-call"):
        assert "Your roles do not allow this" in scene.ask(question)


def test_the_home_tab_has_one_s_cases_with_their_clocks_and_what_waits(scene: Scene) -> None:
    mine = make_case(borough="Camden", claimed_by=scene.person.id, claimed_until=NOON + timedelta(minutes=9))
    scene.session.add(mine)
    scene.session.flush()
    late = NOON - timedelta(minutes=1)
    scene.session.add(
        Clock(case_id=mine.id, name="next_update", desk=Desk.COMMS, started_at=NOON, due_at=late)
    )
    scene.session.commit()
    reply = APP.hear(scene.session, opened("U0SAM"), now=NOON)
    assert isinstance(reply.later, Home)
    assert list(wrong_with_view(reply.later.view)) == []
    said = list(texts_of(reply.later.view["blocks"]))
    assert any("Camden" in each and "next update was due 12:59 BST" in each for each in said)
    assert any("Southwark" in each and "waits for comms" in each for each in said)


def test_the_largest_home_tab_is_within_the_limits(scene: Scene) -> None:
    until = NOON + timedelta(minutes=9)
    cases = [make_case(borough="&" * 400, claimed_by=scene.person.id, claimed_until=until) for _ in range(60)]
    scene.session.add_all(cases)
    scene.session.flush()
    scene.session.add_all([make_alert(case) for case in cases])
    scene.session.commit()
    reply = APP.hear(scene.session, opened("U0SAM"), now=NOON)
    assert isinstance(reply.later, Home)
    assert list(wrong_with_view(reply.later.view)) == []
    assert list(wrong_with_message({"text": "x", **(APP.command(
        scene.session, {"user_id": "U0SAM", "text": "queue"}, now=NOON).body or {})})) == []  # fmt: skip


def test_a_stranger_s_home_tab_says_how_to_be_linked(scene: Scene) -> None:
    reply = APP.hear(scene.session, opened("U0NEW"), now=NOON)
    assert isinstance(reply.later, Home)
    assert "goldenhour people slack" in " ".join(texts_of(reply.later.view))
