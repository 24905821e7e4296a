"""Slack as one channel among others: plain words to a channel or a person, such as a test or the daily brief."""

from datetime import datetime

from responders.blocks import Block, Message
from responders.channels.channel import ChannelError, Letter, Outcome, Sent
from responders.plain import plain
from responders.slack import Sent as Posted
from responders.slack import Slack, SlackError

LONGEST_LINE, MOST_LINES = 240, 12  # together within the 3,000 characters of a text object


class SlackWords:
    def __init__(self, slack: Slack) -> None:
        self._slack = slack

    def send(self, letter: Letter, address: str, *, now: datetime) -> Outcome:
        outcome = self._slack.post(_message(letter), address, now=now)
        return Sent(f"{outcome.channel}:{outcome.ts}") if isinstance(outcome, Posted) else outcome

    def find(self, letter: Letter, address: str, *, since: datetime, now: datetime) -> Sent | None:  # noqa: ARG002
        channel = self._slack.channel_id(address)
        found = self._slack.find({letter.key}, channel, since).get(letter.key)
        return Sent(f"{found.channel}:{found.ts}") if found else None

    def greet(self, *, now: datetime) -> str:  # noqa: ARG002  all channels are asked alike
        try:
            return f"signed in to {self._slack.greet()}"
        except SlackError as error:
            raise ChannelError(str(error)) from error


def _message(letter: Letter) -> Message:
    blocks: list[Block] = [{"type": "header", "text": _text(letter.headline, 150)}]
    lines = [plain(line, LONGEST_LINE) for line in letter.text.splitlines() if line.strip() != letter.link]
    told = "\n".join(line for line in lines[:MOST_LINES] if line)
    if told:
        blocks.append({"type": "section", "text": {"type": "plain_text", "emoji": False, "text": told}})
    if letter.link:
        button = {"type": "button", "action_id": "open", "text": _text("Open", 75), "url": letter.link}
        blocks.append({"type": "actions", "elements": [button]})
    return Message(letter.key, plain(letter.headline, 600), blocks)


def _text(text: str, limit: int) -> Block:
    return {"type": "plain_text", "emoji": False, "text": plain(text, limit)}
