"""An exercise: told the same for a seed, on a stage that is never the live one, played from start to score."""

import json
import tomllib
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from threading import Event
from types import SimpleNamespace
from typing import Any, cast
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql
from pydantic import SecretStr
from typer.testing import CliRunner

from config.cli import Complaint
from config.commands.exercising import app
from config.exercise.clock import AHEAD, Clock
from config.exercise.play import Play
from config.exercise.playing import Manner, _keep_up, play_exercise
from config.exercise.runs import Run, runs
from config.exercise.script import FEWEST, MOST, ScriptError, read_script, scripts_of
from config.exercise.slack import Marked, mock_slack
from config.exercise.stage import own_settings, stage
from config.exercise.telling import tell
from config.files import read_all
from config.settings import HERE, Settings
from responders.blocks import Message
from responders.slack import Sent
from tests.databases import Databases
from tests.make import NOON
from tests.stages import live_beside
from triage.coordinated import WORDS, Shown, burst
from triage.growth_rules import read_growth_rules

ON = date(2026, 11, 17)
SHIPPED = ("viral-stop", "other-force", "death-after-contact")
SMALL = Manner(seed=3, robot=True, size=0.07, step=4.0)


@pytest.fixture(scope="module")
def stages(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """A live service's settings; the exercise's database beside it goes when the tests are done."""
    with live_beside(databases, tmp_path_factory.mktemp("live")) as live:
        yield live


@pytest.fixture(scope="module")
def played(stages: Settings) -> dict[str, Any]:
    """One run by the robot, without a desk."""
    script = scripts_of(stages)["viral-stop"]
    return play_exercise(stages, script, SMALL, on=ON, leave=Event())


def marks(run: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {each["name"].partition(":")[0]: each for each in run["marks"]}


def test_however_fast_it_is_played_no_page_takes_a_part_for_dead() -> None:
    """At any speed a round takes the clock on by up to `AHEAD`; a sign of life is written twice that ahead."""
    play = SimpleNamespace(
        clock=SimpleNamespace(minute=0.0, stop=lambda _minute: None), script=SimpleNamespace(minutes=30)
    )
    signs = [0.0]

    def round_() -> None:
        play.clock.minute += 0.9 * AHEAD
        assert play.clock.minute <= signs[-1] + 2 * AHEAD, "the page shows a banner"
        play.over = play.clock.minute > play.script.minutes

    play.over, play.round, play.beat = False, round_, lambda: signs.append(play.clock.minute)
    _keep_up(cast("Play", play), Event())
    assert 15 <= len(signs) <= 35


@pytest.mark.parametrize("name", SHIPPED)
def test_an_exercise_has_hundreds_of_posts_and_no_two_say_the_same(name: str) -> None:
    script = read_script(HERE / "exercises" / f"{name}.toml")
    for seed in (1, 2, 3):
        told = tell(script, seed=seed)
        assert FEWEST <= len(told) <= MOST
        assert len({each.text for each in told}) == len(told)
        assert {each.about for each in told} >= {each.key for each in script.incident}
    assert len(script.inject) >= 4
    assert script.rumour


def test_the_same_seed_tells_the_same_and_another_one_something_else() -> None:
    script = read_script(HERE / "exercises" / "viral-stop.toml")
    assert tell(script, seed=7) == tell(script, seed=7)
    assert tell(script, seed=7) != tell(script, seed=8)


def test_what_is_told_first_comes_first_and_only_earlier_posts_are_quoted() -> None:
    told = tell(read_script(HERE / "exercises" / "death-after-contact.toml"), seed=1)
    assert [each.at_s for each in told] == sorted(each.at_s for each in told)
    assert any(each.quotes is not None for each in told)
    assert all(each.quotes < each.number for each in told if each.quotes is not None)


def test_the_flood_looks_coordinated() -> None:
    told = tell(read_script(HERE / "exercises" / "death-after-contact.toml"), seed=1)
    rules = read_growth_rules(HERE / "growth.toml").coordinated
    wave = [
        Shown(NOON + timedelta(seconds=each.at_s), each.author.encode(), uuid4())
        for each in told
        if each.family == "wave"
    ]
    found = burst(WORDS, wave, rules.within)
    assert found is not None
    assert found.accounts >= rules.accounts


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        ('main = "stop"', 'main = "nothing"', "no incident has the key 'nothing'"),
        ('about = "stop"', 'about = "elsewhere"', "no incident has the key 'elsewhere'"),
        ("{police} had {who}", "{police} had {nobody}", "nothing fills {nobody}"),
        ("hours = 4", "hours = 1", "when it is over"),
        ("seed = 1", "", ""),
    ],
)
def test_a_wrong_script_is_refused_with_file_key_and_reason(
    tmp_path: Path, before: str, after: str, says: str
) -> None:
    right = (HERE / "exercises" / "viral-stop.toml").read_text(encoding="utf-8")
    wrong = right.replace(before, after, 1) if says else right + '\n[more]\nkey = "x"\n'
    path = tmp_path / "viral-stop.toml"
    path.write_text(wrong, encoding="utf-8")
    with pytest.raises(ScriptError) as raised:
        read_script(path)
    assert str(raised.value).startswith(f"{path}: key ")
    assert says in str(raised.value)


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        ('template = "confirmed"', 'template = "denial"', "there is no template 'denial'"),
        ('dps_informed = "yes"', 'dps_informed = "perhaps"', "facts.dps_informed"),
        ('dps_informed = "yes"', 'rank = "inspector"', "facts.rank"),
    ],
)
def test_an_exercise_rests_on_facts_and_templates_that_are_there(
    tmp_path: Path, before: str, after: str, says: str
) -> None:
    (tmp_path / "exercises").mkdir()
    right = (HERE / "exercises" / "viral-stop.toml").read_text(encoding="utf-8")
    (tmp_path / "exercises" / "viral-stop.toml").write_text(right.replace(before, after, 1), encoding="utf-8")
    found = {each.pattern: each.wrong for each in read_all(Settings(data=tmp_path, config=tmp_path))}
    assert says in (found["exercises/*.toml"] or "")


