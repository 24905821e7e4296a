"""The command `model`: from a folder to the model in use and back, with each refusal in words."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import Session, col, select
from typer.testing import CliRunner

from classifier.learning_records import ScoreDay, ScoreReference
from classifier.training.sets import Row
from classifier.training.splits import held_back
from classifier.training.train import gather
from classifier.versions import SHIPPED, version_at
from config.cli import Complaint
from config.commands import modelling
from config.commands.learning import read_feedback
from config.commands.modelling import model
from config.settings import Settings
from tests.classifier.test_versions import figures
from tests.classifier.trained import make_folder
from tests.make import NOON, make_post
from triage.learning_records import DropSample, Label, Says, Stage
from triage.records import LogEntry

OURS = version_at(SHIPPED)


@pytest.fixture(autouse=True)
def _surroundings(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOLDENHOUR_DATA", str(settings.data))
    monkeypatch.setenv("GOLDENHOUR_DATABASE_URL", settings.database_url.get_secret_value())  # type: ignore[union-attr]
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr(
        modelling, "load_version", lambda _settings, _version: None
    )  # loading is tested elsewhere


def run(*arguments: str) -> str:
    ended = CliRunner().invoke(model, list(arguments))
    if ended.exception is not None:
        raise ended.exception
    return ended.stdout


def listed() -> dict[str, str]:
    found: list[dict[str, Any]] = json.loads(run("list", "--json"))
    return {each["version"]: each["state"] for each in found}


def better() -> dict[str, Any]:
    """Figures above every bound and above those of the shipped model."""
    found = figures(1.0)
    shipped = json.loads((SHIPPED / "golden-hour.json").read_text(encoding="utf-8"))["record"]["figures"]
    for name, labels in shipped["sets"].items():
        for label, row in labels.items():
            if isinstance(row, dict):
                both = {"average_precision": 1.0, "recall": 1.0}
                found["sets"].setdefault(name, {}).setdefault(label, {}).update(both)
    for name, values in shipped.get("slices", {}).items():
        found["slices"][name] = {value: row | {"found": 1.0, "raised": 0.0} for value, row in values.items()}
    return found


def test_a_model_is_added_promoted_and_gone_back_from(session: Session, tmp_path: Path) -> None:
    assert listed() == {OURS: "in use"}
    run("add", str(make_folder(tmp_path / "new", "both-new", better())))
    assert listed() == {OURS: "in use", "both-new": ""}
    assert "in use instead of" in run("promote", "both-new", "--why", "better on news")
    assert listed() == {OURS: "", "both-new": "in use"}
    run("rollback")
    assert listed() == {OURS: "in use", "both-new": ""}
    with pytest.raises(Complaint, match="nothing was in use before it"):
        run("rollback")
    told = session.exec(select(LogEntry.what).order_by(col(LogEntry.seq))).all()
    assert told == ["model promoted", "went back to a model"]
    assert session.exec(select(LogEntry.who)).all()[0].startswith("terminal, ")


def test_a_model_below_the_gate_is_refused_with_its_figures(tmp_path: Path) -> None:
    run("add", str(make_folder(tmp_path / "new", "both-new", {"sets": {}})))
    with pytest.raises(
        Complaint, match=r"both-new may not go live: .*london_\w+, .*not measured, the bound is"
    ):
        run("promote", "both-new", "--why", "try")


def test_a_model_the_settings_name_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOLDENHOUR_CLASSIFIER__MODEL", str(tmp_path))
    with pytest.raises(Complaint, match="stays in use"):
        run("promote", "both-new", "--why", "try")


def test_a_model_in_the_shadow_is_compared_and_stopped(tmp_path: Path) -> None:
    run("add", str(make_folder(tmp_path / "new", "both-new", better())))
    assert "reads 20% of the posts" in run("shadow", "both-new", "--share", "0.2")
    assert listed()["both-new"].startswith("in the shadow, 20% of posts until")
    assert "has assessed no post" in run("compare", "both-new")
    assert "out of the shadow" in run("shadow", "--stop")
    assert "no model is in the shadow" in run("shadow", "--stop")
    with pytest.raises(Complaint, match="or --stop"):
        run("shadow")


def keep_labels(session: Session, people: int) -> None:
    for number in range(people):
        post = make_post(f"Officers stopped a boy outside the library, telling {number}")
        session.add(post)
        session.add(
            Label(
                post_id=post.id, case_id=None, says=Says.NOISE, person_key=bytes([number]), role="triage",
                act="dismissed", seq=number + 1, at=NOON + timedelta(days=number),
            )
        )  # fmt: skip
    session.commit()


def test_labels_are_counted_and_written_by_id_without_words(session: Session, tmp_path: Path) -> None:
    keep_labels(session, 6)
    said = json.loads(run("labels", "--json", "--out", str(tmp_path / "labels.jsonl")))
    assert (said["labels"], said["train"], said["held_back"], said["people"]) == ({"noise": 6}, 5, 1, 6)
    assert "library" not in (tmp_path / "labels.jsonl").read_text(encoding="utf-8")
    assert "nobody has decided" not in run("labels")


def test_feedback_trains_but_for_the_newest_cases(session: Session, tmp_path: Path) -> None:
    keep_labels(session, 6)
    rows = read_feedback(None)
    (tmp_path / "data").mkdir()
    material = gather(tmp_path / "data", rows)
    ours = [row for row in material.rows if row.set.startswith("feedback")]
    assert sorted(held_back(row) for row in ours) == ["", "", "", "", "", "feedback_newest"]
    trains = {material.rows[i].id for i in material.train}
    assert {row.id for row in ours if row.set == "feedback"} <= trains
    assert all(row.truth["none"] == 1 for row in ours)


def test_words_of_real_posts_are_written_nowhere_but_in_the_data_folder(
    session: Session, tmp_path: Path
) -> None:
    keep_labels(session, 6)
    with pytest.raises(Complaint, match="would hold words of real posts"):
        read_feedback(tmp_path / "rows.jsonl")
    found: list[Row] = read_feedback(tmp_path / "var" / "rows.jsonl")
    assert len(found) == 6


def test_too_few_people_teach_nothing(session: Session) -> None:
    keep_labels(session, 4)
    with pytest.raises(Complaint, match="4 have decided so far, and with fewer than 5"):
        read_feedback(None)


def test_misses_are_printed_with_their_interval(session: Session) -> None:
    for number in range(10):
        session.add(
            DropSample(
                day=NOON.date(), stage=Stage.RULES, post_id=make_post().id, source="toots", dropped=4_000,
                drawn_at=NOON, missed=number == 0,
            )
        )  # fmt: skip
    session.commit()
    told = run("misses", "--days", "3650")
    assert "10.0% (1.8% to 40.4%)" in told
    assert "nobody has looked yet" in told
    assert json.loads(run("misses", "--days", "3650", "--json"))[1]["missed"] == 1


def test_drift_is_printed_by_day(session: Session) -> None:
    session.add(
        ScoreReference(model=OURS, kept_at=NOON, posts=1_000, numbers={"raised": {"0": 800, "1": 200}})
    )
    session.add(ScoreDay(day=NOON.date(), model=OURS, posts=900, numbers={"raised": {"0": 200, "1": 700}}))
    session.commit()
    assert "alarm" in run("drift")
    [day] = json.loads(run("drift", "--json"))
    assert (day["state"], list(day["psi"])) == ("alarm", ["raised"])
