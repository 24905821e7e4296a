"""A flood walks through the real stages: one case, one alert, few updates, and what else happened stands out.

`goldenhour bench flood` does the same with 50,000 posts in ten minutes of the clock.
"""

from datetime import UTC, datetime
from random import Random

from sqlalchemy import Engine
from sqlmodel import Session

from collector.jobs import QUEUES
from collector.months import make_months
from config.benches.flood import pour, seen
from config.benches.flooding import LIKE, OTHERS, copy, flood
from config.service import House, tasks_of
from config.settings import Settings
from config.ticks import mind_growth
from tests.walk.one_walk import do_jobs

POSTS = 2_000
AT_ONCE = 250  # three seconds of 50,000 in ten minutes: they do not pile up, so all are read in full


def test_a_flood_is_one_case_and_hides_no_other_incident(settings: Settings, engine: Engine) -> None:
    house = House(settings, engine, lambda: datetime.now(UTC))
    with Session(engine) as session:
        make_months(session, now=house.clock())
        session.commit()
    tasks = {name: task for queue in QUEUES for name, task in tasks_of(queue, house).items()}
    told = list(flood(POSTS, Random(1)))
    for start in range(0, len(told), AT_ONCE):
        pour(settings, engine, told[start : start + AT_ONCE], over_s=0)
        do_jobs(house, tasks)
        mind_growth(house, house.clock())
    found = seen(engine)
    assert (found["cases"], found["in_the_case"]) == (1, POSTS)
    assert (found["alerts_a_desk"], found["updates"]) == (1, 1)
    assert found["others_told"] == len(OTHERS)


def test_copies_of_a_flood_are_paraphrased_and_disguised() -> None:
    dice = Random(1)
    copies = [copy(dice) for _ in range(300)]
    assert len(set(copies)) > 250
    assert any(set(LIKE.values()) & set(each) for each in copies)
    assert any("https://" in each for each in copies)
    assert any(each.isupper() for each in copies)


def test_the_others_come_once_each_and_apart() -> None:
    told = list(flood(100, Random(1)))
    others = [(each.text, each.other) for each in told if each.other is not None]
    assert others == [(said, number) for number, said in enumerate(OTHERS)]
    assert len(told) == 100 + len(OTHERS)
