"""Those who take notifications, of our own on this machine: GOV.UK Notify, workflows of Teams, webhooks, a watcher.

`taken` is the truth about lost and doubled: something is there when it was taken, whatever the caller was told.
"""

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

from tests.doubles.serving import Patient, serving
from tests.doubles.slack import Faults

SERVICE = "26785a09-ab16-4eb0-8407-a37497a57506"
SECRET = "3d844edf-8d35-48ac-975b-e847b4f122b0"
KEY = f"for_tests-{SERVICE}-{SECRET}"
SMS_TEMPLATE = "11111111-2222-4333-8444-555555555555"
EMAIL_TEMPLATE = "11111111-2222-4333-8444-666666666666"
CLOCKS_DIFFER_S = 30
KINDS = ("429", "500 before", "500 after", "reply dropped", "hang", "hang after")
LARGEST_CARD = 28_000


class Taken(NamedTuple):
    """One message as it was taken: "notify", "teams" or "webhook", where to, its key, what was sent, its own name."""

    by: str
    to: str
    key: str
    sent: dict[str, Any]
    headers: dict[str, str]
    body: bytes
    id: str


class Receivers:
    """Change `faults`, `deaf`, `status` or `report` at any time: `deaf` are paths that hang until `released`, `status`
    refuses all, `report` is what Notify says of what it took."""

    def __init__(self, faults: Faults | None = None) -> None:
        self.faults = faults
        self.deaf: set[str] = set()
        self.released = threading.Event()
        self.status: int | None = None
        self.list_down = False
        self.report = "delivered"
        self.pings = self.asked = 0
        self.taken: list[Taken] = []
        self.fired: Counter[str] = Counter()
        self.lock = threading.Lock()
        self.port = 0

    @property
    def authority(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"http://{self.authority}"

    def by(self, receiver: str) -> list[Taken]:
        with self.lock:
            return [each for each in self.taken if each.by == receiver]


class _Server(Patient):
    receivers: Receivers


class _Door(BaseHTTPRequestHandler):
    server: _Server

    def do_POST(self) -> None:
        them = self.server.receivers
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = urlsplit(self.path).path
        if path.startswith("/ping/"):
            them.pings += 1
            return self._answer(200, {})
        if path in them.deaf:
            them.fired["deaf"] += 1
            them.released.wait(30)
            return
        if them.status is not None:
            return self._answer(them.status, {"errors": [{"error": "BadRequestError", "message": "no"}]})
        if path.startswith("/v2/") and not self._is_known():
            return self._answer(403, {"errors": [{"error": "AuthError", "message": "Invalid token"}]})
        taken = self._read(path, body)
        if taken is None:
            return self._answer(400, {"errors": [{"error": "ValidationError", "message": "no"}]})
        with them.lock:
            fault = them.faults.next() if them.faults else None
            if fault:
                them.fired[fault] += 1
            if fault in (None, "500 after", "reply dropped", "hang after"):
                them.taken.append(taken)
        return self._end(fault, taken)

    def do_GET(self) -> None:
        them, parts = self.server.receivers, urlsplit(self.path)
        if not self._is_known():
            return self._answer(403, {"errors": [{"error": "AuthError", "message": "Invalid token"}]})
        if parts.path.startswith("/v2/template/"):
            there = parts.path.endswith((SMS_TEMPLATE, EMAIL_TEMPLATE))
            template = {"name": "Golden Hour", "body": "((text))"}
            return self._answer(200, template) if there else self._answer(404, {"errors": []})
        if them.list_down:
            them.fired["list down"] += 1
            return self._answer(500, {"errors": []})
        known = [{"id": each.id, "reference": each.key, "status": them.report} for each in them.by("notify")]
        one = parts.path.removeprefix("/v2/notifications/")
        if one != parts.path:
            them.asked += 1
            found = [each for each in known if each["id"] == one]
            return self._answer(200, found[0]) if found else self._answer(404, {"errors": []})
        wanted = parse_qs(parts.query).get("reference", [""])[0]
        seen = [each for each in known if each["reference"] == wanted]
        return self._answer(200, {"notifications": seen, "links": {}})

    def _read(self, path: str, body: bytes) -> Taken | None:
        sent, its = json.loads(body), str(uuid4())
        headers = {name.lower(): value for name, value in self.headers.items()}
        if path.startswith("/v2/notifications/"):
            to = sent.get("phone_number") or sent.get("email_address")
            fits = (
                sent["template_id"] in (SMS_TEMPLATE, EMAIL_TEMPLATE)
                and len(sent["personalisation"]["text"]) < 918
            )
            return Taken("notify", to, sent["reference"], sent, headers, body, its) if to and fits else None
        if path.startswith("/teams/"):
            card = sent["attachments"][0]["content"]
            fits = card["type"] == "AdaptiveCard" and len(body) <= LARGEST_CARD
            return (
                Taken("teams", path.rpartition("/")[2], card["fallbackText"], sent, headers, body, its)
                if fits
                else None
            )
        return Taken("webhook", path.rpartition("/")[2], headers["webhook-id"], sent, headers, body, its)

    def _end(self, fault: str | None, taken: Taken) -> None:
        if fault in ("hang", "hang after"):
            faults = self.server.receivers.faults
            time.sleep(faults.hang_s if faults else 1.0)
        if fault in ("hang", "hang after", "reply dropped"):
            return  # the connection closes without a word
        if fault == "429":
            self._answer(429, {"errors": [{"error": "RateLimitError"}]}, {"Retry-After": "0.1"})
        elif fault:
            self._answer(500, {"errors": []})
        else:
            self._answer(201 if taken.by == "notify" else 202, {"id": taken.id})

    def _is_known(self) -> bool:
        """As Notify sees it: a token of the service, signed, not half a minute off."""
        bearer = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
        try:
            claims = jwt.decode(bearer, OctKey.import_key(SECRET), algorithms=["HS256"]).claims
        except (JoseError, ValueError):
            return False
        return bool(claims["iss"] == SERVICE) and abs(claims["iat"] - time.time()) < CLOCKS_DIFFER_S

    def _answer(self, status: int, body: dict[str, Any], headers: dict[str, str] | None = None) -> None:
        written = json.dumps(body).encode()
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(written)))
        self.end_headers()
        self.wfile.write(written)

    def log_message(self, *_args: Any) -> None:
        """Quiet: what happened is counted."""


@contextmanager
def receivers(faults: Faults | None = None) -> Iterator[Receivers]:
    made = Receivers(faults)
    server = _Server(("127.0.0.1", 0), _Door)
    server.block_on_close = False
    server.receivers = made
    made.port = server.server_address[1]
    with serving(server):
        yield made
