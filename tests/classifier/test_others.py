"""The rest of a report: places, disguises, and its tables."""

import json
from pathlib import Path

import pytest

from classifier.training.card import of_others
from classifier.training.disguised import measure_disguises
from classifier.training.disguises import DISGUISES, disguise
from classifier.training.others import measure_others
from classifier.training.placing import measure_places
from classifier.training.sets import Row
from classifier.training.splits import part
from tests.classifier.reader import model

TEXT = "Four officers pinned a boy to the floor outside Ilford station"


def silent(_what: str) -> None:
    """Progress nobody reads."""


@pytest.mark.parametrize("name", DISGUISES)
def test_a_disguise_is_the_same_each_time_and_another_for_another_text(name: str) -> None:
    assert disguise(name, TEXT, "1") == disguise(name, TEXT, "1") != TEXT
    if name != "full width":
        assert disguise(name, TEXT, "1") != disguise(name, TEXT, "2")


def test_what_a_disguise_costs_is_counted() -> None:
    rows = [
        Row(
            str(i),
            "mine",
            f"{TEXT} at {i} today",
            "use_of_force",
            str(i),
            {"incident_any": 1, "urgent": i % 2},
        )
        for i in range(6)
    ]
    found = measure_disguises(model(), rows, model().assess([row.text for row in rows]), say=silent)
    assert set(found) == set(DISGUISES)
    assert found["zero width"]["kept"] == 1.0
    assert found["zero width"]["recall_falls"] == found["full width"]["urgent_raised_falls"] == 0.0
    assert (found["leet"]["texts"], found["leet"]["incidents"], found["leet"]["urgent"]) == (6, 6, 3)


def folder(path: Path) -> Path:
    """One post of London that is held back, and two from anywhere."""
    held = next(f"w{i}" for i in range(99) if part(f"witness_postsw{i}", 5) == 0)
    row = {"id": held, "text": "feds all over Peckham tonight", "place": "Peckham", "borough": "Southwark"}
    (path / "london").mkdir()
    (path / "london" / "witness_posts.jsonl").write_text(json.dumps(row) + "\n", encoding="utf-8")
    (path / "location").mkdir()
    marked = "Rain\tO\nin\tO\nPeckham\tB-LOC\nagain\tO\n\nLost\tO\nin\tO\nXqzville\tB-LOC\n"
    (path / "location" / "btc.dev").write_text(marked, encoding="utf-8")
    return path


def test_places_and_boroughs_are_counted(tmp_path: Path) -> None:
    found = measure_places(model(), folder(tmp_path))
    assert found["london"]["exact_f1"] == found["london"]["borough_right"] == 1.0
    assert (found["anywhere"]["named"], found["anywhere"]["found"], found["anywhere"]["held"]) == (2, 1, 1)
    assert found["anywhere"]["held_recall"] == 1.0


def test_what_was_measured_has_a_table(tmp_path: Path) -> None:
    report = measure_others(model(), folder(tmp_path), [], [], say=silent)
    assert set(report) == {"places"}
    report["claims"] = {"posts": 9, "claims": 1_000, "map_at_5": 0.9, "reference_map_at_5": 0.8}
    report["rumours"] = {
        "ours": {
            "texts": 5, "rumours": 2, "macro_f1": 0.7, "macro_f1_interval": (0.6, 0.8), "auc": 0.8,
            "auc_interval": (0.7, 0.9), "calibration_error": 0.04,
        },
        "events": {"flood": {"texts": 5, "rumours": 2, "auc": 0.8}},
    }  # fmt: skip
    page = "\n".join(of_others(report))
    assert "| london | 1 | 1 | 1 | 1.000" in page
    assert "MAP@5 0.900" in page
    assert "AUC by event: flood 0.80" in page
    assert of_others({}) == []
