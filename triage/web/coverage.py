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

# what is written on the map where the borough's name is too long for it
SHORT = {
    "Barking and Dagenham": "Barking & D.",
    "City of London": "",
    "Hammersmith and Fulham": "H&F",
    "Kensington and Chelsea": "K&C",
    "Kingston upon Thames": "Kingston",
    "Richmond upon Thames": "Richmond",
    "Tower Hamlets": "Tower H.",
    "Waltham Forest": "Waltham F.",
}

# how far a name is moved where two would meet
MOVED = {
    "Hackney": (2, -8),
    "Hammersmith and Fulham": (-8, 6),
    "Islington": (0, 14),
    "Lambeth": (4, -6),
    "Wandsworth": (-8, 10),
}


class Area(NamedTuple):
    """One borough on the map, and where its name is written. `says` is all of it for who does not see it."""

    shape: Shape
    sight: Sight
    label: str
    says: str

    @property
    def x(self) -> int:
        return self.shape.x + MOVED.get(self.shape.name, (0, 0))[0]

    @property
    def y(self) -> int:
        return self.shape.y + MOVED.get(self.shape.name, (0, 0))[1]


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
        return Area(shape, cover.sight, "", f"{shape.name}: has a police of its own")
    told = count(len(cover.sources), "source")
    told += f", {len(cover.blind)} blind" if cover.blind else ""
    return Area(
        shape, cover.sight, SHORT.get(shape.name, shape.name), f"{shape.name}: {cover.sight.value}, {told}"
    )
