"""The ticks around being on call: ladders climbed, alerts left alone raised anew, briefs and handovers told."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import structlog
from sqlmodel import Session

from config.oncall import oncall_in_force
from config.service import House, in_short, is_away
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
        each = _OneByOne(session)
        for case_id, desk in found.unheard:
            each.do(escalation.alert_desk, session, case_id, desk, now=now)
        for alert_id in found.unbegun:
            each.do(escalation.begin, session, alert_id, oncall, now=now)
        for escalation_id in found.running:
            if done := each.do(escalation.climb, session, escalation_id, oncall, now=now):
                log.info("told who comes next", escalation=str(escalation_id), steps=done)
        for escalation_id in found.left_alone:
            if each.do(escalation.rearm, session, escalation_id, now=now):
                log.warning("acknowledged, then left alone: raised anew", escalation=str(escalation_id))
        if each.wrong is not None:
            raise each.wrong


class _OneByOne:
    """Each act in a transaction of its own: what cannot be done for one alert holds up no other.

    The first error is kept for when all others are done; with the database away nothing else is tried.
    """

    def __init__(self, session: Session) -> None:
        self.session = session
        self.wrong: Exception | None = None

    def do(self, act: Callable[..., Any], *given: Any, **named: Any) -> Any:
        try:
            done = act(*given, **named)
            self.session.commit()
        except Exception as error:
            self.session.rollback()
            if is_away(error):
                raise
            log.error("an alert is passed over", act=act.__name__, error=in_short(error))
            self.wrong = self.wrong or error
            return None
        return done


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
