"""Pasted links: which post they are the address of, never whose; and what platforms tell, or say why they do not."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from collector.http import Http
from collector.oembed import (
    Link,
    NotAPost,
    Provider,
    ProvidersError,
    Shown,
    Silent,
    look_up,
    read_link,
    read_providers,
)
from collector.settings import HttpSettings
from collector.sources.manual import item_of, read_pasted
from tests.conftest import NOON
from tests.doubles.interface import Interface, Said, running_interface

OURS = Path(__file__).resolve().parents[2] / "config" / "oembed.toml"
ID = "AbC-_123456"


@pytest.fixture(scope="module")
def providers() -> list[Provider]:
    return read_providers(OURS)


@pytest.fixture
def platform() -> Iterator[Interface]:
    with running_interface() as interface:
        yield interface


@pytest.fixture
def http(platform: Interface) -> Iterator[Http]:
    with Http(HttpSettings(allow=(platform.authority,), total_s=2.0, read_s=1.0)) as client:
        yield client


def clip_on(platform: Interface) -> Link:
    provider = Provider(
        name="Clips", hosts=("clips.example",), posts=("/.+",), endpoint=f"{platform.url}/oembed"
    )
    return Link("https://clips.example/1", "https://clips.example/1", provider)


@pytest.mark.parametrize(
    ("written", "kept", "name"),
    [
        (f"https://youtu.be/{ID}?si=track", f"https://www.youtube.com/watch?v={ID}", "YouTube"),
        (
            f"https://m.youtube.com/watch?app=x&v={ID}&t=9s",
            f"https://www.youtube.com/watch?v={ID}",
            "YouTube",
        ),
        (f"https://www.youtube.com/shorts/{ID}", f"https://www.youtube.com/watch?v={ID}", "YouTube"),
        ("https://www.tiktok.com/@a.b/video/71?_r=1", "https://www.tiktok.com/@a.b/video/71", "TikTok"),
        ("https://vm.tiktok.com/ZMabc12/", "https://vm.tiktok.com/ZMabc12/", "TikTok"),
        ("https://twitter.com/who/status/12?s=20", "https://x.com/i/web/status/12", "X"),
        ("https://mobile.x.com/i/status/12", "https://x.com/i/web/status/12", "X"),
        ("https://instagram.com/reel/C-_1/?igsh=x", "https://www.instagram.com/p/C-_1/", "Instagram"),
        (
            "https://www.facebook.com/watch/?v=12&mibextid=a",
            "https://www.facebook.com/watch/?v=12",
            "Facebook",
        ),
        ("https://nextdoor.co.uk/p/AbC123", "https://nextdoor.co.uk/p/AbC123", "Nextdoor"),
        ("https://old.reddit.com/r/x/comments/1a/t/", "https://www.reddit.com/r/x/comments/1a/", "Reddit"),
        ("https://vimeo.com/123456#t=1", "https://vimeo.com/123456", "Vimeo"),
        ("HTTPS://Blog.Example/x?utm_source=a&b=1#c", "https://blog.example/x?b=1", "blog.example"),
    ],
)
def test_a_link_is_kept_as_the_address_of_one_post(
    written: str, kept: str, name: str, providers: list[Provider]
) -> None:
    link = read_link(written, providers)
    assert (link.address, link.platform) == (kept, name)
    assert read_link(link.address, providers).address == kept


@pytest.mark.parametrize(
    "written",
    [
        "https://x.com/who",
        "https://twitter.com/who/with_replies",
        "https://www.tiktok.com/@who",
        "https://www.instagram.com/who/",
        "https://www.youtube.com/@who/videos",
        "https://www.facebook.com/who.ever",
        "https://www.facebook.com/groups/1234/posts/99",
        "https://www.reddit.com/user/who",
        "https://bsky.app/profile/who.example",
        "https://nextdoor.co.uk/profile/99/",
    ],
)
def test_a_link_to_an_account_or_a_closed_group_is_refused(written: str, providers: list[Provider]) -> None:
    with pytest.raises(NotAPost, match="never at accounts"):
        read_link(written, providers)


@pytest.mark.parametrize(
    "written",
    ["", "tiktok", "javascript:alert(1)", "ftp://a.example/x", "https://", "https://u:p@a.example/", "http://[::1",
     "https://a.example:99999/", "https://a.example:8443/x", "x" * 3_000, "file:///etc/passwd", "data:text/html,x"],
)  # fmt: skip
def test_what_is_no_address_of_a_post_is_refused(written: str, providers: list[Provider]) -> None:
    with pytest.raises(NotAPost):
        read_link(written, providers)


def test_a_platform_tells_title_author_and_picture(platform: Interface, http: Http) -> None:
    platform.says(
        "/oembed",
        {
            "type": "video",
            "title": "Outside the station\u0000",
            "author_name": "Some One",
            "author_url": "https://clips.example/@someone",
            "thumbnail_url": "https://clips.example/1.jpg",
            "html": "<script>alert(1)</script>",
        },
    )
    told = look_up(http, clip_on(platform), now=NOON)
    assert told == Shown(
        "Outside the station", "https://clips.example/@someone", "https://clips.example/1.jpg", video=True
    )
    assert platform.log[0].query == {"url": "https://clips.example/1", "format": "json"}


def test_the_author_is_in_nothing_that_is_kept_but_a_digest(platform: Interface) -> None:
    told = Shown("A title", "https://clips.example/@someone", None)
    item = item_of(clip_on(platform), "Two officers, one man on the ground", told)
    assert b"someone" not in item.payload
    assert "someone" not in json.dumps([item.text, item.title, item.url])
    assert item.author == "Clips https://clips.example/@someone"
    kept = read_pasted(item.payload)
    assert kept is not None
    assert (kept.title, kept.note, kept.silent) == ("A title", "Two officers, one man on the ground", None)


@pytest.mark.parametrize(
    ("said", "because"),
    [
        (Said(b"", 401), "asks for a login"),
        (Said(b"", 403), "asks for a login"),
        (Said(b"", 404), "may be deleted"),
        (Said(b"", 429), "answered 429"),
        (Said(b"", 500), "answered 500"),
        (Said(b"<!doctype html><title>Sign in</title>"), "not answer with what"),
        (Said(b""), "not answer with what"),
        (Said(b"[]"), "not answer with what"),
        (Said({"title": "no type"}), "not answer with what"),
        (Said({"type": "rich"}), "told nothing of it"),
        (Said({"type": "rich", "title": "  ", "author_name": 7, "thumbnail_url": "javascript:1"}), "told nothing"),
        (Said(b"", 302, {"Location": "https://10.0.0.1/login"}), "could not be asked"),
    ],
)  # fmt: skip
def test_a_platform_that_tells_nothing_is_never_a_success(
    platform: Interface, http: Http, said: Said, because: str
) -> None:
    platform.refusing = said
    told = look_up(http, clip_on(platform), now=NOON)
    assert isinstance(told, Silent)
    assert told.because.startswith("Clips ")
    assert because in told.because


def test_a_platform_that_cannot_be_asked_is_not(providers: list[Provider]) -> None:
    closed = look_up(None, read_link("https://www.instagram.com/p/C1/", providers), now=NOON)
    strange = look_up(None, read_link("https://blog.example/1", providers), now=NOON)
    assert closed == Silent("Instagram shows posts to programs only under an agreement")
    assert strange == Silent("blog.example is no platform we know how to ask")


GOOD = """
[[provider]]
name = "Clips"
hosts = ["clips.example"]
posts = ['/(?P<id>\\d+)']
address = "https://clips.example/{id}"
endpoint = "https://clips.example/oembed"
"""


@pytest.mark.parametrize(
    ("was", "becomes", "said"),
    [
        ('hosts = ["clips.example"]', "hosts = []", "at least one"),
        ('endpoint = "https://clips.example/oembed"', "", "exactly one of the two"),
        ("https://clips.example/oembed", "clips.example", "not a web address"),
        ("(?P<id>", "(?P<id", "does not go with"),
        ("{id}", "{number}", "does not go with"),
        ("{id}", "{", "does not go with"),
        ("endpoint", "endpiont", "endpiont"),
        ("[[provider]]", "[[provider]", "oembed.toml"),
    ],
)
def test_a_wrong_file_is_refused_with_what_is_wrong(
    was: str, becomes: str, said: str, tmp_path: Path
) -> None:
    path = tmp_path / "oembed.toml"
    path.write_text(GOOD.replace(was, becomes, 1), encoding="utf-8")
    with pytest.raises(ProvidersError) as raised:
        read_providers(path)
    assert said in str(raised.value)
    assert str(path) in str(raised.value)


def test_every_provider_is_asked_or_says_why_not(providers: list[Provider]) -> None:
    asked: dict[str, Any] = {each.name: each.endpoint for each in providers if each.endpoint}
    assert {"YouTube", "TikTok", "X", "Reddit", "Vimeo"} <= set(asked)
    assert all(address.startswith("https://") for address in asked.values())
    assert {each.name for each in providers if each.closed} >= {"Instagram", "Facebook", "Nextdoor"}
