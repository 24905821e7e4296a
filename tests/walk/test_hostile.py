"""Every misbehaving publisher at once, visited by a real worker: each visit ends, its source says what is wrong and
what to do, the worker does not swell, and the others are read as if nothing were.

`GOLDENHOUR_TEST_PATIENCE=24` plays it at full length; the ordinary run is less patient.
"""

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from threading import Event, Thread
from typing import NamedTuple

import pytest
from sqlalchemy import Engine
from sqlmodel import Session, col, select

from collector.months import make_months
from collector.records import Grade, SourceRow
from config.service import House
from config.settings import Settings
from config.ticks import collect_due
from tests.doubles.certificates import DAY, Authority
from tests.doubles.feeds import Door, Publisher, publishing
from tests.doubles.hostile import BEHAVIOURS, HOSTILE, LOOK, ODD, TELL, WAIT, make_ready

VISIT_S = float(os.environ.get("GOLDENHOUR_TEST_PATIENCE", "8"))
LONGEST_S = VISIT_S + 1
WELL = 6
EVERY_S = 2
CALM_S = 6.0
GROWS_MB = 64
DELAYED_S = 1.0


class Expected(NamedTuple):
    """One source: its address, and what its row must say; nothing of those that can be read."""

    url: str
    said: str = ""
    remedy: str = ""


def bad_doors(ours: Authority, folder: Path) -> dict[str, tuple[Door, str, str]]:
    """Ports that speak no good TLS, by name, with what is to be said of them."""
    strangers = Authority(folder, "strangers")
    return {
        "expired": (ours.door(since=-2 * DAY, until=-DAY), "certificate has expired", TELL),
        "not yet valid": (ours.door(since=DAY, until=2 * DAY), "not yet valid", "Check this machine's clock"),
        "of another name": (
            ours.door("news.example"),
            "certificate is not valid",
            "Use the publisher's name",
        ),
        "signed by itself": (ours.door(itself=True), "self-signed certificate", TELL),
        "signed by strangers": (strangers.door(), "unable to get local issuer", TELL),
        "in the clear": ("clear", "no secure connection", LOOK),
        "silent": ("silent", "in time", WAIT),
        "hung up": ("reset", "", "Check that the address"),
    }


class Scene(NamedTuple):
    """All publishers, and every source with what is expected of it; `trusted` is the file of the authority."""

    publisher: Publisher
    bad: dict[str, Expected]
    odd: dict[str, Expected]
    trusted: Path


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    make_ready()
    folder = tmp_path_factory.mktemp("certificates")
    ours = Authority(folder, "ours")
    doors = bad_doors(ours, folder)
    opened: list[Door] = [None] * (len(HOSTILE) + len(ODD) + WELL)
    with publishing(
        BEHAVIOURS, [*opened, *(door for door, _, _ in doors.values()), ours.door()]
    ) as publisher:
        ports = iter(publisher.ports[WELL:])
        bad = {
            name: Expected(publisher.hostile(name, next(ports)), wrong.said, wrong.remedy)
            for name, wrong in HOSTILE.items()
        }
        odd = {name: Expected(publisher.hostile(name, next(ports))) for name in ODD}
        for name, (_, said, remedy) in doors.items():
            bad[name] = Expected(f"https://127.0.0.1:{next(ports)}/feeds/secure", said, remedy)
        publisher.feed("secure").items.append("<item><title>Cordon lifted</title></item>")
        odd["good TLS"] = Expected(f"https://127.0.0.1:{next(ports)}/feeds/secure")
        yield Scene(publisher, bad, odd, ours.file)


def watch(engine: Engine, urls: dict[str, str], every_s: int, over_s: float = 0) -> None:
    """Put sources into the table, due one after the other from now on."""
    now, step = datetime.now(UTC), timedelta(seconds=over_s / len(urls))
    with Session(engine) as session:
        make_months(session, now=now)
        session.add_all(
            SourceRow(
                name=name,
                kind="feed",
                url=url,
                every_s=every_s,
                grade=Grade.B,
                basis="x",
                due_at=now + at * step,
            )
            for at, (name, url) in enumerate(urls.items())
        )
        session.commit()


@contextmanager
def working(scene: Scene, settings: Settings, url: str) -> Iterator[int]:
    """A worker of its own, which fetches what the ticks ask for; its process id."""
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("GOLDENHOUR_")},
        "GOLDENHOUR_DATA": str(settings.data),
        "GOLDENHOUR_DATABASE_URL": url,
        "GOLDENHOUR_LOG_LEVEL": "error",
        "GOLDENHOUR_HTTP__ALLOW": ",".join(f"127.0.0.1:{port}" for port in scene.publisher.ports),
        "GOLDENHOUR_HTTP__TOTAL_S": str(VISIT_S * 20 / 24),
        "GOLDENHOUR_HTTP__READ_S": str(VISIT_S * 10 / 24),
        "GOLDENHOUR_COLLECT__VISIT_S": str(VISIT_S),
        "SSL_CERT_FILE": str(scene.trusted),
    }
    command = [sys.executable, "-P", "-m", "config.cli", "work", "--queue", "collect", "--attended"]
    with subprocess.Popen(command, env=environment, stdin=subprocess.PIPE) as worker:
        yield worker.pid
        worker.communicate(timeout=60)  # it ends with its input


