"""The roster: rotas, the posts that are reached at any hour, and where people are reached; read from a file.

Pure: who has the duty when follows from the file, the bank holidays and the changes people agreed to.
"""

import tomllib
from bisect import bisect_right
from collections.abc import Collection, Sequence
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Annotated, NamedTuple, Self
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from triage.notification_records import ChannelKind
from triage.records import Desk

LONDON = ZoneInfo("Europe/London")
TURNS = {"daily": 1, "weekly": 7, "fortnightly": 14}
SATURDAY = 5

Name = Annotated[str, Field(pattern=r"^[a-z0-9-]{1,60}$")]
Username = Annotated[str, Field(min_length=1, max_length=100)]


class RosterError(ValueError):
    """The roster cannot be read; the message names file, key and reason."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Reach(_Part):
    """Where one is reached. Slack accounts of people are known from their own account."""

    email: Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+$")] | None = None
    sms: Annotated[str, Field(pattern=r"^\+[0-9]{8,15}$")] | None = None
    slack: Annotated[str, Field(pattern=r"^(#?[a-z0-9_-]{1,80}|[CGDUW][A-Z0-9]{6,20})$")] | None = None
    teams: Name | None = None
    webhook: Name | None = None

    def address(self, kind: ChannelKind) -> str | None:
        known: str | None = getattr(self, "email" if kind is ChannelKind.NOTIFY_EMAIL else kind.value)
        return known


class Colleague(Reach):
    """Where a person with an account here is reached."""

    username: Username


class Post(Reach):
    """A post that is filled at any hour elsewhere, such as DMC gold. `people` are accounts here that hold it."""

    name: Name
    title: Annotated[str, Field(min_length=1, max_length=60)]
    people: tuple[Username, ...] = ()


class Rota(_Part):
    """People who have a duty in turn. Each turn begins at `hands_over`, London time, the first of them on `begins`.

    `covers` is "always", or "working-days": then the duty lasts from `hands_over` to `ends` on those. On a bank holiday
    `bank_holidays` have it in their own turn, if there are any.
    """

    name: Name
    desk: Desk
    title: Annotated[str, Field(min_length=1, max_length=60)]
    people: tuple[Username, ...] = ()
    begins: date
    turn: Annotated[str, Field(pattern=f"^({'|'.join(TURNS)})$")] = "weekly"
    hands_over: time = time(8, 0)
    covers: Annotated[str, Field(pattern="^(always|working-days)$")] = "always"
    ends: time = time(18, 0)
    bank_holidays: tuple[Username, ...] = ()

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> Self:
        if self.covers == "working-days" and self.ends <= self.hands_over:
            raise ValueError("ends: it lies before hands_over")
        return self


class Roster(_Part):
    rota: tuple[Rota, ...] = ()
    post: tuple[Post, ...] = ()
    person: tuple[Colleague, ...] = ()

    def rota_of(self, name: str) -> Rota | None:
        return next((each for each in self.rota if each.name == name), None)

    def post_of(self, name: str) -> Post | None:
        return next((each for each in self.post if each.name == name), None)

    def reach_of(self, username: str) -> Reach:
        return next((each for each in self.person if each.username == username), Reach())

    def title_of(self, party: str) -> str:
        """What people call a party, such as `post:dmc-gold`."""
        kind, _, name = party.partition(":")
        found = self.rota_of(name) if kind == "rota" else self.post_of(name) if kind == "post" else None
        return found.title if found else name

    @model_validator(mode="after")
    def _named_once(self) -> Self:
        for what, names in (
            ("rota", [each.name for each in self.rota]),
            ("post", [each.name for each in self.post]),
            ("person", [each.username for each in self.person]),
        ):
            if twice := next((name for name in names if names.count(name) > 1), None):
                raise ValueError(f"{what} {twice!r}: there are two of this name")
        return self


class Duty(NamedTuple):
    """Who has a duty from when until when; nobody where `username` is None. `because` is "" for the plain turn."""

    begins: datetime
    ends: datetime
    username: str | None
    because: str = ""


class Change(NamedTuple):
    """That somebody has a duty for a time instead of whose turn it is; of several the later agreed one counts."""

    begins: datetime
    ends: datetime
    username: str


def duties(
    rota: Rota,
    since: datetime,
    until: datetime,
    *,
    bank_holidays: Collection[date] = (),
    changes: Sequence[Change] = (),
    left: Collection[str] = (),
) -> list[Duty]:
    """Who has the duty over a stretch of time, without holes and with neighbours of one person joined. `left` are
    people whose accounts are closed: their duties are nobody's. `changes` stand in the order they were agreed in."""
    day = since.astimezone(LONDON).date() - timedelta(days=2)
    planned: list[Duty] = []
    while _moment(day, time(0)) < until:
        planned += _of_day(rota, day, bank_holidays)
        day += timedelta(days=1)
    moments = [each[:2] for each in planned] + [each[:2] for each in changes]
    bounds = {since, until, *(at for both in moments for at in both if since < at < until)}
    starts = [each.begins for each in planned]
    cuts = sorted(bounds)
    pieces: list[Duty] = []
    for begins, ends in pairwise(cuts):
        at = bisect_right(starts, begins) - 1
        fits = at >= 0 and planned[at].ends > begins
        username, because = (planned[at].username, planned[at].because) if fits else (None, "")
        for change in changes:
            if change.begins <= begins < change.ends:
                username, because = change.username, "changed"
        if username in left:
            username, because = None, "account closed"
        if pieces and (pieces[-1].username, pieces[-1].because) == (username, because):
            pieces[-1] = pieces[-1]._replace(ends=ends)
        else:
            pieces.append(Duty(begins, ends, username, because))
    return pieces


