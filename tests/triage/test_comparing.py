"""Two posts held beside each other: the reasons in words, and where they stand."""

from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from classifier.rarity import Rarity
from tests.make import NOON
from triage.comparing import Comparison, Mark, Side, compare

TABLE = Path(__file__).resolve().parents[2] / "config" / "matching" / "rarity.bin"
BAKERY = "Three officers held a man face down outside Quillon's bakery on Rye Lane at 9.30pm, one shoe in the gutter"
GUTTER = (
    "Rye Lane just now. 21:30 and four police on one man by Quillon's bakery, his shoe lying in the gutter"
)
CANAL = "A police dog bit a cyclist on the towpath by the canal in Walthamstow"


@pytest.fixture(scope="module")
def rarity() -> Rarity:
    return Rarity.load(TABLE)


def place(text: str, name: str, borough: str, lat: float, lon: float) -> dict[str, Any]:
    start = text.index(name)
    named = {"text": name, "start": start, "end": start + len(name), "name": name, "borough": borough}
    return {**named, "lat": lat, "lon": lon, "p": 0.9}


def rye_lane(text: str) -> list[dict[str, Any]]:
    return [place(text, "Rye Lane", "Southwark", 51.47, -0.069)]


def words(text: str, marks: list[Mark], name: str) -> list[str]:
    return [text[each["start"] : each["end"]] for each in marks if each["name"] == name]


def beside(rarity: Rarity) -> Comparison:
    one = Side(GUTTER, NOON + timedelta(minutes=12), rye_lane(GUTTER))
    return compare(one, Side(BAKERY, NOON, rye_lane(BAKERY)), rarity)


def test_what_two_tellings_share_is_said_in_words(rarity: Rarity) -> None:
    found = beside(rarity)
    assert "same place named: Rye Lane" in found.alike
    assert "12 minutes apart" in found.alike
    assert "same time of day named: 21:30" in found.alike
    [rare] = [each for each in found.alike if "rare word" in each]
    assert "gutter" in rare
    assert "bakery" in rare
    assert found.apart == []
    assert found.likely > 0.5


def test_what_is_shared_is_marked_where_it_stands_in_each_text(rarity: Rarity) -> None:
    mine, theirs = beside(rarity).marks
    assert words(GUTTER, mine, "place") == ["Rye Lane"]
    assert words(BAKERY, theirs, "time") == ["9.30pm"]
    assert words(GUTTER, mine, "time") == ["21:30"]
    assert {"bakery", "gutter"} <= set(words(BAKERY, theirs, "rare"))
    assert "Rye" not in words(GUTTER, mine, "rare"), "a place is marked once, as a place"


def test_what_keeps_two_posts_apart_is_said_too(rarity: Rarity) -> None:
    dog = [{"name": "dog", "start": 9, "end": 12, "because": "says a police dog was used: dog"}]
    canal = Side(
        CANAL,
        NOON + timedelta(days=3),
        [place(CANAL, "Walthamstow", "Waltham Forest", 51.58, -0.02)],
        {"tactic:dog": 0.9},
        dog,
    )
    taser = [{"name": "ced_fired", "start": 0, "end": 5, "because": "says a Taser was fired: tased"}]
    found = compare(canal, Side(BAKERY, NOON, rye_lane(BAKERY), {"tactic:ced_fired": 0.8}, taser), rarity)
    assert "they name other places: Walthamstow, and Rye Lane" in found.apart
    assert "they tell of other deeds: a police dog was used, and a Taser was fired" in found.apart
    assert "3 days apart" in found.apart
    assert found.likely < 0.2


def test_a_shared_deed_is_marked_with_its_words(rarity: Rarity) -> None:
    signal = {"name": "dog", "start": CANAL.index("dog"), "end": CANAL.index("dog") + 3}
    side = Side(
        CANAL, NOON, (), {"tactic:dog": 0.9}, [{**signal, "because": "says a police dog was used: dog"}]
    )
    found = compare(side, side, rarity)
    assert "the same words throughout" in found.alike
    assert "the same deed told: a police dog was used" in found.alike
    [mark] = [each for each in found.marks[0] if each["name"] == "deed"]
    assert mark["because"] == "the same deed: a police dog was used"


def test_copies_whole_phrases_and_footage_are_named(rarity: Rarity) -> None:
    family = frozenset({uuid4()})
    again = f"Look at this!! {BAKERY} https://t.example/1 @somebody"
    found = compare(Side(again, NOON, families=family), Side(BAKERY, NOON, families=family), rarity)
    assert any(each.startswith("a copy: ") for each in found.alike)
    assert "the same footage" in found.alike
    [phrase] = words(again, found.marks[0], "words")
    assert phrase.startswith("Three officers")
    assert all("somebody" not in again[each["start"] : each["end"]] for each in found.marks[0])


def test_few_words_are_said_to_be_few(rarity: Rarity) -> None:
    found = compare(Side("Police again", NOON), Side(BAKERY, NOON), rarity)
    assert "one has only 2 words, which may agree by chance" in found.apart
    assert "no rare word is shared" in found.apart


def test_nothing_written_is_no_error(rarity: Rarity) -> None:
    found = compare(Side("", NOON), Side("", NOON), rarity)
    assert found.marks == ([], [])
