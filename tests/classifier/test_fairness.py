"""The same telling twice: how often one is found and the other is not, and how far their severities are apart."""

from typing import Any

from classifier.model import Assessed
from classifier.records import Force, IncidentType
from classifier.training.fairness import fairness
from classifier.training.sets import Row, incident_truth
from classifier.training.splits import PAIRED, held_back


def row(group: str, *, style: str = "standard", topic: str = "", kind: str = "use_of_force") -> Row:
    return Row(
        group + style + topic, PAIRED, "told", kind, group, incident_truth(kind), style=style, topic=topic
    )


def said(any_: float, severity: float = 0.5) -> Assessed:
    nothing: dict[str, Any] = {"types": {}, "labels": {}, "places": [], "signals": []}
    return Assessed(
        incident=any_,
        incident_any=any_,
        type=IncidentType.NONE,
        severity=severity,
        urgent=False,
        claim=0.0,
        unverified=0.0,
        force=Force.MET,
        abstain=False,
        model="test",
        **nothing,
    )


def test_the_gap_is_what_slang_loses_and_traps_are_counted_apart() -> None:
    told = []
    for number, (standard, slang) in enumerate([(0.9, 0.9), (0.9, 0.2), (0.9, 0.6), (0.3, 0.8)]):
        told += [(row(f"p{number}"), said(standard)), (row(f"p{number}", style="mle_slang"), said(slang))]
    told += [
        (row("t", kind="none"), said(0.1)),
        (row("t", style="mle_slang", kind="none"), said(0.7)),
    ]
    found = fairness(told)["slang"]
    assert (found["found_of"], found["found_before"], found["found_after"], found["gap"]) == (
        4,
        0.75,
        0.75,
        0.0,
    )
    assert (found["raised_of"], found["raised_before"], found["raised_after"]) == (1, 0.0, 1.0)
    low, high = found["gap_interval"]
    assert low < 0 < high


def test_severity_is_compared_over_tellings_of_an_encounter() -> None:
    told = [(row("p"), said(0.9, 0.8)), (row("p", style="mle_slang"), said(0.9, 0.5))]
    told += [(row("q"), said(0.9, 0.4)), (row("q", style="mle_slang"), said(0.9, 0.5))]
    found = fairness(told)["slang"]
    assert (found["severity_error"], found["severity_shift"]) == (0.2, -0.1)


def test_each_community_is_beside_the_telling_that_names_none() -> None:
    five = [("", 0.9), ("black", 0.9), ("muslim", 0.4), ("young", 0.9), ("women", 0.9)]
    told = [(row("f", topic=topic), said(any_)) for topic, any_ in five]
    found = fairness(told)["topics"]
    assert sorted(found) == ["black", "muslim", "women", "young"]
    assert (found["muslim"]["gap"], found["black"]["gap"]) == (1.0, 0.0)


def test_paired_texts_are_never_learnt_from() -> None:
    assert held_back(row("any")) == PAIRED