def test_a_script_is_called_as_its_file_is(tmp_path: Path) -> None:
    path = tmp_path / "other.toml"
    path.write_bytes((HERE / "exercises" / "viral-stop.toml").read_bytes())
    with pytest.raises(ScriptError, match="must be 'other'"):
        read_script(path)


def test_time_stands_still_until_it_begins_and_waits_for_slow_rounds() -> None:
    starts = tomllib.loads("at = 18:10:00")["at"]
    clock = Clock(starts, ON, speed=600)
    assert (clock.minute, clock.rate) == (0, 0)
    assert clock.turn() == datetime(2026, 11, 17, 18, 10, tzinfo=UTC)
    clock.begin()
    assert clock.rate == 600
    Event().wait(0.15)
    assert clock.minute == 1.0, "no further than a minute before the next round"
    clock.stop(240)
    assert clock.rate == 0


def test_the_live_folder_and_the_live_database_are_refused(settings: Settings) -> None:
    mine = settings.exercise.model_copy(update={"data": settings.data})
    with pytest.raises(Complaint, match="the live data folder"):
        own_settings(settings.model_copy(update={"exercise": mine}), slack="", port=1)
    theirs = settings.exercise.model_copy(update={"database_url": settings.database_url})
    with pytest.raises(Complaint, match="the live database"):
        own_settings(settings.model_copy(update={"exercise": theirs}), slack="", port=1)


def test_a_database_that_no_exercise_made_is_not_emptied(
    settings: Settings, databases: Databases, tmp_path: Path
) -> None:
    with databases.one() as other:
        elsewhere = settings.model_copy(
            update={"database_url": SecretStr(other), "data": tmp_path / "exercise"}
        )
        with pytest.raises(Complaint, match="records that no exercise made"), stage(elsewhere):
            pass
        with psycopg.connect(other.replace("+psycopg", "")) as connection:
            assert connection.execute("SELECT count(*) FROM alembic_version").fetchone() == (1,)


