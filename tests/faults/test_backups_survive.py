"""Backups under a feed of 200 posts a second, while the backup, PostgreSQL and the feed are killed at random moments.

What is listed as good is restored and held against the snapshot it was made of, which is read here another way. In
full: `GOLDENHOUR_TEST_BACKUPS=20`, which also starts the service on what was restored. The seed is printed;
GOLDENHOUR_TEST_SEED sets it.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import NamedTuple

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import text
from sqlmodel import Session

from collector.months import make_months
from config.backups.manifest import UNFINISHED
from config.backups.restoring import Target, restore
from config.backups.shelf import look
from config.database import Server, cluster, connect, migrate, served
from config.settings import Settings
from tests.faults.service import COMMAND, Service, wait_until
from tests.saved import UNSETTLED, digests, hashed
from triage.chain import verify
from triage.heads import read_heads

pytestmark = pytest.mark.faults

SEED = int(os.environ.get("GOLDENHOUR_TEST_SEED", "20261121"))
ROUNDS = int(os.environ.get("GOLDENHOUR_TEST_BACKUPS", "4"))
RATE = 200
VICTIMS = ("nobody", "backup", "postgres", "feed")
ENDS_WITHIN_S = 240.0
NOT_OF_THE_SNAPSHOT = {*UNSETTLED, "backups", "failures"}


class Round(NamedTuple):
    victim: str
    code: int
    good: str | None
    fed: int
    rate: float


class Stage:
    """A database of its own, a feed that fills it, and backups of it."""

    def __init__(self, folder: Path, server: Server) -> None:
        self.folder, self.server, self.settings = folder, server, server.settings
        self.shelf = self.settings.data / "backups"
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("GOLDENHOUR_")},
            "GOLDENHOUR_DATA": str(self.settings.data),
        }
        self.feed = self.begin_feed()
        self.known: set[str] = set()
        self.lasts_s = 4.0

    def begin_feed(self) -> "subprocess.Popen[bytes]":
        command = [sys.executable, "-P", "-m", "tests.faults.feed", str(self.settings.data), str(RATE)]
        return subprocess.Popen(command, env=self.environment, stdin=subprocess.DEVNULL)

    def begin_backup(self) -> "subprocess.Popen[bytes]":
        with (self.folder / "backup.log").open("ab") as log:
            return subprocess.Popen(
                [*COMMAND, "backup", "--keep", "2"],
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def fed(self) -> int:
        while True:
            with suppress(psycopg.OperationalError), self.connected() as connection:
                row = connection.execute("SELECT count(*) FROM posts").fetchone()
                assert row is not None
                return int(row[0])
            time.sleep(0.1)

    def connected(self) -> psycopg.Connection:
        return psycopg.connect(cluster(self.settings).url.replace("+psycopg", ""))

    def good(self) -> set[str]:
        found = look(self.shelf, self.settings.key("backup"), thorough=True)
        return {each.folder.name for each in found if each.manifest}

    def end(self) -> None:
        self.feed.kill()
        self.feed.wait()


def test_what_is_listed_as_good_is_what_was_saved_whatever_is_killed(tmp_path: Path) -> None:
    print(f"seed {SEED}")
    dice = Random(SEED)
    settings = Settings(data=tmp_path / "var")
    with served(settings) as server:
        migrate(settings)
        engine = connect(settings, pool=1)
        with Session(engine) as session:
            make_months(session, now=datetime.now(UTC))
            session.commit()
        engine.dispose()
        stage = Stage(tmp_path, server)
        try:
            wait_until(lambda: stage.fed() > 0, 60)
            victims = [VICTIMS[number % len(VICTIMS)] for number in range(ROUNDS)]
            rounds = [play(stage, victim, dice) for victim in victims]
        finally:
            stage.end()
        tally = Counter((each.victim, each.code, each.good is not None) for each in rounds)
        print(f"rounds by victim, exit code, good: {dict(tally)}")
        print(f"posts {rounds[-1].fed}, a second while a backup ran: {[round(each.rate) for each in rounds]}")
        if len(VICTIMS) < ROUNDS:
            start_the_service(stage, sorted(stage.good())[-1], tmp_path / "started")
    assert all(
        (each.code == 0) == (each.good is not None) for each in rounds if each.victim in ("nobody", "feed")
    )
    assert ROUNDS < 20 or any(each.code != 0 for each in rounds if each.victim == "backup")
    assert sum(each.good is not None for each in rounds) >= ROUNDS // 3


def play(stage: Stage, victim: str, dice: Random) -> Round:
    """One backup, and one kill in the middle of it. What came of it is restored when it is listed as good."""
    before, began_s = stage.fed(), time.monotonic()
    backup = stage.begin_backup()
    seen: dict[str, str] = {}
    try:
        if victim in ("nobody", "feed"):
            seen = look_through_its_eyes(stage, backup)
        else:
            time.sleep(dice.uniform(0.1, 0.95) * stage.lasts_s)
        after, took_s = stage.fed(), time.monotonic() - began_s
        kill(stage, victim, backup)
        code = backup.wait(ENDS_WITHIN_S)
    finally:
        backup.kill()
    if victim == "nobody":
        stage.lasts_s = time.monotonic() - began_s
    mend(stage, victim)
    good = stage.good()
    new = next(iter(good - stage.known), None)
    if code == 0:
        assert new is not None
    if new is not None:
        check(stage, new, seen)
    stage.known |= good
    return Round(victim, code, new, stage.fed(), (after - before) / took_s)


def look_through_its_eyes(stage: Stage, backup: "subprocess.Popen[bytes]") -> dict[str, str]:
    """Stop the backup when it has its snapshot, and read every table in that same snapshot."""
    exported = cluster(stage.settings).folder / "pg_snapshots"
    wait_until_at_once(lambda: bool(ready(exported)) or backup.poll() is not None)
    backup.send_signal(signal.SIGSTOP)
    try:
        named = ready(exported)[0]
        with stage.connected() as connection:
            connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            connection.execute(sql.SQL("SET TRANSACTION SNAPSHOT {}").format(sql.Literal(named)))
            return hashed(connection, without=tuple(NOT_OF_THE_SNAPSHOT))
    finally:
        backup.send_signal(signal.SIGCONT)


def ready(exported: Path) -> list[str]:
    """The snapshots that others may see; one that is still being written has another ending."""
    return [each.name for each in exported.iterdir() if each.suffix != ".tmp"]


def wait_until_at_once(seen: Callable[[], bool]) -> None:
    until = time.monotonic() + ENDS_WITHIN_S
    while not seen():
        assert time.monotonic() < until
        time.sleep(0.001)


def kill(stage: Stage, victim: str, backup: "subprocess.Popen[bytes]") -> None:
    if victim == "backup":
        backup.kill()
    elif victim == "feed":
        stage.feed.kill()
    elif victim == "postgres":
        pid = cluster(stage.settings).running_pid()
        assert pid is not None
        os.kill(pid, signal.SIGKILL)


def mend(stage: Stage, victim: str) -> None:
    if victim == "postgres":
        stage.server.mend()
    if stage.feed.poll() is not None:
        stage.feed.wait()
        stage.feed = stage.begin_feed()
    before = stage.fed()
    wait_until(lambda: stage.fed() > before, 60)


def check(stage: Stage, name: str, seen: dict[str, str]) -> None:
    """Restored elsewhere it is the snapshot, whole: no post without its line of the log, none beyond."""
    elsewhere = stage.folder / "elsewhere"
    put_elsewhere(stage, name, elsewhere)
    own = Settings(data=elsewhere)
    with served(own):
        if seen:
            found = digests(cluster(own).url, without=tuple(NOT_OF_THE_SNAPSHOT))
            assert found == seen
        engine = connect(own, pool=1)
        with Session(engine) as session:
            posts, last = session.execute(
                text("SELECT count(*), max(CAST(external_id AS integer)) FROM posts")
            ).one()
            upto = session.execute(
                text("SELECT max(CAST(detail->>'upto' AS integer)) FROM log_entries WHERE what = 'fed'")
            ).scalar_one()
            published = {each.head for each in read_heads(own.heads_file)}
            broken = verify(session, own.key("log"), published=published).breaks
        engine.dispose()
    assert (posts, last, broken) == (upto, upto, [])
    shutil.rmtree(elsewhere)


def put_elsewhere(stage: Stage, name: str, folder: Path) -> None:
    folder.mkdir(parents=True)
    shutil.copy2(stage.settings.data / "secret", folder / "secret")
    restore(stage.settings, stage.shelf / name, Target(data=folder), clock=lambda: datetime.now(UTC))


def start_the_service(stage: Stage, name: str, folder: Path) -> None:
    put_elsewhere(stage, name, folder / "var")
    service = Service(folder)
    try:
        service.start()
        checked = service.run_once("audit", "verify", "--json")
        assert checked.returncode == 0, checked.stderr
    finally:
        service.end()


def test_what_a_killed_one_left_is_reported_and_gone(tmp_path: Path) -> None:
    """The next backup says so, and takes away the half and the scratch server of the killed one."""
    settings = Settings(data=tmp_path / "var")
    with served(settings) as server:
        migrate(settings)
        stage = Stage(tmp_path, server)
        try:
            scratch = settings.data / "scratch" / "postgres" / "postmaster.pid"
            backup = stage.begin_backup()
            wait_until_at_once(lambda: scratch.exists() or backup.poll() is not None)
            backup.kill()
            backup.wait()
            assert stage.good() == set()
            [left] = stage.shelf.glob(f"*{UNFINISHED}")
            assert stage.begin_backup().wait(ENDS_WITHIN_S) == 0
        finally:
            stage.end()
        said = (tmp_path / "backup.log").read_text(encoding="utf-8")
        assert f"{left.stem} had broken off before it was proven" in said
        assert not left.exists()
        assert not scratch.exists()
        assert left.stem not in stage.good()
