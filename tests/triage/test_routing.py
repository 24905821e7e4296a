"""One batch of assessed posts becomes routings, cases, alerts, clocks, log lines and jobs."""

import random
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine, text
from sqlmodel import Session, col, select

from classifier.records import Force, IncidentType
from collector.records import Post
from tests.make import LIFECYCLE, NOON, make_assessment, make_person, make_post
from triage import actions
from triage.memory import Memory
from triage.records import (
    Alert,
    AlertState,
    Case,
    Clock,
    Desk,
    LogEntry,
    Membership,
    Routing,
    Severity,
    Status,
)
from triage.route import Routed, route
from triage.rules import Rules, read_rules
from triage.settings import TriageSettings

CONFIG = Path(__file__).resolve().parents[2] / "config"
SAID = "Three officers held a man face down outside the bakery on Rye Lane in Peckham this evening"


@pytest.fixture(scope="module")
def rules() -> Rules:
    return read_rules(CONFIG / "rules.toml")


@pytest.fixture
def memory() -> Memory:
    return new_memory()


def new_memory() -> Memory:
    return Memory.of(CONFIG / "matching" / "rarity.bin", TriageSettings())


def arrive(
    session: Session, text: str = SAID, *, post: dict[str, Any] | None = None, **assessed: Any
) -> Post:
    row = make_post(text, **(post or {}))
    session.add(row)
    session.add(make_assessment(row, **assessed))
    session.flush()
    return row


def routed(session: Session, rules: Rules, memory: Memory, *posts: Post, now: Any = NOON) -> Routed:
    done = route(session, [post.id for post in posts], rules, memory, LIFECYCLE, now=now)
    session.commit()
    return done


def jobs(session: Session) -> Counter[str]:
    rows = session.execute(text("SELECT task_name, count(*) FROM procrastinate_jobs GROUP BY 1"))
    return Counter({name: count for name, count in rows})


def only_case(session: Session) -> Case:
    session.expire_all()
    return session.exec(select(Case)).one()


def test_a_report_of_force_opens_a_case_and_tells_comms(
    session: Session, rules: Rules, memory: Memory
) -> None:
    place = {"name": "Rye Lane", "borough": "Southwark", "bcu": "AS", "p": 0.9}
    post = arrive(session, places=[place], force=Force.MET)
    done = routed(session, rules, memory, post)
    case = only_case(session)
    assert done == Routed(1, {"raise": 1}, opened=1, joined=0, suggested=0, alerts=1)
    assert case.title == "Use of force · Rye Lane · Southwark"
    assert (case.bcu, case.post_count, case.source_count, case.version) == ("AS", 1, 1, 1)
    alert = session.exec(select(Alert)).one()
    assert (alert.desk, alert.manner, alert.state, alert.revision) == (Desk.COMMS, "page", AlertState.OPEN, 1)
    assert set(case.desks) == {"comms", "oversight"}
    assert jobs(session) == {"deliver": 1, "draft": 1, "list_for_review": 1}
    routing = session.exec(select(Routing)).one()
    assert (routing.rule, routing.outcome, routing.case_id) == ("force", "raise", case.id)
    assert "use of force" in routing.because


def test_clocks_start_by_severity(session: Session, rules: Rules, memory: Memory) -> None:
    routed(session, rules, memory, arrive(session, severity=0.6))
    due = {each.name: each.due_at - NOON for each in session.exec(select(Clock))}
    assert due["acknowledge"] == timedelta(hours=1)
    assert due["first_line"] == timedelta(hours=4)
    assert due["supervisor_account"] == timedelta(hours=72)


def test_a_hard_trigger_is_critical_for_both_desks(session: Session, rules: Rules, memory: Memory) -> None:
    trigger = {
        "name": "trigger",
        "score": 1.0,
        "because": "critical whatever the score: police firearm discharged",
    }
    routed(session, rules, memory, arrive(session, signals=[trigger], severity=0.9))
    case = only_case(session)
    assert case.severity == Severity.SEV1
    assert case.severity_parts["triggers"] == ["police firearm discharged"]
    assert {each.desk for each in session.exec(select(Alert))} == {"comms", "oversight"}
    due = {each.name: each.due_at - NOON for each in session.exec(select(Clock))}
    assert due["acknowledge"] == timedelta(minutes=5)
    assert {"chair_told", "referral_decision"} <= due.keys()


