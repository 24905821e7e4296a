"""docs/deploy: what the Compose files and units name is there, and nothing in them is laxer than they promise."""

import configparser
import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from collector.jobs import QUEUES
from config.cli import COMMANDS
from config.safety import need_safe
from config.settings import read_settings
from tests.docs.test_docs import settings

DEPLOY = Path(__file__).resolve().parents[2] / "docs/deploy"
FILES = sorted(path for path in DEPLOY.iterdir())
UNITS = sorted(DEPLOY.glob("*.service"))
COMPOSED = sorted(DEPLOY.glob("compose*.yaml"))
HARDENED = {
    "NoNewPrivileges": "yes",
    "ProtectSystem": "strict",
    "ReadWritePaths": "/var/lib/goldenhour",
    "ProtectHome": "yes",
    "PrivateTmp": "yes",
    "CapabilityBoundingSet": "",
    "User": "goldenhour",
    "UMask": "0077",
    "KillMode": "mixed",
    "TimeoutStopSec": "30",
    "Restart": "on-failure",
}
PARTS = [
    (path.name, name)
    for path in COMPOSED
    for name in yaml.safe_load(path.read_text(encoding="utf-8"))["services"]
]


def services(name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((DEPLOY / name).read_text(encoding="utf-8"))["services"]
    return found


def unit(path: Path) -> configparser.RawConfigParser:
    read = configparser.RawConfigParser(delimiters=["="])
    read.optionxform = str  # type: ignore[assignment, method-assign]
    read.read_string(path.read_text(encoding="utf-8"))
    return read


def is_command(arguments: list[str]) -> bool:
    command, *options = arguments
    queues = [value for name, value in pairwise(options) if name == "--queue"]
    known = {"--queue", "--processes"}
    return (
        command in COMMANDS
        and set(queues) <= {*QUEUES, "%i"}
        and {each for each in options if each.startswith("-")} <= known
    )


def test_there_is_one_for_one_machine_and_one_for_several_each_way() -> None:
    assert len(COMPOSED) == 2
    assert len(UNITS) == 4


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_variable_that_is_named_is_a_setting(path: Path) -> None:
    named = set(re.findall(r"GOLDENHOUR_[A-Z0-9_]+", path.read_text(encoding="utf-8")))
    assert named <= set(settings())


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_file_has_its_line_in_the_readme(path: Path) -> None:
    assert f"`{path.name}`" in (DEPLOY / "README.md").read_text(encoding="utf-8") or path.name == "README.md"


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_a_unit_is_hardened_and_starts_a_command_that_is_there(path: Path) -> None:
    service = unit(path)["Service"]
    assert {name: service.get(name) for name in HARDENED} == HARDENED
    assert re.fullmatch(r"[1-9]G", service["MemoryMax"])
    program, *arguments = service["ExecStart"].split()
    assert program.endswith("/.venv/bin/goldenhour")
    assert is_command(arguments)
    assert service["EnvironmentFile"] == "/etc/goldenhour/goldenhour.env"


@pytest.mark.parametrize(("file", "name"), PARTS)
def test_a_container_is_not_root_writes_no_root_and_has_limits(file: str, name: str) -> None:
    part = services(file)[name]
    assert part["read_only"] is True
    assert part["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in part["security_opt"]
    assert part["user"] not in ("0", "0:0", "root")
    assert part["mem_limit"]
    assert part["restart"] == "unless-stopped"
    if name != "database":
        assert is_command(part["command"])


@pytest.mark.parametrize(("file", "name"), PARTS)
def test_only_the_desk_is_published_and_only_to_this_machine(file: str, name: str) -> None:
    part = services(file)[name]
    assert part.get("ports", []) == (["127.0.0.1:8000:8000"] if name == "web" else [])
    if name == "web":
        assert "/healthz" in " ".join(part["healthcheck"]["test"])
    if name == "database":
        assert part["networks"] == ["inside"]


@pytest.mark.parametrize("file", [path.name for path in COMPOSED])
def test_every_queue_is_worked_through(file: str) -> None:
    asked = [part.get("command", []) for part in services(file).values()]
    assert {each for command in asked for each in command} >= set(QUEUES)


def test_the_network_of_the_database_leads_nowhere() -> None:
    composed = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
    assert composed["networks"]["inside"] == {"internal": True}


def test_the_settings_as_they_ship_are_read_and_fit_for_production(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for line in (DEPLOY / "goldenhour.env").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            monkeypatch.setenv(*line.split("=", 1))
    monkeypatch.setenv("GOLDENHOUR_DATA", str(tmp_path / "var"))
    found = read_settings()
    assert found.production
    need_safe(found)


def test_the_image_holds_every_package_and_does_not_run_as_root() -> None:
    lines = (DEPLOY / "Containerfile").read_text(encoding="utf-8").splitlines()
    for package in ("collector", "classifier", "triage", "responders", "config"):
        assert f"COPY {package} {package}" in lines
    assert "USER 10001:10001" in lines
