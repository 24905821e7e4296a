"""Recordings: what sources brought, kept without strangers and names, and brought in again at its own pace."""

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine
from sqlmodel import Session, select

from collector.batch import Batch, Deletion
from collector.collect import Collected
from collector.recording import FILE, Played, Recorder, RecordingError, read_recording, replay
from collector.records import Post
from tests.collector.test_collect import KEY, Police, item
from tests.conftest import NOON


def recorded(folder: Path) -> Path:
    recorder = Recorder(folder, Police(), KEY)
    first = item("Police on the high road", external_id="1", author="A Neighbour")
    recorder.keep("herald", Batch(items=[first, item("a cake")]), NOON)
    recorder.keep("herald", Batch(items=[item("another cake")]), NOON)
    edit = item("Police left the high road", external_id="1", edited_at=NOON)
    recorder.keep("herald", Batch(items=[edit]), NOON + timedelta(seconds=30))
    hidden = item("Police", indexable=False)
    deletion = Deletion("feed", "deleted by its author", external_id="1")
    recorder.keep("herald", Batch(items=[hidden], deletions=[deletion]), NOON + timedelta(minutes=10))
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
    assert played == Played(3, Collected(2, 1, 1, 0, 0))
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
    for word in ("cake", "Neighbour"):
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
