"""The audit of alerts: that every open one has a next step due, and that nothing is overdue in an outbox.

It looks at rows alone and not at who was to write them, so it finds what nobody thought of. What it finds is a Failure
until it is mended: every page shows it, and the outside watcher is not called meanwhile.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID, uuid5

from sqlalchemy import text
from sqlmodel import Session, col, select

from collector.records import Failure
from triage.clocks import ANSWERED_BY
from triage.oncall import BROKEN

STAGE = "alerts"
NAMES = UUID("6d1f4c1e-6a0f-4f52-9a43-0e1b6c8d2f70")  # a finding keeps its id for as long as it lasts


class Found(NamedTuple):
    """One thing that is not as it must be. `name` stays the same while it lasts."""

    name: str
    says: str
    remedy: str


def audit(session: Session, *, grace: timedelta, now: datetime) -> list[Failure]:
    """Look at everything, write down what is wrong and what is mended, and return what was not known before."""
    found = list(_look(session, grace, now))
    known = {each.id: each for each in standing(session)}
    wrong = {uuid5(NAMES, each.name): each for each in found}
    for failure_id, failure in known.items():
        if failure_id not in wrong:
            failure.mended_at = now
    new = []
    for failure_id, each in wrong.items():
        row = session.get(Failure, failure_id) or Failure(
            id=failure_id, at=now, stage=STAGE, subject="", error=""
        )
        if failure_id not in known:
            row.at, row.mended_at = now, None
            new.append(row)
        row.subject, row.error, row.remedy = each.name, each.says, each.remedy
        session.add(row)
    session.flush()
    return new


def standing(session: Session) -> list[Failure]:
    """What was found and is not mended, the oldest first."""
    mine = Failure.stage == STAGE, col(Failure.mended_at).is_(None)
    return list(session.exec(select(Failure).where(*mine).order_by(col(Failure.at))))


def _look(session: Session, grace: timedelta, now: datetime) -> Iterator[Found]:
    answered = {desk.value: clock for desk, clock in ANSWERED_BY.items()}
    asked = {"late": now - grace, "now": now, **answered}
    stranded, oldest, number = session.connection().execute(NO_NEXT_STEP, asked).one()
    if stranded:
        yield Found(
            "no next step",
            f"{stranded} open {'alert has' if stranded == 1 else 'alerts have'} no next step due; "
            f"the oldest is GH-{number}, raised {oldest:%d %b %H:%M} UTC",
            "Acknowledge them on the alerts page, then give their desk and severity a ladder in escalation.toml",
        )
    for each in session.exec(
        select(Failure).where(Failure.stage == BROKEN, col(Failure.mended_at).is_(None))
    ):
        says = f"who is told next is read from the files as they were before: {each.error}"
        yield Found("on call", says, each.remedy or "")
    for name, words, query in OVERDUE:
        late, since = session.connection().execute(query, asked).one()
        if late:
            yield Found(
                name,
                f"{late} {words}, the longest since {since:%d %b %H:%M} UTC",
                "Tell people another way; run goldenhour doctor",
            )


NO_NEXT_STEP = text("""
SELECT count(*), min(a.raised_at), (array_agg(c.number ORDER BY a.raised_at))[1]
FROM alerts a JOIN cases c ON c.id = a.case_id
WHERE a.state = 'open' AND a.manner = 'page' AND a.growth = 0 AND a.raised_at < :late
  AND c.severity <= 3 AND c.status IN ('detected', 'triaged', 'confirmed')
  AND NOT (c.claimed_until IS NOT NULL AND c.claimed_until > :now)
  AND NOT (a.snoozed_until IS NOT NULL AND a.snoozed_until > :now)
  AND NOT EXISTS (SELECT FROM escalations e WHERE e.case_id = a.case_id AND e.desk = a.desk
                  AND e.ended_at IS NULL AND e.next_due_at >= :late)
  AND NOT EXISTS (SELECT FROM clocks k WHERE k.case_id = a.case_id AND k.desk = a.desk
                  AND k.name = CASE a.desk WHEN 'comms' THEN :comms ELSE :oversight END
                  AND k.stopped_at IS NULL AND k.paused_at IS NULL AND k.due_at >= :late)
  AND NOT EXISTS (SELECT FROM deliveries d WHERE d.alert_id = a.id
                  AND d.state IN ('waiting', 'sending', 'unknown') AND d.due_at >= :late)
  AND NOT EXISTS (SELECT FROM notifications n WHERE n.alert_id = a.id
                  AND n.state IN ('waiting', 'sending', 'unknown') AND n.due_at >= :late)
""")
OVERDUE = (
    (
        "Slack outbox",
        "messages to Slack are overdue",
        text(
            "SELECT count(*), min(due_at) FROM deliveries WHERE state IN ('waiting', 'sending', 'unknown')"
            # a digest gathers for some minutes
            " AND due_at < :late - interval '10 minutes' * CAST(manner = 'digest' AS integer)"
        ),
    ),
    (
        "notifications",
        "notifications are overdue",
        text(
            "SELECT count(*), min(due_at) FROM notifications"
            " WHERE state IN ('waiting', 'sending', 'unknown') AND due_at < :late"
        ),
    ),
    (
        "escalations",
        "escalations have missed a step",
        text(
            "SELECT count(*), min(next_due_at) FROM escalations"
            " WHERE ended_at IS NULL AND next_due_at < :late"
        ),
    ),
)
