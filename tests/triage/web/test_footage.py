"""Footage on the case page: blurred until a person asks, which is entered; added, copied, exported, released."""

import hashlib
import io
import zipfile
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import Engine, text
from sqlmodel import Session, col, select

from collector.evidence_records import CustodyEntry, PostVersion
from collector.footage_records import Footage, Look
from collector.records import Failure, Media, Post
from collector.store import withdraw_posts
from collector.video.files import Files
from collector.video.probed import Stills
from tests.browser.seed import PASSWORD, Seeded
from tests.make import make_person
from tests.served import Browser, serve
from tests.triage.web.conftest import Clockwork
from tests.videos import make_video
from triage.exporting import verify_export
from triage.footage import read_clips
from triage.people import digest_password
from triage.records import Case, LogEntry, Membership
from triage.settings import WebSettings
from triage.web.app import desk
from triage.web.wording import MOST_WORDS, Part, changes

CLIP = b"a clip of a street"
DIGEST = hashlib.sha256(CLIP).digest()
MOST = 3_000_000


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path / "media", MOST)


@pytest.fixture
def base(engine: Engine, clock: Clockwork, seeded: Seeded, files: Files) -> Iterator[str]:
    with engine.begin() as connection:
        connection.execute(
            text("INSERT INTO post_keys (id, collected_at) SELECT id, collected_at FROM posts")
        )
    with serve(desk(engine, WebSettings(), channels=["slack"], files=files, now=clock)) as address:
        yield address


@pytest.fixture
def filmed(engine: Engine, seeded: Seeded, files: Files, clock: Clockwork) -> Footage:
    """A copy of a clip, with its file, on a post of the first case."""
    with Session(engine, expire_on_commit=False) as session:
        post = first_post(session, seeded.cases[0])
        media = Media(post_id=post.id, kind="video", url="https://social.example/v.mp4")
        with files.incoming() as path:
            path.write_bytes(CLIP)
            files.seal(path, DIGEST)
        files.picture(DIGEST, Stills(b"\xff\xd8\xffsheet", b"\xff\xd8\xffblurred"))
        look = Look(
            media_id=media.id, post_id=post.id, at=clock(), done_at=clock(), file_at=clock(), sha256=DIGEST
        )
        made = Footage(
            family_id=media.id, media_id=media.id, post_id=post.id, platform="mastodon", first_seen_at=clock(),
            kept_at=clock(), sha256=DIGEST, size_bytes=9, kind="video", container="mp4", codec="h264", width=320,
            height=180, duration_s=31.0, method="m", captions=["HE IS NOT BREATHING"],
            provenance={"note": "No content credentials in this file. Absence proves nothing", "signed_by": None},
        )  # fmt: skip
        session.add_all([media, look, made])
        session.commit()
    return made


def first_post(session: Session, case: Case) -> Post:
    joined = select(Post).join(Membership, col(Membership.post_id) == Post.id)
    ours = joined.where(Membership.case_id == case.id, col(Membership.sure)).order_by(col(Post.published_at))
    return session.exec(ours).first() or pytest.fail("the case has no post")


def entered(engine: Engine, act: str) -> list[CustodyEntry]:
    with Session(engine) as session:
        return list(session.exec(select(CustodyEntry).where(CustodyEntry.act == act)))


def test_stills_are_blurred_until_a_person_asks_and_again_after_a_while(
    engine: Engine, amira: Browser, tom: Browser, filmed: Footage, clock: Clockwork
) -> None:
    sheet, blurred = f"/cases/1/footage/{filmed.id}/sheet", f"/cases/1/footage/{filmed.id}/blurred"
    page = amira.get("/cases/1").text
    assert "Blurred: it may be distressing" in page
    assert (blurred in page, sheet in page) == (True, False)
    assert amira.get(blurred).content == b"\xff\xd8\xffblurred"
    assert amira.get(sheet).status_code == 404
    shown = amira.fill_in(f"/cases/1/footage/{filmed.id}/show")
    assert shown.headers["location"] == f"/cases/1?said=footage-shown#clip-{filmed.id}"
    assert (sheet in amira.get("/cases/1").text, sheet in tom.get("/cases/1").text) == (True, False)
    assert amira.get(sheet).headers["content-type"] == "image/jpeg"
    assert tom.get(sheet).status_code == 404
    [entry] = [each for each in entered(engine, "viewed") if each.media_id is not None]
    assert (entry.who, entry.media_id, entry.sha256) == ("amira", filmed.media_id, DIGEST)
    clock.ahead = timedelta(minutes=16)
    assert amira.get(sheet).status_code == 404


