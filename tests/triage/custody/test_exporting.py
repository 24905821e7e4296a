"""Evidence of a case is handed out in one piece that proves itself."""

import io
import json
import zipfile
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from sqlmodel import Session, select

from collector.evidence_records import Timestamp
from collector.video.files import Files
from tests.conftest import NOON
from tests.make import make_person
from tests.triage.custody.sealed import CLIP, DIGEST, Posting, entries, version
from triage.exporting import export_case, release_evidence, verify_export
from triage.locked import Conflict
from triage.permissions import Denied
from triage.records import Case, LogEntry, Person


@pytest.fixture
def liaison(session: Session) -> Person:
    person = make_person(username="dana", roles=["dps_liaison"])
    session.add(person)
    session.commit()
    return person


@pytest.fixture
def reviewer(session: Session) -> Person:
    person = make_person(username="rhys", roles=["oversight_reviewer"])
    session.add(person)
    session.commit()
    return person


def exported(
    session: Session, files: Files, case: Case, who: Person, *, whole: bool, why: str = "disclosure"
) -> io.BytesIO:
    out = io.BytesIO()
    case_id: UUID = case.id
    export_case(session, case, out, files, who=who, why=why, whole=whole, now=NOON)
    session.commit()
    assert session.exec(select(LogEntry.case_id).where(LogEntry.what == "evidence exported")).all() == [
        case_id
    ]
    out.seek(0)
    return out


def test_an_export_in_whole_holds_every_piece_and_proves_itself(
    session: Session, files: Files, case: Case, posting: Posting, liaison: Person
) -> None:
    post = posting(case, filed=True, text="seen by @someone in Leytonstone")
    session.add_all([version(post, 1, NOON, "first words"), version(post, 2, NOON)])
    session.add(
        Timestamp(sha256=post.payload_sha256, authority="a", stamped_at=NOON, serial="1", token=b"token")
    )
    session.commit()
    payload, digest = post.payload, post.payload_sha256.hex()
    out = exported(session, files, case, liaison, whole=True)
    verified = verify_export(out)
    assert verified.wrong == []
    with zipfile.ZipFile(out) as archive:
        names = set(archive.namelist())
        assert archive.read("posts/1/payload") == payload
        assert archive.read("posts/1/wording-1") == b"first words"
        assert archive.read(f"files/{DIGEST.hex()}") == CLIP
        assert archive.read(f"timestamps/{digest}.tst") == b"token"
        told = json.loads(archive.read("posts/1/post.json"))
        sums = dict(line.split("  ")[::-1] for line in archive.read("SHA256SUMS").decode().splitlines())
    assert {"manifest.json", "README.txt", "custody.jsonl", "SHA256SUMS"} <= names
    assert sums["manifest.json"] == verified.manifest
    assert (told["payload_sha256"], told["text"]) == (digest, "seen by @someone in Leytonstone")
    acts = {(each.act, each.note) for each in entries(session)}
    assert acts == {("exported", "in whole: disclosure")}
    assert len(entries(session)) == 2
    line = session.exec(select(LogEntry).where(LogEntry.what == "evidence exported")).one()
    assert line.detail == {"manifest_sha256": verified.manifest, "posts": 1, "files": 1, "whole": True}


def test_an_ordinary_export_names_nobody(
    session: Session, files: Files, case: Case, posting: Posting, reviewer: Person
) -> None:
    post = posting(case, filed=True, author_key=b"k" * 16, url="https://social.example/@someone/1")
    digest = post.payload_sha256.hex()
    out = exported(session, files, case, reviewer, whole=False)
    assert verify_export(out).wrong == []
    with zipfile.ZipFile(out) as archive:
        everything = b"".join(archive.read(name) for name in archive.namelist())
        told = json.loads(archive.read("posts/1/post.json"))
        assert archive.read("manifest.json").count(b"withheld") >= 1
    assert b"someone" not in everything
    assert b"social.example" not in everything
    assert CLIP not in everything
    assert DIGEST.hex().encode() in everything
    assert (told["payload_sha256"], told["author"][:6]) == (digest, "Voice ")


def test_who_may_not_export_does_not(
    session: Session, files: Files, case: Case, posting: Posting, reviewer: Person
) -> None:
    posting(case)
    triage = make_person(roles=["triage"])
    for who, whole in ((triage, False), (reviewer, True)):
        with pytest.raises(Denied):
            export_case(session, case, io.BytesIO(), files, who=who, why="x", whole=whole, now=NOON)
    with pytest.raises(Conflict, match="why"):
        export_case(session, case, io.BytesIO(), files, who=reviewer, why=" ", whole=False, now=NOON)
    assert entries(session) == []


def test_an_archive_that_was_touched_is_told_from_one_that_was_not(
    session: Session, files: Files, case: Case, posting: Posting, liaison: Person
) -> None:
    posting(case, filed=True)
    out = exported(session, files, case, liaison, whole=True)

    def rewritten(change: Callable[[str, bytes], bytes | None], more: str = "") -> list[str]:
        other = io.BytesIO()
        with zipfile.ZipFile(out) as old, zipfile.ZipFile(other, "w") as new:
            for name in old.namelist():
                body = change(name, old.read(name))
                if body is not None:
                    new.writestr(name, body)
            if more:
                new.writestr(more, b"x")
        return verify_export(other).wrong

    assert rewritten(lambda _name, body: body) == []
    assert rewritten(lambda name, body: b"x" + body if name == "custody.jsonl" else body) == [
        "custody.jsonl is not what was exported"
    ]
    assert rewritten(lambda name, body: None if name == "posts/1/payload" else body) == [
        "posts/1/payload is missing"
    ]
    assert rewritten(lambda _name, body: body, "posts/2/payload") == ["posts/2/payload was put in later"]


@pytest.mark.parametrize(
    "body", [b"", b"no archive", b"PK\x05\x06" + bytes(18)], ids=["empty", "text", "a zip"]
)
def test_what_is_no_export_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"archive|export"):
        verify_export(io.BytesIO(body))


def test_a_release_says_to_whom_and_why(
    session: Session, files: Files, case: Case, posting: Posting, reviewer: Person
) -> None:
    posting(case, filed=True)
    given: dict[str, Any] = {"what": "all of it", "who": reviewer, "now": NOON}
    assert release_evidence(session, case, to="IOPC", why="their request 12/26", **given) == 2
    session.commit()
    assert {each.note for each in entries(session, act="released")} == {
        "to IOPC: their request 12/26 (all of it)"
    }
    line = session.exec(select(LogEntry).where(LogEntry.what == "evidence released")).one()
    assert (line.why, line.detail["to"]) == ("their request 12/26", "IOPC")
    with pytest.raises(Conflict, match="to whom"):
        release_evidence(session, case, to=" ", why="x", **given)
