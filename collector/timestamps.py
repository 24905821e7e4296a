"""Time stamps by RFC 3161: an authority signs that it saw a digest at a time. Only the digest leaves the house.

The answer's status, digest and nonce are checked here. Its signature is kept and checked by whoever relies on it,
with the authority's certificate: `openssl ts -verify -digest HEX -in token -token_in -CAfile authority.pem`.
"""

import secrets
from datetime import UTC, datetime
from typing import NamedTuple

from sqlalchemy import text
from sqlmodel import Session

from collector.der import (
    BOOLEAN,
    INTEGER,
    NULL,
    OCTETS,
    OID,
    SEQUENCE,
    TIME,
    Value,
    child,
    read_all,
    write,
    write_integer,
)
from collector.errors import Unreadable
from collector.evidence_records import Timestamp
from collector.http import Http

SHA256 = bytes.fromhex("608648016503040201")  # 2.16.840.1.101.3.4.2.1
SIGNED_DATA = bytes.fromhex("2a864886f70d010702")  # 1.2.840.113549.1.7.2
TST_INFO = bytes.fromhex("2a864886f70d0109100104")  # 1.2.840.113549.1.9.16.1.4
GRANTED = (0, 1)  # granted, granted with modifications
AT_ONCE = 20


class Stamp(NamedTuple):
    """What the authority says: when, under which number, and the token that proves it."""

    at: datetime
    serial: str
    token: bytes


def stamp(http: Http, authority: str, sha256: bytes, *, now: datetime) -> Timestamp:
    """Have a digest stamped. Raises FetchError, also when the answer is about something else."""
    nonce = secrets.randbits(64)
    headers = {"Content-Type": "application/timestamp-query", "Accept": "application/timestamp-reply"}
    answer = http.post(authority, request(sha256, nonce), headers=headers, now=now)
    try:
        found = read_reply(answer.body, sha256, nonce)
    except ValueError as error:
        raise Unreadable(
            f"{authority}: its time stamp cannot be used: {error}", remedy="Ask another authority"
        ) from error
    return Timestamp(
        sha256=sha256, authority=authority, stamped_at=found.at, serial=found.serial, token=found.token
    )


def request(sha256: bytes, nonce: int) -> bytes:
    """A TimeStampReq (RFC 3161, 2.4.1) that asks for the certificate, too."""
    algorithm = write(SEQUENCE, write(OID, SHA256), write(NULL))
    imprint = write(SEQUENCE, algorithm, write(OCTETS, sha256))
    return write(SEQUENCE, write_integer(1), imprint, write_integer(nonce), write(BOOLEAN, b"\xff"))


def read_reply(body: bytes, sha256: bytes, nonce: int) -> Stamp:
    """A TimeStampResp (RFC 3161, 2.4.2). Raises ValueError when it is none, a refusal, or about something else."""
    reply = next(read_all(body), None)
    if reply is None or reply.tag != SEQUENCE:
        raise ValueError("no answer of a time-stamping authority")
    status = int.from_bytes(child(reply, 0, 0).content, "big")
    if status not in GRANTED:
        raise ValueError(f"refused with status {status}")
    token = child(reply, 1)
    if child(token, 0).content != SIGNED_DATA:
        raise ValueError("no signed answer")
    signed = child(token, 1, 0)
    inner = child(signed, 2)
    if child(inner, 0).content != TST_INFO:
        raise ValueError("signs something else than a time stamp")
    info = next(read_all(child(inner, 1, 0).content))
    _agrees(info, sha256, nonce)
    serial = format(int.from_bytes(child(info, 3).content, "big"), "x")
    return Stamp(_time(child(info, 4)), serial, write(token.tag, token.content))


def _agrees(info: Value, sha256: bytes, nonce: int) -> None:
    imprint = child(info, 2)
    if child(imprint, 0, 0).content != SHA256 or child(imprint, 1).content != sha256:
        raise ValueError("it stamps another digest")
    said = [int.from_bytes(each.content, "big") for each in list(info.inside())[5:] if each.tag == INTEGER]
    if said != [nonce]:
        raise ValueError("it answers another question (nonce)")


def _time(value: Value) -> datetime:
    """A GeneralizedTime of UTC, with or without parts of a second."""
    written = value.content.decode("ascii", "replace")
    whole, _, part = written.removesuffix("Z").partition(".")
    if value.tag != TIME or not written.endswith("Z") or not (part or "0").isdecimal():
        raise ValueError("no time")
    at = datetime.strptime(whole, "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    return at.replace(microsecond=int((part or "0").ljust(6, "0")[:6]))


def unstamped(session: Session, *, limit: int = AT_ONCE) -> list[bytes]:
    """Digests of posts in custody that no authority has stamped yet, the oldest first."""
    found = session.execute(
        text(
            "SELECT sha256 FROM custody_entries AS c WHERE sha256 IS NOT NULL AND NOT EXISTS"
            " (SELECT FROM timestamps AS t WHERE t.sha256 = c.sha256) GROUP BY sha256 ORDER BY min(id) LIMIT :limit"
        ),
        {"limit": limit},
    )
    return [bytes(each.sha256) for each in found]
