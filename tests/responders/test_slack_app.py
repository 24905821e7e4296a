"""Menu, forms, commands, home tab: what people in Slack can do, who may, and what is said to those who may not."""

import json
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlmodel import Session, select

from responders.slack_app import SlackApp
from responders.slack_forms import FORMS, LENGTHS, form, outcome
from responders.slack_reply import Form, Home, Reply, Whisper
from tests.doubles.block_kit import texts_of, wrong_with_message, wrong_with_view
from tests.make import NOON, make_alert, make_case, make_person
from triage.oncall import OnCall
from triage.oncall_roster import Roster
from triage.records import Alert, AlertState, Case, Clock, Desk, LogEntry, Person, Status
from triage.restriction_records import Restriction, Tie

DESK = "http://desk.example:8000"
APP = SlackApp(DESK)
OFFICER = ["duty_officer"]


class Scene:
    """A case with its alert, and who presses."""

    def __init__(self, session: Session, **given: Any) -> None:
        self.session = session
        self.case = make_case(borough="Southwark", severity=2, desks=["comms"])
        given = {"roles": OFFICER, **given}
        self.person = make_person(name="Sam Comms", username="sam", slack_user="U0SAM", **given)
        session.add_all([self.case, self.person])
        session.flush()
        self.alert = make_alert(self.case)
        session.add(self.alert)
        session.commit()

    def choose(self, act: str, user: str = "U0SAM", app: SlackApp = APP) -> Reply:
        chosen = {"action_id": "menu", "selected_option": {"value": f"{act}:{self.alert.id}"}}
        payload = {
            "type": "block_actions",
            "user": {"id": user},
            "channel": {"id": "C0COMMS001"},
            "trigger_id": "1.2.3",
            "actions": [chosen],
        }
        return self.done(app.interact(self.session, payload, now=NOON))

    def send(
        self, act: str, values: dict[str, Any], user: str = "U0SAM", app: SlackApp = APP
    ) -> dict[str, Any]:
        state = {"values": {name: {name: value} for name, value in values.items()}}
        view = {
            "callback_id": act,
            "private_metadata": json.dumps({"alert": str(self.alert.id)}),
            "state": state,
        }
        payload = {"type": "view_submission", "user": {"id": user}, "view": view}
        return self.done(app.interact(self.session, payload, now=NOON)).body or {}

    def ask(self, text: str, user: str = "U0SAM", app: SlackApp = APP) -> str:
        body = self.done(app.command(self.session, {"user_id": user, "text": text}, now=NOON)).body or {}
        assert body["response_type"] == "ephemeral"
        assert list(wrong_with_message(body)) == []
        return " | ".join([body["text"], *texts_of(body["blocks"])])

    def done(self, reply: Reply) -> Reply:
        self.session.commit()
        self.session.info.clear()
        return reply

    def log(self) -> list[str]:
        return [each.what for each in self.session.exec(select(LogEntry).order_by(LogEntry.seq))]  # type: ignore[arg-type]


@pytest.fixture
def scene(session: Session) -> Scene:
    return Scene(session)


def typed(text: str) -> dict[str, Any]:
    return {"type": "plain_text_input", "value": text}


def chosen(value: str) -> dict[str, Any]:
    return {"type": "static_select", "selected_option": {"value": value}}


def told(reply: Reply) -> str:
    assert isinstance(reply.later, Whisper)
    return reply.later.text


def shown(body: dict[str, Any]) -> str:
    assert list(wrong_with_view(body["view"])) == []
    return " ".join(texts_of(body["view"]))


def restrict(session: Session, case: Case, by: Person, roles: list[str]) -> None:
    session.add(Restriction(case_id=case.id, reason="death", why="x", set_by=by.id, set_at=NOON, roles=roles))
    session.commit()


@pytest.mark.parametrize("act", FORMS)
def test_the_forms_are_within_slack_s_limits(act: str) -> None:
    for restricted in (False, True):
        assert list(wrong_with_view(form(act, UUID(int=2), 10**9, restricted=restricted))) == []
    assert list(wrong_with_view(outcome("x" * 5000))) == []


def test_claiming_takes_the_case_and_says_until_when(scene: Scene) -> None:
    assert told(scene.choose("claim")) == f"You have GH-{scene.case.number} until 13:20."
    assert scene.session.get_one(Case, scene.case.id).claimed_by == scene.person.id
    assert "claimed" in scene.log()


def test_a_case_that_somebody_else_has_is_not_taken(scene: Scene) -> None:
    other = make_person(name="Ola", slack_user="U0OLA", roles=OFFICER)
    scene.session.add(other)
    scene.session.commit()
    scene.choose("claim")
    assert "Sam Comms has this case" in told(scene.choose("claim", "U0OLA"))
    sent = scene.send("not_ours", {"which": chosen("1"), "why": typed("")}, "U0OLA")
    assert "Sam Comms has this case" in shown(sent)
    assert scene.session.get_one(Case, scene.case.id).status == Status.TRIAGED


