"""A track: one of four lines of work of a confirmed case, moved from state to state by people.

Where it may go is in config/tracks.toml (triage/lifecycle.py); here is how. An act locks the case, checks, changes
one track with its clocks, and leaves a line in the log. It runs in the caller's transaction.
"""

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlmodel import Session, col, select

from triage.clocks import ANSWERED_BY, LONDON
from triage.lifecycle import CONFIRMED, RAISED, Due, Lifecycle, TrackName
from triage.locked import Conflict, lock, must_be_open, stop_clocks, touch
from triage.log import MACHINE
from triage.permissions import Permission, need
from triage.questions import ask_standing, withdraw_standing
from triage.records import Alert, AlertState, Case, Clock, Person, Status
from triage.statement_records import Statement
from triage.track_records import Prompt, Track

WORKS = {
    TrackName.COMMS: Permission.WORK_COMMS,
    TrackName.CONDUCT: Permission.WORK_CONDUCT,
    TrackName.OVERSIGHT: Permission.WORK_OVERSIGHT,
    TrackName.COMMUNITY: Permission.WORK_COMMUNITY,
}
NEXT_UPDATE = "next_update"
SECOND = timedelta(seconds=1)
STALE = "This track has changed since you opened it. Look again before you act."


def open_tracks(session: Session, case: Case, lifecycle: Lifecycle, *, now: datetime) -> bool:
    """Begin the four tracks of a confirmed case, which the caller has locked, and put the standing questions on its
    list. Whether any track was begun.
    """
    there = set(session.scalars(select(Track.name).where(Track.case_id == case.id)))
    new = [each for each in lifecycle.track if each.name not in there]
    for each in new:
        session.add(Track(case_id=case.id, name=each.name, state=each.first, opened_at=now, state_since=now))
    session.flush()
    ask_standing(session, case.id, lifecycle.questions, now=now)
    begun = {each.name for each in new}
    for event in (RAISED, CONFIRMED):
        for due in lifecycle.started(event, case.severity, now=now):
            if lifecycle.track_of(due.name) in begun:
                _start(session, case.id, due, now=now, again=False)
    if TrackName.COMMS in begun:
        _catch_up(session, case, lifecycle, now=now)
    return bool(new)


def _catch_up(session: Session, case: Case, lifecycle: Lifecycle, *, now: datetime) -> None:
    """A line that went out before there were tracks, as the first word nearly always does, counts on them."""
    issued = select(Statement).where(Statement.case_id == case.id, col(Statement.issued_at).is_not(None))
    lines = session.exec(issued.order_by(col(Statement.issued_at))).all()
    if not lines:
        return
    newest = lines[-1]
    to = "issued" if len(lines) == 1 else "corrected" if newest.correction else "updated"
    track = session.get_one(Track, (case.id, TrackName.COMMS.value))
    track.state, track.spoke_at = to, newest.issued_at
    track.state_since = newest.issued_at or now
    session.add(track)
    done = [each.name for each in lifecycle.clocks_of(TrackName.COMMS) if to in each.ends]
    running = _clocks(case.id).where(
        col(Clock.name).in_(done), col(Clock.stopped_at).is_(None), Clock.started_at == now
    )
    _stop(session.scalars(running), by=MACHINE, now=now)
    session.flush()


def _promised(session: Session, case_id: UUID) -> datetime | None:
    """When the public was told to expect an update that has not come yet."""
    asked = _clocks(case_id).where(Clock.name == NEXT_UPDATE, col(Clock.stopped_at).is_(None))
    clock = session.scalars(asked).first()
    return clock.due_at if clock else None


def withdraw_tracks(session: Session, case: Case, lifecycle: Lifecycle) -> None:
    """Take the tracks back with the confirming. Raises Conflict once someone has worked on them."""
    tracks = tracks_of(session, case.id)
    if any(each.version > 1 for each in tracks):
        raise Conflict("Someone has worked on the tracks of this case since: it stays confirmed.")
    ours = [each.name for each in lifecycle.clock if each.track]
    begun = [
        _clocks(case.id).where(Clock.started_at == each.opened_at, col(Clock.name).in_(ours))
        for each in tracks[:1]
    ]
    prompts = select(Prompt).where(Prompt.case_id == case.id)
    for row in [*tracks, *(row for asked in (*begun, prompts) for row in session.scalars(asked))]:
        session.delete(row)
    withdraw_standing(session, case.id)
    session.flush()


