"""`GOLDENHOUR_BACKUP__PROGRAMS`: a backup is written and read by the programs of that folder, and by no others."""

import stat
from pathlib import Path

import pytest

from config.backups.making import Order, make_backup
from config.backups.manifest import BackupError
from config.postgres import programs
from config.settings import Settings
from tests.config.backups.kept import Saved, now, put_back, url_of
from tests.saved import digests

USED = ("pg_dump", "pg_restore")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Programs that note who called them, then go on as the real ones."""
    made = tmp_path / "programs"
    made.mkdir()
    for name in USED:
        written = f'#!/bin/sh\necho {name} >> "{made}/called"\nexec "{programs() / name}" "$@"\n'
        (made / name).write_text(written, encoding="ascii")
        (made / name).chmod(stat.S_IRWXU)
    return made


@pytest.fixture
def own(saved: Saved, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The settings as they are read where the variable is set."""
    monkeypatch.setenv("GOLDENHOUR_BACKUP__PROGRAMS", str(folder))
    read = Settings(data=saved.settings.data, database_url=saved.settings.database_url)
    assert read.backup.programs == folder
    return read


def called(folder: Path) -> list[str]:
    return (folder / "called").read_text(encoding="ascii").split()


def test_the_programs_of_the_folder_write_prove_and_put_back(
    own: Settings, folder: Path, beside: Settings, tmp_path: Path
) -> None:
    made = make_backup(own, Order("by other programs", folder=tmp_path / "out"), clock=now)
    assert called(folder) == ["pg_dump", "pg_restore"]
    put_back(beside.model_copy(update={"backup": own.backup}), tmp_path / "out" / made.name)
    assert called(folder) == ["pg_dump", "pg_restore", "pg_restore"]
    assert int(digests(url_of(beside))["cases"].split()[0]) == made.tables["cases"].rows > 0


@pytest.mark.parametrize("missing", USED)
def test_a_program_that_is_not_there_is_named_with_the_setting(
    own: Settings, folder: Path, tmp_path: Path, missing: str
) -> None:
    (folder / missing).unlink()
    for _ in range(3):  # one that failed holds up nothing: the next may begin at once
        with pytest.raises(BackupError, match=rf"{missing} is not there: set GOLDENHOUR_BACKUP__PROGRAMS"):
            make_backup(own, Order("by other programs", folder=tmp_path / "out"), clock=now)


def test_what_another_program_refuses_is_told_in_its_first_line(
    own: Settings, folder: Path, tmp_path: Path
) -> None:
    refusing = "#!/bin/sh\necho 'pg_dump: error: aborting because of server version mismatch' >&2\nexit 1\n"
    (folder / "pg_dump").write_text(refusing, encoding="ascii")
    with pytest.raises(BackupError, match="cannot be dumped: aborting because of server version mismatch"):
        make_backup(own, Order("by other programs", folder=tmp_path / "out"), clock=now)
