"""Recordings: what sources brought, kept without strangers and names, and brought in again at its own pace."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, text
from sqlmodel import Session, create_engine, select

from collector.batch import Batch, Deletion, Missed
from collector.collect import Collected, collect
from collector.http import Http
from collector.recording import FILE, Played, Recorder, RecordingError, read_recording, replay
from collector.records import Post
from collector.settings import CollectSettings, HttpSettings
from collector.sieve import Sieve
from collector.watch import collect_source
from tests.collector.test_collect import KEY, Police, item
from tests.collector.test_schedule import place
from tests.conftest import NOON
from tests.databases import Databases
from tests.doubles.jetstream import Jetstream
from tests.doubles.mastodon import running_instance


def recorded(folder: Path) -> Path:
    recorder = Recorder(folder, Police(), KEY)
    first = item("Police on the high road", external_id="1", author="A Neighbour")
    recorder.keep("herald", Batch(items=[first, item("a cake")]), NOON)
    recorder.keep("herald", Batch(items=[item("another cake")]), NOON)
    edit = item("Police left the high road", external_id="1", edited_at=NOON)
    recorder.keep("herald", Batch(items=[edit]), NOON + timedelta(seconds=30))
    hidden = item("Police", indexable=False)
    stranger = Deletion("feed", "deleted by its author", external_id="of a stranger")
    recorder.keep("herald", Batch(items=[hidden], deletions=[stranger]), NOON + timedelta(minutes=5))
    deletion = Deletion("feed", "deleted by its author", external_id="1")
    recorder.keep("herald", Batch(deletions=[stranger, deletion]), NOON + timedelta(minutes=10))
    recorder.close()
    return folder


def play(engine: Engine, folder: Path, speed: float = 1.0) -> tuple[Played, list[float]]:
    waits: list[float] = []
    played = replay(
        engine, folder, Police(), author_key=KEY, clock=lambda: NOON, wait=waits.append, speed=speed
    )
    return played, waits


def test_a_recording_plays_at_its_own_pace(engine: Engine, tmp_path: Path) -> None:
    played, waits = play(engine, recorded(tmp_path / "r"))
    assert waits == [30.0, 570.0]
    assert played == Played(3, Collected(3, 1, 1, 1, 0))
    with Session(engine) as session:
        post = session.exec(select(Post)).one()
    assert (post.source, post.text, post.withdrawn_because) == ("herald", "", "deleted by its author")


def test_it_plays_faster_and_without_pauses(engine: Engine, tmp_path: Path) -> None:
    folder = recorded(tmp_path / "r")
    assert play(engine, folder, speed=60)[1] == [0.5, 9.5]
    again, waits = play(engine, folder, speed=0)
    assert waits == []
    assert again.counts.stored == 0


def test_a_recording_holds_nothing_of_strangers_and_no_names(tmp_path: Path) -> None:
    folder = recorded(tmp_path / "r")
    written = (folder / FILE).read_text()
    for word in ("cake", "Neighbour", "stranger"):
        assert word not in written
    assert (folder / FILE).stat().st_mode & 0o777 == 0o600
    assert len(list(read_recording(folder))) == 3


def test_a_line_that_broke_off_at_the_end_is_left_out(tmp_path: Path) -> None:
    folder = recorded(tmp_path / "r")
    with (folder / FILE).open("ab") as file:
        file.write(b'{"at":"2026-07')
    assert len(list(read_recording(folder))) == 3
    with (folder / FILE).open("ab") as file:
        file.write(b"\n")
    with pytest.raises(RecordingError, match="line 4"):
        list(read_recording(folder))


def test_a_folder_without_a_recording_says_so(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="holds no recording"):
        list(read_recording(tmp_path))
    (tmp_path / "file").write_text("x")
    with pytest.raises(RecordingError, match="cannot be written"):
        Recorder(tmp_path / "file" / "r", Police(), KEY)


KEPT = {
    "posts": "*",
    "media": "post_id, kind, url, alt, duration_s, aspect",
    "sightings": "seen_at, post_id, source, reach",
    "post_versions": "*",
    "fetches": "*",
    "gaps": "*",
}


def rows_of(engine: Engine) -> dict[str, list[str]]:
    with engine.connect() as connection:
        return {
            table: sorted(str(row) for row in connection.execute(text(f"SELECT {columns} FROM {table}")))
            for table, columns in KEPT.items()
        }


def polled(engine: Engine, recorder: Recorder) -> None:
    """A Mastodon server that is asked twice, with an edit, a boost, pictures and an opt-out in between."""
    with running_instance() as instance, Http(HttpSettings(allow=(instance.authority,))) as http:
        with Session(engine) as session:
            place(session, "social", kind="mastodon", url=instance.url, tag="metpolice")
        picture = {"type": "image", "url": "https://files.example/1.png", "description": "police on a man"}
        shown = instance.post("look", media_attachments=[picture], language=None)
        hidden = instance.post("Police too")
        instance.post("Fete in the park")
        for minutes in (0, 10):
            collect_source(
                engine,
                "social",
                http,
                Police(),
                author_key=KEY,
                clock=lambda minutes=minutes: NOON + timedelta(minutes=minutes),  # type: ignore[misc]
                settings=CollectSettings(),
                even_early=True,
                brought=recorder.keep,
            )
            shown |= {"id": str(int(shown["id"]) + 10**9), "edited_at": "2026-07-14T11:00:00Z"}
            shown["media_attachments"] = [{**picture, "description": "they left"}]
            hidden |= {"id": str(int(hidden["id"]) + 10**9), "visibility": "unlisted"}


def streamed(engine: Engine, recorder: Recorder) -> None:
    """A stream with an edit that names no police, a deletion, an account that is gone, and much else."""
    told = Jetstream()
    told.post("Police outside", "3one")
    told.post("Police inside", "3two", did="did:plc:other")
    told.post("bread", "3three")
    told.edit("They left", "3one", rev="3lrev2")
    told.delete("3two", did="did:plc:other")
    told.delete("3four", did="did:plc:stranger")
    told.post("Police gone", "3five", did="did:plc:third")
    told.account("did:plc:third", "deleted")
    told.account("did:plc:stranger", "deleted")
    for start in range(0, len(told.events), 3):
        sieve = Sieve(Police())  # type: ignore[arg-type]
        sieve.pour([event.frame(2) for event in told.events[start : start + 3]])
        batch = sieve.batch(sieve.place("one"), [Missed(NOON, NOON, "a gap")] if start == 0 else [])
        with Session(engine) as session:
            collect(session, "bluesky", batch, Police(), author_key=KEY, now=NOON)
            session.commit()
        recorder.keep("bluesky", batch, NOON)


@pytest.mark.parametrize("bring", [polled, streamed])
def test_what_is_recorded_and_replayed_leaves_the_same_rows(
    bring: Callable[[Engine, Recorder], None], engine: Engine, databases: Databases, tmp_path: Path
) -> None:
    recorder = Recorder(tmp_path / "r", Police(), KEY)
    bring(engine, recorder)
    recorder.close()
    at = iter(each.at for each in read_recording(tmp_path / "r"))
    with databases.one() as url:
        other = create_engine(url)
        replay(
            other,
            tmp_path / "r",
            Police(),
            author_key=KEY,
            clock=lambda: next(at),
            wait=lambda _s: None,
            speed=0,
        )
        replayed, lived = rows_of(other), rows_of(engine)
        other.dispose()
    assert replayed == lived
    assert lived["posts"]
    assert lived["post_versions"]
    assert "stranger" not in (tmp_path / "r" / FILE).read_text()
