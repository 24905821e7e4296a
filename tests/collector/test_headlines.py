"""Searches that only bring headlines: Google News and GDELT."""

import json
from datetime import timedelta

import pytest
from sqlmodel import Session, select

from collector.collect import collect
from collector.errors import Unreadable
from collector.http import Http
from collector.records import Media, Post, Sighting
from tests.collector.asking import fetch, place
from tests.collector.test_collect import Police
from tests.conftest import NOON
from tests.doubles.interface import Interface

NEWS = b"""<rss version="2.0"><channel><title>news</title><item><title>Stop - The Herald</title>
<link>https://news.example/rss/articles/CBMi1</link><guid isPermaLink="false">CBMi1</guid>
<pubDate>Tue, 14 Jul 2026 11:00:00 GMT</pubDate><description>more words</description></item></channel></rss>"""


def test_of_google_news_only_headline_and_link_are_kept(interface: Interface, http: Http) -> None:
    interface.says("/rss/search", NEWS)
    (item,) = fetch("google_news", place(interface, "/rss/search"), http).items
    assert interface.log[0].query["q"] == "stop and search when:1d"
    assert (item.text, item.url) == ("Stop - The Herald", "https://news.example/rss/articles/CBMi1")
    assert b"more words" not in item.payload


def test_gdelt_is_gone_on_from_the_last_headline(interface: Interface, http: Http) -> None:
    def article(number: int) -> dict[str, str]:
        seen = (NOON - timedelta(minutes=300 - number)).strftime("%Y%m%dT%H%M%SZ")
        return {
            "url": f"https://n.example/{number}",
            "title": f"Stop {number}",
            "seendate": seen,
            "language": "English",
        }

    interface.says(
        "/doc", {"articles": [article(number) for number in range(250)]}, {"articles": [article(250)]}
    )
    batch = fetch("gdelt", place(interface, "/doc"), http)
    assert (len(batch.items), batch.more) == (250, True)
    assert batch.cursor is not None
    rest = fetch("gdelt", place(interface, "/doc"), http, batch.cursor.position)
    assert [item.text for item in rest.items] == ["Stop 250"]
    assert interface.log[1].query["startdatetime"] > interface.log[0].query["startdatetime"]
    assert not rest.more


def test_what_gdelt_says_in_words_is_passed_on(interface: Interface, http: Http) -> None:
    interface.says("/doc", b"Your query was too short or too long.")
    with pytest.raises(Unreadable, match="too short or too long"):
        fetch("gdelt", place(interface, "/doc"), http)


ARTICLE = {
    "url": "https://n.example/1",
    "url_mobile": "https://n.example/mobile-words",
    "title": "Police stop",
    "seendate": "20260714T110000Z",
    "socialimage": "https://n.example/picture-words.jpg",
    "domain": "domain-words.example",
    "language": "English",
    "sourcecountry": "country-words",
}


@pytest.mark.parametrize(
    ("kind", "path", "body"),
    [
        ("google_news", "/rss/search", NEWS.replace(b"Stop", b"Police stop")),
        ("gdelt", "/doc", {"articles": [ARTICLE]}),
    ],
)
def test_nothing_but_headline_link_and_time_is_stored(
    kind: str, path: str, body: object, interface: Interface, http: Http, session: Session
) -> None:
    interface.says(path, body)
    collect(session, kind, fetch(kind, place(interface, path), http), Police(), author_key=b"k", now=NOON)
    session.commit()
    post = session.exec(select(Post)).one()
    assert post.text == post.title
    assert (post.author_key, post.reply_to, post.content_warning, post.has_video) == (None, None, None, False)
    assert session.exec(select(Media)).all() == []
    assert session.exec(select(Sighting)).one().reach == {}
    stored = json.dumps(
        [post.model_dump(mode="json", exclude={"payload", "payload_sha256"}), str(post.payload)]
    )
    for more in ("more words", "mobile-words", "picture-words", "domain-words", "country-words"):
        assert more not in stored
