"""Server-side request forgery, case by case: no address of ours is reached, however it is spelt and whichever way it
comes in. Looked at where it counts: nobody knocks at a listener here, and no socket is told to connect.
"""

import socket
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from typing import Any, NamedTuple

import pytest

from collector.errors import FetchError, Forbidden, Unreachable
from collector.http import Http
from collector.settings import HttpSettings
from tests.collector.inside import ADDRESSES, HOSTS, LAWFUL, LOCATIONS, NAMES, PUBLIC, WIDE, Lawful
from tests.collector.test_addresses import Canary
from tests.doubles.feeds import Publisher, answer, publishing

REDIRECTS = [b"301 Moved", b"302 Found", b"303 See Other", b"307 Temporary", b"308 Permanent"]


class Watched(NamedTuple):
    """The client under test, the publisher that redirects, the listener, and what sockets were told to connect to."""

    http: Http
    publisher: Publisher
    canary: Canary
    connected: list[tuple[str, int]]
    names: dict[str, list[str]]


@pytest.fixture(scope="module")
def house() -> Iterator[Watched]:
    names = dict(NAMES)
    canary = Canary()
    with publishing() as publisher:
        settings = HttpSettings(allow=(publisher.authority, "feeds.force.example:8080"), total_s=5)
        with Http(settings, resolve=_resolver(names)) as http:
            yield Watched(http, publisher, canary, [], names)
    canary.close()


def _resolver(names: dict[str, list[str]]) -> Any:
    """Knows these names; every other must be an address, in any spelling the system's own resolver takes."""

    def resolve(host: str, port: int, **_: object) -> list[Any]:
        known = names.get(host)
        if known is None:
            return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
        pairs = [(socket.AF_INET6 if ":" in each else socket.AF_INET, each) for each in known]
        return [(family, socket.SOCK_STREAM, 6, "", (each, port)) for family, each in pairs]

    return resolve


@pytest.fixture
def watched(house: Watched, monkeypatch: pytest.MonkeyPatch) -> Watched:
    """Only the publisher is really connected to; every other try is written down and goes nowhere."""
    real = socket.socket.connect
    house.connected.clear()

    def connect(self: socket.socket, address: tuple[str, int]) -> None:
        if address[:2] == ("127.0.0.1", house.publisher.port):
            return real(self, address)
        house.connected.append(address[:2])
        raise ConnectionRefusedError("nothing leaves this machine")

    monkeypatch.setattr(socket.socket, "connect", connect)
    monkeypatch.setattr(socket.socket, "connect_ex", connect)
    return house


def refused(watched: Watched, url: str, now: datetime) -> None:
    """Not fetched, by any error of ours, and nobody was asked."""
    with pytest.raises(FetchError):
        watched.http.get(url, now=now)
    assert watched.connected == []
    assert watched.canary.visits == 0


def redirecting(watched: Watched, location: str, number: int) -> str:
    """An address that leads to `location` by one to five redirects of all kinds."""
    hops = 1 + number % 5
    for hop in range(hops):
        there = watched.publisher.url(f"hop{hop + 1}") if hop + 1 < hops else location
        status = REDIRECTS[(number + hop) % len(REDIRECTS)]
        raw = there.encode("latin-1", "surrogateescape") if there.isascii() else there.encode()
        watched.publisher.feed(f"hop{hop}").failing = answer(b"", b"Location: " + raw, status=status)
    return watched.publisher.url("hop0")


def test_there_are_enough_cases() -> None:
    assert len({*HOSTS, *NAMES, *ADDRESSES}) >= 400
    assert len(LAWFUL) >= 20


@pytest.mark.parametrize("host", [*HOSTS, *NAMES])
def test_no_host_of_ours_is_reached(host: str, watched: Watched, noon: datetime) -> None:
    refused(watched, f"http://{host}/latest/meta-data", noon)
    refused(watched, f"https://{host}:{watched.canary.port}/", noon)


@pytest.mark.parametrize(("number", "host"), list(enumerate([*HOSTS, *NAMES])))
def test_no_redirect_reaches_a_host_of_ours(number: int, host: str, watched: Watched, noon: datetime) -> None:
    watched.publisher.log.clear()
    refused(watched, redirecting(watched, f"http://{host}/", number), noon)
    assert len(watched.publisher.log) == 1 + number % 5, "it was refused before the last hop"


@pytest.mark.parametrize(("number", "url"), list(enumerate([*ADDRESSES, *LOCATIONS])))
def test_no_address_leads_inside(number: int, url: str, watched: Watched, noon: datetime) -> None:
    meant = url.replace("{port}", str(watched.canary.port)).replace("{wide}", "127.0.0.1".translate(WIDE))
    watched.names["news.example"] = ["10.0.0.80"]
    if url in ADDRESSES:
        refused(watched, meant, noon)
    with suppress(FetchError):  # some lead back to the publisher, as relative addresses
        watched.http.get(redirecting(watched, meant, number), now=noon)
    assert watched.connected == []
    assert watched.canary.visits == 0


