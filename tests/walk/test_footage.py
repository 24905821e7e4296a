"""The walk of a clip: two posts with other words and no place in common, one camera, one case."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlmodel import Session, col, select

from collector.batch import Attachment, Batch, Item
from collector.collect import collect, id_of
from collector.footage_records import Footage, Look
from collector.months import make_months
from config.benches.scenes import encode
from config.queues.collect import author_key, prefilter_of
from config.service import House, Task, tasks_of
from config.settings import Settings
from tests.conftest import NOON
from tests.doubles.media import Given, MediaServer, running_media
from tests.videos import changed, make_video
from tests.walk.one_walk import do_jobs
from triage.custody import take_into_custody
from triage.records import Case, LogEntry, Membership

FIRST = "Police officers knelt on a man outside the library on Mare Street, Hackney. He was not breathing"
SECOND = "Watch what the police did to him, share this everywhere before they take it down again, please do"


@pytest.fixture
def media() -> Iterator[MediaServer]:
    with running_media() as made:
        yield made


@pytest.fixture
def house(engine: Engine, settings: Settings, media: MediaServer) -> House:
    given: dict[str, Any] = {"http": {"allow": media.authority}, "collect": {"read_captions": False}}
    return House(
        Settings(data=settings.data, database_url=settings.database_url, **given), engine, lambda: NOON
    )


@pytest.fixture
def tasks(house: House) -> dict[str, Task]:
    names = ("assess", "route", "respond", "look", "claims")
    return {name: task for queue in names for name, task in tasks_of(queue, house).items()}


def bring(house: House, tasks: dict[str, Task], item: Item) -> None:
    with Session(house.engine) as session:
        make_months(session, now=NOON)
        key = author_key(house.settings)
        batch = Batch(items=[item])
        collect(session, item.platform, batch, prefilter_of(house.settings), author_key=key, now=NOON)
        session.commit()
    do_jobs(house, tasks)


def filmed(platform: str, words: str, url: str, minutes: int) -> Item:
    return Item(
        external_id=f"{platform}-1",
        platform=platform,
        text=words,
        payload=words.encode(),
        author=platform,
        url=f"https://{platform}.example/1",
        published_at=NOON - timedelta(minutes=minutes),
        media=(Attachment("video", url),),
    )


def test_a_copy_on_another_platform_comes_to_the_case_of_the_first(
    house: House, tasks: dict[str, Task], media: MediaServer, tmp_path: Path
) -> None:
    clip = make_video(tmp_path / "clip.mp4", seed=51, seconds=5.0)
    encode("-i", str(clip), "-c", "copy", "-f", "mpegts", str(tmp_path / "part.ts"))
    listed = b"#EXTM3U\n#EXTINF:5.0,\npart.ts\n#EXT-X-ENDLIST\n"
    media.files = {
        "/playlist.m3u8": Given(listed, "application/vnd.apple.mpegurl"),
        "/part.ts": Given((tmp_path / "part.ts").read_bytes(), "video/mp2t"),
        "/mirrored.mp4": Given(changed(clip, "hflip").read_bytes()),
    }
    first = filmed("bluesky", FIRST, f"{media.url}/playlist.m3u8", 9)
    second = filmed("mastodon", SECOND, f"{media.url}/mirrored.mp4", 3)
    bring(house, tasks, first)
    bring(house, tasks, second)
    with Session(house.engine) as session:
        looks = session.exec(select(Look).order_by(col(Look.at))).all()
        assert [each.error for each in looks] == [None, None]
        assert looks[0].steps == ["put together from the parts of its playlist"]
        assert len({each.family_id for each in session.exec(select(Footage))}) == 1
        case = session.exec(select(Case).order_by(col(Case.number))).first()
        assert case is not None
        members = select(Membership.post_id, Membership.how).where(Membership.case_id == case.id)
        assert dict(session.exec(members).all()).keys() == {id_of(first), id_of(second)}
        told = session.exec(select(LogEntry.why).where(col(LogEntry.why).startswith("same footage"))).all()
        assert "mirrored" in str(told[0])
        taken = {post for post, sure in session.exec(select(Membership.post_id, Membership.sure)) if sure}
        assert take_into_custody(session, now=NOON) == 2 * len(taken)  # each post with its file
