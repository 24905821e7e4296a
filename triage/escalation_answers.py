"""What an acknowledgement does to escalations: it is kept, and pages that nobody needs any more are withdrawn."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import exists, func, update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select

from triage.escalation_records import Acknowledgement, Escalation
from triage.notification_records import Notification, NotificationKind, NotificationState
from triage.records import Alert, Person

SEVERAL = func.jsonb_array_length(col(Escalation.ladder)["each"]) > 0


def enter_answers(
    session: Session, alerts: Sequence[Alert], *, who: Person, through: str, now: datetime
) -> None:
    """Keep who acknowledged which raising. Pages still waiting are withdrawn, but those of others who must each
    acknowledge too."""
    answers = [
        {"alert_id": each.id, "raised_at": each.raised_at, "person_id": who.id, "at": now, "through": through}
        for each in alerts
    ]
    several = exists().where(
        col(Escalation.alert_id) == col(Notification.alert_id), col(Escalation.ended_at).is_(None), SEVERAL
    )
    withdrawn = (
        update(Notification)
        .where(
            col(Notification.alert_id).in_([alert.id for alert in alerts]),
            col(Notification.kind) == NotificationKind.PAGE,
            col(Notification.state) == NotificationState.WAITING,
            (col(Notification.recipient) == f"person:{who.username}") | ~several,
        )
        .values(state=NotificationState.WITHDRAWN)
        .cte("withdrawn")
    )
    session.execute(insert(Acknowledgement).values(answers).on_conflict_do_nothing().add_cte(withdrawn))


def needs_others(session: Session, alert: Alert) -> bool:
    """Whether an alert that somebody acknowledged waits for others, who must each acknowledge too."""
    running = select(Escalation.id).where(
        Escalation.alert_id == alert.id, col(Escalation.ended_at).is_(None), SEVERAL
    )
    return session.exec(running).first() is not None


def acknowledged_by(session: Session, alert_id: UUID, raised_at: datetime) -> dict[UUID, datetime]:
    """Who acknowledged one raising of an alert, and when."""
    asked = select(Acknowledgement.person_id, Acknowledgement.at).where(
        Acknowledgement.alert_id == alert_id, Acknowledgement.raised_at == raised_at
    )
    return {person: at for person, at in session.execute(asked)}
