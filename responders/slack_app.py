"""The app in Slack: whatever Slack sends, by either way, becomes one reply. Button, menu, form, command, home tab."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlmodel import Session

from responders.slack_acts import act, usable_id
from responders.slack_commands import command
from responders.slack_home import home
from responders.slack_reply import Home, Reply
from triage.actions import LEASE
from triage.alert_acts import PassOn
from triage.oncall import OnCall

Payload = dict[str, Any]
LONGEST_TEXT = 3000


class SlackApp(NamedTuple):
    """What the app needs to know: where the desk is, who is on call, how somebody else is told of an alert, and how
    long a claim holds."""

    desk_url: str
    oncall: Callable[[], OnCall] = OnCall
    pass_on: PassOn | None = None
    lease: timedelta = LEASE

    def interact(self, session: Session, payload: Payload, *, now: datetime) -> Reply:
        return act(session, payload, now=now, pass_on=self.pass_on, lease=self.lease)

    def command(self, session: Session, payload: Payload, *, now: datetime) -> Reply:
        text = payload.get("text")
        written = text[:LONGEST_TEXT] if isinstance(text, str) else ""
        user = usable_id(payload.get("user_id"))
        return Reply(command(session, user, written, self.desk_url, self.oncall(), now=now))

    def hear(self, session: Session, payload: Payload, *, now: datetime) -> Reply:
        """An event. Only that somebody opened their home tab concerns us."""
        event = payload.get("event")
        if (
            not isinstance(event, dict)
            or event.get("type") != "app_home_opened"
            or event.get("tab") != "home"
        ):
            return Reply()
        user = usable_id(event.get("user"))
        return Reply(later=Home(user, home(session, user, self.desk_url, now=now))) if user else Reply()
