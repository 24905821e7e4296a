"""A Jetstream of our own on this machine: a real WebSocket server of either version that counts what it did.

Events are numbered and dated like the real ones; what it refuses, forgets or breaks off is set by the test.
"""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs, urlsplit

import zstandard
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.protocol import State
from websockets.sync.server import Server, ServerConnection, serve

NOON = datetime(2026, 7, 14, 12, 0, tzinfo=UTC)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
COLLECTION = "app.bsky.feed.post"
V2_PATH = "/xrpc/network.bsky.jetstream.subscribeEvents"
DICTIONARY_PATH = "/xrpc/network.bsky.jetstream.getZstdDictionary"


@dataclass
class Happened:
    """One event, as both versions tell it."""

    seq: int
    at: datetime
    kind: str
    body: dict[str, Any]

    @property
    def time_us(self) -> int:
        return (self.at - EPOCH) // timedelta(microseconds=1)

    def frame(self, version: int) -> bytes:
        body = {key: value for key, value in self.body.items() if value is not None}
        did = body.pop("did")
        if version == 1:
            inner = body if self.kind == "commit" else {**body[self.kind], "did": did}
            told = {"did": did, "time_us": self.time_us, "kind": self.kind, self.kind: inner}
        else:
            payload = {
                "$type": f"network.bsky.jetstream.subscribeEvents#{self.kind}",
                "seq": self.seq,
                "did": did,
                "time": self.at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
                **body,
            }
            told = {"$type": "message", "payload": payload}
        return json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()


