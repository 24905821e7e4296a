"""The page of an exercise, the mark on every page of its desk, and a desk without one."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from sqlalchemy import Engine
from sqlmodel import Session, select

from tests.browser.seed import PASSWORD, Seeded
from tests.make import LIFECYCLE
from tests.served import Browser, serve
from tests.triage.web.conftest import Clockwork
from triage.records import LogEntry
from triage.settings import WebSettings
from triage.web.app import desk
from triage.web.drill import Earlier, Exercise, Marked, Noted, Said, Standing, Told

AT = datetime(2026, 11, 17, 18, 30, tzinfo=UTC)
RUNNING = Standing(
    begun=True,
    over=False,
    minute=31,
    posts=214,
    told=(Told(10, "Duty inspector", "Ours", "It was our officers.", (("place", "Ridley Road"),)),),
    said=(Said(AT, "press", "EXERCISE. SEV1 critical", 2, False),),
)
OVER = RUNNING._replace(
    over=True,
    points=64,
    marks=(
        Marked("Detected", "within 5 min", "after 2 min", 10, "in time"),
        Marked("Updates kept", "every one", "none was due", None, "nothing fell due"),
    ),
    notes=(Noted("Amira", "Earlier <b>next</b> time"),),
    earlier=(Earlier(AT, 58, "robot", 1),),
)


class Played:
    """An exercise that stands as a test says."""

    def __init__(self) -> None:
        self.standing = Standing(begun=False, over=False, minute=0, posts=0)
        self.notes: list[tuple[str, str]] = []
        self.begun = 0

    def begin(self) -> None:
        self.begun += 1

    def exercise(self) -> Exercise:
        return Exercise(
            title="A stop goes viral",
            brief="Find the case.",
            minutes=240,
            standing=lambda: self.standing,
            rate=lambda: 10.0,
            begin=self.begin,
            keep_note=lambda who, words: self.notes.append((who, words)),
        )


@pytest.fixture
def played() -> Played:
    return Played()


@pytest.fixture
def player(engine: Engine, seeded: Seeded, clock: Clockwork, played: Played) -> Iterator[Browser]:
    """The comms officer at the desk of an exercise."""
    made = desk(
        engine, WebSettings(), channels=["slack"], lifecycle=LIFECYCLE, played=played.exercise(), now=clock
    )
    with serve(made) as address, Browser(address) as browser:
        browser.sign_in("amira", PASSWORD)
        yield browser


def test_a_desk_without_an_exercise_says_so_and_is_not_marked(amira: Browser) -> None:
    page = amira.get("/exercise")
    assert page.status_code == 200
    assert "No exercise is played on this desk" in page.text
    assert "gh-exercise" not in amira.get("/queue").text
    for path in ("/exercise/begin", "/exercise/note"):
        headers = {"X-CSRF-Token": amira.token}
        assert amira.post(path, data={"words": "x"}, headers=headers).status_code == 404


@pytest.mark.parametrize("path", ["/queue", "/alerts", "/account", "/cases/1", "/nowhere", "/exercise"])
def test_every_page_of_its_desk_says_exercise_and_how_fast_time_passes(player: Browser, path: str) -> None:
    page = player.get(path)
    assert "<strong>Exercise.</strong> Nothing here is real" in page.text
    assert 'data-rate="10.0"' in page.text


def test_it_begins_when_somebody_presses(engine: Engine, player: Browser, played: Played) -> None:
    assert "Begin the exercise" in player.get("/exercise").text
    answer = player.post("/exercise/begin", headers={"X-CSRF-Token": player.token})
    assert (answer.status_code, played.begun) == (303, 1)
    with Session(engine) as session:
        said = session.exec(select(LogEntry.who).where(LogEntry.what == "exercise begun")).all()
    assert said == ["amira"]


def test_it_shows_what_was_told_and_said_but_no_score_before_the_end(player: Browser, played: Played) -> None:
    played.standing = RUNNING
    page = player.get("/exercise").text
    assert "Minute 31 of 240" in page
    assert "It was our officers." in page
    assert "SEV1 critical" in page
    assert "h-score" not in page


def test_at_the_end_stand_the_score_earlier_runs_and_the_debrief(player: Browser, played: Played) -> None:
    played.standing = OVER
    page = player.get("/exercise").text
    assert "64" in page
    assert "10 of 10" in page
    assert "not counted" in page
    assert "+6" in page, "against the run before"
    assert "Earlier &lt;b&gt;next&lt;/b&gt; time" in page
    player.post("/exercise/note", data={"words": " Ask sooner "}, headers={"X-CSRF-Token": player.token})
    player.post("/exercise/note", data={"words": "  "}, headers={"X-CSRF-Token": player.token})
    assert [words for _, words in played.notes] == ["Ask sooner"]
