"""How long something may take as a whole, whatever it does: a request with all its redirects, a visit with all its
requests."""

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_until: ContextVar[float] = ContextVar("until", default=math.inf)


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """All that is waited for in this block ends in so many seconds, or earlier where a block around it says so."""
    token = _until.set(min(_until.get(), time.monotonic() + seconds))
    try:
        yield
    finally:
        _until.reset(token)


def left_s(most: float) -> float:
    """How long one step may wait: `most` seconds, or what is left. Never less than nothing."""
    return max(0.0, min(most, _until.get() - time.monotonic()))
