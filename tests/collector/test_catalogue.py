"""The catalogue of places to watch: ours is sound, and a wrong one is refused with file, source, key and reason."""

from datetime import timedelta
from pathlib import Path

import pytest
from sqlmodel import Session, select

from collector.boroughs import BOROUGHS
from collector.catalogue import CatalogueError, Watch, read_sources, sync_sources
from collector.coverage import coverage
from collector.errors import Refused
from collector.health import State, health, mark_quiet
from collector.records import Cursor, SourceRow
from collector.schedule import claim, due, failed, succeeded
from collector.sources import inbound, polled
from tests.collector.test_schedule import LASTS, LONGEST
from tests.conftest import NOON

OURS = Path(__file__).resolve().parents[2] / "config" / "sources.toml"

GOOD = """
[[source]]
name = "hackney-herald"
kind = "feed"
url = "https://herald.example/feed"
every = "10m"
boroughs = ["Hackney"]
grade = "B"
basis = "publisher's public feed"
enabled = true
"""


@pytest.fixture
def written(tmp_path: Path) -> Path:
    return tmp_path / "sources.toml"


def read(path: Path, text: str) -> list[Watch]:
    path.write_text(text, encoding="utf-8")
    return read_sources(path)


def test_our_own_catalogue_is_sound() -> None:
    watches = read_sources(OURS)
    assert len(watches) >= 25
    assert {"feed", "mastodon", "jetstream"} <= {watch.kind for watch in watches}
    assert len({watch.url for watch in watches if watch.kind == "mastodon"}) >= 3
    assert {"met-police-news", "iopc-news", "bluesky"} <= {watch.name for watch in watches}
    gone_to = [watch for watch in watches if watch.kind not in inbound()]
    assert {"tip-form", "pasted-links"} == {watch.name for watch in watches} - {w.name for w in gone_to}
    assert all(watch.every >= timedelta(minutes=1) for watch in gone_to)
    assert all(watch.url.startswith(("https://", "wss://", "imaps://")) for watch in gone_to)


def test_every_borough_has_a_source_of_its_own() -> None:
    named = {borough for watch in read_sources(OURS) for borough in watch.boroughs}
    assert set(BOROUGHS) <= named
    assert len(BOROUGHS) == 32


def test_the_boroughs_are_those_of_the_gazetteer() -> None:
    lines = (OURS.parent / "gazetteer" / "boroughs.csv").read_text(encoding="utf-8").splitlines()[1:]
    assert set(BOROUGHS) <= {line.split(",")[1] for line in lines}


def test_a_good_file_is_read(written: Path) -> None:
    (watch,) = read(written, GOOD)
    assert (watch.name, watch.every, watch.boroughs) == (
        "hackney-herald",
        timedelta(minutes=10),
        ("Hackney",),
    )


@pytest.mark.parametrize(
    ("was", "becomes", "said"),
    [
        ('name = "hackney-herald"', 'name = "Hackney Herald"', "key name"),
        ('kind = "feed"', 'kind = "pigeon"', "there is no kind 'pigeon'"),
        ('kind = "feed"', 'kind = "mastodon"', "tag: is missing"),
        ('every = "10m"', 'every = "10"', "key every"),
        ('every = "10m"', 'every = "0m"', "key every"),
        ('every = "10m"', 'every = "9d"', "seven days"),
        ('every = "10m"', "every = 600", "key every"),
        ('every = "10m"', "", "every: is missing"),
        ('kind = "feed"', 'kind = "tip"', "a tip has none"),
        ('["Hackney"]', '["Hackny"]', "'Hackny' is no London borough"),
        ('grade = "B"', 'grade = "G"', "key grade"),
        ('basis = "publisher\'s public feed"', 'basis = "ok"', "key basis"),
        ("https://herald.example/feed", "ftp://herald.example/feed", "url"),
        ("https://herald.example/feed", "wss://herald.example/feed", "url"),
        ("https://herald.example/feed", "https://who:secret@herald.example/", "password"),
        ("https://herald.example/feed", "", "url"),
        ("enabled = true", "enabled = true\ntag = 'x1'", "a feed has none"),
        ("enabled = true", "enabeld = true", "enabeld"),
        ("[[source]]", "[[sources]]", "only [[source]] tables"),
        ("[[source]]", "[[source]", "sources.toml"),
    ],
)
def test_a_wrong_file_is_refused_with_what_is_wrong(was: str, becomes: str, said: str, written: Path) -> None:
    with pytest.raises(CatalogueError) as raised:
        read(written, GOOD.replace(was, becomes, 1))
    assert said in str(raised.value)
    assert str(written) in str(raised.value)
    assert "secret" not in str(raised.value).replace("secret@herald", "")


@pytest.mark.parametrize("tag", ["@someone", "#london", "some one", "a-b", "", "x" * 200])
def test_a_term_that_is_no_hashtag_is_refused(tag: str, written: Path) -> None:
    text = GOOD.replace('"feed"', '"mastodon"').replace("enabled", f'tag = "{tag}"\nenabled')
    with pytest.raises(CatalogueError, match="tag"):
        read(written, text)


