"""A file is fetched whole or not at all: what is empty, cut short, endless or a web page is a failure that says why."""

import gzip
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from collector.errors import FetchError, Forbidden, Refused, TooLarge, TooSlow, Unreadable
from collector.http import Http
from collector.settings import HttpSettings
from collector.video.fetching import Fetched, fetch_file
from collector.video.files import Files, digest
from collector.video.probed import Stills
from tests.conftest import NOON
from tests.doubles.media import Given, MediaServer, running_media

FILM = b"\0\0\0\x18ftypisom" + bytes(range(256)) * 40
Fetching = Callable[..., Fetched]


@pytest.fixture
def media() -> Iterator[MediaServer]:
    with running_media() as made:
        yield made


@pytest.fixture
def fetching(media: MediaServer, tmp_path: Path) -> Fetching:
    def fetch(path: str = "/film.mp4", **given: float) -> Fetched:
        settings = HttpSettings.model_validate({"allow": media.authority, **given})
        with Http(settings) as http:
            return fetch_file(http, media.url + path, tmp_path / "film", now=NOON)

    return fetch


def test_a_file_is_kept_as_it_came_with_its_headers(
    media: MediaServer, fetching: Fetching, tmp_path: Path
) -> None:
    media.files["/film.mp4"] = Given(FILM)
    found = fetching()
    assert (tmp_path / "film").read_bytes() == FILM
    assert (found.url, found.steps) == (f"{media.url}/film.mp4", [])
    assert found.headers["content-type"] == "video/mp4"


LOGIN = b"<!DOCTYPE html><title>Sign in to continue</title>"


@pytest.mark.parametrize(
    ("given", "kind", "said"),
    [
        (Given(b""), Unreadable, "empty file"),
        (Given(LOGIN, "text/html"), Unreadable, "login wall"),
        (Given(b"\n  " + LOGIN, "video/mp4"), Unreadable, "login wall"),
        (Given(b'{"error":"gone"}', "application/json"), Unreadable, "application/json"),
        (Given(FILM, status=404), Refused, "404"),
        (Given(FILM, length=2 * len(FILM)), Unreadable, "broke off"),
        (Given(b"\0" * 60_000, endless=True), TooLarge, "more than"),
        (Given(b"\0", endless=True), TooSlow, "in time"),
        (Given(gzip.compress(bytes(5_000_000)), packed="gzip"), TooLarge, "more than"),
        (Given(b"", status=302, location="/sign-in"), Unreadable, "login wall"),
        (Given(b"", status=302, location="http://169.254.169.254/latest"), Forbidden, "169.254"),
    ],
    ids=[
        *("empty", "a login wall", "a login wall in disguise", "a message", "not found", "broken off"),
        *("endless", "endless and slow", "a bomb", "on to a login wall", "on to our own network"),
    ],
)
def test_what_is_no_whole_file_is_a_failure_with_a_reason(
    media: MediaServer, fetching: Fetching, given: Given, kind: type[FetchError], said: str
) -> None:
    media.files |= {"/film.mp4": given, "/sign-in": Given(LOGIN, "text/html")}
    with pytest.raises(kind, match=said) as raised:
        fetching(largest_file_bytes=1_000_000, file_s=1.0)
    assert raised.value.remedy


def playlist(*lines: str) -> Given:
    return Given("\n".join(["#EXTM3U", *lines]).encode(), "application/vnd.apple.mpegurl")


def test_a_video_in_parts_is_put_together_from_the_variant_that_shows_enough(
    media: MediaServer, fetching: Fetching, tmp_path: Path
) -> None:
    media.files |= {
        "/v/list.m3u8": playlist(
            *("#EXT-X-STREAM-INF:BANDWIDTH=1,RESOLUTION=640x360", "360p/video.m3u8?session=1"),
            *("#EXT-X-STREAM-INF:BANDWIDTH=2,RESOLUTION=1280x720", "720p/video.m3u8?session=1"),
        ),
        "/v/720p/video.m3u8?session=1": playlist(
            '#EXT-X-MAP:URI="start.mp4"', "#EXTINF:6.0,", "a.ts", "#EXTINF:6.0,", "b.ts", "#EXT-X-ENDLIST"
        ),
        "/v/720p/start.mp4": Given(b"start"),
        "/v/720p/a.ts": Given(b"-one", "video/mp2t"),
        "/v/720p/b.ts": Given(b"-two", "video/mp2t"),
    }
    found = fetching("/v/list.m3u8")
    assert (tmp_path / "film").read_bytes() == b"start-one-two"
    assert found.steps == [
        "put together from the parts of its playlist",
        "of 2 variants the one with 720 lines",
    ]


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["a.ts"], "no end"),
        (["#EXT-X-KEY:METHOD=AES-128,URI=k", "a.ts", "#EXT-X-ENDLIST"], "encrypted"),
        (["http://127.0.0.2/a.ts", "#EXT-X-ENDLIST"], "another host"),
        (["#EXT-X-ENDLIST"], "0 parts"),
        (["a.ts"] * 601 + ["#EXT-X-ENDLIST"], "601 parts"),
        (["empty.ts", "#EXT-X-ENDLIST"], "empty"),
        (["gone.ts", "#EXT-X-ENDLIST"], "404"),
        (["a.ts"] * 300 + ["#EXT-X-ENDLIST"], "more than we take"),
    ],
    ids=["live", "encrypted", "elsewhere", "none", "too many", "empty", "gone", "too large"],
)
def test_a_playlist_that_is_not_whole_is_a_failure_with_a_reason(
    media: MediaServer, fetching: Fetching, lines: list[str], said: str
) -> None:
    media.files |= {
        "/list.m3u8": playlist(*lines),
        "/a.ts": Given(FILM),
        "/empty.ts": Given(b""),
    }
    with pytest.raises(FetchError, match=said):
        fetching("/list.m3u8", largest_file_bytes=100_000)


def test_a_web_page_is_no_playlist(media: MediaServer, fetching: Fetching) -> None:
    media.files["/list.m3u8"] = Given(LOGIN, "text/html")
    with pytest.raises(Unreadable, match="something else where a playlist was promised"):
        fetching("/list.m3u8")


def test_a_file_is_sealed_under_its_digest_and_goes_with_its_pictures(tmp_path: Path) -> None:
    files = Files(tmp_path / "media")
    for _ in range(2):  # the same file from two posts is one file
        with files.incoming() as path:
            path.write_bytes(FILM)
            found = digest(path)
            files.seal(path, found.sha256)
        assert not path.exists()
    files.picture(found.sha256, Stills(b"sheet", b"blurred"))
    kept = files.place(found.sha256)
    assert (kept.read_bytes(), kept.stat().st_mode & 0o777) == (FILM, 0o400)
    assert files.forget_incoming() == 0
    files.drop(found.sha256)
    files.drop(found.sha256)
    assert [each for each in files.folder.rglob("*") if each.is_file()] == []
