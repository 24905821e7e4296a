"""Training: rows of one shape, splits that share no event, labels without texts, the same model twice."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import spacy

from classifier.calibration import KINDS, READ, Calibration, Curve
from classifier.encoder import spelled_out
from classifier.evaluate import calibration_error, figures, macro_f1, span_f1
from classifier.model import SHIPPED, Model
from classifier.normalise import normalise
from classifier.training.blending import blend_of, domain, even, thresholds_of, types_from
from classifier.training.calibrate import curve
from classifier.training.labels import FOLDER, laid_over
from classifier.training.sets import TYPES, Row, read_sets, without_repeats
from classifier.training.splits import folds, for_tuning, held_back, part
from classifier.training.train import ANY, LABELS, OWN_TEXTS, alone, gather, train, with_skimmer, write_texts
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
    sets = read_sets(OWN_TEXTS)
    assert len(sets["contrasts"]) >= 400
    assert len(sets["families"]) >= 1_000
    kinds: dict[str, set[str | None]] = {}
    for row in sets["contrasts"] + sets["families"]:
        kinds.setdefault(row.set + row.group, set()).add(row.type)
    assert np.mean([len(each) > 1 for each in kinds.values()]) > 0.98


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
    files = [path for path in SHIPPED.rglob("*") if path.is_file() and "claims" not in path.parts]
    assert sum(path.stat().st_size for path in files) < 33_000_000


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


def rows_of(count: int, set_: str = "labelled_posts_dev") -> list[Row]:
    """Rows of every type in turn."""
    kinds = [KINDS[i % len(KINDS)] for i in range(count)]
    return [
        Row(str(i), set_, f"t{i}", kind, f"g{i}", {"incident_any": int(i % len(KINDS) < 7)})
        for i, kind in enumerate(kinds)
    ]


def test_with_few_texts_to_learn_from_both_readers_count_half() -> None:
    few = blend_of(np.ones(4), np.zeros(4), np.array([0, 1, 0, 1]), np.ones(4))
    assert few == pytest.approx((0.5, 0.5, 0.0), abs=0.02)


def test_a_reader_that_knows_better_counts_for_more() -> None:
    chance = np.random.default_rng(0)
    truth = (chance.random(6_000) < 0.4).astype(np.int64)
    sharp, dull = (2 * truth - 1) + chance.normal(size=6_000), chance.normal(size=6_000)
    blend = blend_of(dull, sharp, truth, np.ones(6_000))
    assert blend.encoder > 2 * blend.gate


def test_each_kind_of_text_counts_alike() -> None:
    rows = rows_of(90) + rows_of(45, "families") + rows_of(63, "labelled_news_dev")
    weight = even(rows)
    assert weight.mean() == pytest.approx(1)
    by_domain = {name: weight[[domain(row) == name for row in rows]].sum() for name in map(domain, rows)}
    assert len(by_domain) == 3
    assert len({round(each, 6) for each in by_domain.values()}) == 1


def test_types_are_learnt_that_sum_to_one_and_incidents_are_the_sum_of_their_types() -> None:
    rows = rows_of(180)
    logits = np.random.default_rng(0).normal(size=(180, len(READ)))
    for i, row in enumerate(rows):
        logits[i, READ.index(row.type or "")] += 5
    learnt = types_from(logits, logits, rows)
    said = learnt(logits, logits)
    assert said[:, 2:].sum(1) == pytest.approx(np.ones(180))
    assert said[:, 1] == pytest.approx(said[:, 2:9].sum(1))
    right = [READ[2 + int(each)] == row.type for each, row in zip(said[:, 2:].argmax(1), rows, strict=True)]
    assert np.mean(right) > 0.9


def test_the_thresholds_are_those_of_least_cost() -> None:
    said = np.array([0.02] * 50 + [0.3] * 20 + [0.9] * 30)
    truth = np.array([0] * 50 + [0, 1] * 10 + [1] * 30)
    found = thresholds_of(said, truth, np.ones(100))
    assert found.thresholds.unlikely < 0.3 < found.thresholds.likely <= 0.9
    assert min(point["cost"] for point in found.curve) == pytest.approx(0.1)


def test_what_is_kept_for_tuning_is_not_what_is_held_back() -> None:
    rows = rows_of(200, "near_misses")
    assert not any(held_back(row) for row in rows if for_tuning(row))
    assert 10 < sum(map(for_tuning, rows)) < 40


def test_figures_are_those_of_a_hand_count() -> None:
    found = figures(np.array([1, 1, 0, 0]), np.array([0.9, 0.2, 0.6, 0.1]))
    assert (found.precision, found.recall, found.f1, found.raised) == (0.5, 0.5, 0.5, 0.5)
    assert found.average_precision == pytest.approx(0.8333, abs=1e-3)
    assert macro_f1(["a", "b"], ["a", "a"], ["a", "b", "c"]) == pytest.approx(0.3333, abs=1e-3)
    assert span_f1([{(0, 3)}], [{(0, 3), (5, 6)}]) == pytest.approx(0.6667, abs=1e-3)


def test_a_skimmer_is_taught_on_nothing_that_is_held_back_or_kept_for_tuning(tmp_path: Path) -> None:
    kept = write_texts(tmp_path, out := tmp_path / "texts.jsonl")
    texts = {json.loads(line)["text"] for line in out.read_text(encoding="utf-8").splitlines()}
    rows = [row for some in read_sets(OWN_TEXTS).values() for row in some]
    away = {spelled_out(normalise(row.text).text) for row in rows if held_back(row) or for_tuning(row)}
    assert kept == len(texts) > 1_000
    assert len(away) > 100
    assert not texts & away


def test_a_skimmer_settles_what_hardly_an_incident_lies_below() -> None:
    rows = rows_of(900)
    truth = np.array([row.truth["incident_any"] for row in rows])
    chance = np.random.default_rng(0)
    gate = np.zeros((len(rows), len(LABELS)))
    gate[:, ANY] = 2 * truth - 1 + chance.normal(size=len(rows))
    said = np.zeros((len(rows), len(READ)))
    said[:, READ.index("incident_any")] = 3 * (2 * truth - 1) + chance.normal(size=len(rows))
    tuning = with_skimmer(alone(rows, gate), rows, gate, said, READ)
    of_gate, of_skimmer, offset, least = tuning.settle
    both = of_gate * gate[:, ANY] + of_skimmer * said[:, READ.index("incident_any")] + offset
    passed = gate[:, ANY] >= tuning.worth
    assert (both[passed & (truth == 1)] < least).mean() < 0.03
    assert (both[passed & (truth == 0)] < least).mean() > 0.8
