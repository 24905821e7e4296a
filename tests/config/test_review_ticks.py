"""The tick around the oversight review: meetings a year ahead, each list locked once at its moment."""

from datetime import timedelta

import pytest
from sqlalchemy import Engine
from sqlmodel import Session, col, select

from config.review_ticks import mind_meetings
from config.service import House
from config.settings import Settings
from tests.make import NOON
from triage.review.meeting_records import LockedAgenda, Review


@pytest.fixture
def house(settings: Settings, engine: Engine) -> House:
    return House(settings, engine, lambda: NOON)


def test_meetings_are_made_once_and_a_list_is_locked_at_its_moment(house: House) -> None:
    for _ in range(2):
        mind_meetings(house, NOON)
    with Session(house.engine) as session:
        meetings = session.exec(select(Review).order_by(col(Review.meets_at))).all()
        assert len(meetings) == 27
        second = meetings[1].locks_at
        assert second is not None
        assert len(session.exec(select(LockedAgenda)).all()) == 1, "that of tomorrow was due when it was made"
    for moment in (second - timedelta(seconds=1), second, second + timedelta(minutes=1)):
        mind_meetings(house, moment)
    with Session(house.engine) as session:
        locked = session.exec(select(LockedAgenda).order_by(col(LockedAgenda.locked_at))).all()
        assert [each.locked_at for each in locked] == [NOON, second]
