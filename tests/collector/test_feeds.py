"""Feeds of every dialect, as bytes: what they say comes through, what they hide does not."""

import re
from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.batch import Attachment, Item
from collector.bounds import MOST_ENTRIES
from collector.errors import FetchError, Unreadable
from collector.feeds import Feed, read_feed
from collector.plain import plain, shortened, tidy
from tests.doubles.feeds import rss

URL = "https://herald.example/news/feed.xml"


def items(body: str | bytes, **headers: str) -> list[Item]:
    raw = body.encode() if isinstance(body, str) else body
    return read_feed(raw, headers or {"content-type": "application/xml; charset=utf-8"}, URL).items


def one(inside: str) -> Item:
    return items(rss(f"<item>{inside}</item>"))[0]


RSS_090 = """<?xml version="1.0"?>
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://my.netscape.com/rdf/simple/0.9/">
<channel><title>Herald</title></channel>
<item><title>Cordon lifted</title><link>https://herald.example/1</link></item></rdf:RDF>"""
RSS_091 = """<!DOCTYPE rss PUBLIC "-//Netscape Communications//DTD RSS 0.91//EN"
"http://my.netscape.com/publish/formats/rss-0.91.dtd">
<rss version="0.91"><channel><item><title>Cordon lifted</title><link>https://herald.example/1</link></item>
</channel></rss>"""
RSS_10 = """<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/"
xmlns:dc="http://purl.org/dc/elements/1.1/"><channel rdf:about="x"><title>Herald</title></channel>
<item rdf:about="https://herald.example/1"><title>Cordon lifted</title><link>https://herald.example/1</link>
<dc:date>2026-07-14T09:00:00+01:00</dc:date></item></rdf:RDF>"""
RSS_20 = """<rss version="2.0"><channel><item><title>Cordon lifted</title><link>https://herald.example/1</link>
<guid>https://herald.example/1</guid></item></channel></rss>"""
ATOM = """<feed xmlns="http://www.w3.org/2005/Atom"><title>Herald</title><entry><title>Cordon lifted</title>
<link href="/1"/><id>https://herald.example/1</id><updated>2026-07-14T08:00:00Z</updated></entry></feed>"""
JSON_FEED = """{"version": "https://jsonfeed.org/version/1.1", "title": "Herald", "items":
[{"id": "https://herald.example/1", "url": "/1", "title": "Cordon lifted"}]}"""


@pytest.mark.parametrize("body", [RSS_090, RSS_091, RSS_10, RSS_20, ATOM, JSON_FEED])
def test_every_dialect_gives_the_same_item(body: str) -> None:
    (item,) = items(body)
    assert (item.title, item.url) == ("Cordon lifted", "https://herald.example/1")
    assert item.external_id == "https://herald.example/1"
    assert item.text == "Cordon lifted"
    assert item.scope == ""


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-le", "latin-1", "cp1252"])
def test_every_encoding_gives_the_same_text(encoding: str) -> None:
    declared = f'<?xml version="1.0" encoding="{encoding.removesuffix("-le")}"?>'
    (item,) = items(
        (declared + RSS_20.replace("Cordon", "Zoë’s" if encoding == "cp1252" else "Zoë")).encode(encoding)
    )
    assert item.title is not None
    assert item.title.startswith("Zoë")


def test_markup_becomes_text_and_nothing_that_runs_is_left() -> None:
    item = one(
        "<title>Officers &amp;amp; crowd</title><description>&lt;p&gt;Two vans.&lt;/p&gt;&lt;p&gt;A "
        "&lt;b&gt;cordon&lt;/b&gt;.&lt;script&gt;alert(1)&lt;/script&gt;&lt;img src=x onerror=alert(2)&gt;"
        "&lt;/p&gt;</description>"
    )
    assert item.title == "Officers & crowd"
    assert item.text == "Officers & crowd\nTwo vans.\nA cordon."


def test_a_text_that_begins_with_its_title_does_not_say_it_twice() -> None:
    item = one("<title>Cordon lifted</title><description>Cordon lifted in Peckham.</description>")
    assert item.text == "Cordon lifted in Peckham."


@pytest.mark.parametrize(
    ("link", "url"),
    [
        ("https://herald.example/1", "https://herald.example/1"),
        ("/1", "https://herald.example/1"),
        ("1", "https://herald.example/news/1"),
        ("//cdn.example/1", "https://cdn.example/1"),
        ("javascript:alert(1)", None),
        ("JaVaScRiPt:alert(1)", None),
        ("data:text/html,x", None),
        ("file:///etc/passwd", None),
        ("mailto:news@herald.example", None),
        ("http://[::1", None),
    ],
)
def test_links_are_absolute_and_of_the_web(link: str, url: str | None) -> None:
    assert one(f"<title>x</title><link>{link}</link>").url == url


