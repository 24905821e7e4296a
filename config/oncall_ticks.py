"""The ticks around being on call: ladders climbed, alerts left alone raised anew, briefs and handovers told."""

from datetime import datetime

import structlog
from sqlmodel import Session

from config.oncall import oncall_in_force
from config.service import House
from config.slack import channels_of
from triage import briefs, escalation
from triage.escalation_waiting import waiting
from triage.hidden import look_as_anybody
from triage.notification_records import ChannelKind
from triage.oncall import OnCall
from triage.records import Desk
from triage.shifts import read_shift_policy
from triage.web.calm import troubles

log = structlog.get_logger()


def mind_alerts(house: House, now: datetime) -> None:
    """Do what is due about alerts that nobody acknowledges, or did and left; one case and transaction at a time."""
    oncall = oncall_in_force(house, now=now)
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


def tell_people(house: House, now: datetime) -> None:
    """The brief at seven, the digest when a shift ends, and a word to whoever comes on call; each once."""
    oncall, channels = oncall_in_force(house, now=now), channels_of(house)
    with Session(house.engine) as session:
        brief = briefs.due_brief(now)
        if brief is not None and not briefs.is_sent(session, brief, Desk.COMMS):
            briefs.forget_addresses(session, now=now)
        briefs.tell_handovers(session, oncall, now=now)
        look_as_anybody(session)  # what goes to a whole desk holds nothing of a restricted case
        for desk in Desk:
            _summaries(session, house, oncall, desk, channels.get(desk.value), now)
        session.commit()


def _summaries(
    session: Session, house: House, oncall: OnCall, desk: Desk, channel: str | None, now: datetime
) -> None:
    hours = read_shift_policy(house.settings.file("policy/shift.toml")).hours
    ends = briefs.shift_ends([rota for rota in oncall.roster.rota if rota.desk == desk], hours)
    due = (briefs.due_brief(now), briefs.due_digest(now, ends, hours))
    for each in due:
        if each is None or briefs.is_sent(session, each, desk):
            continue
        blind = [f"{trouble.what}." for trouble in troubles(session, channels=(), now=now).troubles[:5]]
        said = briefs.summary(session, desk, each, blind=blind, desk_url=oncall.desk_url, now=now)
        briefs.send(session, f"desk:{desk.value}", channel, ChannelKind.SLACK, each, said, now=now)
        for reader, kind in briefs.readers(session, oncall, desk, now=now):
            briefs.send(session, reader.recipient, reader.address(kind), kind, each, said, now=now)
        log.info("summary left", kind=each.kind.value, desk=desk.value)
