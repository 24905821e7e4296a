"""A case in Slack with somebody who presses, and what is read from the answers."""

import json
from datetime import datetime
from typing import Any

from sqlmodel import Session, select

from responders.slack_app import SlackApp
from responders.slack_reply import Reply, Whisper
from tests.doubles.block_kit import texts_of, wrong_with_message, wrong_with_view
from tests.make import NOON, make_alert, make_case, make_person
from triage.records import Case, LogEntry, Person
from triage.restriction_records import Restriction

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
        self,
        act: str,
        values: dict[str, Any],
        user: str = "U0SAM",
        app: SlackApp = APP,
        now: datetime = NOON,
    ) -> dict[str, Any]:
        state = {"values": {name: {name: value} for name, value in values.items()}}
        view = {
            "callback_id": act,
            "private_metadata": json.dumps({"alert": str(self.alert.id)}),
            "state": state,
        }
        payload = {"type": "view_submission", "user": {"id": user}, "view": view}
        return self.done(app.interact(self.session, payload, now=now)).body or {}

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


def opened(user: str, tab: str = "home") -> dict[str, Any]:
    return {"type": "event_callback", "event": {"type": "app_home_opened", "user": user, "tab": tab}}