def test_the_family_says_what_is_known(amira: Browser, filmed: Footage) -> None:
    page = amira.get("/cases/1").text
    for words in (
        "1 copy: mastodon",
        "31 s, 320 × 180, no sound",
        "HE IS NOT BREATHING",
        "Absence proves nothing",
    ):
        assert words in page
    assert "<video" not in page
    assert "not told by its platforms" in page


def test_each_copy_says_how_it_is_like_the_first(engine: Engine, filmed: Footage, seeded: Seeded) -> None:
    because = "9 frames in the same order are alike within 30 of 256 bits"
    given: dict[str, object] = {"media_id": None, "post_id": None, "captions": []}
    copies: dict[str, dict[str, object]] = {
        "the same file as the first": {},
        "mirrored": {"sha256": b"2" * 32, "matches": [{"sure": True, "because": f"{because} (mirrored)"}]},
        "captioned": {
            "sha256": b"3" * 32,
            "captions": ["x"],
            "matches": [{"sure": True, "because": because}],
        },
        "encoded anew": {"sha256": b"4" * 32, "matches": [{"sure": True, "because": because}]},
        "found from other copies": {"sha256": b"5" * 32, "matches": [{"sure": False, "because": because}]},
    }
    with Session(engine) as session:
        session.get_one(Footage, filmed.id).captions = []
        for number, each in enumerate(copies.values(), 1):
            later = {"id": uuid4(), "first_seen_at": filmed.first_seen_at + timedelta(minutes=number)}
            session.add(Footage(**{**filmed.model_dump(), **given, **later, **each}))
        session.commit()
        [clip] = read_clips(session, seeded.cases[0].id, seeded.officer, now=filmed.kept_at).clips
    assert [copy.how for copy in clip.copies] == ["", *copies]


def test_footage_of_a_withdrawn_post_is_shown_no_more(
    engine: Engine, amira: Browser, filmed: Footage
) -> None:
    amira.fill_in(f"/cases/1/footage/{filmed.id}/show")
    with Session(engine) as session:
        assert filmed.post_id is not None
        withdraw_posts(session, {filmed.post_id: "deleted by its author"}, now=filmed.kept_at)
        session.commit()
    page = amira.get("/cases/1").text
    assert "The file is no longer here" in page
    assert "HE IS NOT BREATHING" not in page
    for picture in ("sheet", "blurred"):
        assert amira.get(f"/cases/1/footage/{filmed.id}/{picture}").status_code == 404


def test_footage_is_found_only_through_its_own_case(amira: Browser, filmed: Footage) -> None:
    assert amira.get(f"/cases/2/footage/{filmed.id}/blurred").status_code == 404
    assert amira.fill_in(f"/cases/2/footage/{filmed.id}/show").status_code == 404


def test_a_file_that_could_not_be_looked_at_says_why(
    engine: Engine, amira: Browser, seeded: Seeded, clock: Clockwork
) -> None:
    with Session(engine) as session:
        post = first_post(session, seeded.cases[0])
        media = Media(post_id=post.id, kind="video", url="https://social.example/v.mp4")
        error, remedy = "social.example: answered with an empty file", "Open the post on its platform"
        look = Look(media_id=media.id, post_id=post.id, at=clock(), tries=6, error=error, remedy=remedy)
        session.add_all([media, look])
        session.commit()
    page = amira.get("/cases/1").text
    assert error in page
    assert "Tried 6 times; not tried again." in page


