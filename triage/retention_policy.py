"""The retention policy: how long each class of what we keep stays, from which moment, and how it goes."""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from triage.policy import read_policy

WRITTEN = re.compile(r"([0-9]{1,4})([hdy])")
ONE_COLUMN = re.compile(r"[a-z][a-z0-9_]{0,60}")


class Disposal(StrEnum):
    """How a class goes. CONTENT: what posts say, from everywhere at once. COLLECTOR: withdrawn by the collector's own
    rules. ROWS: by the time in a column. The others each have their own way; NEVER goes by itself."""

    CONTENT = "content"
    COLLECTOR = "collector"
    ROWS = "rows"
    MONTHS = "months"
    HELD = "held"
    NOTICES = "notices"
    CASES = "cases"
    MEETINGS = "meetings"
    LOG = "log"
    STAFF = "staff"
    FILES = "files"
    NEVER = "never"


# these rule what posts say, and purging knows them by name
CONTENT = ("unread", "unflagged", "minor", "grave")
ONE_OF_A_KIND = tuple(
    each for each in Disposal if each not in ("content", "collector", "rows", "files", "never")
)


class Period(NamedTuple):
    """A length of time as the file writes it: 72h, 14d, 7y."""

    number: int
    unit: str

    @classmethod
    def read(cls, written: str) -> Self:
        """Raises ValueError."""
        found = WRITTEN.fullmatch(written)
        if found is None:
            raise ValueError(f"{written!r} is no period: write 72h, 14d or 7y")
        return cls(int(found[1]), found[2])

    def before(self, now: datetime) -> datetime:
        """The moment from which on back the time is over. Years are those of the calendar."""
        if self.unit == "y":
            moment = now.astimezone(UTC)
            day = 28 if (moment.month, moment.day) == (2, 29) else moment.day
            return moment.replace(year=moment.year - self.number, day=day)
        return now - timedelta(**{"hours" if self.unit == "h" else "days": self.number})

    def after(self, now: datetime) -> datetime:
        """The moment at which the time is over that begins now."""
        return Period(-self.number, self.unit).before(now)

    def __str__(self) -> str:
        names = {"h": "hour", "d": "day", "y": "year"}
        return f"{self.number} {names[self.unit]}{'' if self.number == 1 else 's'}"


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class RetentionClass(_File):
    """One class. `covers` are tables and, with a slash, folders of the data folder; `rows` tables with the column whose
    time counts. `keep` is empty where `setting` says it, or where it never goes by itself, `because`."""

    name: str = Field(pattern=r"[a-z_]{3,30}")
    title: str = Field(min_length=3)
    clock: str = Field(min_length=3)
    keep: str = ""
    setting: str = ""
    review: str
    disposal: Disposal
    basis: str = Field(min_length=3)
    owner: str = Field(min_length=3)
    because: str = ""
    covers: tuple[str, ...] = ()
    rows: dict[str, str] = {}

    @field_validator("keep", "review")
    @classmethod
    def _period(cls, written: str) -> str:
        if written:
            Period.read(written)
        return written

    @model_validator(mode="after")
    def _told(self) -> Self:
        if self.disposal is Disposal.NEVER:
            if not self.because or self.keep or self.setting:
                raise ValueError(f"{self.name}: what never goes says `because`, and has no time")
        elif bool(self.keep) == bool(self.setting):
            raise ValueError(f"{self.name}: needs `keep` or `setting`, one of them")
        if bool(self.rows) != (self.disposal is Disposal.ROWS):
            raise ValueError(f'{self.name}: `rows` belong to disposal "rows", and to no other')
        if any(not ONE_COLUMN.fullmatch(each) for each in (*self.rows, *self.rows.values())):
            raise ValueError(f"{self.name}: rows: must be names of tables and columns")
        return self

    @property
    def period(self) -> Period:
        """Raises ValueError for a class that never goes."""
        return Period.read(self.keep)

    @property
    def places(self) -> tuple[str, ...]:
        return (*self.covers, *self.rows)


