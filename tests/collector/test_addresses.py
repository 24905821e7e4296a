"""Server-side request forgery: what must not be reached is refused by the address connected to, however it is spelt."""

import socket
import threading
from collections.abc import Iterator
from datetime import datetime
from itertools import product

import pytest

from collector.addresses import connect_checked, is_allowed, is_public
from collector.errors import FetchError, Forbidden, Unreachable
from collector.http import Http
from collector.settings import HttpSettings
from tests.doubles.feeds import answer, publishing

# One address or more of every class that is not public (IANA special-purpose registries, IPv4 and IPv6).
PRIVATE_4 = [
    "0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.127.255.254", "127.0.0.1",
    "127.1.2.3", "127.255.255.254", "169.254.0.1", "169.254.169.254", "169.254.170.2", "172.16.0.1",
    "172.31.255.254", "192.0.0.1", "192.0.0.8", "192.0.0.9", "192.0.0.10", "192.0.0.170", "192.0.0.192",
    "192.0.2.1", "192.88.99.1", "192.168.0.1", "192.168.255.254", "198.18.0.1", "198.19.255.254",
    "198.51.100.7", "203.0.113.9", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255",
]  # fmt: skip
PRIVATE_6 = [
    "::", "::1", "100::1", "2001::1", "2001:2::1", "2001:10::1", "2001:20::1", "2001:db8::1", "3fff::1",
    "5f00::1", "fc00::1", "fd12:3456::1", "fd00:ec2::254", "fe80::1", "fe80::1%eth0", "fe80::a9fe:a9fe",
    "fec0::1", "ff02::1", "ff0e::1", "4000::1", "8000::1", "e000::1",
]  # fmt: skip
CARRIED = ["127.0.0.1", "169.254.169.254", "10.0.0.1", "192.168.1.1", "100.64.0.1", "0.0.0.0"]
CARRIERS = ["64:ff9b::{}", "64:ff9b:1::{}", "::ffff:{}", "::{}", "::ffff:0:{}"]
WRAPPED = [carrier.format(address) for carrier, address in product(CARRIERS, CARRIED)]
SIX_TO_FOUR = ["2002:7f00:1::", "2002:a9fe:a9fe::", "2002:a00:1::", "2002:c0a8:101::1"]
REFUSED = [*PRIVATE_4, *PRIVATE_6, *WRAPPED, *SIX_TO_FOUR]

PUBLIC = [
    "1.1.1.1", "8.8.8.8", "9.9.9.9", "81.2.69.142", "93.184.215.14", "104.16.0.1", "151.101.0.81",
    "185.199.108.153", "192.1.2.3", "198.17.0.1", "198.20.0.1", "212.58.244.1", "223.255.255.254",
    "2001:4860:4860::8888", "2606:4700::1111", "2620:fe::fe", "2a00:1450:4009::1", "2a04:4e42::81",
    "2400:cb00::1", "2803:f800::1", "2c0f:f248::1", "64:ff9b::8.8.8.8",
]  # fmt: skip

# Spellings of this machine that resolvers and URL parsers accept.
SPELLINGS = [
    "127.0.0.1", "127.1", "127.0.1", "2130706433", "0x7f000001", "0x7f.1", "0x7f.0.0.1", "0177.0.0.1",
    "017700000001", "0177.1", "127.00000.00000.1", "0", "0.0.0.0", "0x0", "①②⑦.⓪.⓪.①", "127。0。0。1",
    "localhost", "LOCALHOST", "localhost.", "[::1]", "[::]", "[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]", "[::127.0.0.1]", "[64:ff9b::127.0.0.1]", "[64:ff9b:1::7f00:1]", "[2002:7f00:1::]",
    "169.254.169.254", "2852039166", "0xa9fea9fe", "0xa9.0xfe.0xa9.0xfe", "0251.0376.0251.0376",
    "[::ffff:169.254.169.254]", "[fd00:ec2::254]", "[fe80::1]", "10.1", "192.168.1", "%31%32%37.0.0.1",
]  # fmt: skip


@pytest.fixture
def canary() -> Iterator["Canary"]:
    made = Canary()
    yield made
    made.close()


class Canary:
    """A listener on this machine that counts who came."""

    def __init__(self) -> None:
        self.visits = 0
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        while True:
            try:
                visitor, _ = self._socket.accept()
            except OSError:
                return
            self.visits += 1
            visitor.close()

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join()


