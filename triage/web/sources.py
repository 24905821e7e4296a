"""Sources: all of them, blind and failing ones first, with what is missing and which parts of the service answer."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple
from urllib.parse import urlencode

from fastapi import APIRouter
from fastapi.responses import HTMLResponse
from sqlmodel import select
from starlette.datastructures import QueryParams

from collector.boroughs import BOROUGHS, NEIGHBOUR, WHOLE
from collector.coverage import Sight, coverage
from collector.health import Health, State, health, is_blind
from collector.records import Gap, SourceRow
from collector.sources import kinds
from triage.records import Heartbeat
from triage.web.calm import DEAD_AFTER, FORGOTTEN_AFTER
from triage.web.plots import Bar, spark
from triage.web.sight import GROUPS, group_of, remedy, why
from triage.web.visit import Visiting

router = APIRouter()

WEEK = 7
GAPS = 20


class Asked(NamedTuple):
    """Which sources the address asks for; what means nothing is left out, so any address shows a page."""

    show: str = ""
    kind: str = ""
    borough: str = ""

    @classmethod
    def read(cls, asked: QueryParams) -> "Asked":
        return cls(
            _one(asked.get("show", ""), GROUPS),
            _one(asked.get("kind", ""), kinds()),
            _one(asked.get("borough", ""), (WHOLE, NEIGHBOUR, *BOROUGHS)),
        )

    def address(self, **changed: str) -> str:
        pairs = [(name, value) for name, value in self._replace(**changed)._asdict().items() if value]
        return f"/sources?{urlencode(pairs)}" if pairs else "/sources"

    def fits(self, row: SourceRow) -> bool:
        """Whether kind and borough are those asked for."""
        return self.kind in ("", row.kind) and (not self.borough or self.borough in row.boroughs)


class Shown(NamedTuple):
    """One source as shown. `why` says what is wrong with it, `bars` are the items of its last seven days."""

    source: SourceRow
    state: State
    group: str
    why: str | None
    remedy: str
    seen: int
    stored: int
    bars: list[Bar]
    gaps: Sequence[Gap]


@router.get("/sources")
def sources(visit: Visiting) -> HTMLResponse:
    """In groups, the gravest first; counts are those of the chosen kind and borough."""
    asked = Asked.read(visit.request.query_params)
    known = health(visit.session, days=WEEK, now=visit.now)
    rows = [each.source for each in known]
    found = [_shown(each, visit.now) for each in known if asked.fits(each.source)]
    groups = {name: [each for each in found if each.group == name] for name in GROUPS}
    gaps = sorted((gap for each in known for gap in each.gaps), key=lambda gap: gap.found_at, reverse=True)
    parts = select(Heartbeat).where(Heartbeat.beat_at > visit.now - FORGOTTEN_AFTER)
    return visit.page(
        "sources.html",
        asked=asked,
        groups=groups,
        names=GROUPS,
        all=found,
        gaps=gaps[:GAPS],
        all_gaps=len(gaps),
        parts=visit.session.exec(parts.order_by(Heartbeat.part)).all(),
        dead_after=DEAD_AFTER,
        unseen=unseen(rows, now=visit.now),
        kinds=sorted({row.kind for row in rows}),
        boroughs=(WHOLE, *BOROUGHS),
        whole=WHOLE,
    )


def unseen(rows: Sequence[SourceRow], *, now: datetime) -> list[tuple[str, Sight]]:
    """The boroughs that are blind or not covered."""
    covers = coverage(rows, now=now)
    return [(each.borough, each.sight) for each in covers if each.sight in (Sight.BLIND, Sight.UNCOVERED)]


def _shown(each: Health, now: datetime) -> Shown:
    row, state = each.source, each.state
    group = group_of(state, blind=is_blind(row, now))
    return Shown(
        row,
        state,
        group,
        why(row, state, now),
        remedy(row, state),
        each.seen,
        each.stored,
        spark(each.days),
        each.gaps,
    )


def _one(value: str, known: Iterable[str]) -> str:
    return value if value in known else ""
