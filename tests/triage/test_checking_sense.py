"""What a sentence is heard as: by nearness to examples, clause by clause, and how well that holds on new drafts."""

import json
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from config.commands.stating import app
from config.settings import read_settings
from config.wording import HEARD, checker_of, examples_of
from tests.triage.checker.drafts import CHECKER, FACTS, HERE, facts_of
from triage.checking import Checker
from triage.checking_context import Context, Finding
from triage.checking_learnt import held_out, learn
from triage.checking_measured import Share, Tried, measure
from triage.checking_names import Known
from triage.checking_rules import Lists, read_checks
from triage.checking_sense import Floats, Sense, SenseError, pieces, read_examples, seal, sealed
from triage.checking_words import Words

# Nothing is learnt from these; at least so many are caught and told, at most so many clean ones stopped and warned of.
EARLIER = [
    ("accepted.jsonl", 192, 200, 2, 20),
    ("accepted_second.jsonl", 184, 202, 1, 22),
    ("accepted_third.jsonl", 94, 98, 1, 12),
    ("accepted_fourth.jsonl", 180, 201, 1, 12),
    ("accepted_fifth.jsonl", 182, 200, 2, 19),
]
UNTAUGHT = [
    *(
        EARLIER if os.environ.get("GOLDENHOUR_TEST_DRAFTS") == "all" else ()
    ),  # `make campaign` reads these too
    ("accepted_sixth.jsonl", 174, 200, 1, 19),
    ("outside.jsonl", 186, 194, 5, 35),
]
KNOWN = Context(facts=facts_of(FACTS), home=("Southwark",))
UPDATE = " We understand the concern. Our next update is at 21:00."
NOBODY = Known(Lists(), (), ())
LETTERS = "abcdefghijklmnopqrstuvwxyz"


def found(text: str, context: Context = KNOWN) -> dict[str, bool]:
    """The rules that find something, and whether one of their findings blocks."""
    said: dict[str, bool] = {}
    for each in CHECKER.check(text + UPDATE, context):
        said[each.rule] = said.get(each.rule, False) or each.blocks
    return said


