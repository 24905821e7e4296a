"""The running service: all of it on one machine, or its parts on several."""

import gc
import importlib
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from socket import create_connection
from threading import Event, Thread
from typing import Annotated, Any

import structlog
import typer
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session, col, select

from collector.jobs import QUEUES
from collector.months import make_months
from config import log as logs
from config.beats import Beat, beats, silence
from config.database import DatabaseError, connect, is_known, migrate, open_database, revisions, served
from config.drain import worker
from config.safety import need_safe, need_safe_database
from config.service import House, clock
from config.settings import Settings, read_settings
from config.start import claimed, need_files, need_port, need_room, note_parts, start_check
from config.supervise import LOOK_EVERY_S, Attended, Part, goldenhour, supervise, when_asked_to_end
from config.watches import bring_up_sources
from triage.people import FIRST_PERSON, find_person, first_person, make_link
from triage.records import Person

app = typer.Typer()
log = structlog.get_logger()

DATABASE_WITHIN_S = 60.0
DESK_WITHIN_S = 60.0

Attendance = Annotated[bool, typer.Option("--attended", hidden=True, help="End when standard input ends.")]


@app.command("run")
def run() -> None:
    """Start everything on this machine and print where the desk is.

    Ctrl-C stops everything; the next start goes on where this one stopped.
    """
    settings = read_settings()
    logs.set_up(settings.log_level, "run")
    when_asked_to_end(_leave)
    need_safe(settings)
    with claimed(settings):
        need_port(settings)
        need_room(settings)
        if sys.stderr.isatty():
            print("Starting the database, then the desk ...", flush=True, file=sys.stderr)
        checking = start_check()  # takes as long as the database, so both at once
        with served(settings) as server:
            need_files(checking)
            engine = connect(settings, pool=1)
            need_safe_database(settings, engine)
            _bring_up(settings)
            invitation = _prepare(settings, engine)
            stop = Event()
            when_asked_to_end(stop.set)
            Thread(target=_announce, args=(settings, invitation, stop), daemon=True).start()
            supervise(
                _all_parts(settings),
                until=lambda: stop.wait(LOOK_EVERY_S),
                mend=server.mend,
                beats=lambda: _beats(engine),
                started=lambda parts: note_parts(settings, parts),
            )
            note_parts(settings, ())
            engine.dispose()
        log.info("stopped")


@app.command("web")
def web(attended: Attendance = False) -> None:
    """Serve the desk and the JSON interface."""
    with _part("web", attended) as house:
        need_port(house.settings)
        _part_of("web").serve(house)


@app.command("schedule")
def schedule(attended: Attendance = False) -> None:
    """Make the ticks and keep the streams open. On several machines one is active, the others stand by."""
    with _part("schedule", attended) as house:
        _part_of("schedule").schedule(house)


@app.command("work")
def work(
    queue: Annotated[list[str] | None, typer.Option(help=f"{', '.join(QUEUES)}; all when left out.")] = None,
    processes: Annotated[int, typer.Option(min=1, help="How many processes.")] = 1,
    attended: Attendance = False,
    name: Annotated[str, typer.Option(hidden=True)] = "work",
) -> None:
    """Work through queued jobs, in one process or several. Ctrl-C lets the jobs in hand finish first."""
    unknown = set(queue or ()) - set(QUEUES)
    if unknown:
        raise typer.BadParameter(f"there is no queue {', '.join(sorted(unknown))}", param_hint="--queue")
    queues = queue or list(QUEUES)
    if attended:
        with _part(name, attended=True) as house:
            _part_of("work").work(house, name, queues)
        return
    settings = read_settings()
    logs.set_up(settings.log_level, "work")
    need_safe(settings)
    stop = Event()
    when_asked_to_end(stop.set)
    with open_database(settings, pool=1, bring_up=_bring_up) as engine, served(settings) as server:
        need_safe_database(settings, engine)
        parts = [worker(f"work-{number}", *queues) for number in range(1, processes + 1)]
        supervise(
            parts,
            until=lambda: stop.wait(LOOK_EVERY_S),
            mend=server.mend,
            beats=lambda: _beats(engine),
            started=lambda _parts: None,
        )


