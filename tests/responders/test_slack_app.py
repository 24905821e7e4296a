"""Menu and forms: what people in Slack can do, who may, and what is said to those who may not."""

import json
import random
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlmodel import Session, select

from responders.slack_forms import FORMS, form, outcome
from responders.slack_reply import Form, Reply
from tests.doubles.block_kit import wrong_with_view
from tests.make import NOON, make_alert, make_person
from tests.responders.pressing import APP, OFFICER, Scene, chosen, opened, shown, told, typed
from triage.alert_acts import LENGTHS
from triage.escalation_records import Escalation
from triage.records import Alert, AlertState, Case, LogEntry, Person, Status
from triage.restriction_records import Tie


@pytest.fixture
def scene(session: Session) -> Scene:
    return Scene(session)


@pytest.mark.parametrize("act", FORMS)
def test_the_forms_are_within_slack_s_limits(act: str) -> None:
    for restricted in (False, True):
        assert list(wrong_with_view(form(act, UUID(int=2), 10**9, severity=3, restricted=restricted))) == []
    assert list(wrong_with_view(outcome("x" * 5000))) == []


def test_claiming_takes_the_case_and_says_until_when(scene: Scene) -> None:
    assert told(scene.choose("claim")) == f"You have GH-{scene.case.number} until 13:20."
    assert scene.session.get_one(Case, scene.case.id).claimed_by == scene.person.id
    assert "claimed" in scene.log()


def test_a_claim_holds_as_long_as_is_set(scene: Scene) -> None:
    app = APP._replace(lease=timedelta(minutes=5))
    assert "until 13:05" in told(scene.choose("claim", app=app))
    assert scene.session.get_one(Case, scene.case.id).claimed_until == NOON + timedelta(minutes=5)


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


def test_snoozing_silences_reminders_and_nothing_else(scene: Scene) -> None:
    update = make_alert(scene.case, growth=1, says="90 posts")
    elsewhere = make_alert(scene.case, desk="oversight")
    scene.session.add_all([update, elsewhere])
    scene.session.commit()
    assert scene.send("snooze", {"how_long": chosen("30"), "why": typed("on the phone to gold")}) == {}
    alert = scene.session.get_one(Alert, scene.alert.id)
    assert alert.snoozed_until == NOON + timedelta(minutes=30)
    assert alert.state == AlertState.OPEN
    others = [scene.session.get_one(Alert, each.id).snoozed_until for each in (update, elsewhere)]
    assert others == [alert.snoozed_until, None]
    line = scene.session.exec(select(LogEntry)).one()
    assert (line.what, line.who, line.why) == ("reminders silenced", "sam", "on the phone to gold")
    assert "errors" in scene.send("snooze", {"how_long": chosen("99999"), "why": typed("x")})


@pytest.mark.parametrize(("severity", "most"), [(1, 15), (2, 60), (3, 240), (5, 240)])
def test_the_graver_a_case_the_shorter_its_reminders_can_be_silent(
    scene: Scene, severity: int, most: int
) -> None:
    scene.case.severity = severity
    scene.session.commit()
    offered = form("snooze", scene.alert.id, 1, severity=severity)["blocks"][1]["element"]["options"]
    assert max(int(each["value"]) for each in offered) == most
    longer = {15: "30", 60: "120"}.get(most)
    if longer:
        refused = shown(scene.send("snooze", {"how_long": chosen(longer), "why": typed("on the phone")}))
        assert f"silent for {most} minutes at most" in refused
        assert scene.session.get_one(Alert, scene.alert.id).snoozed_until is None
    assert scene.send("snooze", {"how_long": chosen(str(most)), "why": typed("on the phone")}) == {}


def test_what_is_critical_cannot_be_silenced_again_and_again(scene: Scene) -> None:
    scene.case.severity = 1
    scene.session.commit()
    asked = {"how_long": chosen("15"), "why": typed("on the phone")}
    assert scene.send("snooze", asked) == {}
    later = NOON + timedelta(minutes=20)
    assert "silent for 15 minutes since it was raised, of 15" in shown(scene.send("snooze", asked, now=later))
    scene.case.severity = 3
    scene.session.commit()
    assert scene.send("snooze", {"how_long": chosen("60"), "why": typed("on the phone")}, now=later) == {}


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


ODD: tuple[Any, ...] = (
    None,
    7,
    -1.5,
    True,
    [],
    {},
    [[]],
    "",
    "\ud800",
    "\x00",
    "'; --",
    "x" * 9_000,
    {"id": "\u0000"},
    "9" * 5_000,
)


def bent(thing: Any, dice: random.Random) -> Any:
    """The same with something in it replaced."""
    if isinstance(thing, dict) and thing and dice.random() < 0.9:
        key = dice.choice(list(thing))
        return thing | {key: bent(thing[key], dice)}
    if isinstance(thing, list) and thing and dice.random() < 0.9:
        return [bent(thing[0], dice), *thing[1:]]
    return dice.choice(ODD)


def test_whatever_is_wrong_with_a_request_it_gets_an_answer(scene: Scene) -> None:
    dice = random.Random(5)
    metadata = json.dumps({"alert": str(scene.alert.id)})
    values = {
        "why": {"why": typed("x")},
        "which": {"which": chosen("9")},
        "how_long": {"how_long": chosen("30")},
    }
    menu = {"action_id": "menu", "selected_option": {"value": f"snooze:{scene.alert.id}"}}
    whole: list[tuple[Any, dict[str, Any]]] = [
        (APP.hear, opened("U0SAM")),
        (APP.command, {"user_id": "U0SAM", "text": "silence GH-1 30m because"}),
        (
            APP.interact,
            {"type": "block_actions", "user": {"id": "U0SAM"}, "trigger_id": "1", "actions": [menu]},
        ),
        *(
            (
                APP.interact,
                {
                    "type": "view_submission",
                    "user": {"id": "U0SAM"},
                    "view": {"callback_id": act, "private_metadata": metadata, "state": {"values": values}},
                },
            )
            for act in FORMS
        ),
    ]
    for _each in range(400):
        take, payload = dice.choice(whole)
        key = dice.choice(list(payload))
        odd = payload | {key: bent(bent(payload[key], dice), dice)}
        reply = scene.done(take(scene.session, odd, now=NOON))
        assert reply.body is None or json.dumps(reply.body).encode()
        scene.session.rollback()


def test_where_several_must_acknowledge_the_second_does_so_as_well(scene: Scene) -> None:
    other = make_person(name="Ola", slack_user="U0OLA", roles=OFFICER)
    climbing = Escalation(
        alert_id=scene.alert.id, case_id=scene.case.id, desk="comms", severity=2, raised_at=NOON,
        ladder={"each": ["rota:comms-manager"]}, began_at=NOON,
    )  # fmt: skip
    scene.session.add_all([other, climbing])
    scene.session.commit()
    assert scene.choose("acknowledge") == Reply()
    assert "already acknowledged by Sam Comms" in told(scene.choose("acknowledge"))
    assert "You have acknowledged GH-" in told(scene.choose("acknowledge", "U0OLA"))
    assert "already acknowledged by Sam Comms" in told(scene.choose("acknowledge", "U0OLA"))


def test_other_events_and_unknown_alerts_are_passed_over(scene: Scene) -> None:
    for event in (opened("U0SAM", "messages"), {}, {"event": 7}, {"event": {"type": "message"}}):
        assert APP.hear(scene.session, event, now=NOON) == Reply()
    scene.alert = make_alert(scene.case, id=uuid4())
    assert "no longer exists" in told(scene.choose("claim"))
    assert set(LENGTHS) == {15, 30, 60, 120, 240}
