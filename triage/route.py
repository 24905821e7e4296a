"""Stage 3. Reads posts that are assessed and not routed; leaves a routing for each, and cases, alerts, clocks.

The first rule that fits decides what becomes of a post, matching decides which case it belongs to. Everything
is written in the caller's transaction, with the jobs that follow from it; run again, it changes nothing.
Jobs of this stage run one at a time (the lock `route`), on any worker.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID, uuid4

from sqlmodel import Session, col, select

from triage.arrivals import Arrival, read_arrivals
from triage.casework import CaseFile, Placed, add, open_file, reopen_file
from triage.growth import keep_growth
from triage.lifecycle import Lifecycle
from triage.matching import Doubt, How, Match
from triage.memory import Known, Memory
from triage.records import OPEN, Case, Severity
from triage.rules import Outcome, Rule, Rules
from triage.write import write_cases, write_routings

WITHDRAWN = Rule(name="withdrawn", because="withdrawn by its author", outcome=Outcome.DROP)


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
    arrivals = read_arrivals(session, post_ids, now=now)
    memory.refresh(session, now=now)
    placed = [_place(arrival, _rule_for(arrival, rules), memory) for arrival in arrivals]
    files = _files(session, placed, now=now)
    alerts = write_cases(session, files, placed, lifecycle, fresh_for=rules.fresh_for, now=now)
    first = write_routings(session, placed, now=now)
    keep_growth(session, placed, first, now=now)
    memory.keep({file.case.id: _known(file.case) for file in files})
    return Routed(
        posts=len(placed),
        outcomes=dict(Counter(each.rule.outcome.value for each in placed)),
        opened=sum(each.new for each in placed),
        joined=sum(each.sure and not each.new for each in placed),
        suggested=sum(each.maybe is not None for each in placed),
        alerts=alerts,
    )


def _rule_for(arrival: Arrival, rules: Rules) -> Rule:
    return WITHDRAWN if arrival.withdrawn else rules.first_fit(arrival.facts)


def _place(arrival: Arrival, rule: Rule, memory: Memory) -> Placed:
    """Which case a post goes to. What a rule only counts may join a case, but never opens one."""
    if rule.outcome is Outcome.DROP:
        return Placed(arrival, rule, Match(None))
    post = memory.matcher.subject(
        arrival.text, arrival.published_at, known=arrival.known, points=arrival.points
    )
    match = memory.matcher.find(post)
    case = _as_id(match.case)
    if match.sure and case is not None:
        memory.matcher.put(case, post, match.how)
        return Placed(arrival, rule, match, case=case)
    if not rule.opens:
        return Placed(arrival, rule, match)
    if case is not None and _only_suggested(arrival, match, memory.known.get(case)):
        return Placed(arrival, rule, match, maybe=case)
    new = uuid4()
    memory.matcher.put(new, post, How.NEW)
    # later posts of this batch compare themselves with it
    memory.known[new] = Known(0, Severity(rule.no_worse_than or arrival.facts.severity), open=True)
    return Placed(arrival, rule, match, case=new, new=True, maybe=case)


def _only_suggested(arrival: Arrival, match: Match, known: Known | None) -> bool:
    """Whether a post waits at the case it is suggested for, without a case of its own.

    Only a short one does, at an open case that is as grave: everything else is seen by itself, so that no
    incident hides behind another.
    """
    return (
        match.doubt is Doubt.SHORT
        and known is not None
        and known.open
        and known.severity <= arrival.facts.severity
    )


def _files(session: Session, placed: Sequence[Placed], *, now: datetime) -> list[CaseFile]:
    """The cases of these posts with the posts brought in, those that were there locked against others."""
    by_case: dict[UUID, list[Placed]] = defaultdict(list)
    for each in placed:
        if each.case is not None:
            by_case[each.case].append(each)
    new = {each.case for each in placed if each.new}
    there = [case for case in by_case if case not in new]
    locked = select(Case).where(col(Case.id).in_(there)).order_by(col(Case.id)).with_for_update()
    rows = session.scalars(locked.execution_options(populate_existing=True)).all() if there else []
    files = [reopen_file(case) for case in rows]
    files += [open_file(case, posts[0], now=now) for case, posts in by_case.items() if case in new]
    for file in files:
        add(file, by_case[file.case.id], now=now)
    return files


def _known(case: Case) -> Known:
    return Known(case.version, Severity(case.severity), case.status in OPEN)


def _as_id(case: object) -> UUID | None:
    return case if isinstance(case, UUID) else None
