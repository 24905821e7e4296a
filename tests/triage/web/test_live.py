"""News to open pages: what a NOTIFY becomes, through a real PostgreSQL and a real server."""

import json
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import Engine, text
from sqlmodel import Session

from tests.browser.seed import Seeded
from tests.served import Browser
from triage.notice import tell_desk
from triage.web.live import RING, Hub, news


class Listening:
    """Reads a stream in a thread and keeps what it heard."""

    def __init__(self, browser: Browser) -> None:
        self.heard: list[tuple[str, dict[str, str]]] = []
        self.answer: httpx.Response | None = None
        self._browser = browser
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        with suppress(httpx.HTTPError), self._browser.stream("GET", "/live") as answer:
            self.answer = answer
            event = ""
            for line in answer.iter_lines():
                if line.startswith("event: "):
                    event = line.removeprefix("event: ")
                if line.startswith("data: "):
                    self.heard.append((event, json.loads(line.removeprefix("data: "))))

    def wait_for(self, wanted: Callable[[], bool]) -> None:
        until = time.monotonic() + 20
        while not wanted():
            assert time.monotonic() < until, f"heard only {self.heard}"
            time.sleep(0.02)


@pytest.fixture
def listening(amira: Browser) -> Listening:
    made = Listening(amira)
    made.wait_for(lambda: ("hello", {}) in made.heard or ("resync", {}) in made.heard)
    return made


def test_an_open_page_hears_that_something_happened_to_a_case(
    engine: Engine, seeded: Seeded, listening: Listening
) -> None:
    case = seeded.cases[0].id
    with Session(engine) as session:
        tell_desk(session, "claimed", case)
        session.commit()
    listening.wait_for(lambda: ("case", {"kind": "claimed", "case": str(case)}) in listening.heard)
    assert listening.answer is not None
    assert listening.answer.headers["content-type"].startswith("text/event-stream")
    assert listening.answer.headers["cache-control"] == "no-store"


def test_news_that_makes_no_sense_is_still_a_reason_to_look(engine: Engine, listening: Listening) -> None:
    with Session(engine) as session:
        session.execute(text("SELECT pg_notify('desk', 'not json'), pg_notify('desk', '[1]')"))
        session.commit()
    listening.wait_for(lambda: listening.heard.count(("case", {"kind": "", "case": ""})) == 2)


def test_a_lost_connection_is_told_and_mended(engine: Engine, listening: Listening) -> None:
    with engine.connect() as connection:
        connection.execute(
            text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query = 'LISTEN desk'")
        )
    listening.wait_for(lambda: "stale" in dict(listening.heard))
    since = datetime.fromisoformat(dict(listening.heard)["stale"]["since"])
    assert abs(datetime.now(UTC) - since) < timedelta(minutes=1)
    at = [event for event, _ in listening.heard].index("stale")
    listening.wait_for(lambda: ("resync", {}) in listening.heard[at:])


def test_only_ids_pass() -> None:
    case = str(uuid4())
    assert news(json.dumps({"kind": "opened", "case": case})) == {"kind": "opened", "case": case}
    assert news('{"kind": "opened", "case": "<script>"}') == {"kind": "", "case": ""}
    assert news("") == {"kind": "", "case": ""}


def test_a_stream_that_fell_behind_is_told_to_look_again() -> None:
    hub = Hub("postgresql://nowhere")
    for number in range(RING + 10):
        hub.publish("case", {"case": str(number)})
    frames, seen = hub._since(0)
    assert [each.sent for each in frames] == [b"event: resync\ndata: {}\n\n"]
    assert seen == RING + 10
    frames, _ = hub._since(RING + 8)
    assert [each.sent.startswith(b"event: case") for each in frames] == [True, True]


def test_a_browser_that_comes_back_goes_on_where_it_was_or_is_told_to_look_again() -> None:
    hub = Hub("postgresql://nowhere")
    for number in range(3):
        hub.publish("case", {"case": str(number)})
    frames, _ = hub._since(0)
    ids = [each.sent.split(b"id: ")[1].split(b"\n")[0].decode() for each in frames]
    assert [hub._heard(each) for each in ids] == [1, 2, 3]
    assert [
        hub._heard(each) for each in ("", "nonsense", "-", f"{ids[0]}0", "other-1", f"{ids[0]}9" * 9)
    ] == [None] * 6
