"""Knocks: tries at a door that is open to everybody, counted in the database so that nobody floods it, whichever of
several web processes they come to.
"""

import hmac
from datetime import UTC, datetime, timedelta
from ipaddress import IPv6Address, ip_address

from sqlalchemy import text
from sqlmodel import Session

KEPT = timedelta(days=2)
SUBJECT_BYTES = 16
NETWORK_BITS = 64  # of an IPv6 address: one household or phone has all the rest


def knock(
    session: Session, door: str, caller: str, *, most: int, within: timedelta, key: bytes, now: datetime
) -> timedelta | None:
    """Count one try. None when it is let in, else how long until the next would be. The caller commits.

    `caller` is an address, a partner's name, or empty for all callers together; only its keyed digest is kept.
    """
    began_at = datetime.fromtimestamp(now.timestamp() // within.total_seconds() * within.total_seconds(), UTC)
    named = f"{door}\0{caller}\0{within.total_seconds()}\0{began_at.isoformat()}"
    counted = session.execute(
        text(
            "INSERT INTO knocks (subject, began_at, count) VALUES (:subject, :began_at, 1)"
            " ON CONFLICT (subject) DO UPDATE SET count = knocks.count + 1 RETURNING count"
        ),
        {"subject": hmac.digest(key, named.encode(), "sha256")[:SUBJECT_BYTES], "began_at": began_at},
    )
    return began_at + within - now if counted.scalar_one() > most else None


def caller_of(address: str) -> str:
    """Who counts as one caller: an IPv4 address, or the network an IPv6 address is in."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return "unknown"
    if isinstance(found, IPv6Address):
        if found.ipv4_mapped is not None:
            return str(found.ipv4_mapped)
        return str(IPv6Address(int(found) >> (128 - NETWORK_BITS) << (128 - NETWORK_BITS)))
    return str(found)


def forget_knocks(session: Session, *, now: datetime) -> None:
    """Drop what no longer counts. Run by the schedule."""
    session.execute(text("DELETE FROM knocks WHERE began_at < :before"), {"before": now - KEPT})
