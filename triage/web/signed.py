"""A signed request: bytes, a time, and a keyed digest over both. What is not provably the sender's, fresh, and seen
for the first time is in doubt, and gets 401.

The digest is HMAC-SHA256 over `<version>:<timestamp>:<raw body>`, as Slack signs (Slack, "Verifying requests from
Slack", read 2026-11); the check is on the bytes as they came, before anything in them is looked at.
"""

import hashlib
import hmac
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col
from starlette.requests import ClientDisconnect, Request

from triage.records import Press

FRESH = timedelta(seconds=300)
KEPT = timedelta(minutes=10)  # a signature is accepted for five minutes on either side
TIMESTAMP_DIGITS = 12


class Doubt(Exception):
    """Why a request is not taken for its sender's; for our log only."""


class Signed(NamedTuple):
    """What a request says about itself, and what came with it."""

    timestamp: list[bytes]
    signature: list[bytes]
    body: bytes


async def read_signed(request: Request, *, timestamp: str, signature: str, largest: int) -> Signed:
    """A request's body, and all it has of the two headers by these names. Raises Doubt for more than `largest`."""
    body = b""
    try:
        async for piece in request.stream():
            body += piece
            if len(body) > largest:
                raise Doubt("body too large")
    except ClientDisconnect as error:
        raise Doubt("caller hung up") from error
    return Signed(all_of(request, timestamp), all_of(request, signature), body)


def all_of(request: Request, name: str) -> list[bytes]:
    """Every value of a header, as it came."""
    return [value for each, value in request.headers.raw if each.lower() == name.lower().encode()]


def check(signed: Signed, secret: str, *, version: bytes, now: datetime) -> bytes:
    """The signature's digest, to know it again. Raises Doubt unless it is right and fresh."""
    if len(signed.timestamp) != 1 or len(signed.signature) != 1:
        raise Doubt("headers missing or doubled")
    timestamp, signature = signed.timestamp[0], signed.signature[0]
    if not timestamp.isdigit() or len(timestamp) > TIMESTAMP_DIGITS:  # bytes: ASCII digits only
        raise Doubt("timestamp is not a number")
    if abs(int(timestamp) - now.timestamp()) > FRESH.total_seconds():
        raise Doubt("timestamp is too old or too new")
    base = version + b":" + timestamp + b":" + signed.body
    ours = version + b"=" + hmac.new(secret.encode(), base, hashlib.sha256).hexdigest().encode()
    if not hmac.compare_digest(ours, signature):
        raise Doubt("signature does not match")
    return hashlib.sha256(ours).digest()


def first_time(session: Session, digest: bytes, *, now: datetime) -> bool:
    """Whether this request is new; it is remembered with the transaction, for longer than it could be repeated."""
    forgotten = delete(Press).where(col(Press.at) < now - KEPT).cte("forgotten")
    new = insert(Press).values(digest=digest, at=now).on_conflict_do_nothing()
    entered = new.returning(col(Press.digest)).add_cte(forgotten)
    return session.execute(entered).first() is not None
