"""The home tab of one person: the cases they have with their clocks, and what waits for an answer at their desks."""

from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from responders.blocks import Block
from responders.slack_lines import header, lines_of, link, section
from responders.slack_people import Refused, enter_refusal, need_to, who_is
from triage.hidden import look_as
from triage.permissions import Permission
from triage.queue import Wanted, queue
from triage.records import OPEN, Alert, AlertState, Case, Desk, Person

CASES_SHOWN, ALERTS_SHOWN = 30, 20


def home(session: Session, user: str, desk_url: str, *, now: datetime) -> dict[str, Any]:
    """The view for a Slack user; somebody we do not know reads how to be linked. The caller commits."""
    try:
        person = who_is(session, user)
        need_to(person, Permission.READ_CASES, said="Your roles do not let you read cases.")
    except Refused as refused:
        enter_refusal(session, refused, now=now)
        return {"type": "home", "blocks": [header("Golden Hour"), section(str(refused))]}
    look_as(session, person)
    return {
        "type": "home",
        "blocks": [*_mine(session, person, desk_url, now), *_waiting(session, person, desk_url, now)],
    }


def _mine(session: Session, person: Person, desk_url: str, now: datetime) -> list[Block]:
    held = queue(session, Wanted(mine=person.id), now=now, limit=CASES_SHOWN)
    cases = [line.case for line in held]
    none = [section("You have no case. Claim one from a message, or take the next one from the queue.")]
    open_queue = {
        "type": "actions",
        "elements": [link("Open the queue", f"{desk_url.rstrip('/')}/queue", "queue")],
    }
    return [header("Your cases"), *(lines_of(session, cases, desk_url, now=now) or none), open_queue]


def _waiting(session: Session, person: Person, desk_url: str, now: datetime) -> list[Block]:
    """Cases whose alerts nobody at the person's desks has acknowledged, the gravest first."""
    asked = (
        select(Case, Alert.desk)
        .join(Alert, col(Alert.case_id) == Case.id)
        .where(
            Alert.state == AlertState.OPEN,
            col(Alert.desk).in_(person.desks),
            col(Case.status).in_(OPEN),
        )
        .order_by(col(Case.severity), col(Alert.raised_at))
        .limit(ALERTS_SHOWN)
    )
    found = {case.id: (case, desk) for case, desk in session.exec(asked)}
    cases = [case for case, _ in found.values()]
    more = {key: f"waits for {Desk(desk).value}" for key, (_, desk) in found.items()}
    none = [section("Every alert at your desks has been acknowledged.")]
    return [
        header("Not acknowledged at your desks"),
        *(lines_of(session, cases, desk_url, now=now, more=more) or none),
    ]
