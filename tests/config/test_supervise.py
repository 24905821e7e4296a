"""Parts are kept alive, ended in time, and end themselves when nobody attends them any more."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from config.beats import SILENT_AFTER_S, Beat
from config.supervise import LONGEST_PAUSE_S, SHORTEST_PAUSE_S, Part, supervise

SLEEPER = [sys.executable, "-c", "import time; time.sleep(600)"]
STUBBORN = [
    sys.executable,
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); time.sleep(600)",
]
ATTENDED = [
    sys.executable,
    "-c",
    "import time; from config.supervise import Attended; Attended().start(); time.sleep(600)",
]


def until(seen: Callable[[], bool], for_s: float = 20) -> Callable[[], bool]:
    """Ends supervision once something was seen; fails the test when it never is."""
    deadline = time.monotonic() + for_s

    def ask() -> bool:
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.02)
        return seen()

    return ask


def watch(part: Part, ask: Callable[[], bool], *, mend: Callable[[], bool] = lambda: False) -> list[int]:
    """Supervise one part until asked; the process ids it had."""
    had: list[int] = []
    supervise(
        [part],
        until=ask,
        mend=mend,
        beats=lambda: None,
        started=lambda parts: had.extend(each.process.pid for each in parts if each.process),
    )
    return had


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def test_a_part_that_is_killed_comes_back() -> None:
    part = Part("sleeper", SLEEPER)
    killed: list[int] = []

    def seen() -> bool:
        if part.process and not killed:
            killed.append(part.process.pid)
            part.process.kill()
        return part.process is not None and part.process.pid not in killed

    had = watch(part, until(seen))
    assert len(had) == 2
    assert all(gone(pid) for pid in had)


def test_a_part_that_does_not_end_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("config.supervise.ENDS_WITHIN_S", 0.5)
    part = Part("stubborn", STUBBORN)
    (pid,) = watch(part, until(lambda: part.process is not None))
    assert gone(pid)


def test_pauses_between_restarts_grow_to_half_a_minute() -> None:
    part = Part("broken", [sys.executable, "-c", "raise SystemExit(3)"])
    pauses, now_s = [], 0.0
    reading, writing = os.pipe()
    for _ in range(9):
        part.start(reading, now_s)
        assert part.process is not None
        part.process.wait()
        part.look(reading, now_s)
        pauses.append(part.again_s - now_s)
    os.close(reading)
    os.close(writing)
    assert pauses[0] == SHORTEST_PAUSE_S
    assert pauses == sorted(pauses)
    assert pauses[-1] == LONGEST_PAUSE_S
    assert part.young_deaths == 9


def test_a_part_that_stops_beating_is_ended_and_one_that_beats_is_not() -> None:
    part = Part("sleeper", SLEEPER)
    reading, writing = os.pipe()
    part.start(reading, 0.0)
    process = part.process
    assert process is not None
    noon = datetime(2026, 7, 14, 12, 0, tzinfo=UTC)
    for second in range(0, 300, 5):
        part.listen([Beat("sleeper", "here", process.pid, noon + timedelta(seconds=second), "ok")], second)
    assert process.poll() is None
    last = [Beat("sleeper", "here", process.pid, noon + timedelta(seconds=295), "ok")]
    part.listen(last, 295 + SILENT_AFTER_S - 1)
    assert process.poll() is None
    part.listen(last, 295 + SILENT_AFTER_S + 1)
    assert process.wait(10) == -signal.SIGKILL
    os.close(reading)
    os.close(writing)


def test_nobody_is_judged_while_the_database_is_away() -> None:
    part = Part("sleeper", SLEEPER)
    had = watch(part, until(lambda: part.process is not None))
    assert len(had) == 1


def test_parts_start_anew_when_the_database_has_another_address() -> None:
    part = Part("sleeper", SLEEPER)
    moves = iter([False, False, True])
    seen: list[int] = []

    def moved() -> bool:
        if part.process and part.process.pid not in seen:
            seen.append(part.process.pid)
        return len(seen) == 2

    had = watch(part, until(moved), mend=lambda: next(moves, False))
    assert len(had) == 2


def test_a_part_ends_when_its_attendant_is_killed() -> None:
    attendant = subprocess.Popen(
        [
            sys.executable,
            "-c",
            f"import subprocess, time; part = subprocess.Popen({ATTENDED!r}, stdin=subprocess.PIPE);"
            "print(part.pid, flush=True); time.sleep(600)",
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert attendant.stdout is not None
    pid = int(attendant.stdout.readline())
    time.sleep(1)
    assert not gone(pid)
    attendant.kill()
    attendant.wait()
    attendant.stdout.close()
    deadline = time.monotonic() + 10
    while not gone(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert gone(pid)
