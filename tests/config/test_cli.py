"""The command: what it says when it is used wrongly, and that it ends as scripts expect."""

from pathlib import Path

import pytest

from config.cli import COMMANDS
from tests.commands import goldenhour


@pytest.mark.parametrize(
    "wrong", [["nope"], ["check", "--bogus"], ["work", "--queue", "nope"], ["work", "--processes", "0"]]
)
def test_wrong_usage_ends_with_2_and_says_what(wrong: list[str]) -> None:
    ended = goldenhour(*wrong)
    assert ended.returncode == 2
    assert "Traceback" not in ended.stderr
    assert "nope" in ended.stderr or "bogus" in ended.stderr or "processes" in ended.stderr


def test_help_lists_every_command() -> None:
    ended = goldenhour("--help")
    assert ended.returncode == 0
    assert all(name in ended.stdout for name in COMMANDS)


def test_a_wrong_setting_is_one_line_with_its_name() -> None:
    ended = goldenhour("check", GOLDENHOUR_WEB__PORT="http")
    assert ended.returncode == 1
    assert ended.stderr.count("\n") == 1
    assert "GOLDENHOUR_WEB__PORT" in ended.stderr


def test_a_misspelt_setting_is_pointed_out(tmp_path: Path) -> None:
    ended = goldenhour("check", GOLDENHOUR_WEBB__PORT="8000", GOLDENHOUR_DATA=str(tmp_path))
    assert "GOLDENHOUR_WEBB__PORT: nothing reads this variable" in ended.stderr


def test_a_wrong_file_is_named_with_key_and_reason_and_does_not_hide_a_second(tmp_path: Path) -> None:
    (tmp_path / "rules.toml").write_text("fresh_for = 7\n", encoding="utf-8")
    (tmp_path / "desks.toml").write_text(
        '[[desk]]\nname = "comms"\ntitle = "Press"\nkanal = "x"\n', encoding="utf-8"
    )
    ended = goldenhour("check", GOLDENHOUR_CONFIG=str(tmp_path), GOLDENHOUR_DATA=str(tmp_path / "var"))
    assert ended.returncode == 1
    wrong = [line for line in ended.stderr.splitlines() if line.startswith("goldenhour: ")]
    assert len(wrong) == 2
    assert f"{tmp_path}/rules.toml" in wrong[0] + wrong[1]
    assert "kanal" in wrong[0] + wrong[1]


def test_a_key_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("ab" * 32, encoding="ascii")
    (tmp_path / "secret").chmod(0o644)
    ended = goldenhour("check", GOLDENHOUR_DATA=str(tmp_path))
    assert ended.returncode == 1
    assert f"chmod 600 {tmp_path}/secret" in ended.stderr