@pytest.fixture
def resolving(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """Names and the addresses they resolve to. The system's resolver is an edge that a test cannot own."""
    names: dict[str, list[str]] = {}
    real = socket.getaddrinfo

    def resolve(host: str, port: int, *given: object, **named: object) -> list[object]:
        if host not in names:
            return list(real(host, port, *given, **named))  # type: ignore[arg-type]
        found: list[object] = []
        for each in names[host]:
            family = socket.AF_INET6 if ":" in each else socket.AF_INET
            found.append((family, socket.SOCK_STREAM, 6, "", (each, port)))
        return found

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    return names


@pytest.mark.parametrize("address", REFUSED)
def test_an_address_that_is_not_public_is_known_as_such(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_is_let_through(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("address", REFUSED)
def test_a_name_that_leads_to_it_is_refused(address: str, resolving: dict[str, list[str]]) -> None:
    resolving["news.example"] = [address.partition("%")[0]]
    with pytest.raises(Forbidden, match="public"):
        connect_checked("news.example", 443, timeout=1)


@pytest.mark.parametrize("host", SPELLINGS)
@pytest.mark.parametrize("how", ["directly", "by a redirect"])
def test_no_spelling_reaches_this_machine(host: str, how: str, canary: Canary, noon: datetime) -> None:
    for port in (canary.port, 80):
        url = f"http://{host}:{port}/"
        with publishing() as publisher, Http(HttpSettings(allow=(publisher.authority,), total_s=2)) as http:
            publisher.feed("away").failing = answer(b"", b"Location: " + url.encode(), status=b"302 Found")
            with pytest.raises(FetchError):
                http.get(publisher.url("away") if how == "by a redirect" else url, now=noon)
    assert canary.visits == 0


def test_a_name_that_answers_differently_each_time_is_judged_by_what_is_connected_to(
    canary: Canary, monkeypatch: pytest.MonkeyPatch, noon: datetime
) -> None:
    answers = iter([["8.8.8.8"], ["127.0.0.1"], ["127.0.0.1"]])
    asked = []
    connected: list[tuple[str, int]] = []

    def resolve(host: str, port: int, **_: object) -> list[object]:
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, port)) for each in next(answers)]

    def connect(self: socket.socket, address: tuple[str, int]) -> None:
        connected.append(address)
        raise ConnectionRefusedError("no network in tests")

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    monkeypatch.setattr(socket.socket, "connect", connect)  # nothing may leave this machine
    with Http(HttpSettings(total_s=2)) as http, pytest.raises(Unreachable):
        http.get("http://rebinding.example/", now=noon)
    assert asked == ["rebinding.example"], "a second look-up could give another answer"
    assert connected == [("8.8.8.8", 80)]
    assert canary.visits == 0


def test_of_several_addresses_only_the_public_ones_are_tried(
    resolving: dict[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    connected: list[str] = []

    def connect(self: socket.socket, address: tuple[str, int]) -> None:
        connected.append(address[0])
        raise ConnectionRefusedError("no network in tests")

    monkeypatch.setattr(socket.socket, "connect", connect)  # nothing may leave this machine
    resolving["mixed.example"] = ["10.0.0.1", "93.184.215.14", "127.0.0.1"]
    with pytest.raises(Unreachable):
        connect_checked("mixed.example", 443, timeout=1)
    assert connected == ["93.184.215.14"]


@pytest.mark.parametrize(
    "port", [1, 22, 25, 53, 79, 81, 110, 442, 444, 3306, 5432, 6379, 8000, 8080, 8443, 9200]
)
def test_only_the_ports_of_the_web_are_connected_to(port: int, resolving: dict[str, list[str]]) -> None:
    resolving["news.example"] = ["93.184.215.14"]
    with pytest.raises(Forbidden, match="80 and 443"):
        connect_checked("news.example", port, timeout=1)


def test_what_the_operator_lists_is_reached_and_nothing_beside_it(canary: Canary) -> None:
    allow = (f"127.0.0.1:{canary.port}",)
    connect_checked("127.0.0.1", canary.port, allow=allow, timeout=1).close()
    for host, port in (("localhost", canary.port), ("127.0.0.1", canary.port - 1), ("127.1", canary.port)):
        with pytest.raises(FetchError):
            connect_checked(host, port, allow=allow, timeout=1)


@pytest.mark.parametrize(
    ("listed", "host", "port", "allowed"),
    [
        ("feeds.force.example:8080", "feeds.force.example", 8080, True),
        ("Feeds.Force.Example:8080", "feeds.force.example.", 8080, True),
        ("[::1]:8080", "::1", 8080, True),
        ("[::1]:8080", "[::1]", 8080, True),
        ("feeds.force.example:8080", "feeds.force.example", 80, False),
        ("feeds.force.example:8080", "other.example", 8080, False),
        ("feeds.force.example", "feeds.force.example", 80, False),
        ("", "", 80, False),
    ],
)
def test_the_operators_list_is_matched_by_host_and_port(
    listed: str, host: str, port: int, allowed: bool
) -> None:
    assert is_allowed(host, port, (listed,)) is allowed


def test_a_name_nobody_knows_is_said_to_be_unknown() -> None:
    with pytest.raises(Unreachable, match="cannot be resolved"):
        connect_checked("no-such-name.invalid", 443, timeout=5)
