"""A mock Slack on loopback: it takes what the service says, keeps it, and shows it on the page of the exercise.

It speaks as much of the Web API as we use: post, update, read back, and who am I.
"""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from config.exercise.stage import TOKEN
from responders.blocks import Message
from responders.slack import Outcome, Slack

MARK = "EXERCISE · nothing in this message is real"
Now = Callable[[], datetime]


class Workspace:
    """The channels and what was said in them, the first first."""

    def __init__(self, now: Now) -> None:
        self.now = now
        self.lock = threading.Lock()
        self.said: list[dict[str, Any]] = []

    def post(self, given: dict[str, Any]) -> dict[str, Any]:
        with self.lock:
            at = self.now()
            ts = f"{int(at.timestamp())}.{len(self.said):06d}"
            channel = str(given["channel"]).lstrip("#")
            kept = {**given, "channel": channel, "ts": ts, "at": at, "edits": 0}
            self.said.append(kept)
            return {"ok": True, "channel": f"C{channel}", "ts": ts}

    def update(self, given: dict[str, Any]) -> dict[str, Any]:
        with self.lock:
            for each in self.said:
                if each["ts"] == given["ts"]:
                    each |= {name: given[name] for name in ("text", "blocks", "metadata") if name in given}
                    each["edits"] += 1
                    return {"ok": True, "channel": f"C{each['channel']}", "ts": each["ts"]}
        return {"ok": False, "error": "message_not_found"}

    def read(self, given: dict[str, Any]) -> dict[str, Any]:
        channel, first = str(given["channel"]).removeprefix("C"), given.get("ts")
        with self.lock:
            kept = [each for each in self.said if each["channel"] == channel]
        shown = [
            {"type": "message", "ts": each["ts"], "text": each.get("text"), "metadata": each.get("metadata")}
            for each in reversed(kept)
            if first is None or first in (each["ts"], each.get("thread_ts"))
        ]
        return {"ok": True, "messages": shown, "response_metadata": {"next_cursor": ""}}

    def messages(self) -> list[dict[str, Any]]:
        with self.lock:
            return [dict(each) for each in self.said]


class Marked(Slack):
    """A workspace in which every message says that it is part of an exercise."""

    def post(self, message: Message, channel: str, *, now: datetime) -> Outcome:
        return super().post(_marked(message), channel, now=now)

    def edit(self, message: Message, channel_id: str, ts: str, *, now: datetime) -> Outcome:
        return super().edit(_marked(message), channel_id, ts, now=now)


def _marked(message: Message) -> Message:
    said = {"type": "plain_text", "emoji": False, "text": MARK}
    block = {"type": "context", "elements": [said]}
    return message._replace(text=f"EXERCISE. {message.text}", blocks=[block, *message.blocks][:50])


@contextmanager
def mock_slack(now: Now) -> Iterator[tuple[Workspace, str]]:
    """A running mock and its base address."""
    workspace = Workspace(now)
    server = _Server(("127.0.0.1", 0), _Door)
    server.workspace = workspace
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield workspace, f"http://127.0.0.1:{server.server_address[1]}/api/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=5)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    workspace: Workspace


class _Door(BaseHTTPRequestHandler):
    server: _Server

    def do_POST(self) -> None:
        method, given = urlsplit(self.path).path.removeprefix("/api/"), self._given()
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            return self._answer({"ok": False, "error": "invalid_auth"})
        workspace = self.server.workspace
        if method == "chat.postMessage":
            return self._answer(workspace.post(given))
        if method == "chat.update":
            return self._answer(workspace.update(given))
        if method in ("conversations.history", "conversations.replies"):
            return self._answer(workspace.read(given))
        if method == "auth.test":
            return self._answer({"ok": True, "team": "Exercise"})
        return self._answer({"ok": False, "error": "unknown_method"})

    def _given(self) -> dict[str, Any]:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        if "json" in (self.headers.get("Content-Type") or "") and body:
            told: dict[str, Any] = json.loads(body)
            return told
        return dict(parse_qsl(f"{urlsplit(self.path).query}&{body}"))

    def _answer(self, said: dict[str, Any]) -> None:
        written = json.dumps(said).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(written)))
        self.end_headers()
        self.wfile.write(written)

    def log_message(self, *_args: Any) -> None:
        """Quiet: what was said is on the page."""
