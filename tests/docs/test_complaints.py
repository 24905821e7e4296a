"""docs/complaints.md: fifteen complaints, and every test that is named for them is there."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROWS = re.findall(
    r"^\| (\d+) \|(.*)\|$", (ROOT / "docs/complaints.md").read_text(encoding="utf-8"), re.MULTILINE
)


def test_there_are_fifteen_each_with_a_test() -> None:
    assert [int(number) for number, _ in ROWS] == list(range(1, 16))
    assert all("`tests/" in row for _, row in ROWS)


@pytest.mark.parametrize(
    "named", sorted({each for _, row in ROWS for each in re.findall(r"`(tests/[^`]+)`", row)})
)
def test_every_test_that_is_named_is_there(named: str) -> None:
    path, _, name = named.partition("::")
    module = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    assert name in {each.name for each in module.body if isinstance(each, ast.FunctionDef)}
