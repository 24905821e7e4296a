"""Structured logs on stderr: one JSON line an event, or plain colours on a terminal. No post text, names or tokens."""

import io
import logging
import sys
import traceback
from contextlib import suppress
from typing import TextIO, cast

import structlog

# what these say of a lost connection, many times a second, the parts say once in their own words
REPEATING = ("procrastinate", "psycopg.pool")
QUOTING = ("procrastinate", "psycopg", "sqlalchemy", "apscheduler")


class _Stderr(io.TextIOBase):
    """Whatever standard error is at the moment of writing. A reader who has gone must not stop the work."""

    def write(self, text: str) -> int:
        with suppress(OSError):
            sys.stderr.write(text)
        return len(text)

    def flush(self) -> None:
        with suppress(OSError):
            sys.stderr.flush()


def set_up(level: str, part: str) -> None:
    """Send our events and those of the libraries to stderr, each with the part of the service it is from."""
    structlog.reset_defaults()

    def say_which(
        _logger: object, _method: str, event: structlog.typing.EventDict
    ) -> structlog.typing.EventDict:
        event.setdefault("part", part)  # not a context variable: those end at a thread's door
        return event

    shared: list[structlog.typing.Processor] = [
        say_which,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _frames_only,
    ]
    render: structlog.typing.Processor = structlog.processors.JSONRenderer()
    if sys.stderr.isatty():
        render = structlog.dev.ConsoleRenderer()
    number = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[*shared, render],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.WriteLoggerFactory(file=cast("TextIO", _Stderr())),
        cache_logger_on_first_use=True,
    )
    libraries = structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processor=render)
    out = logging.StreamHandler(_Stderr())
    out.setFormatter(libraries)
    out.addFilter(_without_rows)
    logging.basicConfig(handlers=[out], level=max(number, logging.WARNING), force=True)
    logging.getLogger("apscheduler").setLevel(logging.ERROR)  # a tick that is still running is no news
    for name in REPEATING:
        logging.getLogger(name).setLevel(logging.CRITICAL)


def _frames_only(
    _logger: object, _method: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    """An exception as its kinds and places in the code. Its words may quote a row or a text, so they stay out."""
    error = event.pop("exc_info", None)
    if error is True:
        error = sys.exc_info()[1]
    elif isinstance(error, tuple):
        error = error[1]
    if isinstance(error, BaseException):
        event["exception"] = "\n".join(_frames(error))
    return event


def _frames(error: BaseException) -> list[str]:
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    before = _frames(cause) if cause else []
    places = [
        f"  {frame.filename}:{frame.lineno} in {frame.name}"
        for frame in traceback.extract_tb(error.__traceback__)
    ]
    return [*before, *places, f"{type(error).__module__}.{type(error).__name__}"]


def _without_rows(record: logging.LogRecord) -> bool:
    """What the engine and the database say keeps its first line; the rest of it quotes rows."""
    if record.name.startswith(QUOTING):
        kind = record.exc_info[0].__name__ if record.exc_info and record.exc_info[0] else ""
        first = next(iter(record.getMessage().splitlines()), "")
        record.msg, record.args = f"{first[:200]} {kind}".rstrip(), ()
        record.exc_info, record.exc_text = None, None
    return True
