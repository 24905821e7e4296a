"""`/goldenhour` in Slack: the queue, a case, who is on call, silence for reminders. Only who asks reads the answer."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlmodel import Session, col, select

from collector.plain import tidy
from responders.blocks import Block
from responders.notices import restricted_among
from responders.plain import plain
from responders.slack_forms import REASON_MOST
from responders.slack_lines import at, header, headline, lines_of, section
from responders.slack_people import DENIED, Refused, enter_refusal, need_to, who_is
from triage.alert_acts import snooze
from triage.hidden import look_as, seeing_all
from triage.locked import Conflict
from triage.log import VIEWED, Line, note
from triage.oncall import OnCall, OnDuty, on_call_now
from triage.permissions import Permission
from triage.queue import Wanted, find_case, queue
from triage.records import OPEN, Alert, AlertState, Case, Desk, Person

SHOWN = 10
MOST_SILENCED = 100
LENGTH = re.compile(r"([1-9][0-9]{0,2})\s*(m|min|h)", re.ASCII)
NUMBER = re.compile(r"(?:GH-?)?([0-9]{1,12})", re.ASCII | re.IGNORECASE)
HELP = (
    "/goldenhour queue [comms or oversight]: what is open, by what runs out first",
    "/goldenhour case GH-12: one case and its clocks",
    "/goldenhour on-call: who has the duty",
    "/goldenhour silence [GH-12] 30m REASON: no reminders of that case, or of all that waits at your desks, for so "
    "long; 5 minutes to 8 hours. New cases and new harm are still told",
)
NO_CASE = "There is no case {ref} that you can see. Write it as GH-12."


class Asked(NamedTuple):
    """A command by somebody we know."""

    session: Session
    person: Person
    words: list[str]
    desk_url: str
    oncall: OnCall
    now: datetime


def command(
    session: Session, user: str, text: str, desk_url: str, oncall: OnCall, *, now: datetime
) -> dict[str, Any]:
    """The answer to one command, as JSON. The caller commits."""
    name, *words = text.split()[:200] or ["help"]
    try:
        person = who_is(session, user)
        asked = Asked(session, person, words, desk_url, oncall, now)
        return COMMANDS.get(name.lower(), _help)(asked)
    except Refused as refused:
        enter_refusal(session, refused, now=now)
        return _said(str(refused))


def _help(_asked: Asked) -> dict[str, Any]:
    return _answer("What you can ask", [section(line) for line in HELP])


def _queue(asked: Asked) -> dict[str, Any]:
    _read_cases(asked)
    desk = next((Desk(each.lower()) for each in asked.words[:1] if each.lower() in set(Desk)), None)
    lines = queue(asked.session, Wanted(desk=desk), now=asked.now, limit=SHOWN)
    holders = {line.case.id: f"{line.holder} has it" for line in lines if line.holder}
    cases = [line.case for line in lines]
    shown = lines_of(asked.session, cases, asked.desk_url, now=asked.now, more=holders)
    return _answer("The queue", shown or [section("The queue is empty.")])


def _case(asked: Asked) -> dict[str, Any]:
    _read_cases(asked)
    case = _find(asked, asked.words[0] if asked.words else "")
    restricted = restricted_among(asked.session, [case.id])
    line = Line(VIEWED, case.id, None, {"through": "slack"})
    note(asked.session, [line], who=asked.person.username, now=asked.now)
    blocks = lines_of(asked.session, [case], asked.desk_url, now=asked.now)
    if not restricted:
        facts = [
            case.status.replace("_", " "),
            f"{case.post_count} posts",
            f"last post {at(case.last_post_at)}",
        ]
        told = asked.session.exec(select(Alert).where(Alert.case_id == case.id, Alert.growth == 0)).all()
        facts += [f"{Desk(each.desk).value}: {each.state}" for each in told]
        blocks.append(section(" · ".join(facts)))
    return _answer(headline(case, restricted), blocks)


def _on_call(asked: Asked) -> dict[str, Any]:
    need_to(asked.person, Permission.READ_CASES)
    found = on_call_now(asked.session, asked.oncall, now=asked.now)
    names = _names(asked.session, found)
    blocks = [section(_duty(each, names)) for each in found[:40]]
    none = section("No rota is set up (config/rota.toml).")
    return _answer("On call", blocks or [none])


def _silence(asked: Asked) -> dict[str, Any]:
    need_to(asked.person, Permission.ACKNOWLEDGE)
    look_as(asked.session, asked.person)
    words = list(asked.words)
    case = _find(asked, words.pop(0)) if words and words[0].upper().startswith("GH") else None
    length = _length(words.pop(0)) if words else None
    why = tidy(" ".join(words))[:REASON_MOST].strip()
    if length is None or not why:
        raise Refused(f"Say for how long and why. {HELP[-1]}.")
    alerts = _unanswered(asked, case)
    refused = [each for each in (_snooze(asked, alert, length, why) for alert in alerts) if each]
    done = len(alerts) - len(refused)
    if not done:
        return _said(
            refused[0] if refused else "Nothing waits at your desks, so there is nothing to silence."
        )
    until = at(asked.now + length)
    said = f"Reminders of {done} {'alert' if done == 1 else 'alerts'} are silent until {until}. New harm is told."
    return _said(" ".join([said, *dict.fromkeys(refused)]))


def _snooze(asked: Asked, alert: Alert, length: timedelta, why: str) -> str:
    """What stood in the way, or nothing."""
    try:
        with asked.session.begin_nested():
            snooze(
                asked.session,
                alert.id,
                who=asked.person,
                length=length,
                why=why,
                through="slack",
                now=asked.now,
            )
    except Conflict as conflict:
        return str(conflict)
    return ""


def _unanswered(asked: Asked, case: Case | None) -> list[Alert]:
    open_ = (Alert.state == AlertState.OPEN, col(Alert.desk).in_(asked.person.desks))
    wanted = select(Alert).join(Case, col(Case.id) == Alert.case_id).where(*open_, col(Case.status).in_(OPEN))
    if case is not None:
        wanted = wanted.where(Alert.case_id == case.id)
    found = asked.session.exec(wanted.order_by(col(Alert.case_id), col(Alert.growth)).limit(MOST_SILENCED))
    return list({(each.case_id, each.desk): each for each in found}.values())


def _read_cases(asked: Asked) -> None:
    need_to(asked.person, Permission.READ_CASES, said=DENIED)
    look_as(asked.session, asked.person)


def _find(asked: Asked, ref: str) -> Case:
    """A case by its number. One that is hidden from the person is as if it did not exist."""
    written = NUMBER.fullmatch(ref)
    found = find_case(asked.session, written[1]) if written else None
    if found is not None:
        return found
    said = NO_CASE.format(ref=plain(ref, 20) or "of that number")
    with seeing_all(asked.session):
        hidden = find_case(asked.session, written[1]) if written else None
    line = Line("denied", hidden.id, None, {"needs": "to see the case"}) if hidden else None
    raise Refused(said, line, asked.person.username)


def _length(written: str) -> timedelta | None:
    found = LENGTH.fullmatch(written.lower())
    if found is None:
        return None
    return timedelta(hours=int(found[1])) if found[2] == "h" else timedelta(minutes=int(found[1]))


def _names(session: Session, found: list[OnDuty]) -> dict[str, str]:
    usernames = {each.username for duty in found for each in (duty.now, duty.next) if each and each.username}
    people = session.exec(select(Person).where(col(Person.username).in_(usernames)))
    return {person.username: person.name for person in people}


def _duty(duty: OnDuty, names: dict[str, str]) -> str:
    who = names.get(duty.now.username, duty.now.username) if duty.now.username else "nobody"
    said = f"{duty.rota.title}: {who} until {at(duty.now.ends)}"
    if duty.next is not None and duty.next.username:
        said += f", then {names.get(duty.next.username, duty.next.username)}"
    return said


def _said(text: str) -> dict[str, Any]:
    return {"response_type": "ephemeral", "text": plain(text, 600), "blocks": [section(text)]}


def _answer(title: str, blocks: list[Block]) -> dict[str, Any]:
    return {"response_type": "ephemeral", "text": plain(title, 150), "blocks": [header(title), *blocks]}


COMMANDS: dict[str, Callable[[Asked], dict[str, Any]]] = {
    "queue": _queue,
    "case": _case,
    "on-call": _on_call,
    "oncall": _on_call,
    "silence": _silence,
    "help": _help,
}
