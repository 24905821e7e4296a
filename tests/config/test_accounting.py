"""The command `accountability`: which sheets there are, one as text, as JSON, in a file; and a name that is none."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from config.cli import Complaint
from config.commands.accounting import app
from config.settings import Settings


@pytest.fixture(autouse=True)
def _surroundings(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOLDENHOUR_DATA", str(settings.data))
    monkeypatch.setenv("GOLDENHOUR_DATABASE_URL", settings.database_url.get_secret_value())  # type: ignore[union-attr]


def said(*words: str) -> str:
    result = CliRunner().invoke(app, [*words])
    if isinstance(result.exception, Complaint):
        raise result.exception
    assert result.exit_code == 0
    return result.stdout


def test_sheets_are_listed_and_made(tmp_path: Path) -> None:
    assert "purposes" in said()
    assert said("impact").startswith("# Data protection impact sheet\n")
    assert json.loads(said("access", "--json"))["title"] == "Access review"
    said("transparency", "--out", f"{tmp_path / 'atrs.md'}")
    assert "Tier 2: owner" in (tmp_path / "atrs.md").read_text(encoding="utf-8")


def test_a_name_that_is_none_is_answered_with_those_there_are() -> None:
    with pytest.raises(Complaint, match="there is no sheet 'people'; there are purposes, impact"):
        said("people")
