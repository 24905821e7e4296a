"""The definitions: what each figure means and counts, as data in config/review/figures.toml.

A figure without a definition cannot be made. A condition names a field of the rows and the values it may have; how a
row gets its fields says triage/review/counting.py.
"""

import hashlib
import tomllib
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from triage.review.counting import FIELDS
from triage.review.figures import Definition

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{2,59}$")]
Says = Annotated[str, Field(min_length=3, max_length=600)]
Value = str | int | bool
Where = dict[str, Value | tuple[Value, ...]]


class DefinitionsError(ValueError):
    """The definitions cannot be read; the message names file, key and reason."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Measure(StrEnum):
    """COUNT: rows. SHARE: those among the rows. MEDIAN: the middle of `minutes`. SUMS: of two fields of the rows."""

    COUNT = "count"
    SHARE = "share"
    MEDIAN = "median"
    SUMS = "sums"


class Counting(_Part):
    """What every definition has. `dated` is the field whose time puts a row into the period; `standing` the two
    between which it stands, at the period's end; without both it is counted as it was known last. `public` is of
    nobody, such as boroughs: small numbers of it are not withheld."""

    name: Name
    words: Says
    section: Says
    front: bool = False
    kind: str
    dated: str | None = None
    standing: tuple[str, str] | None = None
    where: Where = {}
    by_case: bool = False
    public: bool = False
    sample: bool = False
    numerator: Says
    denominator: str = ""
    period: Says
    text: Says
    caveats: tuple[Says, ...] = ()

    @model_validator(mode="after")
    def _known(self) -> "Counting":
        if self.kind not in FIELDS:
            raise ValueError(f"there are no rows of kind {self.kind!r}: {', '.join(FIELDS)}")
        for name in self._fields():
            if name not in FIELDS[self.kind]:
                raise ValueError(f"rows of kind {self.kind} have no field {name!r}")
        return self

    def _fields(self) -> set[str]:
        return {*self.where, *(self.standing or ()), *([self.dated] if self.dated else [])}

    @property
    def definition(self) -> Definition:
        """As it is shown."""
        return Definition(
            self.name, self.words, self.numerator, self.denominator, self.period, self.text, self.caveats,
            self.section, self.front, self.public,
        )  # fmt: skip


class FigureDefinition(Counting):
    """How one number is made. `those` are the rows of the numerator. `chart` draws it month by month; `follow` lists
    what changes in it after it was printed; an `interval` is of chance (95%, Wilson). `sample` says that its rows come
    from what people post; `personal` that it is of what was found of people, so that "all" is withheld like few.
    """

    measure: Measure
    those: Where = {}
    minutes: str | None = None
    sums: tuple[str, str] | None = None
    interval: bool = False
    personal: bool = False
    chart: bool = False
    follow: bool = False

    @model_validator(mode="after")
    def _whole(self) -> "FigureDefinition":
        if (self.measure is Measure.MEDIAN) != (self.minutes is not None):
            raise ValueError("a median has minutes, and nothing else has")
        if (self.measure is Measure.SUMS) != (self.sums is not None):
            raise ValueError("sums are of two fields, and nothing else is")
        if self.measure is not Measure.COUNT and not self.denominator:
            raise ValueError("say what the denominator is")
        if self.follow and self.dated is None:
            raise ValueError("only what is dated can be followed")
        if self.measure is not Measure.SHARE and self.those:
            raise ValueError("only a share has those among its rows")
        return self

    def _fields(self) -> set[str]:
        own = {*self.those, *(self.sums or ()), *([self.minutes] if self.minutes else [])}
        return super()._fields() | own


class Column(_Part):
    words: Says
    where: Where = {}


class TableDefinition(Counting):
    """How one table is made: a line for each value of `by`, in the order of `lines` where that is given, else the
    most first. A value without words of its own is shown as it is."""

    by: str
    lines: dict[str, str] = {}
    all_lines: bool = False
    columns: tuple[Column, ...] = Field(min_length=1)
    plot: Literal["bars", "none"] = "bars"

    def _fields(self) -> set[str]:
        return super()._fields() | {self.by, *(name for each in self.columns for name in each.where)}


class Definitions(_Part):
    """All definitions, in the order in which they are shown, and the digest of their file."""

    figure: tuple[FigureDefinition, ...] = Field(min_length=1)
    table: tuple[TableDefinition, ...] = ()
    delivered_within_s: Annotated[int, Field(ge=1)] = 60
    floor: Annotated[int, Field(ge=2)] = 5
    digest: str = ""

    @model_validator(mode="after")
    def _apart(self) -> "Definitions":
        names = [each.name for each in (*self.figure, *self.table)]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"two definitions are called {name!r}")
        return self

    def of(self, name: str) -> FigureDefinition:
        return next(each for each in self.figure if each.name == name)


def read_definitions(path: Path) -> Definitions:
    """Raises DefinitionsError."""
    try:
        raw = path.read_bytes()
        read: dict[str, Any] = tomllib.loads(raw.decode("utf-8"))
        return Definitions.model_validate({**read, "digest": hashlib.sha256(raw).hexdigest()})
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise DefinitionsError(f"{path}: {where}: {first['msg']}") from error
    except (OSError, ValueError) as error:
        raise DefinitionsError(f"{path}: {error}") from error
