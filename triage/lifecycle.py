"""The lifecycle of a case as its file says it: four tracks with their states and moves, clocks, prompts.

Everything a track can be and where it may go from there is in one table (config/tracks.toml); the acts of
triage/tracks.py follow it. A file that is wrong is refused with its name, the key and the reason.
"""

import tomllib
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, NamedTuple, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from classifier.records import IncidentType
from triage.clocks import ANSWERED_BY, due_at
from triage.records import Desk, Severity
from triage.rules import Length, Probability

RAISED, CONFIRMED = "raised", "confirmed"


class TrackName(StrEnum):
    """The four lines of work of a confirmed case."""

    COMMS = "comms"
    CONDUCT = "conduct"
    OVERSIGHT = "oversight"
    COMMUNITY = "community"


class LifecycleError(ValueError):
    """The lifecycle cannot be used; the message names file, key and reason."""


def _when(written: str) -> str:
    due_at(written, datetime(2026, 1, 1, tzinfo=UTC), ())
    return written


def _listed(given: object) -> object:
    return (given,) if isinstance(given, str) else given


Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{1,39}$")]
Title = Annotated[str, Field(min_length=3, max_length=60)]
When = Annotated[str, AfterValidator(_when)]
Question = Annotated[str, Field(min_length=5, max_length=200)]
Level = Annotated[int, Field(ge=1, le=5)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class State(_Part):
    """Where a track may stand. `end` closes it, `reason` asks for one, `public`: the public has heard from us. `bars`:
    whether the oversight group must not discuss the case on its merits; unsaid, referrals decide.
    """

    title: Title
    to: tuple[Name, ...]
    end: bool = False
    reason: bool = False
    public: bool = False
    bars: bool | None = None


class TrackPlan(_Part):
    name: TrackName
    desk: Desk
    states: dict[Name, State] = Field(min_length=2)

    @property
    def first(self) -> str:
        return next(iter(self.states))

    def state(self, name: str) -> State:
        """A state; one that the file no longer knows may be left for any other."""
        return self.states.get(name) or State(title=name.replace("_", " "), to=tuple(self.states))


class ClockPlan(_Part):
    """A clock: without a track it is the desk's answer to an alert."""

    name: Name
    track: TrackName | None = None
    desk: Desk | None = None
    starts: Annotated[tuple[Name, ...], BeforeValidator(_listed)] = Field(min_length=1)
    ends: tuple[Name, ...] = ()
    due: dict[Level, When] = Field(min_length=1)


class PromptPlan(_Part):
    """What people are asked once all the conditions given hold. Whoever works on its `track` enters the answer, which
    must be there before that track goes to one of the states `before`, and before the case is closed. While one of the
    answers it `bars` stands, the oversight group does not discuss the case on its merits.
    """

    name: Name
    title: Title
    asks: Annotated[str, Field(min_length=10, max_length=300)]
    answers: tuple[Title, ...] = Field(min_length=2)
    severity: Severity | None = None
    types: tuple[IncidentType, ...] = ()
    trigger: bool | None = None
    labels: dict[str, Probability] = {}
    parts: dict[str, float] = {}
    clock: Name | None = None
    by: When | None = None
    track: TrackName = TrackName.CONDUCT
    before: tuple[Name, ...] = ()
    bars: tuple[Title, ...] = ()

    def fits(self, facts: "CaseFacts") -> bool:
        return (
            (self.severity is None or facts.severity <= self.severity)
            and (not self.types or facts.type in self.types)
            and (self.trigger is None or facts.trigger is self.trigger)
            and (not self.labels or any(facts.labels.get(k, 0.0) >= v for k, v in self.labels.items()))
            and all(facts.parts.get(name, 0.0) >= least for name, least in self.parts.items())
        )


class CaseFacts(NamedTuple):
    """What prompts may ask of a case; a label counts as it does in its surest post."""

    severity: int
    type: IncidentType
    trigger: bool
    labels: Mapping[str, float]
    parts: Mapping[str, float]


class BreachPlan(_Part):
    alert_to: Level
    alert_within: Length


class Due(NamedTuple):
    name: str
    desk: Desk
    at: datetime


class Lifecycle(_Part):
    bank_holidays: frozenset[date]
    roles: tuple[Title, ...] = Field(min_length=1)
    breach: BreachPlan
    track: tuple[TrackPlan, ...]
    clock: tuple[ClockPlan, ...]
    prompt: tuple[PromptPlan, ...] = ()
    questions: tuple[Question, ...] = ()

    def plan(self, track: TrackName) -> TrackPlan:
        return next(each for each in self.track if each.name == track)

    def clocks_of(self, track: TrackName) -> list[ClockPlan]:
        return [each for each in self.clock if each.track == track]

    def turns_with_lines(self, clock: str) -> bool:
        """Whether a clock starts or stops when the public hears from us: only a recorded line turns it."""
        plan = next((each for each in self.clock if each.name == clock), None)
        if plan is None or plan.track is None:
            return False
        states = self.plan(plan.track).states
        return any(states[each].public for each in (*plan.starts, *plan.ends) if each in states)

    def track_of(self, clock: str) -> TrackName | None:
        return next((each.track for each in self.clock if each.name == clock), None)

    def desk_of(self, clock: ClockPlan) -> Desk:
        return clock.desk or (self.plan(clock.track).desk if clock.track else Desk.COMMS)

    def raised(self, severity: Severity, *, paged: bool, force: bool, now: datetime) -> Iterator[Due]:
        """The clocks that start when a case of this severity is raised. `force`: oversight will review it."""
        if not paged:
            severity = max(severity, Severity.SEV4)
        for due in self.started(RAISED, severity, now=now):
            if due.desk is Desk.COMMS or force:
                yield due

    def started(self, by: str, severity: int, *, now: datetime, track: str | None = None) -> Iterator[Due]:
        """The clocks that start with this event or, of one track, with this state."""
        for each in self.clock:
            if by in each.starts and severity in each.due and track in (None, each.track):
                yield Due(each.name, self.desk_of(each), self.when(each.due[severity], now))

    def when(self, written: str, now: datetime) -> datetime:
        return due_at(written, now, self.bank_holidays)

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        for each in self.track:
            _check_track(each)
        if sorted(each.name for each in self.track) != sorted(TrackName):
            raise ValueError(f"track: there must be one each of {', '.join(TrackName)}")
        for what in ("clock", "prompt"):
            names = [each.name for each in getattr(self, what)]
            if twice := {each for each in names if names.count(each) > 1}:
                raise ValueError(f"{what} {min(twice)!r}: there are two of this name")
        for clock in self.clock:
            self._check_clock(clock)
        if missing := set(ANSWERED_BY.values()) - {each.name for each in self.clock if not each.track}:
            raise ValueError(f"clock {min(missing)!r}: it must be there, without a track")
        for prompt in self.prompt:
            if (prompt.clock is None) != (prompt.by is None):
                raise ValueError(f"prompt {prompt.name!r}: clock and by go together")
            if unknown := set(prompt.before) - set(self.plan(prompt.track).states):
                raise ValueError(f"prompt {prompt.name!r}, before: {min(unknown)!r} is no state of its track")
            if unknown := set(prompt.bars) - set(prompt.answers):
                raise ValueError(f"prompt {prompt.name!r}, bars: {min(unknown)!r} is none of its answers")
            if prompt.clock and self.track_of(prompt.clock) is None:
                raise ValueError(f"prompt {prompt.name!r}, clock: no track has a clock {prompt.clock!r}")
        return self

    def _check_clock(self, clock: ClockPlan) -> None:
        where = f"clock {clock.name!r}"
        if (clock.track is None) == (clock.desk is None):
            raise ValueError(f"{where}: it belongs to a track or to a desk")
        known = set(self.plan(clock.track).states) if clock.track else set()
        if unknown := set(clock.starts) - known - {RAISED, CONFIRMED}:
            raise ValueError(f"{where}, starts: {min(unknown)!r} is no state of its track")
        if unknown := set(clock.ends) - known:
            raise ValueError(f"{where}, ends: {min(unknown)!r} is no state of its track")
        if both := set(clock.starts) & set(clock.ends):
            raise ValueError(f"{where}: {min(both)!r} both starts and ends it")
        if clock.track and any(self.plan(clock.track).state(each).end for each in set(clock.starts) & known):
            raise ValueError(f"{where}, starts: a state that ends the track starts no clock")


def read_lifecycle(path: Path) -> Lifecycle:
    """The lifecycle in a file. Raises LifecycleError."""
    try:
        return Lifecycle.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        said = str(first["msg"]).removeprefix("Value error, ")
        raise LifecycleError(f"{path}: {f'{where}: ' if where else ''}{said}") from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise LifecycleError(f"{path}: {error}") from error


def _check_track(plan: TrackPlan) -> None:
    for name, state in plan.states.items():
        where = f"track {plan.name.value!r}, state {name!r}"
        if unknown := set(state.to) - set(plan.states):
            raise ValueError(f"{where}, to: there is no state {min(unknown)!r}")
        if not any(plan.states[each].end for each in _reachable(plan, name)):
            raise ValueError(f"{where}: no end can be reached from it")
    if plan.states[plan.first].end:
        raise ValueError(f"track {plan.name.value!r}: it begins in its first state, which must not be an end")


def _reachable(plan: TrackPlan, start: str) -> set[str]:
    seen, ahead = {start}, [start]
    while ahead:
        further = set(plan.states[ahead.pop()].to) & set(plan.states) - seen
        seen |= further
        ahead += further
    return seen
