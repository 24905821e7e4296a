"""Every signal finds what it should in our own lines, and stays silent where it should."""

from pathlib import Path

import pytest

from classifier.signals import load_signals
from tests.classifier.reader import reading

RECORDED = Path(__file__).parents[1] / "recorded" / "signals"
SIGNALS = load_signals()


def lines(kind: str) -> list[tuple[str, str]]:
    return [
        (name, line)
        for name in SIGNALS
        for line in (RECORDED / f"{name}_{kind}.txt").read_text(encoding="utf-8").splitlines()
    ]


@pytest.mark.parametrize(("name", "line"), lines("yes"))
def test_a_signal_finds_its_reason_and_says_it(name: str, line: str) -> None:
    found = list(SIGNALS[name](reading(line)))
    assert found
    for finding in found:
        signal = finding.signal
        assert 0 <= signal.start <= signal.end <= len(line)
        assert 0 <= signal.score <= 1
        assert signal.because


@pytest.mark.parametrize(("name", "line"), lines("no"))
def test_a_signal_stays_silent_where_there_is_no_reason(name: str, line: str) -> None:
    assert not list(SIGNALS[name](reading(line)))


def names(signal: str, text: str) -> set[str]:
    return {finding.signal.name for finding in SIGNALS[signal](reading(text))}


def test_a_taser_drawn_is_not_a_taser_fired() -> None:
    assert names("tactics", "Officer had his Taser drawn outside the shop") == {"ced_drawn"}
    assert names("tactics", "He was tasered outside the shop") == {"ced_fired"}


def test_of_several_taser_uses_only_the_highest_counts() -> None:
    assert names("tactics", "Taser drawn, red dot on his chest, then they tasered him") == {"ced_fired"}


def test_what_is_denied_is_not_found() -> None:
    assert "ced_fired" not in names("tactics", "He was not tasered, he sat down by himself")


def test_an_officers_number_is_never_quoted() -> None:
    found = list(SIGNALS["officer_safety"](reading("That officer, PC 4321 ZZ, name and shame")))
    assert found
    assert all("4321" not in finding.signal.because for finding in found)


def test_spans_show_the_words_of_the_original_behind_a_disguise() -> None:
    text = "They t\u200bas\u200bered him"
    [finding] = [each for each in SIGNALS["tactics"](reading(text)) if each.signal.name == "ced_fired"]
    assert text[finding.signal.start : finding.signal.end] == "t\u200bas\u200bered him"


def test_a_journalist_who_asks_and_what_is_on_air_are_found() -> None:
    asks = (
        "Hi, I'm a journalist at a paper. Did you film this of the police on Rye Lane? Can we use your video?"
    )
    assert names("media", asks) == {"media_enquiry"}
    assert names("media", "The clip of the officers in Peckham is leading the news") == {"on_air"}
    assert names("media", "Watched the news, then rice. Police went past") == set()
