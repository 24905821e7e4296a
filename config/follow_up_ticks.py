"""The tick that follows up what the oversight group decided: feedback that ran out unsent, reminders that are due of
that, of meetings and of holds."""

from datetime import datetime

import structlog
from sqlmodel import Session

from config.oncall import oncall_in_force
from config.retaining import retention_policy
from config.service import House
from triage.review.feedback import mark_breaches
from triage.review.group import read_group
from triage.review.reminding import remind

log = structlog.get_logger()


def follow_up(house: House, now: datetime) -> None:
    """Mark what ran out, and leave the reminders that are due."""
    with Session(house.engine) as session:
        late = mark_breaches(session, now=now)
        session.commit()
        group = read_group(house.settings.file("review/group.toml"))
        holds = retention_policy(house.settings).holds
        remind(session, oncall_in_force(house, now=now), group=group, holds=holds, now=now)
        session.commit()
    if late:
        log.warning("feedback to BCUs overdue", cases=late)
