"""Microsoft Teams: a workflow that takes an Adaptive Card ("When a Teams webhook request is received", read 2026-11).

Office connectors and their cards are gone. The workflow answers 202 when it took the card; Teams tells nobody what
became of it, so a card in doubt is sent again at its deadline, and says so. Who holds the address can post.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from collector.http import Http
from responders.channels.channel import Letter, Outcome, Refused, Sent, handed_over, keeps_no_list, ready

LARGEST = 28_000  # bytes of a message
LONGEST_TEXT = 6_000


class Teams:
    def __init__(self, workflows: Mapping[str, str], http: Http) -> None:
        self._workflows, self._http = workflows, http

    def send(self, letter: Letter, address: str, *, now: datetime) -> Outcome:
        """`address` is the name of a workflow."""
        url = self._workflows.get(address)
        if url is None:
            return Refused("no workflow of this name is set")
        return handed_over(self._http, url, json.dumps(_message(letter)).encode(), now=now)

    def find(self, letter: Letter, address: str, *, since: datetime, now: datetime) -> Sent | None:  # noqa: ARG002
        raise keeps_no_list()

    def greet(self, *, now: datetime) -> str:  # noqa: ARG002  asking a workflow would post
        return ready("workflow", self._workflows, "copy it anew from Teams")


def _message(letter: Letter) -> dict[str, Any]:
    """Runs of text, which Teams shows as they stand; it would read a text block as Markdown."""
    lines = [
        line
        for line in letter.text[:LONGEST_TEXT].splitlines()
        if line.strip() and line.strip() != letter.link
    ]
    card: dict[str, Any] = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "fallbackText": letter.headline,
        "body": [_run(letter.headline, weight="Bolder", size="Medium"), *(_run(line) for line in lines)],
    }
    if letter.link:
        card["actions"] = [{"type": "Action.OpenUrl", "title": "Open in Golden Hour", "url": letter.link}]
    while len(card["body"]) > 1 and len(json.dumps(card).encode()) > LARGEST - 500:
        card["body"].pop()
    content_type = "application/vnd.microsoft.card.adaptive"
    return {
        "type": "message",
        "attachments": [{"contentType": content_type, "contentUrl": None, "content": card}],
    }


def _run(text: str, **look: str) -> dict[str, Any]:
    return {"type": "RichTextBlock", "inlines": [{"type": "TextRun", "text": text[:1_000], **look}]}
