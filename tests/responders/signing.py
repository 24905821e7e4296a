"""Requests signed as Slack signs them, and many that are not Slack's."""

import hashlib
import hmac
import json
import random
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote_plus

from responders.slack_door import ACTIONS, COMMANDS, EVENTS
from tests.odd import TOO_FAR, odd_times
from triage.records import Alert

SECRET = "for-tests-only"


def signed(body: bytes, *, at: int | None = None, secret: str = SECRET) -> list[tuple[str, str]]:
    timestamp = str(int(time.time()) if at is None else at)
    digest = hmac.new(secret.encode(), f"v0:{timestamp}:".encode() + body, hashlib.sha256).hexdigest()
    return [
        ("Content-Type", "application/x-www-form-urlencoded"),
        ("X-Slack-Request-Timestamp", timestamp),
        ("X-Slack-Signature", f"v0={digest}"),
    ]


def press_of(alert: Alert, user: str = "U0SAM", **more: Any) -> dict[str, Any]:
    return {
        "type": "block_actions",
        "user": {"id": user},
        "channel": {"id": "C0COMMS001"},
        "actions": [{"action_id": "acknowledge", "value": str(alert.id)}],
        **more,
    }


NOT_READ = {
    ACTIONS: (
        b"{}",
        b"payload=%7B%7D&payload=%7B%7D",
        b"payload=" + b"%5B" * 50_000,
        b"command=%2Fgoldenhour",
    ),
    COMMANDS: (b"{}", b"payload=%7B%7D", b"text=help", b"command=a&command=b", b"command"),
    EVENTS: (b"payload=%7B%7D", b"{}{}", b"[{}]", b"[" * 50_000, b'{"type":', b"\x00"),
}


def malformed(alert: Alert, path: str) -> Iterator[tuple[str, bytes, list[tuple[str, str]]]]:
    """Well over a hundred requests that are not Slack's, each in its own way."""
    rng = random.Random(path)
    body = b"payload=" + quote_plus(json.dumps(press_of(alert))).encode()
    now = int(time.time())
    good = dict(signed(body))
    stamp, mark = "X-Slack-Request-Timestamp", "X-Slack-Signature"

    def but(name: str, value: str | None) -> list[tuple[str, str]]:
        kept = [(each, was) for each, was in good.items() if each != name]
        return kept if value is None else [*kept, (name, value)]

    yield "no headers at all", body, []
    for name in (stamp, mark):
        yield f"without {name}", body, but(name, None)
        yield f"{name} twice", body, [*good.items(), (name, good[name])]
        for value in (" ", "\x7f", "\xff\xfe", "٣", "0", "-1", "null", "{}", "a" * 8000, "1,1", "%00", "NaN"):
            yield f"{name} {value[:8]!r}", body, but(name, value.encode().decode("latin-1"))
    for value in odd_times(now):
        yield f"timestamp {value[:12]}", body, but(stamp, value.encode().decode("latin-1"))
    for late in TOO_FAR:
        yield f"{late} s away", body, signed(body, at=now + late)
    for value in (
        "v1=" + good[mark][3:],
        good[mark][3:],
        good[mark].upper(),
        good[mark] + "0",
        good[mark][:-1],
    ):
        yield f"signature {value[:6]}", body, but(mark, value)
    for secret in ("", "other", SECRET + " "):
        yield f"secret {secret!r}", body, signed(body, secret=secret)
    yield "one byte more", body + b"&", list(good.items())
    yield "one byte less", body[:-1], list(good.items())
    yield "another body", b"payload=%7B%7D", list(good.items())
    yield "no body", b"", list(good.items())
    for _each in range(50):
        at, value = rng.randrange(3, len(good[mark])), rng.choice("0123456789abcdef")
        flipped = good[mark][:at] + value + good[mark][at + 1 :]
        if flipped != good[mark]:
            yield f"digit {at} is {value}", body, but(mark, flipped)
    for odd in (b"", b"payload=", b"payload=[]", b"payload=1", b"payload=%7B", b"\xff\xfe", b"payload=null", b"x",
                b"a=1&" * 500, *NOT_READ[path]):  # fmt: skip
        yield f"signed, but {odd[:16]!r}", odd, signed(odd)
    yield "two megabytes", b"x" * 2_000_000, signed(b"x" * 2_000_000)
