"""Retention and holds from the terminal."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlmodel import Session, select
from typer.testing import CliRunner, Result

from collector.records import PostKey
from config.cli import Complaint
from config.commands import holding, retaining
from config.database import connect
from config.retention_ticks import keep_ledger, let_go_by_night
from config.service import House
from config.settings import Settings
from responders.retention.ledger import after
from tests.make import make_case, make_person, make_post
from triage.hold_records import Hold
from triage.records import Membership, Routing
from triage.retention_records import RetentionRun

Calling = Callable[..., Result]
NOW = datetime.now(UTC)


@pytest.fixture
def kept(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """A post that nobody flagged nine days ago, one in an open case, and who sets holds."""
    monkeypatch.setenv("GOLDENHOUR_DATA", str(settings.data))
    monkeypatch.setenv("GOLDENHOUR_DATABASE_URL", settings.database_url.get_secret_value())  # type: ignore[union-attr]
    made = connect(settings)
    with Session(made) as session:
        at = NOW - timedelta(days=9)
        loose, cased = make_post("loose", collected_at=at), make_post("cased", collected_at=at)
        case = make_case()
        session.add_all(
            [loose, cased, case, *(PostKey(id=each.id, collected_at=at) for each in (loose, cased))]
        )
        session.add(
            Routing(post_id=loose.id, at=at, model="m", rule="r", outcome="drop", because="no rule fits")
        )
        session.add_all(
            make_person(username=name, roles=[role])
            for name, role in (("dana", "dps_liaison"), ("sam", "data_steward"))
        )
        session.flush()
        session.add(Membership(post_id=cased.id, case_id=case.id, how="new", joined_at=at))
        session.commit()
    yield made
    made.dispose()


def call(app: Any, *words: str) -> Any:
    ended = CliRunner().invoke(app, [*words])
    if ended.exception and not isinstance(ended.exception, SystemExit):
        raise ended.exception
    return json.loads(ended.stdout) if "--json" in words else ended.stdout


def test_what_is_planned_goes_with_a_certificate_that_verifies(kept: Engine) -> None:
    planned = call(retaining.app, "retention", "plan", "--json")
    assert {each["class"]: each["due"] for each in planned["classes"]}["unflagged"] == 1
    assert planned["last_run"] is None
    done = {each["class_name"]: each["items"] for each in call(retaining.app, "retention", "run", "--json")}
    assert (done["unflagged"], done["grave"]) == (1, 0)
    assert call(retaining.app, "retention", "run") == "Nothing was due.\n"
    told = call(retaining.app, "retention", "certificates", "--json")
    assert [(each["class_name"], each["items"]) for each in told["certificates"]] == [("unflagged", 1)]
    assert told["broken"] == []
    assert "All are as they were sealed." in call(retaining.app, "retention", "certificates")
    assert "unflagged" in call(retaining.app, "retention", "plan")


def test_files_that_nothing_rules_are_named(kept: Engine, settings: Settings) -> None:
    settings.data.mkdir(parents=True, exist_ok=True)
    (settings.data / "notes.txt").write_text("x")
    assert call(retaining.app, "retention", "plan", "--json")["strays"] == ["notes.txt"]


def test_a_hold_is_set_signed_reviewed_listed_and_released(kept: Engine) -> None:
    end = (NOW + timedelta(days=90)).strftime("%Y-%m-%d")
    order = [
        "hold",
        "add",
        "--case",
        "GH-1",
        "--reason",
        "court",
        "--why",
        "a claim was announced",
        "--posts",
    ]
    made = call(holding.app, *order, "--expires", end, "--by", "dana", "--json")
    assert (made["number"], made["on"], made["held"]["posts"]) == (1, "case GH-1", 1)
    with pytest.raises(Complaint, match="roles do not allow"):
        call(holding.app, "hold", "sign", "H-1", "--by", "dana")
    assert "1 posts held" in call(holding.app, "hold", "sign", "H-1", "--by", "sam")
    later = (NOW + timedelta(days=120)).strftime("%Y-%m-%d")
    order = [
        "hold",
        "review",
        "1",
        "--why",
        "the claim goes on",
        "--expires",
        later,
        "--by",
        "dana",
        "--json",
    ]
    assert call(holding.app, *order)["expires_at"].startswith(later[:7])
    assert [each["number"] for each in call(holding.app, "hold", "list", "--by", "sam", "--json")] == [1]
    call(holding.app, "hold", "release", "H-1", "--why", "the claim was settled", "--by", "dana")
    assert call(holding.app, "hold", "list", "--by", "sam") == "There is no hold.\n"
    assert "settled" in call(holding.app, "hold", "list", "--ended", "--by", "sam")
    with Session(kept) as session:
        assert session.exec(select(Hold)).one().ended_because == "the claim was settled"
    for wrong in (
        ["add", "--reason", "court", "--why", "a b c", "--expires", end],
        ["release", "H-9", "--why", "a b c"],
    ):
        with pytest.raises(Complaint):
            call(holding.app, "hold", *wrong, "--by", "dana")


def test_a_missed_night_is_made_up_for_and_the_ledger_says_what_went(
    settings: Settings, kept: Engine
) -> None:
    noon = NOW.replace(hour=12)
    house = House(settings, kept, lambda: noon)
    with Session(kept) as session:
        session.add(RetentionRun(rules=1, who="x", began_at=noon, ended_at=noon - timedelta(hours=10)))
        session.commit()
        let_go_by_night(house, noon)
        assert len(session.exec(select(RetentionRun)).all()) == 1
        let_go_by_night(house, noon + timedelta(hours=17))
        assert len(session.exec(select(RetentionRun)).all()) == 2
    keep_ledger(house, noon + timedelta(hours=18))
    assert len(after(settings.retention, noon).posts) == 1
