"""`goldenhour sources` with events and kinds, `collect --record`, `ingest --replay`: run as a person runs them."""

import json
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from tests.config.test_collecting import Desk, desk, instance, publisher
from tests.doubles.feeds import Publisher

__all__ = ["desk", "instance", "publisher"]

SEARCH = """
[[source]]
name = "reddit"
kind = "reddit"
url = "https://oauth.reddit.example"
term = "london police"
owner = "Duty team"
reason = "first-hand reports of stops"
expires = 2099-01-01
every = "10m"
grade = "E"
basis = "by written approval"
"""
AGREED = """
[[agreement]]
kind = "reddit"
who = "Head of Digital"
agreed_on = {0}
plan = "Data API"
purpose = "finding public reports of police encounters"
reference = "DMC-1"
review_on = {1}
"""


def test_every_kind_is_shown_with_what_it_needs(desk: Desk) -> None:
    kinds = desk.json("sources", "--kinds")
    assert kinds["feed"]["on"]
    assert not kinds["x"]["on"]
    assert "agreement" in kinds["x"]["needs"]
    assert "telegram_preview" in desk.run("sources", "--kinds").stdout


def test_an_event_is_begun_shown_and_ended(desk: Desk) -> None:
    begun = desk.run("sources", "event", "verdict", "--every", "2m", "--until", "6h", "--source", "herald")
    assert begun.returncode == 0, begun.stderr
    assert "until" in begun.stdout
    (event,) = desk.json("sources")["events"]
    assert (event["name"], event["every_s"], event["sources"]) == ("verdict", 120, ["herald"])
    assert "Event verdict" in desk.run("sources").stdout
    assert desk.run("sources", "event", "verdict", "--end").returncode == 0
    assert desk.json("sources")["events"] == []


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("--every", "1m"), 2, "--until"),
        (("--every", "5s", "--until", "6h"), 1, "once a minute"),
        (("--every", "1m", "--until", "99d"), 1, "14 days"),
        (("--every", "1m", "--until", "soon"), 1, "soon"),
        (("--every", "1m", "--until", "6h", "--source", "nobody"), 1, "no source nobody"),
        (("--end",), 1, "no event"),
    ],
)
def test_a_wrong_event_is_explained(arguments: tuple[str, ...], code: int, said: str, desk: Desk) -> None:
    ended = desk.run("sources", "event", "verdict", *arguments)
    assert ended.returncode == code
    assert said in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_kind_without_an_agreement_is_stopped_and_says_why(desk: Desk) -> None:
    desk.watches(SEARCH)
    ended = desk.run("collect", "--source", "reddit")
    assert ended.returncode == 1
    assert "no agreement for reddit" in ended.stderr
    (source,) = [each for each in desk.json("sources")["sources"] if each["name"] == "reddit"]
    assert source["state"] == "stopped"
    (desk.folder / "agreements.toml").write_text(AGREED.format("2020-03-02", "2021-03-01"))
    assert "was to be reviewed on 2021-03-01" in desk.run("collect", "--source", "reddit").stderr


def test_a_refused_term_is_one_line_with_file_and_reason(desk: Desk) -> None:
    desk.watches(SEARCH.replace("london police", "just stop oil"))
    for command in ("sources", "check"):
        ended = desk.run(command)
        assert ended.returncode == 1
        assert "names a group that protests" in ended.stderr
        assert "sources.toml" in ended.stderr


def test_what_was_recorded_is_brought_in_again(desk: Desk, publisher: Publisher, tmp_path: Path) -> None:
    folder = tmp_path / "recording"
    collected = desk.run("collect", "--record", str(folder))
    assert collected.returncode == 0, collected.stderr
    assert "3 batches recorded" in collected.stderr
    lines = [json.loads(line) for line in (folder / "stream.jsonl").read_text().splitlines()]
    assert sorted(line["source"] for line in lines) == ["gazette", "herald", "social"]
    played = desk.json("ingest", "--replay", str(folder), "--speed", "0", "--no-work")
    assert (played["seen"], played["stored"], played["known"]) == (3, 0, 3)


def test_a_replay_without_a_recording_is_explained(desk: Desk, tmp_path: Path) -> None:
    ended = desk.run("ingest", "--replay", str(tmp_path / "nothing"))
    assert ended.returncode == 1
    assert "holds no recording" in ended.stderr
    assert desk.run("ingest").returncode == 2


def test_the_plot_of_a_busy_day_is_the_highest(desk: Desk) -> None:
    desk.run("collect")
    shown = desk.json("sources")["sources"][0]
    assert len(shown["a_day"]) == 30
    assert shown["a_day"][-1] == 1
    assert "█" in desk.run("sources").stdout


def test_a_paused_source_is_shown_with_its_end_and_blinds_its_borough(desk: Desk, engine: Engine) -> None:
    desk.run("collect")
    pause = (
        "UPDATE sources SET paused_until = now() + interval '1 hour', paused_by = 'Ann',"
        " paused_because = 'they move house'"
    )
    with engine.begin() as connection:
        connection.execute(text(pause))
    said = desk.json("sources")
    assert {each["state"] for each in said["sources"]} == {"paused"}
    assert said["boroughs"]["blind"] == ["Hackney"]
    printed = desk.run("sources").stdout
    assert "Blind: Hackney" in printed
    assert "by Ann: they move house" in printed
    ended = desk.run("collect", "--source", "herald")
    assert ended.returncode == 1
    assert "herald is paused until" in ended.stderr
