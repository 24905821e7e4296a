"""Builds the measured part of the gazetteer: streets and stations with boroughs and positions.

`python -m classifier.training.gazetteer DATA` reads DATA/geography and writes streets.csv and stations.csv
into config/gazetteer, where README.md notes the licences. The other files there are kept by hand.
"""

import csv
import json
import re
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

OUT = Path(__file__).parents[2] / "config" / "gazetteer"
COLUMNS = ("name", "kind", "borough", "lat", "lon", "share", "care")
STREET = re.compile(
    r"\S.* (?:road|street|lane|avenue|way|hill|gardens|grove|close|drive|terrace|crescent|square|place|row|walk|park"
    r"|broadway|parade|rise|vale|gate|embankment|bridge|approach|circus|court|estate|mews|green|common|passage"
    r"|market|wharf|quay|path|villas|buildings|yard|end|rye|mount)",
    re.IGNORECASE,
)
SHARED_BY = 8  # a street name in more boroughs than this says too little
BUSY = 12  # records at its points, below which a street with several boroughs is left out


class Point(NamedTuple):
    name: str
    borough: str
    lat: float
    lon: float
    records: int


def streets(points: Iterable[Point]) -> Iterator[tuple[str, str, float, float, float]]:
    """Name, borough, position and the borough's share of the records there, most likely borough first."""
    named: dict[str, dict[str, list[Point]]] = defaultdict(lambda: defaultdict(list))
    for point in points:
        if street(point.name):
            named[tidy(point.name)][point.borough].append(point)
    for name, boroughs in sorted(named.items()):
        records = {borough: sum(p.records for p in found) for borough, found in boroughs.items()}
        total = sum(records.values())
        if len(boroughs) > SHARED_BY or total < BUSY:
            continue
        for borough in sorted(boroughs, key=lambda each: -records[each]):
            share = records[borough] / total
            if share >= 0.15:
                lat, lon = middle(boroughs[borough])
                yield name, borough, lat, lon, share


def street(name: str) -> bool:
    return bool(STREET.fullmatch(name)) and "/" not in name and not name[0].isdigit() and name[:4] != "The "


def tidy(name: str) -> str:
    return re.sub(r"'S\b", "'s", name)


def middle(points: Sequence[Point]) -> tuple[float, float]:
    weight = sum(p.records for p in points) or 1
    lat = sum(p.lat * p.records for p in points) / weight
    lon = sum(p.lon * p.records for p in points) / weight
    return round(lat, 4), round(lon, 4)


def read_points(path: Path, boroughs: set[str]) -> Iterator[Point]:
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["borough"] in boroughs:
                yield Point(
                    row["place"], row["borough"], float(row["lat"]), float(row["lon"]), int(row["records"])
                )


def stations(
    path: Path, shapes: dict[str, list[list[tuple[float, float]]]]
) -> Iterator[tuple[str, str, float, float]]:
    """Each station of the list that lies in a borough, by its position."""
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter=";"):
            lat, lon = float(row["latitude"]), float(row["longitude"])
            borough = next(
                (name for name, rings in shapes.items() if any(inside(lon, lat, r) for r in rings)), None
            )
            if borough:
                yield row["name"], borough, round(lat, 4), round(lon, 4)


def read_shapes(path: Path) -> dict[str, list[list[tuple[float, float]]]]:
    found: dict[str, list[list[tuple[float, float]]]] = {}
    for feature in json.loads(path.read_text(encoding="utf-8"))["features"]:
        geometry = feature["geometry"]
        polygons = (
            geometry["coordinates"] if geometry["type"] == "MultiPolygon" else [geometry["coordinates"]]
        )
        found[feature["properties"]["name"]] = [[(x, y) for x, y, *_ in polygon[0]] for polygon in polygons]
    return found


def inside(x: float, y: float, ring: Sequence[tuple[float, float]]) -> bool:
    """Even-odd rule."""
    within = False
    for (ax, ay), (bx, by) in zip(ring, [*ring[1:], ring[0]], strict=True):
        if (ay > y) != (by > y) and x < (bx - ax) * (y - ay) / (by - ay) + ax:
            within = not within
    return within


def write(path: Path, rows: Iterable[Sequence[object]]) -> int:
    written = 0
    with path.open("w", encoding="utf-8", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(COLUMNS)
        for row in rows:
            out.writerow(row)
            written += 1
    return written


def main() -> None:
    geography = Path(sys.argv[1]) / "geography"
    shapes = read_shapes(geography / "london-geography" / "london_boroughs.geojson")
    points = read_points(geography / "london-streets-police-uk" / "london_street_points.csv", set(shapes))
    rows = ((n, "street", b, lat, lon, f"{share:.2f}", "") for n, b, lat, lon, share in streets(points))
    print("streets.csv", write(OUT / "streets.csv", rows))
    found = stations(geography / "london-geography" / "london_stations.csv", shapes)
    stops = ((f"{n} station", "station", b, lat, lon, "1.00", "") for n, b, lat, lon in sorted(found))
    print("stations.csv", write(OUT / "stations.csv", stops))


if __name__ == "__main__":
    main()
