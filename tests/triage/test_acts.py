"""What people do to cases: one at a time, with a reason and a line in the log, and whoever is second is told."""

import json
import threading
from collections import Counter
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import Engine, text
from sqlmodel import Session, col, select

from tests.make import NOON, make_alert, make_assessment, make_case, make_person, make_post
from triage import actions
from triage.records import (
    Alert,
    AlertState,
    Case,
    Clock,
    Desk,
    LogEntry,
    Membership,
    Person,
    Role,
    Status,
)

LATER = NOON + timedelta(minutes=5)


@pytest.fixture
def ann(session: Session) -> Person:
    return kept(session, make_person(username="ann", name="Ann Kerr"))


@pytest.fixture
def ben(session: Session) -> Person:
    return kept(session, make_person(username="ben", name="Ben Orr"))


@pytest.fixture
def case(session: Session) -> Case:
    return case_with(session, 1)


def kept(session: Session, person: Person) -> Person:
    session.add(person)
    session.commit()
    return person


def case_with(session: Session, posts: int, **given: object) -> Case:
    """A case with so many posts, an alert for comms and its clock."""
    case = make_case(post_count=posts, **given)
    session.add(case)
    session.flush()
    session.add(make_alert(case))
    session.add(Clock(case_id=case.id, name="acknowledge", desk=Desk.COMMS, started_at=NOON, due_at=LATER))
    for number in range(posts):
        post = make_post(f"Report number {number} of what happened", source=f"source-{number}")
        session.add_all([post, make_assessment(post)])
        session.add(Membership(post_id=post.id, case_id=case.id, how="new", joined_at=NOON))
    session.commit()
    return case


def posts_of(session: Session, case: UUID) -> list[UUID]:
    members = select(Membership.post_id).where(Membership.case_id == case, col(Membership.sure))
    return list(session.scalars(members.order_by(col(Membership.post_id))))


def log_of(session: Session, case: UUID) -> list[LogEntry]:
    session.commit()  # the log is written with the commit
    return list(session.scalars(select(LogEntry).where(LogEntry.case_id == case).order_by(col(LogEntry.seq))))


def test_a_claim_says_who_and_until_when(session: Session, case: Case, ann: Person) -> None:
    actions.claim(session, case.id, who=ann, now=NOON)
    assert (case.claimed_by, case.claimed_until) == (ann.id, NOON + timedelta(minutes=20))
    assert (case.status, case.version) == (Status.TRIAGED, 2)
    assert [(line.who, line.what) for line in log_of(session, case.id)] == [("ann", "claimed")]


def test_a_second_claim_is_told_who_has_it_and_for_how_long(
    session: Session, case: Case, ann: Person, ben: Person
) -> None:
    actions.claim(session, case.id, who=ann, now=NOON)
    with pytest.raises(actions.Conflict, match="Ann Kerr has this case for another 15:00"):
        actions.claim(session, case.id, who=ben, now=LATER)
    with pytest.raises(actions.Conflict, match="Ann Kerr"):
        actions.dismiss(session, case.id, who=ben, status=Status.NOISE, why="staged", now=LATER)


def test_a_claim_runs_out_by_itself(session: Session, case: Case, ann: Person, ben: Person) -> None:
    actions.claim(session, case.id, who=ann, now=NOON)
    actions.claim(session, case.id, who=ben, now=NOON + timedelta(minutes=20))
    assert case.claimed_by == ben.id


def test_only_the_holder_or_a_duty_officer_gives_a_case_back(
    session: Session, case: Case, ann: Person, ben: Person
) -> None:
    actions.claim(session, case.id, who=ann, now=NOON)
    with pytest.raises(actions.Conflict):
        actions.release(session, case.id, who=ben, now=NOON)
    ben.roles = [Role.DUTY_OFFICER]
    actions.release(session, case.id, who=ben, now=NOON)
    assert case.claimed_by is None
    assert log_of(session, case.id)[-1].what == "claim broken"
    with pytest.raises(actions.Conflict, match="Nobody"):
        actions.release(session, case.id, who=ann, now=NOON)


