"""An escalation: one climb of a ladder about one desk's alert, its steps that were done, and who acknowledged."""

from typing import Any
from uuid import UUID, uuid4

from pydantic import AwareDatetime
from sqlalchemy import Index, text
from sqlmodel import Field

from collector.records import Record, document


class Escalation(Record, table=True):
    """Somebody is told, step by step, until the alert is acknowledged.

    One runs at a time for a case and desk; `round` counts those of one alert. `raised_at` is the raising it answers, so
    that each is taken up once. `ladder` is the policy as it stood when it began, which is climbed to the end whatever
    the file says since. `next_due_at` is when the next step is due; `rearm_at` when somebody looks whether anything
    happened after it was acknowledged.
    """

    __tablename__ = "escalations"
    __table_args__ = (
        Index("escalations_alert_id_round_key", "alert_id", "round", unique=True),
        Index(
            "escalations_running_key",
            "case_id",
            "desk",
            unique=True,
            postgresql_where=text("ended_at IS NULL"),
        ),
        Index("escalations_rearm_at_idx", "rearm_at", postgresql_where=text("rearm_at IS NOT NULL")),
    )

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    alert_id: UUID = Field(foreign_key="alerts.id")
    round: int = 1
    case_id: UUID = Field(foreign_key="cases.id")
    desk: str
    severity: int
    raised_at: AwareDatetime
    ladder: dict[str, Any] = Field(default={}, sa_column=document())
    began_at: AwareDatetime
    next_due_at: AwareDatetime | None = None
    ended_at: AwareDatetime | None = None
    ended_because: str | None = None
    rearm_at: AwareDatetime | None = None


class EscalationStep(Record, table=True):
    """That a step of an escalation was done, for the time number `turn`. `told` are the parties, and the people they
    were just then; `pressed_by` is who asked for it before it was due, and `why`."""

    __tablename__ = "escalation_steps"

    escalation_id: UUID = Field(foreign_key="escalations.id", primary_key=True)
    step: int = Field(primary_key=True)
    turn: int = Field(primary_key=True)
    due_at: AwareDatetime
    done_at: AwareDatetime
    told: list[dict[str, Any]] = Field(default=[], sa_column=document("[]"))
    pressed_by: UUID | None = Field(default=None, foreign_key="people.id")
    why: str | None = None


class Acknowledgement(Record, table=True):
    """That one person acknowledged one raising of an alert, when and where. A case may need several."""

    __tablename__ = "acknowledgements"

    alert_id: UUID = Field(foreign_key="alerts.id", primary_key=True)
    raised_at: AwareDatetime = Field(primary_key=True)
    person_id: UUID = Field(foreign_key="people.id", primary_key=True)
    at: AwareDatetime
    through: str
