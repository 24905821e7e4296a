"""Certificates as files: written once, verified by their seal also where the database has none, gone in time."""

import json
from pathlib import Path

import pytest
from sqlmodel import Session, select

from responders.retention.certified import FOLDER, filed, verify_files, write_certificates
from tests.make import NOON
from triage.certificates import enter, open_certificate, seal_certificate
from triage.retention_records import DisposalCertificate, RetentionRun

KEY = b"only for tests"


@pytest.fixture
def three(session: Session, tmp_path: Path) -> list[DisposalCertificate]:
    """Three sealed certificates with their files, and one that is still open."""
    run = RetentionRun(rules=1, who="golden hour", began_at=NOON)
    session.add(run)
    session.flush()
    made = []
    for name in ("posts", "minor", "media", "log"):
        one = open_certificate(session, run, name, why="made up", now=NOON)
        enter(one, [name], {"posts": 1})
        if name != "log":
            seal_certificate(session, one, KEY, held={}, now=NOON)
            made.append(one)
    session.commit()
    assert write_certificates(session, tmp_path) == 3
    return made


def path_of(folder: Path, one: DisposalCertificate) -> Path:
    return folder / FOLDER / f"D-{one.number}.json"


def test_each_is_written_once_for_the_owner_alone(
    session: Session, tmp_path: Path, three: list[DisposalCertificate]
) -> None:
    assert write_certificates(session, tmp_path) == 0
    assert filed(tmp_path) == {each.number for each in three}
    assert path_of(tmp_path, three[0]).stat().st_mode & 0o077 == 0
    told = json.loads(path_of(tmp_path, three[0]).read_text(encoding="utf-8"))
    assert (told["class_name"], told["format"]) == ("posts", "goldenhour-disposal/1")
    assert verify_files(session, tmp_path, KEY) == []


def test_a_file_that_was_changed_is_found(
    session: Session, tmp_path: Path, three: list[DisposalCertificate]
) -> None:
    path = path_of(tmp_path, three[1])
    path.write_text(path.read_text(encoding="utf-8").replace('"items": 1', '"items": 9'), encoding="utf-8")
    path_of(tmp_path, three[0]).write_text("{", encoding="utf-8")
    wrong = {each.number: each.what for each in verify_files(session, tmp_path, KEY)}
    assert "says otherwise" in wrong[three[1].number or 0]
    assert "cannot be read" in wrong[three[0].number or 0]


def test_one_that_an_older_backup_does_not_know_is_verified_by_its_seal(
    session: Session, tmp_path: Path, three: list[DisposalCertificate]
) -> None:
    number, path = three[2].number or 0, path_of(tmp_path, three[2])
    session.delete(three[2])
    session.commit()
    assert verify_files(session, tmp_path, KEY) == []
    path.write_text(path.read_text(encoding="utf-8").replace('"items": 1', '"items": 9'), encoding="utf-8")
    assert [each.number for each in verify_files(session, tmp_path, KEY)] == [number]


def test_a_file_goes_with_its_certificate_when_its_time_is_over(
    session: Session, tmp_path: Path, three: list[DisposalCertificate]
) -> None:
    session.delete(three[0])
    session.commit()
    write_certificates(session, tmp_path)
    assert filed(tmp_path) == {each.number for each in three[1:]}
    for each in session.exec(select(DisposalCertificate)).all():
        session.delete(each)
    session.commit()
    write_certificates(session, tmp_path)
    assert len(filed(tmp_path)) == 2, "a database that knows none takes none away"
