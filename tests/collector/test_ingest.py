"""Files through the door: every format, every fault named, every post once."""

import gzip
import io
import json
import lzma
from collections.abc import Iterator
from pathlib import Path

import pytest
import zstandard
from sqlalchemy import Engine
from sqlmodel import Session, select

from collector.batch import Malformed
from collector.ingest import Door, Taken, ingest
from collector.prefilter import Prefilter
from collector.readers import Unit, units
from collector.records import Failure, Post, Tally
from collector.unwrapping import NotReadable, unpacked
from tests.conftest import NOON
from tests.doubles.jetstream import Jetstream

LEXICONS = sorted((Path(__file__).resolve().parents[2] / "config" / "lexicons").glob("prefilter*.toml"))
PREFILTER = Prefilter.of(LEXICONS)
OURS = "Police on top of a man outside the station, number {}"


@pytest.fixture
def door(engine: Engine) -> Door:
    return Door(engine, PREFILTER, b"k" * 32, lambda: NOON)


def reading(body: bytes, chosen: str | None = None) -> Iterator[Unit]:
    return units(unpacked(io.BytesIO(body)), chosen)


def take(
    door: Door, body: bytes, chosen: str | None = None, *, again: bool = False
) -> tuple[Taken, list[Malformed]]:
    bad: list[Malformed] = []
    taken = ingest(reading(body, chosen), door, default_source="a-file", bad=bad.append, again=again)
    assert taken.seen == taken.stored + taken.known + taken.dropped + taken.malformed + taken.already
    return taken, bad


def stored(engine: Engine) -> list[Post]:
    with Session(engine, expire_on_commit=False) as session:
        return list(session.exec(select(Post).order_by(Post.external_id)))


def lines(count: int, start: int = 0) -> bytes:
    rows = [
        {
            "id": number,
            "text": OURS.format(number) if number % 2 else "tea and cake",
            "published": "2026-07-14T11:00:00+01:00",
            "url": f"https://news.example/{number}",
            "source": "herald",
        }
        for number in range(start, start + count)
    ]
    return "\n".join(json.dumps(row) for row in rows).encode()


def test_lines_of_json_are_stored_with_source_time_and_address(door: Door) -> None:
    taken, bad = take(door, lines(4))
    assert taken == Taken(seen=4, stored=2, dropped=2)
    assert bad == []
    first = stored(door.engine)[0]
    assert (first.source, first.external_id, first.url) == ("herald", "1", "https://news.example/1")
    assert first.published_at.isoformat() == "2026-07-14T10:00:00+00:00"


def test_other_names_for_the_same_things_are_understood(door: Door) -> None:
    row = {
        "title": "Man dies after police chase",
        "description": "The IOPC is looking into it",
        "outlet": "gazette",
        "link": "https://gazette.example/a",
        "created_at": "Tue, 14 Jul 2026 12:00:00 +0100",
    }
    take(door, json.dumps(row).encode())
    (post,) = stored(door.engine)
    assert post.text == "Man dies after police chase — The IOPC is looking into it"
    assert (post.source, post.external_id, post.platform) == ("gazette", "https://gazette.example/a", "feed")
    assert post.published_at.isoformat() == "2026-07-14T11:00:00+00:00"


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_csv_is_read_like_lines(door: Door, separator: str) -> None:
    rows = [
        ["ID", "Text", "Published", "Source"],
        ["a", '"Police, they say,\nstopped him"', "2026-07-14", "x"],
    ]
    body = "\r\n".join(separator.join(row) for row in rows)
    taken, _ = take(door, b"\xef\xbb\xbf" + body.encode())
    assert taken == Taken(seen=1, stored=1)
    assert stored(door.engine)[0].text == "Police, they say,\nstopped him"


