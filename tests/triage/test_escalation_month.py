"""A month of alerts through PostgreSQL: ticks that die before they commit, clocks that are set, people who answer."""

from collections import defaultdict
from datetime import datetime, timedelta
from itertools import product
from random import Random
from uuid import UUID

import pytest
from sqlalchemy import Engine
from sqlmodel import Session, select

from tests.make import make_alert, make_case, make_person
from tests.triage.test_escalation import ROSTER
from tests.triage.test_ladders import BEGINNINGS, DAYS, SEED, Pencil, random_ladder
from triage import escalation
from triage.actions import acknowledge
from triage.escalation_ladder import Ladder, Ladders
from triage.escalation_records import Escalation, EscalationStep
from triage.escalation_waiting import waiting
from triage.notification_records import Notification
from triage.oncall import OnCall
from triage.oncall_roster import Roster
from triage.records import Alert, Desk, Severity

CASES = 16
TICKS = 70
DIES = 0.15


def random_ladders(random: Random) -> Ladders:
    rare = {"then_every": timedelta(days=1)}
    ladders = [
        random_ladder(random).model_copy(update={"desk": desk, "severity": Severity(severity), **rare})
        for desk, severity in product(Desk, (1, 2, 3))
    ]
    return Ladders(ladder=tuple(ladders))


def tick(session: Session, oncall: OnCall, random: Random, now: datetime) -> bool:
    """One tick; False when it died somewhere on its way."""
    found = waiting(session, oncall, now=now)
    session.commit()
    for act, ids in ((escalation.begin, found.unbegun), (escalation.climb, found.running)):
        for each in ids:
            act(session, each, oncall, now=now)
            if random.random() < DIES:
                session.rollback()
                return False
            session.commit()
    return True


@pytest.mark.parametrize("start", BEGINNINGS, ids=["March", "October"])
def test_each_due_step_is_done_once_and_none_after_the_acknowledgement(
    engine: Engine, start: datetime
) -> None:
    random = Random(SEED + start.month)
    oncall = OnCall(random_ladders(random), Roster.model_validate(ROSTER), frozenset(), "")
    raised_at: dict[UUID, datetime] = {}
    answers_at: dict[UUID, datetime] = {}
    with Session(engine) as session:
        person = make_person(username="ann", roles=["duty_officer"], desks=["comms", "oversight"])
        session.add(person)
        for _ in range(CASES):
            at = start + timedelta(minutes=random.randint(0, 25 * 24 * 60))
            desk = random.choice(list(Desk))
            case = make_case(severity=random.randint(1, 3), desks=[desk.value], opened_at=at)
            alert = make_alert(case, desk=desk, raised_at=at)
            session.add(case)
            session.flush()
            session.add(alert)
            raised_at[alert.id] = at
            answers_at[alert.id] = at + timedelta(
                seconds=random.expovariate(1 / random.choice((40_000, 1e7)))
            )
        session.commit()
        looked, settled = dict(raised_at), dict(raised_at)
        told_when_answered: dict[UUID, int] = {}
        now, deaths, back = start, 0, 0
        while now < start + timedelta(days=DAYS):
            for alert_id in [
                each for each, at in answers_at.items() if at <= now and each not in told_when_answered
            ]:
                alert = session.get_one(Alert, alert_id)
                if alert.raised_at <= now:
                    acknowledge(session, alert.case_id, who=person, desk=Desk(alert.desk), now=now)
                    session.commit()
                    told_when_answered[alert_id] = len(_steps(session)[alert_id])
            whole = tick(session, oncall, random, now)
            deaths += not whole
            for alert_id in raised_at.keys() - told_when_answered.keys():
                looked[alert_id] = max(looked[alert_id], now)
                settled[alert_id] = max(settled[alert_id], now) if whole else settled[alert_id]
            length = random.randint(1, 2 * DAYS * 24 * 3600 // TICKS)
            length = length if random.random() < 0.85 else random.randint(-7_200, 3_600)
            back += length < 0
            now += timedelta(seconds=length)
        assert deaths > 3
        assert back > 3
        assert told_when_answered
        done = _steps(session)
        begun = {each.alert_id: each for each in session.exec(select(Escalation))}
        keys = list(session.exec(select(Notification.key)))
    assert len(keys) == len(set(keys))
    for alert_id, steps in done.items():
        if alert_id in told_when_answered:
            assert len(steps) == told_when_answered[alert_id], "somebody was told after the acknowledgement"
        one = begun[alert_id]
        pencil = Pencil(Ladder.model_validate(one.ladder), one.began_at)
        may = pencil.all_until(looked[alert_id])
        assert steps.items() <= may.items(), "a step was done that was not due"
        assert Pencil(pencil.ladder, one.began_at).all_until(settled[alert_id]).keys() <= steps.keys()
    assert sum(map(len, done.values())) > 3 * CASES


def _steps(session: Session) -> dict[UUID, dict[tuple[int, int], datetime]]:
    """By alert: which steps were done for which time, and when they were due."""
    found: dict[UUID, dict[tuple[int, int], datetime]] = defaultdict(dict)
    rows = select(Escalation.alert_id, EscalationStep).join(EscalationStep)
    for alert_id, step in session.exec(rows):
        found[alert_id][step.step, step.turn] = step.due_at
    return found
