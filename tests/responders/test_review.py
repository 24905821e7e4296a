"""The review: meetings every fortnight, a list that a case is put on once, a pack that adds up."""

from datetime import date, datetime, time, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlmodel import Session, col

from config.settings import HERE
from responders.review import LONDON, Meetings, MeetingsError, list_for_review, read_meetings
from responders.tactics import TacticsError, named, read_tactics
from tests.make import make_case
from triage.records import LogEntry
from triage.review.meeting_records import Review, ReviewItem

FORTNIGHT = Meetings(first_on=date(2026, 1, 14), at=time(10), every_days=14)
SINCE, UNTIL = datetime(2026, 7, 6, tzinfo=LONDON), datetime(2026, 7, 20, tzinfo=LONDON)


@pytest.mark.parametrize(
    ("moment", "meets"),
    [
        ("2025-12-01T00:00+00:00", "2026-01-14T10:00+00:00"),
        ("2026-01-14T09:59+00:00", "2026-01-14T10:00+00:00"),
        ("2026-01-14T10:00+00:00", "2026-01-28T10:00+00:00"),
        ("2026-03-26T00:00+00:00", "2026-04-08T10:00+01:00"),
        ("2026-10-22T00:00+01:00", "2026-11-04T10:00+00:00"),
        ("2026-07-14T12:00+00:00", "2026-07-15T10:00+01:00"),
    ],
)
def test_meetings_are_a_fortnight_apart_at_ten_in_london(moment: str, meets: str) -> None:
    assert FORTNIGHT.next_after(datetime.fromisoformat(moment)) == datetime.fromisoformat(meets)


def test_our_own_files_are_read() -> None:
    assert read_meetings(HERE / "review" / "meetings.toml").every_days == 14
    assert len(read_tactics(HERE / "review" / "tactics.toml")) > 10


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("every_days = 14", "first_on"),
        ("first_on = 2026-01-14\nat = 10:00:00\nevry = 1", "evry"),
        ("=", "meetings"),
    ],
)
def test_wrong_meetings_are_refused_with_file_and_key(tmp_path: Path, written: str, told: str) -> None:
    path = tmp_path / "meetings.toml"
    path.write_text(written, encoding="utf-8")
    with pytest.raises(MeetingsError, match=r"meetings\.toml") as refused:
        read_meetings(path)
    assert told in str(refused.value)


def test_wrong_tactics_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "tactics.toml"
    path.write_text('[[tactic]]\ncode = "Dog"\nwords = []', encoding="utf-8")
    with pytest.raises(TacticsError, match=r"tactic\.0\.words"):
        read_tactics(path)


def test_tactics_are_recognised_by_whole_words() -> None:
    tactics = read_tactics(HERE / "review" / "tactics.toml")
    assert named(tactics, ["tasered", "handcuffed him"]) == ["Handcuffs", "CED (Taser)"]
    assert named(tactics, ["Aspen Way", "Battersea Dogs", "cuffley"]) == []


def test_a_case_is_listed_once_for_the_next_meeting(session: Session, noon: datetime) -> None:
    first, second = make_case(), make_case()
    session.add_all([first, second])
    session.flush()
    for later in (0, 1, 40):
        list_for_review(session, first.id, FORTNIGHT, now=noon + timedelta(days=later))
    list_for_review(session, second.id, FORTNIGHT, now=noon)
    session.commit()
    assert session.scalars(select(col(Review.meets_at))).all() == [datetime(2026, 7, 15, 10, tzinfo=LONDON)]
    assert len(session.scalars(select(ReviewItem)).all()) == 2
    assert [line.what for line in session.scalars(select(LogEntry))] == ["listed for review"] * 2
