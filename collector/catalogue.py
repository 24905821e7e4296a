"""The catalogue of places to watch: `sources.toml`, read and checked, and brought into the `sources` table."""

import re
import tomllib
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from sqlalchemy import text
from sqlmodel import Session

from collector.agreements import GONE, Agreement, Stop, agreement_stop, start_of
from collector.boroughs import COVERABLE
from collector.linter import Linter
from collector.records import Grade
from collector.sources import kind_of, kinds, polled
from collector.sources.base import How

LONGEST_EVERY = timedelta(days=7)
EVERY = re.compile(r"(\d{1,6})\s*([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_TAG = re.compile(r"[^\W_]\w{1,99}")


class CatalogueError(ValueError):
    """`sources.toml` is wrong; the message names file, source, key and reason."""


def duration(written: Any) -> timedelta:
    """A stretch of time as a person writes it: "30s", "10m", "6h", "2d". Raises ValueError."""
    found = EVERY.fullmatch(written.strip()) if isinstance(written, str) else None
    if found is None or int(found[1]) == 0:
        raise ValueError('write a number and s, m, h or d, such as "10m"')
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


class Watch(BaseModel):
    """One place to watch, as configured. `url` holds several addresses, one after another, for a stream
    that more than one server offers. `tag` is a hashtag, `term` the words of a search; whoever answers for
    it is its `owner`, with a `reason`, and from the day it `expires` it is not looked for any more.
    What is sent or written to us has no `url` and no `every`: nobody goes there.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=r"^[a-z0-9](?:[a-z0-9-]{0,58}[a-z0-9])?$")
    kind: str
    url: str = ""
    tag: str | None = None
    term: str | None = Field(default=None, min_length=3, max_length=400)
    owner: str | None = Field(default=None, min_length=3)
    reason: str | None = Field(default=None, min_length=10)
    expires: date | None = None
    every: timedelta = timedelta(0)
    boroughs: tuple[str, ...] = ()
    grade: Grade
    basis: str = Field(min_length=10)
    enabled: bool = True

    @field_validator("kind")
    @classmethod
    def _known(cls, kind: str) -> str:
        if kind not in kinds():
            raise ValueError(f"there is no kind {kind!r}; the kinds are {', '.join(kinds())}")
        return kind

    @field_validator("url", mode="before")
    @classmethod
    def _one_after_another(cls, url: Any) -> Any:
        return " ".join(url) if isinstance(url, list) and all(isinstance(each, str) for each in url) else url

    @field_validator("every", mode="before")
    @classmethod
    def _duration(cls, every: Any) -> timedelta:
        found = duration(every)
        if found > LONGEST_EVERY:
            raise ValueError("at most seven days")
        return found

    @field_validator("boroughs")
    @classmethod
    def _real(cls, boroughs: tuple[str, ...]) -> tuple[str, ...]:
        for each in boroughs:
            if each not in COVERABLE:
                raise ValueError(f"{each!r} is no London borough; write it in full, or London for all")
        return boroughs

    @field_validator("tag")
    @classmethod
    def _describes(cls, tag: str | None) -> str | None:
        if tag is not None and not _TAG.fullmatch(tag):
            raise ValueError("a hashtag without #: letters, digits and _ only; never a person's handle")
        return tag

    @model_validator(mode="after")
    def _complete(self) -> "Watch":
        if kind_of(self.kind).how is How.INBOUND:
            return self._only_named()
        if not self.every:
            raise ValueError('every: is missing; write a number and s, m, h or d, such as "10m"')
        asked = polled().get(self.kind)
        schemes = kind_of(self.kind).schemes
        for address in self.url.split() or [""]:
            parts = urlsplit(address)
            if parts.scheme not in schemes or not parts.hostname:
                raise ValueError(f"url: {address!r} is not an address beginning with {schemes[-1]}://")
            if parts.username or parts.password:
                raise ValueError("url: must not hold a password")
        if asked and len(self.url.split()) > 1:
            raise ValueError("url: one address only for this kind")
        if bool(self.tag) != bool(asked and asked.needs_tag):
            raise ValueError("tag: " + ("is missing" if not self.tag else f"a {self.kind} has none"))
        if bool(self.term) and not (asked and asked.takes_term):
            raise ValueError(f"term: a {self.kind} has none")
        if not self.term and asked and asked.needs_term:
            raise ValueError("term: is missing")
        return self._answered_for()

    def _only_named(self) -> "Watch":
        """What comes by itself is not gone to, nor looked for."""
        looked_for = (self.url, self.every, self.tag, self.term, self.owner, self.reason, self.expires)
        if any(looked_for):
            raise ValueError(f"url, every, tag, term: a {self.kind} has none, it is sent to us")
        return self

    def _answered_for(self) -> "Watch":
        """A search, and a place that a person must approve, name their owner, reason and end; a hashtag may."""
        given = {"owner": self.owner, "reason": self.reason, "expires": self.expires}
        missing = [key for key, value in given.items() if value is None]
        must = bool(self.term) or kind_of(self.kind).approved
        if missing and (must or (self.tag and len(missing) < len(given))):
            raise ValueError(f"{missing[0]}: is missing: a term has an owner, a reason and a day it expires")
        if len(missing) < len(given) and not (must or self.tag):
            raise ValueError("owner: only a term, or a place that must be approved, has one")
        return self

    @property
    def unowned(self) -> bool:
        """Whether its hashtag is one that nobody answers for yet."""
        return self.tag is not None and self.owner is None


def read_sources(path: Path, linter: Linter | None = None) -> list[Watch]:
    """The places to watch, in the file's order; every term past the linter. Raises CatalogueError."""
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise CatalogueError(f"{path}: {error}") from error
    if set(tables) - {"source"} or not isinstance(tables.get("source", []), list):
        raise CatalogueError(f"{path}: only [[source]] tables may stand here")
    watches = [_watch(path, number, table) for number, table in enumerate(tables.get("source", []), 1)]
    names = [watch.name for watch in watches]
    for name in names:
        if names.count(name) > 1:
            raise CatalogueError(f"{path}: source {name!r}: key name: two sources have this name")
    for watch in watches:
        for key, term in (("tag", watch.tag), ("term", watch.term)):
            why_not = (linter or Linter()).why_not(term) if term else None
            if why_not:
                raise CatalogueError(f"{path}: source {watch.name!r}: key {key}: {term!r} {why_not}")
    return watches


def _watch(path: Path, number: int, table: Any) -> Watch:
    try:
        return Watch.model_validate(table)
    except ValidationError as error:
        named = table.get("name", f"number {number}") if isinstance(table, dict) else f"number {number}"
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        reason = first["msg"].removeprefix("Value error, ")
        where = f"key {key}: " if key else "key "
        raise CatalogueError(f"{path}: source {named!r}: {where}{reason}") from error


def sync_sources(
    session: Session, watches: Sequence[Watch], *, agreements: Sequence[Agreement] = (), now: datetime
) -> None:
    """Bring the table up to the file. How each source has been doing is kept; what left the file is disabled.

    A source that is new, or has a new address, is due at once and starts from nothing. One whose term has
    expired, or whose kind lacks an agreement, stands in the table with when and why it stops.
    """
    for watch in watches:
        session.execute(_UPSERT, {**_columns(watch, stop_of(watch, agreements)), "now": now})
    session.execute(
        text("UPDATE sources SET enabled = false WHERE name <> ALL(CAST(:names AS text[]))"),
        {"names": [watch.name for watch in watches]},
    )


def stop_of(watch: Watch, agreements: Sequence[Agreement]) -> Stop | None:
    """When a source must stop, the first of its reasons; None when nothing stops it."""
    found = [agreement_stop(watch.kind, agreements)]
    if watch.expires is not None:
        said = f"{watch.term or watch.tag or watch.url!r} expired on {watch.expires}; {watch.owner} answers for it"
        found.append(Stop(start_of(watch.expires), said))
    return min((each for each in found if each), default=None)


def _columns(watch: Watch, stop: Stop | None) -> dict[str, Any]:
    return {
        "term": watch.term,
        "owner": watch.owner,
        "reason": watch.reason,
        "stops_at": stop.at if stop else None,
        "stops_because": stop.because if stop else None,
        "name": watch.name,
        "kind": watch.kind,
        "url": watch.url,
        "tag": watch.tag,
        "every_s": int(watch.every.total_seconds()),
        "boroughs": list(watch.boroughs),
        "grade": watch.grade.value,
        "basis": watch.basis,
        "enabled": watch.enabled,
    }


_WHERE = "coalesce({0}.tag, ''), coalesce({0}.term, '')"
_OLD = f"(sources.kind, sources.url, {_WHERE.format('sources')})"
_MOVED = f"{_OLD} <> (excluded.kind, excluded.url, {_WHERE.format('excluded')})"
# what its own server stopped stays so until its address changes, or it is switched off and on again
_STILL_GONE = (
    f"excluded.stops_at IS NULL AND sources.enabled AND sources.stops_because = '{GONE}' AND NOT {_MOVED}"
)
_UPSERT = text(
    "WITH old AS (DELETE FROM cursors USING sources WHERE cursors.source = :name AND sources.name = :name"  # noqa: S608  # all parts are ours
    f" AND {_OLD} <> (CAST(:kind AS text), CAST(:url AS text), coalesce(CAST(:tag AS text), ''),"
    " coalesce(CAST(:term AS text), '')))"
    " INSERT INTO sources (name, kind, url, tag, term, owner, reason, stops_at, stops_because,"
    " every_s, boroughs, grade, basis, enabled, due_at, failures)"
    " VALUES (:name, :kind, :url, :tag, :term, :owner, :reason, :stops_at, :stops_because,"
    " :every_s, :boroughs, :grade, :basis, :enabled, :now, 0)"
    " ON CONFLICT (name) DO UPDATE SET kind = excluded.kind, url = excluded.url, tag = excluded.tag,"
    " term = excluded.term, owner = excluded.owner, reason = excluded.reason,"
    f" stops_at = CASE WHEN {_STILL_GONE} THEN sources.stops_at ELSE excluded.stops_at END,"
    f" stops_because = CASE WHEN {_STILL_GONE} THEN sources.stops_because ELSE excluded.stops_because END,"
    " every_s = excluded.every_s, boroughs = excluded.boroughs, grade = excluded.grade,"
    " basis = excluded.basis, enabled = excluded.enabled,"
    f" due_at = CASE WHEN {_MOVED} OR NOT sources.enabled THEN excluded.due_at"
    " WHEN sources.every_s <> excluded.every_s AND sources.failures = 0 THEN"
    " coalesce(sources.last_tried_at + make_interval(secs => excluded.every_s), excluded.due_at)"
    " ELSE sources.due_at END,"
    f" rhythm_s = CASE WHEN {_MOVED} THEN NULL ELSE sources.rhythm_s END,"
    f" newest_at = CASE WHEN {_MOVED} THEN NULL ELSE sources.newest_at END,"
    f" failures = CASE WHEN {_MOVED} THEN 0 ELSE sources.failures END,"
    f" error = CASE WHEN {_MOVED} THEN NULL ELSE sources.error END,"
    f" remedy = CASE WHEN {_MOVED} THEN NULL ELSE sources.remedy END"
)
