"""Reminders of what is due or lies ahead: left as notifications, once each for a day that matters."""

from datetime import date, datetime, timedelta
from uuid import uuid4

from sqlmodel import Session, col, select

from triage.briefs import BY, readers
from triage.escalation_words import NO_ADDRESS, leave
from triage.locked import LONDON
from triage.notification_records import ChannelKind, NotificationKind, NotificationState
from triage.oncall import OnCall, Reached, people_reached, reached
from triage.records import Desk
from triage.retention_policy import HoldRules
from triage.review.actions import BANDS
from triage.review.finding_records import Action, Feedback
from triage.review.group import Group
from triage.review.reminder import Reminder
from triage.review.reminding_ahead import of_holds, of_meetings

BEFORE = timedelta(days=7)
LASTS = timedelta(days=2)
MORNING = 9  # London; nobody is reminded by night


def remind(
    session: Session,
    oncall: OnCall,
    *,
    group: Group | None = None,
    holds: HoldRules | None = None,
    now: datetime,
) -> int:
    """Leave what is due to whom it is for. Without `group` nothing is said of meetings, without `holds` nothing of
    holds. Returns how many reminders were due. The caller commits."""
    local = now.astimezone(LONDON)
    if local.hour < MORNING:
        return 0
    due = [*_actions(session, oncall, local.date()), *_feedback(session, oncall, local.date(), now)]
    due += of_meetings(session, oncall, group, now=now) if group else ()
    due += of_holds(session, oncall, holds, now=now) if holds else ()
    for each in due:
        for who, kind in _told(session, oncall, each, now):
            _leave(session, each, who, kind, now)
    return len(due)


def _actions(session: Session, oncall: OnCall, today: date) -> list[Reminder]:
    """Open actions a week before they are due, on the day, and as they pass into each band of ageing."""
    asked = select(Action).where(
        col(Action.closed_at).is_(None),
        col(Action.completed_at).is_(None),
        col(Action.due_on) <= today + BEFORE,
    )
    found = []
    for action in session.exec(asked.order_by(col(Action.due_on), col(Action.number))):
        late = (today - action.due_on).days
        reached_at = [days for days in (-BEFORE.days, 0, *(days for _, days in BANDS)) if late >= days]
        step = max(reached_at)
        says = (
            f"due on {action.due_on:%-d %B %Y}" if late <= 0 else f"overdue since {action.due_on:%-d %B %Y}"
        )
        found.append(
            Reminder(
                f"action:{action.id}:{action.due_on.isoformat()}:{step}",
                f"A-{action.number} is {says}",
                f"Action A-{action.number} of the oversight group is {says}. Owner: {action.owner_post}.\n"
                f"{oncall.desk_url}/actions/{action.number}",
                action.owner_post,
            )
        )
    return found


def _feedback(session: Session, oncall: OnCall, today: date, now: datetime) -> list[Reminder]:
    """One reminder a day of what runs out within a day, and of what has run out."""
    asked = select(Feedback.due_at).where(
        col(Feedback.sent_at).is_(None), col(Feedback.due_at) < now + timedelta(days=1)
    )
    due = session.exec(asked).all()
    if not due:
        return []
    late = sum(each < now for each in due)
    subject = f"Feedback to BCUs: {len(due)} to send, {late} overdue"
    text = f"{subject}.\n{oncall.desk_url}/feedback"
    return [Reminder(f"feedback:{today.isoformat()}", subject, text)]


def _told(
    session: Session, oncall: OnCall, each: Reminder, now: datetime
) -> list[tuple[Reached, ChannelKind]]:
    people = people_reached(session, oncall, each.people)
    found = [(who, next((kind for kind in BY if who.address(kind)), BY[-1])) for who in people]
    if each.desk or not found:
        found += readers(session, oncall, Desk.OVERSIGHT, now=now)
    titled = [post.name for post in oncall.roster.post if post.title.lower() == each.owner_post.lower()]
    for name in titled:
        for who in reached(session, oncall, f"post:{name}", now=now):
            kind = next((kind for kind in BY if who.address(kind)), BY[-1])
            found.append((who, kind))
    return found


def _leave(session: Session, each: Reminder, who: Reached, kind: ChannelKind, now: datetime) -> None:
    address = who.address(kind)
    leave(
        session,
        {
            "id": uuid4(),
            "key": f"{each.name}:{who.recipient}:{kind.value}",
            "kind": NotificationKind.REMINDER,
            "channel_kind": kind,
            "recipient": who.recipient,
            "address": address,
            "subject": each.subject,
            "text": each.text,
            "created_at": now,
            "due_at": now,
            "expires_at": now + LASTS,
            **({} if address else {"state": NotificationState.NO_CHANNEL, "error": NO_ADDRESS}),
        },
    )
