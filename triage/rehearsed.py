"""What a rehearsal found: the alerts that would have been gained and lost, beside what really happened.

Two alerts are the same when they tell one desk of at least one post in common. A difference counts as gained or lost
only when the rules in force, rehearsed over the same posts, do not make it too; what they make as well comes of what
people did, or of what is no longer kept, and is counted apart.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import timedelta
from statistics import median
from uuid import UUID

from triage.rehearsal import Past, Placement, Span, Told
from triage.rehearsal_report import Changed, Load, Moved, Ref, Rehearsed, Shift

LISTED = 200  # alerts gained, and lost
MOVED_LISTED = 20  # posts, from one rule to another
POSTS_OF_ONE = 3
SHOWN = ("raise", "list", "note", "drop")


class Tables:
    """Which posts are in which case, really and on each stage, and how the rules moved them."""

    def __init__(self, span: Span, stages: int) -> None:
        self.span = span
        self.posts = self.gone = self.moved_anyway = 0
        self.real: dict[UUID, list[UUID]] = defaultdict(list)
        self.cases_of: dict[UUID, frozenset[UUID]] = {}
        self.made: list[dict[UUID, list[UUID]]] = [defaultdict(list) for _ in range(stages)]
        self.case_of: list[dict[UUID, UUID]] = [{} for _ in range(stages)]
        self.really: Counter[str] = Counter()
        self.then: Counter[str] = Counter()
        self.moved: dict[tuple[str, str, str, str], list[UUID]] = defaultdict(list)
        self.moved_counts: Counter[tuple[str, str, str, str]] = Counter()

    def see(self, past: Past, placed: Sequence[Placement]) -> None:
        """Enter one post with what the stages make of it: the changed one first, the one in force last."""
        if placed and past.cases:
            self.cases_of[past.id] = past.cases
            for case in past.cases:
                self.real[case].append(past.id)
        for stage, each in enumerate(placed):
            if each.case is not None:
                self.made[stage][each.case].append(past.id)
                self.case_of[stage][past.id] = each.case
        if past.at >= self.span.since:
            self._count(past, placed)

    def _count(self, past: Past, placed: Sequence[Placement]) -> None:
        self.posts += 1
        if not placed:
            self.gone += 1
            return
        then, in_force = placed[0], placed[-1]
        self.really[past.outcome] += 1
        self.then[then.outcome] += 1
        if then.rule == past.rule:
            return
        if len(placed) == 1 or then.rule == in_force.rule:
            self.moved_anyway += 1
            return
        key = (past.rule, then.rule, past.outcome, then.outcome)
        self.moved_counts[key] += 1
        if len(self.moved[key]) < MOVED_LISTED:
            self.moved[key].append(past.id)


def compare(
    tables: Tables,
    really: Sequence[Told],
    told: Sequence[Sequence[Told]],
    *,
    rules: str | None,
    in_force: str | None,
    model: str | None,
) -> Rehearsed:
    """Hold what the stages raised against what was really raised. `told` has one entry for each stage."""
    return _Comparison(tables, really, told).result(rules, in_force, model)


class _Comparison:
    def __init__(self, tables: Tables, really: Sequence[Told], told: Sequence[Sequence[Told]]) -> None:
        self.tables, self.span = tables, tables.span
        self.really = [each for each in really if each.at >= self.span.since]
        self.then = [each for each in told[0] if each.at >= self.span.since]
        self.alerts_really = {(each.case, each.desk) for each in really}
        self.alerts = [{(each.case, each.desk): each for each in stage} for stage in told]
        self.figures: dict[str, Counter[tuple[str, str]]] = {"desk": Counter(), "rule": Counter()}

    def result(self, rules: str | None, in_force: str | None, model: str | None) -> Rehearsed:
        gained, more_anyway = self._look_at_then()
        lost, missed_anyway, unknowable, shifts = self._look_at_really()
        tables = self.tables
        return Rehearsed(
            since=self.span.since,
            until=self.span.until,
            rules=rules,
            in_force=in_force,
            model=model,
            posts=tables.posts,
            gone=tables.gone,
            unknowable=unknowable,
            total=_total(self._changed("desk").values()),
            missed_anyway=missed_anyway,
            more_anyway=more_anyway,
            desks=self._changed("desk"),
            by_rule=self._changed("rule"),
            shift=_shift(shifts),
            load_really=_load(self.really, self.span),
            load_then=_load(self.then, self.span),
            outcomes_really={each: tables.really[each] for each in SHOWN},
            outcomes_then={each: tables.then[each] for each in SHOWN},
            moved=_moved(tables),
            moved_posts=sum(tables.moved_counts.values()),
            moved_anyway=tables.moved_anyway,
            gained=gained,
            lost=lost,
        )

    def _look_at_then(self) -> tuple[list[Ref], int]:
        gained, anyway = [], 0
        for each in self.then:
            self._enter("then", each)
            posts = self.tables.made[0][each.case]
            if self._really(posts, each.desk):
                continue
            if len(self.alerts) > 1 and not self._staged(-1, posts, each.desk):
                self._enter("gained", each)
                gained.append(self._ref(each, posts))
            else:
                anyway += 1
        return gained[:LISTED], anyway

    def _look_at_really(self) -> tuple[list[Ref], int, int, list[timedelta]]:
        lost, anyway, unknowable = [], 0, 0
        shifts: list[timedelta] = []
        for each in self.really:
            self._enter("really", each)
            posts = self.tables.real.get(each.case, [])
            if not posts:
                unknowable += 1
            elif then := self._staged(0, posts, each.desk):
                self._enter("kept", each)
                shifts.append(min(alert.at for alert in then) - each.at)
            elif len(self.alerts) > 1 and self._staged(-1, posts, each.desk):
                self._enter("lost", each)
                lost.append(self._ref(each, posts))
            else:
                anyway += 1
        return lost[:LISTED], anyway, unknowable, shifts

    def _enter(self, figure: str, told: Told) -> None:
        self.figures["desk"][told.desk, figure] += 1
        self.figures["rule"][told.rule, figure] += 1

    def _really(self, posts: Iterable[UUID], desk: str) -> bool:
        cases = (case for post in posts for case in self.tables.cases_of.get(post, ()))
        return any((case, desk) in self.alerts_really for case in cases)

    def _staged(self, stage: int, posts: Iterable[UUID], desk: str) -> list[Told]:
        """The alerts that a stage raised for this desk about any of the posts."""
        cases = {self.tables.case_of[stage].get(post) for post in posts}
        found = (self.alerts[stage].get((case, desk)) for case in cases if case is not None)
        return [each for each in found if each is not None]

    def _ref(self, told: Told, posts: Sequence[UUID]) -> Ref:
        real = next((case for post in posts for case in self.tables.cases_of.get(post, ())), None)
        return Ref(
            told.desk, told.rule, told.at, told.severity, real, told.number, list(posts[:POSTS_OF_ONE])
        )

    def _changed(self, by: str) -> dict[str, Changed]:
        found: dict[str, dict[str, int]] = defaultdict(dict)
        for (name, figure), number in self.figures[by].items():
            found[name][figure] = number
        return {name: Changed(**found[name]) for name in sorted(found)}


def _total(parts: Iterable[Changed]) -> Changed:
    each = list(parts)
    names = Changed.__struct_fields__
    return Changed(**{name: sum(getattr(part, name) for part in each) for name in names})


def _shift(shifts: Sequence[timedelta]) -> Shift:
    moved = [each.total_seconds() for each in shifts if each]
    return Shift(
        earlier=sum(each < 0 for each in moved),
        later=sum(each > 0 for each in moved),
        median_s=median(moved) if moved else 0.0,
    )


def _load(told: Sequence[Told], span: Span) -> Load:
    days = max((span.until - span.since) / timedelta(days=1), 1e-9)
    hours = Counter(each.at.replace(minute=0, second=0, microsecond=0) for each in told)
    at, peak = max(hours.items(), key=lambda hour: (hour[1], hour[0]), default=(None, 0))
    return Load(len(told), round(len(told) / days, 2), peak, at)


def _moved(tables: Tables) -> list[Moved]:
    return [Moved(*key, posts, tables.moved[key]) for key, posts in tables.moved_counts.most_common()]
