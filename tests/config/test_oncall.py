"""Who is on call, from the terminal."""

import json

import pytest
from typer.testing import CliRunner

from config.commands.oncall import app
from config.settings import Settings

RUN = CliRunner()


@pytest.fixture(autouse=True)
def _surroundings(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOLDENHOUR_DATA", str(settings.data))
    monkeypatch.setenv("GOLDENHOUR_DATABASE_URL", settings.database_url.get_secret_value())  # type: ignore[union-attr]
    monkeypatch.setenv("COLUMNS", "200")


def test_what_ships_says_plainly_that_nobody_is_on_call() -> None:
    ended = RUN.invoke(app, ["oncall"])
    assert ended.exit_code == 0
    assert "Press bureau" in ended.stdout
    assert "nobody is on call for Press bureau from" in ended.stderr


def test_one_desk_is_told_as_json() -> None:
    told = json.loads(RUN.invoke(app, ["oncall", "--desk", "oversight", "--json"]).stdout)
    assert [(each["rota"], each["now"]["username"]) for each in told["rotas"]] == [("oversight", None)]
    assert {each["rota"] for each in told["gaps"]} == {"oversight"}
