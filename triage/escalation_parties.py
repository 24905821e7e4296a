"""Parties to an escalation that must each acknowledge: which of them did."""

from sqlmodel import Session, col, select

from triage.escalation_answers import acknowledged_by
from triage.escalation_ladder import Ladder
from triage.escalation_records import Escalation
from triage.oncall import OnCall, stands_for
from triage.records import Person


def answered_by(session: Session, escalation: Escalation, ladder: Ladder, oncall: OnCall) -> set[str]:
    """The parties that acknowledged, where several must."""
    if not ladder.each:
        return set()
    known = acknowledged_by(session, escalation.alert_id, escalation.raised_at)
    people = {
        each.id: each.username for each in session.scalars(select(Person).where(col(Person.id).in_(known)))
    }
    return {
        party
        for person, at in known.items()
        for party in stands_for(session, oncall, ladder.each, people[person], at)
    }
