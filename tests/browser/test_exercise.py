"""An exercise in the browser: from the brief to the score and the debrief, the script playing one's colleagues."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from pathlib import Path
from queue import Queue
from threading import Event

import pytest
from playwright.sync_api import BrowserContext, expect

from config.benches.walk import free_port
from config.exercise.playing import Manner, Opened, play_exercise
from config.exercise.runs import Run
from config.exercise.script import Script, read_script
from config.exercise.stage import runs_folder
from config.settings import HERE
from tests.databases import Databases
from tests.stages import live_beside

pytestmark = pytest.mark.browser

STARTS_WITHIN_S = 120
ENDS_WITHIN_MS = 180_000
NOTE = "We said when we would speak again, and did."


def first_hour(script: Script) -> Script:
    """An exercise cut short, so that a test can play it."""
    phases = tuple(
        each.model_copy(update={"ends": min(each.ends, 60)}) for each in script.phase if each.begins < 60
    )
    return script.model_copy(
        update={
            "hours": 1,
            "phase": phases,
            "single": tuple(each for each in script.single if each.at < 60),
            "inject": tuple(each for each in script.inject if each.at < 60),
        }
    )


def test_an_exercise_is_played_from_its_brief_to_its_score_and_debrief(
    databases: Databases, tmp_path: Path, opened: Callable[..., BrowserContext]
) -> None:
    script = first_hour(read_script(HERE / "exercises" / "viral-stop.toml"))
    manner = Manner(speed=600, size=0.1)
    told: Queue[Opened] = Queue()
    leave = Event()
    with live_beside(databases, tmp_path, port=free_port()) as live, ThreadPoolExecutor(1) as pool:
        before = Run(runs_folder(live), script.name, datetime(2026, 11, 3, tzinfo=UTC), seed=7, who="team")
        before.scored({"points": 100, "marks": []})
        playing = pool.submit(
            play_exercise, live, script, manner, on=date(2026, 11, 17), opened=told.put, leave=leave
        )
        try:
            at = told.get(timeout=STARTS_WITHIN_S)
            assert list(at.links) == ["Press officer"]
            page = opened().new_page()
            page.goto(at.links["Press officer"])
            page.get_by_role("button", name="Sign in").click()
            page.wait_for_url("**/exercise")
            expect(page.get_by_role("note")).to_contain_text("Exercise. Nothing here is real.")
            expect(page.get_by_text("He did not. You are the press bureau")).to_be_visible()
            page.get_by_role("button", name="Begin the exercise").click()
            expect(page.get_by_text("Its clock runs from now on")).to_be_visible()
            expect(page.get_by_role("heading", name="Our officers, near Ridley Road")).to_be_visible(
                timeout=90_000
            )
            expect(page.locator(".gh-exercise__said li").filter(has_text="EXERCISE. ").first).to_be_visible(
                timeout=90_000
            )
            page.goto(f"{at.address}/queue")
            page.get_by_role("button", name="Take the next case").click()
            expect(page.get_by_role("note")).to_contain_text("Exercise.")
            page.goto(f"{at.address}/exercise")
            expect(page.get_by_role("heading", name="Score")).to_be_visible(timeout=ENDS_WITHIN_MS)
            expect(page.locator(".gh-watch__more")).not_to_contain_text(" h ")  # the page's clock stands too
            scored = page.get_by_role("region", name="Score")
            expect(scored.get_by_role("row").filter(has_text="Detected")).to_contain_text("10 of 10")
            expect(scored.get_by_role("row").filter(has_text="Claimed")).not_to_contain_text("did not happen")
            expect(scored.get_by_role("row").filter(has_text="Silence ended")).to_contain_text(
                "did not happen"
            )
            earlier = (
                page.get_by_role("region", name="Earlier runs").get_by_role("row").filter(has_text="team")
            )
            expect(earlier).to_contain_text("100")
            page.get_by_label("What did you learn").fill(NOTE)
            page.get_by_role("button", name="Keep it with the score").click()
            expect(page.get_by_text(NOTE)).to_be_visible()
        finally:
            leave.set()
        run = playing.result(timeout=60)
    assert [each["words"] for each in run["notes"]] == [NOTE]
    assert 0 < run["points"] < 100
