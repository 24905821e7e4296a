"""Rules are data: the first that fits decides, and a wrong file is refused by file, rule, key and reason."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifier.labels import LEARNT
from classifier.lexicons import read_lexicons
from classifier.records import Force, IncidentType
from tests.make import LIFECYCLE
from triage.desks import DesksError, read_desks
from triage.records import Desk, Severity
from triage.rules import Facts, Outcome, Rules, RulesError, read_rules
from triage.severity import of_case, reach_of, weigh

CONFIG = Path(__file__).resolve().parents[2] / "config"
RULES = read_rules(CONFIG / "rules.toml")
LAST = '[[rule]]\nname = "rest"\nbecause = "nothing"\noutcome = "drop"\n'


def make_facts(**given: Any) -> Facts:
    return Facts(
        **{
            "incident": 0.9, "incident_any": 0.95, "type": IncidentType.USE_OF_FORCE, "force": Force.UNKNOWN,
            "severity": Severity.SEV3, "labels": {}, "signals": frozenset(), "boroughs": frozenset(),
            "claim": 0.0, "unverified": 0.0, "abstain": False, "trigger": False, "age": timedelta(0), **given,
        }
    )  # fmt: skip


def read(tmp_path: Path, written: str) -> Rules:
    path = tmp_path / "rules.toml"
    path.write_text(written, encoding="utf-8")
    return read_rules(path)


@pytest.mark.parametrize(
    ("facts", "rule"),
    [
        ({"force": Force.OVERSEAS}, "abroad"),
        ({"force": Force.OTHER_UK}, "other-force"),
        ({"force": Force.BTP, "incident_any": 0.1}, "other-force-unlikely"),
        ({"trigger": True, "severity": Severity.SEV1}, "death-or-serious-injury"),
        ({"trigger": True, "incident": 0.3}, "death-unsure"),
        (
            {
                "labels": {"official_police_post": 0.9},
                "signals": frozenset({"official"}),
                "incident": 0.1,
                "type": IncidentType.ARREST_DETENTION,
            },
            "official",
        ),
        ({"labels": {"official_police_post": 0.9}}, "force"),
        ({"type": IncidentType.DEATH_OR_FIREARMS, "incident": 0.4}, "death-or-firearms"),
        ({}, "force"),
        ({"severity": Severity.SEV2}, "force-grave"),
        ({"signals": frozenset({"child"})}, "child-or-strip-search"),
        ({"labels": {"allegation:discrimination": 0.8}}, "discrimination"),
        ({"signals": frozenset({"dog"})}, "specialist"),
        ({"signals": frozenset({"gather"}), "incident": 0.1, "incident_any": 0.5}, "disorder"),
        ({"signals": frozenset({"disorder"}), "incident": 0.1, "incident_any": 0.5}, "disorder"),
        (
            {"signals": frozenset({"threat"}), "severity": Severity.SEV1, "incident": 0.1},
            "officer-threatened",
        ),
        ({"signals": frozenset({"identified"}), "incident": 0.1, "incident_any": 0.3}, "officer-named"),
        (
            {"signals": frozenset({"mha_s136"}), "type": IncidentType.ARREST_DETENTION, "incident": 0.2},
            "mental-health",
        ),
        (
            {"signals": frozenset({"not_police"}), "type": IncidentType.OTHER_ENCOUNTER, "incident": 0.1},
            "not-police",
        ),
        (
            {
                "signals": frozenset({"not_police"}),
                "force": Force.MET,
                "type": IncidentType.OTHER_ENCOUNTER,
                "incident": 0.1,
            },
            "encounter",
        ),
        (
            {"force": Force.MET, "claim": 0.6, "unverified": 0.7, "incident": 0.1, "incident_any": 0.3},
            "false-or-recycled",
        ),
        (
            {"type": IncidentType.OFFICER_CONDUCT, "force": Force.MET, "incident": 0.1, "incident_any": 0.3},
            "conduct",
        ),
        ({"incident": 0.1, "incident_any": 0.1, "labels": {"praise": 0.9}}, "praise"),
        ({"incident": 0.8, "signals": frozenset({"media_enquiry"})}, "media-enquiry"),
        ({"incident": 0.8, "signals": frozenset({"on_air", "not_police"})}, "media-enquiry"),
        ({"incident": 0.1, "signals": frozenset({"on_air"})}, "media-enquiry-other"),
        ({"incident_any": 0.2, "incident": 0.1, "signals": frozenset({"on_air"})}, "no-encounter"),
        ({"incident": 0.1, "incident_any": 0.1, "labels": {"witness_offer": 0.9}}, "witness"),
        ({"incident": 0.1, "incident_any": 0.1, "labels": {"complaint_not_force": 0.9}}, "complaint"),
        ({"type": IncidentType.ARREST_DETENTION, "incident": 0.1, "incident_any": 0.8}, "encounter"),
        ({"type": IncidentType.OFFICER_HARMED, "incident": 0.1, "incident_any": 0.8}, "officer-harmed"),
        ({"incident": 0.3, "incident_any": 0.4, "abstain": True}, "cannot-tell"),
        ({"incident": 0.3, "incident_any": 0.4}, "maybe"),
        ({"incident": 0.02, "incident_any": 0.05, "type": IncidentType.NONE}, "no-encounter"),
    ],
)
def test_the_shipped_rules_route_as_agreed(facts: dict[str, Any], rule: str) -> None:
    assert RULES.first_fit(make_facts(**facts)).name == rule


# The force's routing table: for each trigger what becomes of a post, who is told, and who else should hear.
TABLE = {
    "force-grave": ("raise", {"comms", "oversight"}, {"dps", "bcu_inspector", "supervisor"}),
    "force": ("raise", {"comms"}, {"bcu_inspector", "supervisor"}),
    "death-or-serious-injury": ("raise", {"comms", "oversight"}, {"dps", "gold", "family"}),
    "death-or-firearms": ("raise", {"comms", "oversight"}, {"dps", "gold", "family"}),
    "discrimination": ("raise", {"comms", "oversight"}, {"dps", "bcu_commander", "iag"}),
    "child-or-strip-search": ("raise", {"comms", "oversight"}, {"dps", "bcu_commander", "safeguarding"}),
    "mental-health": ("list", set(), {"bcu_commander", "safeguarding"}),
    "specialist": ("raise", {"comms"}, {"specialist", "bcu"}),
    "false-or-recycled": ("raise", {"comms"}, {"facts", "bcu"}),
    "officer-threatened": ("raise", {"comms"}, {"dps_liaison", "line_manager", "crime"}),
    "complaint": ("list", set(), {"complaints", "bcu", "contact_centre"}),
    "witness": ("list", set(), {"investigation"}),
    "praise": ("list", set(), {"praised"}),
    "media-enquiry": ("raise", {"comms"}, {"press", "bcu_inspector"}),
    "media-enquiry-other": ("raise", {"comms"}, {"press"}),
    "other-force": ("list", set(), {"other_body"}),
    "not-police": ("list", set(), {"other_body"}),
    "disorder": ("raise", {"comms"}, {"bcu_inspector", "public_order"}),
}


@pytest.mark.parametrize("name", TABLE)
def test_every_row_of_the_routing_table_is_a_rule(name: str) -> None:
    [rule] = [each for each in RULES.rules if each.name == name]
    outcome, told, also = TABLE[name]
    assert (rule.outcome, set(rule.told)) == (outcome, told)
    assert also <= set(rule.also)


def test_rules_ask_only_for_signals_and_labels_that_the_classifier_gives() -> None:
    written = read_lexicons(sorted((CONFIG / "lexicons").glob("signals*.toml")))
    names = {*written.lexicons, "officer_identified"}
    labels = {each.label for each in written.lexicons.values()} | set(LEARNT)
    for rule in RULES.rules:
        assert set(rule.signals) <= names, rule.name
        assert set(rule.labels) <= labels, rule.name


def test_the_gravest_page_both_desks_and_go_to_the_review() -> None:
    rule = RULES.first_fit(make_facts(trigger=True))
    assert set(rule.told) == {Desk.COMMS, Desk.OVERSIGHT}
    assert rule.review
    assert rule.outcome is Outcome.RAISE


@given(st.floats(0, 1), st.floats(0, 1), st.sampled_from(IncidentType), st.sampled_from(Force), st.booleans())
def test_every_post_is_decided(
    incident: float, any_: float, kind: IncidentType, force: Force, abstain: bool
) -> None:
    facts = make_facts(incident=incident, incident_any=any_, type=kind, force=force, abstain=abstain)
    assert RULES.first_fit(facts).because


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("fresh_for = ", "rules.toml"),
        ('fresh_for = "two days"\n' + LAST, r"fresh_for: write a length of time"),
        ('fresh_for = "48h"\n[[rule]]\nname = "a-rule"\nbecause = "why"\noutcome = "shout"\n' + LAST,
         "'a-rule', outcome"),
        ('fresh_for = "48h"\n[[rule]]\nname = "a-rule"\nbecause = "why"\noutcome = "note"\nincidnt = 0.5\n' + LAST,
         "'a-rule', incidnt: Extra"),
        ('fresh_for = "48h"\n[[rule]]\nname = "a-rule"\nbecause = "why"\noutcome = "note"\nincident = 5\n' + LAST,
         "'a-rule', incident: .*less than or equal to 1"),
        ('fresh_for = "48h"\n[[rule]]\nname = "a-rule"\nbecause = "why"\noutcome = "note"\nclaim = 0.5\n',
         "last rule must have no condition"),
        ('fresh_for = "48h"\n' + LAST + LAST, "two of this name"),
        ('fresh_for = "48h"\n[others]\ndps = "DPS"\n' + LAST + 'also = ["dsp"]\n', "'rest', also: 'dsp' is not among"),
        ('fresh_for = "48h"\n[[rule]]\nname = "all"\nbecause = "why"\noutcome = "drop"\n' + LAST,
         "'all': it fits everything"),
        ('fresh_for = "48h"\n[[rule]]\nname = "a-rule"\nbecause = "why"\noutcome = "raise"\nclaim = 0.5\n' + LAST,
         "'a-rule', desks"),
    ],
)  # fmt: skip
def test_a_wrong_file_is_refused_by_name(tmp_path: Path, written: str, said: str) -> None:
    with pytest.raises(RulesError, match=said):
        read(tmp_path, written)


def test_desks_are_read_and_a_missing_one_is_named(tmp_path: Path) -> None:
    assert set(read_desks(CONFIG / "desks.toml")) == set(Desk)
    (tmp_path / "desks.toml").write_text('[[desk]]\nname = "comms"\ntitle = "Press"\n', encoding="utf-8")
    with pytest.raises(DesksError, match="'oversight' is missing"):
        read_desks(tmp_path / "desks.toml")


def test_parts_stay_visible_and_add_up() -> None:
    said = weigh({"severity:harm": 0.75, "severity:conduct": 0.5, "praise": 1.0}, [], 0.5)
    assert said.points == {"harm": 3.0, "conduct": 2.0}
    assert said.level == Severity.SEV3
    case = of_case({}, [said], posts=300, sources=4)
    assert case.points["reach"] == 4.0
    assert case.level == Severity.SEV2


@given(st.lists(st.floats(0, 1), min_size=1, max_size=6))
def test_more_posts_never_make_a_case_less_grave(scores: list[float]) -> None:
    parts: dict[str, Any] = {}
    levels = []
    for posts, score in enumerate(scores, 1):
        whole = of_case(parts, [weigh({"severity:harm": score}, [], score)], posts=posts, sources=1)
        parts = whole.parts
        levels.append(whole.level)
    assert levels == sorted(levels, reverse=True)


@given(st.integers(0, 10**6), st.integers(0, 100))
def test_reach_stays_in_its_range(posts: int, sources: int) -> None:
    assert 0 <= reach_of(posts, sources) <= 4


def test_a_moderate_case_at_night_waits_for_the_morning() -> None:
    night = datetime(2026, 7, 14, 23, 30, tzinfo=UTC)  # half past midnight in London
    due = {each.name: each.at for each in LIFECYCLE.raised(Severity.SEV3, paged=True, force=True, now=night)}
    assert due["acknowledge"] == datetime(2026, 7, 15, 6, 30, tzinfo=UTC)


def test_a_digest_waits_for_the_next_working_day() -> None:
    friday = datetime(2026, 7, 17, 15, 0, tzinfo=UTC)
    [due] = LIFECYCLE.raised(Severity.SEV1, paged=False, force=True, now=friday)
    assert (due.name, due.at) == ("acknowledge", datetime(2026, 7, 20, 9, 0, tzinfo=UTC))
