"""A Mastodon server of our own on this machine: hashtag timelines with paging, limits and refusals."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.doubles.serving import Patient, serving

START = datetime(2026, 7, 14, 9, 0, tzinfo=UTC)
FIRST_ID = 111_000_000_000_000_000


@dataclass
class Instance:
    """`statuses` oldest first. `refusing` answers every request with that status and these headers."""

    port: int = 0
    statuses: list[dict[str, Any]] = field(default_factory=list)
    log: list[str] = field(default_factory=list)
    refusing: tuple[int, dict[str, str]] | None = None
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None
    links: bool = True

    @property
    def authority(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"http://{self.authority}"

    def post(self, content: str, **given: Any) -> dict[str, Any]:
        """Publish a status, one minute after the last."""
        number = len(self.statuses)
        made = {
            "id": str(FIRST_ID + number * 1_000),
            "uri": f"https://social.example/users/neighbour/statuses/{number}",
            "url": f"https://social.example/@neighbour/{number}",
            "created_at": (START + timedelta(minutes=number)).isoformat().replace("+00:00", "Z"),
            "content": f"<p>{content}</p>",
            "visibility": "public",
            "language": "en",
            "account": {"acct": "neighbour", "uri": "https://social.example/users/neighbour"},
            **given,
        }
        self.statuses.append(made)
        return made

    def page(self, limit: int, min_id: str | None) -> list[dict[str, Any]]:
        """Newest first, as the interface gives it: with `min_id` the page right after that id."""
        if min_id is None:
            return self.statuses[::-1][:limit]
        return [each for each in self.statuses if int(each["id"]) > int(min_id)][:limit][::-1]


class _Server(Patient):
    instance: Instance


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:  # the name is the library's
        instance = self.server.instance
        instance.log.append(self.path)
        if instance.refusing is not None:
            return self._answer(instance.refusing[0], b'{"error":"no"}', instance.refusing[1])
        address = urlsplit(self.path)
        if not address.path.startswith("/api/v1/timelines/tag/"):
            return self._answer(404, b'{"error":"not found"}', {})
        query = parse_qs(address.query)
        page = instance.page(int(query["limit"][0]), query.get("min_id", [None])[0])
        headers = dict(instance.headers)
        if page and instance.links:
            here = f"{instance.url}{address.path}"
            headers["Link"] = (
                f'<{here}?max_id={page[-1]["id"]}>; rel="next", <{here}?min_id={page[0]["id"]}>; rel="prev"'
            )
        body = json.dumps(page).encode() if instance.body is None else instance.body
        self._answer(200, body, headers)

    def _answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """What was asked for is in the instance's own log."""


@contextmanager
def running_instance() -> Iterator[Instance]:
    instance = Instance()
    server = _Server(("127.0.0.1", 0), _Handler)
    server.instance = instance
    instance.port = server.server_address[1]
    with serving(server):
        yield instance
