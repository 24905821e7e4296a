"""Structured logs on stderr: one JSON line an event, or plain colours on a terminal. No post text, names or tokens."""

import logging
import sys

import structlog


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
    logging.basicConfig(handlers=[out], level=max(number, logging.WARNING), force=True)
