"""The map's outlines: every borough, small, and with borders that neighbours share."""

import re
from collections import Counter
from pathlib import Path

from collector.boroughs import BOROUGHS, NEIGHBOUR
from triage.web.outline import FILE, Shape, made_from, outline


def corners(shape: Shape) -> list[tuple[int, int]]:
    return [(int(x), int(y)) for x, y in re.findall(r"(\d+) (\d+)", shape.path)]


def borders(shape: Shape) -> list[frozenset[tuple[int, int]]]:
    points = corners(shape)
    return [frozenset(pair) for pair in zip(points, [*points[1:], points[0]], strict=True)]


def test_the_outlines_are_what_the_maker_makes(shared: Path) -> None:
    boundaries = shared / "data" / "geography" / "london-geography" / "london_boroughs.geojson"
    assert FILE.read_text(encoding="utf-8") == made_from(boundaries)


def test_every_borough_is_drawn_inside_a_small_drawing() -> None:
    drawn = outline()
    assert [shape.name for shape in drawn.shapes] == sorted([*BOROUGHS, NEIGHBOUR])
    assert FILE.stat().st_size < 60_000
    for shape in drawn.shapes:
        assert len(corners(shape)) > 10, shape.name
        assert all(0 < x < drawn.width and 0 < y < drawn.height for x, y in corners(shape)), shape.name


def test_neighbours_share_their_borders_point_by_point() -> None:
    """A border of one borough alone is London's own, and that is one line around all of it."""
    beside = Counter(border for shape in outline().shapes for border in borders(shape))
    assert set(beside.values()) == {1, 2}
    ends = Counter(point for border, times in beside.items() if times == 1 for point in border)
    assert set(ends.values()) <= {2, 4}
    for shape in outline().shapes:
        assert any(beside[border] == 2 for border in borders(shape)), shape.name
    (city,) = [shape for shape in outline().shapes if shape.name == NEIGHBOUR]
    assert all(beside[border] == 2 for border in borders(city))


def test_names_are_written_inside_their_borough() -> None:
    for shape in outline().shapes:
        xs, ys = zip(*corners(shape), strict=True)
        assert min(xs) < shape.x < max(xs), shape.name
        assert min(ys) < shape.y < max(ys), shape.name
        assert shape.room > 5, shape.name