def test_nothing_of_the_live_service_that_reaches_outside_is_taken_along(settings: Settings) -> None:
    live = settings.model_copy(
        update={
            "slack": settings.slack.model_copy(update={"token": SecretStr("xoxb-real")}),
            "alerts": settings.alerts.model_copy(update={"watcher": SecretStr("https://watcher.example")}),
        }
    )
    own = own_settings(live, slack="http://127.0.0.1:9/api/", port=8123)
    assert own.slack.base_url == "http://127.0.0.1:9/api/"
    assert own.slack.token is not None
    assert own.slack.token.get_secret_value() != "xoxb-real"
    assert own.alerts.watcher is None
    assert str(own.database_url.get_secret_value() if own.database_url else "").endswith("_exercise")


def test_the_robot_plays_from_start_to_score(played: dict[str, Any]) -> None:
    found = marks(played)
    assert played["points"] >= 70, json.dumps(played["marks"], indent=1)
    for name in ("Detected", "Alerted", "Claimed", "Acknowledged, comms", "Silence ended", "Lines that fit"):
        assert found[name]["points"] == 10, found[name]
    assert all(each["expected"] and each["happened"] and each["because"] for each in played["marks"])
    for what in ("Rumour decided", "Rumour answered"):
        points = [each["points"] for each in played["marks"] if each["name"].startswith(what)]
        assert points == [10, 10], what


def test_the_live_database_is_as_it_was(played: dict[str, Any], stages: Settings) -> None:
    assert played["posts"] > 50
    assert stages.database_url is not None
    with psycopg.connect(stages.database_url.get_secret_value().replace("+psycopg", "")) as connection:
        for table in ("posts", "cases", "people", "alerts"):
            asked = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table))
            assert connection.execute(asked).fetchone() == (0,)


def test_the_run_is_kept_with_its_notes_and_stands_beside_the_next(
    played: dict[str, Any], stages: Settings, tmp_path: Path
) -> None:
    [kept] = runs(stages.data / "exercise" / "runs", "viral-stop")
    assert (kept["points"], kept["seed"], kept["who"]) == (played["points"], 3, "robot")
    second = Run(tmp_path, "viral-stop", datetime(2026, 11, 18, tzinfo=UTC), seed=4, who="team")
    assert runs(tmp_path) == []
    second.scored({"points": 81, "marks": []})
    second.note("Sam", "Say the time of the next update first.", datetime(2026, 11, 18, tzinfo=UTC))
    assert [each["notes"][0]["words"] for each in runs(tmp_path)] == [
        "Say the time of the next update first."
    ]


def test_a_message_in_the_mock_says_that_it_is_an_exercise(settings: Settings) -> None:
    from_stage = Clock(tomllib.loads("at = 18:10:00")["at"], ON, speed=None)
    with mock_slack(from_stage) as (workspace, address):
        own = own_settings(settings, slack=address, port=1)
        token = own.slack.token.get_secret_value() if own.slack.token else ""
        message = Message(uuid4(), "A case waits", [{"type": "divider"}])
        now = from_stage()
        assert isinstance(Marked(token, address, 5.0).post(message, "#desk", now=now), Sent)
        [said] = workspace.messages()
        assert said["text"].startswith("EXERCISE. ")
        assert "EXERCISE" in json.dumps(said["blocks"][0])


def test_the_list_names_each_exercise(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GOLDENHOUR_DATA", str(tmp_path))
    printed = CliRunner().invoke(app, ["exercise", "--list", "--json"])
    assert [each["name"] for each in json.loads(printed.stdout)] == sorted(SHIPPED)
    assert all(FEWEST <= each["posts"] <= MOST for each in json.loads(printed.stdout))