def test_two_sources_of_one_name_are_refused(written: Path) -> None:
    with pytest.raises(CatalogueError, match="two sources have this name"):
        read(written, GOOD + GOOD)


def test_a_file_that_is_not_there_or_not_text_is_refused(written: Path) -> None:
    with pytest.raises(CatalogueError, match=r"sources\.toml"):
        read_sources(written)
    written.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(CatalogueError, match=r"sources\.toml"):
        read_sources(written)


def sync(session: Session, path: Path, text: str, minutes: int = 0) -> SourceRow:
    sync_sources(session, read(path, text), now=NOON + timedelta(minutes=minutes))
    session.commit()
    return session.get_one(SourceRow, "hackney-herald", populate_existing=True)


def test_a_new_source_is_due_at_once(session: Session, written: Path) -> None:
    row = sync(session, written, GOOD)
    assert (row.due_at, row.every_s, row.boroughs, row.enabled) == (NOON, 600, ["Hackney"], True)


def test_a_restart_changes_nothing_of_how_a_source_is_doing(session: Session, written: Path) -> None:
    sync(session, written, GOOD)
    lease = claim(session, "hackney-herald", now=NOON, lasts=LASTS)
    assert lease is not None
    error = Refused("answered 503", status=503, retry_after=timedelta(hours=5))
    failed(session, lease, error, now=NOON, longest=LONGEST)
    session.commit()
    before = session.get_one(SourceRow, "hackney-herald", populate_existing=True).model_dump(warnings=False)
    assert sync(session, written, GOOD, minutes=9).model_dump(warnings=False) == before


def test_a_new_address_starts_from_nothing(session: Session, written: Path) -> None:
    sync(session, written, GOOD)
    lease = claim(session, "hackney-herald", now=NOON, lasts=LASTS)
    assert lease is not None
    assert succeeded(session, lease, now=NOON)
    session.add(Cursor(source="hackney-herald", etag="x", moved_at=NOON))
    session.commit()
    row = sync(session, written, GOOD.replace("/feed", "/rss"), minutes=1)
    assert row.due_at == NOON + timedelta(minutes=1)
    assert not session.exec(select(Cursor)).all()


def test_what_left_the_file_is_switched_off_and_kept(session: Session, written: Path) -> None:
    sync(session, written, GOOD)
    row = sync(session, written, "")
    assert not row.enabled
    assert sync(session, written, GOOD, minutes=3).enabled


def test_a_shorter_interval_takes_effect_without_waiting_for_the_longer_one(
    session: Session, written: Path
) -> None:
    sync(session, written, GOOD.replace("10m", "6h"))
    lease = claim(session, "hackney-herald", now=NOON, lasts=LASTS)
    assert lease is not None
    assert succeeded(session, lease, now=NOON)
    session.commit()
    assert sync(session, written, GOOD, minutes=1).due_at == NOON + timedelta(minutes=10)


def test_the_state_of_a_source_is_said_in_words(session: Session, written: Path) -> None:
    def state(minutes: int = 0) -> State:
        (found,) = health(session, now=NOON + timedelta(minutes=minutes))
        return found.state

    row = sync(session, written, GOOD)
    assert state() == State.NEW
    assert state(minutes=16) == State.OVERDUE
    for changes, said in (
        ({"last_success_at": NOON}, State.WELL),
        ({"rest_until": NOON + timedelta(hours=1)}, State.RESTING),
        ({"failures": 1}, State.FAILING),
        ({"enabled": False}, State.OFF),
    ):
        for name, value in changes.items():
            setattr(row, name, value)
        session.commit()
        assert state() == said


def test_a_borough_that_only_london_wide_sources_see_is_not_covered(session: Session, written: Path) -> None:
    row = sync(session, written, GOOD)
    covered = {each.borough: each.sources for each in coverage([row], now=NOON)}
    assert covered["Hackney"] == ["hackney-herald"]
    assert covered["Barnet"] == []
    row = sync(session, written, GOOD.replace('["Hackney"]', '["London"]'))
    assert not any(each.sources for each in coverage([row], now=NOON))


def test_every_polled_kind_stands_in_our_catalogue() -> None:
    assert set(polled()) <= {watch.kind for watch in read_sources(OURS)}


def test_what_is_sent_to_us_is_open_and_never_due_or_quiet(session: Session, written: Path) -> None:
    sent = '[[source]]\nname = "tip-form"\nkind = "tip"\ngrade = "F"\nbasis = "written to us"\n'
    sync_sources(session, read(written, sent), now=NOON)
    session.flush()
    much_later = NOON + timedelta(days=40)
    (found,) = health(session, now=much_later)
    assert found.state is State.OPEN
    assert due(session, now=much_later, limit=10) == []
    assert mark_quiet(session, now=much_later) == []
