"""Ctrl-C ends a command that works until nothing is left, wherever it falls."""

import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from config.drain import interrupted


@pytest.fixture(autouse=True)
def usual() -> Iterator[None]:
    """Whatever a test does, Ctrl-C means afterwards what it did before."""
    before = signal.signal(
        signal.SIGINT, signal.default_int_handler
    )  # what runs in the background ignores it
    yield
    signal.signal(signal.SIGINT, before)


class Finalised:
    """An interrupt that comes while this goes away would be lost where it falls."""

    def __del__(self) -> None:
        os.kill(os.getpid(), signal.SIGINT)


def test_an_interrupt_is_not_lost_in_a_finaliser() -> None:
    def work() -> None:
        with interrupted() as asked:
            going = [Finalised()]
            going.clear()
            assert asked.wait(5)

    with pytest.raises(KeyboardInterrupt):
        work()


def test_pressed_twice_it_ends_at_once() -> None:
    said: list[str] = []

    def work() -> None:
        with interrupted() as asked:
            os.kill(os.getpid(), signal.SIGINT)
            assert asked.wait(5)
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(5)  # it may be another thread that the system tells
            said.append("the second press was not heard")

    with pytest.raises(KeyboardInterrupt):
        work()
    assert said == []


def test_without_a_press_nothing_is_raised_and_the_usual_way_is_back() -> None:
    before = signal.getsignal(signal.SIGINT)
    with interrupted() as asked:
        assert signal.getsignal(signal.SIGINT) is not before
        assert not asked.is_set()
    assert signal.getsignal(signal.SIGINT) is before


def test_beside_the_main_thread_it_leaves_signals_alone() -> None:
    def inside() -> object:
        with interrupted() as asked:
            return signal.getsignal(signal.SIGINT), asked.is_set()

    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(inside).result() == (signal.getsignal(signal.SIGINT), False)