def test_a_changed_piece_and_files_that_never_come_are_on_every_page(
    engine: Engine, amira: Browser, clock: Clockwork
) -> None:
    with Session(engine) as session:
        long_ago = clock() - timedelta(days=40)
        session.add(
            Failure(at=long_ago, stage="evidence", subject="x", error="its file is not what was sealed")
        )
        for number in range(5):
            session.add(Look(media_id=make_person().id, at=clock(), tries=number, error="no connection"))
        session.commit()
    page = amira.get("/alerts").text
    assert "Evidence has changed: 1 piece no longer as collected" in page
    assert "5 files failed in the last hour. no connection" in page
    assert "could not be worked through (evidence)" not in page


# --- added by staff -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return make_video(tmp_path_factory.mktemp("clips") / "clip.mp4", seed=41, seconds=2.0).read_bytes()


def send(browser: Browser, body: bytes, why: str = "handed in at the front desk", name: str = "x.mp4") -> str:
    """What the desk answers: where it leads, or what it says."""
    answer = browser.post(
        "/cases/1/footage",
        data={"csrf": browser.token, "why": why},
        files={"file": (name, io.BytesIO(body), "video/mp4")},
        headers={"Origin": str(browser.base_url).rstrip("/")},
    )
    return answer.headers.get("location") or f"{answer.status_code} {answer.text}"


def test_a_file_of_ours_is_sealed_entered_and_left_to_be_looked_at(
    engine: Engine, amira: Browser, files: Files, clip: bytes
) -> None:
    assert send(amira, clip) == "/cases/1?said=footage-added"
    digest = hashlib.sha256(clip).digest()
    assert files.place(digest).read_bytes() == clip
    with Session(engine) as session:
        look = session.exec(select(Look)).one()
        line = session.exec(select(LogEntry).where(LogEntry.what == "footage added")).one()
        jobs = session.scalars(text("SELECT args FROM procrastinate_jobs WHERE task_name = 'look'")).all()
    assert (look.sha256, look.asked_by, look.why) == (digest, "amira", "handed in at the front desk")
    assert (line.why, line.detail["sha256"]) == ("handed in at the front desk", digest.hex())
    assert jobs == [{"media": str(look.media_id)}]
    [entry] = entered(engine, "collected")
    assert (entry.who, entry.media_id, entry.post_id) == ("amira", look.media_id, None)
    assert "being looked at" in amira.get("/cases/1").text
    assert "added to this case before" in send(amira, clip)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "the file is empty"),
        (b"<!doctype html><title>Log in</title>", "not a video or picture we read"),
        (b"MZ" + bytes(4_000), "not a video or picture we read"),
        (bytes(MOST + 1), "more than 3 MB"),
    ],
    ids=["empty", "a web page", "a program", "too large"],
)
def test_what_is_no_footage_is_refused_with_a_reason(
    engine: Engine, amira: Browser, files: Files, body: bytes, said: str
) -> None:
    answer = send(amira, body)
    assert answer.startswith("422")
    assert said.lower() in answer.lower()
    with Session(engine) as session:
        assert session.exec(select(Look)).all() == []
    assert [each for each in files.folder.rglob("*") if each.is_file()] == []


def test_a_body_without_end_is_cut_off(amira: Browser) -> None:
    assert send(amira, bytes(MOST + 2_000_000)).startswith("413")


def test_a_file_without_a_reason_is_refused(amira: Browser, clip: bytes) -> None:
    assert "by what right" in send(amira, clip, why=" ")


# --- copied, exported, released -----------------------------------------------------------------------------


def test_copying_is_entered(engine: Engine, amira: Browser, seeded: Seeded) -> None:
    with Session(engine) as session:
        post = first_post(session, seeded.cases[0]).id
    assert f"/cases/1/posts/{post}/copied" in amira.get("/cases/1").text
    assert amira.fill_in(f"/cases/1/posts/{post}/copied", what="link").status_code == 204
    assert amira.fill_in(f"/cases/2/posts/{post}/copied", what="link").status_code == 404
    assert amira.fill_in(f"/cases/1/posts/{post}/copied", what="author").status_code == 404
    [entry] = entered(engine, "copied")
    assert (entry.who, entry.post_id, entry.note) == ("amira", post, "its address")