def test_an_id_that_is_only_a_number_belongs_to_its_host() -> None:
    item = one('<title>x</title><guid isPermaLink="false">17</guid>')
    assert (item.external_id, item.scope) == ("17", "herald.example")


def test_without_an_id_the_link_is_the_id_and_without_both_the_words_are() -> None:
    assert one("<title>x</title><link>/1</link>").external_id == "https://herald.example/1"
    first, again, other = (one(f"<title>{title}</title>") for title in ("x", "x", "y"))
    assert first.external_id == again.external_id != other.external_id


def test_what_is_attached_is_kept_once_with_its_kind() -> None:
    item = one(
        '<title>x</title><enclosure url="/a.mp4" type="video/mp4"/><enclosure url="/b.jpg" type="image/jpeg"/>'
        '<enclosure url="/c.pdf" type="application/pdf"/><enclosure url="javascript:1" type="image/png"/>'
        '<media:content xmlns:media="http://search.yahoo.com/mrss/" url="/a.mp4" medium="video" duration="12"/>'
    )
    assert item.media == (
        Attachment("video", "https://herald.example/a.mp4"),
        Attachment("image", "https://herald.example/b.jpg"),
    )


def test_a_json_feed_is_read_with_all_it_has() -> None:
    (item,) = items(
        '{"version":"https://jsonfeed.org/version/1","language":"en-GB","items":[{"id":7,"content_html":'
        '"<p>Two vans</p>","date_published":"2026-07-14T09:00:00+01:00","author":{"name":"A Reporter"},'
        '"image":"/i.jpg","attachments":[{"url":"/v","mime_type":"video/mp4","duration_in_seconds":9}]}]}'
    )
    assert (item.external_id, item.scope, item.text, item.lang) == (
        "7",
        "herald.example",
        "Two vans",
        "en-GB",
    )
    assert item.published_at == datetime(2026, 7, 14, 8, tzinfo=UTC)
    assert item.author == "A Reporter"
    assert [each.kind for each in item.media] == ["image", "video"]


@pytest.mark.parametrize(
    "body",
    ['{"version":"1"}', "[]", "{", '{"items":[]}', '{"version":"https://jsonfeed.org/version/1","items":3}'],
)
def test_json_that_is_no_feed_is_an_error(body: str) -> None:
    with pytest.raises(Unreadable, match="no JSON Feed"):
        items(body)


def test_an_item_that_cannot_be_read_is_named_and_stops_nothing() -> None:
    feed = read_feed(
        b'{"version":"https://jsonfeed.org/version/1","items":[{"id":"1","title":"a"},{"id":"2","title":[]},'
        b'{"id":"3","title":"c"}]}',
        {},
        URL,
    )
    assert [item.external_id for item in feed.items] == ["1", "3"]
    assert [each.which for each in feed.malformed] == ["item 2"]


def test_an_entry_that_says_nothing_is_named() -> None:
    feed = read_feed(rss("<item><title>a</title></item><item></item>"), {}, URL)
    assert (len(feed.items), [each.which for each in feed.malformed]) == (1, ["entry 2"])


def test_of_very_many_entries_the_first_are_read() -> None:
    body = rss("".join(f"<item><title>entry {number}</title></item>" for number in range(2_000)))
    read = items(body)
    assert len(read) == MOST_ENTRIES
    assert read[0].title == "entry 0"
    assert read[-1].title == f"entry {MOST_ENTRIES - 1}"


def test_entries_that_fit_are_read_from_a_feed_that_does_not() -> None:
    body = rss("".join(f"<item><title>{number} {'x' * 100_000}</title></item>" for number in range(100)))
    assert 25 <= len(items(body)) < 100


def test_each_item_keeps_its_own_bytes() -> None:
    (first, second) = items(rss("<item><title>a</title></item>\n<item><title>b</title></item>"))
    assert first.payload == b"<item><title>a</title></item>"
    assert second.payload == b"<item><title>b</title></item>"


@given(st.text(max_size=300))
def test_no_title_breaks_a_feed(title: str) -> None:
    escaped = (
        re.sub("[\x00-\x1f\ud800-\udfff\ufffe\uffff]", "", title).replace("&", "&amp;").replace("<", "&lt;")
    )
    feed = read_feed(rss(f"<item><title>{escaped}</title><link>/1</link></item>"), {}, URL)
    assert len(feed.items) == 1


