"""Saying what kind of encounter a case is, when the model has it wrong. The next model learns from it."""

from datetime import datetime
from uuid import UUID

from sqlmodel import Session

from classifier.records import IncidentType
from triage.labelling import CORRECTED
from triage.locked import Conflict, lock, must_be_free, must_be_open, touch
from triage.permissions import Permission, need
from triage.records import Case, Person
from triage.titles import title_of


def correct_type(session: Session, case_id: UUID, kind: IncidentType, *, who: Person, now: datetime) -> Case:
    """Set the type of an open case. Later posts may still raise it to a graver one. The caller commits."""
    need(who, Permission.TRIAGE)
    [case] = lock(session, case_id)
    must_be_open(case)
    must_be_free(session, case, who, now)
    if case.type == kind:
        raise Conflict("The case is of this type already.")
    detail = {"type": kind.value, "from": case.type}
    case.type = kind
    case.lane = None  # a person says what it is: it waits with the others
    case.title = title_of(kind, case.place, case.borough)
    touch(session, case, CORRECTED, who=who, now=now, detail=detail)
    return case