def move_track(
    session: Session,
    case_id: UUID,
    name: TrackName,
    to: str,
    lifecycle: Lifecycle,
    *,
    who: Person,
    why: str = "",
    version: int | None = None,
    now: datetime,
) -> Track:
    """Move a track to another state: its clocks stop and start as the table says. Raises Conflict, Denied.

    Where the public hears from us the track follows the line that is recorded as issued (`record_line`).
    """
    case, track = hold_track(session, case_id, name, who=who, version=version)
    plan, before = lifecycle.plan(name), track.state
    here = plan.state(before)
    if to not in here.to or to not in plan.states:
        onward = " or ".join(f"“{plan.state(each).title}”" for each in here.to if each in plan.states)
        raise Conflict(f"From “{here.title}” this track goes to {onward}.")
    there = plan.states[to]
    if there.public:
        raise Conflict(f"Record the line as issued: the track then goes to “{there.title}” by itself.")
    if there.reason and not why.strip():
        raise Conflict(f"Say why: “{there.title}” needs a reason.")
    if there.end and name == TrackName.COMMS and (due := _promised(session, case_id)):
        raise Conflict(
            f"An update is promised by {due.astimezone(LONDON):%-d %B %H:%M}. Record it as issued first; a line marked"
            " as the last one ends the promise."
        )
    if waiting := unanswered(session, case_id, lifecycle, track=name, state=to):
        raise Conflict(f"Enter first what was decided: {', '.join(waiting)}.")
    track.state, track.state_since = to, now
    track.closed_at = now if there.end else None
    _turn_clocks(session, case, name, to, lifecycle, ends=there.end, by=who.username, now=now)
    detail = {"track": name.value, "from": before, "to": to}
    _changed(session, case, track, "track moved", who=who, why=why, detail=detail, now=now)
    return track


def record_line(
    session: Session,
    case: Case,
    to: str,
    lifecycle: Lifecycle,
    *,
    at: datetime,
    by: str,
    next_at: datetime | None = None,
) -> None:
    """The comms track of a case, which the caller has locked, follows a line that was approved or issued `at`; its
    clocks turn with it, also where no track has begun. `next_at` is when the line promises the next update.
    """
    name = TrackName.COMMS
    plan = lifecycle.plan(name)
    track = session.get(Track, (case.id, name.value), populate_existing=True)
    public = plan.state(to).public
    if track is not None and (public or not plan.state(track.state).public):
        track.state, track.state_since, track.closed_at = to, at, None
        track.spoke_at = at if public else track.spoke_at
        track.version += 1
        session.add(track)
    _turn_clocks(session, case, name, to, lifecycle, ends=False, by=by, now=at)
    if public:
        told = _clocks(case.id).where(Clock.name == NEXT_UPDATE, col(Clock.stopped_at).is_(None))
        _stop(session.scalars(told), by=by, now=at)
    if next_at is not None:
        _start(session, case.id, Due(NEXT_UPDATE, plan.desk, next_at), now=at, again=True)


def unanswered(
    session: Session, case_id: UUID, lifecycle: Lifecycle, *, track: TrackName | None = None, state: str = ""
) -> list[str]:
    """The titles of prompts whose answer must be there before a track goes to this state; before any, without one."""
    held = [
        each for each in lifecycle.prompt if each.before and (not state or state in each.before)
        and track in (None, each.track)
    ]  # fmt: skip
    asked = select(Prompt.name).where(Prompt.case_id == case_id, col(Prompt.answer).is_(None))
    waiting = set(session.scalars(asked)) if held else set()
    return [each.title for each in held if each.name in waiting]


def take_track(
    session: Session,
    case_id: UUID,
    name: TrackName,
    *,
    who: Person,
    version: int | None = None,
    now: datetime,
) -> Track:
    """Make a track one's own; whoever had it reads so in the log."""
    case, track = hold_track(session, case_id, name, who=who, version=version)
    if track.owner == who.id:
        raise Conflict("This track is yours already.")
    had = session.get(Person, track.owner) if track.owner else None
    track.owner = who.id
    detail = {"track": name.value, **({"from": had.username} if had else {})}
    _changed(session, case, track, "track taken", who=who, detail=detail, now=now)
    return track


