"""Ingesting: posts from files or stdin, through the same door as those of the sources."""

import io
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from threading import Event
from typing import Annotated, NamedTuple

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeElapsedColumn
from sqlalchemy import Engine, text
from sqlmodel import Session

from collector.batch import Malformed
from collector.ingest import Door, Taken, ingest
from collector.months import make_months
from collector.readers import FORMATS, units
from collector.recording import Played, RecordingError, replay
from collector.unwrapping import NotReadable, unpacked
from config import log as logs
from config.cli import Complaint
from config.database import open_database
from config.drain import work_along
from config.queues.collect import author_key, prefilter_of
from config.service import work_until_empty
from config.settings import Settings, read_settings

app = typer.Typer()

NAMED = 20  # malformed items that are printed; the rest is counted
SAY_EVERY = 20_000  # items, where stderr is no terminal
SAY_EVERY_S = 5.0
STDIN = "-"

STAGES = {
    "assessed": "SELECT count(*) FROM assessments",
    "cases": "SELECT count(*) FROM cases",
    "alerts": "SELECT count(*) FROM alerts",
    "drafts": "SELECT count(*) FROM statements",
    "waiting": "SELECT coalesce(sum(jsonb_array_length(args->'posts')), 0) FROM procrastinate_jobs"
    " WHERE task_name = 'assess' AND status IN ('todo', 'doing')",
}
ROUTED = "SELECT outcome, count(*) FROM routings GROUP BY outcome"


class Told(NamedTuple):
    """How the later stages stand: counts by name, and the routings by their outcome."""

    stages: dict[str, int]
    routed: dict[str, int]

    def since(self, before: "Told") -> "Told":
        stages = {name: count - before.stages[name] for name, count in self.stages.items()}
        routed = {name: count - before.routed.get(name, 0) for name, count in self.routed.items()}
        return Told(
            {**stages, "waiting": self.stages["waiting"]}, {name: n for name, n in routed.items() if n}
        )


@app.callback()
def root() -> None:
    """Posts from files."""