def test_every_post_ends_in_a_routing_with_a_reason(session: Session, rules: Rules, memory: Memory) -> None:
    posts = [
        arrive(session, "Lovely fashion police moment at the gala", incident=0.01, incident_any=0.02,
               type=IncidentType.NONE, severity=0.0),
        arrive(session, "Officers in Ohio held a man down by the river", force=Force.OVERSEAS),
        arrive(session, "Something with police and a van, no idea what", incident=0.3, incident_any=0.4,
               abstain=True, severity=0.1),
        arrive(session),
        arrive(session, "gone again", post={"withdrawn_at": NOON}),
    ]  # fmt: skip
    done = routed(session, rules, memory, *posts)
    rows = {each.post_id: each for each in session.exec(select(Routing))}
    assert [rows[post.id].rule for post in posts] == [
        "no-encounter",
        "abroad",
        "cannot-tell",
        "force",
        "withdrawn",
    ]
    assert all(rows[post.id].because for post in posts)
    assert sum(done.outcomes.values()) == done.posts == 5
    assert done.opened == 2


def test_routing_again_changes_nothing(session: Session, rules: Rules, memory: Memory) -> None:
    post = arrive(session)
    routed(session, rules, memory, post)
    before = (
        only_case(session).model_dump(warnings=False),
        jobs(session),
        len(session.exec(select(LogEntry)).all()),
    )
    assert routed(session, rules, memory, post).posts == 0
    assert routed(session, rules, new_memory(), post).posts == 0
    assert (
        only_case(session).model_dump(warnings=False),
        jobs(session),
        len(session.exec(select(LogEntry)).all()),
    ) == before


def test_copies_and_follow_ups_join_without_a_second_alert(
    session: Session, rules: Rules, memory: Memory
) -> None:
    posts = [
        arrive(session),
        arrive(session, "RT @someone: " + SAID.replace("a man", "а man") + " 😡😡 https://t.co/x"),
        arrive(session, "Man held face down by three officers outside a Peckham bakery on Rye Lane, people say",
               post={"source": "another"}),
    ]  # fmt: skip
    done = routed(session, rules, memory, *posts)
    case = only_case(session)
    assert (done.opened, done.joined, done.alerts) == (1, 2, 1)
    assert (case.post_count, case.source_count) == (3, 2)
    hows = Counter(each.how for each in session.exec(select(Membership)))
    assert hows == {"new": 1, "same text": 1, "same event": 1}


def test_another_process_joins_the_same_case(session: Session, rules: Rules, memory: Memory) -> None:
    routed(session, rules, memory, arrive(session))
    elsewhere = new_memory()
    assert routed(session, rules, elsewhere, arrive(session, SAID + " unbelievable")).joined == 1
    assert routed(session, rules, memory, arrive(session, SAID + ", on video")).joined == 1
    assert only_case(session).post_count == 3


def test_what_was_rolled_back_is_forgotten(session: Session, rules: Rules, memory: Memory) -> None:
    post = arrive(session)
    session.commit()
    route(session, [post.id], rules, memory, LIFECYCLE, now=NOON)
    session.rollback()
    done = routed(session, rules, memory, post, arrive(session, SAID + " again"))
    assert (done.opened, done.joined) == (1, 1)


def test_an_error_half_way_does_not_leave_ghosts(session: Session, rules: Rules, memory: Memory) -> None:
    post = arrive(session)
    session.commit()
    broken = Rules(rules.rules, fresh_for=None)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        route(session, [post.id], broken, memory, LIFECYCLE, now=NOON)
    session.rollback()
    assert routed(session, rules, memory, post).opened == 1


