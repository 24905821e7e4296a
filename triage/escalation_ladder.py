"""A ladder: who is told of an alert, step by step, until it is acknowledged. Pure: times in, what is due out.

Read from `config/escalation.toml`, one for each desk and severity. Lengths are time that really passes; quiet hours are
London's, and what would fall into them waits until somebody is awake, with all that follows it.
"""

import tomllib
from collections.abc import Collection, Iterator
from datetime import UTC, datetime, time, timedelta
from itertools import count, takewhile
from pathlib import Path
from typing import Annotated, NamedTuple, Self
from zoneinfo import ZoneInfo

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    ValidationError,
    model_validator,
)

from triage.notification_records import ChannelKind
from triage.records import Desk, Severity

LONDON = ZoneInfo("Europe/London")
UNITS = {"m": "minutes", "h": "hours", "d": "days"}
SHORTEST = timedelta(minutes=1)


class LadderError(ValueError):
    """The ladders cannot be read; the message names file, key and reason."""


def read_length(written: object) -> object:
    """`5m`, `2h`, `1d`, or `0m` for at once."""
    if isinstance(written, timedelta):
        return written
    number, unit = (written[:-1], written[-1:]) if isinstance(written, str) else ("", "")
    if unit not in UNITS or not number.isascii() or not number.isdigit() or len(number) > 4:
        raise ValueError("write a length such as 0m, 5m, 2h or 1d")
    return timedelta(**{UNITS[unit]: int(number)})


def write_length(length: timedelta) -> str:
    """As it would be written in the file."""
    minutes = int(length.total_seconds()) // 60
    for unit, size in (("d", 24 * 60), ("h", 60)):
        if minutes and minutes % size == 0:
            return f"{minutes // size}{unit}"
    return f"{minutes}m"


Length = Annotated[timedelta, BeforeValidator(read_length), PlainSerializer(write_length)]
Party = Annotated[str, Field(pattern=r"^(rota|post):[a-z0-9-]{1,60}$")]


class Quiet(BaseModel):
    """Hours of the London day in which nobody is told; what falls into them waits until `wake`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    begins: time
    ends: time
    wake: time

    @model_validator(mode="after")
    def _wakes_when_it_is_over(self) -> Self:
        if self.begins == self.ends:
            raise ValueError("begins and ends are the same time")
        if self.covers(self.wake):
            raise ValueError("wake lies within the quiet hours")
        return self

    def covers(self, at: time) -> bool:
        if self.begins < self.ends:
            return self.begins <= at < self.ends
        return at >= self.begins or at < self.ends

    def hold(self, at: datetime) -> datetime:
        """This moment, or when somebody is awake again."""
        local = at.astimezone(LONDON)
        if not self.covers(local.time()):
            return at
        day = local.date() + timedelta(days=local.time() >= self.wake)
        return datetime.combine(day, self.wake, LONDON).astimezone(UTC)


class Step(BaseModel):
    """Tell `who` through `by`, `after` the step before was first due; `again` so many times, `every` so long."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    after: Length
    who: Annotated[tuple[Party, ...], Field(min_length=1)]
    by: Annotated[tuple[ChannelKind, ...], Field(min_length=1)]
    again: Annotated[int, Field(ge=0, le=20)] = 0
    every: Length = timedelta(minutes=5)

    @model_validator(mode="after")
    def _not_too_often(self) -> Self:
        if self.again and self.every < SHORTEST:
            raise ValueError("every: a minute at least")
        return self


