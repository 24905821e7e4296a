"""To rehearse: what the stream of some days would have raised under changed rules or another model."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple
from uuid import UUID

import msgspec
from sqlmodel import Session, col, select

from classifier.assess import Assessor
from triage.memory import Memory
from triage.records import Case
from triage.rehearsal import (
    Past,
    Span,
    Stage,
    assessed_anew,
    only_read,
    read_past,
    really_told,
    route_again,
)
from triage.rehearsal_report import Rehearsed
from triage.rehearsed import Tables, compare
from triage.rules import Rules


class Rehearsal(NamedTuple):
    """What is tried: `changed` rules, another `model` or both, beside the rules `in_force`; each with a new memory."""

    changed: Rules
    in_force: Rules
    memory: Callable[[], Memory]
    model: Assessor | None = None

    @property
    def differs(self) -> bool:
        return self.model is not None or self.changed.version != self.in_force.version


def rehearse(session: Session, tried: Rehearsal, span: Span, *, step: Callable[[int], None]) -> Rehearsed:
    """Rehearse, in a transaction that only reads. `step` is told how many posts were read, batch by batch."""
    only_read(session)
    rules = [tried.changed, tried.in_force] if tried.differs else [tried.in_force]
    stages = [Stage(each, tried.memory()) for each in rules]
    tables = Tables(span, len(stages))
    batches: Iterable[list[Past]] = _told_of(read_past(session, span), step)
    if tried.model is not None:
        batches = assessed_anew(session, batches, tried.model)
    route_again(batches, stages, tables.see)
    found = compare(
        tables,
        really_told(session, span),
        [stage.told for stage in stages],
        rules=tried.changed.version,
        in_force=tried.in_force.version,
        model=tried.model.version if tried.model else None,
    )
    return _numbered(found, _numbers(session, found))


def _told_of(batches: Iterable[list[Past]], step: Callable[[int], None]) -> Iterator[list[Past]]:
    for batch in batches:
        step(len(batch))
        yield batch


def _numbers(session: Session, found: Rehearsed) -> dict[UUID, int]:
    """The numbers of the cases that are really there."""
    cases = [each.case for each in found.gained if each.case is not None]
    asked = select(col(Case.id), col(Case.number)).where(col(Case.id).in_(cases))
    return {case: number for case, number in session.execute(asked) if number is not None}


def _numbered(found: Rehearsed, numbers: Mapping[UUID, int]) -> Rehearsed:
    """The same, with the numbers of the cases that gained alerts."""
    gained = [
        msgspec.structs.replace(each, number=numbers.get(each.case) if each.case else None)
        for each in found.gained
    ]
    return msgspec.structs.replace(found, gained=gained)
