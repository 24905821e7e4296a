"""A random sample of what was dropped is looked at by a person, and what should have been raised becomes a case."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import text as sql
from sqlmodel import Session, select

from classifier.assess import assess
from classifier.records import IncidentType
from collector.records import PostKey, Tally
from collector.refused_records import RefusedItem
from collector.store import withdraw_posts
from config.queues.route import tasks
from config.service import House
from config.settings import Settings
from tests.classifier.reader import model
from tests.make import NOON, make_assessment, make_person, make_post
from triage.labelling import take_labels
from triage.learning_records import DropSample, Label, Stage
from triage.locked import Conflict
from triage.permissions import Denied
from triage.records import Alert, Case, LogEntry, Membership, Person, Routing
from triage.sampling import KEPT, answer, draw, rates, waiting, wilson

TODAY = NOON + timedelta(days=1)
NOTHING = {"incident": 0.01, "incident_any": 0.01, "type": IncidentType.NONE, "severity": 0.0}


@pytest.fixture
def ann(session: Session) -> Person:
    person = make_person(roles=["oversight_reviewer"])
    session.add(person)
    session.commit()
    return person


@pytest.fixture
def work(settings: Settings, session: Session) -> Callable[[], None]:
    """Works through what waits to be assessed and routed."""
    house = House(settings, session.get_bind(), lambda: TODAY)  # type: ignore[arg-type]

    def run() -> None:
        for name in ("assess", "route"):
            jobs = session.execute(
                sql("DELETE FROM procrastinate_jobs WHERE task_name = :name RETURNING args->'posts'"),
                {"name": name},
            ).all()
            for (posts,) in jobs:
                if name == "assess":
                    assess(session, posts, model(), now=TODAY)
                    session.commit()
                else:
                    session.commit()
                    tasks(house)["route"].work(posts)
        session.commit()
        session.expire_all()

    return run


def drop(
    session: Session, words: str = "Two men stood by a van on the high road", *, rule: str = "no-encounter"
) -> None:
    post = make_post(words)
    session.add_all(
        [post, PostKey(id=post.id, collected_at=post.collected_at), make_assessment(post, **NOTHING)]
    )
    session.add(
        Routing(post_id=post.id, at=NOON, model="test-1", rule=rule, outcome="drop", because="no encounter")
    )
    session.commit()


def refuse(session: Session, words: str = "A crowd stood by the shop with their shopping") -> None:
    session.add(
        RefusedItem(
            day=NOON.date(), lot=0.1, post_id=uuid4(), source="toots", platform="mastodon", text=words,
            published_at=NOON, refused_at=NOON,
        )
    )  # fmt: skip
    session.commit()


def test_the_sample_of_a_day_is_drawn_once_when_it_is_over(session: Session) -> None:
    for _ in range(12):
        drop(session)
    drop(session, rule="withdrawn")
    refuse(session)
    session.add(Tally(source="toots", minute=NOON, seen=900, dropped=800))
    session.commit()
    assert draw(session, 5, now=NOON) == 0
    assert draw(session, 5, now=TODAY) == 6
    assert draw(session, 5, now=TODAY + timedelta(hours=1)) == 0
    by_stage = {each.stage: each.dropped for each in session.exec(select(DropSample))}
    assert by_stage == {"prefilter": 800, "rules": 12}


def test_the_day_ends_at_midnight_in_london(session: Session) -> None:
    drop(session)
    summer_midnight = datetime(2026, 7, 14, 23, 0, tzinfo=UTC)
    assert draw(session, 5, now=summer_midnight - timedelta(minutes=1)) == 0
    assert draw(session, 5, now=summer_midnight) == 1


def test_a_person_sees_the_words_and_why_they_were_dropped(session: Session) -> None:
    drop(session)
    refuse(session)
    draw(session, 5, now=TODAY)
    shown = {each.sample.stage: each for each in waiting(session)}
    assert shown[Stage.RULES].because == "no encounter"
    assert "crowd" in shown[Stage.PREFILTER].words
    assert "no word" in shown[Stage.PREFILTER].because


def test_an_answer_is_given_once_and_the_words_of_a_refused_item_go(session: Session, ann: Person) -> None:
    refuse(session)
    draw(session, 5, now=TODAY)
    [shown] = waiting(session)
    answer(session, shown.sample.id, missed=False, who=ann, now=TODAY)
    session.commit()
    assert session.exec(select(RefusedItem)).all() == []
    assert waiting(session) == []
    with pytest.raises(Conflict, match="already"):
        answer(session, shown.sample.id, missed=True, kind=IncidentType.STOP_SEARCH, who=ann, now=TODAY)
    take_labels(session, b"key")
    assert [(each.says, each.role) for each in session.exec(select(Label))] == [
        ("rightly_dropped", "oversight_reviewer")
    ]


def test_a_miss_needs_a_kind_and_the_right_role(session: Session, ann: Person) -> None:
    refuse(session)
    draw(session, 5, now=TODAY)
    [shown] = waiting(session)
    with pytest.raises(Conflict, match="what kind"):
        answer(session, shown.sample.id, missed=True, who=ann, now=TODAY)
    with pytest.raises(Denied):
        answer(session, shown.sample.id, missed=False, who=make_person(roles=["triage"]), now=TODAY)


@pytest.mark.parametrize("stage", Stage)
def test_what_should_have_been_raised_becomes_a_case_with_its_alerts(
    session: Session, ann: Person, work: Callable[[], None], stage: Stage
) -> None:
    if stage is Stage.RULES:
        drop(session)
    else:
        refuse(session)
    draw(session, 5, now=TODAY)
    [shown] = waiting(session)
    answer(session, shown.sample.id, missed=True, kind=IncidentType.USE_OF_FORCE, who=ann, now=TODAY)
    session.commit()
    work()
    [case] = session.exec(select(Case)).all()
    assert (case.type, case.post_count) == ("use_of_force", 1)
    [member] = session.exec(select(Membership)).all()
    assert member.post_id == shown.sample.post_id
    [routing] = session.exec(select(Routing)).all()
    assert (routing.rule, routing.case_id) == ("found-in-the-sample", case.id)
    assert {each.desk for each in session.exec(select(Alert))} == {"comms", "oversight"}
    said = session.exec(select(LogEntry.who, LogEntry.what)).all()
    assert (ann.username, "dropped post checked") in said
    work()
    assert len(session.exec(select(Case)).all()) == 1


def test_what_nobody_looked_at_in_a_week_and_what_was_withdrawn_counts_as_not_looked_at(
    session: Session, ann: Person
) -> None:
    drop(session)
    drop(session, "Another one")
    refuse(session)
    draw(session, 5, now=TODAY)
    first = next(each for each in waiting(session) if each.sample.stage == Stage.RULES)
    withdraw_posts(session, {first.sample.post_id: "deleted by its author"}, now=TODAY)
    session.commit()
    assert len(waiting(session)) == 2
    draw(session, 5, now=TODAY + KEPT)
    session.commit()
    assert waiting(session) == []
    session.expire_all()
    with pytest.raises(Conflict, match="no longer kept"):
        answer(session, first.sample.id, missed=False, who=ann, now=TODAY)
    assert [each.looked_at for each in rates(session, days=30, now=TODAY)] == [0, 0]


def test_the_miss_rate_has_its_numbers_and_its_interval(session: Session, ann: Person) -> None:
    for _ in range(20):
        drop(session)
    draw(session, 20, now=TODAY)
    for number, each in enumerate(waiting(session)[:16]):
        kind = IncidentType.STOP_SEARCH if number == 0 else None
        answer(session, each.sample.id, missed=number == 0, kind=kind, who=ann, now=TODAY)
    prefilter, rules = rates(session, days=30, now=TODAY)
    assert (prefilter.looked_at, prefilter.share) == (0, None)
    assert (rules.dropped, rules.drawn, rules.looked_at, rules.missed) == (20, 20, 16, 1)
    assert (rules.low, rules.high) == pytest.approx((0.0111, 0.2833), abs=1e-3)


def test_an_interval_is_sound_without_any_miss() -> None:
    assert wilson(0, 50) == pytest.approx((0.0, 0.0713), abs=1e-3)
    assert wilson(50, 50) == pytest.approx((0.9287, 1.0), abs=1e-3)
