"""The ticks around being on call: ladders climbed, answered alerts left alone raised anew."""

from datetime import datetime

import structlog
from sqlmodel import Session

from config.oncall import read_oncall
from config.service import House
from triage import escalation
from triage.escalation_waiting import waiting

log = structlog.get_logger()


def mind_alerts(house: House, now: datetime) -> None:
    """Do what is due about alerts that nobody acknowledges, or did and left; one case and transaction at a time."""
    oncall = read_oncall(house.settings)
    with Session(house.engine) as session:
        found = waiting(session, oncall, now=now)
        session.commit()
        for case_id, desk in found.unheard:
            escalation.alert_desk(session, case_id, desk, now=now)
            session.commit()
        for alert_id in found.unbegun:
            escalation.begin(session, alert_id, oncall, now=now)
            session.commit()
        for escalation_id in found.running:
            done = escalation.climb(session, escalation_id, oncall, now=now)
            session.commit()
            if done:
                log.info("told who comes next", escalation=str(escalation_id), steps=done)
        for escalation_id in found.left_alone:
            anew = escalation.rearm(session, escalation_id, now=now)
            session.commit()
            if anew:
                log.warning("acknowledged, then left alone: raised anew", escalation=str(escalation_id))
