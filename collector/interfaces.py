"""What the JSON interfaces of platforms have in common: asked with a key in a header, answered in pages."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from urllib.parse import urlencode

import msgspec

from collector.errors import Refused, Unreadable
from collector.http import Answer, Http

PAGES = 10  # pages read in one visit; the next one goes on

T = TypeVar("T")


def ask(
    http: Http,
    address: str,
    query: Mapping[str, str],
    kind: type[T],
    *,
    headers: Mapping[str, str],
    now: datetime,
) -> tuple[T, Answer]:
    """One page, read as `kind`, and the answer it came in. Raises FetchError, for what is not such JSON too."""
    answer = http.get(
        f"{address}?{urlencode(query)}", headers={"Accept": "application/json", **headers}, now=now
    )
    return decoded(answer.body, kind, address), answer


def decoded(body: bytes, kind: type[T], where: str) -> T:
    """A body as `kind`. Raises Unreadable."""
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise Unreadable(f"{where}: did not answer with what its interface promises ({error})") from error


def explained(error: Refused, remedies: Mapping[int, str]) -> Refused:
    """The same refusal, with what it means on this interface."""
    remedy = remedies.get(error.status, error.remedy)
    return Refused(error.cause, status=error.status, remedy=remedy, retry_after=error.retry_after)


def rest_until(remaining: str | None, reset: str | None, *, epoch: bool, now: datetime) -> datetime | None:
    """Until when an interface wants no more requests: when none remain, at `reset`, which is given as seconds
    since 1970 (`epoch`) or from now. None while some remain, and at most a day."""
    try:
        if remaining is None or reset is None or float(remaining) >= 1:
            return None
        seconds = float(reset)
        until = datetime.fromtimestamp(seconds, UTC) if epoch else now + timedelta(seconds=seconds)
    except (ValueError, OverflowError, OSError):
        return None
    return min(until, now + timedelta(days=1)) if until > now else None


def counts(**numbers: Any) -> dict[str, int]:
    """The reach among what a platform says: whole numbers above 0; YouTube writes them as text."""
    found = {name: int(value) for name, value in numbers.items() if str(value).isdecimal()}
    return {name: value for name, value in found.items() if 0 < value < 2**53}


def lasting(seconds: Any) -> float | None:
    """How many seconds a film lasts; None for what no film can."""
    return float(seconds) if isinstance(seconds, int | float) and 0 < seconds < 10**6 else None


def shape(width: Any, height: Any) -> float | None:
    """Width by height; None for what no picture can have."""
    if not all(isinstance(side, int | float) and 0 < side < 10**6 for side in (width, height)):
        return None
    found = round(width / height, 3)
    return found if 0.01 <= found <= 100 else None
