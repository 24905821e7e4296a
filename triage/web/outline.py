"""The outline: London's boroughs as paths of one drawing, simplified so that neighbours still share every point.

`python -m triage.web.outline GEOJSON` makes outlines/boroughs.json anew; outlines/README.md says from what, and
notes its licence. A border between two boroughs is cut out once, simplified once and used by both.
"""

import json
import math
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

FILE = Path(__file__).parent / "outlines" / "boroughs.json"
WIDTH = 1000
MARGIN = 6
TOLERANCE = 1.0  # how far a point may lie beside the simplified line, in units of the drawing
GRID = 24  # steps in which the roomiest spot for a label is looked for, each way

Point = tuple[float, float]
Ring = list[Point]
Edge = frozenset[Point]


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


class Shape(NamedTuple):
    """One borough as drawn: its path, and the roomiest spot in it, with how far that is from the border."""

    name: str
    path: str
    x: int
    y: int
    room: int

    @property
    def label(self) -> str:
        """What is written in it; nothing where there is no room."""
        return SHORT.get(self.name, self.name)

    @property
    def label_at(self) -> tuple[int, int]:
        """Where that is written."""
        right, down = MOVED.get(self.name, (0, 0))
        return self.x + right, self.y + down


class Outline(NamedTuple):
    """The drawing: its size, and the boroughs by name."""

    width: int
    height: int
    shapes: tuple[Shape, ...]


@cache
def outline() -> Outline:
    """The committed drawing."""
    kept = json.loads(FILE.read_text(encoding="utf-8"))
    return Outline(kept["width"], kept["height"], tuple(Shape(**each) for each in kept["shapes"]))


def made_from(geojson: Path) -> str:
    """What boroughs.json holds when it is made from this file: one polygon without holes for each borough."""
    features = json.loads(geojson.read_text(encoding="utf-8"))["features"]
    rings = {each["properties"]["name"]: _ring(each["geometry"]) for each in features}
    height, rings = _projected(rings)
    arcs: dict[tuple[Point, ...], Ring] = {}
    shapes = []
    for name, parts in sorted(_cut(rings).items()):
        points = [point for part in parts for point in _once(part, arcs)[:-1]]
        path = "M" + "L".join(f"{x:.0f} {y:.0f}" for x, y in points) + "Z"
        shapes.append(Shape(name, path, *_roomiest(points))._asdict())
    made = {"width": WIDTH, "height": height, "shapes": shapes}
    return json.dumps(made, indent=1) + "\n"


def _ring(geometry: Mapping[str, Any]) -> Ring:
    if geometry["type"] != "Polygon" or len(geometry["coordinates"]) != 1:
        raise ValueError(f"a borough is one polygon without holes, not a {geometry['type']}")
    ring = [(lon, lat) for lon, lat in geometry["coordinates"][0]]
    return ring[:-1] if ring[0] == ring[-1] else ring


def _projected(rings: Mapping[str, Ring]) -> tuple[int, dict[str, Ring]]:
    """Degrees as units of the drawing, north up; true to shape in the middle of the map."""
    points = [point for ring in rings.values() for point in ring]
    west, east = min(lon for lon, _ in points), max(lon for lon, _ in points)
    south, north = min(lat for _, lat in points), max(lat for _, lat in points)
    squeeze = math.cos(math.radians((south + north) / 2))
    scale = (WIDTH - 2 * MARGIN) / ((east - west) * squeeze)
    drawn = {
        name: [((lon - west) * squeeze * scale + MARGIN, (north - lat) * scale + MARGIN) for lon, lat in ring]
        for name, ring in rings.items()
    }
    return math.ceil((north - south) * scale) + 2 * MARGIN, drawn


def _edges(ring: Sequence[Point]) -> Iterator[Edge]:
    return (frozenset(pair) for pair in zip(ring, [*ring[1:], ring[0]], strict=True))


def _cut(rings: Mapping[str, Ring]) -> dict[str, list[Ring]]:
    """Each ring in the stretches it shares with one neighbour, or with none; each ends where the next begins."""
    between: dict[Edge, set[str]] = defaultdict(set)
    for name, ring in rings.items():
        for edge in _edges(ring):
            between[edge].add(name)
    return {name: _stretches(ring, [between[edge] for edge in _edges(ring)]) for name, ring in rings.items()}


def _stretches(ring: Ring, beside: Sequence[set[str]]) -> list[Ring]:
    turns = [at for at in range(len(ring)) if beside[at] != beside[at - 1]] or [0]
    ends = [*turns[1:], turns[0] + len(ring)]
    return [
        [ring[at % len(ring)] for at in range(start, end + 1)] for start, end in zip(turns, ends, strict=True)
    ]


def _once(part: Ring, arcs: dict[tuple[Point, ...], Ring]) -> Ring:
    """The stretch simplified, the same for both who share it, whichever way round they go."""
    there, back = tuple(part), tuple(reversed(part))
    key = min(there, back)
    if key not in arcs:
        arcs[key] = _rounded(_simplified(list(key)))
    return arcs[key] if key == there else arcs[key][::-1]


def _simplified(line: Ring) -> Ring:
    """Douglas and Peucker 1973: the fewest points from which no point left out lies further than TOLERANCE."""
    if len(line) < 3:
        return line
    far, at = max((_beside(line[each], line[0], line[-1]), each) for each in range(1, len(line) - 1))
    if far <= TOLERANCE:
        return [line[0], line[-1]]
    return _simplified(line[: at + 1])[:-1] + _simplified(line[at:])


def _rounded(line: Ring) -> Ring:
    """In whole units, without the needles that rounding leaves where the line went there and back."""
    kept: Ring = []
    for x, y in line:
        point = (float(round(x)), float(round(y)))
        if len(kept) > 1 and kept[-2] == point:
            kept.pop()
        elif not kept or kept[-1] != point:
            kept.append(point)
    return kept


def _beside(point: Point, start: Point, end: Point) -> float:
    """How far a point is from the stretch between two others."""
    along_x, along_y = end[0] - start[0], end[1] - start[1]
    length = along_x**2 + along_y**2
    share = ((point[0] - start[0]) * along_x + (point[1] - start[1]) * along_y) / length if length else 0.0
    share = min(max(share, 0.0), 1.0)
    return math.dist(point, (start[0] + share * along_x, start[1] + share * along_y))


def _roomiest(points: Sequence[Point]) -> tuple[int, int, int]:
    """The spot inside that is furthest from the border, and how far that is."""
    west, east = min(x for x, _ in points), max(x for x, _ in points)
    north, south = min(y for _, y in points), max(y for _, y in points)
    spots = (
        (west + (east - west) * across / GRID, north + (south - north) * down / GRID)
        for across in range(1, GRID)
        for down in range(1, GRID)
    )
    sides = list(zip(points, [*points[1:], points[0]], strict=True))
    room, x, y = max(
        (min(_beside(spot, *side) for side in sides), *spot) for spot in spots if _inside(spot, sides)
    )
    return round(x), round(y), round(room)


def _inside(spot: Point, sides: Sequence[tuple[Point, Point]]) -> bool:
    """Whether a ray to the east crosses the border an odd number of times."""
    crossed = [
        start[0] + (spot[1] - start[1]) * (end[0] - start[0]) / (end[1] - start[1]) > spot[0]
        for start, end in sides
        if (start[1] > spot[1]) != (end[1] > spot[1])
    ]
    return sum(crossed) % 2 == 1


if __name__ == "__main__":
    FILE.write_text(made_from(Path(sys.argv[1])), encoding="utf-8")
