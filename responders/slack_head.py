"""The head of the log, said in a channel, where it stays with its own date."""

from datetime import datetime
from uuid import UUID, uuid5

from responders.blocks import Message
from responders.slack import Outcome, Slack
from triage.chain import Head

HEADS = UUID("5b1f7a52-6f0e-5d0b-9a5e-3c1a5d7c2e90")  # the namespace of the messages' keys


def tell_head(slack: Slack, channel: str, head: Head, *, now: datetime) -> Outcome:
    said = f"Golden Hour: the log has {head.entries:,} entries today. Keep this line for `goldenhour audit verify`:"
    blocks = [
        {
            "type": "section",
            "text": {"type": "plain_text", "emoji": False, "text": f"{said}\n--head {head}"},
        }
    ]
    return slack.post(Message(uuid5(HEADS, str(head)), f"{said} --head {head}", blocks), channel, now=now)
