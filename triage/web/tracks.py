"""The tracks of a case on its page: where each stands, what is due next, and what may be done; the forms for it."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Annotated, NamedTuple

from fastapi import APIRouter, Form, HTTPException
from fastapi.responses import Response
from sqlmodel import Session, select

from collector.records import Media
from triage import actions, body_worn, overrides, prompts, tracks
from triage.body_worn import share_seen
from triage.lifecycle import Lifecycle, State, TrackName
from triage.locked import Conflict
from triage.overrides import Override, override_of
from triage.permissions import Permission, may
from triage.records import OPEN, Case, Clock, Person, Severity
from triage.release import longest_clip
from triage.track_records import BodyWornVideo, Prompt, Track
from triage.web.case_file import CaseFile
from triage.web.queue import find_case
from triage.web.rows import names_of
from triage.web.visit import Visit, Visiting
from triage.web.words import plain, spell

router = APIRouter()

ANCHOR = "tracks"
Words = Annotated[str, Form(max_length=2000)]
Name = Annotated[str, Form(max_length=40)]


class ClockShown(NamedTuple):
    """A clock of a track. `says` is what stands beside its name, `manner` how: over, soon, still, done or running.
    One `by_line` is met only by a line that is approved, or recorded as issued.
    """

    name: str
    title: str
    due_at: datetime
    says: str
    manner: str
    because: str
    by_line: bool = False


class TrackShown(NamedTuple):
    track: Track
    title: str
    state: State
    moves: list[tuple[str, State]]
    owner: str
    clocks: list[ClockShown]
    mine: bool
    allowed: bool

    @property
    def next(self) -> ClockShown | None:
        """What is due next."""
        return next((each for each in self.clocks if each.manner != "done"), None)


class PromptShown(NamedTuple):
    """A prompt as shown; `allowed` when who looks may enter the answer."""

    prompt: Prompt
    title: str
    asks: str
    answers: tuple[str, ...]
    allowed: bool


class Tracks(NamedTuple):
    """All that the panel shows. `silent_since` is when the public last heard from us, or when people began to speak."""

    shown: list[TrackShown]
    prompts: list[PromptShown]
    unasked: list[tuple[str, str]]
    bwv: BodyWornVideo
    clip_s: float | None
    share: str
    silent_since: datetime
    spoke: bool
    override: Override | None
    roles: tuple[str, ...]
    finished: bool


def read_tracks(visit: Visit, file: CaseFile) -> Tracks | None:
    """What the panel shows; None where no lifecycle is set up."""
    lifecycle, session, case = visit.room.lifecycle, visit.session, file.case
    if lifecycle is None:
        return None
    found = tracks.tracks_of(session, case.id) if file.has(Track) else []
    shown = _shown(session, file, found, lifecycle, visit.person, now=visit.now)
    open_to_me = {TrackName(each.track.name) for each in shown if each.allowed}
    asked = select(Prompt).where(Prompt.case_id == case.id)
    kept = {each.name: each for each in session.scalars(asked)} if file.has(Prompt) else {}
    bwv = session.get(BodyWornVideo, case.id) if file.has(BodyWornVideo) else None
    clip_s = longest_clip(session, case.id) if file.has(Media) else None
    spoke_at = max((each.spoke_at for each in found if each.spoke_at), default=None)
    return Tracks(
        shown=shown,
        prompts=[
            PromptShown(
                kept[each.name], each.title, each.asks, each.answers, allowed=each.track in open_to_me
            )
            for each in lifecycle.prompt
            if each.name in kept
        ],
        unasked=[(each.name, each.title) for each in lifecycle.prompt if each.name not in kept],
        bwv=bwv or BodyWornVideo(case_id=case.id, version=0, changed_at=visit.now),
        clip_s=clip_s,
        share=share_seen(clip_s, bwv.encounter_s if bwv else None),
        silent_since=spoke_at or case.first_published_at,
        spoke=spoke_at is not None,
        override=override_of(session, case),
        roles=lifecycle.roles,
        finished=bool(found) and all(each.closed_at for each in found),
    )


def _shown(
    session: Session, file: CaseFile, found: list[Track], lifecycle: Lifecycle, me: Person, *, now: datetime
) -> list[TrackShown]:
    names = names_of(session, [each.owner for each in found])
    made = []
    for each in found:
        plan = lifecycle.plan(TrackName(each.name))
        state = plan.state(each.state)
        ours = [clock for clock in file.clocks if lifecycle.track_of(clock.name) == each.name]
        made.append(
            TrackShown(
                track=each,
                title=plain(each.name),
                state=state,
                moves=[
                    (to, plan.states[to])
                    for to in state.to
                    if to in plan.states and not plan.states[to].public
                ],
                owner=names.get(each.owner, ""),
                clocks=[
                    clock_shown(clock, now, cut_off=_cut_off(clock, each, lifecycle))._replace(
                        by_line=lifecycle.turns_with_lines(clock.name)
                    )
                    for clock in sorted(ours, key=_running_first)
                ],
                mine=each.owner == me.id,
                allowed=file.case.status in OPEN and may(me, tracks.WORKS[TrackName(each.name)]),
            )
        )
    return made


def clock_shown(clock: Clock, now: datetime, *, cut_off: bool = False) -> ClockShown:
    """How one clock is said: `in 41 h`, `overdue by 3 h`, `standing still`, `done, 2 h late`. `cut_off`: its track
    ended before it was done."""
    late = clock.stopped_at - clock.due_at if clock.stopped_at else now - clock.due_at
    if cut_off:
        says, manner = "ended with its track", "done"
    elif clock.stopped_at is not None:
        says, manner = f"done, {_long(late)} late" if late > timedelta(0) else "done", "done"
    elif clock.paused_at is not None:
        says, manner = "standing still", "still"
    elif late > timedelta(0):
        says, manner = f"overdue by {_long(late)}", "over"
    else:
        says, manner = f"in {_long(-late)}", "soon" if -late < timedelta(minutes=30) else "running"
    because = clock.paused_because or "" if manner == "still" else ""
    return ClockShown(clock.name, plain(clock.name), clock.due_at, says, manner, because)


def _long(length: timedelta) -> str:
    """Hours up to three days: `41 h`."""
    whole = length >= timedelta(hours=10) and length < timedelta(days=3)
    return f"{length // timedelta(hours=1)} h" if whole else spell(length)


def _cut_off(clock: Clock, track: Track, lifecycle: Lifecycle) -> bool:
    plan = next(each for each in lifecycle.clock if each.name == clock.name)
    return (
        clock.stopped_at is not None and clock.stopped_at == track.closed_at and track.state not in plan.ends
    )


def _running_first(clock: Clock) -> tuple[bool, datetime]:
    return clock.stopped_at is not None, clock.due_at


@router.post("/cases/{ref}/tracks/move")
def move(
    visit: Visiting, ref: str, track: Annotated[TrackName, Form()], state: Name,
    version: Annotated[int, Form()], why: Words = "",
) -> Response:  # fmt: skip
    """A track goes to another state."""
    return _act(
        visit, ref, "track-moved",
        lambda case, lifecycle: tracks.move_track(
            visit.session, case.id, track, state, lifecycle,
            who=visit.person, why=why, version=version, now=visit.now,
        ),
    )  # fmt: skip


@router.post("/cases/{ref}/tracks/take")
def take(visit: Visiting, ref: str, track: Annotated[TrackName, Form()]) -> Response:
    return _act(
        visit, ref, "track-taken",
        lambda case, _: tracks.take_track(visit.session, case.id, track, who=visit.person, now=visit.now),
    )  # fmt: skip


@router.post("/cases/{ref}/tracks/leave")
def leave(visit: Visiting, ref: str, track: Annotated[TrackName, Form()]) -> Response:
    return _act(
        visit, ref, "track-left",
        lambda case, _: tracks.leave_track(visit.session, case.id, track, who=visit.person, now=visit.now),
    )  # fmt: skip


@router.post("/cases/{ref}/clocks/{act}")
def clock(visit: Visiting, ref: str, act: str, clock: Name, why: Words = "") -> Response:
    """`pause`, `resume` or `met`."""

    def change(case: Case, lifecycle: Lifecycle) -> object:
        asked = (visit.session, case.id, clock, lifecycle)
        if act == "pause":
            return tracks.pause_clock(*asked, who=visit.person, why=why, now=visit.now)
        if act == "resume":
            return tracks.resume_clock(*asked, who=visit.person, now=visit.now)
        return tracks.meet_clock(*asked, who=visit.person, why=why, now=visit.now)

    said = {"pause": "clock-paused", "resume": "clock-resumed", "met": "clock-met"}.get(act)
    if said is None:
        raise HTTPException(404)
    return _act(visit, ref, said, change)


@router.post("/cases/{ref}/prompts")
def ask(visit: Visiting, ref: str, prompt: Name, why: Words = "") -> Response:
    """Someone sees that a decision is due."""
    return _act(
        visit, ref, "asked",
        lambda case, lifecycle: prompts.raise_prompt(
            visit.session, case.id, prompt, lifecycle, who=visit.person, why=why, now=visit.now
        ),
    )  # fmt: skip


@router.post("/cases/{ref}/prompts/answer")
def answer(
    visit: Visiting, ref: str, prompt: Name, answer: Annotated[str, Form(max_length=60)] = "",
    decided_by: Annotated[str, Form(max_length=60)] = "", why: Words = "",
) -> Response:  # fmt: skip
    """What someone decided elsewhere is entered."""
    return _act(
        visit, ref, "decided",
        lambda case, lifecycle: prompts.answer_prompt(
            visit.session, case.id, prompt, answer, lifecycle,
            decided_by=decided_by, why=why, who=visit.person, now=visit.now,
        ),
    )  # fmt: skip


@router.post("/cases/{ref}/body-worn")
def enter_body_worn(
    visit: Visiting, ref: str, exists: Name, version: Annotated[int, Form()],
    reference: Annotated[str, Form(max_length=200)] = "",
    activated: Annotated[str, Form(max_length=200)] = "",
    audio_from: Annotated[str, Form(max_length=200)] = "",
    encounter_minutes: Annotated[str, Form(max_length=10)] = "",
) -> Response:  # fmt: skip
    """What is known of the body-worn video."""

    def change(case: Case, _: Lifecycle) -> object:
        known = body_worn.Known(exists, reference, activated, audio_from, _seconds(encounter_minutes))
        return body_worn.note_body_worn(
            visit.session, case.id, known, who=visit.person, version=version, now=visit.now
        )

    return _act(visit, ref, "body-worn", change)


@router.post("/cases/{ref}/body-worn/viewed")
def viewed(visit: Visiting, ref: str, role: Annotated[str, Form(max_length=60)] = "") -> Response:
    return _act(
        visit, ref, "body-worn",
        lambda case, lifecycle: body_worn.note_viewing(
            visit.session, case.id, role, lifecycle, who=visit.person, now=visit.now
        ),
    )  # fmt: skip


@router.post("/cases/{ref}/severity")
def severity(
    visit: Visiting, ref: str, level: Annotated[int, Form(ge=1, le=5)], version: Annotated[int, Form()],
    why: Words = "",
) -> Response:  # fmt: skip
    """A person's word on the severity."""
    return _act(
        visit, ref, "severity-set",
        lambda case, lifecycle: overrides.set_severity(
            visit.session, case.id, Severity(level), lifecycle,
            who=visit.person, why=why, version=version, now=visit.now,
        ),
    )  # fmt: skip


