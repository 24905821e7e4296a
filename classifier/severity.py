"""How bad, if true: the visible sum of its parts, and the triggers that stand above any sum.

Parts and their ranges, and the hard triggers, are those of the force's severity proposal: harm 0-4,
conduct 0-4, vulnerability 0-2, false information 0-3, officer safety 0-2. Reach and community are
triage's to add. Confidence stands apart and never lowers a report of a death.
"""

from collections.abc import Sequence
from math import prod
from typing import NamedTuple

from classifier.reading import Finding

# the most a part may contribute when it is full; noisy-or, so reasons add up and never pass 1
FULL = {
    "harm": (4.0, 0.85),
    "conduct": (4.0, 0.60),
    "vulnerability": (2.0, 0.30),
    "false_information": (3.0, 0.30),
    "officer_safety": (2.0, 0.50),
}
CRITICAL = 0.9  # the least severity of a hard trigger

LIKELY = frozenset({"likely"})  # stands for: the text is likely to report an encounter at all

TRIGGERS: dict[str, tuple[frozenset[str], ...]] = {
    "death after police contact": (frozenset({"death_contact"}),),
    "death or serious injury after police contact": (frozenset({"death", "serious_injury"}), LIKELY),
    "police firearm discharged": (frozenset({"firearm_fired"}),),
    "cannot breathe or unconscious": (frozenset({"cannot_breathe", "unconscious"}), LIKELY),
    "child strip-searched": (frozenset({"strip_search"}), frozenset({"child"})),
    "disorder forming around the incident": (frozenset({"disorder"}), LIKELY),
    "officer's identity or address posted with threats": (
        frozenset({"officer_identified"}),
        frozenset({"threat"}),
    ),
    "invented police statement in an emergency": (
        frozenset({"fake_statement"}),
        frozenset({"disorder", "death"}),
    ),
}


class Severity(NamedTuple):
    """`parts` are 0..1 of each part's range; `triggers` name the hard triggers met."""

    score: float
    parts: dict[str, float]
    triggers: tuple[str, ...]


def severity(findings: Sequence[Finding], *, about_police: bool, likely: bool) -> Severity:
    """Severity of one post in 0..1. Words of harm in a text that is not about police weigh nothing."""
    if not about_police or not findings:
        return Severity(0.0, {}, ())
    parts: dict[str, float] = {}
    for finding in findings:
        if finding.part and finding.weight:
            full = FULL[finding.part][0]
            parts[finding.part] = max(parts.get(finding.part, 0.0), min(1.0, finding.weight / full))
    score = 1.0 - prod(1 - FULL[name][1] * value for name, value in parts.items())
    triggers = _triggers({finding.signal.name for finding in findings} | (LIKELY if likely else set()))
    return Severity(max(score, CRITICAL) if triggers else score, parts, triggers)


def _triggers(names: set[str]) -> tuple[str, ...]:
    return tuple(what for what, needs in TRIGGERS.items() if all(each & names for each in needs))
