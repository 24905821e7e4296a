"""A campaign: processes of a running service are killed at random moments while a world of numbered posts goes on.

Each blow is recorded with the proof that it hit: the process was there, was gone after, and what it was in the
middle of. For that the victim is often stopped first and looked at, then killed as it stands.
"""

import os
import signal
import socket
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from random import Random
from threading import Event, Thread
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from config.database import DatabaseError, connect
from config.leader import LEADER_LOCK
from tests.faults.service import Service, gone, wait_until
from tests.faults.world import World

KINDS = ("web", "schedule", "listen", "work-1", "work-2", "run", "postgres")
PROCESS = {"listen": "schedule"}  # the stream is heard by threads of the leading schedule
CATCH_FOR_S = 3.0
BACK_WITHIN_S = 180.0
LIVELY = 20  # posts in a paced step

DOING = (  # jobs begun by a worker since the last kill that could have cost it one
    "SELECT count(*) FROM procrastinate_jobs j WHERE j.status = 'doing' AND j.queue_name {queues} AND EXISTS"
    " (SELECT FROM procrastinate_events e WHERE e.job_id = j.id AND e.type = 'started' AND e.at > :since)"
)
AT_WORK = {
    "work-1": DOING.format(queues="IN ('collect', 'route', 'respond')"),
    "work-2": DOING.format(queues="= 'assess'"),
    "schedule": f"SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = {LEADER_LOCK} AND granted",
    "postgres": "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'"
    " AND state <> 'idle' AND pid <> pg_backend_pid()",
}
HEARD = "SELECT coalesce(max(split_part(position, ' ', 3)::bigint), 0) FROM cursors WHERE source = 'stream'"
ROUTED = "SELECT count(*) FROM routings"


class Blow(NamedTuple):
    """One kill. `mid_act` when the victim was seen in the middle of something, `behind` the posts not yet routed."""

    kind: str
    at: datetime
    mid_act: bool
    behind: int | None
    hit: bool


class Sample(NamedTuple):
    """A cursor, and in the same moment how many of the posts up to it were stored."""

    source: str
    mark: int
    stored: int


class Watch(Thread):
    """Looks again and again at the cursors and at what is stored, in one snapshot."""

    def __init__(self, service: Service, world: World) -> None:
        super().__init__(daemon=True)
        self.service, self.world, self.samples, self.ended = service, world, set[Sample](), Event()

    def run(self) -> None:
        while not self.ended.wait(1):
            with suppress(DBAPIError, DatabaseError):
                self.look()

    def look(self) -> None:
        engine = connect(self.service.settings, pool=1)
        try:
            with engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
                rows = connection.execute(text("SELECT source, position, etag FROM cursors")).all()
                for source, position, etag in rows:
                    mark = mark_of(source, position, etag)
                    numbers = self.world.up_to(source, mark)
                    stored = connection.execute(STORED, {"source": source, "last": max(numbers, default=-1)})
                    self.samples.add(Sample(source, mark, stored.scalar_one()))
        finally:
            engine.dispose()

    def end(self) -> set[Sample]:
        self.ended.set()
        self.join()
        return self.samples


STORED = text(
    "SELECT count(*) FROM posts WHERE source = :source AND substring(external_id FROM '[0-9]+$')::int <= :last"
)


def mark_of(source: str, position: str | None, etag: str | None) -> int:
    """A cursor as the world counts: a sequence, an id, or how many entries a paper had published."""
    if source == "stream":
        return int((position or "v2 - 0").split()[2])
    if source == "social":
        return int(position or 0)
    return int((etag or 'W/"0-').removeprefix('W/"').partition("-")[0])


