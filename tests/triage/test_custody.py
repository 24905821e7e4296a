"""Evidence of a case: entered when collected and seen, kept as long as it is evidence, handed out in one piece."""

import hashlib
import io
import json
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Engine
from sqlmodel import Session, col, select

from collector.evidence_records import CustodyEntry, Fetch, PostVersion, Timestamp
from collector.footage_records import Footage, Look
from collector.records import Media, Post, PostKey
from collector.store import withdraw_posts
from collector.video.files import Files
from collector.video.probed import Stills
from tests.conftest import NOON
from tests.make import make_case, make_person, make_post
from triage.custody import has_seen, note_seen, take_into_custody
from triage.edits import note_edits
from triage.evidence import read_exhibits
from triage.exporting import export_case, release_evidence, verify_export
from triage.keeping import FADES, WAITS, settle_files
from triage.locked import Conflict
from triage.permissions import Denied
from triage.records import Case, LogEntry, Membership, Person, Status

CLIP = b"a clip of a street"
DIGEST = hashlib.sha256(CLIP).digest()
NINETY_DAYS = timedelta(days=90)


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path / "media")


@pytest.fixture
def case(session: Session) -> Case:
    made = make_case(status=Status.DETECTED)
    session.add(made)
    session.commit()
    return made


Posting = Callable[..., Post]


@pytest.fixture
def posting(session: Session, files: Files) -> Posting:
    """Makes a post, in a case or in none, with a sealed file when asked."""

    def make(case: Case | None = None, *, filed: bool = False, sure: bool = True, **given: Any) -> Post:
        post = make_post(given.pop("text", f"seen by @someone {uuid4().hex}"), platform="mastodon", **given)
        session.add_all([post, PostKey(id=post.id, collected_at=post.collected_at)])
        if case is not None:
            session.add(Membership(post_id=post.id, case_id=case.id, sure=sure, how="new", joined_at=NOON))
        if filed:
            media = Media(post_id=post.id, kind="video", url="https://social.example/v.mp4")
            session.add(media)
            seal(session, files, media_id=media.id, post_id=post.id)
        session.commit()
        return post

    return make


def seal(session: Session, files: Files, **given: Any) -> Look:
    with files.incoming() as path:
        path.write_bytes(CLIP)
        files.seal(path, DIGEST)
    files.picture(DIGEST, Stills(b"sheet", b"blurred"))
    look = Look(
        **{"media_id": uuid4(), "at": NOON, "done_at": NOON, "file_at": NOON, "sha256": DIGEST,
           "size_bytes": len(CLIP), "url": "https://social.example/v.mp4", "headers": {"etag": "1"}, **given}
    )  # fmt: skip
    session.add(look)
    session.commit()
    return look


def entries(session: Session, **given: Any) -> list[CustodyEntry]:
    found = select(CustodyEntry).filter_by(**given).order_by(col(CustodyEntry.id))
    return list(session.exec(found))


def test_posts_and_files_of_cases_are_entered_once(session: Session, case: Case, posting: Posting) -> None:
    ours = posting(case, filed=True)
    posting(filed=True)
    posting(case, sure=False, filed=True)
    assert take_into_custody(session, now=NOON) == 2
    assert take_into_custody(session, now=NOON) == 0
    post, file = entries(session, act="collected")
    assert (post.post_id, post.media_id, post.sha256) == (ours.id, None, ours.payload_sha256)
    assert (file.post_id, file.sha256) == (ours.id, DIGEST)


def test_a_file_that_is_seen_after_its_post_was_entered_is_entered_too(
    session: Session, files: Files, case: Case, posting: Posting
) -> None:
    post = posting(case)
    take_into_custody(session, now=NOON)
    seal(session, files, post_id=post.id)
    assert take_into_custody(session, now=NOON) == 1


