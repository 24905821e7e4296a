"""A case held still while one person changes it, and the sentence for whoever came second."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlmodel import Session, col, select

from collector.jobs import defer_all
from triage.log import Line, note
from triage.notice import tell_desk
from triage.records import Alert, Case, Clock, Person, Status

LONDON = ZoneInfo("Europe/London")
STATES = {
    Status.NOISE: "dismissed as noise",
    Status.NOT_OURS: "dismissed as not ours",
    Status.OPINION: "dismissed as opinion",
    Status.CLOSED: "closed",
}


class Conflict(Exception):
    """Someone else was first, or the case is no longer as it was; the text is shown as it stands."""


def lock(session: Session, *cases: UUID, version: int | None = None) -> list[Case]:
    """These cases, in this order, until the transaction ends. Locked by id, so that nobody waits in a circle.

    `version` is what the person saw of the first one. Raises Conflict when it has changed or one is gone.
    """
    asked = select(Case).where(col(Case.id).in_(cases)).order_by(col(Case.id)).with_for_update()
    found = {case.id: case for case in session.scalars(asked.execution_options(populate_existing=True))}
    if len(found) < len(set(cases)):
        raise Conflict("This case no longer exists.")
    first = found[cases[0]]
    if version is not None and first.version != version:
        raise Conflict("This case has changed since you opened it. Look again before you act.")
    return [found[case] for case in cases]


def held_by_another(session: Session, case: Case, who: Person, now: datetime) -> str | None:
    """Who else has claimed the case, and for how long; None when nobody has."""
    if case.claimed_by in (None, who.id) or case.claimed_until is None or case.claimed_until <= now:
        return None
    holder = session.get(Person, case.claimed_by)
    left = case.claimed_until - now
    return f"{holder.name if holder else 'Someone'} has this case for another {minutes(left)}."


def must_be_free(session: Session, case: Case, who: Person, now: datetime) -> None:
    """Raises Conflict while another person has the case."""
    if held := held_by_another(session, case, who, now):
        raise Conflict(held)


def must_be_open(case: Case) -> None:
    """Raises Conflict for a case that is dismissed or closed."""
    if state := STATES.get(Status(case.status)):
        raise Conflict(f"GH-{case.number} is {state}. Reopen it first.")


def alerts_of(session: Session, case: Case) -> list[Alert]:
    """The alerts about a case, as they now are: what is known of them is read anew."""
    every = select(Alert).where(Alert.case_id == case.id).order_by(col(Alert.desk), col(Alert.growth))
    return list(session.scalars(every.execution_options(populate_existing=True)))


def touch(
    session: Session,
    case: Case,
    what: str,
    *,
    who: Person,
    now: datetime,
    why: str | None = None,
    detail: dict[str, Any] | None = None,
    alerts: Sequence[Alert] | None = None,
) -> None:
    """What every act ends with: a new version, a line in the log, and all channels and pages told.

    `alerts` are all of the case, where they were just read.
    """
    touch_by(session, case, what, who=who.username, now=now, why=why, detail=detail, alerts=alerts)


def touch_by(
    session: Session,
    case: Case,
    what: str,
    *,
    who: str,
    now: datetime,
    why: str | None = None,
    detail: dict[str, Any] | None = None,
    alerts: Sequence[Alert] | None = None,
) -> None:
    """The same for an act of a machine, or of someone known by name only."""
    case.version += 1
    case.touched_at = now
    alerts = alerts_of(session, case) if alerts is None else alerts
    for alert in alerts:
        alert.revision += 1
    session.flush()
    note(session, [Line(what, case.id, why, detail)], who=who, now=now)
    arguments = [{"alert": str(alert.id)} for alert in alerts]
    defer_all(session, "deliver", queue="respond", priority=1, arguments=arguments)
    tell_desk(session, what, case.id)


def stop_clocks(
    session: Session, case: Case, names: Sequence[str] | None = None, *, by: str, now: datetime
) -> None:
    """Stop the case's running clocks, all unless named."""
    running = select(Clock).where(Clock.case_id == case.id, col(Clock.stopped_at).is_(None))
    if names is not None:
        running = running.where(col(Clock.name).in_(names))
    for clock in session.scalars(running):
        clock.stopped_at, clock.stopped_by = now, by


def clock_time(moment: datetime) -> str:
    return f"{moment.astimezone(LONDON):%H:%M}"


def minutes(length: timedelta) -> str:
    """`07:10`, minutes and seconds."""
    seconds = max(0, int(length.total_seconds()))
    return f"{seconds // 60:02d}:{seconds % 60:02d}"