@given(st.binary(max_size=400))
def test_no_bytes_break_the_reader(body: bytes) -> None:
    for whole in (body, b"<rss><channel><item>" + body, b"{" + body):
        with suppress(FetchError):  # any other error fails
            assert isinstance(read_feed(whole, {}, URL), Feed)


@given(st.text(max_size=300))
def test_plain_text_holds_nothing_a_database_cannot(markup: str) -> None:
    for text in (plain(markup), tidy(markup), plain(f"<p>{markup}</p>")):
        assert "\0" not in text
        text.encode("utf-8")
        assert text == text.strip()


def test_a_long_text_is_cut_with_a_note() -> None:
    assert shortened("x" * 30, 10) == "x" * 10 + " [cut here: 20 more characters]"
    assert shortened("x" * 10, 10) == "x" * 10


def test_entries_that_share_an_id_and_lead_elsewhere_are_told_apart() -> None:
    same = "<guid>https://herald.example/</guid>"
    first, second, third = items(
        rss(
            f"<item><title>a</title><link>/1</link>{same}</item><item><title>b</title><link>/2</link>{same}</item>"
            '<item><title>c</title><link>/3</link><guid isPermaLink="false">17</guid></item>'
        )
    )
    assert (first.external_id, second.external_id) == ("https://herald.example/1", "https://herald.example/2")
    assert third.external_id == "17"


def test_an_entry_that_comes_twice_keeps_its_id() -> None:
    twice = '<item><title>a</title><link>/1</link><guid isPermaLink="false">17</guid></item>'
    assert [each.external_id for each in items(rss(twice + twice))] == ["17", "17"]


def test_text_that_is_said_to_be_utf8_and_is_not_is_read_all_the_same() -> None:
    body = RSS_20.replace("Cordon lifted", "It’s over, Zoë").encode("cp1252")
    (item,) = items(body, **{"content-type": "application/rss+xml; charset=utf-8"})
    assert item.title == "It’s over, Zoë"


def test_a_feed_that_is_served_as_a_page_is_still_a_feed() -> None:
    assert len(items(RSS_20, **{"content-type": "text/html; charset=utf-8"})) == 1


def test_xhtml_is_read_and_links_follow_their_base() -> None:
    (item,) = items(
        '<feed xmlns="http://www.w3.org/2005/Atom" xml:base="https://cdn.example/a/"><entry><title type="xhtml">'
        '<div xmlns="http://www.w3.org/1999/xhtml">Cordon <em>lifted</em></div></title><link href="1"/>'
        '<content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml"><p>Two vans.</p><p>Gone.</p></div></content>'
        "</entry></feed>"
    )
    assert (item.title, item.url) == ("Cordon lifted", "https://cdn.example/a/1")
    assert item.text == "Cordon lifted\nTwo vans.\nGone."


def test_a_podcast_episode_is_read_with_its_sound_and_its_notes() -> None:
    item = one(
        '<title>Episode 7</title><enclosure url="/7.mp3" type="audio/mpeg" length="1"/>'
        '<itunes:summary xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd">Stop and search</itunes:summary>'
    )
    assert item.text == "Episode 7\nStop and search"
    assert [each.kind for each in item.media] == ["audio"]


def test_without_a_summary_the_whole_content_is_the_text() -> None:
    item = one(
        '<title>x</title><content:encoded xmlns:content="http://purl.org/rss/1.0/modules/content/">'
        "<![CDATA[<p>Two vans &amp; a cordon</p>]]></content:encoded>"
    )
    assert item.text == "x\nTwo vans & a cordon"


def test_words_inside_drawings_and_unknown_elements_are_kept() -> None:
    drawn = "&lt;svg&gt;&lt;metadata&gt;&lt;text&gt;North Road&lt;/text&gt;&lt;/metadata&gt;&lt;/svg&gt;"
    assert one(f"<title>x</title><description>{drawn}&lt;o:p&gt;closed&lt;/o:p&gt;</description>").text == (
        "x\nNorth Road closed"
    )


@pytest.mark.parametrize(
    "reference", ["&#99999999;", "&#x110000;", f"&#{'9' * 5_000};", "&#xFFFFFFFFFFFFFFFF"]
)
def test_a_reference_beyond_all_characters_costs_no_feed(reference: str) -> None:
    first, second = items(
        rss(f"<item><title>a{reference}b</title></item><item><title>c&#x1F693;</title></item>")
    )
    assert first.title is not None
    assert first.title.startswith("a")
    assert second.title == "c🚓"