class Ladder(BaseModel):
    """What happens to alerts of one desk and severity until somebody acknowledges.

    Each of the parties `each` must acknowledge; without any, one person of the desk does. After the last step its
    people are told again every `then_every`, without end. Acknowledged, and nobody acts on the case within `rearm`: it
    begins anew.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    desk: Desk
    severity: Severity
    each: tuple[Party, ...] = ()
    quiet: Quiet | None = None
    rearm: Length | None = None
    then_every: Length | None = None
    step: Annotated[tuple[Step, ...], Field(min_length=1, max_length=20)]

    @model_validator(mode="after")
    def _can_be_answered(self) -> Self:
        told = {party for step in self.step for party in step.who}
        if unheard := [party for party in self.each if party not in told]:
            raise ValueError(f"each: {unheard[0]!r} must acknowledge but no step tells them")
        if self.then_every is not None and self.then_every < SHORTEST:
            raise ValueError("then_every: a minute at least")
        if self.rearm is not None and self.rearm < SHORTEST:
            raise ValueError("rearm: a minute at least")
        return self


class Turn(NamedTuple):
    """That step number `step` is due at `at`, for the time number `turn`; both count from 0."""

    step: int
    turn: int
    at: datetime


Mark = tuple[int, int]


def turns(ladder: Ladder, began_at: datetime) -> Iterator[Turn]:
    """All that becomes due while nobody answers, earliest first; without end where `then_every` says so."""
    hold = ladder.quiet.hold if ladder.quiet else lambda at: at
    planned: list[Turn] = []
    at = began_at.astimezone(UTC)
    for number, step in enumerate(ladder.step):
        at = hold(at + step.after)
        planned.append(Turn(number, 0, at))
        told = at
        for turn in range(1, step.again + 1):
            told = hold(told + step.every)
            planned.append(Turn(number, turn, told))
    yield from sorted(planned, key=lambda each: (each.at, each.step, each.turn))
    last, told = planned[-1], max(each.at for each in planned)
    if ladder.then_every is not None:
        for turn in count(last.turn + 1):
            told = hold(told + ladder.then_every)
            yield Turn(last.step, turn, told)


def due(
    ladder: Ladder, began_at: datetime, *, answered: bool, done: Collection[Mark], now: datetime
) -> list[Turn]:
    """What is to be done at `now`: all that is due and not done, earliest first; nothing once it is answered."""
    if answered:
        return []
    past = takewhile(lambda each: each.at <= now, turns(ladder, began_at))
    return [each for each in past if (each.step, each.turn) not in done]


def next_turn(ladder: Ladder, began_at: datetime, done: Collection[Mark]) -> Turn | None:
    """What is due next of what is not done; None when nothing is left."""
    return next((each for each in turns(ladder, began_at) if (each.step, each.turn) not in done), None)


def still_to_answer(ladder: Ladder, answered_by: Collection[str]) -> tuple[str, ...]:
    """The parties that must each acknowledge and have not."""
    return tuple(party for party in ladder.each if party not in answered_by)


def whom(ladder: Ladder, step: int, answered_by: Collection[str]) -> tuple[str, ...]:
    """Whom a step tells: not those who have answered while others must still."""
    return tuple(party for party in ladder.step[step].who if party not in answered_by)


class Both(BaseModel):
    """For alerts of this severity each of these desks must acknowledge; one that was not alerted is."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    severity: Severity
    desks: Annotated[tuple[Desk, ...], Field(min_length=1)]


class Ladders(BaseModel):
    """Every ladder, and which desks must each acknowledge."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    ladder: tuple[Ladder, ...] = ()
    both: tuple[Both, ...] = ()

    def of(self, desk: str, severity: int) -> Ladder | None:
        """The ladder for a desk and severity; None where nobody is told beyond the desk's channel."""
        found = (each for each in self.ladder if each.desk == desk and each.severity == severity)
        return next(found, None)

    def ways_to(self, party: str) -> set[ChannelKind]:
        """Every kind of channel by which some step tells a rota or post."""
        steps = (step for each in self.ladder for step in each.step if party in step.who)
        return {kind for step in steps for kind in step.by}

    @model_validator(mode="after")
    def _one_of_each(self) -> Self:
        known = [(each.desk, each.severity) for each in self.ladder]
        twice = next((each for each in known if known.count(each) > 1), None)
        if twice is not None:
            raise ValueError(f"ladder {twice[0].value} SEV{int(twice[1])}: there are two of it")
        return self


def read_ladders(path: Path) -> Ladders:
    """The ladders. Raises LadderError naming file, key and reason."""
    try:
        return Ladders.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise LadderError(f"{path}: key {key or '-'}: {first['msg']}") from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise LadderError(f"{path}: {error}") from error
