"""Which cases the queue shows and in what order: read from the address, and written back into it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from urllib.parse import urlencode

from sqlalchemy import ColumnElement, Select, and_, false, func, or_
from sqlmodel import col, select
from starlette.datastructures import QueryParams

from classifier.records import IncidentType
from triage.growth_records import Growth
from triage.pace import WINDOW
from triage.records import OPEN, Alert, AlertState, Case, Desk, Person, Severity, Status
from triage.rules import Lane
from triage.web.words import BCU

VIEWS = {
    "open": "All open",
    "unclaimed": "Unclaimed",
    "mine": "Mine",
    "waiting": "Waiting on us",
    "watch": "Watch",
    "good": "Good news",
    "closed": "Closed",
}
SORTS = {
    "clock": "what runs out first",
    "severity": "gravest first",
    "newest": "newest first",
    "posts": "most posts",
    "pace": "growing fastest",
}
PER_PAGE = 25


class Filters(NamedTuple):
    """What the address asks for; values that mean nothing are left out, so any address shows a page."""

    desk: str = ""
    view: str = "open"
    severity: tuple[int, ...] = ()
    bcu: tuple[str, ...] = ()
    borough: tuple[str, ...] = ()
    type: tuple[str, ...] = ()
    sort: str = "clock"
    page: int = 1

    @classmethod
    def read(cls, asked: QueryParams) -> "Filters":
        page = asked.get("page", "1")
        return cls(
            desk=_one(asked, "desk", list(Desk), ""),
            view=_one(asked, "view", VIEWS, "open"),
            severity=tuple(int(each) for each in _some(asked, "severity", [str(int(s)) for s in Severity])),
            bcu=_some(asked, "bcu", BCU),
            borough=tuple(each[:60] for each in asked.getlist("borough") if each),
            type=_some(asked, "type", list(IncidentType)),
            sort=_one(asked, "sort", SORTS, "clock"),
            page=min(int(page), 100_000) if page.isdecimal() and page.isascii() and int(page) else 1,
        )

    def address(self, **changed: Any) -> str:
        """The queue's address with these filters; changing a filter goes back to page one."""
        asked = self._replace(**{"page": 1, **changed})
        pairs = [
            (name, str(each))
            for name in self._fields
            for each in _values(getattr(asked, name))
            if getattr(asked, name) != Filters._field_defaults[name]
        ]
        return f"/queue?{urlencode(pairs)}" if pairs else "/queue"

    @property
    def narrowed(self) -> bool:
        return bool(self.severity or self.bcu or self.borough or self.type)


def _one(asked: QueryParams, name: str, known: Sequence[str] | dict[str, str], otherwise: str) -> str:
    value = asked.get(name, otherwise)
    return value if value in known else otherwise


def _some(asked: QueryParams, name: str, known: Sequence[str] | dict[str, str]) -> tuple[str, ...]:
    return tuple(each for each in asked.getlist(name) if each in known)


def _values(value: Any) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else (value,)


def fits(filters: Filters, me: Person, *, now: datetime) -> ColumnElement[bool]:
    """The condition on `cases` that these filters mean for this person."""
    wanted = [_view(filters.view, me, filters.desk, now=now)]
    if filters.desk:
        wanted.append(col(Case.desks).contains([filters.desk]))
    for column, values in (
        (col(Case.severity), filters.severity),
        (col(Case.bcu), filters.bcu),
        (col(Case.borough), filters.borough),
        (col(Case.type), filters.type),
    ):
        if values:
            wanted.append(column.in_(values))
    return and_(*wanted)


def _view(view: str, me: Person, desk: str, *, now: datetime) -> ColumnElement[bool]:
    open_ = col(Case.status).in_(OPEN)
    is_open = and_(open_, col(Case.lane).is_(None))  # what is in a lane waits for nobody's decision
    claimed = and_(col(Case.claimed_by).is_not(None), col(Case.claimed_until) > now)
    mine = and_(col(Case.claimed_by) == me.id, col(Case.claimed_until) > now)
    match view:
        case "mine":
            return and_(open_, mine)
        case "unclaimed":
            return and_(is_open, ~claimed, col(Case.status) != Status.WATCH)
        case "watch":
            return col(Case.status) == Status.WATCH
        case "waiting":
            return and_(is_open, or_(~claimed, mine), _unanswered([desk] if desk else me.desks))
        case "good":
            return and_(open_, col(Case.lane) == Lane.GOOD_NEWS)
        case "closed":
            return ~open_
        case _:
            return is_open


def _unanswered(desks: Sequence[str]) -> ColumnElement[bool]:
    if not desks:
        return false()
    asked = select(Alert.case_id).where(Alert.state == AlertState.OPEN, col(Alert.desk).in_(desks))
    return col(Case.id).in_(asked)


def ordered(statement: "Select[Any]", filters: Filters, *, now: datetime) -> "Select[Any]":
    """SEV1 with a clock running leads; then what runs out first; what has no clock comes last."""
    due = col(Case.first_due_at)
    newest = col(Case.opened_at).desc()
    match filters.sort:
        case "severity":
            return statement.order_by(col(Case.severity), newest, col(Case.id))
        case "newest":
            return statement.order_by(newest, col(Case.id))
        case "pace":
            return _fastest(statement, newest, now=now)
        case "posts":
            return statement.order_by(col(Case.post_count).desc(), newest, col(Case.id))
        case _:
            not_critical = or_(due.is_(None), col(Case.severity) != Severity.SEV1)
            return statement.order_by(
                not_critical, due.asc().nulls_last(), col(Case.severity), newest, col(Case.id)
            )


def _fastest(statement: "Select[Any]", newest: ColumnElement[Any], *, now: datetime) -> "Select[Any]":
    """Most posts in the last ten minutes first."""
    lately = (
        select(col(Growth.case_id), func.sum(col(Growth.posts)).label("posts"))
        .where(col(Growth.at) > now - WINDOW)
        .group_by(col(Growth.case_id))
        .subquery()
    )
    joined = statement.outerjoin(lately, lately.c.case_id == col(Case.id))
    return joined.order_by(lately.c.posts.desc().nulls_last(), newest, col(Case.id))
