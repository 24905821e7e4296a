"""Posts of one incident come together, posts of different ones stay apart, and the cost does not grow."""

import csv
import json
import random
from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifier.fingerprint import fingerprint, likeness
from classifier.rarity import Rarity, RarityError
from tests.make import NOON
from triage.arrivals import deeds_of
from triage.grouping import Item, group
from triage.matching import CANDIDATES, CASES_PER_TERM, Doubt, How, Matcher
from triage.nearness import nearness, points_of
from triage.similarity import likelihood

TABLE = Path(__file__).resolve().parents[2] / "config" / "matching" / "rarity.bin"
SAID = "Three officers held a man face down outside the bakery on Rye Lane in Peckham this evening"


def make_matcher(**given: float) -> Matcher:
    chosen = {"join": 0.45, "suggest": 0.25, **given}
    return Matcher(Rarity.load(TABLE), window=timedelta(days=14), **chosen)  # type: ignore[arg-type]


def cases(texts: Sequence[str], *, every: timedelta = timedelta(minutes=3)) -> list[int]:
    items = [Item(number, text, NOON + number * every) for number, text in enumerate(texts)]
    return [each.case for each in group(items, make_matcher())]


@pytest.mark.parametrize(
    "copy",
    [
        "RT @someone: " + SAID,
        SAID + " https://t.example/abc #london",
        "😡😡 " + SAID.upper() + " 😡",
        SAID.replace("o", "о").replace("e", "е"),  # Cyrillic
        SAID.replace("officers", "offi\u200bcers"),
        SAID.replace("evening", "evening!!").replace("held", "were holding"),
        "Unbelievable. " + SAID + ", share this",
    ],
    ids=["repost", "link", "shouted", "homoglyphs", "zero-width", "edited", "longer"],
)
def test_a_copy_joins_its_model(copy: str) -> None:
    assert cases([SAID, copy]) == [1, 1]


def test_another_telling_of_the_incident_joins() -> None:
    other = "Video shows a man held face down by three officers near a Peckham bakery, Rye Lane, tonight"
    assert cases([SAID, other]) == [1, 1]


def test_the_same_sentence_about_another_place_is_another_incident() -> None:
    form = "Police tasered a man outside the station in {} this afternoon, people were filming it all"
    assert cases([form.format(place) for place in ("Walthamstow", "Lewisham", "Harlesden")]) == [1, 2, 3]


def test_general_talk_of_police_is_not_one_case() -> None:
    texts = [
        "The police have been all over the news again this week and nobody seems to care any more",
        "I do not trust the police after this week, the news is full of stories about them",
        "Police numbers are in the news again, more officers promised by the government this week",
    ]
    assert cases(texts) == [1, 2, 3]


def test_a_name_brings_together_what_comes_months_later() -> None:
    texts = [
        "Officers restrained Tobias Quillfeather outside a shop in Harlesden, who later died in hospital",
        "Inquest into the death of Tobias Quillfeather opens: he died after being restrained by officers",
    ]
    assert cases(texts, every=timedelta(days=200)) == [1, 1]


def test_what_comes_late_or_is_short_is_only_suggested() -> None:
    matcher = make_matcher()
    matcher.put("case", matcher.subject(SAID, NOON))
    late = matcher.find(matcher.subject(SAID, NOON + timedelta(days=60)))
    short = matcher.find(matcher.subject("officers outside Peckham bakery, Rye Lane", NOON))
    now = matcher.find(matcher.subject(SAID, NOON))
    assert (late.case, late.doubt, late.sure) == ("case", Doubt.OLD, False)
    assert (short.case, short.doubt, short.sure) == ("case", Doubt.SHORT, False)
    assert (now.case, now.how, now.sure) == ("case", How.SAME_TEXT, True)


def test_between_the_thresholds_a_person_is_asked() -> None:
    matcher = make_matcher(join=1.0)
    matcher.put("case", matcher.subject(SAID, NOON))
    other = "Video shows a man held face down by three officers near a Peckham bakery, Rye Lane, tonight"
    found = matcher.find(matcher.subject(other, NOON))
    assert (found.case, found.doubt, found.sure) == ("case", Doubt.UNSURE, False)


