"""The training as a spaCy project: what it names is here, its sums are those of the data, its steps are commands."""

import hashlib
import re
import shutil
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from confection import Config  # noqa: F401  spaCy's own; without it no project loads
from weasel.schemas import ProjectConfigSchema
from weasel.util.config import load_project_config

from classifier.training.sets import READERS
from config.cli import main

PROJECT = Path(__file__).parents[2] / "classifier" / "training"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """As spaCy reads it, which also makes the folders it names."""
    copy = tmp_path_factory.mktemp("project")
    shutil.copyfile(PROJECT / "project.yml", copy / "project.yml")
    found: dict[str, Any] = load_project_config(copy, interpolate=True)
    return found


def test_spacy_takes_it(project: dict[str, Any]) -> None:
    assert ProjectConfigSchema.model_validate(project)
    assert project["workflows"]["all"] == [each["name"] for each in project["commands"]]


def test_every_script_and_input_it_names_is_here_or_made_by_a_step_before(project: dict[str, Any]) -> None:
    made: set[str] = set()
    for step in project["commands"]:
        for needed in step["deps"]:
            assert needed in made or (PROJECT / needed).exists(), f"{step['name']} needs {needed}"
        made |= set(step.get("outputs", []))


def test_every_step_uses_options_that_its_command_has(
    project: dict[str, Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for step in project["commands"]:
        for line in step["script"]:
            if found := re.search(r"goldenhour (\w+)", line):
                monkeypatch.setattr(sys, "argv", ["goldenhour", found[1], "--help"])
                with suppress(SystemExit):
                    main()
                told = capsys.readouterr().out
                assert all(option in told for option in re.findall(r"--[a-z-]+", line)), line


def test_the_sums_are_those_of_the_sets(project: dict[str, Any], shared: Path) -> None:
    listed = {each["dest"].removeprefix("assets/"): each["checksum"] for each in project["assets"]}
    data = shared / "data"
    found = {path.relative_to(data).as_posix(): path for pattern in READERS for path in data.glob(pattern)}
    assert listed.keys() == found.keys()
    for name, path in found.items():
        assert hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest() == listed[name], name
