"""The plan: what a run would do now, class by class, without doing it."""

from datetime import datetime
from typing import NamedTuple

from sqlmodel import Session

from responders.retention import files, months, posts, records, rows
from responders.retention.running import Place
from triage.retention_policy import Disposal, RetentionClass


class Planned(NamedTuple):
    """One class: how many items are due and would go, how many a hold keeps. None where that is not counted."""

    rule: RetentionClass
    due: int | None
    held: int


def plan(session: Session, place: Place, *, now: datetime) -> list[Planned]:
    """Every class of the policy, in its order."""
    waiting = posts.count_due(session, place.policy, now=now)
    found = []
    for rule in place.policy.classes:
        due, held = _counted(session, place, rule, now)
        if rule.disposal is Disposal.CONTENT:
            own = [each for each in waiting if each.class_name == rule.name]
            due = sum(each.posts for each in own if each.hold is None)
            held = sum(each.posts for each in own if each.hold is not None)
        found.append(Planned(rule, due, held))
    return found


def _counted(session: Session, place: Place, rule: RetentionClass, now: datetime) -> tuple[int | None, int]:
    if rule.disposal is Disposal.ROWS:
        return rows.count_over(session, rule, now=now), 0
    if rule.disposal is Disposal.CASES:
        held = sum(records.held_cases(session, rule, now=now).values())
        return len(records.due_cases(session, rule, now=now)), held
    if rule.disposal is Disposal.MONTHS:
        return len(months.months_over(session, rule.period.before(now))), 0
    if rule.disposal is Disposal.FILES:
        return len(list(files.files_over(place.data, rule, now=now))), 0
    return None, 0