@pytest.mark.parametrize(
    "port", [1, 21, 22, 23, 25, 110, 143, 445, 2375, 3306, 5432, 6379, 8080, 9200, 11211]
)
def test_public_hosts_are_asked_at_the_webs_ports_only(port: int, watched: Watched, noon: datetime) -> None:
    watched.names["news.example"] = [PUBLIC]
    for url in (f"http://news.example:{port}/", f"https://news.example:{port}/", f"http://{PUBLIC}:{port}/"):
        refused(watched, url, noon)
        refused(watched, redirecting(watched, url, port), noon)


@pytest.mark.parametrize(
    "answers", [["127.0.0.1"], ["169.254.169.254"], ["::1"], ["10.0.0.1", "::ffff:10.0.0.1"]]
)
def test_a_name_that_changes_between_check_and_connect_gains_nothing(
    answers: list[str], watched: Watched, noon: datetime
) -> None:
    asked: list[str] = []

    def rebinding(host: str, port: int, **_: object) -> list[Any]:
        asked.append(host)
        found = [PUBLIC] if len(asked) % 2 else answers
        pairs = [(socket.AF_INET6 if ":" in each else socket.AF_INET, each) for each in found]
        return [(family, socket.SOCK_STREAM, 6, "", (each, port)) for family, each in pairs]

    with Http(HttpSettings(total_s=5), resolve=rebinding) as http:
        with pytest.raises(Unreachable):
            http.get("https://rebinding.example/", now=noon)
        assert (asked, watched.connected) == (["rebinding.example"], [(PUBLIC, 443)])
        with pytest.raises(Forbidden):
            http.get("https://rebinding.example/", now=noon)
    assert watched.connected == [(PUBLIC, 443)]


@pytest.mark.parametrize("lawful", LAWFUL, ids=lambda each: each.url)
def test_lawful_hosts_are_asked(lawful: Lawful, watched: Watched, noon: datetime) -> None:
    asked: list[str] = []

    def resolve(host: str, port: int, **_: object) -> list[Any]:
        asked.append(host)
        pairs = [(socket.AF_INET6 if ":" in each else socket.AF_INET, each) for each in lawful.resolves]
        return [(family, socket.SOCK_STREAM, 6, "", (each, port)) for family, each in pairs]

    with (
        Http(HttpSettings(allow=("feeds.force.example:8080",), total_s=5), resolve=resolve) as http,
        pytest.raises(Unreachable, match="nothing leaves"),
    ):
        http.get(lawful.url, now=noon)
    assert len(asked) == 1
    assert watched.connected[0] == lawful.connects
    assert not {"10.0.0.1", "::1"} & {address for address, _ in watched.connected}


@pytest.mark.parametrize(
    "name", ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"]
)
def test_no_variable_sends_it_elsewhere(
    name: str, watched: Watched, noon: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(
        name, f"http://127.0.0.1:{watched.canary.port}"
    )  # the environment is what this is about
    monkeypatch.setenv("NO_PROXY", "")
    with Http(HttpSettings(total_s=5), resolve=_resolver({"news.example": [PUBLIC]})) as http:
        for scheme, port in (("http", 80), ("https", 443)):
            with pytest.raises(Unreachable):
                http.get(f"{scheme}://news.example/", now=noon)
            assert watched.connected.pop() == (PUBLIC, port)
    assert watched.canary.visits == 0


@pytest.mark.parametrize(
    "header", [b'Alt-Svc: h2="127.0.0.1:{port}"', b"Refresh: 0; url=http://127.0.0.1:{port}/",
               b"Link: <http://127.0.0.1:{port}/>; rel=preload", b"Content-Location: http://127.0.0.1:{port}/",
               b"Set-Cookie: a=b; Domain=127.0.0.1", b"Location: http://127.0.0.1:{port}/"],
)  # fmt: skip
def test_no_header_of_an_answer_sends_it_elsewhere(header: bytes, watched: Watched, noon: datetime) -> None:
    sent = header.replace(b"{port}", str(watched.canary.port).encode())
    watched.publisher.feed("said").failing = answer(b"<rss/>", sent)
    watched.publisher.log.clear()
    for _ in range(2):
        assert watched.http.get(watched.publisher.url("said"), now=noon).status == 200
    assert all("cookie" not in request.headers for request in watched.publisher.log)
    assert watched.connected == []
    assert watched.canary.visits == 0
