"""Listening: keeps the stream of a source open and leaves what could be ours, and the place reached, in one commit.

A crash between two commits only means that the stream is read again from the last place; the same post is
never stored twice. What the stream may have held while we did not hear it becomes a gap.
"""

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from random import SystemRandom
from threading import Event
from typing import NamedTuple, Protocol

import msgspec
import structlog
from sqlalchemy import Engine, update
from sqlalchemy.exc import DataError, InterfaceError, OperationalError
from sqlmodel import Session, col

from collector.batch import Batch, Malformed, Missed
from collector.collect import collect
from collector.errors import Closed, FetchError, Refused, Unreadable
from collector.http import Http
from collector.moments import moment
from collector.prefilter import Prefilter
from collector.records import Cursor, SourceRow
from collector.settings import HttpSettings
from collector.sieve import Sieve
from collector.sources.jetstream import Place
from collector.stream import COUNTS_ANEW, TOO_OLD, UNKNOWN, Asked, Lost, Route, fetch_dictionary, missed
from collector.websocket import open_websocket

log = structlog.get_logger()

Brought = Callable[[str, Batch, datetime], None]


class Frames(Protocol):
    """An open stream: the frames that have come, in order, none when nothing comes in time. Left when done with."""

    def messages(self, timeout_s: float) -> list[bytes]: ...


Connect = Callable[[str, HttpSettings], AbstractContextManager[Frames]]

WAIT_S = 0.05  # for the next frames; also how soon a stop is noticed
BREATH_S = 0.01  # where frames come one by one, some may gather: waking up costs more than reading them
FEW = 32
FLUSH_AT = 2_000
FLUSH_BEHIND_S = 0.5
MOVE_EVERY_S = 1.0  # the place and deletions, while nothing is kept that somebody waits for
TELL_EVERY_S = 1.0
NOTE_EVERY_S = 5.0
CATCHING_UP = timedelta(seconds=5)
BEHIND = timedelta(seconds=60)
LONGEST_PAUSE_S = 60.0
TRIES_A_SERVER = 3
NOT_SPOKEN = (400, 404, 405, 501)  # how a server says that it does not know version 2

_dice = SystemRandom()


class Hearing(NamedTuple):
    """How the listening goes: `state` is "ok" or says what is wrong; `lag` is how old the last event was."""

    state: str
    lag: timedelta | None
    events: int


def listen(
    engine: Engine,
    source: str,
    urls: Sequence[str],
    *,
    prefilter: Prefilter,
    http: Http,
    author_key: bytes,
    stop: Event,
    clock: Callable[[], datetime],
    heard: Callable[[Hearing], None] = lambda _hearing: None,
    flush_s: float = WAIT_S,
    packed: bool = True,
    brought: Brought = lambda _source, _batch, _at: None,
    connect: Connect = open_websocket,
) -> None:
    """Listen until `stop` is set. `urls` are servers of the same stream, the preferred one first.

    `heard` is called about once a second, also while nothing comes; `brought` with what was stored, after the
    commit. `connect` opens a stream at an address. Two listeners on one source do no harm: each moves the place
    only over what it has stored itself. Raises Forbidden for a wrong address.
    """
    routes = [Route.of(url, packed=packed) for url in urls]
    parts = Parts(engine, prefilter, http, author_key, clock, brought, connect)
    Listener(source, routes, parts, heard, flush_s).run(stop)


class Parts(NamedTuple):
    """What a listener works with. `author_key` is the key authors are digested with."""

    engine: Engine
    prefilter: Prefilter
    http: Http
    author_key: bytes
    clock: Callable[[], datetime]
    brought: Brought
    connect: Connect


