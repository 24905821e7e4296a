"""Signals of the first hour are counted against what came later, with intervals, and never for a few cases."""

from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import Session

from collector.records import PostKey
from tests.make import NOON, make_assessment, make_case, make_post
from tests.triage.review.deciding import found, meeting, reviewer
from triage.growth_records import Growth
from triage.hidden import look_as
from triage.log import Line, note
from triage.records import Case, Membership, Person
from triage.review.foretelling import ERUPTED, RAISED, REFERRED, TEN_POSTS, VIDEO, Foretold, foretold
from triage.ties import declare_tie

LONG_AGO = NOON - timedelta(days=30)
SINCE, UNTIL = NOON - timedelta(days=90), NOON + timedelta(days=1)


@pytest.fixture
def tom(session: Session) -> Person:
    return reviewer(session)


def told(session: Session, case: Case, *signals: str, after: timedelta = timedelta(0), **given: Any) -> None:
    at = LONG_AGO + after
    post = make_post(collected_at=at, **given)
    made = make_assessment(post, at=at, signals=[{"name": name, "score": 0.9} for name in signals])
    session.add_all([PostKey(id=post.id, collected_at=at), post, made])
    session.add(Membership(post_id=post.id, case_id=case.id, how="first", joined_at=at))
    session.flush()


def raised(session: Session, case: Case, *, after: timedelta = timedelta(hours=3)) -> None:
    line = Line("severity set", case.id, "as told", {"from": 3, "to": 2})
    note(session, [line], who="tom", now=LONG_AGO + after)


def reviewed(
    session: Session, tom: Person, count: int, *signals: str, escalate: int = 0, **given: Any
) -> list[Case]:
    """So many cases that were reviewed, of which the first ones escalated."""
    cases = [make_case(opened_at=LONG_AGO) for _ in range(count)]
    review = meeting(session, *cases, at=NOON - timedelta(hours=2 + count, minutes=len(signals)))
    for number, case in enumerate(cases):
        told(session, case, *signals, **given)
        found(session, review, case, tom)
        if number < escalate:
            raised(session, case)
    session.commit()
    return cases


def ask(session: Session) -> Foretold:
    return foretold(session, SINCE, UNTIL)


def test_cases_with_a_signal_stand_beside_those_without(session: Session, tom: Person) -> None:
    reviewed(session, tom, 12, "weapon", "crowd", escalate=7)
    reviewed(session, tom, 14, "crowd", escalate=5)
    answer = ask(session)
    assert (answer.cases, answer.escalated, answer.by[RAISED]) == (26, 12, 12)
    [weapon] = answer.signals
    assert (weapon.name, weapon.having.escalated, weapon.having.cases) == ("weapon", 7, 12)
    assert (weapon.lacking.escalated, weapon.lacking.cases) == (5, 14)
    assert weapon.having.low < weapon.having.share < weapon.having.high
    assert weapon.odds > 1
    assert not weapon.apart
    assert answer.too_few == ["crowd"]


def test_few_cases_on_any_side_are_withheld(session: Session, tom: Person) -> None:
    reviewed(session, tom, 4, "knife", escalate=4)
    reviewed(session, tom, 9, "dog", escalate=2)
    reviewed(session, tom, 11, escalate=6)
    answer = ask(session)
    assert answer.signals == []
    assert answer.too_few == ["dog", "knife"]


def test_what_came_within_the_hour_or_was_lowered_is_no_escalation(session: Session, tom: Person) -> None:
    [one, other] = reviewed(session, tom, 2, "weapon")
    raised(session, one, after=timedelta(minutes=30))
    line = Line("severity set", other.id, "less", {"from": 2, "to": 3})
    note(session, [line], who="tom", now=NOON)
    session.commit()
    assert ask(session).escalated == 0


def test_conduct_and_a_new_eruption_are_escalations_too(session: Session, tom: Person) -> None:
    conduct, erupted, steady = (make_case(opened_at=LONG_AGO) for _ in range(3))
    review = meeting(session, conduct, erupted, steady)
    for case, code in ((conduct, "CONDUCT-DPS"), (erupted, "PROFESSIONAL"), (steady, "PROFESSIONAL")):
        told(session, case, "weapon")
        found(session, review, case, tom, code=code)
    for case, days, posts in (
        (erupted, 0, 5),
        (erupted, 4, 12),
        (steady, 0, 5),
        (steady, 1, 12),
        (steady, 5, 3),
    ):
        session.add(Growth(case_id=case.id, at=LONG_AGO + timedelta(days=days), posts=posts))
    session.commit()
    answer = ask(session)
    assert (answer.escalated, answer.by) == (2, {RAISED: 0, REFERRED: 1, ERUPTED: 1})


def test_only_the_first_hour_counts_and_strong_signals(session: Session, tom: Person) -> None:
    [case] = reviewed(session, tom, 1, "weapon", has_video=True)
    told(session, case, "late", after=timedelta(hours=2))
    for _ in range(9):
        told(session, case)
    session.commit()
    assert ask(session).too_few == sorted([TEN_POSTS, VIDEO, "weapon"])


def test_cases_one_is_kept_from_and_those_without_posts_do_not_count(session: Session, tom: Person) -> None:
    [hidden, _] = reviewed(session, tom, 2, "weapon")
    bare = make_case(opened_at=LONG_AGO)
    review = meeting(session, bare)
    found(session, review, bare, tom)
    amira = reviewer(session, "amira")
    session.commit()
    declare_tie(session, hidden.id, who=amira, now=NOON)
    session.commit()
    look_as(session, amira)
    answer = ask(session)
    assert (answer.cases, answer.left_out) == (1, 1)
