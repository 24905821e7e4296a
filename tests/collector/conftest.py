"""An interface of our own, and a client that may reach it."""

from collections.abc import Iterator

import pytest

from collector.http import Http
from collector.settings import HttpSettings
from tests.doubles.interface import Interface, running_interface


@pytest.fixture
def interface() -> Iterator[Interface]:
    with running_interface() as made:
        yield made


@pytest.fixture
def http(interface: Interface) -> Iterator[Http]:
    with Http(HttpSettings(allow=(interface.authority,))) as made:
        yield made
