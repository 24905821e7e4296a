"""What a desk reads: within Slack's limits, and nothing in it that Slack would act on."""

import json
import re
import unicodedata
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from responders.blocks import Message, Notice, bundle, digest, page
from responders.choosing import BUNDLE_OF
from responders.plain import graphemes, plain
from tests.doubles.slack import is_valid, texts_of
from tests.make import NOON
from triage.records import AlertState, Status

KEY = UUID(int=1)
DESK = "http://desk.example:8000"
LIVE = re.compile(r"<[^>]*>")


def make_notice(**given: Any) -> Notice:
    given = {
        "alert_id": UUID(int=2),
        "case_number": 12,
        "desk": "comms",
        "severity": 2,
        "type": "use_of_force",
        "borough": "Southwark",
        "bcu": "AS",
        "labels": ("first_hand", "has_video"),
        "status": Status.DETECTED,
        "state": AlertState.OPEN,
        "posts": 38,
        "raised_at": NOON,
        "due_at": NOON + timedelta(minutes=15),
        "acknowledged_at": None,
        "acknowledged_by": None,
        **given,
    }
    return Notice(**given)


def shown(message: Message) -> list[str]:
    return [message.text, *texts_of(message.blocks)]


def accepted(message: Message) -> bool:
    return is_valid({"text": message.text, "blocks": message.blocks})


def test_a_page_says_what_where_how_bad_and_by_when() -> None:
    told = " | ".join(shown(page(KEY, make_notice(), DESK)))
    for each in ("◆ SEV2 high", "GH-12", "Southwark", "BCU AS", "Use of force", "first hand", "13:15 BST"):
        assert each in told


def test_a_page_about_a_breach_says_which_clock_ran_out_and_when() -> None:
    late = make_notice(breached=(("first_line", NOON), ("next_update", NOON + timedelta(hours=1))))
    message = page(KEY, late, DESK)
    assert message.text.startswith("Breached")
    assert accepted(message)
    for told in (
        message.text,
        *(" | ".join(shown(made)) for made in (message, bundle(KEY, [late] * 2, DESK))),
    ):
        assert "Breached: first line was due 13:00 BST, 14 Jul; next update was due 14:00 BST, 14 Jul" in told
    answered = page(KEY, late._replace(state=AlertState.ACKNOWLEDGED), DESK)
    assert "Breached" not in answered.text


def test_the_messages_stay_as_agreed() -> None:
    acknowledged = make_notice(
        state=AlertState.ACKNOWLEDGED,
        acknowledged_at=NOON + timedelta(minutes=4),
        acknowledged_by="Sam Comms, duty officer,",
    )
    escalated = make_notice(escalated_at=NOON + timedelta(minutes=6), holder="Ola Oversight")
    closed = make_notice(state=AlertState.CLOSED, status=Status.NOT_OURS)
    made = {
        "open": page(KEY, make_notice(), DESK).blocks,
        "acknowledged": page(KEY, acknowledged, DESK).blocks,
        "closed": page(KEY, closed, DESK).blocks,
        "escalated": page(KEY, escalated, DESK).blocks,
        "in its thread": page(KEY, make_notice(severity=1), DESK, says="Severity raised from SEV2").blocks,
        "possible repeat": page(KEY, make_notice(), DESK, possible_repeat=True).blocks,
        "digest": digest(KEY, [make_notice(), make_notice(severity=4, borough=None)], DESK).blocks,
    }
    golden = Path(__file__).parent / "golden" / "blocks.json"
    assert json.dumps(made, indent=1, ensure_ascii=False) + "\n" == golden.read_text(encoding="utf-8")


@pytest.mark.parametrize("state", AlertState)
def test_only_an_open_alert_can_be_acknowledged(state: AlertState) -> None:
    buttons = page(KEY, make_notice(state=state), DESK).blocks[-1]["elements"]
    assert [each["action_id"] for each in buttons] == (
        {"open": ["acknowledge", "open", "menu"], "acknowledged": ["open", "menu"], "closed": ["open"]}[state]
    )


def test_the_largest_messages_are_accepted() -> None:
    long = make_notice(borough="&" * 400, bcu="<" * 400, labels=("x" * 900,) * 9, desk="d" * 400)
    assert accepted(page(KEY, long, DESK, possible_repeat=True))
    assert accepted(bundle(KEY, [long] * BUNDLE_OF, DESK, possible_repeat=True))
    assert accepted(digest(KEY, [long] * 5000, DESK, possible_repeat=True))


def test_no_naughty_string_becomes_a_mention_a_link_or_formatting(shared: Path) -> None:
    naughty = json.loads((shared / "corpora/blns/blns.json").read_text(encoding="utf-8"))
    naughty += ["<!channel>", "<@U0123>", "<#C0123|x>", "<https://evil.example|police.uk>", "&lt;!here&gt;"]
    assert len(naughty) > 500
    for text in naughty:
        notice = make_notice(
            borough=text, bcu=text, labels=(text, text), desk=text, acknowledged_by=text,
            state=AlertState.ACKNOWLEDGED, acknowledged_at=NOON,
        )  # fmt: skip
        for message in (
            page(KEY, notice, DESK),
            bundle(KEY, [notice] * 2, DESK),
            digest(KEY, [notice], DESK),
        ):
            assert accepted(message)
            for told in shown(message):
                assert not LIVE.search(told)
                assert not re.search(r"&(?!amp;|lt;|gt;)", told)
            assert all(each["type"] == "plain_text" for each in _texts(message.blocks))


@given(st.text(max_size=200), st.integers(min_value=1, max_value=60))
def test_text_is_cut_within_the_limit_and_between_written_characters(text: str, limit: int) -> None:
    cut = plain(text, limit)
    assert len(cut) <= limit
    assert not LIVE.search(cut)
    whole = plain(text, 100_000)
    assert cut == whole or cut.endswith("…")
    if cut != whole:
        rest = whole[len(cut) - 1 :]
        assert rest[:1] == "" or not unicodedata.category(rest[0]).startswith("M")


@pytest.mark.parametrize("emoji", ["👩🏽‍🚒", "🇬🇧", "é", "각", "❤️"])
def test_what_is_one_written_character_stays_one(emoji: str) -> None:
    assert len(list(graphemes(emoji * 3))) == 3
    assert plain(emoji * 10, len(emoji) * 2 + 1) in (emoji * 2 + "…", plain(emoji, 99) * 2 + "…")


def test_times_are_london_s_on_both_sides_of_the_clock_change() -> None:
    before = datetime.fromisoformat("2026-10-25T00:30:00+00:00")
    told = [
        " ".join(shown(page(KEY, make_notice(due_at=before + timedelta(hours=later)), DESK)))
        for later in (0, 1)
    ]
    assert "01:30 BST" in told[0]
    assert "01:30 GMT" in told[1]


def _texts(blocks: Any) -> list[dict[str, Any]]:
    if isinstance(blocks, list):
        return [text for each in blocks for text in _texts(each)]
    if isinstance(blocks, dict):
        if isinstance(blocks.get("text"), str):
            return [blocks]
        return [text for each in blocks.values() for text in _texts(each)]
    return []