def test_bad_rows_of_csv_are_named_and_stop_nothing(door: Door) -> None:
    body = b'id,text\n1,Police \xff\xfe\n2,Police,one,too many\n3,"Police \x00 here"\n4,\n5,Police again\n'
    taken, bad = take(door, body)
    assert (taken.stored, taken.malformed) == (2, 3)
    assert [(each.which, each.why.split(":")[0]) for each in bad] == [
        ("line 2", "not UTF-8"),
        ("line 3", "more cells than the first line has names"),
        ("line 5", "says nothing"),
    ]


def test_a_feed_file_is_read_as_a_feed(door: Door) -> None:
    body = (
        b"<rss version='2.0'><channel><title>t</title><item><guid>g1</guid><title>Police raid</title></item>"
        b"<item><guid>g2</guid><title>Cake</title></item></channel></rss>"
    )
    taken, _ = take(door, body)
    assert taken == Taken(seen=2, stored=1, dropped=1)


def test_a_json_feed_is_read_as_a_feed(door: Door) -> None:
    feed = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": "t",
        "items": [{"id": "1", "content_text": "police"}],
    }
    taken, _ = take(door, json.dumps(feed, indent=2).encode())
    assert taken == Taken(seen=1, stored=1)


@pytest.mark.parametrize("form", ["array", "lines"])
def test_mastodon_statuses_are_read_from_arrays_and_lines(door: Door, form: str) -> None:
    statuses = [
        {
            "id": str(number),
            "uri": f"https://social.example/users/a/statuses/{number}",
            "created_at": "2026-07-14T11:00:00Z",
            "content": "<p>police &amp; dogs</p>",
            "visibility": visibility,
            "account": {"acct": "a", "uri": "https://social.example/users/a"},
        }
        for number, visibility in enumerate(["public", "unlisted"])
    ]
    body = json.dumps(statuses) if form == "array" else "\n".join(map(json.dumps, statuses))
    taken, _ = take(door, body.encode())
    assert taken == Taken(seen=2, stored=1, dropped=1)
    assert stored(door.engine)[0].text == "police & dogs"


@pytest.mark.parametrize("version", [1, 2])
def test_lines_of_the_stream_are_read_with_deletions_honoured(door: Door, version: int) -> None:
    told = Jetstream()
    told.other()
    told.post(OURS.format(1), "3la")
    told.post(OURS.format(2), "3lb", did="did:plc:gone")
    told.post(OURS.format(3), "3lc")
    told.delete("3la")
    told.account("did:plc:gone", "deleted")
    taken, bad = take(door, b"\n".join(event.frame(version) for event in told.events))
    assert bad == []
    assert taken == Taken(seen=6, stored=3, dropped=3)
    standing = [post for post in stored(door.engine) if post.withdrawn_at is None]
    assert [(post.external_id[-3:], post.source) for post in standing] == [("3lc", "bluesky")]


@pytest.mark.parametrize("pack", [gzip.compress, lzma.compress, zstandard.compress, bytes])
def test_packed_files_are_known_by_their_first_bytes(door: Door, pack: object) -> None:
    assert callable(pack)
    taken, _ = take(door, pack(lines(10)))
    assert taken.stored == 5


