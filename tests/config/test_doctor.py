"""The checkup names what is wrong and what to do."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, text
from sqlmodel import Session

from collector.records import Failure
from config.beats import beat
from config.doctor import Finding, State, checkup
from config.settings import Settings
from tests.doubles.slack import TOKEN, slack_double
from tests.videos import no_ffmpeg
from tests.watching import make_source


def looked(settings: Settings, engine: Engine) -> dict[str, Finding]:
    return {each.name: each for each in checkup(settings, engine, now=datetime.now(UTC))}


def test_a_service_that_does_not_run_is_wrong_and_all_else_is_well(
    settings: Settings, engine: Engine
) -> None:
    found = looked(settings, engine)
    assert found["parts"].state == State.ILL
    assert "goldenhour run" in found["parts"].remedy
    for name in (
        "database",
        "migrations",
        "clock",
        "key file",
        "model",
        "queue assess",
        "alerts",
        "failures",
    ):
        assert found[name].state == State.WELL, found[name]
    assert found["slack"] == Finding("slack", State.WARN, "no token", found["slack"].remedy)


def test_without_the_decoder_files_are_not_looked_at(
    settings: Settings, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert looked(settings, engine)["video"].state == State.WELL
    monkeypatch.setattr("imageio_ffmpeg.get_ffmpeg_exe", no_ffmpeg)
    found = looked(settings, engine)["video"]
    assert (found.state, "IMAGEIO_FFMPEG_EXE" in found.remedy) == (State.WARN, True)


def test_a_part_that_was_not_heard_of_for_a_minute_is_wrong(settings: Settings, engine: Engine) -> None:
    beat(engine, "web", now=datetime.now(UTC))
    beat(engine, "schedule", now=datetime.now(UTC) - timedelta(minutes=1))
    found = looked(settings, engine)
    assert found["part web"].state == State.WELL
    assert found["part schedule"].state == State.ILL


def test_jobs_that_wait_too_long_are_wrong(settings: Settings, engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(
            text("INSERT INTO procrastinate_jobs (queue_name, task_name) VALUES ('assess', 'assess')")
        )
        connection.execute(text("UPDATE procrastinate_events SET at = now() - interval '1 hour'"))
    found = looked(settings, engine)["queue assess"]
    assert found.state == State.ILL
    assert "goldenhour work --queue assess" in found.remedy


def test_what_failed_for_good_is_counted(settings: Settings, engine: Engine) -> None:
    with Session(engine) as session:
        session.add(Failure(at=datetime.now(UTC), stage="route", subject="1", error="ValueError"))
        session.commit()
    assert looked(settings, engine)["failures route"].state == State.ILL


def test_a_paused_source_is_named_and_is_not_late(settings: Settings, engine: Engine) -> None:
    now = datetime.now(UTC)
    paused = {
        "paused_until": now + timedelta(hours=1),
        "paused_by": "Ann",
        "paused_because": "they move house",
    }
    with Session(engine) as session:
        session.add(make_source("herald", now, due_at=now - timedelta(hours=2), **paused))
        session.commit()
    found = looked(settings, engine)
    assert found["source herald"].state == State.WARN
    assert "paused by Ann until" in found["source herald"].seen
    assert found["sources"].seen.startswith("1 of 1 see")


@pytest.mark.parametrize(("token", "state"), [(TOKEN, State.WELL), ("xoxb-wrong", State.ILL)])
def test_the_slack_token_is_tried(settings: Settings, engine: Engine, token: str, state: State) -> None:
    with slack_double() as (_slack, address):
        slack = settings.slack.model_validate({"token": token, "base_url": address, "signing_secret": "x"})
        found = looked(settings.model_copy(update={"slack": slack}), engine)["slack"]
    assert found.state == state
    assert token not in found.seen


def test_an_app_installed_from_an_older_manifest_is_told(settings: Settings, engine: Engine) -> None:
    with slack_double() as (double, address):
        slack = settings.slack.model_validate({"token": TOKEN, "base_url": address, "signing_secret": "x"})
        asked = settings.model_copy(update={"slack": slack})
        assert "slack scopes" not in looked(asked, engine)
        double.scopes -= {"im:write"}
        found = looked(asked, engine)["slack scopes"]
    assert (found.state, "im:write" in found.seen) == (State.ILL, True)
