"""A rehearsal: posts of the past routed again, in the same batches at the same moments, under other rules or another
model, and beside that under the rules in force.

It places posts and raises alerts with the code that routing does it with, but keeps its cases in memory. It begins one
window of matching before the time that counts, so that the cases of that time have their history; what people did
meanwhile is not done again, except that a post they found among the dropped is found. Nothing is written.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlmodel import Session

from classifier.assess import Assessor, reread
from classifier.model import Assessed
from triage.answering import Home
from triage.arrivals import Arrival, arrival_of
from triage.memory import Memory
from triage.placing import WITHDRAWN, by_case, files_of, known, place
from triage.records import Alert, Case
from triage.rules import Rules
from triage.sampling import FOUND
from triage.write import news_of

AT_ONCE = 512

_POSTS = text("""
    SELECT r.post_id AS id, r.at AS routed_at, r.rule AS real_rule, r.outcome AS real_outcome,
        r.case_id AS real_case,
        CASE WHEN r.case_id IS NOT NULL THEN
            (SELECT case_id FROM memberships WHERE post_id = r.post_id AND sure LIMIT 1) END AS home,
        p.id IS NOT NULL AND a.model IS NOT NULL AND (p.withdrawn_at IS NULL OR r.rule = :withdrawn) AS there,
        p.title, p.text, p.published_at, p.source, p.platform, p.author_key, p.reply_to, p.quote_of,
        p.withdrawn_at IS NOT NULL AS withdrawn, a.*
    FROM routings r
    LEFT JOIN posts p ON p.id = r.post_id
    LEFT JOIN LATERAL (
        SELECT model, incident, incident_any, type, severity, labels, claim, unverified, places, force, signals, abstain
        FROM assessments WHERE post_id = r.post_id ORDER BY model = r.model DESC, at DESC LIMIT 1
    ) a ON true
    WHERE r.at >= :begin AND r.at < :until
    ORDER BY r.at, p.published_at, r.post_id
""")
_ALERTS = text("""
    SELECT l.case_id, l.at, l.detail ->> 'desk' AS desk, l.detail ->> 'rule' AS rule, c.number, c.severity
    FROM log_entries l LEFT JOIN cases c ON c.id = l.case_id
    WHERE l.what = 'alert raised' AND l.detail ? 'rule' AND l.at >= :begin AND l.at < :until ORDER BY l.seq
""")


class Past(NamedTuple):
    """What really became of a post, and its `row` with its words; None where these are no longer kept. `anew` is the
    row with what another model makes of them.
    """

    id: UUID
    at: datetime
    rule: str
    outcome: str
    cases: frozenset[UUID]
    row: Mapping[Any, Any] | None
    anew: Mapping[Any, Any] | None = None


class Told(NamedTuple):
    """An alert as it was raised first. `number` is the case's, for one that is really there."""

    case: UUID
    desk: str
    rule: str
    at: datetime
    severity: int
    number: int | None = None


class Placement(NamedTuple):
    """What a rehearsal makes of a post."""

    rule: str
    outcome: str
    case: UUID | None


class Stage:
    """Cases in memory that posts are routed to under some rules, as the service would."""

    def __init__(self, rules: Rules, memory: Memory) -> None:
        self.rules, self.memory = rules, memory
        self.told: list[Told] = []
        self._homes: dict[UUID, Home] = {}
        self._cases: dict[UUID, Case] = {}
        self._alerts: dict[UUID, dict[str, Alert]] = {}

    def take(self, arrivals: Sequence[Arrival], *, found: bool = False, now: datetime) -> list[Placement]:
        """Route one batch. What people `found` is raised, also when the rules drop it."""
        placed = place(arrivals, self._with_found() if found else self.rules, self.memory, self._homes)
        there = [self._cases[each] for each in by_case(placed) if each in self._cases]
        for file in files_of(placed, there, now=now):
            case = self._cases[file.case.id] = file.case
            standing = self._alerts.setdefault(case.id, {})
            new, _ = news_of(file, standing, fresh_for=self.rules.fresh_for, now=now)
            standing |= {alert.desk: alert for alert in new}
            self.told += [Told(case.id, str(each.desk), each.rule, now, case.severity) for each in new]
            self.memory.known[case.id] = known(case)
        return [Placement(each.rule.name, each.rule.outcome.value, each.case) for each in placed]

    def _with_found(self) -> Rules:
        raising = tuple(rule for rule in self.rules.rules if rule.opens)
        return self.rules._replace(rules=(*raising, FOUND))