def gaps(rota: Rota, found: Sequence[Duty], bank_holidays: Collection[date] = ()) -> list[Duty]:
    """The stretches in which nobody has the duty though somebody should."""
    return [
        each
        for each in found
        if each.username is None and (rota.covers == "always" or _should(rota, each, bank_holidays))
    ]


def _should(rota: Rota, piece: Duty, bank_holidays: Collection[date]) -> bool:
    day = piece.begins.astimezone(LONDON).date()
    while _moment(day, rota.hands_over) < piece.ends:
        if works(day, bank_holidays) and _moment(day, rota.ends) > piece.begins:
            return True
        day += timedelta(days=1)
    return False


def works(day: date, bank_holidays: Collection[date]) -> bool:
    return day.weekday() < SATURDAY and day not in bank_holidays


def _of_day(rota: Rota, day: date, bank_holidays: Collection[date]) -> list[Duty]:
    """The duty that begins on a day."""
    begins, because = _moment(day, rota.hands_over), ""
    if rota.covers == "always":
        ends = _moment(day + timedelta(days=1), rota.hands_over)
    elif works(day, bank_holidays):
        ends = _moment(day, rota.ends)
    else:
        return []
    people, number = rota.people, (day - rota.begins).days // TURNS[rota.turn]
    if day in bank_holidays and rota.bank_holidays:
        people, because = rota.bank_holidays, "bank holiday"
        number = sum(each < day for each in bank_holidays)
    username = people[number % len(people)] if people and day >= rota.begins else None
    return [Duty(begins, ends, username, because)]


def _moment(day: date, at: time) -> datetime:
    return datetime.combine(day, at, LONDON).astimezone(UTC)


def read_roster(path: Path) -> Roster:
    """The roster. Raises RosterError naming file, key and reason; values stay out of it, as they may be numbers of
    people."""
    try:
        return Roster.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        key = ".".join(str(part) for part in first["loc"])
        raise RosterError(f"{path}: key {key or '-'}: {first['msg']}") from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise RosterError(f"{path}: {error}") from error
