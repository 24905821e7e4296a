"""A backup counts once it was restored and found equal; what breaks off leaves nothing and is told."""

from datetime import datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Engine, text
from sqlmodel import Session, select

from collector.records import Failure
from config.backups.making import BACKUP_LOCK, Order, make_backup
from config.backups.manifest import BackupError, Manifest, read_manifest
from config.backups.settings import BackupSettings
from config.backups.shelf import let_old_go, look
from config.database import connect
from config.settings import Settings
from tests.config.backups.kept import Saved, key, now, stat_of
from triage import backups as ledger
from triage.backup_records import Backup, BackupState
from triage.log import Line, note
from triage.web.calm import troubles


def test_a_backup_is_listed_once_it_is_proven(saved: Saved) -> None:
    [found] = look(saved.folder.parent, key(saved), thorough=True)
    assert found.manifest == read_manifest(saved.folder, key(saved))
    assert found.manifest is not None
    assert found.manifest.proof is not None
    assert found.manifest.tables["cases"].rows > 5
    assert stat_of(saved.folder) == "700"
    assert {stat_of(each) for each in saved.folder.rglob("*") if each.is_file()} <= {"600", "644", "400"}


def test_the_database_remembers_it_and_says_so_in_its_log(saved: Saved) -> None:
    engine = connect(saved.settings, pool=1)
    with Session(engine) as session:
        backup = session.exec(select(Backup)).one()
        said = session.execute(text("SELECT what FROM log_entries ORDER BY seq DESC LIMIT 1")).scalar_one()
    engine.dispose()
    assert (backup.state, backup.name, backup.why) == (BackupState.GOOD, saved.made.name, "for the tests")
    assert said == "backup made and proven"


def test_the_keys_are_not_in_it(saved: Saved) -> None:
    secret = (saved.settings.data / "secret").read_bytes()
    assert not any(secret in each.read_bytes() for each in saved.folder.rglob("*") if each.is_file())


def test_a_backup_that_fails_leaves_nothing_and_is_told(settings: Settings, engine: Engine) -> None:
    broken = settings.model_copy(update={"backup": BackupSettings(programs=settings.data / "nowhere")})
    with pytest.raises(BackupError, match="GOLDENHOUR_BACKUP__PROGRAMS"):
        make_backup(broken, Order("asked for"), clock=now)
    shelf = settings.data / "backups"
    assert look(shelf, settings.key("backup")) == []
    assert [each.name for each in shelf.iterdir()] == ["lock"]
    with Session(engine) as session:
        assert session.exec(select(Backup.state)).all() == [BackupState.BAD]
        said = [each.what for each in troubles(session, channels=["slack"], now=now()).troubles]
        assert any("is no good: " in each and "GOLDENHOUR_BACKUP__PROGRAMS" in each for each in said)
    make_backup(settings, Order("asked for"), clock=now)
    with Session(engine) as session:
        assert ledger.standing(session) == []


def test_what_a_killed_backup_left_is_told_and_goes(settings: Settings, engine: Engine) -> None:
    left = settings.data / "backups" / "goldenhour-20260714T030000Z.part"
    left.mkdir(parents=True)
    (left / "database.dump").write_bytes(b"half of it")
    with Session(engine) as session:
        ledger.begin(session, left.stem, host="here", folder=str(left.parent), why="nightly", now=now())
        session.commit()
    told: list[str] = []
    assert [each.wrong for each in look(left.parent, settings.key("backup"))] == [
        "it broke off, or is being made just now"
    ]
    made = make_backup(settings, Order("asked for"), clock=now, tell=told.append)
    assert told[0].startswith("goldenhour-20260714T030000Z had broken off")
    assert not left.exists()
    with Session(engine) as session:
        states = dict(session.exec(select(Backup.name, Backup.state)).all())
    assert states == {left.stem: BackupState.BAD, made.name: BackupState.GOOD}


def test_two_backups_at_once_are_one_too_many(settings: Settings, database_url: str) -> None:
    with psycopg.connect(database_url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", (BACKUP_LOCK,))
        with pytest.raises(BackupError, match="is being made already"):
            make_backup(settings, Order("asked for"), clock=now)


def test_a_folder_that_cannot_be_made_is_named(settings: Settings) -> None:
    with pytest.raises(BackupError, match=r"null.*--out"):
        make_backup(settings, Order("asked for", folder=Path("/dev/null/in")), clock=now)


def test_a_folder_that_is_a_file_is_named(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("here", encoding="ascii")
    with pytest.raises(BackupError, match=r"file.*--out"):
        make_backup(settings, Order("asked for", folder=tmp_path / "file"), clock=now)


def test_only_the_newest_stay_and_share_their_evidence(saved: Saved, tmp_path: Path) -> None:
    shelf = tmp_path / "shelf"
    names = [
        make_backup(saved.settings, Order("one", folder=shelf, keep=2), clock=now).name for _ in range(2)
    ]
    found = look(shelf, key(saved), thorough=True)
    assert [each.folder.name for each in found] == sorted(names, reverse=True)
    clips = [next(each.folder.joinpath("media").rglob(saved.digest.hex())) for each in found]
    assert clips[0].stat().st_ino == clips[1].stat().st_ino
    assert let_old_go(shelf, 1, key(saved)) == [names[0]]


def test_too_old_a_backup_is_told_until_there_is_a_new_one(session: Session, noon: datetime) -> None:
    longest = timedelta(hours=30)
    assert ledger.judge(session, longest=longest, now=noon) == []
    note(session, [Line("noted")], who="amira", now=noon)
    session.commit()
    assert ledger.judge(session, longest=longest, now=noon + timedelta(hours=29)) == []
    [never] = ledger.judge(session, longest=longest, now=noon + timedelta(hours=31))
    assert never.error.startswith("There is no good backup")
    made = ledger.begin(session, "one", host="here", folder="/there", why="nightly", now=noon)
    ledger.proved_good(session, made.id, size_bytes=1, entries=1, now=noon)
    assert ledger.judge(session, longest=longest, now=noon + timedelta(hours=29)) == []
    [old] = ledger.judge(session, longest=longest, now=noon + timedelta(hours=31))
    assert old.error.startswith("The last good backup is of 14 Jul 12:00 UTC")
    session.commit()
    assert len(session.exec(select(Failure)).all()) == 1


def test_a_manifest_says_what_is_in_it(saved: Saved) -> None:
    made: Manifest = saved.made
    assert {each.path for each in made.kept} == {
        str(each.relative_to(saved.folder))
        for each in saved.folder.rglob("*")
        if each.is_file() and each.name != "manifest.json"
    }
    assert "data/audit/heads.jsonl" in {each.path for each in made.kept}
