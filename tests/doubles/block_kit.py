"""Slack's limits on what is sent to it: one checker for messages, modals and home tabs.

From Slack's reference ("Blocks", "Block elements", "Composition objects", "Views", read 2026-11) and the limits that
its own Python models hold.
"""

import json
from collections.abc import Iterator
from typing import Any

Block = dict[str, Any]
MESSAGE_BLOCKS, VIEW_BLOCKS = 50, 100
WHOLE_MESSAGE = 13_000  # characters of text, beyond which a message is refused as msg_blocks_too_long
ID = 255
ELEMENTS = {"actions": 25, "context": 10}
IN_ACTIONS = ("button", "overflow", "static_select")
IN_INPUT = ("plain_text_input", "static_select", "radio_buttons")
OPTIONS = {"overflow": (2, 5), "static_select": (1, 100), "radio_buttons": (1, 10)}
KNOWN = ("header", "section", "context", "actions", "divider", "input")


def is_valid(given: dict[str, Any]) -> bool:
    """Whether Slack takes a message with this text and these blocks."""
    return not list(wrong_with_message(given))


def wrong_with_message(given: dict[str, Any]) -> Iterator[str]:
    blocks = given.get("blocks") or []
    if not 1 <= len(given.get("text") or "") <= 40_000:
        yield "a message needs a fallback text"
    if sum(len(text) for text in texts_of(blocks)) >= WHOLE_MESSAGE:
        yield "the whole message is too long"
    yield from _wrong_with_blocks(blocks, MESSAGE_BLOCKS)
    if any(block.get("type") == "input" for block in blocks):
        yield "a message takes no input block here"


def wrong_with_view(view: dict[str, Any]) -> Iterator[str]:
    """What Slack would refuse of a modal or a home tab."""
    blocks = view.get("blocks") or []
    inputs = any(block.get("type") == "input" for block in blocks)
    if view.get("type") not in ("modal", "home"):
        yield f"a view is no {view.get('type')}"
    if view.get("type") == "modal":
        yield from _wrong_with_text(view.get("title"), 24, "title")
        for name in ("submit", "close"):
            if name in view:
                yield from _wrong_with_text(view[name], 24, name)
        if inputs and "submit" not in view:
            yield "inputs need a submit"
    elif {"title", "submit", "close"} & set(view) or inputs:
        yield "a home tab has no title, submit, close or input"
    if len(view.get("private_metadata", "")) > 3000 or len(view.get("callback_id", "")) > ID:
        yield "private_metadata or callback_id is too long"
    if len(json.dumps(view)) > 250_000:
        yield "the view is too large"
    yield from _wrong_with_blocks(blocks, VIEW_BLOCKS)


def texts_of(blocks: Any) -> Iterator[str]:
    """Every text a reader of these blocks sees."""
    if isinstance(blocks, list):
        for each in blocks:
            yield from texts_of(each)
    elif isinstance(blocks, dict):
        if blocks.get("type") in ("plain_text", "mrkdwn"):
            yield blocks["text"]
        else:
            for each in blocks.values():
                yield from texts_of(each)


def _wrong_with_blocks(blocks: list[Block], most: int) -> Iterator[str]:
    if len(blocks) > most:
        yield f"{len(blocks)} blocks, {most} at most"
    named = [block["block_id"] for block in blocks if "block_id" in block]
    if len(set(named)) != len(named) or any(not 1 <= len(each) <= ID for each in named):
        yield "block ids are to be short and each its own"
    for block in blocks:
        yield from _wrong_with_block(block)


def _wrong_with_block(block: Block) -> Iterator[str]:
    kind = block.get("type")
    if kind not in KNOWN:
        yield f"there is no block {kind}"
    elif kind == "header":
        yield from _wrong_with_text(block["text"], 150, kind)
    elif kind == "section":
        yield from _wrong_with_section(block)
    elif kind == "input":
        yield from _wrong_with_text(block["label"], 2000, "label")
        if "hint" in block:
            yield from _wrong_with_text(block["hint"], 2000, "hint")
        yield from _wrong_with_element(block["element"], IN_INPUT)
    elif kind in ELEMENTS:
        elements = block["elements"]
        if not 1 <= len(elements) <= ELEMENTS[kind]:
            yield f"{len(elements)} elements in {kind}"
        if kind == "context":
            for each in elements:
                yield from _wrong_with_text(each, 3000, kind, marked=True)
            return
        ids = [each.get("action_id") for each in elements]
        if len(set(ids)) != len(ids):
            yield "an action_id is there twice"
        for each in elements:
            yield from _wrong_with_element(each, IN_ACTIONS)


def _wrong_with_section(block: Block) -> Iterator[str]:
    fields = block.get("fields") or []
    if "text" not in block and not fields:
        yield "a section without text or fields"
    if "text" in block:
        yield from _wrong_with_text(block["text"], 3000, "section", marked=True)
    if len(fields) > 10:
        yield f"{len(fields)} fields"
    for each in fields:
        yield from _wrong_with_text(each, 2000, "field", marked=True)
    if "accessory" in block:
        yield from _wrong_with_element(block["accessory"], IN_ACTIONS)


def _wrong_with_element(element: Block, allowed: tuple[str, ...]) -> Iterator[str]:
    kind = element.get("type")
    if kind not in allowed:
        yield f"no {kind} here"
        return
    if not 1 <= len(element.get("action_id", "")) <= ID:
        yield f"{kind} without a fitting action_id"
    if kind == "button":
        yield from _wrong_with_button(element)
    elif kind in OPTIONS:
        least, most = OPTIONS[kind]
        if not least <= len(element["options"]) <= most:
            yield f"{len(element['options'])} options in {kind}"
        for each in element["options"]:
            yield from _wrong_with_text(each["text"], 75, "option")
            if not 1 <= len(each["value"]) <= 75:
                yield "the value of an option is too long"
        if "initial_option" in element and element["initial_option"] not in element["options"]:
            yield "what is chosen at first is no option"
    elif not 0 <= element.get("min_length", 0) <= element.get("max_length", 3000) <= 3000:
        yield "the lengths of a text input"
    if "placeholder" in element:
        yield from _wrong_with_text(element["placeholder"], 150, "placeholder")


def _wrong_with_button(button: Block) -> Iterator[str]:
    yield from _wrong_with_text(button["text"], 75, "button")
    if len(button.get("value", "")) > 2000:
        yield "the value of a button is too long"
    if button.get("style", "primary") not in ("primary", "danger"):
        yield "no such style"
    address = button.get("url", "https://")
    if not address.startswith(("http://", "https://")) or len(address) > 3000:
        yield "the address of a button"


def _wrong_with_text(text: Any, most: int, where: str, *, marked: bool = False) -> Iterator[str]:
    """`marked` texts may have formatting; we use none."""
    if not isinstance(text, dict) or text.get("type") not in ("plain_text", "mrkdwn"):
        yield f"no text in {where}"
    elif text["type"] == "mrkdwn" and not marked:
        yield f"formatting in {where}"
    elif not 1 <= len(text["text"]) <= most:
        yield f"{len(text['text'])} characters in {where}, {most} at most"
