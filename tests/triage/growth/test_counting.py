"""Growth is counted by the minute as posts are routed, and voices without keeping whose."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import Session, select

from collector.records import Post
from tests.make import LIFECYCLE, NOON, make_case, make_person, make_post
from tests.triage.growth.coming import MINUTE, SAID, about, come, digest, measured, only_case, spread_of
from triage import regroup
from triage.growth_records import Growth, Spread, StreamPace
from triage.memory import Memory
from triage.records import Membership
from triage.route import route
from triage.rules import Rules
from triage.voices import NOBODY, REGISTERS, count, heard


def test_posts_are_counted_by_the_minute_with_where_they_came_from(
    session: Session, rules: Rules, memory: Memory
) -> None:
    come(session, rules, memory, 4, at=NOON, accounts=2)
    come(session, rules, memory, 3, at=NOON + 2 * MINUTE, source="hackney-herald")
    rows = session.exec(select(Growth).order_by(Growth.at)).all()  # type: ignore[arg-type]
    assert [(row.at, row.posts, row.sources) for row in rows] == [
        (NOON, 4, ["stream"]),
        (NOON + 2 * MINUTE, 3, ["hackney-herald"]),
    ]
    spread = spread_of(session)
    assert spread.platforms == ["bluesky"]
    assert sum(row.voices for row in rows) == spread.accounts == about(3)
    assert sum(each.posts for each in session.exec(select(StreamPace))) == 7


def test_a_post_routed_twice_is_counted_once(session: Session, rules: Rules, memory: Memory) -> None:
    come(session, rules, memory, 3, at=NOON)
    posts = list(session.exec(select(Post.id)))
    route(session, posts, rules, memory, LIFECYCLE, now=NOON + MINUTE)
    session.commit()
    assert session.exec(select(Growth)).one().posts == 3
    assert session.exec(select(StreamPace)).one().posts == 3


def test_nothing_of_an_account_is_kept_but_a_count(session: Session, rules: Rules, memory: Memory) -> None:
    come(session, rules, memory, 5, at=NOON)
    spread = spread_of(session)
    assert len(spread.voices) == REGISTERS
    assert not any(digest(number) in spread.voices for number in range(5))


def test_what_claims_to_be_from_the_future_came_now(session: Session, rules: Rules, memory: Memory) -> None:
    come(session, rules, memory, 2, at=NOON + timedelta(days=3), now=NOON)
    assert session.exec(select(Growth)).one().at == NOON


def test_a_split_counts_both_cases_anew(session: Session, rules: Rules, memory: Memory) -> None:
    come(session, rules, memory, 6, at=NOON)
    case, who = only_case(session), make_person()
    session.add(who)
    chosen = list(session.exec(select(Membership.post_id)))[:2]
    new = regroup.split(session, case.id, chosen, who=who, why="another", now=NOON + MINUTE)
    session.commit()
    counted = dict(session.exec(select(Growth.case_id, Growth.posts)).all())
    assert counted == {case.id: 4, new.id: 2}
    assert session.get_one(Spread, new.id).accounts == about(2)


@given(st.sets(st.integers(0, 10**9), max_size=300))
def test_voices_are_counted_nearly_right_and_each_once(numbers: set[int]) -> None:
    voices = [digest(number) for number in numbers]
    registers = heard(NOBODY, voices)
    assert heard(registers, voices) == registers
    assert abs(count(registers) - len(voices)) <= max(2, 0.2 * len(voices))


def test_many_voices_are_counted_within_a_tenth() -> None:
    registers = heard(NOBODY, (digest(number) for number in range(20_000)))
    assert count(registers) == pytest.approx(20_000, rel=0.1)


def test_a_case_without_a_ledger_is_counted_from_its_posts(session: Session) -> None:
    case = make_case()
    posts = [make_post(f"{SAID} {nth}", author_key=digest(nth)) for nth in range(3)]
    session.add_all([case, *posts])
    session.flush()
    session.add_all(
        [Membership(post_id=each.id, case_id=case.id, how="new", joined_at=NOON) for each in posts]
    )
    session.commit()
    assert measured(session, now=NOON + MINUTE) == 0
    assert session.exec(select(Growth)).one().posts == 3
    assert spread_of(session).accounts == about(3)
