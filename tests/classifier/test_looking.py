"""A file attached to a post is looked at once, in its own time; what goes wrong stays in sight with its reason."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Engine, text
from sqlmodel import Session, select

from classifier.assess import abstained, assess
from classifier.footage import FAMILY_LOCK, Shelf
from classifier.looking import Parts, look
from classifier.model import Assessed
from collector.footage_records import Footage, Frame, Look, withdraw_footage
from collector.http import Http
from collector.looks import AGAIN_AFTER, CROWD, FRESH, crowded, leave_looks
from collector.records import Media, PostKey
from collector.settings import HttpSettings
from collector.store import withdraw_posts
from collector.video.files import Files
from collector.video.probed import Captions
from config.database import MIGRATION_LOCK
from config.leader import LEADER_LOCK
from config.queues.route import ROUTE_LOCK
from tests.conftest import NOON
from tests.doubles.media import Given, MediaServer, running_media
from tests.make import make_post
from tests.videos import changed, huge_png, make_video, no_ffmpeg

Looking = Callable[..., bool]


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    """A clip, and the same one mirrored."""
    clip = make_video(tmp_path_factory.mktemp("clips") / "clip.mp4", seed=31, seconds=5.0)
    return [clip.read_bytes(), changed(clip, "hflip").read_bytes()]


@pytest.fixture
def media() -> Iterator[MediaServer]:
    with running_media() as made:
        yield made


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path / "media")


@pytest.fixture
def parts(media: MediaServer, files: Files) -> Iterator[Parts]:
    with Http(HttpSettings(allow=(media.authority,), file_s=3.0, largest_file_bytes=5_000_000)) as http:
        yield Parts(http, files, Shelf(), captions=False)


@pytest.fixture
def looking(engine: Engine, parts: Parts) -> Looking:
    """Looks at a media so many minutes after noon."""

    def at(attached: Media, minutes: float = 0) -> bool:
        return look(engine, attached.id, parts, clock=lambda: NOON + timedelta(minutes=minutes))

    return at


@pytest.fixture
def attached(session: Session, media: MediaServer) -> Callable[..., Media]:
    """Makes a post that carries one file, as the server gives it."""
    numbers = iter(range(1_000_000))

    def make(given: Given | None = None, kind: str = "video", **post_given: Any) -> Media:
        path = f"/file-{next(numbers)}"
        if given is not None:
            media.files[path] = given
        post = make_post(**{"platform": "mastodon", "has_video": True, **post_given})
        made = Media(post_id=post.id, kind=kind, url=media.url + path)
        session.add_all([post, PostKey(id=post.id, collected_at=post.collected_at), made])
        session.commit()
        return made

    return make


Attached = Callable[..., Media]


def jobs(session: Session, task: str) -> list[tuple[dict[str, Any], datetime | None]]:
    found = session.execute(
        text("SELECT args, scheduled_at FROM procrastinate_jobs WHERE task_name = :task ORDER BY id"),
        {"task": task},
    )
    return [(each.args, each.scheduled_at) for each in found]


def test_a_file_that_is_seen_leaves_its_digest_its_frames_and_the_job_for_its_case(
    session: Session,
    media: MediaServer,
    files: Files,
    attached: Attached,
    looking: Looking,
    clips: list[bytes],
) -> None:
    one = attached(Given(clips[0]))
    assert looking(one)
    seen, footage = session.get_one(Look, one.id), session.exec(select(Footage)).one()
    digest = hashlib.sha256(clips[0]).digest()
    assert (seen.sha256, seen.size_bytes, seen.error) == (digest, len(clips[0]), None)
    assert (seen.url, seen.headers["content-type"]) == (one.url, "video/mp4")
    assert (footage.media_id, footage.post_id, footage.sha256) == (one.id, one.post_id, digest)
    assert footage.duration_s == pytest.approx(5.0, abs=0.1)
    assert "Absence proves nothing" in footage.provenance["note"]
    assert len(session.exec(select(Frame)).all()) >= 8
    assert files.place(digest).read_bytes() == clips[0]
    assert files.sheet(digest).read_bytes()[:3] == files.blurred(digest).read_bytes()[:3] == b"\xff\xd8\xff"
    assert len(files.blurred(digest).read_bytes()) < 6_000
    assert [args for args, _ in jobs(session, "match_footage")] == [{"footage": str(footage.id)}]
    assert not looking(one)  # a second job for the same file
    assert len(media.asked) == 1


def test_copies_of_one_clip_are_one_family(
    session: Session, attached: Attached, looking: Looking, clips: list[bytes]
) -> None:
    for clip, platform in zip(clips, ("mastodon", "bluesky"), strict=True):
        assert looking(attached(Given(clip), platform=platform))
    first, second = session.exec(select(Footage)).all()
    assert first.family_id == second.family_id
    assert {match["sure"] for each in (first, second) for match in each.matches} == {True}


def test_words_in_the_picture_are_read_beside_the_posts_own(
    session: Session, engine: Engine, parts: Parts, attached: Attached, clips: list[bytes],
    monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    captions = Captions(["HE IS NOT BREATHING", "Rye Lane, Peckham"])
    monkeypatch.setattr(
        "classifier.looking.read_captions", lambda *_: captions
    )  # the reader takes ten seconds
    one = attached(Given(clips[0]), text="look at this")
    read: list[str] = []

    class Reader:
        version = "reader-1"

        def assess(self, texts: Sequence[str]) -> list[Assessed]:
            read.extend(texts)
            return [abstained(self.version) for _ in texts]

    assess(session, [one.post_id], Reader(), now=NOON - timedelta(minutes=1))
    session.commit()
    assert look(engine, one.id, parts._replace(captions=True), clock=lambda: NOON)
    assert {"posts": [str(one.post_id)]} in [args for args, _ in jobs(session, "assess")]
    session.expire_all()
    for _ in range(2):  # once more is enough
        assess(session, [one.post_id], Reader(), now=NOON + timedelta(minutes=1))
        session.commit()
    assert read == ["look at this", "look at this\nHE IS NOT BREATHING\nRye Lane, Peckham"]


def test_what_may_pass_is_tried_again_later_and_at_last_given_up(
    session: Session, attached: Attached, looking: Looking
) -> None:
    one = attached()  # not found: a platform may still be at work on it
    minutes = 0.0
    for number, wait in enumerate(AGAIN_AFTER, 1):
        assert not looking(one, minutes)
        assert not looking(one, minutes)  # too early
        session.expire_all()
        failed = session.get_one(Look, one.id)
        assert (failed.tries, failed.again_at) == (number, NOON + timedelta(minutes=minutes) + wait)
        minutes += wait / timedelta(minutes=1)
    assert not looking(one, minutes)
    session.expire_all()
    failed = session.get_one(Look, one.id)
    assert (failed.tries, failed.again_at, failed.done_at) == (len(AGAIN_AFTER) + 1, None, None)
    assert failed.error == "127.0.0.1: answered 404"  # the rest of the address may name an account
    assert failed.remedy
    assert len(jobs(session, "look")) == len(AGAIN_AFTER)


@pytest.mark.parametrize(
    ("given", "again", "said"),
    [
        (Given(b""), True, "empty file"),
        (Given(b"<html>Log in to see this</html>"), True, "login wall"),
        (Given(b"", status=403), False, "answered 403"),
        (Given(b"ftypisom" * 500), False, "not a video or picture"),
        (Given(b"\0" * 60_000, endless=True), False, "more than 5 MB"),
    ],
    ids=["empty", "login wall", "refused", "noise", "endless"],
)
def test_a_bad_file_is_never_a_success(
    session: Session, attached: Attached, looking: Looking, files: Files, given: Given, again: bool, said: str
) -> None:
    one = attached(given)
    assert not looking(one)
    failed = session.get_one(Look, one.id)
    assert said in (failed.error or "")
    assert (failed.done_at, failed.sha256, failed.again_at is not None) == (None, None, again)
    assert session.exec(select(Footage)).all() == []
    assert [each for each in files.folder.rglob("*") if each.is_file()] == []


def test_a_file_that_is_cut_short_or_too_large_in_pixels_is_never_a_success(
    session: Session, attached: Attached, looking: Looking, clips: list[bytes], tmp_path: Path
) -> None:
    cut = attached(Given(clips[0][: len(clips[0]) * 2 // 3]))
    huge = attached(Given(huge_png(tmp_path / "huge.png").read_bytes(), "image/png"), kind="image")
    assert not looking(cut)
    assert not looking(huge)
    assert (session.get_one(Look, cut.id).error or "").startswith("the file is cut short")
    assert "pixels" in (session.get_one(Look, huge.id).error or "")
    assert session.get_one(Look, huge.id).again_at is None
    assert session.exec(select(Footage)).all() == []


def test_without_the_decoder_nothing_is_fetched_and_the_row_says_so(
    session: Session,
    media: MediaServer,
    attached: Attached,
    looking: Looking,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("imageio_ffmpeg.get_ffmpeg_exe", no_ffmpeg)
    one = attached(Given(b"x"))
    assert not looking(one)
    assert media.asked == []
    assert "IMAGEIO_FFMPEG_EXE" in (session.get_one(Look, one.id).remedy or "")


def test_a_post_withdrawn_while_its_file_comes_keeps_nothing(
    session: Session,
    media: MediaServer,
    files: Files,
    attached: Attached,
    looking: Looking,
    clips: list[bytes],
) -> None:
    one = attached(Given(clips[0]))

    def withdraw(_path: str) -> None:
        withdraw_posts(session, {one.post_id: "deleted by its author"}, now=NOON)
        session.commit()

    media.before = withdraw
    assert not looking(one)
    assert session.exec(select(Footage)).all() == []
    assert session.exec(select(Look)).all() == []
    assert [each for each in files.folder.rglob("*") if each.is_file()] == []


def test_a_post_withdrawn_while_its_file_fails_leaves_no_address(
    session: Session, media: MediaServer, attached: Attached, looking: Looking
) -> None:
    one = attached(Given(b""))

    def withdraw(_path: str) -> None:
        withdraw_posts(session, {one.post_id: "deleted by its author"}, now=NOON)
        session.commit()

    media.before = withdraw
    assert not looking(one)
    assert session.exec(select(Look)).all() == []


def test_withdrawn_later_its_addresses_go_and_the_digest_stays(
    session: Session, attached: Attached, looking: Looking, clips: list[bytes]
) -> None:
    one = attached(Given(clips[0]))
    looking(one)
    withdraw_footage(session, [one.post_id], now=NOON)
    session.commit()
    left = session.get_one(Look, one.id)
    assert (left.url, left.headers) == (None, {})
    assert left.sha256 == hashlib.sha256(clips[0]).digest()


def test_only_fresh_files_at_hand_are_asked_for_and_once(session: Session, attached: Attached) -> None:
    ours = [attached(), attached(platform="bluesky"), attached(kind="image")]
    others = [
        attached(platform="youtube"),
        attached(kind="audio"),
        attached(kind="link"),
        attached(published_at=NOON - FRESH),
        attached(withdrawn_at=NOON),
    ]
    posts = [each.post_id for each in (*ours, *others)]
    assert leave_looks(session, posts, now=NOON) == 3
    assert {args["media"] for args, _ in jobs(session, "look")} == {str(each.id) for each in ours}
    ranks = session.scalars(text("SELECT priority FROM procrastinate_jobs ORDER BY priority")).all()
    assert ranks == [0, 1, 1]  # the picture waits for the videos
    session.add_all([Look(media_id=each.id, post_id=each.post_id, at=NOON) for each in ours])
    session.flush()
    assert leave_looks(session, posts, now=NOON) == 0


def test_a_file_of_a_platform_that_is_not_ours_to_fetch_is_never_fetched(
    media: MediaServer, attached: Attached, looking: Looking
) -> None:
    assert not looking(attached(Given(b"x"), platform="youtube"))
    assert media.asked == []


def test_when_many_files_wait_each_is_given_less(session: Session, attached: Attached) -> None:
    assert not crowded(session)
    leave_looks(session, [attached().post_id for _ in range(CROWD)], now=NOON)
    assert crowded(session)


def test_an_uploaded_file_is_measured_where_it_lies(
    session: Session, files: Files, engine: Engine, parts: Parts, clips: list[bytes]
) -> None:
    with files.incoming() as path:
        path.write_bytes(clips[0])
        files.seal(path, hashlib.sha256(clips[0]).digest())
    given = Look(
        media_id=uuid4(), case_id=UUID(int=7), asked_by="amira", why="sent in", at=NOON,
        sha256=hashlib.sha256(clips[0]).digest(), file_at=NOON,
    )  # fmt: skip
    session.add(given)
    session.commit()
    assert look(engine, given.media_id, parts, clock=lambda: NOON)
    session.expire_all()
    assert session.get_one(Look, given.media_id).done_at == NOON
    assert session.exec(select(Footage.platform)).one() == "upload"
    assert files.place(given.sha256 or b"").exists()


def test_an_upload_whose_file_is_not_here_says_so(session: Session, engine: Engine, parts: Parts) -> None:
    given = Look(media_id=uuid4(), case_id=UUID(int=7), at=NOON, sha256=b"1" * 32, file_at=NOON)
    session.add(given)
    session.commit()
    assert not look(engine, given.media_id, parts, clock=lambda: NOON)
    session.refresh(given)
    assert given.error == "there is no such file"


def test_an_edited_post_that_is_unknown_is_no_subject(engine: Engine, parts: Parts) -> None:
    assert not look(engine, uuid4(), parts, clock=lambda: NOON)


def test_no_two_locks_are_the_same() -> None:
    """Whoever leads holds its lock for good: a look that asked for the same one would wait for ever."""
    assert len({FAMILY_LOCK, LEADER_LOCK, MIGRATION_LOCK, ROUTE_LOCK}) == 4