@router.post("/cases/{ref}/severity/back")
def severity_back(visit: Visiting, ref: str) -> Response:
    return _act(
        visit, ref, "severity-back",
        lambda case, lifecycle: overrides.take_back_severity(
            visit.session, case.id, lifecycle, who=visit.person, now=visit.now
        ),
    )  # fmt: skip


@router.post("/cases/{ref}/close")
def close(visit: Visiting, ref: str, why: Words = "") -> Response:
    """All four tracks are done or waived."""
    return _act(
        visit, ref, "closed",
        lambda case, lifecycle: tracks.close_case(
            visit.session, case.id, who=visit.person, why=why, now=visit.now, lifecycle=lifecycle
        ),
    )  # fmt: skip


def _act(visit: Visit, ref: str, said: str, change: Callable[[Case, Lifecycle], object]) -> Response:
    """Do it, commit, and go back to the panel; what stood in the way is told, and nothing is changed."""
    case = find_case(visit.session, ref)
    back = f"/cases/{case.number}"
    try:
        if visit.room.lifecycle is None:
            raise Conflict("Tracks are not set up here: config/tracks.toml says how cases go on.")
        change(case, visit.room.lifecycle)
        visit.session.commit()
    except actions.Conflict as conflict:
        visit.session.rollback()
        return visit.page("conflict.html", 409, detail=str(conflict), back=f"{back}#{ANCHOR}")
    return visit.back(said, back, part=ANCHOR)


def _seconds(minutes: str) -> int | None:
    """`12`, `1.5` or `2:30` minutes as seconds; None when nothing was entered."""
    whole, _, rest = minutes.strip().partition(":")
    if not whole:
        return None
    try:
        return round(float(whole) * 60) + (int(rest) if rest else 0)
    except (ValueError, OverflowError):
        raise Conflict("Write how long the encounter lasted in minutes, such as 12 or 2:30.") from None


__all__ = ["Permission", "read_tracks", "router"]