@app.command("ingest")
def command(
    files: Annotated[
        list[str] | None, typer.Argument(metavar="[FILE...]", help="Files, or - for stdin.")
    ] = None,
    chosen: Annotated[
        str | None, typer.Option("--format", help=f"{', '.join(FORMATS)}; else recognised by the content.")
    ] = None,
    source: Annotated[
        str | None, typer.Option("--source", help="The source of items that name none; else the file's name.")
    ] = None,
    again: Annotated[
        bool, typer.Option("--again", help="Read in full what was taken in before, too.")
    ] = False,
    recording: Annotated[
        Path | None, typer.Option("--replay", help="Play back a folder that `collect --record` made.")
    ] = None,
    speed: Annotated[
        float, typer.Option("--speed", min=0, help="How much faster than it was; 0 without pauses.")
    ] = 1.0,
    work: Annotated[bool, typer.Option("--work/--no-work", help="Assess, route and respond at once.")] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Read posts from files or stdin: JSON lines, CSV, feeds, Mastodon or Jetstream JSON, packed or not.

    Through the same door as the collectors. A malformed item is skipped, counted and named. A run that was
    killed goes on where it was when the same file is given again. A recording is assessed and routed while it plays.
    """
    if (recording is None) == (not files):
        raise typer.BadParameter("give files, or --replay DIR", param_hint="FILE")
    _check(files or [], chosen)
    settings = read_settings()
    logs.set_up("warning", "ingest")
    with open_database(settings) as engine:
        before = _told(engine)
        if recording is not None:
            play = partial(_replayed, settings, engine, recording, speed)
            taken = work_along(settings, engine, play) if work else play(Event())
        else:
            taken = _take_all(settings, engine, files or [], chosen, source, again)
        if work:
            work_until_empty(settings, engine)
        _tell(taken, _told(engine).since(before), as_json)


def _replayed(settings: Settings, engine: Engine, folder: Path, speed: float, stop: Event) -> Taken:
    with Session(engine) as session:
        make_months(session, now=datetime.now(UTC))
        session.commit()
    said_s = [time.monotonic()]

    def tell(played: Played) -> None:
        if time.monotonic() - said_s[0] > SAY_EVERY_S:
            said_s[0] = time.monotonic()
            words = f"{folder}: {played.batches:,} batches, {played.counts.stored:,} posts stored"
            print(words, file=sys.stderr, flush=True)

    def wait(seconds: float) -> None:
        if stop.wait(seconds):
            raise RecordingError(f"{folder}: the replay was ended")

    try:
        played = replay(
            engine,
            folder,
            prefilter_of(settings),
            author_key=author_key(settings),
            clock=lambda: datetime.now(UTC),
            wait=wait,
            speed=speed,
            told=tell,
        )
    except RecordingError as error:
        raise Complaint(str(error)) from error
    return Taken(*played.counts)


def _check(files: list[str], chosen: str | None) -> None:
    if chosen is not None and chosen not in FORMATS:
        raise typer.BadParameter(f"{chosen!r} is none of {', '.join(FORMATS)}", param_hint="--format")
    for name in files:
        if name != STDIN and not (Path(name).is_file() and os.access(name, os.R_OK)):
            raise Complaint(f"{name}: there is no such file, or it may not be read")


def _take_all(
    settings: Settings, engine: Engine, files: list[str], chosen: str | None, source: str | None, again: bool
) -> Taken:
    with Session(engine) as session:
        make_months(session, now=datetime.now(UTC))
        session.commit()
    door = Door(engine, prefilter_of(settings), author_key(settings), lambda: datetime.now(UTC))
    total, named = Taken(), [0]
    for name in files:
        with _opened(name) as stream, _progress(name, stream) as taken:
            try:
                found = ingest(
                    units(unpacked(stream), chosen),
                    door,
                    default_source=source or ("ingest" if name == STDIN else Path(name).name.split(".")[0]),
                    again=again,
                    taken=taken,
                    bad=partial(_name, name, named),
                )
            except NotReadable as error:
                raise Complaint(f"{'stdin' if name == STDIN else name}: {error}") from error
            total = total.plus(found)
    if named[0] > NAMED:
        print(f"{named[0] - NAMED:,} more malformed items, counted below", file=sys.stderr)
    return total


@contextmanager
def _opened(name: str) -> Iterator[io.BufferedReader]:
    if name == STDIN:
        yield sys.stdin.buffer  # type: ignore[misc]  # it is a BufferedReader, and must stay open
        return
    with Path(name).open("rb") as file:
        yield file


def _name(file: str, named: list[int], bad: Malformed) -> None:
    named[0] += 1
    if named[0] <= NAMED:
        where = "stdin" if file == STDIN else file
        print(f"{where}, {bad.which}: left out: {bad.why}", file=sys.stderr)


@contextmanager
def _progress(name: str, stream: io.BufferedReader) -> Iterator[Callable[[Taken], None]]:
    """Says how far it is: a bar on a terminal, else a line now and then; on stderr."""
    if not sys.stderr.isatty():
        said = [0]

        def say(taken: Taken) -> None:
            if taken.seen - said[0] >= SAY_EVERY:
                said[0] = taken.seen
                print(
                    f"{name}: {taken.seen:,} items read, {taken.stored:,} stored", file=sys.stderr, flush=True
                )

        yield say
        return
    size = None if name == STDIN else Path(name).stat().st_size
    columns = TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeElapsedColumn()
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(name, total=size)

        def move(taken: Taken) -> None:
            words = f"{name}: {taken.seen:,} read, {taken.stored:,} stored"
            bar.update(task, description=words, completed=stream.tell() if size is not None else 0)

        yield move


def _told(engine: Engine) -> Told:
    with engine.connect() as connection:
        stages = {name: int(connection.execute(text(count)).scalar_one()) for name, count in STAGES.items()}
        routed = {row[0]: int(row[1]) for row in connection.execute(text(ROUTED))}
    return Told(stages, routed)


def _tell(taken: Taken, told: Told, as_json: bool) -> None:
    if as_json:
        print(json.dumps({**taken._asdict(), **told.stages, "routed": told.routed}))
        return
    parts = {
        "stored": taken.stored,
        "known": taken.known,
        "dropped by the prefilter": taken.dropped,
        "malformed": taken.malformed,
        "taken in before": taken.already,
    }
    print(f"seen      {taken.seen:>9,} = " + " + ".join(f"{n:,} {name}" for name, n in parts.items()))
    waiting = told.stages["waiting"]
    print(
        f"assessed  {told.stages['assessed']:>9,}"
        + (f", {waiting:,} still to be assessed" if waiting else "")
    )
    outcomes = ", ".join(f"{count:,} {name}" for name, count in sorted(told.routed.items()))
    print(f"routed    {sum(told.routed.values()):>9,}" + (f" = {outcomes}" if outcomes else ""))
    for name in ("cases", "alerts", "drafts"):
        print(f"{name:<9} {told.stages[name]:>9,}")
