"""The prefilter loses no incident, and keeps most of everyday talk out."""

import csv
import json
from pathlib import Path

import pytest

from collector.folding import fold
from collector.prefilter import LexiconError, Prefilter

LEXICONS = sorted((Path(__file__).resolve().parents[2] / "config" / "lexicons").glob("prefilter*.toml"))
ENCOUNTERS = "SFDPAEK"


@pytest.fixture(scope="module")
def prefilter() -> Prefilter:
    return Prefilter.of(LEXICONS)


def lexicon(folder: Path, text: str) -> Path:
    path = folder / "prefilter.toml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "text",
    [
        "Police are all over Rye Lane",
        "the p0lice came in",
        "P.O.L.I.C.E everywhere",
        "p o l i c e",
        "pol\u200bice",
        "роlice van outside",  # the first two letters are Cyrillic
        "pólice",
        "poliice and offficers",
        "f3ds on the corner",
        "fed$ again",
        "boydem jumped out on us",
        "bare jakes about tonight",
        "👮🏾‍♂️👮🏾‍♂️ all down the high street",
        "🚔🚔",
        "#MetPolice what is this",
        "#StopAndSearch",
        "stop n search again",
        "Section 60 in Hackney till 6",
        "they tasered him",
        "a man was arrested",
        "IOPC to look at it",
        "knee on his back for ages",
        "undies just boxed in that moped",
    ],
)
def test_words_for_police_and_what_they_use_let_a_post_in(prefilter: Prefilter, text: str) -> None:
    assert prefilter.lets_in([text]) != [None]


@pytest.mark.parametrize(
    "text",
    [
        "Lovely walk on the heath this morning",
        "I met my sister for lunch and she paid the bill",
        "pigs in blankets are the best part of Christmas",
        "the dress code was polite casual",
        "our office is moving to a bigger office",
        "copywriting and photocopiers",
        "somethingfed up with this federation nonsense",
        "",
        "\x00\x00",
        "\ud800 lone",
        "日本の朝ごはんはおいしい",
    ],
)
def test_everyday_talk_stays_out(prefilter: Prefilter, text: str) -> None:
    assert prefilter.lets_in([text]) == [None]


def test_a_word_of_two_meanings_needs_another_beside_it(prefilter: Prefilter) -> None:
    alone, beside = prefilter.lets_in(["pigs are clever animals", "pigs grabbed my cousin and cuffed him"])
    assert alone is None
    assert beside is not None


def test_a_word_is_not_its_own_context(tmp_path: Path) -> None:
    path = lexicon(
        tmp_path,
        '[[rule]]\nname = "r"\nwords = ["protest"]\nwith = ["c"]\n[[context]]\nname = "c"\nwords = ["*protest*"]\n',
    )
    once, twice = Prefilter.of([path]).lets_in(["a protest", "protest after protest"])
    assert once is None
    assert twice == "r"


def test_answers_come_in_the_order_asked_with_the_rule_named(tmp_path: Path) -> None:
    path = lexicon(tmp_path, '[[rule]]\nname = "police"\nwords = ["police"]\n')
    assert Prefilter.of([path]).lets_in(["tea", "police!", "cake", "the POLICE"]) == [
        None,
        "police",
        None,
        "police",
    ]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[[rule]]\nname = 'a'\nwords = 'police'\n", "Expected `array`"),
        ("[[rule]]\nname = 'a'\nwrds = ['police']\n", "wrds"),
        ("[[rule]]\nname = 'a'\nwords = ['...']\n", "holds no letter"),
        ("[[rule]]\nname = 'a'\nwords = ['nick']\nwith = ['place']\n", "no context is called 'place'"),
        ("[[rule", "prefilter.toml"),
        ("", "would let nothing in"),
    ],
)
def test_a_wrong_lexicon_is_refused_with_file_key_and_reason(
    tmp_path: Path, text: str, complaint: str
) -> None:
    with pytest.raises(LexiconError, match=complaint.replace("[", r"\[")):
        Prefilter.of([lexicon(tmp_path, text)])


def test_folding_keeps_words_apart_and_letters_of_other_languages() -> None:
    assert fold("Stop & search—NOW!") == b" stop search now "
    assert fold("the Met’s") == b" the met s "
    assert fold("café Żubr") == b" cafe zubr "
    assert fold("a 👮🏾\u200d♂️b") == " a 👮 b ".encode()


def test_no_reported_encounter_of_the_labelled_sets_is_lost(shared: Path, prefilter: Prefilter) -> None:
    """Reactions (flag r) are left out, as in all strict scores: most name neither police nor an act."""
    texts = [text for code, text in _labelled(shared) if code[0] in ENCOUNTERS and "r" not in code]
    let_in = sum(rule is not None for rule in prefilter.lets_in(texts))
    assert len(texts) > 3000
    assert let_in / len(texts) >= 0.995


def test_no_news_of_an_encounter_is_lost_at_all(shared: Path, prefilter: Prefilter) -> None:
    texts = [
        row["text"]
        for row in _rows(shared / "data/incident/labelled_news_dev.csv")
        if row["incident_any"] == "1"
    ]
    assert None not in prefilter.lets_in(texts)


def test_slang_posts_are_let_in_as_often_as_standard_ones(shared: Path, prefilter: Prefilter) -> None:
    pairs = [
        json.loads(line)
        for line in (shared / "data/london/witness_posts.jsonl").read_text(encoding="utf-8").splitlines()
    ]
    for style in ("standard", "mle_slang"):
        texts = [each["text"] for each in pairs if each["style"] == style and each["type"] in ENCOUNTERS]
        assert len(texts) > 50
        assert sum(rule is not None for rule in prefilter.lets_in(texts)) / len(texts) >= 0.98, style


def test_everyday_posts_mostly_stay_out(shared: Path, prefilter: Prefilter) -> None:
    texts: list[str] = []
    for kind in ("emotion", "irony", "sentiment"):
        for path in sorted((shared / "data/general/tweeteval" / kind).glob("*_text.txt")):
            texts.extend(path.read_text(encoding="utf-8").splitlines())
    let_in = sum(rule is not None for rule in prefilter.lets_in(texts))
    assert len(texts) > 20_000
    assert let_in / len(texts) <= 0.02


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _labelled(shared: Path) -> list[tuple[str, str]]:
    found = []
    for name in ("labelled_posts_dev", "police_tweets_dev", "labelled_news_dev", "uk_news_incident_dev"):
        for row in _rows(shared / f"data/incident/{name}.csv"):
            found.append((row["code"], row.get("text") or f"{row['title']} — {row['description']}"))
    for path in sorted((shared / "data/london").glob("*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            each = json.loads(line)
            found.append((each["type"] + each["flags"], each["text"]))
    return found
