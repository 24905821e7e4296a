"""A publisher of our own on this machine, with validators and a log; and the ground for those that misbehave.

Everything is raw sockets, so that also what no HTTP library would send can be sent.
"""

import selectors
import socket
import socketserver
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import format_datetime

ITEM = (
    "<item><title>{title}</title><link>{link}</link><guid>{link}</guid>"
    "<pubDate>{date}</pubDate><description>{text}</description></item>"
)


@dataclass
class Request:
    """One request as it came: the path with its query, and the headers byte for byte, names in lower case."""

    path: str
    headers: dict[str, bytes]
    at: float


@dataclass
class Feed:
    """One well-kept feed. `etag` is sent as it stands; `ignores_conditions` answers 200 all the same."""

    items: list[str] = field(default_factory=list)
    etag: bytes | None = b'W/"0-\xe9"'
    last_modified: bytes | None = b"Tue, 14 Jul 2026 09:00:00 GMT"
    content_type: bytes = b"application/rss+xml; charset=utf-8"
    ignores_conditions: bool = False
    failing: bytes | None = None

    def publish(self, title: str, *, link: str, at: datetime, text: str = "") -> None:
        date = format_datetime(at)
        self.items.insert(0, ITEM.format(title=title, link=link, date=date, text=text))
        self.etag = b'W/"%d-\xe9"' % len(self.items)

    @property
    def body(self) -> bytes:
        return rss("".join(self.items))


def rss(items: str) -> bytes:
    head = '<?xml version="1.0" encoding="utf-8"?><rss version="2.0"><channel><title>Hackney Herald</title>'
    return f"{head}{items}</channel></rss>".encode()


@dataclass
class Publisher:
    """The server: feeds by name under `/feeds/`, misbehaviour by name under `/hostile/`. It may listen at several
    `ports`, each a host of its own for whoever asks."""

    behaviours: Mapping[str, "Behaviour"] = field(default_factory=dict)
    ports: list[int] = field(default_factory=list)
    feeds: dict[str, Feed] = field(default_factory=dict)
    log: list[Request] = field(default_factory=list)
    stopping: threading.Event = field(default_factory=threading.Event)

    @property
    def port(self) -> int:
        return self.ports[0]

    @property
    def authority(self) -> str:
        return f"127.0.0.1:{self.port}"

    def url(self, name: str) -> str:
        return f"http://{self.authority}/feeds/{name}"

    def hostile(self, name: str, port: int | None = None) -> str:
        return f"http://127.0.0.1:{port or self.port}/hostile/{name.replace(' ', '-')}"

    def feed(self, name: str) -> Feed:
        return self.feeds.setdefault(name, Feed())


Send = Callable[[bytes], None]
Behaviour = Callable[[Send, Publisher], None]
RESET = struct.pack("ii", 1, 0)  # SO_LINGER: closing sends a reset


class Hangs(Exception):  # it is what happens, not a fault
    """Raised by a behaviour to break the connection off with a reset."""


class _Handler(socketserver.StreamRequestHandler):
    server: "_Server"

    def handle(self) -> None:
        with suppress(ConnectionError, TimeoutError, OSError):
            try:
                self._begin()
                while self._one():
                    pass
            except Hangs:
                self.request.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)

    def _begin(self) -> None:
        if self.server.door == "reset":
            raise Hangs
        if self.server.door == "clear":
            self._send(answer(b"", status=b"400 Bad Request"))
        if self.server.door == "silent":
            self.server.publisher.stopping.wait(60)
        if isinstance(self.server.door, ssl.SSLContext):
            self.request = self.connection = self.server.door.wrap_socket(self.request, server_side=True)
            self.rfile, self.wfile = self.connection.makefile("rb"), self.connection.makefile("wb")

    def finish(self) -> None:
        super().finish()
        self.request.close()

    def _one(self) -> bool:
        line = self.rfile.readline(65_536)
        if line.count(b" ") < 2:
            return False
        path = line.split(b" ")[1].decode("latin-1")
        headers: dict[str, bytes] = {}
        while (header := self.rfile.readline(65_536)) not in (b"\r\n", b""):
            name, _, value = header.partition(b":")
            headers[name.decode("latin-1").lower()] = value.strip()
        publisher = self.server.publisher
        publisher.log.append(Request(path, headers, time.monotonic()))
        if path.startswith("/hostile/"):
            asked = path.removeprefix("/hostile/").partition("?")[0].partition("/")[0]
            publisher.behaviours[asked.replace("-", " ")](self._send_last, publisher)
            return False
        feed = publisher.feeds.get(path.removeprefix("/feeds/").partition("?")[0])
        self._send(answer(b"", status=b"404 Not Found") if feed is None else _answer(feed, headers))
        return True

    def _send_last(self, data: bytes) -> None:
        """What begins like an answer says that the connection ends with it, so that nobody asks on it again."""
        if data.startswith(b"HTTP/1.1 2"):
            data = data.replace(b"\r\n", b"\r\nConnection: close\r\n", 1)
        self._send(data)

    def _send(self, data: bytes) -> None:
        self.wfile.write(data)
        self.wfile.flush()


def _answer(feed: Feed, headers: dict[str, bytes]) -> bytes:
    validators = [b"Content-Type: " + feed.content_type]
    validators += [b"ETag: " + feed.etag] if feed.etag else []
    validators += [b"Last-Modified: " + feed.last_modified] if feed.last_modified else []
    if feed.failing is not None:
        return feed.failing
    same = feed.etag is not None and headers.get("if-none-match") == feed.etag
    if same and not feed.ignores_conditions:
        return b"HTTP/1.1 304 Not Modified\r\n" + b"\r\n".join(validators) + b"\r\n\r\n"
    return answer(feed.body, *validators)


def answer(body: bytes, *headers: bytes, status: bytes = b"200 OK") -> bytes:
    lines = [b"HTTP/1.1 " + status, *headers, b"Content-Length: %d" % len(body)]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


Door = ssl.SSLContext | str | None  # how a port is opened: with TLS, in the clear, or not really


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, publisher: Publisher, door: Door) -> None:
        self.publisher, self.door = publisher, door
        super().__init__(("127.0.0.1", 0), _Handler)


@contextmanager
def publishing(
    behaviours: Mapping[str, Behaviour] | None = None, doors: Sequence[Door] = (None,)
) -> Iterator[Publisher]:
    publisher = Publisher(behaviours or {})
    servers = [_Server(publisher, door) for door in doors]
    publisher.ports += [server.server_address[1] for server in servers]
    thread = threading.Thread(target=_serve, args=(servers, publisher.stopping), daemon=True)
    thread.start()
    try:
        yield publisher
    finally:
        publisher.stopping.set()
        thread.join()
        for server in servers:
            server.server_close()


def _serve(servers: Sequence[_Server], stopping: threading.Event) -> None:
    with selectors.DefaultSelector() as ready:
        for server in servers:
            ready.register(server, selectors.EVENT_READ, server)
        while not stopping.is_set():
            for key, _ in ready.select(0.02):
                key.data.handle_request()
