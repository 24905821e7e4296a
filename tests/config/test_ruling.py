"""The commands `rehearse` and `rules`, as an operator types them."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import Session, select
from typer.testing import CliRunner

from config.cli import Complaint
from config.commands import ruling
from config.settings import HERE, Settings
from tests.make import LIFECYCLE, make_assessment, make_person, make_post
from tests.triage.test_rehearsal import Doubting
from tests.triage.test_routing import new_memory
from triage.records import LogEntry
from triage.route import route
from triage.rules import parse_rules

WORDS = (HERE / "rules.toml").read_text(encoding="utf-8")
CHANGED = WORDS.replace(
    'types = ["use_of_force", "pursuit_collision", "stop_search"]\nincident = 0.5\noutcome',
    'types = ["use_of_force", "pursuit_collision", "stop_search"]\nincident = 0.95\noutcome',
)


@pytest.fixture(autouse=True)
def _surroundings(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOLDENHOUR_DATA", str(settings.data))
    monkeypatch.setenv("GOLDENHOUR_DATABASE_URL", settings.database_url.get_secret_value())  # type: ignore[union-attr]
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr(ruling, "load_version", lambda _settings, _version: Reader())


class Reader(Doubting):
    def read_twice(self, share: float) -> None:
        """As every model takes it."""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "changed.toml"
    path.write_text(CHANGED, encoding="utf-8")
    return path


@pytest.fixture
def ann(session: Session) -> str:
    session.add(make_person(username="ann", roles=["admin"]))
    session.commit()
    return "ann"


@pytest.fixture
def yesterday(session: Session) -> datetime:
    """One report that was raised, and one of nothing."""
    at = datetime.now(UTC) - timedelta(days=1)
    posts = [make_post(published_at=at), make_post("A quiet evening in the park", published_at=at)]
    session.add_all(posts)
    session.add(make_assessment(posts[0], severity=0.4))
    session.add(make_assessment(posts[1], incident=0.0, incident_any=0.0, type="none", severity=0.0))
    session.flush()
    rules = parse_rules(WORDS, "rules.toml")
    route(session, [post.id for post in posts], rules, new_memory(), LIFECYCLE, now=at)
    session.commit()
    return at


def run(*arguments: str) -> str:
    ended = CliRunner().invoke(ruling.app, list(arguments))
    if ended.exception is not None:
        raise ended.exception
    return ended.stdout


def said(*arguments: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(run(*arguments, "--json"))
    return found


def test_a_rehearsal_says_what_is_lost_in_words_and_in_json(file: Path, yesterday: datetime) -> None:
    shown = run("rehearse", "--rules", str(file))
    assert "2 posts routed from" in shown
    assert "0 would have been raised again, 1 would have been lost and 0 gained" in shown
    assert "lost  comms  force" in shown
    found = said("rehearse", "--rules", str(file))
    assert (found["posts"], found["total"]["lost"], found["lost"][0]["desk"]) == (2, 1, "comms")
    assert found["lost"][0]["number"] == 1


def test_without_a_change_it_is_what_happened(yesterday: datetime) -> None:
    found = said("rehearse")
    assert found["total"] == {"really": 1, "then": 1, "kept": 1, "gained": 0, "lost": 0}
    assert "none gained or lost" in run("rehearse")


def test_a_time_can_be_named_and_must_be_one(yesterday: datetime) -> None:
    day = f"{yesterday - timedelta(days=3):%Y-%m-%d}"
    assert said("rehearse", "--since", "2026-01-01", "--until", day)["posts"] == 0
    with pytest.raises(Complaint, match="is not before"):
        run("rehearse", "--since", "2026-02-01", "--until", "2026-01-01")


def test_another_model_reads_it_again(yesterday: datetime) -> None:
    found = said("rehearse", "--model", "both-9")
    assert (found["model"], found["total"]["lost"]) == ("doubting-1", 1)


def test_rules_are_proposed_and_wait_and_their_words_can_be_read(
    file: Path, yesterday: datetime, ann: str
) -> None:
    assert "once somebody else agrees on the page Rules" in run(
        "rules", "propose", str(file), "--reason", "fewer", "--by", ann
    )
    listed = said("rules")
    [asked, _] = listed["changes"]
    assert (asked["since"], asked["asked_by"], listed["in_force"]) == (None, "ann", listed["on_disk"])
    assert run("rules", "show") == WORDS
    assert run("rules", "show", asked["digest"][:12]) == CHANGED
    assert "proposed" in run("rules")
    with pytest.raises(Complaint, match="waits for a second person already"):
        run("rules", "propose", str(file), "--reason", "fewer", "--by", ann)
    with pytest.raises(Complaint, match="no rules are called"):
        run("rules", "show", "nothing")


def test_who_works_alone_takes_them_alone_and_goes_back(
    file: Path, yesterday: datetime, ann: str, session: Session
) -> None:
    run("rules", "propose", str(file), "--reason", "fewer", "--by", ann)
    with pytest.raises(Complaint, match="somebody else agrees on the page Rules"):
        run("rules", "agree", "--by", ann)
    assert "decide from now on" in run("rules", "agree", "--alone", "--by", ann)
    assert said("rules")["in_force"] == said("rules")["changes"][0]["digest"]
    with pytest.raises(Complaint, match="nothing is proposed"):
        run("rules", "agree", "--alone", "--by", ann)
    assert "decide again" in run("rules", "rollback", "--reason", "worse", "--by", ann)
    assert [
        each.what for each in session.exec(select(LogEntry)) if each.what.startswith(("rules", "went"))
    ] == [
        "rules taken up",
        "rules proposed",
        "rules agreed",
        "went back to rules",
    ]


def test_with_another_person_there_nobody_agrees_alone(
    file: Path, yesterday: datetime, ann: str, session: Session
) -> None:
    session.add(make_person(username="ben", name="Ben B.", roles=["duty_officer"]))
    session.commit()
    run("rules", "propose", str(file), "--reason", "fewer", "--by", ann)
    with pytest.raises(Complaint, match=r"Ben B\. can agree"):
        run("rules", "agree", "--alone", "--by", ann)


def test_somebody_answers_for_a_proposal(
    file: Path, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("getpass.getuser", lambda: "root")
    with pytest.raises(Complaint, match="--by USERNAME"):
        run("rules", "propose", str(file), "--reason", "fewer")
    session.add(make_person(username="tess", roles=["triage"]))
    session.commit()
    with pytest.raises(Complaint, match="Your roles do not allow this"):
        run("rules", "propose", str(file), "--reason", "fewer", "--by", "tess")


def test_a_wrong_file_is_refused_by_name_and_reason(tmp_path: Path, ann: str) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text("fresh_for = 7\n", encoding="utf-8")
    proposing = ("rules", "propose", str(path), "--reason", "fewer", "--by", ann)
    for arguments in (("rehearse", "--rules", str(path)), proposing):
        with pytest.raises(Complaint, match=r"wrong\.toml: fresh_for"):
            run(*arguments)
