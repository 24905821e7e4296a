"""How near two tellings are, in place and in time: two posts of one corner within the hour are seldom two incidents."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

Point = tuple[float, float]  # latitude, longitude

KM_A_DEGREE = 111.2
COSINE = 0.6225  # of London's latitude, 51.5 degrees
WITHIN_KM = 1.2  # e-fold: at this distance nearness has fallen to 0.37
MOST_POINTS = 2  # a post that names more places is about none of them


def points_of(places: Sequence[Mapping[str, Any]]) -> tuple[Point, ...]:
    """Where in London the places named in a post lie; none when they are many."""
    found = {(each["lat"], each["lon"]): None for each in places if each.get("borough") and each.get("lat")}
    return tuple(found) if len(found) <= MOST_POINTS else ()


def nearness(some: Sequence[Point], others: Sequence[Point]) -> float:
    """1 in the same place, towards 0 with the distance of the nearest two; 0 when either has no place."""
    least = min((_km(one, other) for one in some for other in others), default=math.inf)
    return math.exp(-least / WITHIN_KM)


def _km(one: Point, other: Point) -> float:
    """Over a city the earth is flat enough."""
    north, east = one[0] - other[0], (one[1] - other[1]) * COSINE
    return KM_A_DEGREE * math.sqrt(north * north + east * east)
