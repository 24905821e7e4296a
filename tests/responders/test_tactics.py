"""Tactics are recognised in what people write, by the codes of the file."""

from pathlib import Path

import pytest

from config.settings import HERE
from responders.tactics import TacticsError, named, read_tactics


def test_our_own_files_are_read() -> None:
    assert len(read_tactics(HERE / "review" / "tactics.toml")) > 10


def test_wrong_tactics_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "tactics.toml"
    path.write_text('[[tactic]]\ncode = "Dog"\nwords = []', encoding="utf-8")
    with pytest.raises(TacticsError, match=r"tactic\.0\.words"):
        read_tactics(path)


def test_tactics_are_recognised_by_whole_words() -> None:
    tactics = read_tactics(HERE / "review" / "tactics.toml")
    assert named(tactics, ["tasered", "handcuffed him"]) == ["Handcuffs", "CED (Taser)"]
    assert named(tactics, ["Aspen Way", "Battersea Dogs", "cuffley"]) == []
