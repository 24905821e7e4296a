"""Collecting from the terminal: fetch now."""

import json
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import zip_longest
from pathlib import Path
from threading import Event
from typing import Annotated
from urllib.parse import urlsplit

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress
from rich.table import Table
from sqlalchemy import Engine
from sqlmodel import Session, col, select

from collector.collect import Collected
from collector.http import Http
from collector.listen import listen
from collector.months import make_months
from collector.recording import Recorder, RecordingError
from collector.records import SourceRow
from collector.schedule import due
from collector.sources import inbound, polled, streamed
from collector.watch import Brought, Visit, collect_source
from config import log as logs
from config.cli import Complaint
from config.database import open_database
from config.queues.collect import author_key, prefilter_of
from config.settings import Settings, read_settings
from config.supervise import when_asked_to_end
from config.watches import bring_up_sources

app = typer.Typer()

AT_MOST = 10_000
DATABASE_POOL = 8  # visits mostly wait for the network
MOST_ROUNDS = 100  # a source that always has more is left to the service


@app.callback()
def root() -> None:
    """Fetching now."""


@app.command("collect")
def collect(
    source: str | None = typer.Option(None, "--source", help="Only this one, due or not."),
    once: bool = typer.Option(False, "--once", help="All sources once, due or not."),
    record: Annotated[
        Path | None, typer.Option("--record", help="Keep what they bring in this folder, to replay.")
    ] = None,
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
) -> None:
    """Fetch the sources that are due, now. What is new is stored and waits to be assessed.

    Works beside a running service: no source is fetched twice at a time, and what a server asked for is
    kept to. A stream is listened to until Ctrl-C when it is named with --source and recorded. Exits 1 when
    nothing could be fetched.
    """
    settings = read_settings()
    logs.set_up("error", "collect")
    with open_database(settings, pool=DATABASE_POOL) as engine:
        catalogue(settings, engine)
        with recording(settings, record) as brought:
            stream = _stream(engine, source) if record else None
            if stream is not None:
                _listen(settings, engine, stream, brought)
                return
            with showing_progress() as progress:
                visits = list(_visits(settings, engine, source, once, progress, brought))
    _tell(visits, as_json)
    failed = [each for each in visits if each.outcome == "failed"]
    if failed and len(failed) == len(visits):
        raise Complaint(
            f"nothing could be fetched. {failed[0].source}: {failed[0].error}. {failed[0].remedy}"
        )


def catalogue(settings: Settings, engine: Engine) -> None:
    """Bring the table of sources up to `sources.toml`. Raises Complaint when the file is wrong."""
    now = datetime.now(UTC)
    with Session(engine) as session:
        make_months(session, now=now)
        try:
            bring_up_sources(session, settings, now=now)
        except ValueError as error:
            raise Complaint(str(error)) from error
        session.commit()


@contextmanager
def recording(settings: Settings, folder: Path | None) -> Iterator[Brought]:
    """What keeps batches in a folder while it lasts; without a folder nothing is kept."""
    if folder is None:
        yield lambda _source, _batch, _at: None
        return
    try:
        recorder = Recorder(folder, prefilter_of(settings), author_key(settings))
    except RecordingError as error:
        raise Complaint(str(error)) from error
    try:
        yield recorder.keep
    finally:
        recorder.close()
        print(f"{folder}: {recorder.batches:,} batches recorded", file=sys.stderr)


def _stream(engine: Engine, source: str | None) -> SourceRow | None:
    """The named source when it is a stream."""
    if source is None:
        return None
    with Session(engine) as session:
        row = session.get(SourceRow, source)
    return row if row is not None and row.kind in streamed() and row.enabled else None


def _listen(settings: Settings, engine: Engine, row: SourceRow, brought: Brought) -> None:
    stop = Event()
    when_asked_to_end(stop.set)
    print(f"{row.name}: listening, Ctrl-C ends it", file=sys.stderr, flush=True)
    with Http(settings.http) as http:
        listen(
            engine,
            row.name,
            row.url.split(),
            prefilter=prefilter_of(settings),
            http=http,
            author_key=author_key(settings),
            stop=stop,
            clock=lambda: datetime.now(UTC),
            brought=brought,
        )


