"""`goldenhour collect` and `goldenhour sources`, run as a person runs them, against real servers."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from tests.commands import goldenhour
from tests.doubles.feeds import Publisher, answer, publishing
from tests.doubles.mastodon import Instance, running_instance

SOURCE = """
[[source]]
name = "{name}"
kind = "{kind}"
url = "{url}"
{tag}
every = "10m"
boroughs = ["Hackney"]
grade = "B"
basis = "publisher's public feed"
"""


@pytest.fixture
def publisher() -> Iterator[Publisher]:
    with publishing() as made:
        yield made


@pytest.fixture
def instance() -> Iterator[Instance]:
    with running_instance() as made:
        yield made


class Desk:
    """A configuration folder, a database, and the command."""

    def __init__(self, folder: Path, database_url: str, allow: str) -> None:
        self.folder = folder
        self.environment = {
            "GOLDENHOUR_CONFIG": str(folder),
            "GOLDENHOUR_DATA": str(folder / "var"),
            "GOLDENHOUR_DATABASE_URL": database_url,
            "GOLDENHOUR_HTTP__ALLOW": allow,
        }

    def watches(self, *sources: str) -> None:
        (self.folder / "sources.toml").write_text("".join(sources), encoding="utf-8")

    def run(self, *arguments: str) -> CompletedProcess[str]:
        return goldenhour(*arguments, **self.environment)

    def json(self, *arguments: str) -> Any:
        ended = self.run(*arguments, "--json")
        assert ended.returncode == 0, ended.stderr
        return json.loads(ended.stdout)


@pytest.fixture
def desk(tmp_path: Path, database_url: str, publisher: Publisher, instance: Instance) -> Desk:
    made = Desk(tmp_path, database_url, f"{publisher.authority},{instance.authority}")
    hour = datetime.now(UTC) - timedelta(hours=1)
    for name in ("herald", "gazette"):
        publisher.feed(name).publish(
            "Police stop and search in Hackney", link=f"https://{name}.example/1", at=hour
        )
    instance.post("Met police officers restrained a man outside Hackney Central")
    made.watches(
        SOURCE.format(name="herald", kind="feed", url=publisher.url("herald"), tag=""),
        SOURCE.format(name="gazette", kind="feed", url=publisher.url("gazette"), tag=""),
        SOURCE.format(name="social", kind="mastodon", url=instance.url, tag='tag = "hackney"'),
    )
    return made


def test_what_is_due_is_fetched_once_and_then_nothing_is_due(
    desk: Desk, publisher: Publisher, instance: Instance
) -> None:
    first = desk.json("collect")
    assert first["total"] == {"seen": 3, "stored": 3, "known": 0, "dropped": 0, "malformed": 0}
    assert sorted(each["source"] for each in first["visits"]) == ["gazette", "herald", "social"]
    assert desk.json("collect")["visits"] == []
    assert (len(publisher.log), len(instance.log)) == (2, 1)


def test_a_named_source_is_fetched_though_not_due(desk: Desk, publisher: Publisher) -> None:
    desk.json("collect", "--once")
    again = desk.json("collect", "--source", "herald")
    assert [each["outcome"] for each in again["visits"]] == ["collected"]
    assert publisher.log[-1].headers["if-none-match"] == publisher.feed("herald").etag


def test_sources_are_shown_with_failures_gaps_and_boroughs(desk: Desk, publisher: Publisher) -> None:
    publisher.feed("gazette").failing = answer(b"", status=b"404 Not Found")
    collected = desk.run("collect")
    assert collected.returncode == 0
    assert "gazette" in collected.stderr
    assert "404" in collected.stderr
    shown = desk.json("sources")
    states = {each["name"]: each["state"] for each in shown["sources"]}
    assert states == {"gazette": "failing", "herald": "well", "social": "well"}
    (failing,) = [each for each in shown["sources"] if each["state"] == "failing"]
    assert "404" in failing["error"]
    assert "new address" in failing["remedy"]
    assert shown["boroughs"]["covered"] == {"Hackney": ["gazette", "herald", "social"]}
    assert "Barnet" in shown["boroughs"]["uncovered"]
    printed = desk.run("sources").stdout
    assert "1 of 32 boroughs" in printed
    assert "404" in printed


def test_when_nothing_can_be_fetched_it_says_so_and_ends_with_1(desk: Desk, publisher: Publisher) -> None:
    publisher.feed("herald").failing = answer(b"", status=b"500 Oh")
    ended = desk.run("collect", "--source", "herald")
    assert ended.returncode == 1
    assert "answered 500" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize(
    ("name", "said"),
    [("nobody", "no source 'nobody'"), ("bluesky", "stays open"), ("off", "switched off")],
)
def test_what_cannot_be_fetched_is_explained(name: str, said: str, desk: Desk) -> None:
    desk.watches(
        SOURCE.format(name="bluesky", kind="jetstream", url="wss://stream.example", tag=""),
        SOURCE.format(name="off", kind="feed", url="https://off.example/", tag="enabled = false"),
    )
    ended = desk.run("collect", "--source", name)
    assert ended.returncode == 1
    assert said in ended.stderr


def test_a_wrong_catalogue_is_one_line(desk: Desk) -> None:
    desk.watches(SOURCE.format(name="herald", kind="pigeon", url="https://x.example", tag=""))
    ended = desk.run("sources")
    assert ended.returncode == 1
    assert "pigeon" in ended.stderr
    assert ended.stderr.count("\n") == 1
