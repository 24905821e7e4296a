"""Forms in Slack: a modal for each act that needs a reason, and what is read from one that was filled in."""

import json
from datetime import timedelta
from typing import Any, NamedTuple
from uuid import UUID

from collector.plain import tidy
from responders.blocks import RESTRICTED, Block
from responders.plain import plain
from triage.alert_acts import LENGTHS, lengths
from triage.web.words import REASONS

REASON_MOST = 500
OWN_WORDS = "own"
WHY, HOW_LONG, WHICH = "why", "how_long", "which"


class Asked(NamedTuple):
    """The words of one form: its title (24 characters at most), its button, and what it says of the case."""

    title: str
    submit: str
    says: str


FORMS = {
    "escalate": Asked("Escalate", "Escalate", "Whoever is next is told now. The clocks go on."),
    "not_ours": Asked("Not ours", "Close the case", "The case is closed without action; it can be reopened."),
    "snooze": Asked(
        "Snooze reminders",
        "Snooze",
        "Reminders of this alert are silent for a while. The case, its clocks and new harm are not.",
    ),
}


class Filled(NamedTuple):
    """A form that came back. `problems` names each field that is to be filled in, in words for the person."""

    act: str
    alert_id: UUID | None
    why: str
    length: timedelta
    problems: dict[str, str]


def form(act: str, alert_id: UUID, number: int, *, severity: int, restricted: bool = False) -> dict[str, Any]:
    """The modal for an act on an alert."""
    asked = FORMS[act]
    named = f"{RESTRICTED} · GH-{number}" if restricted else f"GH-{number}"
    said = _text(f"{named}. {asked.says}", 300)
    blocks: list[Block] = [{"type": "section", "text": said}]
    if act == "not_ours":
        offered = {str(at): words for at, words in enumerate(REASONS["not_ours"])}
        blocks.append(_choice(WHICH, "Why", offered | {OWN_WORDS: "Another reason"}))
    if act == "snooze":
        blocks.append(
            _choice(
                HOW_LONG,
                "For how long",
                {str(minutes): words for minutes, words in lengths(severity).items()},
            )
        )
    words: Block = {
        "type": "plain_text_input",
        "action_id": WHY,
        "multiline": True,
        "max_length": REASON_MOST,
    }
    label = "In your own words" if act == "not_ours" else "Why"
    hint = _text("The review meeting reads it. No names of the public.", 150)
    blocks.append(
        {
            "type": "input",
            "block_id": WHY,
            "label": _text(label, 100),
            "hint": hint,
            "optional": act == "not_ours",
            "element": words,
        }
    )
    return {
        "type": "modal",
        "callback_id": act,
        "private_metadata": json.dumps({"alert": str(alert_id)}),
        "title": _text(asked.title, 24),
        "submit": _text(asked.submit, 24),
        "close": _text("Cancel", 24),
        "blocks": blocks,
    }


def outcome(said: str) -> dict[str, Any]:
    """A modal that only says what became of the form before it."""
    return {
        "type": "modal",
        "title": _text("Golden Hour", 24),
        "close": _text("Close", 24),
        "blocks": [{"type": "section", "text": _text(said, 1000)}],
    }


def read_form(view: dict[str, Any]) -> Filled | None:
    """What was filled in; None for a view that is not one of our forms."""
    act = view.get("callback_id")
    if not isinstance(act, str) or act not in FORMS:
        return None
    values = _values(view)
    why = tidy(values.get(WHY, ""))[:REASON_MOST].strip()
    problems: dict[str, str] = {}
    length = timedelta(0)
    if act == "not_ours":
        chosen = values.get(WHICH, "")
        offered = dict(enumerate(REASONS["not_ours"])).get(
            int(chosen) if chosen in "0123456789" and chosen else -1
        )
        why = "; ".join(part for part in (offered, why) if part)
    if act == "snooze":
        written = values.get(HOW_LONG, "")
        length = timedelta(minutes=int(written)) if written in map(str, LENGTHS) else length
        problems |= {} if length else {HOW_LONG: "Choose for how long."}
    if not why:
        problems[WHY] = "Say why: the review meeting reads the reason."
    return Filled(act, _alert_of(view), why, length, problems)


def _alert_of(view: dict[str, Any]) -> UUID | None:
    try:
        return UUID(json.loads(view["private_metadata"])["alert"])
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError):
        return None


def _values(view: dict[str, Any]) -> dict[str, str]:
    """What stands in each field, by the id of its block; empty for anything that is not as we asked."""
    state = view.get("state")
    blocks = state.get("values") if isinstance(state, dict) else None
    found = {}
    for block_id, elements in (blocks if isinstance(blocks, dict) else {}).items():
        element = elements.get(block_id) if isinstance(elements, dict) else None
        if not isinstance(element, dict):
            continue
        chosen = element.get("selected_option")
        value = chosen.get("value") if isinstance(chosen, dict) else element.get("value")
        found[str(block_id)] = value if isinstance(value, str) else ""
    return found


def _choice(name: str, label: str, options: dict[str, str]) -> Block:
    listed = [{"text": _text(words, 75), "value": value} for value, words in options.items()]
    element: Block = {"type": "static_select", "action_id": name, "options": listed}
    return {"type": "input", "block_id": name, "label": _text(label, 100), "element": element}


def _text(text: str, limit: int) -> Block:
    return {"type": "plain_text", "emoji": False, "text": plain(text, limit)}
