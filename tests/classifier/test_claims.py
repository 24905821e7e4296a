"""Which known claims a post repeats, and how that is said."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from classifier.claims import Claim, Claims
from classifier.training.claims import average_precision
from classifier.training.pairs import HELD_BACK, Pair, known_claims, pairs
from classifier.wording import longest_run, plain, stems

KNOWN = [
    Claim(
        "dog", "A police dog was let loose on a sleeping man in a park.", "Was a police dog set on a sleeper?"
    ),
    Claim(
        "bus", "Officers dragged a pregnant woman off the 36 bus.", "Was a pregnant woman dragged off a bus?"
    ),
    Claim(
        "old", "The video of the arrest outside the station is three years old.", "Is the station video old?"
    ),
    Claim("bus-again", "Officers dragged a pregnant woman off the 36 bus!", "The bus claim, noted again"),
    Claim("taser", "A boy of ten was tasered at a chicken shop.", "Was a ten-year-old tasered?"),
]


@pytest.fixture(scope="module")
def library() -> Claims:
    return Claims.of(KNOWN)


def test_a_claim_told_in_other_words_comes_first(library: Claims) -> None:
    told = [
        "they literally pulled an expectant mum off the number 36, feds are sick",
        "tased a TEN year old kid outside the chicken shop wtf",
        "that clip outside the station is from 2021, stop sharing it like its new",
    ]
    assert [matches[0].claim for matches in library.nearest(told)] == ["bus", "taser", "old"]


def test_claims_that_say_the_same_score_the_same_and_keep_their_order(library: Claims) -> None:
    (matches,) = library.nearest(["pregnant woman dragged off the 36 bus by officers"])
    assert [match.claim for match in matches[:2]] == ["bus", "bus-again"]
    assert matches[0].score == matches[1].score


def test_a_post_about_something_else_is_called_unlikely(library: Claims) -> None:
    (matches,) = library.nearest(["lovely morning for a swim at the lido"])
    assert all(match.score < 0.5 and match.because.startswith("unlikely") for match in matches)


def test_the_reason_names_shared_words_and_never_a_verdict(library: Claims) -> None:
    (matches,) = library.nearest(["was a sleeping man bitten by a police dog in the park?"])
    assert "dog" in matches[0].because
    assert not any(word in matches[0].because for word in ("false", "true", "fake", "hoax"))


def test_no_more_claims_are_given_than_asked_for(library: Claims) -> None:
    assert [len(each) for each in library.nearest(["bus", "dog"], top=2)] == [2, 2]
    assert len(library.nearest(["bus"], top=50)[0]) == len(KNOWN)


def test_without_known_claims_nothing_is_repeated() -> None:
    assert Claims.of([]).nearest(["anything"]) == [[]]


@pytest.mark.parametrize("text", ["", "\0", "\ud800 alone", "🚓" * 5_000, "a" * 1_000_000, "?!... --"])
def test_no_text_is_too_odd(library: Claims, text: str) -> None:
    (matches,) = library.nearest([text])
    assert len(matches) == 5
    assert all(0 <= match.score <= 1 for match in matches)


def test_claims_without_a_telling_word_can_be_listed() -> None:
    (matches,) = Claims.of([Claim("x", "It is what it is", None)]).nearest(["it is"])
    assert matches[0].claim == "x"


def test_links_go_and_tags_fall_into_words() -> None:
    assert plain("see https://a.example/b #StopTheLies").split() == ["see", "Stop", "The", "Lies"]
    assert stems("Shootings in the #BusStation") == ["shoot", "bus", "station"]


def test_the_longest_run_is_of_words_in_a_row() -> None:
    assert longest_run(["a", "b", "c", "d"], ["b", "c", "x", "d"]) == 2
    assert longest_run([], ["b"]) == 0


def test_average_precision_counts_only_the_first_five() -> None:
    posts = [Pair("p", frozenset({"1"})), Pair("q", frozenset({"2"}))]
    assert average_precision([["9", "1"], ["9", "8", "7", "6", "5", "2"]], posts) == 0.25


def test_most_posts_of_others_find_their_claim_first(shared: Path) -> None:
    """A part of the claims only, so that it is quick; `goldenhour claims --measure` compares with all."""
    posts = pairs(shared / "data", HELD_BACK)
    claims = [Claim(*each) for each in known_claims(shared / "data")]
    gold = set().union(*(pair.claims for pair in posts))
    some = [claim for claim in claims if claim.id in gold or int(claim.id) % 40 == 0]
    found = Claims.of(some).nearest([pair.post for pair in posts])
    assert average_precision([[match.claim for match in matches] for matches in found], posts) > 0.9


def claims_command(*arguments: str, stdin: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "config.cli", "claims", *arguments]
    return subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)


def test_the_command_answers_a_line_a_post_and_names_bad_ones(tmp_path: Path) -> None:
    known = tmp_path / "known.jsonl"
    known.write_text(
        '{"id": 7, "text": "A boy was tasered at a shop."}\n{"id": 8, "text": "A bus was stopped."}\n'
    )
    ran = claims_command(
        "--against", str(known), "--top", "1", stdin='{"id": "p", "text": "boy tasered"}\n[]\n'
    )
    assert json.loads(ran.stdout)["matches"][0]["claim"] == 7
    assert ran.returncode == 1
    assert "line 2" in ran.stderr


@pytest.mark.parametrize(
    ("content", "says"),
    [(None, "No such file"), ('{"id": 1}\n', "line 1"), ("not json\n", "line 1")],
)
def test_a_bad_file_of_claims_is_named(tmp_path: Path, content: str | None, says: str) -> None:
    known = tmp_path / "known.jsonl"
    if content is not None:
        known.write_text(content)
    ran = claims_command("--against", str(known), stdin="")
    assert ran.returncode == 1
    assert str(known) in ran.stderr
    assert says in ran.stderr


def test_the_command_says_what_is_missing() -> None:
    assert claims_command(stdin="").returncode == 2
