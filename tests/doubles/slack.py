"""A Slack of our own on this machine: real HTTP, real WebSocket, seeded faults, and a count of what it really did.

What it holds in `messages` is the truth about lost and doubled: a message is there when it was posted, whatever
the caller was told.
"""

import json
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from websockets.exceptions import ConnectionClosed
from websockets.sync.server import Server, ServerConnection, serve

from responders.slack import SCOPES
from tests.doubles.block_kit import is_valid, texts_of, wrong_with_view

__all__ = ["is_valid", "texts_of"]

TOKEN = "xoxb-for-tests"
APP_TOKEN = "xapp-for-tests"
RETRY_AFTER = {
    "429 integer": "1",
    "429 decimal": "0.3",
    "429 date": None,  # written when it is sent
    "429 junk": "soon, perhaps: ٣",
    "429 absent": None,
}
ALL_FAULTS = (
    *RETRY_AFTER,
    "500 before",
    "500 after",
    "reply dropped",
    "hang",
    "hang after",
    "ok:false in doubt",
    "ok:false",
    "late landing",
)


@dataclass
class Posted:
    """One message as the channel holds it."""

    channel: str
    ts: str
    at: float
    text: str
    blocks: list[dict[str, Any]]
    metadata: dict[str, Any]
    sent: dict[str, Any]
    edits: int = 0

    @property
    def key(self) -> str:
        return str(self.metadata["event_payload"]["key"])

    @property
    def thread_ts(self) -> str:
        """The message it stands under; its own place outside a thread."""
        return str(self.sent.get("thread_ts") or self.ts)

    @property
    def in_channel(self) -> bool:
        """Whether one sees it without opening a thread."""
        return self.thread_ts == self.ts or bool(self.sent.get("reply_broadcast"))


@dataclass
class Faults:
    """Which calls go wrong, and how: the same seed, the same faults in the same order of calls."""

    seed: int
    rate: float
    kinds: Sequence[str] = ALL_FAULTS
    hang_s: float = 3.0
    late_s: float = 0.3
    most: int | None = None
    rng: random.Random = field(init=False)
    gone: int = 0

    def __post_init__(self) -> None:
        self.rng = random.Random(self.seed)

    def next(self) -> str | None:
        """What happens to this call; after `most` faults nothing goes wrong any more."""
        if self.gone == self.most or self.rng.random() >= self.rate:
            return None
        self.gone += 1
        return self.rng.choice(list(self.kinds))