def test_acknowledging_stops_the_clock_and_updates_every_channel(
    session: Session, case: Case, ann: Person
) -> None:
    actions.acknowledge(session, case.id, who=ann, desk=Desk.COMMS, through="slack", now=NOON)
    session.commit()
    alert = session.exec(select(Alert)).one()
    assert (alert.state, alert.acknowledged_by, alert.acknowledged_through) == (
        "acknowledged",
        ann.id,
        "slack",
    )
    assert alert.revision == 2
    clock = session.exec(select(Clock)).one()
    assert (clock.stopped_at, clock.stopped_by) == (NOON, "ann")
    [job] = session.execute(text("SELECT task_name, args FROM procrastinate_jobs"))
    assert (job.task_name, job.args) == ("deliver", {"alert": str(alert.id)})


def test_the_same_click_twice_counts_once_and_another_is_told(
    session: Session, case: Case, ann: Person, ben: Person
) -> None:
    for _ in range(3):
        actions.acknowledge(session, case.id, who=ann, desk=Desk.COMMS, now=NOON)
    assert len(log_of(session, case.id)) == 1
    with pytest.raises(actions.Conflict, match="Ann Kerr acknowledged this at 13:00"):
        actions.acknowledge(session, case.id, who=ben, desk=Desk.COMMS, now=LATER)
    with pytest.raises(actions.Conflict, match="oversight desk was not alerted"):
        actions.acknowledge(session, case.id, who=ben, desk=Desk.OVERSIGHT, now=LATER)


def test_dismissing_needs_a_reason_and_closes_what_hangs_on_it(
    session: Session, case: Case, ann: Person
) -> None:
    with pytest.raises(actions.Conflict, match="Say why"):
        actions.dismiss(session, case.id, who=ann, status=Status.NOISE, why="  ", now=NOON)
    with pytest.raises(ValueError, match="dismissed as"):
        actions.dismiss(session, case.id, who=ann, status=Status.CONFIRMED, why="x", now=NOON)
    actions.dismiss(session, case.id, who=ann, status=Status.NOT_OURS, why="filmed in Kent", now=NOON)
    assert (case.status, case.dismissed_because) == (Status.NOT_OURS, "filmed in Kent")
    assert session.exec(select(Alert)).one().state == AlertState.CLOSED
    assert session.exec(select(Clock)).one().stopped_at == NOON
    with pytest.raises(actions.Conflict, match="not ours"):
        actions.claim(session, case.id, who=ann, now=NOON)


def test_a_dismissal_is_undone_with_its_alerts_and_clocks(
    session: Session, case: Case, ann: Person, ben: Person
) -> None:
    actions.dismiss(session, case.id, who=ann, status=Status.NOISE, why="staged", now=NOON)
    session.commit()
    with pytest.raises(actions.Conflict, match="nothing of yours"):
        actions.undo(session, case.id, who=ben, now=LATER)
    actions.undo(session, case.id, who=ann, now=LATER)
    assert (case.status, case.dismissed_because) == (Status.DETECTED, None)
    assert session.exec(select(Alert)).one().state == AlertState.OPEN
    assert session.exec(select(Clock)).one().stopped_at is None


def test_what_changed_meanwhile_is_not_overwritten(session: Session, case: Case, ann: Person) -> None:
    actions.watch(session, case.id, who=ann, now=NOON)
    with pytest.raises(actions.Conflict, match="has changed"):
        actions.dismiss(session, case.id, who=ann, status=Status.NOISE, why="staged", now=NOON, version=1)
    actions.confirm(session, case.id, who=ann, now=NOON)
    assert case.status == Status.CONFIRMED


def test_splitting_makes_a_case_of_its_own(session: Session, ann: Person) -> None:
    case = case_with(session, 3)
    first, *others = posts_of(session, case.id)
    new = actions.split(session, case.id, [first], who=ann, why="another street", now=NOON)
    session.commit()
    assert posts_of(session, new.id) == [first]
    assert posts_of(session, case.id) == others
    assert (case.post_count, case.source_count, new.post_count, new.source_count) == (2, 2, 1, 1)
    assert new.number is not None
    assert [line.what for line in log_of(session, new.id)] == ["split off"]
    with pytest.raises(actions.Conflict, match="not all"):
        actions.split(session, case.id, others, who=ann, why="x", now=NOON)
    with pytest.raises(actions.Conflict, match="not in this case"):
        actions.split(session, case.id, [first], who=ann, why="x", now=NOON)


