"""Structured logs on stderr: one JSON line an event, or plain colours on a terminal. No post text, names or tokens."""

import logging
import sys

import structlog

QUOTING = ("procrastinate", "psycopg", "sqlalchemy", "apscheduler")


def set_up(level: str, part: str) -> None:
    """Send our events and those of the libraries to stderr, each with the part of the service it is from."""
    structlog.reset_defaults()
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    render: structlog.typing.Processor = structlog.processors.JSONRenderer()
    if sys.stderr.isatty():
        render = structlog.dev.ConsoleRenderer()
    number = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[*shared, render],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(part=part)
    libraries = structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processor=render)
    out = logging.StreamHandler(sys.stderr)
    out.setFormatter(libraries)
    out.addFilter(_without_rows)
    logging.basicConfig(handlers=[out], level=max(number, logging.WARNING), force=True)


def _without_rows(record: logging.LogRecord) -> bool:
    """Libraries' lines keep their words but not their tracebacks: those of the database quote rows."""
    if record.exc_info and record.name.startswith(QUOTING):
        kind = record.exc_info[0].__name__ if record.exc_info[0] else "unknown"
        record.msg, record.args = f"{record.getMessage()} ({kind})", ()
        record.exc_info, record.exc_text = None, None
    return True
