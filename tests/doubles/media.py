"""A media server of our own on this machine: files as they should be, and all the ways they should not."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

from tests.doubles.serving import serving


class Given(NamedTuple):
    """One answer. `length` is what is said of its length when that is not true; `endless` repeats the body until
    nobody listens."""

    body: bytes
    kind: str = "video/mp4"
    status: int = 200
    length: int | None = None
    endless: bool = False
    packed: str = ""
    location: str = ""


@dataclass
class MediaServer:
    """`files` says for each path what it answers, 404 for others."""

    port: int = 0
    files: dict[str, Given] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    before: Callable[[str], None] = lambda _path: None

    @property
    def authority(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"http://{self.authority}"


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    media: MediaServer


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:  # the name is the library's
        media = self.server.media
        media.asked.append(self.path)
        media.before(self.path)
        given = media.files.get(self.path, Given(b"not here", "text/plain", 404))
        self.send_response(given.status)
        self.send_header("Content-Type", given.kind)
        for name, value in (("Content-Encoding", given.packed), ("Location", given.location)):
            if value:
                self.send_header(name, value)
        if not given.endless:
            self.send_header("Content-Length", str(len(given.body) if given.length is None else given.length))
        self.end_headers()
        with suppress(OSError):
            self.wfile.write(given.body)
            while given.endless:
                self.wfile.write(given.body)
                time.sleep(0.01)

    def log_message(self, format: str, *args: Any) -> None:
        """What was asked for is in the server's own list."""


@contextmanager
def running_media() -> Iterator[MediaServer]:
    media = MediaServer()
    server = _Server(("127.0.0.1", 0), _Handler)
    server.media = media
    media.port = server.server_address[1]
    with serving(server):
        yield media