class Listener:
    """One source's stream, opened again and again. Lives in one thread."""

    def __init__(
        self,
        source: str,
        routes: list[Route],
        parts: Parts,
        heard: Callable[[Hearing], None],
        flush_s: float,
    ) -> None:
        self.source, self.routes, self.parts = source, routes, parts
        self.heard, self.flush_s = heard, flush_s
        self.failures = self.events = 0
        self.lag: timedelta | None = None
        self.because: str | None = None  # why something was missed for certain, until that is written down
        self.told_s = self.noted_s = float("-inf")

    @property
    def route(self) -> Route:
        return self.routes[0]

    def run(self, stop: Event) -> None:
        """Listen until asked to stop, whatever happens to the servers or to the database."""
        while not stop.is_set():
            try:
                self._open(stop)
            except FetchError as error:
                self._choose(error)
                self._rest(stop, error.cause, error.remedy)
            except (OperationalError, InterfaceError):
                self.failures += 1
                self._rest(stop, "the database does not answer", None)

    def _open(self, stop: Event) -> None:
        """One connection, from the stored place until it ends or we are asked to stop."""
        self._tell("connecting")
        since, moved_at = self._stored()
        asked = self.route.ask(since, by_time=self.because is not None)
        dictionary = fetch_dictionary(self.parts.http, self.route, now=self.parts.clock())
        sieve = Sieve(self.parts.prefilter, dictionary)
        with self.parts.connect(self.route.address(asked, dictionary), self.parts.http.settings) as socket:
            log.info("stream open", source=self.source, server=self.route.host, version=self.route.version)
            gaps = self._arrive(socket, sieve, asked, since, moved_at, stop)
            self._hear(socket, sieve, gaps, stop)

    def _arrive(
        self,
        socket: Frames,
        sieve: Sieve,
        asked: Asked,
        since: Place | None,
        moved_at: datetime | None,
        stop: Event,
    ) -> list[Missed]:
        """Wait for the first event; what lies between it and our place may have been missed."""
        while not stop.is_set():
            sieve.pour(socket.messages(WAIT_S))
            self._tell("ok" if sieve.events else "waiting for the first event")
            first = sieve.first_place(self.route.host)
            if first is not None:
                gap = missed(asked, since, first, moved_at=moved_at, because=self.because)
                return [gap] if gap else []
            self._complain(sieve)
        return []

    def _hear(self, socket: Frames, sieve: Sieve, gaps: list[Missed], stop: Event) -> None:
        """Take in frames and store what they leave, until the connection ends or we are asked to stop."""
        held_s = flushed_s = time.monotonic()
        rests = False
        try:
            while not stop.is_set():
                if gaps or (rests and sieve.kept) or self._is_due(sieve, held_s, flushed_s):
                    self._flush(sieve, gaps)
                    gaps, flushed_s = [], time.monotonic()
                self._complain(sieve)
                if not sieve.kept:
                    held_s = time.monotonic()
                frames = socket.messages(WAIT_S)
                sieve.pour(frames)
                rests = not frames
                self._tell(self._state())
                if 0 < len(frames) < FEW:
                    time.sleep(BREATH_S)
        except FetchError:
            self._flush(sieve, gaps)  # a server that always breaks off early must not keep us in one place
            raise
        self._flush(sieve, gaps)

    def _is_due(self, sieve: Sieve, held_s: float, flushed_s: float) -> bool:
        """Whether it is time to store: posts soon when live, in larger parts while catching up; the rest can wait."""
        now_s = time.monotonic()
        if len(sieve) >= FLUSH_AT:
            return True
        if sieve.kept:
            behind = self.lag is not None and self.lag > CATCHING_UP
            return now_s - held_s >= (FLUSH_BEHIND_S if behind else self.flush_s)
        return sieve.moved and now_s - flushed_s >= MOVE_EVERY_S

    def _flush(self, sieve: Sieve, gaps: list[Missed]) -> None:
        """Posts, deletions, gaps, tallies and the place, in one commit."""
        now = self.parts.clock()
        place = sieve.place(self.route.host)
        batch = sieve.batch(place, gaps)
        try:
            self._store(batch, now)
        except DataError:
            self._store_singly(batch, now)
        sieve.empty()
        self.events = sieve.events
        self.failures, self.because = 0, None
        at = moment(place.time_us) if place else None
        self.lag = now - at if at else self.lag

    def _store(self, batch: Batch, now: datetime) -> None:
        with Session(self.parts.engine) as session:
            prefilter, key = self.parts.prefilter, self.parts.author_key
            collected = collect(session, self.source, batch, prefilter, author_key=key, now=now)
            if time.monotonic() - self.noted_s > NOTE_EVERY_S or collected.stored:
                self._note(session, now)
            session.commit()
        self.parts.brought(self.source, batch, now)

    def _store_singly(self, batch: Batch, now: datetime) -> None:
        """One by one when the database refuses a value: only the bad post is left out, and named."""
        malformed = list(batch.malformed)
        for item in batch.items:
            try:
                self._store(Batch(items=[item]), now)
            except DataError as error:
                malformed.append(Malformed(item.external_id, type(error.orig).__name__))
        rest = msgspec.structs.replace(batch, items=[], malformed=malformed)
        self._store(rest, now)

    def _stored(self) -> tuple[Place | None, datetime | None]:
        """The place to go on from, and when it was last moved; neither before the first time."""
        with Session(self.parts.engine) as session:
            cursor = session.get(Cursor, self.source)
        if cursor is None:
            return None, None
        place = Place.of(cursor.position)
        if place is None and cursor.position:
            self.because = UNKNOWN
        return place, cursor.moved_at

    def _choose(self, error: FetchError) -> None:
        """What to try next after an error: the same server, another way to ask it, or another server."""
        route = self.route
        refused = error.cause if isinstance(error, Refused) else ""
        if isinstance(error, Lost) or "FutureCursor" in refused:
            self.because = COUNTS_ANEW
        elif "CursorTooOld" in refused:
            self.because = TOO_OLD
        elif route.packed and (isinstance(error, Unreadable) or "ZstdDictionary" in refused):
            self.routes[0] = route._replace(packed=False)
        elif route.version == 2 and isinstance(error, Refused) and error.status in NOT_SPOKEN:
            self.routes[0] = route._replace(version=1)
        else:
            self.failures += 1
            if self.failures % TRIES_A_SERVER == 0:
                self.routes.append(self.routes.pop(0))

    def _rest(self, stop: Event, cause: str, remedy: str | None) -> None:
        """Leave the servers alone for a while: longer each time, and never all of us at once."""
        log.warning("stream broke off", source=self.source, because=cause, failures=self.failures)
        self._tell(cause, now=True)
        if remedy is not None and self.failures:
            self._note_failure(cause, remedy)
        pause_s = min(2.0 ** min(self.failures - 1, 10), LONGEST_PAUSE_S) * _dice.uniform(0.5, 1.5)
        until_s = time.monotonic() + pause_s
        while not stop.wait(min(TELL_EVERY_S, max(0.0, until_s - time.monotonic()))):
            self._tell(cause)
            if time.monotonic() >= until_s:
                return

    def _complain(self, sieve: Sieve) -> None:
        for notice in sieve.notices:
            log.info("stream says", source=self.source, notice=notice[:100])
        sieve.notices.clear()
        if sieve.errors:
            raise Closed(f"{self.route.host}: the stream ended with {sieve.errors[0][:100]}")

    def _state(self) -> str:
        if self.lag is not None and self.lag > BEHIND:
            return f"behind by {self.lag.total_seconds():.0f} s"
        return "ok"

    def _tell(self, state: str, *, now: bool = False) -> None:
        if now or time.monotonic() - self.told_s >= TELL_EVERY_S:
            self.told_s = time.monotonic()
            self.heard(Hearing(state, self.lag, self.events))

    def _note(self, session: Session, now: datetime) -> None:
        """That the source does well, on its row: seen on its page, and by the alarm for silence."""
        self.noted_s = time.monotonic()
        well = {"last_tried_at": now, "last_success_at": now, "failures": 0, "error": None, "remedy": None}
        session.execute(update(SourceRow).where(col(SourceRow.name) == self.source).values(well))

    def _note_failure(self, cause: str, remedy: str) -> None:
        ill = {
            "last_tried_at": self.parts.clock(),
            "failures": self.failures,
            "error": cause[:500],
            "remedy": remedy,
        }
        try:
            with Session(self.parts.engine) as session:
                session.execute(update(SourceRow).where(col(SourceRow.name) == self.source).values(ill))
                session.commit()
        except (OperationalError, InterfaceError):
            log.warning("stream waits for the database", source=self.source)