@dataclass
class Jetstream:
    """What the server knows and does. `asked` holds each query, with its version; `opened` the version of each
    connection that is told things, `open_now` how many of them have not ended."""

    speaks: tuple[int, ...] = (1, 2)
    dictionary: bytes | None = None
    floor_seq: int = 0  # what came before this is forgotten
    break_after: list[int] = field(default_factory=list)  # frames sent until each next connection is cut
    error_after: list[int] = field(default_factory=list)  # frames sent until it is ended by ConsumerTooSlow
    refuse: list[tuple[int, str]] = field(default_factory=list)  # status and error of the next refusals
    first_seq: int = 1
    events: list[Happened] = field(default_factory=list)
    asked: list[dict[str, Any]] = field(default_factory=list)
    opened: list[int] = field(default_factory=list)
    open_now: int = 0
    sent: int = 0
    broken: int = 0
    port: int = 0
    more: threading.Condition = field(default_factory=threading.Condition)
    ended: bool = False

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    def tell(self, kind: str, body: dict[str, Any], at: datetime | None = None) -> Happened:
        with self.more:
            seq = self.first_seq + len(self.events)
            at = at or NOON + timedelta(milliseconds=seq)
            self.events.append(Happened(seq, at, kind, body))
            self.more.notify_all()
            return self.events[-1]

    def post(
        self, text: str, key: str, *, did: str = "did:plc:writer", at: datetime | None = None, **record: Any
    ) -> str:
        """Say that a post was written; its at:// address."""
        return self._commit("create", key, did, at, {"text": text, **record})

    def edit(self, text: str, key: str, *, rev: str, did: str = "did:plc:writer") -> str:
        return self._commit("update", key, did, None, {"text": text}, rev)

    def delete(self, key: str, *, did: str = "did:plc:writer") -> str:
        return self._commit("delete", key, did, None, None)

    def account(self, did: str, status: str | None) -> None:
        told = {"active": status is None, "seq": 1, "time": "2026-07-14T12:00:00Z", "did": did}
        self.tell("account", {"did": did, "account": {**told, **({"status": status} if status else {})}})

    def other(self, collection: str = "app.bsky.feed.like") -> None:
        body = {"operation": "create", "collection": collection, "rkey": "3lother", "rev": "3lrev"}
        subject = {"uri": f"at://did:plc:writer/{COLLECTION}/3l1", "cid": "bafyliked"}
        self.tell("commit", {"did": "did:plc:liker", **body, "record": {"subject": subject}})

    def _commit(
        self,
        operation: str,
        key: str,
        did: str,
        at: datetime | None,
        record: dict[str, Any] | None,
        rev: str = "3lrev",
    ) -> str:
        if record is not None:
            record = {"$type": COLLECTION, "createdAt": "2026-07-14T11:59:00.000Z", "langs": ["en"], **record}
        body = {"did": did, "rev": rev, "operation": operation, "collection": COLLECTION, "rkey": key}
        self.tell("commit", {**body, "record": record, "cid": "bafyrecord" if record else None}, at)
        return f"at://{did}/{COLLECTION}/{key}"

    def answer(self, connection: ServerConnection, request: Request) -> Response | None:
        """What is decided before a connection is a WebSocket."""
        address = urlsplit(request.path)
        if address.path == DICTIONARY_PATH and self.dictionary is not None:
            headers = Headers({"Content-Length": str(len(self.dictionary))})
            return Response(200, "OK", headers, self.dictionary)
        version = {V2_PATH: 2, "/subscribe": 1}.get(address.path)
        if version not in self.speaks:
            return connection.respond(HTTPStatus.NOT_FOUND, "no such method")
        query = parse_qs(address.query)
        self.asked.append({"version": version, **query})
        if self.refuse:
            status, error = self.refuse.pop(0)
            return connection.respond(HTTPStatus(status), json.dumps({"error": error, "message": ""}))
        cursor = int(query.get("cursor", ["0"])[0])
        if version == 2 and 0 < cursor < min(self.floor_seq, 10**15):
            return connection.respond(HTTPStatus.BAD_REQUEST, json.dumps({"error": "CursorTooOld"}))
        return None

    def serve(self, connection: ServerConnection) -> None:
        """Everything from the cursor on, then what happens next, until someone hangs up."""
        with self.more:
            self.open_now += 1
        try:
            self._serve(connection)
        finally:
            with self.more:
                self.open_now -= 1

    def _serve(self, connection: ServerConnection) -> None:
        path = urlsplit(connection.request.path if connection.request else "")
        version = 2 if path.path == V2_PATH else 1
        query = parse_qs(path.query)
        pack = zstandard.ZstdCompressor(dict_data=zstandard.ZstdCompressionDict(self.dictionary or b""))
        packed = "zstdDictionary" in query
        left = self.break_after.pop(0) if self.break_after else None
        error_left = self.error_after.pop(0) if self.error_after else None
        at = self._start(version, query)
        self.opened.append(version)
        with suppress(ConnectionClosed):
            while not self.ended and connection.protocol.state is State.OPEN:
                for event in self.events[at:]:
                    if left == 0:
                        self.broken += 1
                        connection.socket.close()
                        return
                    if error_left == 0:
                        self.broken += 1
                        connection.send(json.dumps({"$type": "error", "error": "ConsumerTooSlow"}))
                        return
                    frame = event.frame(version)
                    connection.send(pack.compress(frame) if packed else frame, text=not packed)
                    self.sent += 1
                    at += 1
                    left = left - 1 if left is not None else None
                    error_left = error_left - 1 if error_left is not None else None
                with self.more:
                    self.more.wait(0.02)

    def _start(self, version: int, query: dict[str, list[str]]) -> int:
        """The index of the first event to tell. A future cursor silently means: what happens from now on."""
        if "cursor" not in query:
            return len(self.events)
        cursor = int(query["cursor"][0])
        by_time = version == 1 or cursor >= 10**15
        known = [index for index, event in enumerate(self.events) if event.seq >= self.floor_seq]
        found = [
            index
            for index in known
            if (self.events[index].time_us if by_time else self.events[index].seq) >= cursor
        ]
        return found[0] if found else len(self.events)


@contextmanager
def serving(double: Jetstream) -> Iterator[Jetstream]:
    """The server, up on a free port of this machine."""
    server: Server = serve(
        double.serve, "127.0.0.1", double.port, process_request=double.answer, compression=None
    )
    double.port = server.socket.getsockname()[1]
    running = threading.Thread(target=server.serve_forever, daemon=True)
    running.start()
    try:
        yield double
    finally:
        double.ended = True
        server.shutdown()
        running.join(5)


def wait_until(so: Any, *, within_s: float = 10.0) -> None:
    """Wait for something that will be true; fails when it does not become so."""
    until = time.monotonic() + within_s
    while not so():
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.01)
