"""A workspace of Slack for measuring: it takes every message at once, and keeps when each request came. In a process of
its own."""

import json
import re
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing import get_context
from multiprocessing.connection import Connection
from threading import Lock, Thread
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

TOKEN = "xoxb-for-measuring"  # noqa: S105 - it opens nothing
CHANNEL_ID = re.compile(r"C\d{9}")
SPOKEN = ("chat.postMessage", "chat.update")  # what Slack counts as speaking in a channel


class Call(NamedTuple):
    """One request, by when its first byte came. `key` is that of the message's metadata."""

    method: str
    channel: str
    at_s: float
    key: str


class Workspace:
    """Running while it is open. `url` is its address, `calls` all it was asked so far."""

    def __enter__(self) -> "Workspace":
        context = get_context("spawn")
        self._said, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs,), daemon=True)
        self._process.start()
        self.url = f"http://127.0.0.1:{int(self._said.recv())}/api/"
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.join()

    def calls(self) -> list[Call]:
        self._said.send("calls")
        return [Call(*each) for each in self._said.recv()]


def most_a_second(calls: list[Call]) -> int:
    """The most requests that spoke in one channel within any one second."""
    most = 0
    for channel in {call.channel for call in calls if call.method in SPOKEN}:
        times = sorted(call.at_s for call in calls if call.channel == channel and call.method in SPOKEN)
        first = 0
        for last, at_s in enumerate(times):
            while at_s - times[first] >= 1:
                first += 1
            most = max(most, last - first + 1)
    return most


def _serve(said: Connection) -> None:
    server = _Server(("127.0.0.1", 0), _Door)
    Thread(target=server.serve_forever, daemon=True).start()
    said.send(server.server_address[1])
    while said.recv() == "calls":
        with server.lock:
            said.send([tuple(each) for each in server.calls])


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.lock, self.calls = Lock(), list[Call]()


class _Door(BaseHTTPRequestHandler):
    server: _Server

    def do_POST(self) -> None:
        at_s = time.time()
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        given = (
            json.loads(body) if "json" in (self.headers.get("Content-Type") or "") else dict(parse_qsl(body))
        )
        method = self.path.partition("?")[0].removeprefix("/api/")
        channel = _id_of(str(given.get("channel", "")))
        with self.server.lock:
            self.server.calls.append(Call(method, channel, at_s, _key_of(given)))
            number = len(self.server.calls)
        ts = given.get("ts") or f"{int(at_s)}.{number % 1_000_000:06d}"
        self._answer(
            {"ok": True, "channel": channel, "ts": ts, "message_ts": ts, "messages": [], "channels": []}
        )

    def _answer(self, said: dict[str, Any]) -> None:
        written = json.dumps(said).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(written)))
        self.end_headers()
        self.wfile.write(written)

    def log_message(self, *_: Any) -> None:
        """Quiet."""


def _id_of(channel: str) -> str:
    """The id of a channel: messages are posted by its name, and changed by the id that came back."""
    return channel if CHANNEL_ID.fullmatch(channel) else f"C{sum(channel.encode()):09d}"


def _key_of(given: dict[str, Any]) -> str:
    metadata = given.get("metadata") or {}
    told = json.loads(metadata) if isinstance(metadata, str) else metadata
    return str(told.get("event_payload", {}).get("key", ""))