def test_a_flood_is_one_case_one_alert_and_few_updates(
    session: Session, rules: Rules, memory: Memory
) -> None:
    rng = random.Random(7)
    updates = 0
    other = arrive(
        session, "Boy with a broken arm after officers stopped him by Walthamstow station, his mum says"
    )
    for batch in range(4):
        flood = [arrive(session, _noisy(rng, SAID), severity=0.3) for _ in range(100)]
        at = NOON + timedelta(minutes=batch)
        updates += routed(session, rules, memory, *flood, *([other] if batch == 2 else []), now=at).alerts
    cases = session.exec(select(Case).order_by(col(Case.post_count).desc())).all()
    assert [case.post_count for case in cases] == [400, 1]
    assert updates == 1 + 1  # the flood, and the other incident; that it grows is said by spreading
    alerts = session.exec(select(Alert).where(Alert.case_id == cases[0].id)).all()
    assert [alert.desk for alert in alerts] == ["comms"]


def _noisy(rng: random.Random, text: str) -> str:
    words = text.split()
    at = rng.randrange(len(words))
    words[at] = rng.choice(
        [words[at].upper(), words[at] + "!!", words[at].replace("e", "е"), "omg " + words[at]]
    )
    tail = rng.choice(["", "😡", "https://t.co/" + str(rng.random())[2:9], "#police #london", "disgusting"])
    return f"{' '.join(words)} {tail}"


def test_a_graver_report_raises_the_case_and_asks_anew(
    session: Session, rules: Rules, memory: Memory
) -> None:
    routed(session, rules, memory, arrive(session, severity=0.4))
    case, who = only_case(session), make_person()
    session.add(who)
    actions.acknowledge(session, case.id, who=who, desk=Desk.COMMS, through="desk", now=NOON)
    session.commit()
    trigger = {"name": "trigger", "score": 1.0, "because": "critical whatever the score: unconscious"}
    later = NOON + timedelta(minutes=10)
    routed(session, rules, memory, arrive(session, SAID + " he is unconscious", signals=[trigger]), now=later)
    case = only_case(session)
    assert case.severity == Severity.SEV1
    comms = session.exec(select(Alert).where(Alert.desk == Desk.COMMS)).one()
    assert (comms.state, comms.acknowledged_at) == (AlertState.OPEN, None)
    clock = session.exec(select(Clock).where(Clock.name == "acknowledge")).one()
    assert (clock.stopped_at, clock.due_at) == (None, later + timedelta(minutes=5))
    assert "severity raised" in [line.what for line in session.exec(select(LogEntry))]


def test_new_harm_asks_anew_where_a_case_was_acknowledged_though_it_is_no_graver(
    session: Session, rules: Rules, memory: Memory
) -> None:
    def signed(what: str) -> dict[str, Any]:
        return {"name": "trigger", "score": 1.0, "because": f"critical whatever the score: {what}"}

    routed(session, rules, memory, arrive(session, signals=[signed("unconscious")]))
    case, who = only_case(session), make_person()
    session.add(who)
    actions.acknowledge(session, case.id, who=who, desk=Desk.COMMS, now=NOON)
    session.commit()
    for minutes, what, state in (
        (5, "unconscious", AlertState.ACKNOWLEDGED),
        (9, "death after contact", AlertState.OPEN),
    ):
        later = NOON + timedelta(minutes=minutes)
        routed(session, rules, memory, arrive(session, f"{SAID}, {what}", signals=[signed(what)]), now=later)
        assert only_case(session).severity == Severity.SEV1
        assert session.exec(select(Alert).where(Alert.desk == Desk.COMMS)).one().state == state
    assert [line.what for line in session.exec(select(LogEntry))].count("new harm") == 1


def test_severity_never_falls_by_itself(session: Session, rules: Rules, memory: Memory) -> None:
    routed(session, rules, memory, arrive(session, severity=0.8))
    routed(session, rules, memory, arrive(session, SAID + " apparently", severity=0.1))
    assert only_case(session).severity == Severity.SEV2