def leave_track(session: Session, case_id: UUID, name: TrackName, *, who: Person, now: datetime) -> Track:
    """Give one's own track back."""
    case, track = hold_track(session, case_id, name, who=who)
    if track.owner != who.id:
        raise Conflict("This track is not yours.")
    track.owner = None
    _changed(session, case, track, "track left", who=who, detail={"track": name.value}, now=now)
    return track


def close_case(
    session: Session,
    case_id: UUID,
    *,
    who: Person,
    why: str,
    now: datetime,
    lifecycle: Lifecycle | None = None,
) -> Case:
    """Close a confirmed case, once all four tracks are done or waived and what had to be decided first is."""
    need(who, Permission.TRIAGE)
    [case] = lock(session, case_id)
    must_be_open(case)
    tracks = tracks_of(session, case_id)
    still = [each.name for each in tracks if each.closed_at is None]
    if not tracks or still:
        left = ", ".join(still) or "none has been begun"
        raise Conflict(f"A case is closed when its four tracks are done or waived. Still open: {left}.")
    if lifecycle is not None and (waiting := unanswered(session, case_id, lifecycle)):
        raise Conflict(f"Enter first what was decided: {', '.join(waiting)}.")
    if not why.strip():
        raise Conflict("Say why: the review meeting reads the reason.")
    case.status, case.claimed_by, case.claimed_until = Status.CLOSED, None, None
    for alert in session.scalars(select(Alert).where(Alert.case_id == case_id)):
        alert.state = AlertState.CLOSED
    stop_clocks(session, case, by=who.username, now=now)
    touch(session, case, "closed", who=who, now=now, why=why.strip())
    return case


def pause_clock(
    session: Session, case_id: UUID, clock: str, lifecycle: Lifecycle, *, who: Person, why: str, now: datetime
) -> Clock:
    """Let a clock stand still, for a reason."""
    case, track, found = _hold_clock(session, case_id, clock, lifecycle, who=who)
    if not why.strip():
        raise Conflict("Say why: a clock is paused only for a reason.")
    if found.paused_at is not None:
        raise Conflict("This clock is paused already.")
    found.paused_at, found.paused_because = now, why.strip()
    _changed(session, case, track, "clock paused", who=who, why=why, detail={"clock": clock}, now=now)
    return found


def resume_clock(
    session: Session, case_id: UUID, clock: str, lifecycle: Lifecycle, *, who: Person, now: datetime
) -> Clock:
    """Let a clock go on; what it stood still is added to its time."""
    case, track, found = _hold_clock(session, case_id, clock, lifecycle, who=who)
    if found.paused_at is None:
        raise Conflict("This clock is not paused.")
    end_pause(found, now=now)
    detail = {"clock": clock, "due_at": found.due_at.isoformat()}
    _changed(session, case, track, "clock resumed", who=who, detail=detail, now=now)
    return found


def meet_clock(
    session: Session,
    case_id: UUID,
    clock: str,
    lifecycle: Lifecycle,
    *,
    who: Person,
    why: str = "",
    now: datetime,
) -> Clock:
    """Say that what a clock waits for is done, without moving its track. Not of what only a recorded line can do."""
    if lifecycle.turns_with_lines(clock):
        raise Conflict(
            "This clock stops when a line is approved or recorded as issued, or “no line” is decided."
        )
    case, track, found = _hold_clock(session, case_id, clock, lifecycle, who=who)
    _stop([found], by=who.username, now=now)
    _changed(session, case, track, "clock met", who=who, why=why, detail={"clock": clock}, now=now)
    return found


def hold_track(
    session: Session, case_id: UUID, name: TrackName, *, who: Person, version: int | None = None
) -> tuple[Case, Track]:
    """The case, locked, and one track of it for someone who may work on it. `version` is what they saw."""
    need(who, WORKS[name])
    [case] = lock(session, case_id)
    must_be_open(case)
    track = session.get(Track, (case_id, name.value), populate_existing=True)
    if track is None:
        raise Conflict(f"GH-{case.number} has no tracks: confirm it first.")
    if version is not None and track.version != version:
        raise Conflict(STALE)
    return case, track


