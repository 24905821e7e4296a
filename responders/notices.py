"""What there is to say about alerts, gathered from the tables in a few reads however many they are."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Float, and_, cast, func, select
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from classifier.records import Assessment
from responders.blocks import Notice
from triage.alert_acts import ESCALATED
from triage.clocks import ANSWERED_BY
from triage.notification_records import Notification, NotificationKind, NotificationState
from triage.permissions import GRANTS, Permission
from triage.records import Alert, Case, Clock, LogEntry, Membership, Person
from triage.restriction_records import Restriction

LABEL_ABOVE = 0.5
LABELS_FOR = 60  # cases whose labels are read; only the first of a list are shown


def notices(session: Session, alert_ids: Sequence[UUID], *, now: datetime) -> dict[UUID, Notice]:
    """One notice for each alert, by its id."""
    holder = aliased(Person)
    holds = and_(col(holder.id) == col(Case.claimed_by), col(Case.claimed_until) > now)
    rows = session.execute(
        select(Alert, Case, Person, holder)
        .join(Case, col(Case.id) == col(Alert.case_id))
        .outerjoin(Person, col(Person.id) == col(Alert.acknowledged_by))
        .outerjoin(holder, holds)
        .where(col(Alert.id).in_(alert_ids))
    ).all()
    restricted = restricted_among(session, {case.id for _alert, case, *_ in rows})
    worst = sorted({case.id: case.severity for _alert, case, *_ in rows}.items(), key=lambda each: each[1])
    labels = _labels(session, [case_id for case_id, _severity in worst[:LABELS_FOR]])
    running = _running(session, {case.id for _alert, case, *_ in rows})
    escalated = _escalated(session, {case.id for _alert, case, *_ in rows})
    fallen = _fell_back(session, alert_ids)
    return {
        alert.id: Notice(
            alert_id=alert.id,
            case_number=case.number or 0,
            desk=alert.desk,
            severity=case.severity,
            type=case.type,
            borough=case.borough,
            bcu=case.bcu,
            labels=labels.get(case.id, ()),
            status=case.status,
            state=alert.state,
            posts=case.post_count,
            raised_at=alert.raised_at,
            due_at=_due(running.get((case.id, alert.desk), ())),
            acknowledged_at=alert.acknowledged_at,
            acknowledged_by=f"{who.name}, {_role(who)}," if who else None,
            growth=alert.growth,
            grows=alert.says or "",
            restricted=case.id in restricted,
            breached=tuple(
                (each.name, each.due_at)
                for each in running.get((case.id, alert.desk), ())
                if each.breached_at is not None
            ),
            escalated_at=_since(escalated.get((case.id, alert.desk)), alert.raised_at),
            snoozed_until=_since(alert.snoozed_until, now),
            holder=held.name if held else None,
            fell_back=fallen.get(alert.id),
        )
        for alert, case, who, held in rows
    }


def _since(moment: datetime | None, since: datetime) -> datetime | None:
    return moment if moment is not None and moment >= since else None


def _role(person: Person) -> str:
    """As what somebody answers alerts."""
    answering = [role for role in person.roles if Permission.ACKNOWLEDGE in GRANTS.get(role, ())]
    return next(iter([*answering, *person.roles]), "no role").replace("_", " ")


def _escalated(session: Session, case_ids: Iterable[UUID]) -> dict[tuple[UUID, str], datetime]:
    """When each desk's alert of a case was last escalated."""
    desk = col(LogEntry.detail)["desk"].astext
    asked = (
        select(col(LogEntry.case_id), desk, func.max(col(LogEntry.at)))
        .where(col(LogEntry.case_id).in_(list(case_ids)), col(LogEntry.what) == ESCALATED)
        .group_by(col(LogEntry.case_id), desk)
    )
    return {(case_id, name): at for case_id, name, at in session.execute(asked)}


def _fell_back(session: Session, alert_ids: Sequence[UUID]) -> dict[UUID, tuple[datetime, tuple[str, ...]]]:
    """When alerts went another way since they were raised, and which ways."""
    nowhere = (NotificationState.WITHDRAWN, NotificationState.NO_CHANNEL, NotificationState.FAILED)
    asked = (
        select(Notification)
        .join(Alert, col(Alert.id) == col(Notification.alert_id))
        .where(
            col(Notification.alert_id).in_(alert_ids),
            col(Notification.kind) == NotificationKind.FALL_BACK,
            col(Notification.created_at) >= col(Alert.raised_at),
            col(Notification.state).not_in(nowhere),
        )
        .order_by(col(Notification.created_at), col(Notification.channel_kind))
    )
    found: dict[UUID, tuple[datetime, tuple[str, ...]]] = {}
    for each in session.scalars(asked):
        if each.alert_id is not None:
            at, ways = found.get(each.alert_id, (each.created_at, ()))
            found[each.alert_id] = (at, tuple(dict.fromkeys([*ways, each.channel_kind])))
    return found


def restricted_among(session: Session, case_ids: Iterable[UUID]) -> set[UUID]:
    """Of which of these nothing is said but that they are there."""
    asked = select(col(Restriction.case_id)).where(
        col(Restriction.case_id).in_(list(case_ids)), col(Restriction.lifted_at).is_(None)
    )
    return set(session.scalars(asked))


def _running(session: Session, case_ids: Iterable[UUID]) -> dict[tuple[UUID, str], list[Clock]]:
    """The clocks that run for each desk on each case, the first to run out leading."""
    asked = select(Clock).where(
        col(Clock.case_id).in_(list(case_ids)),
        col(Clock.stopped_at).is_(None),
        col(Clock.paused_at).is_(None),
    )
    found: dict[tuple[UUID, str], list[Clock]] = defaultdict(list)
    for each in session.scalars(asked.order_by(col(Clock.due_at), col(Clock.name))):
        found[each.case_id, each.desk].append(each)
    return found


def _due(clocks: Sequence[Clock]) -> datetime | None:
    """By when a desk must answer, while that clock runs."""
    return next((each.due_at for each in clocks if each.name in ANSWERED_BY.values()), None)


def _labels(session: Session, case_ids: Sequence[UUID]) -> dict[UUID, tuple[str, ...]]:
    """The labels that a case's posts carry, surest first."""
    label = func.jsonb_each_text(col(Assessment.labels)).table_valued("key", "value", joins_implicitly=True)
    score = func.max(cast(label.c.value, Float))
    asked = (
        select(col(Membership.case_id), label.c.key)
        .join(Assessment, col(Assessment.post_id) == col(Membership.post_id))
        .where(col(Membership.case_id).in_(case_ids), col(Membership.sure))
        .group_by(col(Membership.case_id), label.c.key)
        .having(score >= LABEL_ABOVE)
        .order_by(score.desc(), label.c.key)
    )
    found: dict[UUID, tuple[str, ...]] = {}
    for case_id, name in session.execute(asked):
        found[case_id] = (*found.get(case_id, ()), name)
    return found
