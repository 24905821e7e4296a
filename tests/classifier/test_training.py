"""Training: rows of one shape, splits that share no event, labels without texts, the same model twice."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import spacy

from classifier.calibration import Calibration, Curve
from classifier.evaluate import calibration_error, figures, macro_f1, span_f1
from classifier.model import SHIPPED, Model
from classifier.training.calibrate import blend_of, curve
from classifier.training.labels import FOLDER, laid_over
from classifier.training.sets import TYPES, Row, read_sets, without_repeats
from classifier.training.splits import folds, held_back, part
from classifier.training.train import OWN_TEXTS, gather, train
from tests.classifier.reader import GAZETTEER, LEXICONS


def silent(_what: str) -> None:
    """Progress nobody reads."""


def london(folder: Path, *rows: dict[str, object]) -> None:
    (folder / "london").mkdir()
    kept = {
        "flags": "",
        "first_hand": False,
        "has_video": False,
        "force": "met",
        "misinfo": "none",
        "claims": [],
    }
    kept |= {"noise": "none", "urgent": False, "pair": None, "style": "standard"}
    lines = [json.dumps({**kept, **row}) for row in rows]
    (folder / "london" / "witness_posts.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")


def test_rows_are_read_with_what_is_known_of_them(tmp_path: Path) -> None:
    london(
        tmp_path,
        {"id": "a", "text": "Stopped again", "type": "S"},
        {"id": "b", "text": "Not again", "type": "Fr"[0]},
    )
    first, second = read_sets(tmp_path)["witness_posts"]
    assert (first.type, first.truth["incident"], first.truth["incident_any"]) == ("stop_search", 1, 1)
    assert second.type == "use_of_force"


def test_the_same_text_counts_once_whatever_its_links_and_accounts() -> None:
    rows = [
        Row(str(i), "s", text, None, "g", {})
        for i, text in enumerate(["Police here https://a.example", "@me POLICE here", "Police there"])
    ]
    assert [row.id for row in without_repeats(rows)] == ["0", "2"]


def test_no_event_is_both_trained_on_and_held_back(shared: Path) -> None:
    material = gather(shared / "data")
    trains = {(row.set, row.group) for row in (material.rows[i] for i in material.train) if row.type}
    held = {(row.set, row.group) for row in material.rows if held_back(row) and row.type}
    streams = {
        "labelled_posts_dev",
        "hrf_tweets_weak",
    }  # held back by the hour, not by the day they are grouped by
    assert not {each for each in trains & held if each[0] not in streams}
    texts = [row.text for row in material.rows]
    assert len(set(texts)) == len(texts)


def test_folds_keep_groups_together() -> None:
    rows = [Row(str(i), "s", "t", None, f"g{i % 7}", {}) for i in range(70)]
    fold = folds(rows)
    assert all(len({fold[i] for i in range(70) if i % 7 == group}) == 1 for group in range(7))
    assert part("x", 5) == part("x", 5)


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.csv")), ids=lambda path: path.stem)
def test_our_labels_hold_ids_and_codes_and_no_text(path: Path) -> None:
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows
    for row in rows:
        assert set(row) == {"id", "code", "reader"}
        assert row["id"][1:].isalnum()
        assert row["code"][0] in TYPES
        assert set(row["code"][1:]) <= set("orx")


def test_our_own_texts_come_in_pairs_that_differ_in_type() -> None:
    rows = read_sets(OWN_TEXTS)["contrasts"]
    groups = {row.group for row in rows}
    assert len(rows) >= 400
    for group in groups:
        assert len({row.type for row in rows if row.group == group}) > 1


def test_a_label_of_ours_goes_over_the_sets_own() -> None:
    row = laid_over(Row("1", "s", "t", None, "g", {}, weight=0.3), "Fo")
    assert (row.type, row.truth["incident"], row.truth["followup"], row.weight) == ("use_of_force", 1, 1, 1.0)
    assert not laid_over(row, "Dr").strict


def test_the_same_texts_give_the_same_model(tmp_path: Path) -> None:
    """Trained on our own texts alone, twice."""
    first = train(tmp_path, tmp_path / "one", say=silent)
    second = train(tmp_path, tmp_path / "two", say=silent)
    assert first == second
    model = Model.load(tmp_path / "one", gazetteer_files=GAZETTEER, lexicon_files=LEXICONS)
    report, trap = model.assess(
        [
            "Four officers pinned a boy to the floor outside the shop",
            "The fashion police would arrest me for this",
        ]
    )
    assert report.incident_any > trap.incident_any


def test_the_shipped_model_holds_no_words_but_spacys_own() -> None:
    kept = set(json.loads((SHIPPED / "vocab" / "strings.json").read_text(encoding="utf-8")))
    assert kept <= set(spacy.blank("en").vocab.strings)


def test_the_shipped_model_is_small() -> None:
    assert sum(path.stat().st_size for path in SHIPPED.rglob("*") if path.is_file()) < 30_000_000


def test_a_curve_rises_and_is_never_sure() -> None:
    chance = np.random.default_rng(0)
    logits = chance.normal(size=2_000)
    truth = (chance.random(2_000) < 1 / (1 + np.exp(-2 * logits))).astype(np.int64)
    learnt = curve(logits, truth, np.ones(2_000))
    said = learnt(np.linspace(-9, 9, 50))
    assert (np.diff(said) >= 0).all()
    assert 0 < said.min() < said.max() < 1
    assert calibration_error(truth, learnt(logits)) < 0.05


def test_a_calibration_survives_writing() -> None:
    kept = Calibration({"x": Curve((0.0, 1.0), (0.2, 0.8))})
    assert Calibration.from_json(json.loads(json.dumps(kept.as_json()))).curves == kept.curves


def test_a_blend_needs_positives_to_learn_from() -> None:
    few = blend_of(np.zeros(20), np.zeros(20, np.float32), np.array([1] * 5 + [0] * 15))
    assert few == (0.5, 0.5, 0.0)


def test_figures_are_those_of_a_hand_count() -> None:
    found = figures(np.array([1, 1, 0, 0]), np.array([0.9, 0.2, 0.6, 0.1]))
    assert (found.precision, found.recall, found.f1, found.raised) == (0.5, 0.5, 0.5, 0.5)
    assert found.average_precision == pytest.approx(0.8333, abs=1e-3)
    assert macro_f1(["a", "b"], ["a", "a"], ["a", "b", "c"]) == pytest.approx(0.3333, abs=1e-3)
    assert span_f1([{(0, 3)}], [{(0, 3), (5, 6)}]) == pytest.approx(0.6667, abs=1e-3)
