"""What waits to be escalated: alerts without a ladder, ladders with a step due, answered alerts left alone."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, and_, exists, or_, tuple_
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from triage.escalation_records import Escalation
from triage.oncall import OnCall
from triage.records import Alert, AlertState, Case, Desk, Status

AT_ONCE = 200
CLIMBING = (Status.DETECTED, Status.TRIAGED, Status.CONFIRMED)  # what somebody watches waits for nobody
FRESH = timedelta(hours=1)  # an alert found later than this begins when it is found, not when it was raised


class Waiting(NamedTuple):
    """What there is to do: cases and desks without an escalation, desks to alert, escalations to look at."""

    unheard: list[tuple[UUID, Desk]]
    unbegun: list[UUID]
    running: list[UUID]
    left_alone: list[UUID]


def waiting(session: Session, oncall: OnCall, *, now: datetime) -> Waiting:
    """By ids, the gravest and longest waiting first; at most a few hundred of each."""
    return Waiting(
        list(_unheard(session, oncall, now)),
        _unbegun(session, oncall, now),
        _running(session, now),
        list(session.scalars(select(Escalation.id).where(col(Escalation.rearm_at) <= now).limit(AT_ONCE))),
    )


def _unheard(session: Session, oncall: OnCall, now: datetime) -> Iterable[tuple[UUID, Desk]]:
    """Desks that must acknowledge a case and were not told, also where another has answered meanwhile."""
    lately = and_(col(Alert.state) == AlertState.ACKNOWLEDGED, col(Alert.raised_at) > now - FRESH)
    for both in oncall.ladders.both:
        for desk in both.desks:
            own = aliased(Alert)
            asked = (
                select(Case.id)
                .join(Alert, col(Alert.case_id) == col(Case.id))
                .where(
                    col(Case.status).in_(CLIMBING),
                    Case.severity == both.severity,
                    or_(col(Alert.state) == AlertState.OPEN, lately),
                    Alert.manner == "page",
                    ~exists().where(col(own.case_id) == Case.id, col(own.desk) == desk),
                )
                .distinct()
                .limit(AT_ONCE)
            )
            yield from ((case_id, desk) for case_id in session.scalars(asked))


def _unbegun(session: Session, oncall: OnCall, now: datetime) -> list[UUID]:
    """One alert of each desk and case that climbs nothing yet: open, or answered before its ladder, which needs
    several, was begun."""
    known = [(each.desk, each.severity) for each in oncall.ladders.ladder]
    several = [(each.desk, each.severity) for each in oncall.ladders.ladder if each.each]
    if not known:
        return []
    runs = exists().where(
        col(Escalation.case_id) == Alert.case_id,
        col(Escalation.desk) == Alert.desk,
        col(Escalation.ended_at).is_(None),
    )
    climbed = exists().where(
        col(Escalation.alert_id) == Alert.id, col(Escalation.raised_at) == Alert.raised_at
    )
    place = tuple_(Alert.desk, Case.severity)
    early: ColumnElement[bool] = and_(
        col(Alert.state) == AlertState.ACKNOWLEDGED,
        col(Alert.raised_at) > now - FRESH,
        place.in_(several),
        ~climbed,
    )
    asked = (
        select(Alert.id)
        .join(Case, col(Case.id) == col(Alert.case_id))
        .where(
            or_(and_(col(Alert.state) == AlertState.OPEN, place.in_(known)), early),
            Alert.manner == "page",
            col(Case.status).in_(CLIMBING),
            ~runs,
        )
        .order_by(col(Case.severity), col(Alert.raised_at), col(Alert.growth))
        .limit(AT_ONCE)
    )
    return list(session.scalars(asked))


def _running(session: Session, now: datetime) -> list[UUID]:
    """Escalations with something due, or whose alert or case is not as it was when they began."""
    asked = (
        select(Escalation.id)
        .join(Alert, col(Alert.id) == col(Escalation.alert_id))
        .join(Case, col(Case.id) == col(Escalation.case_id))
        .where(
            col(Escalation.ended_at).is_(None),
            or_(
                col(Escalation.next_due_at) <= now,
                col(Case.status).not_in(CLIMBING),
                col(Case.severity) != Escalation.severity,
                col(Alert.state) != AlertState.OPEN,
                col(Alert.raised_at) != Escalation.raised_at,
            ),
        )
        .order_by(col(Escalation.severity), col(Escalation.next_due_at))
        .limit(AT_ONCE)
    )
    return list(session.scalars(asked))
