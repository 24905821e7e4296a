"""Stage 3. Reads posts that are assessed and not routed; leaves a routing for each, and cases, alerts, clocks.

The first rule that fits decides what becomes of a post, matching decides which case it belongs to. Everything
is written in the caller's transaction, with the jobs that follow from it; run again, it changes nothing.
Jobs of this stage run one at a time (the lock `route`), on any worker.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlmodel import Session, col, select

from triage.answering import read_homes, read_links
from triage.arrivals import Arrival, read_arrivals
from triage.casework import CaseFile, Placed
from triage.growth import keep_growth
from triage.lifecycle import Lifecycle
from triage.memory import Memory
from triage.placing import by_case, files_of, known, place
from triage.records import Case
from triage.rules import Rules
from triage.write import write_cases, write_routings


class Routed(NamedTuple):
    """What became of the posts of one job. `posts` = the sum of `outcomes`."""

    posts: int
    outcomes: dict[str, int]
    opened: int
    joined: int
    suggested: int
    alerts: int


def route(
    session: Session,
    post_ids: Sequence[UUID],
    rules: Rules,
    memory: Memory,
    lifecycle: Lifecycle,
    *,
    now: datetime,
) -> Routed:
    """Route those of the posts that are assessed and not yet routed. The caller commits."""
    arrivals = _with_links(session, read_arrivals(session, post_ids, now=now))
    memory.refresh(session, now=now)
    placed = place(arrivals, rules, memory, read_homes(session, {each.id: each.answers for each in arrivals}))
    files = _files(session, placed, now=now)
    alerts = write_cases(session, files, placed, lifecycle, fresh_for=rules.fresh_for, now=now)
    first = write_routings(session, placed, rules=rules.version, now=now)
    keep_growth(session, placed, first, now=now)
    memory.keep({file.case.id: known(file.case) for file in files})
    return Routed(
        posts=len(placed),
        outcomes=dict(Counter(each.rule.outcome.value for each in placed)),
        opened=sum(each.new for each in placed),
        joined=sum(each.sure and not each.new and not each.stands for each in placed),
        suggested=sum(each.maybe is not None for each in placed),
        alerts=alerts,
    )


def _with_links(session: Session, arrivals: Sequence[Arrival]) -> list[Arrival]:
    """What a post links to comes after what it quotes or answers: it only ever suggests."""
    linked = read_links(session, {each.id: each.text for each in arrivals})
    return [
        each._replace(answers=(*each.answers, *linked[each.id])) if each.id in linked else each
        for each in arrivals
    ]


def _files(session: Session, placed: Sequence[Placed], *, now: datetime) -> list[CaseFile]:
    """The cases of these posts with the posts brought in, those that were there locked against others."""
    new = {each.case for each in placed if each.new}
    there = [case for case in by_case(placed) if case not in new]
    locked = select(Case).where(col(Case.id).in_(there)).order_by(col(Case.id)).with_for_update()
    rows = session.scalars(locked.execution_options(populate_existing=True)).all() if there else []
    return files_of(placed, rows, now=now)
