"""What holds for the rows of every table."""

import importlib
import pkgutil

import pytest
from sqlmodel import SQLModel

import classifier
import collector
import responders
import triage

for package in (collector, classifier, triage, responders):
    for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        if "records" in found.name:
            importlib.import_module(found.name)

TABLES = sorted(
    (mapper.class_ for mapper in SQLModel._sa_registry.mappers), key=lambda table: str(table.__name__)
)
CONTAINERS = [
    (table, name)
    for table in TABLES
    for name, field in table.model_fields.items()
    if isinstance(field.get_default(call_default_factory=True), list | dict)
]


@pytest.mark.parametrize(("table", "name"), CONTAINERS)
def test_no_two_rows_share_a_list(table: type[SQLModel], name: str) -> None:
    one, other = getattr(table(), name), getattr(table(), name)
    assert one == other
    assert one is not other
