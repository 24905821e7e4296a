"""The catalogue of places to watch: `sources.toml`, read and checked, and brought into the `sources` table."""

import re
import tomllib
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from sqlalchemy import text
from sqlmodel import Session

from collector.boroughs import COVERABLE
from collector.records import Grade
from collector.sources import kinds, polled

LONGEST_EVERY = timedelta(days=7)
_EVERY = re.compile(r"(\d{1,6})\s*([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_TAG = re.compile(r"[^\W_]\w{1,99}")


class CatalogueError(ValueError):
    """`sources.toml` is wrong; the message names file, source, key and reason."""


class Watch(BaseModel):
    """One place to watch, as configured. `url` holds several addresses, one after another, for a stream
    that more than one server offers."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=r"^[a-z0-9](?:[a-z0-9-]{0,58}[a-z0-9])?$")
    kind: str
    url: str
    tag: str | None = None
    every: timedelta
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
        found = _EVERY.fullmatch(every.strip()) if isinstance(every, str) else None
        if found is None or int(found[1]) == 0:
            raise ValueError('write a number and s, m, h or d, such as "10m"')
        duration = timedelta(**{_UNITS[found[2]]: int(found[1])})
        if duration > LONGEST_EVERY:
            raise ValueError("at most seven days")
        return duration

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
        asked = polled().get(self.kind)
        schemes = ("http", "https") if asked else ("ws", "wss")
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
        return self


def read_sources(path: Path) -> list[Watch]:
    """The places to watch, in the file's order. Raises CatalogueError."""
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


def sync_sources(session: Session, watches: Sequence[Watch], *, now: datetime) -> None:
    """Bring the table up to the file. How each source has been doing is kept; what left the file is disabled.

    A source that is new, or has a new address, is due at once and starts from nothing.
    """
    for watch in watches:
        session.execute(_UPSERT, {**_columns(watch), "now": now})
    session.execute(
        text("UPDATE sources SET enabled = false WHERE name <> ALL(CAST(:names AS text[]))"),
        {"names": [watch.name for watch in watches]},
    )


def _columns(watch: Watch) -> dict[str, Any]:
    return {
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


_MOVED = (
    "(sources.kind, sources.url, coalesce(sources.tag, '')) <>"
    " (excluded.kind, excluded.url, coalesce(excluded.tag, ''))"
)
_UPSERT = text(
    "WITH old AS (DELETE FROM cursors USING sources WHERE cursors.source = :name AND sources.name = :name"  # noqa: S608  # all parts are ours
    " AND (sources.kind, sources.url, coalesce(sources.tag, ''))"
    " <> (CAST(:kind AS text), CAST(:url AS text), coalesce(CAST(:tag AS text), '')))"
    " INSERT INTO sources (name, kind, url, tag, every_s, boroughs, grade, basis, enabled, due_at, failures)"
    " VALUES (:name, :kind, :url, :tag, :every_s, :boroughs, :grade, :basis, :enabled, :now, 0)"
    " ON CONFLICT (name) DO UPDATE SET kind = excluded.kind, url = excluded.url, tag = excluded.tag,"
    " every_s = excluded.every_s, boroughs = excluded.boroughs, grade = excluded.grade,"
    " basis = excluded.basis, enabled = excluded.enabled,"
    f" due_at = CASE WHEN {_MOVED} OR NOT sources.enabled THEN excluded.due_at"
    " WHEN sources.every_s <> excluded.every_s AND sources.failures = 0 THEN"
    " coalesce(sources.last_tried_at + make_interval(secs => excluded.every_s), excluded.due_at)"
    " ELSE sources.due_at END,"
    f" failures = CASE WHEN {_MOVED} THEN 0 ELSE sources.failures END,"
    f" error = CASE WHEN {_MOVED} THEN NULL ELSE sources.error END,"
    f" remedy = CASE WHEN {_MOVED} THEN NULL ELSE sources.remedy END"
)
