"""What posts make of cases: opened, grown, graver, reopened. Pure: rows in, rows and reasons out.

A flood makes a case large, not loud: its alerts are raised again when it gets graver, and at no other time.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from classifier.records import Force, IncidentType
from triage.arrivals import Arrival
from triage.matching import Match
from triage.records import OPEN, Case, Desk, Severity, Status
from triage.rules import Facts, Lane, Outcome, Priority, Rule
from triage.severity import graver, of_case
from triage.titles import title_of

GROWTH_STEPS = (10, 250, 5_000, 100_000)  # posts, logged; a finished case that passes one comes back
PRIORITIES = tuple(Priority)
CAP = "no_worse_than"


class Placed(NamedTuple):
    """A post with the rule that decided and the case it goes to. `new` opens that case; `maybe` is another
    case that a person is asked about; without a case the post is only counted.
    """

    arrival: Arrival
    rule: Rule
    match: Match
    case: UUID | None = None
    new: bool = False
    maybe: UUID | None = None

    @property
    def sure(self) -> bool:
        return self.case is not None

    @property
    def stands(self) -> bool:
        """It was in this case before, and is only read anew."""
        return self.arrival.stands is not None

    @property
    def because(self) -> str:
        """Why, in one line a person can read; no words of the post."""
        facts = self.arrival.facts
        said = f"{self.rule.because}: {facts.type.value.replace('_', ' ')}, {_probability(self.rule, facts)}"
        said += f", SEV{int(facts.severity)}" if self.rule.opens else ""
        if self.stands:
            return f"{said}; read again"
        if self.sure and not self.new:
            return f"{said}; joined by {self.match.how.value} ({self.match.score:.2f})"
        if self.maybe is not None:
            doubt = f", {self.match.doubt.value}" if self.match.doubt else ""
            return f"{said}; suggested for another case by {self.match.how.value} ({self.match.score:.2f}{doubt})"
        return said


@dataclass
class CaseFile:
    """A case with what this batch adds to it. `before` is None for a new one."""

    case: Case
    before: "Before | None"
    placed: list[Placed] = field(default_factory=list)

    @property
    def rose(self) -> bool:
        """It is graver than it was."""
        return self.before is not None and self.case.severity < self.before.severity

    @property
    def harmed(self) -> bool:
        """It tells of harm that it did not tell of: one of the gravest signs, or a whole step of the part."""
        if self.before is None:
            return False
        parts = self.case.severity_parts
        signs = set(parts.get("triggers", ())) - self.before.triggers
        return bool(signs) or float(parts.get("harm", 0)) >= self.before.harm + 1

    @property
    def grew(self) -> bool:
        """Its number of posts passed a step."""
        return self.before is not None and any(
            self.before.post_count < step <= self.case.post_count for step in GROWTH_STEPS
        )

    @property
    def reopened(self) -> bool:
        return self.before is not None and self.before.status not in OPEN and self.case.status in OPEN

    @property
    def told(self) -> tuple[Desk, ...]:
        """The desks that some rule wants told."""
        return tuple(dict.fromkeys(desk for each in self.placed for desk in each.rule.told))

    @property
    def lead(self) -> Rule:
        """The most pressing of the rules."""
        return min((each.rule for each in self.placed), key=lambda rule: PRIORITIES.index(rule.priority))

    @property
    def review(self) -> bool:
        return any(each.rule.review for each in self.placed)

    @property
    def draft(self) -> bool:
        return any(each.rule.draft and each.rule.told for each in self.placed)

    def fresh(self, fresh_for: timedelta) -> bool:
        """Some post that raises it is recent enough to page for."""
        raising = (each for each in self.placed if each.rule.outcome is Outcome.RAISE)
        return any(each.arrival.facts.age <= fresh_for for each in raising)


class Before(NamedTuple):
    severity: int
    status: Status
    post_count: int
    harm: float
    triggers: frozenset[str]


def open_file(case_id: UUID, first: Placed, *, now: datetime) -> CaseFile:
    """A new case for a post; `add` then brings the post in."""
    arrival = first.arrival
    case = Case(
        id=case_id,
        title="",
        severity=Severity.SEV5,
        type=arrival.facts.type,
        force=arrival.facts.force,
        opened_at=now,
        first_published_at=arrival.published_at,
        last_post_at=arrival.published_at,
        touched_at=now,
        version=0,
    )
    return CaseFile(case, None)


def reopen_file(case: Case) -> CaseFile:
    """A case that was there."""
    harm = float(case.severity_parts.get("harm", 0))
    triggers = frozenset(case.severity_parts.get("triggers", ()))
    return CaseFile(case, Before(case.severity, Status(case.status), case.post_count, harm, triggers))


def add(file: CaseFile, placed: Sequence[Placed], *, now: datetime) -> None:
    """Bring posts into their case: its counts, place, gravity, title, and whether it opens again. A post that stands
    in it is counted already."""
    case, arrivals = file.case, [each.arrival for each in placed]
    file.placed.extend(placed)
    case.post_count += sum(not each.stands for each in placed)
    case.sources = list(dict.fromkeys([*case.sources, *(each.source for each in arrivals)]))
    case.source_count = len(case.sources)
    case.first_published_at = min([case.first_published_at, *(each.published_at for each in arrivals)])
    case.last_post_at = max([case.last_post_at, *(each.published_at for each in arrivals)])
    case.incident = max([case.incident, *(each.facts.incident for each in arrivals)])
    case.desks = _desks(case.desks, placed)
    _locate(case, arrivals)
    _weigh(case, placed)
    for each in placed:
        if each.rule.opens:
            case.type = graver(IncidentType(case.type), each.arrival.facts.type)
    case.lane = _lane(case, [each.rule.lane for each in placed if each.rule.opens])
    case.title = title_of(IncidentType(case.type), case.place, case.borough, lane=case.lane)
    if case.status not in OPEN and _comes_back(file):
        case.status, case.dismissed_because = Status.DETECTED, None
    case.version += 1
    case.touched_at = now


def _comes_back(file: CaseFile) -> bool:
    """A dismissed case stays dismissed under more of the same; a finished one comes back when it grows."""
    return file.rose or (file.case.status == Status.CLOSED and file.grew)


def _locate(case: Case, arrivals: Iterable[Arrival]) -> None:
    for each in arrivals:
        if case.borough is None and each.spot.borough:
            case.place, case.borough, case.bcu = each.spot
        case.place = case.place or each.spot.name
        if case.force == Force.UNKNOWN:
            case.force = each.facts.force


def _weigh(case: Case, placed: Sequence[Placed]) -> None:
    """As grave as its worst post. While every post came under a cap, the case is no graver than the cap."""
    opening = [each for each in placed if each.rule.opens]
    cap = _cap(case, [each.rule.no_worse_than for each in opening])
    weighed = [each.arrival.weighed for each in opening if cap or each.rule.no_worse_than is None]
    raised = max((each.rule.graver_by for each in opening), default=0)
    whole = of_case(
        case.severity_parts, weighed, posts=case.post_count, sources=case.source_count, raised=raised
    )
    follow(case, int(max(whole.level, Severity(cap)) if cap else whole.level))
    case.severity_parts = {**whole.parts, CAP: cap} if cap else whole.parts


def follow(case: Case, level: int) -> None:
    """A machine never lowers a case. What a person set stays, until posts are graver than they knew and than they
    said."""
    known = case.severity_computed
    if known is None:
        case.severity = min(case.severity, level)
    elif level < known and level < case.severity:
        case.severity, case.severity_computed = level, None
    else:
        case.severity_computed = min(known, level)


def _cap(case: Case, caps: Sequence[int | None]) -> int | None:
    """The cap that holds for a case after posts with these caps came in."""
    before: int | None = case.severity_parts.get(CAP)
    if case.version and before is None:
        return None
    every = [*caps, before] if before is not None else list(caps)
    return min((int(each) for each in every if each), default=None) if all(every) else None


def _lane(case: Case, lanes: Sequence[Lane | None]) -> str | None:
    """A case stays in a lane of its own while every post that opens cases came under a rule of that lane."""
    every = {*lanes, *([case.lane] if case.version else [])}
    return str(every.pop()) if len(every) == 1 and None not in every else None


def _desks(known: Sequence[str], placed: Iterable[Placed]) -> list[str]:
    return list(dict.fromkeys([*known, *(str(desk) for each in placed for desk in each.rule.desks)]))


def _probability(rule: Rule, facts: Facts) -> str:
    if rule.outcome is Outcome.DROP or rule.incident is None:
        return f"any encounter {facts.incident_any:.2f}"
    return f"incident {facts.incident:.2f}"
