"""Tactics are those of the file, by the labels of the classifier and no other words."""

import tomllib
from pathlib import Path

import pytest

from config.settings import HERE
from responders.tactics import SPOKEN, TacticsError, named, read_tactics

TACTICS = read_tactics(HERE / "review" / "tactics.toml")
LEXICONS = HERE / "lexicons" / "signals-tactics.toml"
# what the classifier recognises and the list has no line for: a Taser only mentioned, containment, hair pulled
UNLISTED = {"ced", "kettle", "hair_pull"}


def test_every_label_of_the_classifier_stands_for_one_tactic_or_is_known_to_stand_for_none() -> None:
    known = [each["label"] for each in tomllib.loads(LEXICONS.read_text(encoding="utf-8"))["lexicon"]]
    mapped = [f"{SPOKEN}{label}" for tactic in TACTICS for label in tactic.labels]
    assert sorted([*mapped, *(f"{SPOKEN}{each}" for each in UNLISTED)]) == sorted(known)


def test_every_tactic_can_be_entered_on_a_sheet() -> None:
    fields = tomllib.loads((HERE / "review" / "sheet.toml").read_text(encoding="utf-8"))["field"]
    [choices] = [each["choices"] for each in fields if each["name"] == "tactics"]
    assert {each.code for each in TACTICS} <= set(choices)


def test_wrong_tactics_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "tactics.toml"
    path.write_text('[[tactic]]\ncode = "Dog"\nlabels = []', encoding="utf-8")
    with pytest.raises(TacticsError, match=r"tactic\.0\.labels"):
        read_tactics(path)


def test_tactics_are_named_once_in_the_order_of_the_list() -> None:
    said = ["tactic:ced_fired", "has_video", "tactic:ced_aimed", "tactic:kettle", "tactic:handcuffs"]
    assert named(TACTICS, said) == ["Handcuffs", "CED (Taser)"]
    assert named(TACTICS, ["power:PACE_s1", "handcuffs"]) == []
