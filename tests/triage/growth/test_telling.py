"""Growth is measured by a tick, and said at most a few times."""

from datetime import timedelta

from sqlmodel import Session, select

from collector.records import Post, Sighting
from tests.make import NOON, make_person, make_source
from tests.triage.growth.coming import MINUTE, RULES, come, measured, only_case, spread_of, updates
from triage import actions
from triage.growth_records import Spread
from triage.memory import Memory
from triage.records import Alert, AlertState, Desk, LogEntry, Severity
from triage.rules import Rules
from triage.spreading import due_cases


def test_a_case_that_spikes_is_told_once_by_an_alert_of_its_own(
    session: Session, rules: Rules, memory: Memory
) -> None:
    come(session, rules, memory, 2, at=NOON)
    assert measured(session, now=NOON + MINUTE) == 0
    come(session, rules, memory, 60, at=NOON + 50 * MINUTE)
    assert measured(session, now=NOON + 51 * MINUTE) == 1
    assert measured(session, now=NOON + 52 * MINUTE) == 0
    assert updates(session) == ["60 posts in ten minutes"]
    alert = session.exec(select(Alert).where(Alert.growth == 1)).one()
    assert (alert.desk, alert.state, alert.rule) == (Desk.COMMS, AlertState.OPEN, "growth")
    assert "growth update" in [line.what for line in session.exec(select(LogEntry))]
    assert len(session.exec(select(Alert).where(Alert.growth == 0)).all()) == 1


def test_a_flood_is_told_at_most_three_times_and_the_next_flood_anew(
    session: Session, rules: Rules, memory: Memory
) -> None:
    come(session, rules, memory, 2, at=NOON)
    at, told = NOON, 0
    for number in (50, 50, 500, 60, 70, 600):
        at += 11 * MINUTE
        spread = session.exec(select(Spread)).one()
        spread.told_pace = 1  # as if each were ten times the one before
        session.commit()
        come(session, rules, memory, number, at=at)
        told += measured(session, now=at + MINUTE)
    assert told == len(updates(session)) == 3
    at += timedelta(hours=7)
    assert measured(session, now=at) == 0
    come(session, rules, memory, 90, at=at + timedelta(hours=1))
    assert measured(session, now=at + timedelta(hours=1, minutes=1)) == 1
    assert len(updates(session)) == 4


def test_what_comes_too_soon_waits_and_is_said_together(
    session: Session, rules: Rules, memory: Memory
) -> None:
    session.add(make_source("hackney-herald"))
    come(session, rules, memory, 60, at=NOON)
    assert measured(session, now=NOON + MINUTE) == 1
    come(session, rules, memory, 1, at=NOON + 2 * MINUTE, source="hackney-herald")
    assert measured(session, now=NOON + 3 * MINUTE) == 0
    assert spread_of(session).waiting == ["picked up by hackney-herald"]
    assert measured(session, now=NOON + 12 * MINUTE) == 1
    assert updates(session)[-1] == "picked up by hackney-herald"
    closed = session.exec(select(Alert).where(Alert.growth == 1)).one()
    assert closed.state == AlertState.CLOSED


def test_a_case_that_began_in_the_news_is_not_picked_up_by_it(
    session: Session, rules: Rules, memory: Memory
) -> None:
    session.add(make_source("hackney-herald"))
    come(session, rules, memory, 1, at=NOON, source="hackney-herald")
    assert measured(session, now=NOON + MINUTE) == 0
    [pick_up] = spread_of(session).pick_ups
    assert (pick_up["name"], pick_up["first"]) == ("hackney-herald", True)


def test_the_forces_own_news_is_no_pick_up(session: Session, rules: Rules, memory: Memory) -> None:
    session.add(make_source("met-police-news"))
    come(session, rules, memory, 1, at=NOON)
    come(session, rules, memory, 1, at=NOON + MINUTE, source="met-police-news")
    assert measured(session, now=NOON + 2 * MINUTE) == 0
    assert spread_of(session).pick_ups == []


def test_a_much_seen_post_is_told_and_weighs(session: Session, rules: Rules, memory: Memory) -> None:
    come(session, rules, memory, 2, at=NOON)
    case = only_case(session)
    before = case.severity_parts.get("reach", 0)
    [first, second] = session.exec(select(Post.id).order_by(Post.published_at)).all()  # type: ignore[arg-type]
    for post, views in ((first, 700), (first, 120_000), (second, 40)):
        session.add(Sighting(seen_at=NOON, post_id=post, source="stream", reach={"views": views}))
    session.commit()
    assert measured(session, now=NOON + MINUTE) == 1
    spread = spread_of(session)
    assert (spread.views, spread.viewed) == (120_040, 2)
    assert updates(session) == ["a much-seen post on bluesky"]
    assert spread.pick_ups[0]["views"] == 120_000
    assert only_case(session).severity_parts["reach"] == before + 3
    assert measured(session, now=NOON + 20 * MINUTE) == 0  # the same post is not told again


def test_reach_makes_a_case_graver_and_its_desk_looks_again(
    session: Session, rules: Rules, memory: Memory
) -> None:
    come(session, rules, memory, 2, at=NOON)
    case, who = only_case(session), make_person()
    case.severity_parts = {**case.severity_parts, "harm": 3.0, "conduct": 1.0}
    session.add(who)
    actions.acknowledge(session, case.id, who=who, desk=Desk.COMMS, now=NOON)
    post = session.exec(select(Post.id)).all()[0]
    session.add(Sighting(seen_at=NOON, post_id=post, source="stream", reach={"views": 2_000_000}))
    session.commit()
    measured(session, now=NOON + MINUTE)
    assert only_case(session).severity == Severity.SEV2
    first = session.exec(select(Alert).where(Alert.growth == 0)).one()
    assert first.state == AlertState.OPEN
    assert "severity raised" in [line.what for line in session.exec(select(LogEntry))]


def test_one_answer_is_for_all_that_waits(session: Session, rules: Rules, memory: Memory) -> None:
    come(session, rules, memory, 60, at=NOON)
    measured(session, now=NOON + MINUTE)
    case, who = only_case(session), make_person()
    session.add(who)
    actions.acknowledge(session, case.id, who=who, desk=Desk.COMMS, now=NOON + MINUTE)
    session.commit()
    assert {alert.state for alert in session.exec(select(Alert))} == {AlertState.ACKNOWLEDGED}


def test_a_dismissed_case_is_left_in_peace(session: Session, rules: Rules, memory: Memory) -> None:
    come(session, rules, memory, 60, at=NOON)
    case = only_case(session)
    case.status = "noise"  # type: ignore[assignment]
    session.commit()
    assert due_cases(session, RULES, now=NOON + MINUTE) == []
