"""Lexicons: whole words, longest first, wrong files refused."""

from pathlib import Path

import pytest

from classifier.lexicons import Hit, Lexicon, LexiconError, Lexicons, read_lexicons


def found(words: tuple[str, ...], text: str) -> list[str]:
    lexicons = Lexicons([Lexicon(name="n", signal="s", says="says", score=1, words=words)])
    hits: list[Hit] = lexicons.find(text, text.lower()).get("s", [])
    return [text[hit.start : hit.end] for hit in hits]


def test_words_are_whole() -> None:
    assert found(("cop",), "copy that, cop. Cop! scop") == ["cop", "Cop"]


def test_a_star_begins_longer_words() -> None:
    assert found(("tasered*", "garda*"), "gardai came") == ["garda"]


def test_the_longest_at_a_place_counts() -> None:
    assert found(("stop", "stop and search"), "a stop and search here") == ["stop and search"]


def test_a_capital_counts_only_with_it() -> None:
    assert found(("Fed",), "fed up with the Fed") == ["Fed"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("[[lexicon]]\nname='a'\n", "signal"),
        ("[[lexicon]]\nname='a'\nsignal='s'\nsays='x'\nscore=2\nwords=['w']\n", "score"),
        ("[[lexicon]]\nname='a'\nsignal='s'\nsays='x'\nscore=1\nwords=['w']\npart='spleen'\n", "spleen"),
        ("[[lexicn]]\nname='a'\n", "lexicn"),
        ("not toml", "signals-x.toml"),
    ],
)
def test_a_wrong_file_is_refused_with_its_reason(tmp_path: Path, content: str, reason: str) -> None:
    path = tmp_path / "signals-x.toml"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(LexiconError, match=reason):
        read_lexicons([path])
