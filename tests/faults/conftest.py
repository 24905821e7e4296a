"""A service for each test that needs one, ended whatever happens."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.service import Service


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    made = Service(tmp_path)
    yield made
    made.end()
