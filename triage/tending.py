"""What a person does about a source: ask it now, pause it for a while with a reason, go on with it, close a gap.

Nothing is silenced for good from here: a pause ends by itself, stands in plain sight until then, and each act is a
line of the log. To switch a source off, edit sources.toml. An act runs in the caller's transaction.
"""

from datetime import datetime, timedelta
from uuid import UUID

from sqlmodel import Session, select

from collector.records import Gap, SourceRow
from collector.sources import polled
from triage.locked import LONDON, Conflict
from triage.log import Line, note
from triage.permissions import Permission, need
from triage.records import Person

LONGEST_PAUSE = timedelta(days=7)
ASKED_AT_MOST = timedelta(minutes=1)


class NoSuchSource(LookupError):
    """There is no source of that name, or no such gap of it; the text is shown as it stands."""


def ask_now(session: Session, name: str, *, who: Person, now: datetime) -> SourceRow:
    """Make a source due at once. What its server asked for is kept to. Raises Conflict, NoSuchSource."""
    row = _lock(session, name, who)
    _must_be_asked(row, now)
    if row.paused_until is not None and row.paused_until > now:
        raise Conflict(f"{name} is paused until {_said(row.paused_until)}: go on with it first.")
    if row.rest_until is not None and row.rest_until > now:
        raise Conflict(f"Its server asked us to wait until {_said(row.rest_until)}.")
    if row.last_tried_at is not None and now - row.last_tried_at < ASKED_AT_MOST:
        raise Conflict(f"{name} was asked less than a minute ago.")
    row.due_at = min(row.due_at, now)
    _note(session, "source asked now", name, who=who, now=now)
    return row


def pause(
    session: Session, name: str, *, lasts: timedelta, why: str, who: Person, now: datetime
) -> SourceRow:
    """Leave a source alone for a while, at most seven days. Raises Conflict, NoSuchSource."""
    row = _lock(session, name, who)
    _must_be_asked(row, now)
    if not timedelta(0) < lasts <= LONGEST_PAUSE:
        raise Conflict("A pause lasts seven days at most. To switch a source off, edit sources.toml.")
    row.paused_until, row.paused_by, row.paused_because = now + lasts, who.name, _reason(why)
    until = row.paused_until.isoformat(timespec="minutes")
    _note(session, "source paused", name, who=who, now=now, why=row.paused_because, until=until)
    return row


def go_on(session: Session, name: str, *, who: Person, now: datetime) -> SourceRow:
    """End a pause before its time; the source is due at once. Raises Conflict, NoSuchSource."""
    row = _lock(session, name, who)
    if row.paused_until is None or row.paused_until <= now:
        raise Conflict(f"{name} is not paused.")
    row.paused_until = row.paused_by = row.paused_because = None
    row.due_at = min(row.due_at, now)
    _note(session, "source pause ended", name, who=who, now=now)
    return row


def close_gap(session: Session, name: str, gap_id: UUID, *, why: str, who: Person, now: datetime) -> Gap:
    """Say that what may have been missed has been looked for. Raises Conflict, NoSuchSource."""
    _lock(session, name, who)
    gap = session.exec(select(Gap).where(Gap.id == gap_id, Gap.source == name)).first()
    if gap is None:
        raise NoSuchSource("This source has no such gap.")
    if gap.closed_at is not None:
        raise Conflict("This gap is closed already.")
    gap.closed_at = now
    bounds = {"from": gap.from_at.isoformat(), "until": gap.until_at.isoformat()}
    _note(session, "gap closed", name, who=who, now=now, why=_reason(why), **bounds)
    return gap


def find_source(session: Session, name: str, *, lock: bool = False) -> SourceRow:
    """The source of this name, whatever an address made of it. Raises NoSuchSource."""
    asked = select(SourceRow).where(SourceRow.name == name)
    row = session.exec(asked.with_for_update() if lock else asked).first() if "\0" not in name else None
    if row is None:
        raise NoSuchSource("There is no source of this name. The list of sources has all of them.")
    return row


def _lock(session: Session, name: str, who: Person) -> SourceRow:
    need(who, Permission.TEND_SOURCES)
    return find_source(session, name, lock=True)


def _must_be_asked(row: SourceRow, now: datetime) -> None:
    if row.kind not in polled():
        raise Conflict(f"{row.name} is not asked: it stays open, or what it brings is sent to us.")
    if not row.enabled:
        raise Conflict(f"{row.name} is switched off in sources.toml.")
    if row.stops_at is not None and row.stops_at <= now:
        raise Conflict(f"{row.name} is stopped: {row.stops_because}.")


def _said(moment: datetime) -> str:
    return f"{moment.astimezone(LONDON):%d %b %H:%M}"


def _reason(why: str) -> str:
    why = why.strip()
    if not why:
        raise Conflict("Say why: the reason stands beside the source and in the log.")
    return why[:500]


def _note(
    session: Session,
    what: str,
    name: str,
    *,
    who: Person,
    now: datetime,
    why: str | None = None,
    **detail: str,
) -> None:
    note(session, [Line(what, None, why, {"source": name, **detail})], who=who.username, now=now)