class Span(NamedTuple):
    """The time that counts, and from when on posts are routed again so that it has its history."""

    begin: datetime
    since: datetime
    until: datetime


def only_read(session: Session) -> None:
    """Have the database refuse any change by this transaction, and show it one moment throughout."""
    session.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"))


def count_past(session: Session, span: Span) -> int:
    """How many posts will be read."""
    asked = text("SELECT count(*) FROM routings WHERE at >= :begin AND at < :until")
    return int(session.execute(asked, {"begin": span.begin, "until": span.until}).scalar_one())


def read_past(session: Session, span: Span) -> Iterator[list[Past]]:
    """The posts that were routed, batch by batch as they were, a few hundred in memory at a time."""
    values = {"begin": span.begin, "until": span.until, "withdrawn": WITHDRAWN.name}
    rows = session.execute(_POSTS, values, execution_options={"yield_per": AT_ONCE}).mappings()
    for _, batch in groupby(rows, key=lambda row: row["routed_at"]):
        yield [_past(row) for row in batch]


def assessed_anew(session: Session, batches: Iterable[list[Past]], model: Assessor) -> Iterator[list[Past]]:
    """The same posts with what another model makes of them; those it does not read stay as they were."""
    for some in _together(batches):
        said = reread(session, [each.id for batch in some for each in batch if each.row], model)
        for batch in some:
            yield [_anew(each, said.get(each.id)) for each in batch]


def route_again(
    batches: Iterable[list[Past]], stages: Sequence[Stage], see: Callable[[Past, list[Placement]], None]
) -> None:
    """Route all of it on each stage, and show each post with what the stages make of it, in their order. The first
    stage takes posts as another model reads them, where one does.
    """
    for batch in batches:
        there, at = [each for each in batch if each.row], batch[0].at
        found = batch[0].rule == FOUND.name
        as_were = [arrival_of(each.row, now=at) for each in there if each.row]
        anew = [arrival_of(row, now=at) for each in there if (row := each.anew or each.row)]
        placed = [
            stage.take(as_were if number else anew, found=found, now=at)
            for number, stage in enumerate(stages)
        ]
        made = dict(zip([each.id for each in there], zip(*placed, strict=True), strict=True))
        for each in batch:
            see(each, list(made.get(each.id, ())))


def really_told(session: Session, span: Span) -> list[Told]:
    """The alerts that were raised, as the log has them."""
    rows = session.execute(_ALERTS, {"begin": span.begin, "until": span.until})
    return [Told(row.case_id, row.desk, row.rule, row.at, row.severity or 5, row.number) for row in rows]


def _past(row: Mapping[Any, Any]) -> Past:
    cases = {row["home"], row["real_case"]} if row["home"] else set()
    kept = row if row["there"] else None
    return Past(row["id"], row["routed_at"], row["real_rule"], row["real_outcome"], frozenset(cases), kept)


def _together(batches: Iterable[list[Past]]) -> Iterator[list[list[Past]]]:
    """Batches gathered until there is enough for a model to read at once."""
    some: list[list[Past]] = []
    for batch in batches:
        some.append(batch)
        if sum(map(len, some)) >= AT_ONCE:
            yield some
            some = []
    if some:
        yield some


def _anew(past: Past, said: Assessed | None) -> Past:
    if said is None or past.row is None:
        return past
    return past._replace(anew={**past.row, **msgspec.to_builtins(said)})