def test_a_view_enters_each_post_that_was_shown(engine: Engine, amira: Browser, seeded: Seeded) -> None:
    for _ in range(2):
        amira.get("/cases/20")
    with Session(engine) as session:
        sure = select(Membership.post_id).where(
            Membership.case_id == seeded.cases[19].id, col(Membership.sure)
        )
        assert sorted(each.post_id for each in entered(engine, "viewed") if each.post_id) == sorted(
            session.exec(sure)
        )


def test_an_export_comes_as_an_archive_and_is_in_the_log(
    engine: Engine, amira: Browser, filmed: Footage
) -> None:
    answer = amira.fill_in("/cases/1/export", why="for the meeting")
    assert answer.headers["content-type"] == "application/zip"
    assert answer.headers["content-disposition"].startswith('attachment; filename="GH-1-evidence-')
    verified = verify_export(io.BytesIO(answer.content))
    assert (verified.wrong, verified.case) == ([], "GH-1")
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert f"files/{DIGEST.hex()}" not in archive.namelist()
    with Session(engine) as session:
        line = session.exec(select(LogEntry).where(LogEntry.what == "evidence exported")).one()
    assert line.detail["manifest_sha256"] == verified.manifest
    assert amira.fill_in("/cases/1/export", why=" ").status_code == 409
    assert amira.fill_in("/cases/1/export", why="x", whole="true").status_code == 403


def test_who_may_is_given_the_whole(
    engine: Engine, visit: Callable[[], Browser], filmed: Footage, clock: Clockwork
) -> None:
    with Session(engine) as session:
        password = digest_password(PASSWORD)
        session.add(make_person(username="dana", roles=["dps_liaison"], password_hash=password))
        session.commit()
    dana = visit()
    dana.sign_in("dana", PASSWORD)
    answer = dana.fill_in("/cases/1/export", why="referral", whole="true")
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.read(f"files/{DIGEST.hex()}") == CLIP


def test_a_release_is_entered(engine: Engine, amira: Browser) -> None:
    given = {"receiver": "IOPC", "why": "their request 12/26", "what": "all"}
    assert amira.fill_in("/cases/1/released", **given).status_code == 303
    assert {each.note for each in entered(engine, "released")} == {"to IOPC: their request 12/26 (all)"}
    assert amira.fill_in("/cases/1/released", receiver="IOPC").status_code == 409


# --- wordings -----------------------------------------------------------------------------------------------


def test_both_wordings_stand_on_the_page(
    engine: Engine, amira: Browser, seeded: Seeded, clock: Clockwork
) -> None:
    with Session(engine) as session:
        post = first_post(session, seeded.cases[0])
        for number, words in ((1, "Two officers <b>hit</b> @someone"), (2, "Two officers held @someone")):
            session.add(
                PostVersion(post_id=post.id, number=number, taken_at=clock(), source="s", text=words,
                            payload_sha256=DIGEST)
            )  # fmt: skip
        session.commit()
    page = amira.get("/cases/1").text
    assert "wording 2 beside the one before" in page
    assert "<ins>held</ins>" in page
    assert "&lt;" in page.split("<del>")[1].split("</del>")[0]
    assert "@someone" not in page


def test_a_difference_is_told_word_by_word() -> None:
    assert changes("He was not moving.", "He was moving.") == [
        Part("same", "He was "),
        Part("gone", "not "),
        Part("same", "moving."),
    ]
    assert changes("", "new") == [Part("new", "new")]
    assert changes("seen @a", "seen @b") == [Part("same", "seen @account")]
    long = "word " * MOST_WORDS
    assert [each.kind for each in changes(long, long + "more")] == ["gone", "new"]
