"""The one HTTP client against a server that does everything wrong on purpose."""

import resource
import socket
import threading
import time
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.apart import READ_S
from collector.batch import CursorPosition
from collector.errors import FetchError, Forbidden, Refused, TooLarge, Unreachable
from collector.http import LONGEST_WAIT, Http, asked_wait
from collector.settings import HttpSettings
from collector.sources.base import Place
from collector.sources.feed import Feed
from tests.conftest import NOON
from tests.doubles.feeds import Publisher, answer, publishing
from tests.doubles.hostile import BEHAVIOURS, HOSTILE, ODD, make_ready

TOTAL_S = 2.0


@pytest.fixture(scope="module")
def publisher() -> Iterator[Publisher]:
    make_ready()
    with publishing(BEHAVIOURS) as made:
        yield made


@pytest.fixture(scope="module")
def http(publisher: Publisher) -> Iterator[Http]:
    allow = (publisher.authority,)
    with Http(HttpSettings(allow=allow, connect_s=2, read_s=2, total_s=TOTAL_S)) as made:
        yield made


def memory_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_server_ends_in_time_and_memory_with_a_cause_and_a_remedy(
    name: str, http: Http, publisher: Publisher
) -> None:
    publisher.log.clear()
    started, before = time.monotonic(), memory_mb()
    with pytest.raises(FetchError) as raised:
        Feed(Place("herald", publisher.hostile(name))).fetch(http, CursorPosition(), now=NOON)
    assert publisher.log, "the misbehaviour was never asked for"
    assert time.monotonic() - started < TOTAL_S + READ_S + 4
    assert memory_mb() - before < 64
    assert HOSTILE[name].said in raised.value.cause
    assert raised.value.remedy.startswith(HOSTILE[name].remedy)


@pytest.mark.parametrize("name", ODD)
def test_an_odd_server_is_read_all_the_same(name: str, http: Http, publisher: Publisher) -> None:
    batch = Feed(Place("herald", publisher.hostile(name))).fetch(http, CursorPosition(), now=NOON)
    assert 1 <= len(batch.items) <= 500
    assert "root:" not in batch.items[0].text


def test_a_bomb_is_refused_without_being_unpacked(http: Http, publisher: Publisher) -> None:
    small = Http(HttpSettings(allow=(publisher.authority,), largest_bytes=1_000_000))
    with small, pytest.raises(TooLarge, match="1 MB"):
        small.get(publisher.hostile("gzip bomb"), now=NOON)


def test_a_server_that_is_not_there_is_unreachable() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with (
        Http(HttpSettings(allow=(f"127.0.0.1:{port}",))) as http,
        pytest.raises(Unreachable, match=str(port)),
    ):
        http.get(f"http://127.0.0.1:{port}/", now=NOON)


def test_a_server_that_speaks_no_tls_is_unreachable(http: Http, publisher: Publisher) -> None:
    with pytest.raises(FetchError):
        http.get(f"https://{publisher.authority}/", now=NOON)


@pytest.mark.parametrize(
    "url",
    [
        "ftp://news.example/feed",
        "gopher://127.0.0.1:70/",
        "//news.example/feed",
        "news.example/feed",
        "http://",
        "http:///feed",
        "http://who:secret@news.example/",
        "http://news.example:8080/feed",
        "http://news.example:22/feed",
        "http://[::1",
        "http://news.example/" + "x" * 9_000,
        "javascript:alert(1)",
        "data:text/xml,<rss/>",
        "",
    ],
)
def test_addresses_of_a_wrong_form_are_forbidden(url: str, http: Http) -> None:
    with pytest.raises(Forbidden):
        http.get(url, now=NOON)


def test_it_says_who_it_is_and_keeps_no_cookies(http: Http, publisher: Publisher) -> None:
    publisher.feed("wall").failing = answer(b"<rss/>", b"Set-Cookie: track=1; Path=/")
    publisher.log.clear()
    for _ in range(2):
        http.get(publisher.url("wall"), now=NOON)
    assert all(b"goldenhour/" in each.headers["user-agent"] for each in publisher.log)
    assert all(b"+https://" in each.headers["user-agent"] for each in publisher.log)
    assert all("cookie" not in each.headers for each in publisher.log)


def test_credentials_stay_with_the_host_they_were_meant_for(publisher: Publisher) -> None:
    there = f"http://localhost:{publisher.port}/feeds/there"
    publisher.feed("here").failing = answer(b"", b"Location: " + there.encode(), status=b"302 Found")
    publisher.feed("there")
    publisher.log.clear()
    allow = (publisher.authority, f"localhost:{publisher.port}")
    with Http(HttpSettings(allow=allow)) as http:
        http.get(publisher.url("here"), headers={"Authorization": "Bearer x", "Accept": "a/b"}, now=NOON)
    first, second = publisher.log
    assert first.headers["authorization"] == b"Bearer x"
    assert "authorization" not in second.headers
    assert second.headers["accept"] == b"a/b"


def test_proxy_variables_are_not_listened_to(
    http: Http, publisher: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")  # the environment is what this test is about
    publisher.feed("plain")
    with Http(HttpSettings(allow=(publisher.authority,))) as fresh:
        assert fresh.get(publisher.url("plain"), now=NOON).status == 200


def test_one_slow_server_does_not_hold_up_the_others(http: Http, publisher: Publisher) -> None:
    publisher.feed("quick")
    slow = [
        threading.Thread(target=_ask, args=(http, publisher.hostile("stall before headers")))
        for _ in range(20)
    ]
    for each in slow:
        each.start()
    started = time.monotonic()
    assert http.get(publisher.url("quick"), now=NOON).status == 200
    assert time.monotonic() - started < 2  # as long as one of the slow ones takes to fail
    for each in slow:
        each.join()


def _ask(http: Http, url: str) -> None:
    with pytest.raises(FetchError):
        http.get(url, now=NOON)


@pytest.mark.parametrize(
    ("written", "wait"),
    [
        ("120", timedelta(seconds=120)),
        (" 5 ", timedelta(seconds=5)),
        ("1.5", timedelta(seconds=1.5)),
        ("0", timedelta(0)),
        ("-7", timedelta(0)),
        ("999999999999", LONGEST_WAIT),
        ("Tue, 14 Jul 2026 12:10:00 GMT", timedelta(minutes=10)),
        ("Tue, 14 Jul 2026 13:10:00 +0100", timedelta(minutes=10)),
        ("Tue, 14 Jul 2026 11:00:00 GMT", timedelta(0)),
        ("Tue, 14 Jul 2099 11:00:00 GMT", LONGEST_WAIT),
        ("soon", None),
        ("", None),
        ("nan", None),
        ("inf", None),
        ("٣", timedelta(seconds=3)),
    ],
)
def test_a_wait_asked_for_is_read_in_every_spelling(
    written: str, wait: timedelta | None, noon: datetime
) -> None:
    assert asked_wait(written, noon) == wait


@given(st.text(max_size=60))
def test_no_wait_asked_for_breaks_us(written: str) -> None:
    wait = asked_wait(written, NOON)
    assert wait is None or timedelta(0) <= wait <= LONGEST_WAIT


def test_a_wait_is_handed_on_with_the_refusal(http: Http, publisher: Publisher) -> None:
    publisher.feed("busy").failing = answer(b"", b"Retry-After: 90", status=b"429 Too Many Requests")
    with pytest.raises(Refused) as raised:
        http.get(publisher.url("busy"), now=NOON)
    assert raised.value.retry_after == timedelta(seconds=90)
    assert raised.value.whole_host
