"""What an acknowledgement does to escalations: it is kept, and pages that nobody needs any more are withdrawn."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, text
from sqlmodel import Session, col, select

from triage.escalation_records import Acknowledgement, Escalation
from triage.records import Alert, Person

SEVERAL = func.jsonb_array_length(col(Escalation.ladder)["each"]) > 0
# one question instead of two, its words found once; `SEVERAL` stands in it as SQL
ANSWER = text("""
    WITH withdrawn AS (
        UPDATE notifications n SET state = 'withdrawn'
        WHERE n.alert_id = ANY(:alerts) AND n.kind = 'page' AND n.state = 'waiting'
            AND (n.recipient = :recipient OR NOT EXISTS (
                SELECT FROM escalations e WHERE e.alert_id = n.alert_id AND e.ended_at IS NULL
                    AND jsonb_array_length(e.ladder->'each') > 0))
    )
    INSERT INTO acknowledgements (alert_id, raised_at, person_id, at, through)
    SELECT id, raised_at, :person, :at, :through FROM alerts WHERE id = ANY(:alerts) ORDER BY id
    ON CONFLICT DO NOTHING
""")


def enter_answers(
    session: Session, alerts: Sequence[Alert], *, who: Person, through: str, now: datetime
) -> None:
    """Keep who acknowledged which raising. Pages still waiting are withdrawn, but those of others who must each
    acknowledge too."""
    answer = {
        "alerts": [each.id for each in alerts],
        "recipient": f"person:{who.username}",
        "person": who.id,
        "at": now,
        "through": through,
    }
    session.execute(ANSWER, answer)


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
