"""Coverage: a map of London's boroughs that shows at a glance where we are blind, and the figures behind it."""

from typing import NamedTuple

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from collector.coverage import Sight
from triage.coverage import DAYS, Figure, figures
from triage.web.outline import Shape, outline
from triage.web.visit import Visiting
from triage.web.words import count

router = APIRouter()

GRAVEST = (Sight.BLIND, Sight.UNCOVERED, Sight.PARTLY, Sight.SEEN, Sight.NEIGHBOUR)


class Area(NamedTuple):
    """One borough on the map. `says` is all of it for who does not see it."""

    shape: Shape
    sight: Sight
    says: str


@router.get("/coverage")
def coverage(visit: Visiting) -> HTMLResponse:
    """The gravest first in the table; the map by name."""
    found = figures(visit.session, now=visit.now)
    by_name = {each.cover.borough: each for each in found}
    drawn = outline()
    ours = [each for each in found if each.cover.sight is not Sight.NEIGHBOUR]
    return visit.page(
        "coverage.html",
        drawn=drawn,
        areas=[_area(shape, by_name[shape.name]) for shape in drawn.shapes],
        figures=sorted(found, key=lambda each: (GRAVEST.index(each.cover.sight), each.cover.borough)),
        unseen=[each for each in ours if each.cover.sight in (Sight.BLIND, Sight.UNCOVERED)],
        counts={sight: sum(each.cover.sight is sight for each in found) for sight in GRAVEST},
        boroughs=len(ours),
        Sight=Sight,
        days=DAYS,
    )


def _area(shape: Shape, figure: Figure) -> Area:
    cover = figure.cover
    if cover.sight is Sight.NEIGHBOUR:
        return Area(shape, cover.sight, f"{shape.name}: has a police of its own")
    told = count(len(cover.sources), "source")
    told += f", {len(cover.blind)} blind" if cover.blind else ""
    return Area(shape, cover.sight, f"{shape.name}: {cover.sight.value}, {told}")
