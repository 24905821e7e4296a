"""The official record of stop and search, by hour and by borough: what the published files say of when and where.

Read when it is asked for, from a folder of the files as data.police.uk publishes them, and never kept. Of each line the
time and the place are read and nothing else: not who was searched, nor what came of it.
"""

import csv
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from triage.review.counting import LONDON, hours_of

FILES = "*-stop-and-search.csv"
CELL = 0.01  # degrees: streets are looked for in the cell of a place and those around it
EAST = math.cos(math.radians(51.5))  # how much shorter a degree east is than one north, in London


class OfficialError(ValueError):
    """The official files cannot be read; the message names the file and the reason."""


class Official(NamedTuple):
    """How many searches the files hold, in which months, and how they fall on hours and boroughs. `placed` have a
    place that lies in a borough."""

    months: tuple[str, ...]
    searches: int
    placed: int
    by_hour: Mapping[str, int]
    by_borough: Mapping[str, int]


class Streets:
    """Which borough a place lies in: that of the nearest street we know, within about a kilometre."""

    def __init__(self, rows: Iterable[tuple[float, float, str]]) -> None:
        self._cells: dict[tuple[int, int], list[tuple[float, float, str]]] = {}
        for lat, lon, borough in rows:
            self._cells.setdefault(_cell(lat, lon), []).append((lat, lon, borough))

    def borough(self, lat: float, lon: float) -> str | None:
        across, down = _cell(lat, lon)
        near = [
            each
            for row in range(across - 1, across + 2)
            for column in range(down - 1, down + 2)
            for each in self._cells.get((row, column), ())
        ]
        if not near:
            return None
        return min(near, key=lambda each: (each[0] - lat) ** 2 + ((each[1] - lon) * EAST) ** 2)[2]


def read_streets(path: Path) -> Streets:
    """The streets of config/gazetteer/streets.csv."""
    with path.open(encoding="utf-8", newline="") as file:
        return Streets((float(row["lat"]), float(row["lon"]), row["borough"]) for row in csv.DictReader(file))


def read_official(folder: Path, streets: Streets) -> Official:
    """All files of a folder together. Raises OfficialError."""
    paths = sorted(folder.glob(FILES))
    if not paths:
        raise OfficialError(f"{folder}: there is no file called {FILES}")
    return _counted([each for path in paths for each in _searches(path)], streets)


def _searches(path: Path) -> Iterator[tuple[datetime, str, str]]:
    """When and where each search was; the place as it is written, empty where it is not."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                yield datetime.fromisoformat(row["Date"]), row["Latitude"], row["Longitude"]
    except (OSError, KeyError, ValueError) as error:
        raise OfficialError(f"{path}: not a file of searches: {error}") from error


def _counted(searches: Sequence[tuple[datetime, str, str]], streets: Streets) -> Official:
    found = [streets.borough(float(lat), float(lon)) if lat and lon else None for _, lat, lon in searches]
    boroughs = Counter(each for each in found if each is not None)
    months = Counter(f"{at.astimezone(LONDON):%Y-%m}" for at, _, _ in searches)
    named = sorted(
        each for each, number in months.items() if number * 100 > len(searches)
    )  # summer files run over
    hours = Counter(hours_of(at) for at, _, _ in searches)
    return Official(tuple(named), len(searches), boroughs.total(), hours, boroughs)


def _cell(lat: float, lon: float) -> tuple[int, int]:
    return math.floor(lat / CELL), math.floor(lon / CELL)