def test_however_many_views_begin_at_once_one_line_is_left(
    engine: Engine, session: Session, case: Case, posting: Posting
) -> None:
    posts = [posting(case).id for _ in range(3)]
    case_id = case.id

    def see(minute: int) -> None:
        with Session(engine) as own:
            note_seen(own, case_id, posts, who="amira", now=NOON + timedelta(minutes=minute))
            own.commit()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(see, [0] * 8))
    lines = select(LogEntry).where(LogEntry.what == "viewed")
    assert len(session.exec(lines).all()) == 1
    assert len(entries(session, act="viewed")) == 3
    see(5)
    see(11)
    assert len(session.exec(lines).all()) == 2
    assert len(entries(session, act="viewed", who="amira")) == 6


def test_what_was_seen_is_known_for_a_while(
    session: Session, files: Files, case: Case, posting: Posting
) -> None:
    look = seal(session, files, post_id=posting(case).id)
    session.add(CustodyEntry(at=NOON, who="amira", act="viewed", media_id=look.media_id))
    session.commit()

    def seen(who: str, minutes: int) -> bool:
        now = NOON + timedelta(minutes=minutes)
        return has_seen(session, look.media_id, who=who, within=timedelta(minutes=15), now=now)

    assert [seen("amira", 14), seen("amira", 16), seen("tom", 1)] == [True, False, False]


# --- files that stay and files that go ---------------------------------------------------------------------


def settled(session: Session, files: Files, after: timedelta) -> int:
    gone = settle_files(session, files, keep_for=NINETY_DAYS, now=NOON + after)
    session.commit()
    session.expire_all()
    return gone


def test_a_file_of_no_case_goes_after_an_hour_and_leaves_its_digest(
    session: Session, files: Files, posting: Posting
) -> None:
    post = posting(filed=True)
    assert settled(session, files, WAITS) == 0
    assert settled(session, files, WAITS + timedelta(seconds=1)) == 1
    look = session.exec(select(Look)).one()
    assert (look.gone_because, look.sha256, look.post_id) == ("its post belongs to no case", DIGEST, post.id)
    assert [each for each in files.folder.rglob("*") if each.is_file()] == []
    assert entries(session) == []  # what was no evidence has no custody
    assert look.url is not None
    assert settled(session, files, FADES + timedelta(days=1)) == 0
    assert session.exec(select(Look)).one().url is None


@pytest.mark.parametrize("sure", [True, False], ids=["in a case", "suggested for one"])
def test_a_file_stays_while_its_case_is_open(
    session: Session, files: Files, case: Case, posting: Posting, sure: bool
) -> None:
    posting(case, filed=True, sure=sure)
    assert settled(session, files, timedelta(days=400)) == 0


def test_a_file_goes_some_time_after_its_case_was_closed_and_custody_says_so(
    session: Session, files: Files, case: Case, posting: Posting
) -> None:
    posting(case, filed=True)
    take_into_custody(session, now=NOON)
    case.status, case.touched_at = Status.CLOSED, NOON + timedelta(days=1)
    session.commit()
    assert settled(session, files, timedelta(days=90)) == 0
    assert settled(session, files, timedelta(days=92)) == 1
    [disposed] = entries(session, act="disposed")
    assert (disposed.who, disposed.note) == ("golden hour", "its case was closed long enough ago")
    assert not files.place(DIGEST).exists()


def test_the_file_of_a_withdrawn_post_goes_at_once(
    session: Session, files: Files, case: Case, posting: Posting
) -> None:
    post = posting(case, filed=True)
    withdraw_posts(session, {post.id: "deleted by its author"}, now=NOON)
    session.commit()
    assert settled(session, files, timedelta(0)) == 1
    assert not files.place(DIGEST).exists()


def test_a_file_that_two_posts_carry_goes_with_the_last_of_them(
    session: Session, files: Files, case: Case, posting: Posting
) -> None:
    posting(filed=True)
    posting(case, filed=True)
    assert settled(session, files, 2 * WAITS) == 1
    assert files.place(DIGEST).exists()


def test_an_upload_stays_with_its_case(session: Session, files: Files, case: Case) -> None:
    seal(session, files, case_id=case.id)
    assert settled(session, files, timedelta(days=30)) == 0


# --- edits --------------------------------------------------------------------------------------------------


