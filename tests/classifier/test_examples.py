"""The labelled examples a text is most like: told by their kinds, kept without anything of their words."""

from pathlib import Path

import numpy as np
import pytest

from classifier.calibration import KINDS
from classifier.examples import NEAREST, Examples, Kind

FORCE, STOP = Kind("London posts", "use_of_force", "first-hand"), Kind("news items", "stop_search")
NOTHING = Kind("London posts", "none")


def held(kind: str) -> dict[str, float]:
    return {each: 0.9 if each == kind else 0.01 for each in KINDS}


@pytest.fixture
def examples() -> Examples:
    """Forty of force, ten of stops, fifty of nothing, each held to be what it is, some more, some less."""
    kinds = [FORCE] * 40 + [STOP] * 10 + [NOTHING] * 50
    chance = np.random.default_rng(1)
    table = {
        label: np.array([held(kind.type)[label] * chance.uniform(0.8, 1.0) for kind in kinds])
        for label in KINDS
    }
    return Examples.of(table, kinds)


def test_the_nearest_are_those_of_which_the_same_is_held(examples: Examples) -> None:
    assert examples.nearest(held("use_of_force")) == [FORCE] * NEAREST
    assert examples.nearest(held("stop_search"))[:10] == [STOP] * 10


def test_the_reason_counts_what_they_report_and_names_their_kinds(examples: Examples) -> None:
    told = examples.signal(held("use_of_force"))
    assert (told.name, told.score, told.start, told.end) == ("examples", 1.0, 0, 0)
    assert told.because == (
        "of the 25 labelled examples most like it: 25 use of force."
        " Nearest kinds: London posts of use of force, first-hand (25)"
    )


def test_a_text_unlike_what_its_type_says_is_told_so(examples: Examples) -> None:
    told = examples.signal(held("stop_search"))
    assert told.score == 10 / NEAREST
    assert "10 a stop or search" in told.because
    assert "10 no encounter, 5 use of force" in told.because


def test_what_is_kept_is_kinds_and_probabilities_and_comes_back_the_same(
    examples: Examples, tmp_path: Path
) -> None:
    examples.to_disk(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"examples.npz", "examples.json"}
    again = Examples.from_disk(tmp_path)
    assert again.nearest(held("stop_search"))[:10] == [STOP] * 10
    assert sorted(set(again.kinds)) == sorted({FORCE, STOP, NOTHING})
