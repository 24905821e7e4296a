"""Models side by side: copied whole, proven whole, held against bounds and against the one in use."""

import copy
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import Session

from classifier.learning_records import Promotion
from classifier.promotion import MOSTS, bounds, in_use, not_good_enough, stack
from classifier.versions import MANIFEST, ModelError, add, digests, shipped, version_of, versions
from tests.classifier.trained import make_folder
from tests.make import NOON


@pytest.fixture
def models(tmp_path: Path) -> Path:
    (tmp_path / "models").mkdir()
    return tmp_path / "models"


def figures(by: float = 0.0) -> dict[str, Any]:
    """Figures that pass every bound, and are better by so much."""
    sets: dict[str, Any] = {}
    for name, labels in bounds().items():
        sets[name] = {
            label: {
                each: bound if each in MOSTS else min(1.0, bound + 0.03 + by) for each, bound in asked.items()
            }
            for label, asked in labels.items()
        }
    style = {"incidents": 40, "found": 0.92 + by, "others": 40, "raised": 0.1}
    fairness = sets.pop("fairness")
    return {"sets": sets, "fairness": fairness, "slices": {"style": {"slang": style}}}


def test_a_model_is_copied_whole_and_found_beside_the_shipped_one(tmp_path: Path, models: Path) -> None:
    made = add(make_folder(tmp_path / "new", "gate-1"), models)
    assert made.folder == models / "gate-1"
    assert digests(made.folder) == digests(tmp_path / "new")
    assert [each.name for each in versions(models)] == [shipped().name, "gate-1"]
    assert version_of(models, "gate-1").sha256 == made.sha256
    assert add(tmp_path / "new", models) == made


@pytest.mark.parametrize("change", ["alter", "remove", "bring in"])
def test_a_model_that_was_touched_is_not_used(tmp_path: Path, models: Path, change: str) -> None:
    made = add(make_folder(tmp_path / "new", "gate-1"), models)
    weights = made.folder / "weights.bin"
    if change == "alter":
        weights.write_bytes(b"other")
    elif change == "remove":
        weights.unlink()
    else:
        (made.folder / "extra.bin").write_bytes(b"")
    with pytest.raises(ModelError, match="not as it was added"):
        version_of(models, "gate-1")


def test_what_is_no_model_is_not_added(tmp_path: Path, models: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(ModelError, match="holds no model"):
        add(tmp_path / "empty", models)
    with pytest.raises(ModelError, match="small letters"):
        add(make_folder(tmp_path / "odd", "../up"), models)
    linked = make_folder(tmp_path / "linked", "gate-2")
    (linked / "link").symlink_to(tmp_path)
    with pytest.raises(ModelError, match="is a link"):
        add(linked, models)
    with pytest.raises(ModelError, match=r"no model '\.\./up'"):
        version_of(models, "../up")
    assert [path.name for path in models.iterdir()] == []


def test_two_models_of_one_name_do_not_replace_each_other(tmp_path: Path, models: Path) -> None:
    add(make_folder(tmp_path / "one", "gate-1"), models)
    other = make_folder(tmp_path / "other", "gate-1", {"sets": {}})
    (other / "weights.bin").write_bytes(b"other")
    with pytest.raises(ModelError, match="called gate-1 already"):
        add(other, models)


def test_a_copy_that_broke_off_is_no_version(tmp_path: Path, models: Path) -> None:
    made = add(make_folder(tmp_path / "new", "gate-1"), models)
    made.folder.rename(models / "gate-1.partial")
    assert [each.name for each in versions(models)] == [shipped().name]
    assert (models / "gate-1.partial" / MANIFEST).exists()
    assert add(tmp_path / "new", models).folder.is_dir()


def test_a_model_as_good_as_the_one_in_use_may_go_live() -> None:
    assert not_good_enough(figures(), figures(), bounds()) == []
    assert not_good_enough(figures(0.01), figures(), bounds()) == []
    assert not_good_enough(figures(), {}, bounds()) == []


def test_a_figure_below_its_bound_is_named() -> None:
    name, label = "london_stories", "incident_any"
    found = copy.deepcopy(figures())
    least = bounds()[name][label]["average_precision"]
    found["sets"][name][label]["average_precision"] = 0.5
    [below, worse] = not_good_enough(found, figures(), bounds())
    assert below == f"{name}, {label}: average_precision is 0.500, the bound is {least}"
    assert worse.startswith(f"{name}, {label}: average_precision is 0.500, {least + 0.03:.3f} in use")


def test_what_was_not_measured_may_not_go_live() -> None:
    found = copy.deepcopy(figures())
    del found["sets"]["official_posts"], found["slices"]
    said = "; ".join(not_good_enough(found, figures(), bounds()))
    assert "official_posts, incident: raised is not measured" in said
    assert "style slang: found not measured of the incidents" in said


@pytest.mark.parametrize(
    ("figure", "value", "kept_out"),
    [("found", 0.88, False), ("found", 0.86, True), ("raised", 0.14, False), ("raised", 0.16, True)],
)
def test_a_slice_may_not_be_worse_than_chance_explains(figure: str, value: float, kept_out: bool) -> None:
    found = copy.deepcopy(figures())
    found["slices"]["style"]["slang"][figure] = value
    assert bool(not_good_enough(found, figures(), bounds())) == kept_out


def test_a_slice_of_few_texts_keeps_nobody_out() -> None:
    found, live = copy.deepcopy(figures()), copy.deepcopy(figures())
    live["slices"]["style"]["slang"] |= {"incidents": 19, "others": 19}
    found["slices"]["style"]["slang"]["found"] = 0.1
    assert not_good_enough(found, live, bounds()) == []


def test_going_back_goes_down_the_versions_one_by_one(session: Session) -> None:
    def live(version: str, hours: int, *, back: bool = False) -> None:
        at = NOON.replace(hour=hours)
        session.add(
            Promotion(
                version=version, instead_of="", back=back, why="test", asked_by="ann", asked_at=at, since=at
            )
        )
        session.flush()

    assert in_use(session, "both-0") == "both-0"
    live("both-1", 1)
    live("both-2", 2)
    live("both-1", 3, back=True)
    assert stack(session, "both-0") == ["both-0", "both-1"]
    live("both-0", 4, back=True)
    assert in_use(session, "both-0") == "both-0"
    live("both-3", 5)
    assert in_use(session, "both-0") == "both-3"
