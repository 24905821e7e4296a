"""The figures of a pack: each with its n, its N, and the rows it counts."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from statistics import median
from typing import NamedTuple

from sqlalchemy import ColumnElement, func, select
from sqlmodel import Session, col

from collector.records import Gap, Post, SourceRow
from triage.records import OPEN, Alert, Case, Clock, Delivery, Membership, Severity
from triage.statement_records import Statement


class Period(NamedTuple):
    """From `since` on and before `until`."""

    since: datetime
    until: datetime


class SeverityRow(NamedTuple):
    """How many cases of one severity were opened, and where they stand."""

    severity: Severity
    open: tuple[Case, ...]
    closed: tuple[Case, ...]

    @property
    def total(self) -> int:
        return len(self.open) + len(self.closed)

    @property
    def open_count(self) -> int:
        return len(self.open)

    @property
    def closed_count(self) -> int:
        return len(self.closed)


class ClockRow(NamedTuple):
    """One clock that fell due in the period. `late_by` is None while it was in time."""

    case_number: int
    due_at: datetime
    stopped_at: datetime | None
    late_by: timedelta | None


class ClockFigure(NamedTuple):
    """n of N clocks of one name that were stopped in time."""

    name: str
    rows: tuple[ClockRow, ...]

    @property
    def in_time(self) -> int:
        return sum(row.late_by is None for row in self.rows)


class DraftRow(NamedTuple):
    """How long a case was without any line: from its first post, and from reaching us, to the first draft."""

    case_number: int
    first_published_at: datetime
    opened_at: datetime
    drafted_at: datetime


class AlertRow(NamedTuple):
    """One alert raised in the period, and how its message fared. `state` is None before there is one."""

    case_number: int
    desk: str
    raised_at: datetime
    state: str | None
    delivered_at: datetime | None
    possible_repeat: bool


class AlertFigure(NamedTuple):
    """What became of the alerts raised in the period."""

    rows: tuple[AlertRow, ...]

    def count(self, state: str) -> int:
        return sum(row.state == state for row in self.rows)

    @property
    def repeated(self) -> int:
        return sum(row.possible_repeat for row in self.rows)

    @property
    def median_wait(self) -> timedelta | None:
        """From raising an alert to its message in the channel."""
        waits = [(row.delivered_at - row.raised_at).total_seconds() for row in self.rows if row.delivered_at]
        return timedelta(seconds=median(waits)) if waits else None


class SourceFigure(NamedTuple):
    """How many posts of the period's cases one source showed us."""

    name: str
    kind: str
    grade: str
    boroughs: tuple[str, ...]
    posts: int
    gaps: int


def cases_opened(session: Session, period: Period) -> list[Case]:
    return list(session.scalars(select(Case).where(*_opened(period)).order_by(col(Case.number))))


def by_severity(cases: Sequence[Case]) -> list[SeverityRow]:
    return [
        SeverityRow(
            severity,
            tuple(case for case in cases if case.severity == severity and case.status in OPEN),
            tuple(case for case in cases if case.severity == severity and case.status not in OPEN),
        )
        for severity in Severity
    ]


def clocks_due(session: Session, period: Period) -> list[ClockFigure]:
    """Every kind of clock that fell due in the period, by name."""
    asked = (
        select(Clock, col(Case.number))
        .join(Case, col(Case.id) == col(Clock.case_id))
        .where(col(Clock.due_at) >= period.since, col(Clock.due_at) < period.until)
        .order_by(col(Clock.name), col(Clock.due_at), col(Case.number))
    )
    rows: dict[str, list[ClockRow]] = {}
    for clock, number in session.execute(asked):
        late_by = _late_by(clock, period)
        rows.setdefault(clock.name, []).append(ClockRow(number, clock.due_at, clock.stopped_at, late_by))
    return [ClockFigure(name, tuple(rows[name])) for name in sorted(rows)]


def drafts(session: Session, period: Period) -> list[DraftRow]:
    """The period's cases that have a draft, with when the first was made."""
    asked = (
        select(Case, func.min(col(Statement.drafted_at)))
        .join(Statement, col(Statement.case_id) == col(Case.id))
        .where(*_opened(period))
        .group_by(col(Case.id))
        .order_by(col(Case.number))
    )
    return [
        DraftRow(case.number or 0, case.first_published_at, case.opened_at, drafted_at)
        for case, drafted_at in session.execute(asked)
    ]


def silence(rows: Sequence[DraftRow]) -> timedelta | None:
    """The median time from a case's opening to its first draft; None when there is no draft."""
    waits = [(row.drafted_at - row.opened_at).total_seconds() for row in rows]
    return timedelta(seconds=median(waits)) if waits else None


def alerts_raised(session: Session, period: Period) -> AlertFigure:
    asked = (
        select(Alert, col(Case.number), Delivery)
        .join(Case, col(Case.id) == col(Alert.case_id))
        .outerjoin(Delivery, (col(Delivery.alert_id) == col(Alert.id)) & (col(Delivery.about) == ""))
        .where(col(Alert.raised_at) >= period.since, col(Alert.raised_at) < period.until)
        .order_by(col(Case.number), col(Alert.desk), col(Delivery.channel))
    )
    return AlertFigure(
        tuple(
            AlertRow(
                case_number=number,
                desk=alert.desk,
                raised_at=alert.raised_at,
                state=delivery.state if delivery else None,
                delivered_at=delivery.delivered_at if delivery else None,
                possible_repeat=delivery.possible_repeat if delivery else False,
            )
            for alert, number, delivery in session.execute(asked)
        )
    )


def sources(session: Session, period: Period) -> list[SourceFigure]:
    """All sources that showed a post of the period's cases, and all that are configured, most posts first."""
    counted = (
        select(col(Post.source), func.count())
        .join(Membership, col(Membership.post_id) == col(Post.id))
        .join(Case, col(Case.id) == col(Membership.case_id))
        .where(*_opened(period), col(Membership.sure))
        .group_by(col(Post.source))
    )
    posts = {name: count for name, count in session.execute(counted)}
    overlapping = (col(Gap.from_at) < period.until, col(Gap.until_at) >= period.since)
    counted_gaps = select(col(Gap.source), func.count()).where(*overlapping).group_by(col(Gap.source))
    gaps = {name: count for name, count in session.execute(counted_gaps)}
    rows = {row.name: row for row in session.scalars(select(SourceRow))}
    figures = [_source(name, rows.get(name), posts, gaps) for name in {*posts, *rows, *gaps}]
    return sorted(figures, key=lambda each: (-each.posts, each.name))


def _opened(period: Period) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return col(Case.opened_at) >= period.since, col(Case.opened_at) < period.until


def _source(name: str, row: SourceRow | None, posts: dict[str, int], gaps: dict[str, int]) -> SourceFigure:
    return SourceFigure(
        name=name,
        kind=row.kind if row else "taken in by hand",
        grade=row.grade if row else "F",
        boroughs=tuple(row.boroughs) if row else (),
        posts=posts.get(name, 0),
        gaps=gaps.get(name, 0),
    )


def _late_by(clock: Clock, period: Period) -> timedelta | None:
    """How late a clock was stopped; one that still ran at the period's end was late by then at least, and one that was
    paused in time is not late."""
    ended = clock.stopped_at or clock.paused_at
    if ended is not None and ended <= clock.due_at:
        return None
    return max((ended or period.until) - clock.due_at, timedelta(0))