@contextmanager
def ticking(house: House) -> Iterator[None]:
    """The schedule's tick for what is due, every second."""
    ended = Event()

    def tick() -> None:
        while not ended.wait(1):
            collect_due(house, datetime.now(UTC))

    thread = Thread(target=tick)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def rows(engine: Engine, names: Sequence[str]) -> dict[str, SourceRow]:
    with Session(engine) as session:
        found = session.exec(select(SourceRow).where(col(SourceRow.name).in_(names))).all()
        return {row.name: row for row in found}


def pause_s(publisher: Publisher, since_s: float) -> float:
    """How long those that are well were not asked, nine times in ten at most, since then."""
    pauses: list[float] = []
    for number in range(WELL):
        at = [
            each.at for each in publisher.log if each.path == f"/feeds/well-{number}" and each.at >= since_s
        ]
        pauses += [later - earlier for earlier, later in pairwise(at)]
    return sorted(pauses)[len(pauses) * 9 // 10] if pauses else 0.0


def peak_mb(pid: int, named: str = "VmHWM") -> float:
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(re.findall(rf"{named}:\s+(\d+) kB", status)[0]) / 1024


def test_they_all_end_say_what_is_wrong_and_hold_up_nobody(
    scene: Scene, engine: Engine, settings: Settings, database_url: str
) -> None:
    house = House(settings, engine, lambda: datetime.now(UTC))
    publisher = scene.publisher
    for number in range(WELL):
        publisher.feed(f"well-{number}")
    well = {f"well-{n}": f"http://127.0.0.1:{publisher.ports[n]}/feeds/well-{n}" for n in range(WELL)}
    watch(engine, well, EVERY_S)
    expected = scene.bad | scene.odd
    with working(scene, settings, database_url) as pid, ticking(house):
        wait_until(lambda: pause_s(publisher, 0) > 0, 60)
        began_s = time.monotonic()
        wait_until(lambda: pause_s(publisher, began_s) > 0, 60)
        time.sleep(CALM_S)
        calm_s, before_mb = pause_s(publisher, began_s), peak_mb(pid, "VmRSS")
        began_s = time.monotonic()
        watch(engine, {name: each.url for name, each in expected.items()}, 3_600, VISIT_S / 2)
        ended = visited(engine, list(expected))
        time.sleep(EVERY_S)
        print("grew by", round(peak_mb(pid) - before_mb), "MB; paused", pause_s(publisher, 0), "s")
        assert peak_mb(pid) - before_mb < GROWS_MB
        held_up_s = pause_s(publisher, began_s) - calm_s
        assert held_up_s < max(DELAYED_S, calm_s), f"{calm_s:.1f} s when all was calm"
    assert len(expected) > 95
    told = [_wrong(row, expected[name]) for name, row in ended.items()]
    assert not [each for each in told if each], "\n".join(each for each in told if each)


def visited(engine: Engine, names: list[str]) -> dict[str, SourceRow]:
    """Their rows, once all have been visited. Each visit ends in time."""
    begun: dict[str, datetime] = {}
    late: set[str] = set()
    deadline = time.monotonic() + 60 + 2 * VISIT_S
    while True:
        now, found = datetime.now(UTC), rows(engine, names)
        for row in found.values():
            if (
                row.lease_owner
                and row.last_tried_at
                and now - row.last_tried_at > timedelta(seconds=LONGEST_S)
            ):
                late.add(row.name)
            if row.last_tried_at:
                begun.setdefault(row.name, row.last_tried_at)
        if len(begun) == len(names) and not any(row.lease_owner for row in found.values()):
            assert not late
            return found
        assert time.monotonic() < deadline, sorted(set(names) - set(begun))
        time.sleep(0.2)


def _wrong(row: SourceRow, expected: Expected) -> str | None:
    """What is wrong with what a source's row says, None when nothing is."""
    error, remedy = row.error or "", row.remedy or ""
    if "other large" in error:  # of what is large one is read at a time, and this one came last
        return None
    if not expected.remedy:
        return f"{row.name}: {error}" if row.failures or not row.last_success_at else None
    rests = row.due_at - datetime.now(UTC) <= timedelta(hours=27)
    fits = expected.said in error and remedy.startswith(expected.remedy)
    return None if row.failures and rests and fits else f"{row.name}: {error!r}, {remedy!r}"


def wait_until(seen: Callable[[], bool], within_s: float) -> None:
    deadline = time.monotonic() + within_s
    while not seen():
        assert time.monotonic() < deadline, "the worker never came"
        time.sleep(0.1)