def version(post: Post, number: int, at: datetime, words: str = "other words") -> PostVersion:
    return PostVersion(
        post_id=post.id, number=number, taken_at=at, source="s", text=words, payload=words.encode(),
        payload_sha256=hashlib.sha256(words.encode()).digest(),
    )  # fmt: skip


def test_an_edit_of_a_post_in_a_case_is_logged_once(session: Session, case: Case, posting: Posting) -> None:
    ours, other = posting(case), posting()
    for post in (ours, other):
        session.add_all([version(post, 1, NOON), version(post, 2, NOON + timedelta(minutes=1))])
    session.commit()
    assert note_edits(session, now=NOON + timedelta(minutes=2)) == 1
    session.commit()
    assert note_edits(session, now=NOON + timedelta(minutes=3)) == 0
    line = session.exec(select(LogEntry).where(LogEntry.what == "post edited")).one()
    assert (line.case_id, line.detail) == (case.id, {"post": str(ours.id), "version": 2})


# --- what is there and what is not --------------------------------------------------------------------------


def missing(session: Session, post: Post) -> dict[str, str]:
    return {
        each.name: each.says for each in read_exhibits(session, [post])[post.id].elements if not each.there
    }


def test_a_complete_post_lacks_only_the_picture_of_its_page(
    session: Session, case: Case, posting: Posting
) -> None:
    fetch = Fetch(
        source="s", at=NOON, url="https://social.example/api", headers={"date": "x"}, body_sha256=DIGEST
    )
    post = posting(case, filed=True, fetch_id=fetch.id)
    stamp = Timestamp(
        sha256=post.payload_sha256, authority="https://tsa.example", stamped_at=NOON, serial="1", token=b"t"
    )
    session.add_all([fetch, stamp])
    take_into_custody(session, now=NOON)
    session.commit()
    exhibit = read_exhibits(session, [post])[post.id]
    assert set(missing(session, post)) == {"Source and picture of the page"}
    assert (exhibit.there, len(exhibit.elements)) == (8, 9)
    assert DIGEST.hex() in next(each.says for each in exhibit.elements if each.name.startswith("File"))


def test_what_is_missing_says_why(session: Session, case: Case, posting: Posting) -> None:
    post = posting(case, url=None, payload=None)
    media = [Media(post_id=post.id, kind="video", url=f"https://social.example/{n}") for n in (1, 2)]
    session.add_all(media)
    session.add(
        Look(media_id=min(each.id for each in media), post_id=post.id, at=NOON, tries=1, error="empty file")
    )
    session.commit()
    assert missing(session, post) == {
        "Address": "the source gives none",
        "What the platform gave": "larger than is kept; its digest is",
        "Headers of the answer": "it came over a stream, from a file or by hand: there was no answer of its own",
        "File 1": "empty file",
        "File 2": "still to be looked at",
        "Time stamp (RFC 3161)": "no authority has stamped it; one is set with GOLDENHOUR_COLLECT__TIMESTAMP_URL",
        "Custody from collection on": "entered within minutes of the post joining the case",
        "Source and picture of the page": "not taken: posts are read through an interface, and a picture of the page"
        " would show other people",
    }  # fmt: skip
    withdraw_posts(session, {post.id: "deleted by its author"}, now=NOON)
    session.commit()
    session.expire_all()
    assert missing(session, session.exec(select(Post)).one())["Address"] == "went when the post was withdrawn"


# --- export and release -------------------------------------------------------------------------------------


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


def test_footage_of_a_file_stands_beside_it(session: Session, case: Case, posting: Posting) -> None:
    post = posting(case, filed=True)
    look = session.exec(select(Look)).one()
    session.add(
        Footage(family_id=uuid4(), media_id=look.media_id, post_id=post.id, platform="mastodon",
                first_seen_at=NOON, kept_at=NOON, sha256=DIGEST, size_bytes=9, kind="video", container="mp4",
                codec="h264", width=9, height=9, method="m")
    )  # fmt: skip
    session.commit()
    [file] = read_exhibits(session, [post])[post.id].files
    assert file.footage is not None
    assert file.why_not is None
