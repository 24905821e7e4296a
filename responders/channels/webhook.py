"""A webhook: a signed call to another system, by the manner of standard-webhooks 1.0 (read 2026-11).

HMAC-SHA256 over id, timestamp and body. A call that is made again keeps its id, by which the other side takes it
once. While keys change, both sign.
"""

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from collector.http import Http
from responders.channels.channel import Letter, Outcome, Refused, Sent, handed_over, keeps_no_list, ready

PREFIX = "whsec_"
LEAST_KEY = 24  # bytes, as the standard asks


class Place(NamedTuple):
    """Where a call goes, and the keys it is signed with, the newest first."""

    url: str
    keys: tuple[bytes, ...]


class Webhook:
    def __init__(self, places: Mapping[str, Place], http: Http) -> None:
        self._places, self._http = places, http

    def send(self, letter: Letter, address: str, *, now: datetime) -> Outcome:
        """`address` is the name of a hook."""
        place = self._places.get(address)
        if place is None:
            return Refused("no webhook of this name is set")
        body = _body(letter, now)
        headers = signed(str(letter.key), body, place.keys, now=now)
        return handed_over(self._http, place.url, body, headers=headers, now=now)

    def find(self, letter: Letter, address: str, *, since: datetime, now: datetime) -> Sent | None:  # noqa: ARG002
        raise keeps_no_list()

    def greet(self, *, now: datetime) -> str:  # noqa: ARG002  a call would be taken for an alert
        return ready("webhook", {name: place.url for name, place in self._places.items()}, "set one")


def key_of(secret: str) -> bytes:
    """The bytes of a secret written `whsec_` and base64. Raises ValueError."""
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError(f"a webhook's secret is {PREFIX} and base64") from error
    if len(key) < LEAST_KEY:
        raise ValueError(f"a webhook's secret holds at least {LEAST_KEY} bytes: openssl rand -base64 32")
    return key


def signed(call: str, body: bytes, keys: tuple[bytes, ...], *, now: datetime) -> dict[str, str]:
    """The headers that prove who called and when."""
    at = str(int(now.timestamp()))
    content = b".".join((call.encode(), at.encode(), body))
    digests = [base64.b64encode(hmac.digest(key, content, hashlib.sha256)).decode() for key in keys]
    return {
        "webhook-id": call,
        "webhook-timestamp": at,
        "webhook-signature": " ".join(f"v1,{digest}" for digest in digests),
    }


def _body(letter: Letter, now: datetime) -> bytes:
    told = {
        "type": f"goldenhour.{letter.kind}",
        "timestamp": now.isoformat(),
        "data": {
            "id": str(letter.key),
            "subject": letter.subject,
            "text": letter.text,
            "link": letter.link,
            "possible_repeat": letter.possible_repeat,
        },
    }
    return json.dumps(told).encode()