class SlackDouble:
    """The workspace. Change `faults`, `history_down`, `deaf_channels`, `names` or `scopes` at any time."""

    def __init__(self, faults: Faults | None = None) -> None:
        self.faults = faults
        self.history_down = False
        self.deaf_channels: set[str] = set()
        self.names: dict[str, str] = {}
        self.scopes = set(SCOPES)
        self.messages: list[Posted] = []
        self.whispers: list[dict[str, Any]] = []
        self.views: list[dict[str, Any]] = []
        self.homes: dict[str, dict[str, Any]] = {}
        self.emails: dict[str, str] = {}
        self.calls: list[tuple[str, str, float]] = []
        self.fired: Counter[str] = Counter()
        self.envelopes: list[dict[str, Any]] = []
        self.answers: list[dict[str, Any]] = []
        self.lock = threading.RLock()
        self.socket: ServerConnection | None = None
        self.connected = threading.Event()
        self._last_ts = 0

    def post(self, sent: dict[str, Any]) -> str:
        with self.lock:
            self._last_ts = max(self._last_ts + 1, time.time_ns() // 1000)
            ts = f"{self._last_ts // 1_000_000}.{self._last_ts % 1_000_000:06d}"
            channel = self.place(str(sent["channel"]))
            self.messages.append(
                Posted(
                    channel=channel,
                    ts=ts,
                    at=time.time(),
                    text=str(sent.get("text", "")),
                    blocks=sent.get("blocks") or [],
                    metadata=sent.get("metadata") or {},
                    sent=sent,
                )
            )
            return ts

    def place(self, channel: str) -> str:
        """Where something is put that is sent to a channel, given by id or name, or to a user."""
        known = self.names.get(channel.lstrip("#"), channel)
        return f"D{known[1:]}" if known.startswith("U0") else known

    def in_channel(self, channel: str) -> list[Posted]:
        with self.lock:
            return [each for each in self.messages if each.channel == channel]

    def called(self, method: str) -> int:
        with self.lock:
            return sum(each[0] == method for each in self.calls)

    def press(self, payload: dict[str, Any], envelope_id: str, kind: str = "interactive") -> None:
        """Send an interaction, or another kind of request, down the open socket."""
        assert self.connected.wait(10), "nobody opened the socket"
        assert self.socket is not None
        envelope = {"type": kind, "envelope_id": envelope_id, "payload": payload}
        self.socket.send(json.dumps(envelope))


@contextmanager
def slack_double(faults: Faults | None = None) -> Iterator[tuple[SlackDouble, str]]:
    """A running double and its base address."""
    double = SlackDouble(faults)
    sockets = serve(lambda connection: _socket(double, connection), "127.0.0.1", 0)
    threading.Thread(target=sockets.serve_forever, daemon=True).start()
    server = _Server(("127.0.0.1", 0), _Door)
    server.double, server.socket_address = double, _address(sockets)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield double, f"http://127.0.0.1:{server.server_address[1]}/api/"
    finally:
        server.shutdown()
        server.server_close()
        sockets.shutdown()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128
    double: SlackDouble
    socket_address: str

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Callers that are killed hang up; that is what these tests are about."""


class _Door(BaseHTTPRequestHandler):
    server: _Server

    def do_POST(self) -> None:
        double = self.server.double
        method = urlsplit(self.path).path.removeprefix("/api/")
        given = self._given()
        with double.lock:
            double.calls.append((method, str(given.get("channel", "")), time.time()))
        token = APP_TOKEN if method == "apps.connections.open" else TOKEN
        if self.headers.get("Authorization") != f"Bearer {token}" and given.get("token") != token:
            return self._answer(200, {"ok": False, "error": "invalid_auth"})
        if given.get("channel") in double.deaf_channels:
            double.fired["deaf"] += 1
            time.sleep(double.faults.hang_s if double.faults else 3.0)
            return None
        serving = getattr(self, "_" + method.replace(".", "_"), None)
        if serving is None:
            return self._answer(200, {"ok": False, "error": "unknown_method"})
        return serving(given)  # type: ignore[no-any-return]

    def _chat_postMessage(self, given: dict[str, Any]) -> None:
        double = self.server.double
        if not is_valid(given):
            return self._answer(200, {"ok": False, "error": "invalid_blocks"})
        if given.get("thread_ts") and not self._is_first(given):
            return self._answer(200, {"ok": False, "error": "thread_not_found"})
        with double.lock:
            fault = double.faults.next() if double.faults else None
            if fault:
                double.fired[fault] += 1
        if fault:
            return self._go_wrong(fault, given)
        return self._answer(200, {"ok": True, "channel": self._channel(given), "ts": double.post(given)})

    def _is_first(self, given: dict[str, Any]) -> bool:
        """Whether what is to be replied to is there, and no reply itself."""
        there = self.server.double.in_channel(self._channel(given))
        return any(each.ts == each.thread_ts == given["thread_ts"] for each in there)

    def _go_wrong(self, fault: str, given: dict[str, Any]) -> None:
        double = self.server.double
        assert double.faults is not None
        if fault in RETRY_AFTER:
            asked = formatdate(time.time() + 1, usegmt=True) if fault == "429 date" else RETRY_AFTER[fault]
            headers = {} if asked is None else {"Retry-After": asked}
            return self._answer(429, {"ok": False, "error": "ratelimited"}, headers)
        if fault in ("500 after", "reply dropped", "hang after", "ok:false in doubt"):
            double.post(given)
        if fault == "late landing":
            late = threading.Timer(double.faults.late_s, double.post, [given])
            late.daemon = True
            late.start()
        if fault in ("500 before", "500 after"):
            return self._answer(500, {"ok": False, "error": "internal_error"})
        if fault == "ok:false in doubt":
            return self._answer(200, {"ok": False, "error": "fatal_error"})
        if fault == "ok:false":
            return self._answer(200, {"ok": False, "error": "not_in_channel"})
        if fault in ("hang", "hang after"):
            time.sleep(double.faults.hang_s)
        return None  # the connection closes without a word

    def _chat_update(self, given: dict[str, Any]) -> None:
        double = self.server.double
        if not is_valid(given):
            return self._answer(200, {"ok": False, "error": "invalid_blocks"})
        with double.lock:
            for each in double.messages:
                if (each.channel, each.ts) == (given["channel"], given["ts"]):
                    each.text, each.blocks = given.get("text", ""), given.get("blocks") or []
                    each.edits += 1
                    return self._answer(200, {"ok": True, "channel": each.channel, "ts": each.ts})
        return self._answer(200, {"ok": False, "error": "message_not_found"})

    def _chat_postEphemeral(self, given: dict[str, Any]) -> None:
        self.server.double.whispers.append(given)
        self._answer(200, {"ok": True, "message_ts": "1.000001"})

    def _conversations_history(self, given: dict[str, Any]) -> None:
        self._messages(given, [each for each in self._held(given) if each.in_channel])

    def _conversations_replies(self, given: dict[str, Any]) -> None:
        found = [each for each in self._held(given) if each.thread_ts == given["ts"]]
        if not found:
            return self._answer(200, {"ok": False, "error": "thread_not_found"})
        return self._messages(given, found)

    def _held(self, given: dict[str, Any]) -> list[Posted]:
        return list(reversed(self.server.double.in_channel(str(given["channel"]))))

    def _messages(self, given: dict[str, Any], held: list[Posted]) -> None:
        double = self.server.double
        if double.history_down:
            double.fired["history down"] += 1
            return self._answer(500, {"ok": False, "error": "internal_error"})
        if not str(given["channel"]).startswith(("C", "D")):
            return self._answer(200, {"ok": False, "error": "channel_not_found"})
        with_metadata = str(given.get("include_all_metadata", "")).lower() in ("1", "true")
        seen = [each for each in held if float(each.ts) >= float(given.get("oldest") or 0)]
        first, limit = int(given.get("cursor") or 0), int(given.get("limit") or 100)
        shown = [
            {"type": "message", "ts": each.ts, "text": each.text}
            | ({"metadata": each.metadata} if with_metadata else {})
            for each in seen[first : first + limit]
        ]
        more = str(first + limit) if first + limit < len(seen) else ""
        return self._answer(200, {"ok": True, "messages": shown, "response_metadata": {"next_cursor": more}})

    def _conversations_list(self, _given: dict[str, Any]) -> None:
        named = [{"name": name, "id": each} for name, each in self.server.double.names.items()]
        self._answer(200, {"ok": True, "channels": named, "response_metadata": {"next_cursor": ""}})

    def _conversations_open(self, given: dict[str, Any]) -> None:
        self._answer(200, {"ok": True, "channel": {"id": self.server.double.place(str(given["users"]))}})

    def _auth_test(self, _given: dict[str, Any]) -> None:
        allowed = {"X-OAuth-Scopes": ",".join(sorted(self.server.double.scopes))}
        self._answer(200, {"ok": True, "team": "Test Force", "user_id": "U0BOT"}, allowed)

    def _views_open(self, given: dict[str, Any]) -> None:
        view = _read_view(given)
        if list(wrong_with_view(view)) or not given.get("trigger_id"):
            return self._answer(200, {"ok": False, "error": "invalid_arguments"})
        self.server.double.views.append(view)
        return self._answer(200, {"ok": True, "view": view})

    def _views_publish(self, given: dict[str, Any]) -> None:
        view = _read_view(given)
        if list(wrong_with_view(view)):
            return self._answer(200, {"ok": False, "error": "invalid_arguments"})
        self.server.double.homes[str(given["user_id"])] = view
        return self._answer(200, {"ok": True, "view": view})

    def _users_lookupByEmail(self, given: dict[str, Any]) -> None:
        user = self.server.double.emails.get(str(given.get("email")))
        if user is None:
            return self._answer(200, {"ok": False, "error": "users_not_found"})
        return self._answer(200, {"ok": True, "user": {"id": user, "deleted": False, "is_bot": False}})

    def _apps_connections_open(self, _given: dict[str, Any]) -> None:
        self._answer(200, {"ok": True, "url": self.server.socket_address})

    def _channel(self, given: dict[str, Any]) -> str:
        return self.server.double.place(str(given["channel"]))

    def _given(self) -> dict[str, Any]:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        given: dict[str, Any] = dict(parse_qsl(urlsplit(self.path).query))
        if "json" in (self.headers.get("Content-Type") or "") and body:
            given |= json.loads(body)
            return given
        return given | dict(parse_qsl(body))

    def _answer(self, status: int, body: dict[str, Any], headers: dict[str, str] | None = None) -> None:
        written = json.dumps(body).encode()
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value.encode().decode("latin-1"))
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(written)))
        self.end_headers()
        self.wfile.write(written)

    def log_message(self, *_args: Any) -> None:
        """Quiet: what happened is counted."""


def _read_view(given: dict[str, Any]) -> dict[str, Any]:
    """A view comes as JSON, or as JSON within a form."""
    view = given.get("view")
    read: dict[str, Any] = json.loads(view) if isinstance(view, str) else view or {}
    return read


def _address(sockets: Server) -> str:
    return f"ws://127.0.0.1:{sockets.socket.getsockname()[1]}/link/?ticket=for-tests"


def _socket(double: SlackDouble, connection: ServerConnection) -> None:
    connection.send(json.dumps({"type": "hello", "num_connections": 1}))
    double.socket = connection
    double.connected.set()
    try:
        for told in connection:
            double.answers.append(json.loads(told))
    except ConnectionClosed:
        return
