"""The ticks that see to it that alerts arrive: falling back, the audit, tries of each channel, the watcher."""

from datetime import datetime, timedelta

import structlog
from sqlmodel import Session

from collector.errors import FetchError
from collector.http import Http
from config.channels import fall_backs_of, places_of, places_of_posts
from config.service import House
from responders.alarms import last_try, leave_alarms, leave_tests
from responders.channels.channel import TAKEN
from responders.fall_back import fall_back
from triage.auditing import audit, standing
from triage.web.calm import essentials

log = structlog.get_logger()

POSTS_ON = 0  # Monday: often enough to know a number is right, seldom enough for a chief officer's telephone
LASTING = timedelta(minutes=1)  # after a stop much is overdue for a moment


def fall_back_from_slack(house: House, now: datetime) -> None:
    """Send what Slack does not take by the other channels of its desk."""
    with Session(house.engine) as session:
        alerts = fall_back(
            session, fall_backs_of(house.settings), house.settings.alerts, house.settings.address, now=now
        )
        session.commit()
    if alerts:
        log.warning("alerts sent by fall-back", alerts=alerts)


def audit_alerts(house: House, now: datetime) -> None:
    """See that every open alert has a next step and nothing is overdue; raise an alarm when that is not so."""
    grace = timedelta(minutes=house.settings.alerts.audit_minutes)
    with Session(house.engine) as session:
        found = audit(session, grace=grace, now=now)
        lasting = [each for each in standing(session) if now - each.at >= LASTING]
        leave_alarms(session, places_of(house), lasting, desk_url=house.settings.address, now=now)
        session.commit()
        for each in found:
            log.error("audit of the alerts", found=each.subject, says=each.error)


def try_channels(house: House, now: datetime) -> None:
    """Send a test through every channel once a shift; once a week also to the posts that ladders tell last."""
    due = last_try(house.settings.alerts.test_at, now)
    if due is None:
        return
    with Session(house.engine) as session:
        desk_url = house.settings.address
        made = leave_tests(session, places_of(house), f"of {due.isoformat()}", desk_url=desk_url, now=now)
        if due.weekday() == POSTS_ON:
            posts = places_of_posts(house, session, now=now)
            made += leave_tests(session, posts, f"of {due.date().isoformat()}", desk_url=desk_url, now=now)
        session.commit()
    if made:
        log.info("channels are tested", channels=len(made))


def call_watcher(house: House, now: datetime) -> None:
    """Tell the outside watcher that all that matters is alive; when it is not, its silence is the alarm."""
    watcher = house.settings.alerts.watcher
    if watcher is None:
        return
    with Session(house.engine) as session:
        amiss = essentials(session, now=now)
    if amiss:
        log.error("the watcher is not called", because=[each.what for each in amiss])
        return
    try:
        with Http(house.settings.http) as http:
            http.post(watcher.get_secret_value(), b"", success=TAKEN, now=now)
    except FetchError as error:
        log.warning("the watcher was not reached", error=type(error).__name__)
