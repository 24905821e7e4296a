"""Explainers and amplifiers: every tactic has its background, every borough somebody to tell, and nobody by name."""

import csv
import tomllib
from datetime import date
from pathlib import Path

import pytest

from collector.catalogue import read_sources
from config.settings import HERE, read_settings
from config.wording import overdue
from tests.triage.checker.drafts import CHECKER
from triage.amplifiers import AmplifiersError, read_amplifiers
from triage.checking_context import Context
from triage.explainers import SECTIONS, Explainer, ExplainerError, read_explainers

EXPLAINERS = read_explainers(sorted((HERE / "statements" / "explainers").glob("*.md")))
LIST = HERE / "statements" / "amplifiers.toml"
TACTICS = """
    handcuffs spit-guard taser section-60 vehicle-stop stop-and-search police-dog ground-restraint baton pava
    unarmed shield aep firearms police-horse vehicle-contact
"""
NEVER = {
    "name",
    "officer_identity",
    "background",
    "previous",
    "promise",
    "blame",
    "prejudgement",
    "bwv_viewed",
    "gap",
}


def test_every_tactic_has_its_explainer() -> None:
    assert {each.front.name for each in EXPLAINERS} == set(TACTICS.split())
    assert all(set(each.text) == set(SECTIONS) for each in EXPLAINERS)
    assert all(fact.source for each in EXPLAINERS for fact in each.front.fact)


def test_every_tactic_of_the_review_has_background() -> None:
    listed = tomllib.loads((HERE / "review" / "tactics.toml").read_text(encoding="utf-8"))["tactic"]
    told = {label for each in EXPLAINERS for label in each.front.labels}
    spoken = {f"tactic:{label}" for tactic in listed for label in tactic["labels"]}
    assert spoken - told == set()


@pytest.mark.parametrize("explainer", EXPLAINERS, ids=lambda each: each.front.name)
def test_an_explainer_justifies_nothing(explainer: Explainer) -> None:
    text = "\n\n".join(explainer.text.values())
    found = CHECKER.check(text, Context(variant="answer"))
    assert [(each.rule, each.words) for each in found if each.rule in NEVER] == []


def test_what_is_not_checked_yet_is_told() -> None:
    assert all(fact.source for each in EXPLAINERS for fact in each.unchecked)
    assert any(each.unchecked for each in EXPLAINERS)


@pytest.mark.parametrize(
    ("found", "put", "told"),
    [
        ("## When it is not", "## Never", "'## Why it is used'"),
        ("owner =", "owners =", "owner"),
        ("checked = true", 'checked = "maybe"', "checked"),
        ("+++\nname", "name", "baton.md"),
    ],
)
def test_a_wrong_explainer_is_refused_with_file_and_reason(
    tmp_path: Path, found: str, put: str, told: str
) -> None:
    path = tmp_path / "baton.md"
    path.write_text(
        (HERE / "statements/explainers/baton.md").read_text(encoding="utf-8").replace(found, put, 1)
    )
    with pytest.raises(ExplainerError, match=r"baton\.md") as refused:
        read_explainers([path])
    assert told in str(refused.value) or "must come next" in str(refused.value)


def test_every_borough_has_those_who_pass_a_line_on() -> None:
    with (HERE / "gazetteer" / "boroughs.csv").open(encoding="utf-8", newline="") as file:
        boroughs = {row["borough"] for row in csv.DictReader(file)}
    listed = read_amplifiers(LIST)
    assert {each.name for each in listed.borough} == boroughs
    known = {source.name for source in read_sources(HERE / "sources.toml")}
    for borough in boroughs:
        outlets = listed.of(borough)
        assert {"council", "police", "community", "television"} <= {each.kind for each in outlets}
        assert {each.name for each in outlets if each.kind in ("hyperlocal", "press")} <= known


def test_without_a_borough_only_all_of_london_is_told() -> None:
    assert {"television", "city"} <= {each.kind for each in read_amplifiers(LIST).of(None)}
    assert "council" not in {each.kind for each in read_amplifiers(LIST).of(None)}


@pytest.mark.parametrize("name", ["Cllr Somebody", "desk@example.org", "020 79460000"])
def test_a_person_or_an_address_is_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / "amplifiers.toml"
    path.write_text(LIST.read_text(encoding="utf-8").replace("Hackney Council press office", name))
    with pytest.raises(AmplifiersError, match="looks like a person"):
        read_amplifiers(path)


def test_what_is_past_its_review_is_told_and_stops_nothing() -> None:
    assert overdue(read_settings(), date(2026, 8, 1)) == []
    late = overdue(read_settings(), date(2027, 2, 1))
    assert len(late) == 12 + len(EXPLAINERS) + 1
    assert all("review_on: was due on 2027-01-15" in line for line in late)