class _Posts(_File):
    covers: tuple[str, ...] = Field(min_length=1)


class HoldRules(_File):
    """How long a hold may stand, how often it is looked at again, and for what it may be set."""

    longest: str
    review: str
    remind: str
    reasons: dict[str, str] = Field(min_length=1)

    def longest_after(self, now: datetime) -> datetime:
        """When a hold set now ends at the latest."""
        return Period.read(self.longest).after(now)

    @field_validator("longest", "review", "remind")
    @classmethod
    def _period(cls, written: str) -> str:
        Period.read(written)
        return written


class RetentionPolicy(_File):
    """All classes. `posts` are the places of what posts say; `nothing` those without personal data, each with why."""

    version: int = Field(ge=1)
    approved_by: str = Field(min_length=3)
    approved_on: date
    because: str = Field(min_length=3)
    holds: HoldRules
    posts: _Posts
    classes: tuple[RetentionClass, ...] = Field(alias="class", min_length=1)
    nothing: dict[str, str]

    @model_validator(mode="after")
    def _whole(self) -> Self:
        names = [each.name for each in self.classes]
        if twice := sorted({each for each in names if names.count(each) > 1}):
            raise ValueError(f"class {twice[0]!r} stands there twice")
        content = tuple(each.name for each in self.classes if each.disposal is Disposal.CONTENT)
        if sorted(content) != sorted(CONTENT):
            raise ValueError(f'the classes with disposal "content" must be {", ".join(CONTENT)}')
        for kind in ONE_OF_A_KIND:
            if sum(each.disposal == kind for each in self.classes) != 1:
                raise ValueError(f'there must be one class with disposal "{kind}"')
        now = datetime(2026, 1, 1, tzinfo=UTC)
        [cases] = self.by(Disposal.CASES)
        if any(self.of(name).period.before(now) < cases.period.before(now) for name in CONTENT):
            raise ValueError(f"{cases.name}: a case file must not go before what its posts say")
        [audit] = self.by(Disposal.LOG)
        if audit.period.before(now) > Period(7, "y").before(now):
            raise ValueError(f"{audit.name}: the database gives custody up after seven years and not before")
        places = [*self.posts.covers, *self.nothing, *(at for each in self.classes for at in each.places)]
        if twice := sorted({each for each in places if places.count(each) > 1}):
            raise ValueError(f"{twice[0]!r} is ruled twice")
        return self

    def places(self) -> dict[str, str]:
        """Who rules each place: a class by name, "posts", or "nothing"."""
        ruled = dict.fromkeys(self.posts.covers, "posts") | dict.fromkeys(self.nothing, "nothing")
        return ruled | {place: each.name for each in self.classes for place in each.places}

    def of(self, name: str) -> RetentionClass:
        return next(each for each in self.classes if each.name == name)

    def by(self, disposal: Disposal) -> list[RetentionClass]:
        return [each for each in self.classes if each.disposal is disposal]

    def with_settings(self, days: Mapping[str, int]) -> "RetentionPolicy":
        """The same with the days that settings say in place of their names. Raises ValueError for one unknown."""
        if unknown := sorted({each.setting for each in self.classes if each.setting} - set(days)):
            raise ValueError(f"setting {unknown[0]!r} is none of {', '.join(sorted(days))}")
        told = [
            each.model_copy(update={"keep": f"{days[each.setting]}d"}) if each.setting else each
            for each in self.classes
        ]
        return self.model_copy(update={"classes": tuple(told)})


def read_retention_policy(path: Path) -> RetentionPolicy:
    """The policy. Raises ValueError naming file, key and reason."""
    return read_policy(RetentionPolicy, path)


def unruled(policy: RetentionPolicy, places: Iterable[str]) -> list[str]:
    """Those of these places that no class rules."""
    return sorted(set(places) - set(policy.places()))