def test_a_packed_file_that_ends_too_early_gives_what_it_has_and_says_so(door: Door) -> None:
    body = gzip.compress(lines(2_000))
    taken, bad = take(door, body[: len(body) // 2])
    assert taken.stored > 0
    assert bad[-1].which == "the rest"
    assert "ends too early" in bad[-1].why


@pytest.mark.parametrize(
    "hostile",
    [
        b"[" * 100_000,
        b'{"id":1,"text":' + b"[" * 10_000 + b"]" * 10_000 + b"}",
        b'{"id":' + b"9" * 5_000 + b',"text":7}',
        b'{"id":1,"text":"\xff\xfe police"}',
        b'{"id":1,"text":"police"',
        b"\x00\x00\x00",
        b"null",
        b"[]",
        b'{"text":""}',
        b'{"id":{"a":1},"text":["police"]}',
        b'"' + b"a" * 5_000_000 + b'"',
    ],
    ids=range(11),
)
def test_a_hostile_line_is_counted_and_named_and_stops_nothing(door: Door, hostile: bytes) -> None:
    body = b"\n".join([lines(2), hostile, lines(2, start=2)])
    taken, bad = take(door, body)
    assert (taken.stored, taken.dropped, taken.malformed) == (2, 2, 1)
    assert [each.which for each in bad] == ["line 3"]
    with Session(door.engine) as session:
        failures = session.exec(select(Failure)).all()
    assert [each.subject for each in failures] == ["a-file: line 3"]


def test_odd_but_readable_values_are_taken(door: Door) -> None:
    rows = [
        {"id": 10**30, "text": "police \ud800 half a sign \x00 and a NUL", "published": "whenever"},
        {"id": 1.5, "text": "police", "published": 1_784_023_200},
        {"id": "x" * 5_000, "text": "police " * 10_000, "published": 1e300, "url": "javascript:alert(1)"},
    ]
    taken, bad = take(door, "\n".join(map(json.dumps, rows)).encode())
    assert bad == []
    assert taken.stored == 3
    assert all(post.url is None for post in stored(door.engine))


def test_what_is_not_recognised_is_refused_with_what_to_do() -> None:
    with pytest.raises(NotReadable, match="--format"):
        list(reading(b"just some words\nand more\n"))


def test_a_second_run_over_the_same_file_reads_nothing_twice(door: Door) -> None:
    take(door, lines(100))
    taken, _ = take(door, lines(100))
    assert taken == Taken(seen=100, already=100)
    taken, _ = take(door, lines(100), again=True)
    assert taken == Taken(seen=100, known=50, dropped=50)


def test_a_run_that_was_killed_goes_on_behind_what_is_taken_in(door: Door) -> None:
    whole = lines(9_000)

    class Killed(Exception):
        pass

    def die(taken: Taken) -> None:
        if taken.seen >= 4_000:
            raise Killed

    with pytest.raises(Killed):
        ingest(reading(whole), door, default_source="a-file", taken=die)
    taken, _ = take(door, whole)
    assert taken == Taken(seen=9_000, stored=2_500, dropped=2_500, already=4_000)
    assert len(stored(door.engine)) == 4_500
    with Session(door.engine) as session:
        assert sum(tally.seen for tally in session.exec(select(Tally))) == 9_000


def test_another_file_that_begins_alike_is_read_in_full(door: Door) -> None:
    take(door, lines(50))
    changed = lines(20) + b"\n" + lines(40, start=1_000)
    taken, _ = take(door, changed)
    assert taken == Taken(seen=60, stored=20, known=10, dropped=30)


def test_a_file_that_has_grown_is_read_from_where_it_ended(door: Door) -> None:
    take(door, lines(50))
    taken, _ = take(door, lines(60))
    assert taken == Taken(seen=60, stored=5, dropped=5, already=50)


def test_collections_that_number_their_posts_alike_do_not_swallow_each_other(door: Door) -> None:
    take(door, json.dumps({"id": 1, "text": "police in Leyton"}).encode())
    taken, _ = take(door, json.dumps({"id": 1, "text": "police in Acton"}).encode())
    assert taken.stored == 1


def test_no_document_of_the_json_test_suite_gets_through_or_stops_a_run(shared: Path, door: Door) -> None:
    folder = shared / "corpora" / "jsontestsuite"
    bodies = [path.read_bytes() for path in sorted(folder.rglob("*.json"))]
    assert len(bodies) > 300
    for body in bodies:
        for chosen in ("posts", "mastodon", "jetstream", "csv", "feed"):
            for unit in reading(body, chosen):
                try:
                    unit.read()
                except (ValueError, RecursionError):
                    continue
    flat = b"\n".join(body.replace(b"\n", b" ").replace(b"\r", b" ") for body in bodies)
    taken, _ = take(door, flat + b"\n" + lines(2), "posts")
    assert taken.stored == 1
    assert taken.malformed > 250