def _visits(
    settings: Settings,
    engine: Engine,
    source: str | None,
    once: bool,
    progress: "Telling",
    brought: Brought,
) -> Iterator[Visit]:
    early = once or source is not None
    chosen = _chosen(engine, source) if early else None
    with (
        Http(settings.http) as http,
        ThreadPoolExecutor(settings.collect.fetches_at_once, thread_name_prefix="collect") as pool,
    ):
        prefilter, key = prefilter_of(settings), author_key(settings)

        skipped: set[str] = set()

        def visit(name: str) -> Visit:
            visited = collect_source(
                engine,
                name,
                http,
                prefilter,
                author_key=key,
                clock=lambda: datetime.now(UTC),
                settings=settings.collect,
                even_early=early,
                brought=brought,
            )
            if visited.outcome == "skipped":
                skipped.add(name)
            return visited

        for names in _rounds(chosen) if chosen is not None else _due(engine, skipped):
            progress.expect(len(names))
            for done in pool.map(visit, names):
                progress.tell(done)
                yield done


def _chosen(engine: Engine, source: str | None) -> list[SourceRow]:
    with Session(engine) as session:
        rows = session.exec(select(SourceRow).order_by(col(SourceRow.name))).all()
    if source is None:
        return [row for row in rows if row.enabled and row.kind in polled()]
    named = next((row for row in rows if row.name == source), None)
    if named is None:
        raise Complaint(f"there is no source {source!r}; `goldenhour sources` lists them")
    if named.kind in inbound():
        raise Complaint(f"{source} is not fetched: what belongs to it is sent to us, or pasted on the desk")
    if named.kind not in polled():
        raise Complaint(f"{source} is a stream, which stays open: `goldenhour schedule` listens to it")
    if not named.enabled:
        raise Complaint(f"{source} is switched off: set `enabled = true` in sources.toml")
    if named.stops_at is not None and named.stops_at <= datetime.now(UTC):
        raise Complaint(f"{source} is stopped: {named.stops_because}")
    if named.paused_until is not None and named.paused_until > datetime.now(UTC):
        raise Complaint(
            f"{source} is paused until {named.paused_until:%d %b %H:%M} UTC: {named.paused_because}"
        )
    return [named]


def _rounds(rows: Sequence[SourceRow]) -> Iterator[list[str]]:
    """The sources in rounds that hold each host once, so that no host is asked twice at a time."""
    hosts: dict[str, list[str]] = {}
    for row in rows:
        hosts.setdefault(urlsplit(row.url).netloc.lower(), []).append(row.name)
    for names in zip_longest(*hosts.values()):
        yield [name for name in names if name is not None]


def _due(engine: Engine, skipped: set[str]) -> Iterator[list[str]]:
    """What is due, again and again until nothing is. What is skipped is being fetched by someone else."""
    for _ in range(MOST_ROUNDS):
        with Session(engine) as session:
            names = due(session, now=datetime.now(UTC), limit=AT_MOST)
        names = [name for name in names if name not in skipped]
        if not names:
            return
        yield names


class Telling:
    """How far collecting is: a bar on a terminal, a line a source elsewhere; both on stderr."""

    def __init__(self, progress: Progress | None) -> None:
        self._progress = progress
        self._task = progress.add_task("collecting", total=0) if progress else None
        self._total = 0

    def expect(self, more: int) -> None:
        self._total += more
        if self._progress and self._task is not None:
            self._progress.update(self._task, total=self._total)

    def tell(self, visit: Visit) -> None:
        if self._progress and self._task is not None:
            self._progress.advance(self._task)
        else:
            print(f"{visit.source}: {_outcome(visit)}", file=sys.stderr, flush=True)


@contextmanager
def showing_progress() -> Iterator[Telling]:
    """Progress while it lasts."""
    if not sys.stderr.isatty():
        yield Telling(None)
        return
    with Progress(console=Console(stderr=True), transient=True) as progress:
        yield Telling(progress)


def _outcome(visit: Visit) -> str:
    if visit.outcome == "collected":
        return f"{visit.counts.seen} seen, {visit.counts.stored} new"
    return visit.error or "skipped: it is being fetched, or was asked to wait"


def _tell(visits: Sequence[Visit], as_json: bool) -> None:
    nothing = Collected(0, 0, 0, 0, 0)
    total = Collected(*map(sum, zip(nothing, *(each.counts for each in visits), strict=True)))
    if as_json:
        listed = [{**each._asdict(), "counts": each.counts._asdict()} for each in visits]
        print(json.dumps({"visits": listed, "total": total._asdict()}))
        return
    if not visits:
        print("No source is due. `--once` fetches all of them, `--source NAME` one.")
        return
    table = Table("source", *Collected._fields, "", box=None, pad_edge=False)
    for each in visits:
        said = "" if each.outcome == "collected" else escape(_outcome(each))
        table.add_row(each.source, *(str(count) for count in each.counts), said)
    table.add_row("together", *(str(count) for count in total), "", style="bold")
    Console().print(table)
    for each in visits:
        if each.outcome == "failed":
            typer.echo(f"{each.source}: {each.error}\n    {each.remedy}", err=True)