def test_a_forgotten_case_is_found_no_more() -> None:
    matcher = make_matcher()
    post = matcher.subject(SAID, NOON)
    matcher.put("case", post)
    matcher.forget("case")
    assert matcher.find(post).case is None


def test_the_work_for_a_post_is_bounded_however_much_is_kept() -> None:
    matcher = make_matcher()
    for number in range(200):
        matcher.put(number, matcher.subject(f"{SAID} number {number} of many", NOON))
    post = matcher.subject(SAID, NOON)
    assert len(matcher._candidates(post)) <= CANDIDATES
    assert max(len(each) for each in matcher._terms.young.values()) <= CASES_PER_TERM


def test_memory_is_bounded_and_the_newest_stay() -> None:
    matcher = Matcher(Rarity.load(TABLE), join=0.45, suggest=0.25, window=timedelta(days=14), most_cases=10)
    words = [f"{a}{b}" for a in ("quill", "thorn", "mar", "bel") for b in ("wick", "by", "ton", "ham", "sea")]
    for number, word in enumerate(words):
        matcher.put(
            number, matcher.subject(f"Officers stopped someone in {word.title()} today, they say", NOON)
        )
    assert len(matcher.profiles) <= 20
    assert len(words) - 1 in matcher.profiles


def test_grouping_twice_gives_the_same() -> None:
    texts = [SAID, "Lost cat on Mare Street, answers to Biscuit, please look in sheds", SAID + " again"]
    assert cases(texts) == cases(texts) == [1, 2, 1]


@given(st.text(max_size=300))
def test_any_text_has_a_fingerprint(text: str) -> None:
    made = fingerprint(text)
    assert likeness(made, fingerprint(text)) == 1.0
    assert made.exact == fingerprint(text).exact


def test_a_table_that_is_none_is_refused_by_name(tmp_path: Path) -> None:
    wrong = tmp_path / "rarity.bin"
    wrong.write_bytes(b"12345678nonsense")
    with pytest.raises(RarityError, match=r"rarity\.bin"):
        Rarity.load(wrong)


def test_a_table_is_kept_as_learned_and_holds_no_words(tmp_path: Path) -> None:
    Rarity.learn([["officer", "bakery"], ["officer"], ["officer", "unmistakableword"]] * 3).save(
        tmp_path / "t"
    )
    read = Rarity.load(tmp_path / "t")
    common, rare, never = read.weigh(["officer", "bakery", "neverseen"])
    assert common < rare < never
    assert b"unmistakableword" not in (tmp_path / "t").read_bytes()


def test_real_event_clusters_are_found_again(shared: Path) -> None:
    """Events nobody tuned on. Reference: TF-IDF single link, tuned on these very rows, 0.72 to 0.75."""
    with (
        (shared / "match" / "uk_event_clusters_dev.csv").open()
        if (shared / "match").is_dir()
        else (shared / "data" / "match" / "uk_event_clusters_dev.csv").open() as file
    ):
        rows = list(csv.DictReader(file))
    dated = sorted(((_moment(row["published"]), row) for row in rows), key=lambda pair: pair[0])
    items = [Item(row["rss_id"], f"{row['title']} {row['description']}", at) for at, row in dated]
    found = {each.id: each.case for each in group(items, make_matcher())}
    precision, recall, f1 = bcubed({row["rss_id"]: row["cluster"] for row in rows}, found)
    assert precision >= 0.97
    assert recall >= 0.8
    assert f1 >= 0.88


def _moment(written: str) -> datetime:
    moment = datetime.fromisoformat(written.replace(" ", "T"))
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def bcubed(gold: dict[str, str], found: dict[str, int]) -> tuple[float, float, float]:
    true: dict[str, set[str]] = defaultdict(set)
    made: dict[int, set[str]] = defaultdict(set)
    for post, event in gold.items():
        true[event].add(post)
        made[found[post]].add(post)
    shared = {post: len(true[gold[post]] & made[found[post]]) for post in gold}
    precision = sum(shared[post] / len(made[found[post]]) for post in gold) / len(gold)
    recall = sum(shared[post] / len(true[gold[post]]) for post in gold) / len(gold)
    return precision, recall, 2 * precision * recall / (precision + recall)


