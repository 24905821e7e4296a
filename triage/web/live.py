"""News for open pages: one thread listens to PostgreSQL's `desk` channel, every browser reads one shared ring.

A page learns only that something happened to a case, never what: it asks for the piece it shows, as itself.
"""

import asyncio
import json
import secrets
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import NamedTuple
from uuid import UUID

import psycopg
import structlog
from fastapi import APIRouter, Request
from fastapi.responses import PlainTextResponse, Response, StreamingResponse
from sqlmodel import Session

from triage.hidden import sees
from triage.records import Person

log = structlog.get_logger()

CHANNEL = "desk"
RING = 512
BEAT_S = 15.0
LONGEST_S = 600.0  # then the browser comes back by itself, and is checked again
MOST_STREAMS = 1000
RETRY_S = 2.0

router = APIRouter(include_in_schema=False)


class Frame(NamedTuple):
    """What is sent, encoded once for all. `kept` is the case it is about when not everybody sees that."""

    sent: bytes
    kept: UUID | None = None


class Hub:
    """The ring of the last frames, and who waits for the next."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.streams = 0
        self.connected = False
        self._lost_at = datetime.now(UTC)
        self._run = secrets.token_hex(4)
        self._ring: deque[Frame] = deque(maxlen=RING)
        self._count = 0
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._bell = asyncio.Event()
        self._thread = threading.Thread(target=self._listen, name="desk-listen", daemon=True)

    def open(self, loop: asyncio.AbstractEventLoop) -> None:
        """Start listening, waking streams on this loop."""
        self._loop = loop
        self._thread.start()

    def close(self) -> None:
        """End every stream and the listening thread; called before the server waits for its connections."""
        self._closed.set()
        self._wake()

    def publish(self, event: str, payload: dict[str, str], kept: UUID | None = None) -> None:
        """Put one frame into the ring and wake every stream. From any thread."""
        with self._lock:
            self._count += 1
            self._ring.append(Frame(_frame(event, payload, f"{self._run}-{self._count}"), kept))
        self._wake()

    async def stream(self, may_see: Callable[[UUID], bool], last: str = "") -> AsyncIterator[bytes]:
        """Frames from now on, a beat when there are none. Ends by itself after ten minutes. `may_see` is asked about
        cases that not everybody sees. `last` is the id of the frame this browser heard last: it goes on after it."""
        loop = asyncio.get_running_loop()
        known = self._heard(last)
        seen, until = self._count if known is None else known, loop.time() + LONGEST_S
        self.streams += 1
        try:
            yield b"retry: 2000\n\n" + self._state() + (RESYNC if last and known is None else b"")
            while loop.time() < until and not self._closed.is_set():
                if self._count == seen and not await self._rung():
                    yield b": beat\n\n"
                    continue
                frames, seen = self._since(seen)
                for kept in {each.kept for each in frames if each.kept is not None}:
                    if not await asyncio.to_thread(may_see, kept):
                        frames = [each for each in frames if each.kept != kept]
                if frames:
                    yield b"".join(each.sent for each in frames)
        finally:
            self.streams -= 1

    @property
    def mark(self) -> str:
        """The id of the last frame: a page made from here on shows all that came before."""
        return f"{self._run}-{self._count}"

    def _heard(self, last: str) -> int | None:
        """How many frames a browser has heard, by the last one's id; None when this hub does not know it."""
        run, _, count = last.partition("-")
        known = run == self._run and count.isdecimal() and len(count) < 19 and int(count) <= self._count
        return int(count) if known else None

    async def _rung(self) -> bool:
        bell = self._bell
        try:
            await asyncio.wait_for(bell.wait(), BEAT_S)
        except TimeoutError:
            return False
        return True

    def _since(self, seen: int) -> tuple[Sequence[Frame], int]:
        with self._lock:
            missed = self._count - seen
            if missed > len(self._ring):  # it fell too far behind: the page looks for itself
                return [Frame(RESYNC)], self._count
            return list(islice(self._ring, len(self._ring) - missed, None)), self._count

    def _state(self) -> bytes:
        return HELLO if self.connected else _frame("stale", {"since": self._lost_at.isoformat()})

    def _wake(self) -> None:
        if self._loop is None or self._loop.is_closed():
            return
        self._loop.call_soon_threadsafe(self._ring_bell)

    def _ring_bell(self) -> None:
        rung, self._bell = self._bell, asyncio.Event()
        rung.set()

    def _listen(self) -> None:
        while not self._closed.is_set():
            try:
                self._listen_once()
            except psycopg.Error as error:
                if not self._closed.is_set():
                    log.warning("live updates lost", error=type(error).__name__)
            if self.connected:
                self.connected, self._lost_at = False, datetime.now(UTC)
                self.publish("stale", {"since": self._lost_at.isoformat()})
            self._closed.wait(RETRY_S)

    def _listen_once(self) -> None:
        with psycopg.connect(self.address, autocommit=True, connect_timeout=10) as connection:
            connection.execute(f"LISTEN {CHANNEL}")
            self.connected = True
            self.publish("resync", {})
            while not self._closed.is_set():
                for notify in connection.notifies(timeout=0.5):
                    told = news(notify.payload)
                    self.publish("case", told, kept_of(notify.payload, told))


def _frame(event: str, payload: dict[str, str], name: str = "") -> bytes:
    named = f"id: {name}\n" if name else ""
    return f"event: {event}\n{named}data: {json.dumps(payload)}\n\n".encode()


HELLO, RESYNC = _frame("hello", {}), _frame("resync", {})


def news(payload: str) -> dict[str, str]:
    """What a notification says, `{"kind", "case"}`; both empty when it cannot be read."""
    try:
        told = json.loads(payload)
        kind, case = str(told.get("kind", "")), str(told.get("case_id") or told.get("case") or "")
        return {"kind": kind, "case": str(UUID(case)) if case else ""}
    except (ValueError, AttributeError):
        return {"kind": "", "case": ""}


def kept_of(payload: str, told: dict[str, str]) -> UUID | None:
    """The case, when the notification says that not everybody sees it."""
    return UUID(told["case"]) if told["case"] and json.loads(payload).get("kept") else None


@router.get("/live")
async def live(request: Request) -> Response:
    """Server-sent events: `case` (something happened to it), `resync` (look again), `stale` (we hear nothing since)."""
    room, me = request.app.state.room, request.state.visitor.person.id
    hub: Hub = room.hub
    if hub.streams >= MOST_STREAMS:
        return PlainTextResponse("Too many pages are open.", 503, {"Retry-After": "30"})

    def may_see(case: UUID) -> bool:
        with Session(room.engine) as session:
            person = session.get(Person, me)
            return person is not None and sees(session, person, case)

    buffered_by_no_proxy = {"X-Accel-Buffering": "no", "Cache-Control": "no-store"}
    return StreamingResponse(
        hub.stream(may_see, request.headers.get("last-event-id") or request.query_params.get("after", "")),
        media_type="text/event-stream",
        headers=buffered_by_no_proxy,
    )
