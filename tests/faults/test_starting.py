"""What keeps the service from starting is said in one line, and the next start after any end goes on."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from socket import socket

import pytest

from config.cli import Complaint
from config.settings import Settings
from config.start import need_room
from tests.faults.service import COMMAND, Service, gone, wait_until

pytestmark = pytest.mark.faults

PARTS = {"web", "schedule", "work-1", "work-2", "look"}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """One data folder for the tests that need a running service: each starts it where the last one left it."""
    made = Service(tmp_path_factory.mktemp("house"))
    yield made
    made.end()


@pytest.fixture
def running(house: Service) -> Service:
    if house.ended:
        house.start()
    return house


def one_line(ended: "subprocess.CompletedProcess[str]") -> str:
    """The only line on stderr of a command that ended with 1."""
    assert ended.returncode == 1, ended.stderr
    lines = ended.stderr.strip().splitlines()
    assert len(lines) == 1, ended.stderr
    assert ended.stdout == ""
    return lines[0]


def test_it_starts_invites_the_first_person_and_stops_cleanly(running: Service) -> None:
    assert f"http://127.0.0.1:{running.port}/sign-in/" in running.said
    parts, postgres = running.parts(), running.postgres()
    assert set(parts) == PARTS
    assert postgres is not None
    began = time.monotonic()
    assert running.stop() == 0
    assert time.monotonic() - began < 30
    assert all(gone(pid) for pid in (*parts.values(), postgres))
    assert "Traceback" not in running.log


def test_a_second_run_on_the_same_folder_is_refused(running: Service) -> None:
    assert running.process is not None
    said = one_line(running.run_once("run"))
    assert str(running.process.pid) in said
    assert "GOLDENHOUR_DATA" in said


def test_a_taken_port_is_named_before_anything_starts(service: Service) -> None:
    with socket() as taken:
        taken.bind(("127.0.0.1", service.port))
        taken.listen()
        said = one_line(service.run_once("run"))
    assert f"port {service.port}" in said
    assert "GOLDENHOUR_WEB__PORT" in said
    assert not (service.folder / "var" / "postgres").exists()


def test_a_wrong_file_is_named_with_its_key(service: Service) -> None:
    (service.folder / "config" / "desks.toml").write_text('[[desk]]\nname = "press"\n', encoding="utf-8")
    said = one_line(service.run_once("run"))
    assert f"{service.folder}/config/desks.toml" in said
    assert "name" in said
    assert service.postgres() is None


def test_an_unreachable_database_is_named_without_its_password(service: Service) -> None:
    service.environment["GOLDENHOUR_DATABASE_URL"] = "postgresql://gh:hunter2@127.0.0.1:9/gh"
    said = one_line(service.run_once("run"))
    assert "127.0.0.1:9/gh does not answer" in said
    assert "hunter2" not in said
    assert "GOLDENHOUR_DATABASE_URL" in said


def test_a_data_folder_that_cannot_be_made_is_named(service: Service) -> None:
    (service.folder / "file").write_text("")
    service.environment["GOLDENHOUR_DATA"] = str(service.folder / "file" / "var")
    assert "file/var cannot be used" in one_line(service.run_once("run"))


def test_a_full_disk_is_named(service: Service) -> None:
    """On a file system of 64 MB; where no such can be mounted, with a limit that no disk meets."""
    small = service.folder / "small"
    small.mkdir()
    script = 'mount -t tmpfs -o size=64m tmpfs "$1" && shift && exec "$@"'
    inside = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script, "sh", str(small)]
    possible = shutil.which("unshare") and subprocess.run([*inside, "true"], check=False).returncode == 0
    if not possible:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("config.start.LEAST_FREE_MB", 10**12)
            with pytest.raises(Complaint, match=r"is full: .* MB free.*GOLDENHOUR_DATA"):
                need_room(Settings(data=small))
        return
    environment = {**service.environment, "GOLDENHOUR_DATA": str(small / "var")}
    ended = subprocess.run(
        [*inside, *COMMAND, "run"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env=environment,
    )
    said = one_line(ended)
    assert f"the disk with {small}/var is full" in said
    assert "Make room" in said


def test_when_run_is_killed_its_parts_end_and_the_next_start_goes_on(running: Service) -> None:
    parts = running.parts()
    postgres = running.postgres()
    running.kill("run")
    assert running.process is not None
    running.process.wait()
    running.start()
    assert all(gone(pid) for pid in parts.values())
    assert postgres is not None
    assert gone(postgres) or running.postgres() == postgres
    wait_until(lambda: set(running.parts()) == PARTS, 30)
    assert running.stop() == 0


def test_a_part_that_is_frozen_is_ended_at_shutdown(running: Service) -> None:
    frozen = running.parts()["work-2"]
    os.kill(frozen, signal.SIGSTOP)
    assert running.stop() == 0
    assert gone(frozen)


def test_a_missing_python_path_is_not_needed(service: Service, tmp_path: Path) -> None:
    """The command works from any folder, also one that holds a package called config."""
    elsewhere = tmp_path / "elsewhere"
    (elsewhere / "config").mkdir(parents=True)
    (elsewhere / "config" / "__init__.py").write_text("raise SystemExit('the wrong one')", encoding="utf-8")
    ended = subprocess.run(
        [*COMMAND, "check"],
        cwd=elsewhere,
        capture_output=True,
        text=True,
        check=False,
        env=service.environment,
    )
    assert ended.returncode == 0, ended.stderr
