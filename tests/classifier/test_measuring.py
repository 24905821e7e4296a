"""Measuring: any labelled file, intervals, slices, the card's tables."""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from classifier.evaluate import average_precision, calibration_by_chance, calibration_error, figures
from classifier.model import Model
from classifier.promotion import below
from classifier.training.card import BEGIN, END, write_card
from classifier.training.measure import measure
from classifier.training.sets import read_sets
from tests.classifier.reader import model

ROWS = [
    {"text": "Four officers pinned a boy to the floor in Ilford", "code": "F", "style": "standard"},
    {"text": "The fashion police would arrest me for this hat", "code": "N", "style": "sarcastic"},
    {"text": "feds searched man outside school again, nothing found", "code": "S", "style": "mle_slang"},
    {"text": "That arm should not bend like that", "code": "Fr", "style": "standard"},
]


def silent(_what: str) -> None:
    """Progress nobody reads."""


def labelled(path: Path) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, ["text", "code", "style"])
        writer.writeheader()
        writer.writerows(ROWS)
    return path


def report_of(path: Path) -> dict[str, Any]:
    reader: Model = model()
    return measure(reader, labelled(path), say=silent)


def test_any_labelled_file_is_measured_whole(tmp_path: Path) -> None:
    report = report_of(tmp_path / "mine.csv")
    found = report["sets"]["mine"]
    assert found["texts"] == 4
    assert found["incident_any"]["texts"] == 3  # the comment is left out
    assert found["incident_any"]["positives"] == 2
    low, high = found["incident_any"]["average_precision_interval"]
    assert 0 <= low <= found["incident_any"]["average_precision"] <= high <= 1
    assert report["slices"]["style"]["sarcastic"]["others"] == 1
    assert report["slices"]["style"]["mle_slang"]["incidents"] == 1


def test_json_lines_and_words_for_types_are_read_too(tmp_path: Path) -> None:
    path = tmp_path / "lines.jsonl"
    path.write_text(
        json.dumps({"text": "Stopped on Green Lanes", "type": "stop_search"}) + "\n", encoding="utf-8"
    )
    [row] = read_sets(path)["lines"]
    assert (row.type, row.truth["incident"]) == ("stop_search", 1)


def test_a_file_with_an_unknown_type_is_refused_with_its_row(tmp_path: Path) -> None:
    path = tmp_path / "odd.jsonl"
    path.write_text(json.dumps({"text": "x", "type": "Q"}) + "\n", encoding="utf-8")
    with pytest.raises(ValueError, match="row 1"):
        read_sets(path)


def test_the_card_gets_the_figures_between_its_marks(tmp_path: Path) -> None:
    page = tmp_path / "card.md"
    page.write_text(f"before\n{BEGIN}\nstale figures\n{END}\nafter\n", encoding="utf-8")
    report = report_of(tmp_path / "mine.csv")
    report["learning_curve"] = [{"labelled": 10, "news, incident": 0.5}]
    write_card(page, report)
    text = page.read_text(encoding="utf-8")
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    assert "stale figures" not in text
    assert "| mine | any encounter | 3 | 2 |" in text
    assert ROWS[0]["text"] not in text
    page.write_text("no marks", encoding="utf-8")
    with pytest.raises(ValueError, match="no place for figures"):
        write_card(page, report)


def test_average_precision_is_the_textbooks_even_with_ties() -> None:
    chance = np.random.default_rng(1)
    truth = (chance.random(300) < 0.3).astype(np.int64)
    said = (chance.random(300) + truth * 0.5).round(1)
    assert average_precision(truth, said) == pytest.approx(average_precision_score(truth, said))


def test_calibration_by_chance_is_what_right_probabilities_show() -> None:
    chance = np.random.default_rng(2)
    said = chance.random(400)
    truth = (chance.random(400) < said).astype(np.int64)
    assert calibration_by_chance(said) == pytest.approx(calibration_error(truth, said), abs=0.03)


def test_an_interval_is_narrower_with_more_texts() -> None:
    chance = np.random.default_rng(3)

    def width(count: int) -> float:
        truth = (chance.random(count) < 0.5).astype(np.int64)
        found = figures(truth, np.clip(truth * 0.3 + chance.random(count) * 0.7, 0, 1))
        assert found.average_precision_interval is not None
        return found.average_precision_interval[1] - found.average_precision_interval[0]

    assert width(2_000) < width(60)


def test_bounds_name_the_figure_that_is_worse() -> None:
    report = {"sets": {"one": {"incident": {"average_precision": 0.5, "raised": 0.2}}}}
    bounds = {"one": {"incident": {"average_precision": 0.6, "raised": 0.3}}}
    [worse] = below(report, bounds)
    assert "one, incident: average_precision is 0.500, the bound is 0.6" in worse


def test_how_much_less_is_found_in_slang_is_a_bound_too() -> None:
    report = {"fairness": {"slang": {"gap": 0.06, "found_after": 0.91}}}
    [worse] = below(report, {"fairness": {"slang": {"gap": 0.03, "found_after": 0.9}}})
    assert worse == "fairness, slang: gap is 0.060, the bound is 0.03"
    assert list(below({}, {"fairness": {"slang": {"gap": 0.03}}}))
