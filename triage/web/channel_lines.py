"""A line: one channel as the alerts page shows it, and when something last provably arrived there."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlmodel import Session, col, select

from triage.records import Channel
from triage.switching import channels_off
from triage.web.words import spell

KINDS = {
    "slack": "Slack",
    "email": "E-mail",
    "sms": "Text message",
    "notify_email": "E-mail by Notify",
    "teams": "Teams",
    "webhook": "Webhook",
}
OF_PEOPLE = ("slack:U", "slack:D", "slack:W")  # direct messages; shown when they fail
SPARE = timedelta(hours=1)


class Line(NamedTuple):
    """`tone` is "off", "bad", "stale", "none" or "well", `says` the same in words; `channel` is its name in records."""

    channel: str
    name: str
    tone: str
    says: str
    proven_at: datetime | None
    error: str | None
    failures: int


def channel_words(name: str) -> str:
    """`teams:comms` as people say it."""
    kind, _, where = name.partition(":")
    return f"{KINDS.get(kind, kind)} {where}".strip()


def read_lines(session: Session, configured: Sequence[str], *, shift: timedelta, now: datetime) -> list[Line]:
    """Every channel that is set up or was used, those that fail leading. One that was not proven in a shift, and a
    little, is stale."""
    rows = {each.name: each for each in session.exec(select(Channel).order_by(col(Channel.name)))}
    names = {each: rows.get(each) for each in configured}
    names |= {
        name: row
        for name, row in rows.items()
        if name != "none" and (row.failures or not name.startswith(OF_PEOPLE))
    }
    order = ("off", "bad", "stale", "none", "well")
    off = channels_off(session)
    lines = [_line(name, row, name in off, shift + SPARE, now) for name, row in names.items()]
    return sorted(lines, key=lambda each: (order.index(each.tone), each.name))


def _line(name: str, row: Channel | None, off: bool, longest: timedelta, now: datetime) -> Line:
    proven_at = row.proven_at if row else None
    failures = row.failures if row else 0
    if off:
        tone, says = "off", "Switched off"
    elif failures:
        tone, says = "bad", "Failing"
    elif proven_at is None:
        tone, says = "none", "Never proven: nothing has arrived there yet"
    elif now - proven_at > longest:
        tone, says = "stale", f"Stale: not proven for {spell(now - proven_at)}"
    else:
        tone, says = "well", "Proven in this shift"
    return Line(name, channel_words(name), tone, says, proven_at, row.error if row else None, failures)
