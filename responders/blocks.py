"""What a desk reads in Slack: one message for one alert, or one list for several.

Case number, severity, place down to the borough, kind, labels, clock and link; no handle, name of a person in
a post, quote or picture. Everything that is not written here goes through `plain`.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from classifier.records import IncidentType
from responders.plain import plain
from triage.records import OPEN, AlertState, Severity, Status
from triage.titles import KIND

LONDON = ZoneInfo("Europe/London")
SHAPES = {
    Severity.SEV1: ("■", "critical"),
    Severity.SEV2: ("◆", "high"),
    Severity.SEV3: ("▲", "moderate"),
    Severity.SEV4: ("●", "low"),
    Severity.SEV5: ("○", "none"),
}
TOP_OF_DIGEST = 10
LABELS_SHOWN = 5
RESTRICTED = "A restricted case"
BREACHES_SHOWN = 3
MENU = {
    "claim": "Claim the case",
    "escalate": "Escalate …",
    "not_ours": "Not ours …",
    "snooze": "Snooze reminders …",
}
MENU_AFTER = {"acknowledge": "Acknowledge as well"} | {
    name: MENU[name] for name in ("claim", "escalate", "not_ours")
}
WAYS = {
    "email": "e-mail",
    "notify_email": "e-mail",
    "sms": "text message",
    "teams": "Teams",
    "webhook": "webhook",
}
Block = dict[str, Any]


class Notice(NamedTuple):
    """What is said about one alert. `due_at` is when it must be acknowledged, if a clock runs. `breached` are the
    desk's clocks that ran out and still run, the longest overdue first. `growth` numbers an update that it grows, which
    `grows` says how. `escalated_at` is when it was last passed on since it was raised, `holder` who has the case.
    `fell_back` is when it went another way since it was raised, because Slack did not take it, and which ways."""

    alert_id: UUID
    case_number: int
    desk: str
    severity: int
    type: str
    borough: str | None
    bcu: str | None
    labels: tuple[str, ...]
    status: Status
    state: AlertState
    posts: int
    raised_at: datetime
    due_at: datetime | None
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    growth: int = 0
    grows: str = ""
    restricted: bool = False
    breached: tuple[tuple[str, datetime], ...] = ()
    escalated_at: datetime | None = None
    snoozed_until: datetime | None = None
    holder: str | None = None
    fell_back: tuple[datetime, tuple[str, ...]] | None = None


class Message(NamedTuple):
    """One message: fallback `text`, Block Kit `blocks`, and the `key` that its metadata carries. With `thread_ts` it
    stands under that message, and `for_all` in the channel as well."""

    key: UUID
    text: str
    blocks: list[Block]
    thread_ts: str | None = None
    for_all: bool = False


def page(
    key: UUID, notice: Notice, desk_url: str, *, says: str = "", possible_repeat: bool = False
) -> Message:
    """The message about one alert, with its buttons while there is something to press. One that `says` something new
    about an alert told before is short."""
    headline = _headline(notice)
    if says:
        headline = f"{_new(notice, says)} · {_headline(notice._replace(breached=(), growth=0))}"
    labels = ", ".join(notice.labels[:LABELS_SHOWN]).replace("_", " ")
    facts = [
        ("Where", _where(notice)),
        ("Checked", _checked(notice)),
        *([("Labels", labels)] if labels else []),
        ("Posts", f"{notice.posts}, raised {_clock(notice.raised_at)}"),
    ]
    if notice.growth:
        facts.append(("Growth", notice.grows))
    told: Block = {"type": "section", "fields": [_text(f"{name}: {value}", 400) for name, value in facts]}
    waits = notice.state == AlertState.OPEN
    stands = _text(_standing(notice), 400)
    beside = [*([] if waits else [stands]), *_fell_back(notice)]
    blocks: list[Block] = [
        {"type": "header", "text": _text(headline, 150)},
        *([{"type": "section", "text": stands}] if waits else []),
        *([] if notice.restricted or says else [told]),
        *([{"type": "context", "elements": beside}] if beside else []),
        {"type": "actions", "elements": _buttons(notice, desk_url)},
    ]
    if possible_repeat:
        blocks.insert(0, _repeat())
    return Message(key, _fallback(headline, _standing(notice), possible_repeat), blocks)


def bundle(key: UUID, notices: Sequence[Notice], desk_url: str, *, possible_repeat: bool = False) -> Message:
    """One message about several pages: each on a line of its own with its own Acknowledge button."""
    headline = f"{len(notices)} cases for {notices[0].desk}"
    blocks: list[Block] = [{"type": "header", "text": _text(headline, 150)}]
    blocks += [_line(notice, desk_url, pressable=True) for notice in _worst_first(notices)]
    if possible_repeat:
        blocks.insert(0, _repeat())
    return Message(key, _fallback(headline, _mix(notices), possible_repeat), blocks)


def digest(key: UUID, notices: Sequence[Notice], desk_url: str, *, possible_repeat: bool = False) -> Message:
    """One message about everything that can wait: the counts, and the gravest few with links."""
    headline = f"Digest for {notices[0].desk}: {len(notices)} {'case' if len(notices) == 1 else 'cases'}"
    top = _worst_first(notices)[:TOP_OF_DIGEST]
    blocks: list[Block] = [
        {"type": "header", "text": _text(headline, 150)},
        {"type": "context", "elements": [_text(_mix(notices), 400)]},
        *(_line(notice, desk_url, pressable=False) for notice in top),
    ]
    if len(notices) > len(top):
        rest = f"and {len(notices) - len(top)} more in the queue"
        blocks.append(
            {
                "type": "section",
                "text": _text(rest, 200),
                "accessory": _link("Open the queue", f"{desk_url.rstrip('/')}/queue"),
            }
        )
    if possible_repeat:
        blocks.insert(0, _repeat())
    return Message(key, _fallback(headline, _mix(notices), possible_repeat), blocks)


def case_url(desk_url: str, number: int) -> str:
    return f"{desk_url.rstrip('/')}/cases/{number}"


def _new(notice: Notice, says: str) -> str:
    """What is new about an alert; of a restricted case no more than that something is."""
    return "Raised again" if notice.restricted else says


def _headline(notice: Notice) -> str:
    shape, word = SHAPES[Severity(notice.severity)]
    if notice.restricted:
        return f"{RESTRICTED} · GH-{notice.case_number}"
    breached = "Breached · " if notice.breached and notice.state == AlertState.OPEN else ""
    where = notice.borough or "place not known"
    breached = f"Growing · {breached}" if notice.growth else breached
    return (
        f"{breached}{shape} SEV{notice.severity} {word} · GH-{notice.case_number} · {where} · {_kind(notice)}"
    )


def _where(notice: Notice) -> str:
    if notice.borough is None:
        return "not known"
    return f"said to be {notice.borough}" + (f", BCU {notice.bcu}" if notice.bcu else "")


def _checked(notice: Notice) -> str:
    """Whether a person stands behind it, or posts only."""
    if notice.status == Status.CONFIRMED:
        return "a person confirmed it; what posts claim is not checked by that"
    if notice.status not in OPEN:
        return "a person looked at it and closed it"
    return "not yet: it is what people post"


def _kind(notice: Notice) -> str:
    return KIND[IncidentType(notice.type)]


def _standing(notice: Notice) -> str:
    if notice.restricted:
        return _waits(notice)
    if notice.state == AlertState.CLOSED and notice.growth and notice.status in OPEN:
        return "Said again: a later update says more"
    if notice.state == AlertState.CLOSED:
        return "Closed" + (f": {notice.status.replace('_', ' ')}" if notice.status != Status.CLOSED else "")
    if notice.state == AlertState.ACKNOWLEDGED:
        who = notice.acknowledged_by or "someone"
        at = f" at {_clock(notice.acknowledged_at)}" if notice.acknowledged_at else ""
        return f"Acknowledged by {who}{at} for {notice.desk}{_held(notice)}"
    waits = f"Waiting for {notice.desk}"
    if notice.due_at is not None:
        waits += f": acknowledge by {_clock(notice.due_at)}"
    if notice.escalated_at is not None:
        waits = f"Escalated at {_clock(notice.escalated_at)}. {waits}"
    if notice.snoozed_until is not None:
        waits += f". Reminders are silent until {_clock(notice.snoozed_until)}"
    waits += _held(notice)
    late = [f"{name.replace('_', ' ')} was due {_clock(due_at)}" for name, due_at in notice.breached]
    return f"Breached: {'; '.join(late[:BREACHES_SHOWN])}. {waits}" if late else waits


def _held(notice: Notice) -> str:
    return f". {notice.holder} has the case" if notice.holder else ""


def _fell_back(notice: Notice) -> list[Block]:
    if notice.fell_back is None:
        return []
    at, ways = notice.fell_back
    by = " and ".join(WAYS.get(each, each) for each in ways)
    return [_text(f"Slack did not take it at first: sent by {by} at {_clock(at)}", 300)]


def _waits(notice: Notice) -> str:
    """All that is said of how a restricted case stands."""
    return {
        AlertState.OPEN: f"Waiting for {notice.desk}",
        AlertState.ACKNOWLEDGED: f"Acknowledged for {notice.desk}",
        AlertState.CLOSED: "Closed",
    }[AlertState(notice.state)]


def _mix(notices: Sequence[Notice]) -> str:
    open_ = [each.severity for each in notices if not each.restricted]
    counts = {severity: sum(each == severity for each in open_) for severity in Severity}
    told = [f"{SHAPES[severity][0]} SEV{severity} {count}" for severity, count in counts.items() if count]
    told += [f"restricted {len(notices) - len(open_)}"] if len(open_) < len(notices) else []
    waiting = sum(each.state == AlertState.OPEN for each in notices)
    return " · ".join([*told, f"{waiting} not acknowledged"])


def _line(notice: Notice, desk_url: str, *, pressable: bool) -> Block:
    told = f"{_headline(notice)} · {_standing(notice)}"
    button = _link("Open the case", case_url(desk_url, notice.case_number))
    if pressable and notice.state == AlertState.OPEN:
        button = _acknowledge(notice)
    return {"type": "section", "text": _text(told, 300), "accessory": button}


def _buttons(notice: Notice, desk_url: str) -> list[Block]:
    """Two buttons and a menu while the alert waits; once it is answered, what is left to do."""
    open_it = _link("Open the case", case_url(desk_url, notice.case_number))
    if notice.state == AlertState.OPEN:
        return [_acknowledge(notice), open_it, menu(notice.alert_id, MENU)]
    if notice.state == AlertState.ACKNOWLEDGED:
        return [open_it, menu(notice.alert_id, MENU_AFTER)]
    return [open_it]


def menu(alert_id: UUID, acts: Mapping[str, str]) -> Block:
    """An overflow menu; the value of each choice is `<act>:<alert>`."""
    choices = [{"text": _text(words, 75), "value": f"{name}:{alert_id}"} for name, words in acts.items()]
    return {"type": "overflow", "action_id": "menu", "options": choices}


def _acknowledge(notice: Notice) -> Block:
    return {
        "type": "button",
        "action_id": "acknowledge",
        "text": _text("Acknowledge", 75),
        "style": "primary",
        "value": str(notice.alert_id),
    }


def _link(label: str, url: str) -> Block:
    return {"type": "button", "action_id": "open", "text": _text(label, 75), "url": url}


def _repeat() -> Block:
    return {
        "type": "context",
        "elements": [_text("Possible repeat: this may have been told before", 200)],
    }


def _fallback(headline: str, standing: str, possible_repeat: bool) -> str:
    return plain(f"{'Possible repeat: ' if possible_repeat else ''}{headline}. {standing}", 600)


def _text(text: str, limit: int) -> Block:
    return {"type": "plain_text", "emoji": False, "text": plain(text, limit)}


def _worst_first(notices: Sequence[Notice]) -> list[Notice]:
    return sorted(
        notices, key=lambda each: (not each.restricted, each.severity, each.raised_at, each.case_number)
    )


def _clock(moment: datetime) -> str:
    return moment.astimezone(LONDON).strftime("%H:%M %Z, %-d %b")
