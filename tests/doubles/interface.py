"""A platform's interface of our own on this machine: answers by path, and a log of what it was asked."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from types import MappingProxyType
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

from tests.doubles.serving import Patient, serving


class Asked(NamedTuple):
    """One request: its path, its query with single values, its headers in small letters, its body."""

    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes


class Said(NamedTuple):
    """One answer."""

    body: Any = b""
    status: int = 200
    headers: Mapping[str, str] = MappingProxyType({})


@dataclass
class Interface:
    """`answers` says for each path what it answers; 404 for others. `refusing` goes before them all."""

    port: int = 0
    answers: dict[str, Callable[[Asked], Said]] = field(default_factory=dict)
    log: list[Asked] = field(default_factory=list)
    refusing: Said | None = None

    @property
    def authority(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"http://{self.authority}"

    def says(self, path: str, *bodies: Any) -> None:
        """Answer a path with these bodies, one after another, the last again and again."""
        left = list(bodies)
        self.answers[path] = lambda _asked: Said(left.pop(0) if len(left) > 1 else left[0])


class _Server(Patient):
    interface: Interface


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:  # the name is the library's
        self._serve(b"")

    def do_POST(self) -> None:  # the name is the library's
        self._serve(self.rfile.read(int(self.headers.get("content-length", "0"))))

    def _serve(self, body: bytes) -> None:
        interface, address = self.server.interface, urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(address.query).items()}
        headers = {name.lower(): value for name, value in self.headers.items()}
        asked = Asked(address.path, query, headers, body)
        interface.log.append(asked)
        known = interface.answers.get(address.path)
        said = interface.refusing or (known(asked) if known else Said(b"not here", 404))
        sent = said.body if isinstance(said.body, bytes) else json.dumps(said.body).encode()
        self.send_response(said.status)
        for name, value in said.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(sent)))
        self.end_headers()
        self.wfile.write(sent)

    def log_message(self, format: str, *args: Any) -> None:
        """What was asked for is in the interface's own log."""


@contextmanager
def running_interface() -> Iterator[Interface]:
    interface = Interface()
    server = _Server(("127.0.0.1", 0), _Handler)
    server.interface = interface
    interface.port = server.server_address[1]
    with serving(server):
        yield interface
