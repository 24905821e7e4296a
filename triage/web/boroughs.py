"""The cases of the queue by borough: on a map, and the same as a table. Under the filters of the queue's address."""

from collections import Counter
from typing import NamedTuple

from fastapi import APIRouter
from fastapi.responses import HTMLResponse
from sqlmodel import Session, col, func, select

from triage.records import Case, Severity
from triage.web.filters import VIEWS, Filters, fits
from triage.web.outline import Shape, outline
from triage.web.visit import Visiting
from triage.web.words import BCU, count

router = APIRouter()

STEPS = (1, 3, 6, 11)  # cases from which on a borough is drawn one step darker
GRAVE = (Severity.SEV1, Severity.SEV2)


class Held(NamedTuple):
    """The cases of one borough. `step` is how dark it is drawn, 0 without cases."""

    borough: str
    by_severity: dict[int, int]

    @property
    def cases(self) -> int:
        return sum(self.by_severity.values())

    @property
    def grave(self) -> int:
        return sum(self.by_severity.get(int(each), 0) for each in GRAVE)

    @property
    def step(self) -> int:
        return sum(self.cases >= each for each in STEPS)

    @property
    def says(self) -> str:
        told = count(self.cases, "case") if self.cases else "no case"
        return f"{self.borough}: {told}" + (f", {self.grave} of them SEV1 or SEV2" if self.grave else "")


class Area(NamedTuple):
    """One borough on the map."""

    shape: Shape
    held: Held


@router.get("/queue/map")
def borough_map(visit: Visiting) -> HTMLResponse:
    """Where the cases are. What names no borough is counted beside the map, so that the sums are those of the queue."""
    filters = Filters.read(visit.request.query_params)
    held = _held(visit.session, filters, visit)
    drawn = outline()
    known = {shape.name for shape in drawn.shapes}
    nowhere = [each for name, each in held.items() if name not in known]
    areas = [Area(shape, held.get(shape.name) or Held(shape.name, {})) for shape in drawn.shapes]
    return visit.page(
        "boroughs.html",
        drawn=drawn,
        areas=areas,
        listed=sorted(
            (each.held for each in areas), key=lambda each: (-each.grave, -each.cases, each.borough)
        ),
        nowhere=sum((Counter(each.by_severity) for each in nowhere), Counter()),
        whole=sum((Counter(each.by_severity) for each in held.values()), Counter()),
        severities=[int(each) for each in Severity],
        steps=[*STEPS, None],
        filters=filters,
        views=VIEWS,
        bcus=BCU,
    )


def _held(session: Session, filters: Filters, visit: Visiting) -> dict[str, Held]:
    wanted = (
        select(Case.borough, Case.severity, func.count())
        .where(fits(filters, visit.person, now=visit.now))
        .group_by(col(Case.borough), col(Case.severity))
    )
    found: dict[str, dict[int, int]] = {}
    for borough, severity, cases in session.exec(wanted):
        found.setdefault(borough or "", {})[int(severity)] = cases
    return {name: Held(name, by_severity) for name, by_severity in found.items()}
