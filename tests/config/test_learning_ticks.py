"""By night the day is counted and its sample drawn; by day decisions become labels."""

from datetime import timedelta

import pytest
from sqlalchemy import Engine
from sqlmodel import Session, select

from classifier.learning_records import ScoreDay, ScoreReference
from classifier.versions import shipped
from collector.records import PostKey
from config.learning_ticks import count_scores, draw_sample, make_labels
from config.service import House
from config.settings import Settings
from tests.make import NOON, make_assessment, make_case, make_person, make_post
from triage.actions import confirm
from triage.learning_records import DropSample, Label
from triage.records import Membership, Routing

TODAY = NOON + timedelta(days=1)


@pytest.fixture
def house(settings: Settings, engine: Engine) -> House:
    return House(settings, engine, lambda: TODAY)


def test_yesterday_is_counted_once_and_becomes_the_reference_when_it_had_posts_enough(house: House) -> None:
    version = shipped().name
    with Session(house.engine) as session:
        for _ in range(500):
            post = make_post()
            session.add_all([post, make_assessment(post, model=version)])
        session.commit()
    count_scores(house, TODAY)
    count_scores(house, TODAY + timedelta(hours=1))
    with Session(house.engine) as session:
        [day] = session.exec(select(ScoreDay)).all()
        [reference] = session.exec(select(ScoreReference)).all()
        assert (day.day, day.model, day.posts) == (NOON.date(), version, 500)
        assert reference.numbers == day.numbers


def test_the_sample_is_drawn_and_decisions_become_labels(house: House) -> None:
    with Session(house.engine, expire_on_commit=False) as session:
        dropped, told, case, ann = make_post(), make_post(), make_case(), make_person()
        session.add_all([dropped, told, case, ann, PostKey(id=dropped.id, collected_at=NOON)])
        session.flush()
        session.add(
            Routing(post_id=dropped.id, at=NOON, model="", rule="no-encounter", outcome="drop", because="-")
        )
        session.add(Membership(post_id=told.id, case_id=case.id, how="new", joined_at=NOON))
        session.flush()
        confirm(session, case.id, who=ann, now=NOON)
        session.commit()
    make_labels(house, TODAY)
    draw_sample(house, TODAY)
    with Session(house.engine) as session:
        assert [each.post_id for each in session.exec(select(Label))] == [told.id]
        assert [each.post_id for each in session.exec(select(DropSample))] == [dropped.id]