def test_joining_a_case_brings_everything_over(session: Session, ann: Person) -> None:
    case, other = case_with(session, 1, severity=3), case_with(session, 2, severity=2)
    actions.join(session, case.id, other.id, who=ann, why="the same stop", now=NOON)
    session.commit()
    assert (case.post_count, case.severity) == (3, 2)
    assert (other.status, other.dismissed_because) == (Status.CLOSED, f"joined to GH-{case.number}")
    states = {alert.case_id: alert.state for alert in session.exec(select(Alert))}
    assert states == {case.id: "open", other.id: "closed"}


def test_joining_one_post_moves_it(session: Session, ann: Person) -> None:
    case, other = case_with(session, 1), case_with(session, 2)
    moved = posts_of(session, other.id)[0]
    actions.join(session, case.id, moved, who=ann, now=NOON)
    session.commit()
    assert moved in posts_of(session, case.id)
    assert (case.post_count, other.post_count, other.status) == (2, 1, Status.DETECTED)


def test_a_suggestion_is_confirmed_or_refused_once(session: Session, ann: Person) -> None:
    case, own = case_with(session, 1), case_with(session, 1)
    post = posts_of(session, own.id)[0]
    session.add(
        Membership(post_id=post, case_id=case.id, sure=False, score=0.4, how="same event", joined_at=NOON)
    )
    session.commit()
    actions.confirm_suggestion(session, case.id, post, who=ann, now=NOON)
    session.commit()
    assert post in posts_of(session, case.id)
    assert own.status == Status.CLOSED
    with pytest.raises(actions.Conflict, match="answered already"):
        actions.refuse_suggestion(session, case.id, post, who=ann, now=NOON)


def test_a_refused_suggestion_leaves(session: Session, case: Case, ann: Person) -> None:
    post = make_post("Something else entirely")
    session.add(post)
    session.add(Membership(post_id=post.id, case_id=case.id, sure=False, score=0.4, how="x", joined_at=NOON))
    session.commit()
    actions.refuse_suggestion(session, case.id, post.id, who=ann, now=NOON)
    assert session.get(Membership, (post.id, case.id)) is None


def test_twenty_people_take_cases_at_once_and_each_is_taken_once(engine: Engine, session: Session) -> None:
    people = [make_person(username=f"p{number}") for number in range(20)]
    session.add_all([*people, *(make_case(title=f"Case {number}") for number in range(60))])
    session.commit()
    ids = [person.id for person in people]
    taken: list[UUID] = []

    def work(person_id: UUID) -> None:
        with Session(engine) as own:
            who = own.get_one(Person, person_id)
            while cases := actions.claim_next(own, who=who, now=NOON, most=2):
                taken.extend([case.id for case in cases])
                own.commit()

    _at_once([lambda person=person: work(person) for person in ids])
    assert len(taken) == 60
    assert max(Counter(taken).values()) == 1
    assert len(session.exec(select(LogEntry).where(LogEntry.what == "claimed")).all()) == 60


def test_twenty_people_claim_one_case_and_one_gets_it(engine: Engine, session: Session, case: Case) -> None:
    people = [make_person(username=f"p{number}") for number in range(20)]
    session.add_all(people)
    session.commit()
    ids, case_id = [person.id for person in people], case.id
    told: list[str] = []

    def work(person_id: UUID) -> None:
        with Session(engine) as own:
            try:
                actions.claim(own, case_id, who=own.get_one(Person, person_id), now=NOON)
                own.commit()
                told.append("got it")
            except actions.Conflict as conflict:
                told.append(str(conflict))

    _at_once([lambda person=person: work(person) for person in ids])
    assert told.count("got it") == 1
    assert sum("has this case" in each for each in told) == 19
    session.expire_all()
    assert session.get_one(Case, case_id).version == 2


def test_pages_are_told_of_an_act_when_it_commits(
    engine: Engine, session: Session, case: Case, ann: Person
) -> None:
    with engine.connect() as listening:
        raw = listening.connection.driver_connection
        assert raw is not None
        raw.autocommit = True
        raw.execute("LISTEN desk")
        actions.claim(session, case.id, who=ann, now=NOON)
        session.commit()
        told = next(raw.notifies(timeout=5))
    assert json.loads(told.payload) == {"kind": "claimed", "case": str(case.id), "kept": False}


def _at_once(works: list) -> None:  # type: ignore[type-arg]
    threads = [threading.Thread(target=work) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
