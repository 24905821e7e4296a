"""The wiring: which queue does what with which parts, how often it tries, and what becomes of what fails.

`config/queues/<queue>.py` builds the parts of one queue, and is loaded only where that queue is worked
through: a process that fetches never carries the model.
"""

import gc
import importlib
import sys
import traceback
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import wraps
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
import structlog
from procrastinate import App, BaseRetryStrategy, JobContext, PsycopgConnector, RetryDecision
from procrastinate.jobs import Job
from psycopg_pool import AsyncConnectionPool
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError, InterfaceError, InvalidRequestError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnectionFreeError
from sqlmodel import Session

from collector.jobs import QUEUES
from collector.records import Failure
from config.database import hung_up, plain_url
from config.drain import work_until_empty
from config.settings import Settings

log = structlog.get_logger()

# How long a thread keeps computing when another waits for its turn. An alert on its way asks the database some twenty
# times, beside a thread that routes: each time it would wait for the five milliseconds that are usual.
TURN_S = 0.001
TRIES = 6
LONGEST_WAIT_S = 120
ENDED_AT_ONCE = (
    "This connection is closed"  # what SQLAlchemy says when the server also ends the one made in its place
)
OURS = {"collector", "classifier", "triage", "responders", "config"}
ROOT = Path(__file__).resolve().parent.parent


__all__ = ["House", "Task", "build", "clock", "in_short", "is_away", "loaded", "work_until_empty"]


class House(NamedTuple):
    """What every queue is built from."""

    settings: Settings
    engine: Engine
    clock: Callable[[], datetime]


class Task(NamedTuple):
    """One kind of job. `work` takes the job's arguments; it commits what it does.

    A task with `each` set names the argument that lists many subjects: when such a job fails it is
    halved until only what is really bad fails, alone. `along` does the same work and takes the subjects of other
    waiting jobs along; a job that was tried before does without, so that none is blamed for another.
    """

    work: Callable[..., None]
    each: str | None = None
    along: Callable[..., None] | None = None


def clock() -> datetime:
    return datetime.now(UTC)


def loaded() -> None:
    """A part has loaded what it works with, and that stays for good: looking through it for garbage again and again
    would hold up all that the part does at once."""
    gc.collect()
    gc.freeze()
    gc.enable()
    sys.setswitchinterval(TURN_S)


def tasks_of(queue: str, house: House) -> dict[str, Task]:
    """The tasks of one queue by name, with their parts built and ready."""
    module = importlib.import_module(f"config.queues.{queue}")
    built: dict[str, Task] = module.tasks(house)
    return built


def build(house: House, queues: Sequence[str] = QUEUES) -> App:
    """The engine with the tasks of these queues. Building loads what they need, such as the model."""
    app = App(connector=connector(house.settings))
    for queue in queues:
        for name, task in tasks_of(queue, house).items():
            register(app, house, queue, name, task)
    return app


def register(app: App, house: House, queue: str, name: str, task: Task) -> None:
    """Make a task known to the engine, with our manner of failing."""
    wrapped = _dividing(house, name, task) if task.each else _trying(house, name, task)
    app.task(name=name, queue=queue, pass_context=True, retry=Patience())(wrapped)


def connector(settings: Settings) -> PsycopgConnector:
    """The engine's own connections: few, and quick to say that the database is away."""
    return PsycopgConnector(
        conninfo=plain_url(settings),
        min_size=1,
        max_size=8,
        timeout=10,
        kwargs={"connect_timeout": 5, "application_name": "goldenhour engine"},
        configure=_without_transactions,
        pool_factory=_pool,
    )


def _pool(*, check: object, **known: Any) -> AsyncConnectionPool:  # noqa: ARG001  # the engine's own asks each time
    return AsyncConnectionPool(check=_look_at, **known)


async def _look_at(connection: psycopg.AsyncConnection[Any]) -> None:
    if hung_up(connection):
        await AsyncConnectionPool.check_connection(connection)


async def _without_transactions(connection: psycopg.AsyncConnection[Any]) -> None:
    """The engine says all it says in single statements: a transaction around each would cost it three."""
    await connection.set_autocommit(True)


class Patience(BaseRetryStrategy):
    """Tries again after 2, 4, 8 ... seconds, six times; without end while the database is away."""

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        if job.attempts + 1 >= TRIES and not is_away(exception):
            return None
        wait_s = min(2 ** min(job.attempts + 1, 10), LONGEST_WAIT_S)
        return RetryDecision(retry_in={"seconds": wait_s})


def is_away(error: BaseException) -> bool:
    """Whether an error says that the database did not answer or asks to try again, so that no item is to blame."""
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return True
    if isinstance(error, InvalidRequestError) and str(error) == ENDED_AT_ONCE:
        return True
    return isinstance(
        error, OperationalError | InterfaceError | psycopg.OperationalError | NoConnectionFreeError
    )


def _trying(house: House, name: str, task: Task) -> Callable[..., None]:
    """A job about one subject: tried again, and left as a Failure when nothing helps."""

    @wraps(task.work)
    def work(context: JobContext, **arguments: Any) -> None:
        try:
            task.work(**arguments)
        except Exception as error:
            if not is_away(error) and context.job.attempts + 1 >= TRIES:
                _leave(house, name, arguments, error)
            else:
                log.warning("job failed, will be tried again", task=name, error=in_short(error))
            raise

    return work


def _dividing(house: House, name: str, task: Task) -> Callable[..., None]:
    """A job about many subjects: one that cannot be worked through never holds up the others."""
    each = str(task.each)

    @wraps(task.work)
    def first(context: JobContext, **arguments: Any) -> None:
        if task.along is None or context.job.attempts:
            return work(context, **arguments)
        try:
            task.along(**arguments)
        except Exception as error:
            if is_away(error):
                raise
            log.warning("batch failed, doing it by itself", task=name, error=in_short(error))
            work(context, **arguments)

    def work(_context: JobContext, **arguments: Any) -> None:
        subjects = arguments[each]
        try:
            task.work(**arguments)
        except Exception as error:
            if is_away(error):
                raise
            if len(subjects) == 1:
                _leave(house, name, arguments, error)
                return
            log.warning("batch failed, halving it", task=name, size=len(subjects), error=in_short(error))
            middle = len(subjects) // 2
            for part in (subjects[:middle], subjects[middle:]):
                work(_context, **{**arguments, each: part})

    return first


def _leave(house: House, name: str, arguments: dict[str, Any], error: Exception) -> None:
    """Take one item out of the backlog, in plain sight."""
    (subject,) = (value[0] if isinstance(value, list) else value for value in arguments.values())
    log.error("job failed for good", task=name, subject=subject, error=in_short(error))
    with Session(house.engine) as session:
        session.add(
            Failure(
                at=house.clock(),
                stage=name,
                subject=str(subject),
                error=in_short(error),
                remedy="`goldenhour doctor` lists what failed; report it with this line",
            )
        )
        session.commit()


def in_short(error: BaseException) -> str:
    """An error's kind, and where in our code it arose. Its words only when they are ours: others quote posts."""
    cause = getattr(error, "orig", None) or error
    kind = type(cause)
    if kind.__module__.partition(".")[0] in OURS:
        return f"{kind.__name__}: {cause}"
    frames = [each for each in traceback.extract_tb(error.__traceback__) if _is_ours(each.filename)]
    where = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return f"{kind.__name__}{where}"


def _is_ours(filename: str) -> bool:
    """Whether code is ours: a virtual environment may lie in the same folder."""
    path = Path(filename)
    return ROOT in path.parents and path.relative_to(ROOT).parts[0] in OURS