def tracks_of(session: Session, case_id: UUID) -> list[Track]:
    asked = select(Track).where(Track.case_id == case_id).execution_options(populate_existing=True)
    return sorted(session.scalars(asked), key=lambda each: list(TrackName).index(TrackName(each.name)))


def closed_tracks(session: Session, cases: Collection[UUID]) -> set[tuple[UUID, str]]:
    """Which tracks of these cases have ended: no clock of theirs may start."""
    ended = select(Track.case_id, Track.name).where(
        col(Track.case_id).in_(cases), col(Track.closed_at).is_not(None)
    )
    return set(session.exec(ended).all()) if cases else set()


def start_by(
    session: Session, case: Case, dues: Iterable[Due], lifecycle: Lifecycle, *, now: datetime
) -> None:
    """Start these clocks, or have them run out sooner, never later; none of a track that has ended."""
    ended = {name for _, name in closed_tracks(session, [case.id])}
    for due in dues:
        if lifecycle.track_of(due.name) not in ended:
            _start(session, case.id, due, now=now, again=None)


def end_pause(clock: Clock, *, now: datetime) -> None:
    """Add the pause to the clock's time, in whole seconds."""
    if clock.paused_at is not None:
        stood = (now - clock.paused_at) // SECOND * SECOND
        clock.due_at += stood
        clock.paused_s += int(stood.total_seconds())
        clock.paused_at = clock.paused_because = None


def _changed(
    session: Session,
    case: Case,
    track: Track,
    what: str,
    *,
    who: Person,
    why: str = "",
    detail: dict[str, Any],
    now: datetime,
) -> None:
    """What every act on a track ends with."""
    track.version += 1
    session.add(track)
    touch(session, case, what, who=who, now=now, why=why.strip() or None, detail=detail)


def _turn_clocks(
    session: Session,
    case: Case,
    name: TrackName,
    to: str,
    lifecycle: Lifecycle,
    *,
    ends: bool,
    by: str,
    now: datetime,
) -> None:
    """Stop the clocks that this state ends, all of them at the track's end, and start those it starts."""
    stopped = [each.name for each in lifecycle.clocks_of(name) if ends or to in each.ends]
    running = _clocks(case.id).where(col(Clock.name).in_(stopped), col(Clock.stopped_at).is_(None))
    _stop(session.scalars(running), by=by, now=now)
    for due in lifecycle.started(to, case.severity, now=now, track=name):
        _start(session, case.id, due, now=now, again=True)


def _stop(clocks: Iterable[Clock], *, by: str, now: datetime) -> None:
    for clock in clocks:
        end_pause(clock, now=now)
        clock.stopped_at, clock.stopped_by = now, by


def _start(session: Session, case_id: UUID, due: Due, *, now: datetime, again: bool | None) -> None:
    """`again`: True begins a clock anew, False leaves one that was there, None makes a running one run out sooner
    and begins one that was stopped.
    """
    clock = session.scalars(_clocks(case_id).where(Clock.name == due.name)).first()
    if clock is None:
        session.add(Clock(case_id=case_id, name=due.name, desk=due.desk, started_at=now, due_at=due.at))
    elif again is None and clock.stopped_at is None:
        clock.due_at = min(clock.due_at, due.at)
    elif again is not False:
        clock.started_at, clock.due_at = now, due.at
        clock.stopped_at = clock.stopped_by = clock.paused_at = clock.paused_because = clock.breached_at = (
            None
        )
        clock.paused_s = 0
    session.flush()


def _hold_clock(
    session: Session, case_id: UUID, clock: str, lifecycle: Lifecycle, *, who: Person
) -> tuple[Case, Track, Clock]:
    name = lifecycle.track_of(clock)
    if name is None:
        raise Conflict(
            "This clock is stopped by acknowledging the alert."
            if clock in ANSWERED_BY.values()
            else "There is no such clock."
        )
    case, track = hold_track(session, case_id, name, who=who)
    found = session.scalars(_clocks(case_id).where(Clock.name == clock)).first()
    if found is None or found.stopped_at is not None:
        raise Conflict("This clock is not running.")
    return case, track, found


def _clocks(case_id: UUID):  # type: ignore[no-untyped-def]
    return select(Clock).where(Clock.case_id == case_id).execution_options(populate_existing=True)