def test_old_posts_are_told_in_a_digest_without_clocks_by_the_minute(
    session: Session, rules: Rules, memory: Memory
) -> None:
    routed(session, rules, memory, arrive(session, post={"published_at": NOON - timedelta(days=400)}))
    assert session.exec(select(Alert)).one().manner == "digest"
    assert [clock.name for clock in session.exec(select(Clock))] == ["acknowledge"]
    assert jobs(session)["draft"] == 1


def test_a_dismissed_case_stays_dismissed_under_more_of_the_same(
    session: Session, rules: Rules, memory: Memory
) -> None:
    routed(session, rules, memory, arrive(session, severity=0.4))
    case, who = only_case(session), make_person()
    session.add(who)
    actions.dismiss(session, case.id, who=who, status=Status.NOISE, why="staged for a film", now=NOON)
    session.commit()
    assert routed(session, rules, memory, arrive(session, SAID + " lol", severity=0.4)).joined == 1
    assert only_case(session).status == Status.NOISE
    trigger = {"name": "trigger", "score": 1.0, "because": "critical whatever the score: unconscious"}
    routed(session, rules, memory, arrive(session, SAID + " he is unconscious", signals=[trigger]))
    assert only_case(session).status == Status.DETECTED


def test_what_is_unsure_opens_its_own_case_and_is_suggested(session: Session, rules: Rules) -> None:
    careful = Memory.of(CONFIG / "matching" / "rarity.bin", TriageSettings(join_above=1.0, suggest_above=0.2))
    routed(session, rules, careful, arrive(session))
    done = routed(
        session, rules, careful,
        arrive(session, "Anyone know why officers were holding someone down on Rye Lane in Peckham tonight?"),
    )  # fmt: skip
    assert (done.opened, done.suggested) == (1, 1)
    sure = Counter(each.sure for each in session.exec(select(Membership)))
    assert sure == {True: 2, False: 1}


def test_a_short_post_waits_at_the_case_it_is_suggested_for(
    session: Session, rules: Rules, memory: Memory
) -> None:
    routed(session, rules, memory, arrive(session))
    done = routed(session, rules, memory, arrive(session, "officers outside bakery Rye Lane Peckham"))
    assert (done.opened, done.joined, done.suggested) == (0, 0, 1)
    assert only_case(session).post_count == 1


def test_another_force_is_listed_low_and_nobody_is_told(
    session: Session, rules: Rules, memory: Memory
) -> None:
    trigger = {"name": "trigger", "score": 1.0, "because": "critical whatever the score: unconscious"}
    routed(session, rules, memory, arrive(session, force=Force.OTHER_UK, signals=[trigger], severity=0.9))
    assert only_case(session).severity == Severity.SEV4
    assert not session.exec(select(Alert)).all()


def test_open_pages_are_told(engine: Engine, session: Session, rules: Rules, memory: Memory) -> None:
    with engine.connect() as listening:
        raw = listening.connection.driver_connection
        assert raw is not None
        raw.autocommit = True
        raw.execute("LISTEN desk")
        routed(session, rules, memory, arrive(session))
        told = next(raw.notifies(timeout=5))
    assert str(only_case(session).id) in told.payload
    assert '"opened"' in told.payload


def test_people_who_split_a_case_are_followed(session: Session, rules: Rules, memory: Memory) -> None:
    one = arrive(session)
    other = arrive(session, SAID + " and then a second man near the fountain in Burgess Park")
    routed(session, rules, memory, one, other)
    case, who = only_case(session), make_person()
    session.add(who)
    own: UUID = actions.split(session, case.id, [other.id], who=who, why="two incidents", now=NOON).id
    session.commit()
    later = arrive(session, "A second man held near the fountain in Burgess Park by officers this evening")
    routed(session, rules, memory, later, now=NOON + timedelta(seconds=5))
    member = session.exec(
        select(Membership).where(Membership.post_id == later.id, col(Membership.sure))
    ).one()
    assert member.case_id == own