def play(service: Service, world: World, *, kills: int, seed: int) -> list[Blow]:
    """Publish everything, with the kills and the sources' own faults spread over it."""
    dice = Random(seed)
    slice_ = len(world.texts) // kills
    blows: list[Blow] = []
    began = datetime.now(UTC)
    for number, kind in enumerate(order(kills, dice)):
        world.hurt()
        world.hurt()
        for _ in range(slice_ // LIVELY // 2):
            world.publish(LIVELY)
            time.sleep(dice.uniform(0.01, 0.05))
        time.sleep(dice.uniform(0, 1))
        if kind == "listen":  # what its server then forgets is to be little
            world.publish_in("stream")
            wait_until(lambda: heard(service) >= world.published["stream"][-1].mark, BACK_WITHIN_S)
            world.publish(LIVELY)
        since = max((blow.at for blow in blows if blow.kind in (kind, "run", "postgres")), default=began)
        blows.append(strike(service, world, kind, since, catch=number % 3 > 0))
        if kind == "listen":
            world.forget()
        if kind == "work-1":
            world.overflow(dice.choice(list(world.papers)))
        if kind == "run":
            assert service.process is not None
            service.process.wait()
            service.start()
        world.publish((number + 1) * slice_ - world.next)
    return blows


def order(kills: int, dice: Random) -> list[str]:
    """Each kind as often as any other, in random order."""
    found: list[str] = []
    while len(found) < kills:
        found += dice.sample(KINDS, len(KINDS))
    return found[:kills]


def strike(service: Service, world: World, kind: str, since: datetime, *, catch: bool) -> Blow:
    """Kill -9. With `catch` in the middle of something, if such a moment comes within some seconds.

    `since` is before its present process began, and after its last one ended.
    """
    name = PROCESS.get(kind, kind)
    wait_until(lambda: service.postgres() is not None and pid_of(service, name) is not None, BACK_WITHIN_S)
    until = time.monotonic() + CATCH_FOR_S
    while True:
        pid = pid_of(service, name)
        behind = None if kind == "postgres" and not catch else ask(service, ROUTED)
        if pid is None:
            wait_until(lambda: pid_of(service, name) is not None, BACK_WITHIN_S)
            continue
        mid_act, finish = catch_at_work(service, world, kind, pid, since)
        if mid_act or not catch or time.monotonic() > until:
            break
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)
        time.sleep(0.02)
    alive = not gone(pid)
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: gone(pid), 10)
    mid_act = finish() if mid_act else False
    return Blow(kind, datetime.now(UTC), mid_act, None if behind is None else world.next - behind, alive)


def pid_of(service: Service, name: str) -> int | None:
    assert service.process is not None
    return {"postgres": service.postgres(), "run": service.process.pid, **service.parts()}.get(name)


def catch_at_work(
    service: Service, world: World, kind: str, pid: int, since: datetime
) -> tuple[bool, Callable[[], bool]]:
    """Stop the victim and see whether it is in the middle of something; how to make sure once it is gone."""
    if kind == "run":
        return len(service.parts()) > 3, lambda: True
    if kind != "postgres":
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGSTOP)
    if kind == "web":
        return _asked(service)
    if kind == "listen":
        return world.published["stream"][-1].mark > heard(service), lambda: True
    return bool(ask(service, AT_WORK[kind], since=since)), lambda: True


def _asked(service: Service) -> tuple[bool, Callable[[], bool]]:
    """A request that the stopped desk has before it, and that must then go unanswered."""
    try:
        visitor = socket.create_connection(("127.0.0.1", service.port), timeout=5)
        visitor.sendall(b"GET /sign-in HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
    except OSError:
        return False, lambda: False

    def unanswered() -> bool:
        with visitor, suppress(OSError):
            return visitor.recv(1) == b""
        return True

    return True, unanswered


def heard(service: Service) -> int:
    """How far into the stream the cursor stands; -1 while nobody can say."""
    found = ask(service, HEARD)
    return -1 if found is None else found


def ask(service: Service, question: str, **values: object) -> int | None:
    """A number from the database; None while it does not answer."""
    try:
        engine = connect(service.settings, pool=1)
    except DatabaseError:
        return None
    try:
        with engine.connect() as connection:
            return int(connection.execute(text(question), values).scalar_one())
    except DBAPIError:
        return None
    finally:
        engine.dispose()


def tally_of(blows: list[Blow]) -> dict[str, str]:
    """For each kind how many kills there were and how many hit in the middle of something."""
    kinds, mid_act = (
        Counter(blow.kind for blow in blows),
        Counter(blow.kind for blow in blows if blow.mid_act),
    )
    return {kind: f"{mid_act[kind]} of {kinds[kind]} mid-act" for kind in KINDS}
