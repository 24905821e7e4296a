"""The shipped rules, and what routing remembers."""

import pytest

from config.settings import HERE
from triage.memory import Memory
from triage.rules import Rules, read_rules
from triage.settings import TriageSettings


@pytest.fixture(scope="module")
def rules() -> Rules:
    return read_rules(HERE / "rules.toml")


@pytest.fixture
def memory() -> Memory:
    return Memory.of(HERE / "matching" / "rarity.bin", TriageSettings())