@pytest.mark.parametrize("act", FORMS)
def test_an_act_that_needs_a_reason_asks_for_it(scene: Scene, act: str) -> None:
    reply = scene.choose(act)
    assert isinstance(reply.later, Form)
    assert reply.later.trigger_id == "1.2.3"
    assert scene.send(act, {"why": typed("  ")})["response_action"] == "errors"
    assert scene.log() == []


def test_not_ours_closes_the_case_with_its_reason_once(scene: Scene) -> None:
    filled = {"which": chosen("1"), "why": typed("In Kent, by the  sign")}
    assert scene.send("not_ours", filled) == {}
    case = scene.session.get_one(Case, scene.case.id)
    assert case.status == Status.NOT_OURS
    assert case.dismissed_because == "Outside London; In Kent, by the sign"
    assert "is closed; there is nothing left to do" in shown(scene.send("not_ours", filled))
    assert "is closed; there is nothing left to do" in told(scene.choose("claim"))
    assert scene.log().count("dismissed") == 1


def test_snoozing_silences_the_reminders_of_the_alert_alone(scene: Scene) -> None:
    assert scene.send("snooze", {"how_long": chosen("30"), "why": typed("on the phone to gold")}) == {}
    alert = scene.session.get_one(Alert, scene.alert.id)
    assert alert.snoozed_until == NOON + timedelta(minutes=30)
    assert alert.state == AlertState.OPEN
    line = scene.session.exec(select(LogEntry)).one()
    assert (line.what, line.who, line.why) == ("reminders silenced", "sam", "on the phone to gold")
    assert "errors" in scene.send("snooze", {"how_long": chosen("99999"), "why": typed("x")})


def test_escalating_is_logged_and_has_whoever_is_next_told(scene: Scene) -> None:
    asked: list[tuple[UUID, str, str]] = []

    def pass_on(_session: Session, alert: Alert, *, who: Person, why: str, now: datetime) -> None:
        assert now == NOON
        asked.append((alert.id, who.username, why))

    app = APP._replace(pass_on=pass_on)
    assert scene.send("escalate", {"why": typed("press outside the station")}, app=app) == {}
    assert asked == [(scene.alert.id, "sam", "press outside the station")]
    line = scene.session.exec(select(LogEntry)).one()
    assert (line.what, line.detail["desk"], line.detail["through"]) == ("escalated", "comms", "slack")


@pytest.mark.parametrize("act", ["claim", *FORMS])
@pytest.mark.parametrize(
    ("person", "says"),
    [
        ({"roles": ["approver"]}, "Your roles do not allow this"),
        ({"roles": []}, "Your roles do not allow this"),
        ({"disabled_at": NOON}, "not linked"),
        ({"slack_user": "U0ELSE"}, "goldenhour people slack YOUR-USER-NAME U0SAM"),
    ],
)
def test_who_may_not_is_told_so_and_nothing_changes(
    session: Session, act: str, person: dict[str, Any], says: str
) -> None:
    given = {"slack_user": "U0SAM", **person}
    scene = Scene(session)
    for name, value in given.items():
        setattr(scene.person, name, value)
    session.commit()
    assert says in told(scene.choose(act))
    filled = {"why": typed("because"), "how_long": chosen("30"), "which": chosen("0")}
    if act in FORMS:
        assert says in shown(scene.send(act, filled))
    case, alert = session.get_one(Case, scene.case.id), session.get_one(Alert, scene.alert.id)
    assert (case.status, case.version, alert.snoozed_until) == (Status.DETECTED, 1, None)
    assert set(scene.log()) <= {"denied"}


def test_a_desk_s_alert_is_escalated_and_silenced_by_its_own_people(session: Session) -> None:
    scene = Scene(session, desks=["oversight"])
    for act in ("escalate", "snooze", "acknowledge"):
        assert "do not work at the comms desk" in told(scene.choose(act))


def test_who_has_a_tie_to_a_case_cannot_touch_or_see_it(scene: Scene) -> None:
    scene.session.add(Tie(case_id=scene.case.id, person_id=scene.person.id, declared_at=NOON))
    scene.session.commit()
    assert "not shown to you" in told(scene.choose("claim"))
    assert f"There is no case GH-{scene.case.number}" in scene.ask(f"case GH-{scene.case.number}")
    assert "queue is empty" in scene.ask("queue")
    assert scene.log() == ["denied", "denied"]


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
    app = APP._replace(oncall=OnCall(roster=Roster.model_validate({"rota": [rota]})))
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


def opened(user: str, tab: str = "home") -> dict[str, Any]:
    return {"type": "event_callback", "event": {"type": "app_home_opened", "user": user, "tab": tab}}


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


def test_other_events_and_unknown_alerts_are_passed_over(scene: Scene) -> None:
    for event in (opened("U0SAM", "messages"), {}, {"event": 7}, {"event": {"type": "message"}}):
        assert APP.hear(scene.session, event, now=NOON) == Reply()
    scene.alert = make_alert(scene.case, id=uuid4())
    assert "no longer exists" in told(scene.choose("claim"))
    assert set(LENGTHS) == {15, 30, 60, 120, 240}
