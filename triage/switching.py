"""Switching off and on: the model, or a channel. At once, by one person, with a reason; every page says so meanwhile.

With the model off, posts are judged by words alone and a person decides (classifier/words_alone.py). With a channel
off, what would go there goes by the others as when it is down, and waits for it. A source is paused (tending.py).
"""

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session, col, select

from triage.locked import Conflict
from triage.log import Line, note
from triage.permissions import Permission, need
from triage.records import Person
from triage.switch_records import Switch, SwitchKind

MODEL = "model"


def switched_off(session: Session, kind: SwitchKind | None = None) -> list[Switch]:
    """What is off, the first switched off first."""
    asked = select(Switch).order_by(col(Switch.off_at), col(Switch.name))
    return list(session.exec(asked if kind is None else asked.where(Switch.kind == kind)))


def model_is_off(session: Session) -> bool:
    """Whether posts are judged by words alone."""
    return session.get(Switch, (SwitchKind.MODEL, MODEL)) is not None


def channels_off(session: Session) -> set[str]:
    """The names of the channels that nothing is sent by."""
    return {each.name for each in switched_off(session, SwitchKind.CHANNEL)}


def switch_off(
    session: Session,
    kind: SwitchKind,
    name: str,
    *,
    known: Sequence[str],
    who: Person | str,
    why: str,
    now: datetime,
) -> None:
    """Switch off one of those `known`. A name at a terminal stands for itself. The caller commits. Raises Conflict."""
    _may(who)
    if name not in known:
        raise Conflict(f"There is no {kind} {name!r} to switch off.")
    if not why.strip():
        raise Conflict("Say why: every page says it until this is on again.")
    if session.get(Switch, (kind, name), with_for_update=True) is not None:
        raise Conflict("It is off already.")
    session.add(Switch(kind=kind, name=name, off_at=now, off_by=_name(who), because=why.strip()))
    _note(session, "switched off", kind, name, who, why.strip(), now)


def switch_on(
    session: Session, kind: SwitchKind, name: str, *, who: Person | str, why: str, now: datetime
) -> None:
    """Switch on again. The caller commits. Raises Conflict."""
    _may(who)
    row = session.get(Switch, (kind, name), with_for_update=True)
    if row is None:
        raise Conflict("It is on already.")
    if not why.strip():
        raise Conflict("Say why it may be on again: the log keeps it.")
    session.delete(row)
    _note(session, "switched on", kind, name, who, why.strip(), now)


def _may(who: Person | str) -> None:
    if isinstance(who, Person):
        need(who, Permission.SWITCH)


def _name(who: Person | str) -> str:
    return who.username if isinstance(who, Person) else who


def _note(
    session: Session, what: str, kind: SwitchKind, name: str, who: Person | str, why: str, now: datetime
) -> None:
    line = Line(f"{kind} {what}", None, why, {"name": name})
    note(session, [line], who=_name(who), now=now)
