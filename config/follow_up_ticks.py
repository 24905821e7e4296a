"""The tick that follows up what the oversight group decided: feedback that ran out unsent, reminders that are due."""

from datetime import datetime

import structlog
from sqlmodel import Session

from config.oncall import oncall_in_force
from config.service import House
from triage.review.feedback import mark_breaches
from triage.review.reminding import remind

log = structlog.get_logger()


def follow_up(house: House, now: datetime) -> None:
    """Mark what ran out, and leave the reminders that are due."""
    with Session(house.engine) as session:
        late = mark_breaches(session, now=now)
        session.commit()
        remind(session, oncall_in_force(house, now=now), now=now)
        session.commit()
    if late:
        log.warning("feedback to BCUs overdue", cases=late)
