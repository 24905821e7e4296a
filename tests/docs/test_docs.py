"""The documents say what is there: every table, type, setting and command has its place in them."""

import re
from enum import Enum
from pathlib import Path

import pytest
from pydantic import BaseModel

import classifier.learning_records
import classifier.records
import collector.door_records
import collector.evidence_records
import collector.footage_records
import collector.hold_records
import collector.records
import collector.refused_records
import triage.claim_records
import triage.escalation_records
import triage.growth_records
import triage.hold_records
import triage.learning_records
import triage.notification_records
import triage.oncall_records
import triage.records
import triage.restriction_records
import triage.retention_records
import triage.reveal_records
import triage.review.meeting_records
import triage.review.pack_records
import triage.rights_records
import triage.rule_records
import triage.shift_records
import triage.statement_records
import triage.track_records
from config.cli import COMMANDS
from config.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
LANGUAGE = (ROOT / "docs/language.md").read_text(encoding="utf-8")
OPERATING = ROOT / "docs/operating.md"
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
RECORDS = (
    collector.door_records,
    collector.evidence_records,
    collector.footage_records,
    collector.hold_records,
    collector.records,
    collector.refused_records,
    classifier.learning_records,
    classifier.records,
    triage.claim_records,
    triage.escalation_records,
    triage.growth_records,
    triage.hold_records,
    triage.learning_records,
    triage.notification_records,
    triage.oncall_records,
    triage.records,
    triage.restriction_records,
    triage.retention_records,
    triage.reveal_records,
    triage.review.meeting_records,
    triage.review.pack_records,
    triage.rights_records,
    triage.rule_records,
    triage.shift_records,
    triage.statement_records,
    triage.track_records,
)


def public_types() -> list[str]:
    found = {
        name
        for module in RECORDS
        for name, thing in vars(module).items()
        if isinstance(thing, type)
        and thing.__module__ == module.__name__
        and issubclass(thing, (collector.records.Record, Enum))
    }
    return sorted(found - {"Record"})


def settings() -> list[str]:
    names = []
    for name, field in Settings.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            names += [f"GOLDENHOUR_{name}__{inner}".upper() for inner in kind.model_fields]
        else:
            names.append(f"GOLDENHOUR_{name}".upper())
    return names


@pytest.mark.parametrize("table", sorted(collector.records.Record.metadata.tables))
def test_every_table_is_in_the_language(table: str) -> None:
    assert f"`{table}`" in LANGUAGE


@pytest.mark.parametrize("name", public_types())
def test_every_type_of_the_records_is_in_the_language(name: str) -> None:
    assert re.search(rf"(\*\*|`){name}(\*\*|`)", LANGUAGE), f"docs/language.md does not define {name}"


@pytest.mark.parametrize("name", settings())
def test_every_setting_is_in_the_operators_guide(name: str) -> None:
    assert name in OPERATING.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_is_in_the_operators_guide(name: str) -> None:
    assert f"goldenhour {name}" in OPERATING.read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_between_the_documents_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), f"{page.name} points to {target}, which is not there"
