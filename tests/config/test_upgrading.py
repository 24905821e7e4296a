"""An upgrade makes a proven backup first and happens once, however many start; the way back says what is lost."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from pydantic import SecretStr

from config.backups.manifest import BackupError
from config.backups.settings import BackupSettings
from config.backups.shelf import look
from config.backups.upgrading import downgrade, plan_down, upgrade
from config.database import DatabaseError, connect, migrate, open_database, revisions
from config.postgres import Cluster
from config.settings import Settings
from tests.saved import digests, empty_database, fill

OLDER = "0033"
PERSON = "INSERT INTO people (id, username, name, created_at) VALUES (gen_random_uuid(), 'ann', 'Ann', now())"


@pytest.fixture
def older(cluster: Cluster, tmp_path: Path) -> Iterator[Settings]:
    """A database of an earlier release, with somebody in it."""
    with empty_database(cluster) as url:
        settings = Settings(data=tmp_path / "var", database_url=SecretStr(url))
        migrate(settings, OLDER)
        with psycopg.connect(url.replace("+psycopg", "")) as connection:
            connection.execute(PERSON)
        yield settings


def now() -> datetime:
    return datetime.now(UTC)


def url_of(settings: Settings) -> str:
    assert settings.database_url is not None
    return settings.database_url.get_secret_value()


def at(settings: Settings) -> str | None:
    engine = connect(settings, pool=1)
    try:
        return revisions(engine)[0]
    finally:
        engine.dispose()


def log_lines(settings: Settings, what: str) -> list[tuple[str | None, dict[str, str]]]:
    with psycopg.connect(url_of(settings).replace("+psycopg", "")) as connection:
        asked = "SELECT why, detail FROM log_entries WHERE what = %s ORDER BY seq"
        return connection.execute(asked, (what,)).fetchall()


def counted(found: dict[str, str], name: str) -> str:
    """How many rows; with columns that go, rows look otherwise."""
    return found[name].partition(" ")[0]


def test_three_that_start_together_upgrade_once_behind_one_backup(older: Settings) -> None:
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("GOLDENHOUR_")},
        "GOLDENHOUR_DATA": str(older.data),
        "GOLDENHOUR_DATABASE_URL": url_of(older),
    }
    command = [sys.executable, "-P", "-m", "config.cli", "upgrade", "--json"]
    started = [
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
        for _ in range(3)
    ]
    said = [json.loads(each.communicate(timeout=240)[0]) for each in started]
    assert [each.returncode for each in started] == [0, 0, 0]
    assert sorted(each["before"] for each in said).count(OLDER) == 1
    assert {each["after"] for each in said} == {at(older)}
    [kept] = look(older.data / "backups", older.key("backup"))
    assert kept.manifest is not None
    assert kept.manifest.revision == OLDER
    [(_, detail)] = log_lines(older, "database upgraded")
    assert (detail["before"], detail["backup"]) == (OLDER, kept.folder.name)


def test_other_commands_leave_an_older_database_alone(older: Settings) -> None:
    with pytest.raises(DatabaseError, match=f"is at {OLDER}.*run `goldenhour upgrade`"), open_database(older):
        raise AssertionError("it was opened")
    assert at(older) == OLDER


def test_without_a_good_backup_nothing_is_migrated_but_for_a_reason(older: Settings) -> None:
    broken = older.model_copy(update={"backup": BackupSettings(programs=older.data / "nowhere")})
    with pytest.raises(BackupError, match=r"not upgraded, because there is no backup.*--no-backup"):
        upgrade(broken, clock=now)
    assert at(older) == OLDER
    moved = upgrade(broken, no_backup="an empty trial", clock=now)
    assert (moved.before, moved.after, moved.backup) == (OLDER, at(older), None)
    assert [why for why, _ in log_lines(older, "database upgraded")] == ["an empty trial"]


def test_going_back_says_what_goes_keeps_the_rest_and_comes_up_again(settings: Settings) -> None:
    fill(settings)
    plan = list(plan_down(settings, OLDER))
    assert [each.revision for each in plan] == sorted((each.revision for each in plan), reverse=True)
    assert any(each.brought.startswith("Backups:") for each in plan)
    for wrong in ("7777", plan[0].revision):
        with pytest.raises(DatabaseError):
            list(plan_down(settings, wrong))
    before = digests(url_of(settings))
    moved = downgrade(settings, OLDER, clock=now)
    assert moved.lost["backups"] == 1
    after = digests(url_of(settings))
    log = ("log_entries", "log_head", "alembic_version", "failures")
    fewer = [name for name in after if name not in log and counted(after, name) != counted(before, name)]
    assert fewer == []
    upgrade(settings, no_backup="tried out", clock=now)
    [kept] = look(settings.data / "backups", settings.key("backup"))
    assert kept.manifest is not None
    assert kept.manifest.name == moved.backup