def test_single_posts_of_london_do_not_clump(shared: Path) -> None:
    """Written posts, each of its own incident but for pairs: no group may swallow them."""
    folder = shared / "london" if (shared / "london").is_dir() else shared / "data" / "london"
    lines = (folder / "witness_posts.jsonl").read_text(encoding="utf-8").splitlines()
    posts = [json.loads(line) for line in lines]
    random.Random(1).shuffle(posts)
    found = {
        post["id"]: case for post, case in zip(posts, cases([post["text"] for post in posts]), strict=True)
    }
    precision, _, _ = bcubed({post["id"]: post["pair"] or post["id"] for post in posts}, found)
    assert precision >= 0.75
    assert max(Counter(found.values()).values()) <= 8


PECKHAM = (51.4703, -0.0694)
LEWISHAM, CROYDON = (51.4519, -0.0244), (51.3714, -0.0977)


def test_two_short_tellings_from_one_corner_within_the_hour_are_one_incident() -> None:
    """Slang and few words share nothing rare; the place and the time do."""
    told = "feds on top of some rider outside the shop, man can't breathe, it's mad"
    again = "why are six officers kneeling on a delivery driver in broad daylight, disgusting"
    assert join_of(told, again, there=LEWISHAM) > join_of(told, again, there=CROYDON)
    assert join_of(told, again, there=LEWISHAM) > join_of(
        told, again, there=LEWISHAM, after=timedelta(days=2)
    )


def test_places_an_hour_apart_are_one_place_only_when_they_are_near() -> None:
    near = (LEWISHAM[0] + 0.003, LEWISHAM[1])
    assert nearness([LEWISHAM], [LEWISHAM]) == 1
    assert 0.7 < nearness([LEWISHAM], [near]) < 0.8
    assert nearness([LEWISHAM], [CROYDON]) < 0.001
    assert nearness([], [CROYDON]) == 0


def test_a_post_that_names_many_places_is_about_none() -> None:
    places = [{"borough": "Lewisham", "lat": 51.4 + step, "lon": 0.0} for step in (0.0, 0.01, 0.02)]
    assert points_of(places) == ()
    assert points_of([*places[:1], {"borough": None, "lat": None, "lon": None}]) == ((51.4, 0.0),)


def join_of(
    told: str, again: str, *, there: tuple[float, float], after: timedelta = timedelta(minutes=9)
) -> float:
    """How likely a second post, from Lewisham or elsewhere, is about the case of the first, from Lewisham."""
    matcher = make_matcher()
    first = matcher.subject(told, NOON, known=("@lewisham",), points=(LEWISHAM,))
    matcher.put("case", first)
    post = matcher.subject(again, NOON + after, known=("@lewisham",), points=(there,))
    return likelihood(post, matcher.profiles.young["case"])


def test_other_deeds_at_the_same_corner_are_another_incident() -> None:
    matcher = make_matcher()
    restraint = matcher.subject(
        SAID, NOON, known=("@southwark",), points=(PECKHAM,), deeds=frozenset({"tactic:ground_restraint"})
    )
    for _ in range(30):
        matcher.put("flood", restraint)
    said = "Police dog bit my neighbour by Peckham Rye station, there was blood all over the place"
    told = {"known": ("@southwark",), "points": (PECKHAM,)}
    bitten = matcher.subject(said, NOON, **told, deeds=frozenset({"tactic:dog"}))  # type: ignore[arg-type]
    unsaid = matcher.subject(said, NOON, **told)  # type: ignore[arg-type]
    assert not matcher.find(bitten).sure
    assert matcher.find(unsaid).score > matcher.find(bitten).score


def test_deeds_are_what_is_likely_and_tells_incidents_apart() -> None:
    said = {
        "tactic:dog": 0.8,
        "power:MTIPS": 0.4,
        "tactic:taser": 0.2,
        "tactic:handcuffs": 0.9,
        "first_hand": 0.9,
    }
    assert deeds_of(said) == {"tactic:dog", "power:MTIPS"}
