"""A lane: the jobs of one queue, worked through by this process beside its other lanes.

Lanes share one event loop and one set of connections; jobs run in threads. A lane whose connection
dies starts over until the database is back. How a job ended is written until the database has it: a job that stays
"being done" by a worker that lives would be nobody's, and hold up all that wait for its lock.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import psycopg
import structlog
from procrastinate import App, JobContext
from procrastinate.exceptions import ConnectorException
from procrastinate.manager import JobManager
from procrastinate.worker import Worker

log = structlog.get_logger()

POLL_S = 1.0
# The engine does not notice a job left while it takes its last look until the next; alerts do not wait so long.
POLLS_S = {"respond": 0.2}
ENGINE_BEAT_S = 2.0
STALLED_AFTER_S = 12.0
SHORTEST_PAUSE_S = 0.2
LONGEST_PAUSE_S = 5.0
LONGEST_JOB_S = 180.0
WRITTEN_WITHIN_S = 8.0  # of the end of a job; before others may take its worker for dead
SPARE_THREADS = 4  # for the loop's own needs, such as looking up names

# Fetches and deliveries wait for others; assessing and routing keep a core busy, one at a time.
AT_ONCE = {"collect": 64, "assess": 1, "route": 1, "respond": 4, "look": 1, "claims": 1}


class Ends(JobManager):
    """Writes how jobs ended, again and again while the database does not take it. `lost` is set once one could not be
    written: its worker has to go, so that the job is taken for a dead worker's."""

    def __init__(self, app: App) -> None:
        super().__init__(app.connector)
        self.lost = asyncio.Event()

    async def finish_job(self, *given: Any, **named: Any) -> None:
        await self._written(super().finish_job, *given, **named)

    async def retry_job(self, *given: Any, **named: Any) -> None:
        await self._written(super().retry_job, *given, **named)

    async def _written(self, write: Callable[..., Awaitable[None]], *given: Any, **named: Any) -> None:
        until_s = time.monotonic() + WRITTEN_WITHIN_S
        while True:
            try:
                return await write(*given, **named)
            except ConnectorException as error:
                if isinstance(error.__cause__, psycopg.errors.RaiseException):
                    return None  # written already and the answer got lost, or taken for a dead worker's meanwhile
                if time.monotonic() > until_s:
                    self.lost.set()
                    raise
            await asyncio.sleep(SHORTEST_PAUSE_S)


class LostError(Exception):
    """How a job ended could not be written."""


class Lanes:
    """The lanes of one process. `stop` may be called from any thread; the running jobs are finished first."""

    def __init__(self, app: App, queues: Sequence[str], **at_once: int) -> None:
        """`at_once` says for a queue how many of its jobs run together, where that is not as usual."""
        self.app = app
        self.ends = app.job_manager = Ends(app)
        self.at_once = {**AT_ONCE, **at_once}
        self.queues = tuple(queues)
        self.asked = False
        self.loop: asyncio.AbstractEventLoop | None = None
        self.stopping = asyncio.Event()
        self.turned_s = time.monotonic()
        self.begun_s: dict[int, float] = {}

    def work(self) -> None:
        """Work until stopped."""
        asyncio.run(self._work())

    def stop(self) -> None:
        self.asked = True
        if self.loop is not None and not self.loop.is_closed():
            self.loop.call_soon_threadsafe(self.stopping.set)

    def alive(self) -> bool:
        """Whether the loop that hands out the jobs turns, and no job has been at it for three minutes."""
        now_s = time.monotonic()
        stuck = any(now_s - begun_s > LONGEST_JOB_S for begun_s in tuple(self.begun_s.values()))
        return not stuck and now_s - self.turned_s < 5 * POLL_S

    async def _work(self) -> None:
        self.loop = asyncio.get_running_loop()
        # as many threads as jobs may run together: with fewer, fetches that hang would hold up deliveries
        threads = sum(self.at_once[queue] for queue in self.queues)
        self.loop.set_default_executor(ThreadPoolExecutor(threads + SPARE_THREADS, thread_name_prefix="lane"))
        pause_s = SHORTEST_PAUSE_S
        turning = asyncio.create_task(self._turn())
        while not self.asked:
            begun_s = time.monotonic()
            try:
                await self._open_and_work()
            except Exception as error:  # noqa: BLE001 - the engine's errors have no common ancestor
                log.warning("lanes broke off, starting over", because=type(error).__name__)
            pause_s = SHORTEST_PAUSE_S if time.monotonic() - begun_s > LONGEST_PAUSE_S else 2 * pause_s
            with suppress(TimeoutError):
                await asyncio.wait_for(self.stopping.wait(), min(pause_s, LONGEST_PAUSE_S))
        turning.cancel()

    async def _turn(self) -> None:
        while True:
            self.turned_s = time.monotonic()
            await asyncio.sleep(POLL_S)

    async def _open_and_work(self) -> None:
        """All lanes until asked to stop, or until the first breaks off: then all start over together."""
        try:
            await self.app.open_async()
            lanes = [asyncio.create_task(self._lane(queue), name=queue) for queue in self.queues]
            self.ends.lost.clear()
            asked = asyncio.create_task(self.stopping.wait())
            lost = asyncio.create_task(self.ends.lost.wait())
            done, _ = await asyncio.wait([*lanes, asked, lost], return_when=asyncio.FIRST_COMPLETED)
            for waiting in (asked, lost):
                waiting.cancel()
            for lane in lanes:
                lane.cancel()  # finishes its running job first
            ended = await asyncio.gather(*lanes, return_exceptions=True)
            broke = [each for each in ended if isinstance(each, Exception)]
            if asked not in done and (broke or lost in done):
                raise broke[0] if broke else LostError
        finally:
            await self.app.close_async()

    async def _lane(self, queue: str) -> None:
        await self.app.run_worker_async(
            queues=[queue],
            name=queue,
            concurrency=self.at_once[queue],
            install_signal_handlers=False,
            fetch_job_polling_interval=POLLS_S.get(queue, POLL_S),
            update_heartbeat_interval=ENGINE_BEAT_S,
            stalled_worker_timeout=STALLED_AFTER_S,
            delete_jobs="successful",
            worker_middleware=[self._watched],
        )

    async def _watched(
        self, job: Callable[[], Awaitable[Any]], context: JobContext, _worker: Worker | None
    ) -> Any:
        number = context.job.id or 0
        self.begun_s[number] = time.monotonic()
        try:
            return await job()
        finally:
            del self.begun_s[number]
