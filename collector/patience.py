"""How long a visit may take as a whole, whatever it does and however many requests it makes."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_until: ContextVar[float | None] = ContextVar("until", default=None)


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """All that is waited for in this block ends in so many seconds."""
    token = _until.set(time.monotonic() + seconds)
    try:
        yield
    finally:
        _until.reset(token)


def left_s(most: float) -> float:
    """How long one step may wait: `most` seconds, or what is left of the visit's. Never less than nothing."""
    until = _until.get()
    return most if until is None else max(0.0, min(most, until - time.monotonic()))