def _all_parts(settings: Settings) -> list[Part]:
    """The parts of `run`. Fetching, routing and delivering share one process, so that the matcher's memory
    stays in one place; assessing has its own, because it carries the model and keeps cores busy; and so have looking
    at files and comparing with known claims, which take their time."""
    first = worker("work-1", "collect", "route", "respond")
    assessing = [worker(f"work-{number}", "assess") for number in range(2, settings.workers + 2)]
    return [
        Part("web", goldenhour("web", "--attended")),
        Part("schedule", goldenhour("schedule", "--attended")),
        first,
        *assessing,
        worker("look", "look", "claims"),
    ]


def _bring_up(settings: Settings) -> None:
    """An older database is backed up and brought up, once, by whichever process starts first."""
    engine = connect(settings, pool=1)
    present, newest = revisions(engine)
    engine.dispose()
    if present in (None, newest) or not is_known(present):
        migrate(settings)  # makes it, finds nothing to do, or says that it is a newer one
    else:  # what makes backups is loaded only then: it would stay in memory
        upgrading: Any = importlib.import_module("config.backups.upgrading")
        upgrading.upgrade(settings, clock=clock, tell=lambda said: log.info("upgrade", step=said))


def _part_of(name: str) -> Any:
    """A part's module, loaded only in the process that is that part."""
    return importlib.import_module(f"config.parts.{name}")


@contextmanager
def _part(name: str, attended: bool) -> Iterator[House]:
    """What a part stands on: settings, logs, the database. An attended part waits for it and ends with us."""
    gc.disable()  # until the part says that it is `loaded`
    settings = read_settings()
    logs.set_up(settings.log_level, name)
    need_safe(settings)
    with ExitStack() as stack:
        if attended:
            Attended().start()
            engine = _patiently(settings)
            stack.callback(engine.dispose)
        else:
            engine = stack.enter_context(open_database(settings, pool=10, bring_up=_bring_up))
        need_safe_database(settings, engine)
        yield House(settings, engine, clock)


def _patiently(settings: Settings) -> Engine:
    deadline_s = time.monotonic() + DATABASE_WITHIN_S
    while True:
        try:
            return connect(settings, pool=10)
        except DatabaseError:
            if time.monotonic() > deadline_s:
                raise
            time.sleep(0.5)


def _beats(engine: Engine) -> list[Beat] | None:
    try:
        return beats(engine)
    except SQLAlchemyError:
        log.warning("the database does not answer")
        return None


def _prepare(settings: Settings, engine: Engine) -> str | None:
    """What the database must hold before the parts start. Gives the one-time link when nobody can sign in yet."""
    now = clock()
    silence(engine)
    with Session(engine) as session:
        make_months(session, now=now)
        bring_up_sources(session, settings, now=now)
        invitation = _invite(session, now=now)
        session.commit()
    return f"{settings.address}/sign-in/{invitation}" if invitation else None


def _invite(session: Session, *, now: datetime) -> str | None:
    """A fresh one-time link as long as nobody has a password: a first link may have been lost or run out."""
    if session.exec(select(Person.id).where(col(Person.password_hash).is_not(None)).limit(1)).first():
        return None
    person = first_person(session, now=now) or find_person(session, FIRST_PERSON)
    return make_link(session, person, now=now) if person else None


def _announce(settings: Settings, invitation: str | None, stop: Event) -> None:
    """Say where the desk is as soon as it answers."""
    deadline_s = time.monotonic() + DESK_WITHIN_S
    while not stop.is_set() and time.monotonic() < deadline_s:
        try:
            create_connection((settings.web.host, settings.web.port), timeout=1).close()
        except OSError:
            stop.wait(0.1)
            continue
        print(f"Golden Hour is at {settings.address}", flush=True)
        if invitation:
            print(f"Sign in, once, with {invitation}", flush=True)
        return


def _leave() -> None:
    sys.exit(0)
