"""What one person reads in Slack about cases: the same facts as a message in a channel, with the clocks that run."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlmodel import Session, col, select

from classifier.records import IncidentType
from responders.blocks import RESTRICTED, SHAPES, Block, case_url
from responders.notices import restricted_among
from responders.plain import plain
from triage.records import Case, Clock, Severity
from triage.titles import KIND

LONDON = ZoneInfo("Europe/London")
CLOCKS_SHOWN = 4
LONGEST_LINE = 600


def lines_of(
    session: Session,
    cases: Sequence[Case],
    desk_url: str,
    *,
    now: datetime,
    more: dict[UUID, str] | None = None,
) -> list[Block]:
    """One block for each case, with a button that opens it. `more` is a further word about some."""
    clocks = _running(session, [case.id for case in cases])
    restricted = restricted_among(session, [case.id for case in cases])
    made = []
    for case in cases:
        said = [headline(case, restricted), *_clocks(clocks[case.id], now), (more or {}).get(case.id, "")]
        button = link("Open the case", case_url(desk_url, case.number or 0), f"open-{case.number}")
        made.append({**section(" · ".join(filter(None, said))), "accessory": button})
    return made


def headline(case: Case, restricted: Collection[UUID]) -> str:
    """Number, severity, place and kind; of a restricted case its number alone."""
    if case.id in restricted:
        return f"{RESTRICTED} · GH-{case.number}"
    shape, word = SHAPES[Severity(case.severity)]
    where = case.borough or "place not known"
    return f"{shape} SEV{case.severity} {word} · GH-{case.number} · {where} · {KIND[IncidentType(case.type)]}"


def section(text: str, limit: int = LONGEST_LINE) -> Block:
    return {"type": "section", "text": words(text, limit)}


def header(text: str) -> Block:
    return {"type": "header", "text": words(text, 150)}


def link(label: str, url: str, name: str) -> Block:
    return {"type": "button", "action_id": name, "text": words(label, 75), "url": url}


def words(text: str, limit: int) -> Block:
    return {"type": "plain_text", "emoji": False, "text": plain(text, limit) or "-"}


def at(moment: datetime) -> str:
    return moment.astimezone(LONDON).strftime("%H:%M %Z, %-d %b")


def _clocks(clocks: Iterable[Clock], now: datetime) -> list[str]:
    said = []
    for each in list(clocks)[:CLOCKS_SHOWN]:
        was = "was due" if each.due_at < now else "due"
        said.append(f"{each.name.replace('_', ' ')} {was} {at(each.due_at)}")
    return said


def _running(session: Session, case_ids: Sequence[UUID]) -> dict[UUID, list[Clock]]:
    asked = select(Clock).where(
        col(Clock.case_id).in_(case_ids), col(Clock.stopped_at).is_(None), col(Clock.paused_at).is_(None)
    )
    found: dict[UUID, list[Clock]] = defaultdict(list)
    for each in session.exec(asked.order_by(col(Clock.due_at), col(Clock.name))):
        found[each.case_id].append(each)
    return found
