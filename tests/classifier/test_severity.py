"""Severity: a visible sum in 0..1, monotone, with triggers above it."""

from hypothesis import given
from hypothesis import strategies as st

from classifier.reading import Finding, Signal
from classifier.severity import CRITICAL, FULL, severity

NAMES = ("death_contact", "injury", "ced_fired", "child", "strip_search", "rumour", "threat", "x")


def made(name: str, part: str, weight: float) -> Finding:
    return Finding(Signal(name, 0.5, 0, 1, "because"), "", part, weight)


findings = st.lists(
    st.builds(made, st.sampled_from(NAMES), st.sampled_from(sorted(FULL)), st.floats(0, 4)), max_size=8
)


@given(findings, findings)
def test_more_reasons_never_make_it_less_severe(some: list[Finding], more: list[Finding]) -> None:
    fewer = severity(some, about_police=True, likely=True)
    both = severity([*some, *more], about_police=True, likely=True)
    assert 0 <= fewer.score <= both.score <= 1


@given(findings)
def test_nothing_weighs_in_a_text_that_is_not_about_police(some: list[Finding]) -> None:
    assert severity(some, about_police=False, likely=False).score == 0


def test_a_strip_search_is_critical_when_it_is_a_childs() -> None:
    strip = made("strip_search", "conduct", 3)
    assert severity([strip], about_police=True, likely=True).score < CRITICAL
    child = made("child", "vulnerability", 1.5)
    both = severity([strip, child], about_police=True, likely=True)
    assert both.score >= CRITICAL
    assert both.triggers == ("child strip-searched",)


def test_the_parts_are_shown() -> None:
    parts = severity(
        [made("injury", "harm", 2), made("child", "vulnerability", 2)], about_police=True, likely=True
    ).parts
    assert parts == {"harm": 0.5, "vulnerability": 1.0}