def by_letters(texts: Sequence[str]) -> Floats:
    """A meaning for tests: how often each letter stands in a text."""
    rows = np.array([[text.lower().count(letter) + 0.01 for letter in LETTERS] for text in texts], np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows


@pytest.fixture
def sense(tmp_path: Path) -> Sense:
    examples = {
        "safe": ("aa bb aab", "ab ab b"),
        "states": ("cc dd", "dc cd c"),
        "blame": ("xx yy xy", "xy x y"),
    }
    assert learn(examples, by_letters, NOBODY, tmp_path / "heard.npz") == 6
    return Sense.read(tmp_path / "heard.npz", by_letters)


def test_a_text_is_heard_as_the_examples_it_is_nearest_to(sense: Sense) -> None:
    harmless, fault = sense.heard("ab aa bb. Xyx xx yy.", NOBODY)
    assert (harmless.act, harmless.fault < 0) == ("safe", True)
    assert (fault.act, fault.wrong, fault.fault > 0) == ("blame", "blame", True)


def test_a_clause_is_heard_on_its_own() -> None:
    text = "A man was stopped in Rye Lane; he had been drinking, and we are looking into it."
    said = [text[each.start : each.end] for each in pieces(text)]
    assert said == [
        text,
        "A man was stopped in Rye Lane",
        "he had been drinking",
        "we are looking into it.",
    ]


def test_the_weights_are_of_the_examples_there_are() -> None:
    settings = read_settings()
    assert sealed(settings.file(HEARD)) == seal(examples_of(settings)), "run goldenhour statements learn"


def test_wrong_examples_and_weights_are_refused_with_their_file(tmp_path: Path) -> None:
    file = tmp_path / "blame.toml"
    file.write_text('says = [ "He ran.", 3 ]\n')
    with pytest.raises(SenseError, match=r"blame\.toml"):
        read_examples([file])
    with pytest.raises(SenseError, match="statements learn"):
        Sense.read(file, by_letters)


@pytest.mark.parametrize(
    ("said", "rule"),
    [
        ("The sergeant was vile to him.", "prejudgement"),
        ("You can bank on those two constables being kicked out.", "promise"),
        ("He has three cracked ribs and a punctured lung.", "medical"),
        ("Detectives found the hammer in his rucksack.", "proceedings"),
        ("His tale gets taller every time he tells it.", "argues"),
    ],
)
def test_a_fault_is_found_in_words_no_rule_has(said: str, rule: str) -> None:
    assert rule in found(said), found(said)


@pytest.mark.parametrize(
    "said",
    [
        "We do not know whether he was armed.",
        "Whether our officers acted fairly is for the review to say.",
        "If he was treated badly we will say so.",
        "Did officers lose their temper?",
        "We know of the posts. Some say that an officer punched him; we have not confirmed that.",
    ],
)
def test_what_is_asked_doubted_or_open_is_no_fault(said: str) -> None:
    assert not any(found(said).values()), found(said)


def test_what_facts_say_is_borne_out() -> None:
    said = "The rider has a broken wrist and two cracked ribs."
    assert "medical" in found(said)
    known = facts_of({**FACTS, "condition": "the rider has a broken wrist and two cracked ribs"})
    assert "medical" not in found(said, KNOWN._replace(facts=known))


def test_a_plain_fact_of_which_no_fact_has_a_word_warns() -> None:
    assert found("The landlord had handed over the keys.").get("unverified") is not None


@pytest.mark.parametrize(("name", "caught", "heard", "stopped", "warned"), UNTAUGHT)
def test_drafts_that_taught_nothing_are_mostly_judged_right(
    name: str, caught: int, heard: int, stopped: int, warned: int
) -> None:
    """Not the aim, which is all of them; a change that makes it worse than it was is seen here."""
    result = CliRunner().invoke(app, ["statements", "measure", str(HERE / name), "--json"])
    told = json.loads(result.stdout)
    assert told["caught"]["of"] >= 100
    assert told["stopped"]["of"] >= 46
    assert told["caught"]["some"] >= caught, told["let_by"]
    assert told["told"]["some"] >= heard, told["missed"]
    assert told["stopped"]["some"] <= stopped, told["stopping"]
    assert told["warned"]["some"] <= warned, told["warning"]


def test_an_act_is_heard_by_what_other_topics_taught() -> None:
    examples = {"safe": ("ab ab b", "aa bb aab", "abb ba"), "blame": ("xx yy xy", "xy x y", "yx yy", "xx y")}
    (blame,) = held_out(examples, by_letters, NOBODY)
    assert (blame.act, len(blame.faults), len(blame.harmless)) == ("blame", 4, 3)
    assert blame.rates(-9) == (1.0, 1000.0)


def test_words_that_stand_in_faults_tell() -> None:
    words = Words.of(
        ["he ran off", "he ran away", "we will tell you", "we will write"], [True, True, False, False]
    )
    assert words.tell("he ran") > 0 > words.tell("we will")
    assert words.tell("nothing of it") == 0


def test_what_meaning_is_told_by_is_read_at_the_first_draft(monkeypatch: pytest.MonkeyPatch) -> None:
    """Most processes never check a draft; it takes fifty megabytes."""
    read: list[str] = []
    monkeypatch.setattr("config.wording.Sentences", lambda model, _: read.append(model.name))
    checker_of(read_settings())
    assert read == []


def test_a_share_tells_how_sure_it_is() -> None:
    assert Share.counted([]) == (0, 0, 0.0, 1.0)
    share = Share.counted([True] * 98 + [False] * 2)
    assert (share.some, share.of) == (98, 100)
    assert (round(share.low, 3), round(share.high, 3)) == (0.93, 0.994)


def test_a_warning_catches_only_what_is_to_be_warned_of() -> None:
    warns = Finding("stock", False, 4, 9, "words", "it is a phrase", "our own rule")
    stops = warns._replace(rule="blame", blocks=True)
    figures = measure(
        [
            Tried("warn:context", 0, 6, (warns,)),
            Tried("blame", 0, 6, (warns,)),
            Tried("blame", 20, 30, (stops,)),
            Tried("promise", 20, 30, (warns,)),
            Tried("", 0, 0, (warns,)),
            Tried("", 0, 0, (stops,)),
        ]
    )
    assert [share[:2] for share in figures[:5]] == [(2, 4), (1, 4), (3, 4), (1, 2), (2, 2)]
    assert {name: share[:2] for name, share in figures.missed.items()} == {"promise": (1, 1)}
    assert {name: share[:2] for name, share in figures.let_by.items()} == {"blame": (1, 2), "promise": (1, 1)}
    assert (figures.stopping, figures.warning) == ({"blame": 1}, {"stock": 1})


def test_a_checker_without_examples_knows_its_patterns_alone() -> None:
    alone = Checker(read_checks(read_settings().files("statements/checks*.toml")))
    assert "promise" in {each.rule for each in alone.check("The officers will be sacked.", KNOWN)}
    assert "blame" not in {each.rule for each in alone.check("She had been winding them up.", KNOWN)}
