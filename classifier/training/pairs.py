"""Posts and the known claims they make, as the sets in `match/` hold them (CheckThat! 2020, task 2)."""

import csv
from pathlib import Path
from typing import NamedTuple

LIBRARY = "ct20_verified_claims.docs.tsv"
LEARNT, HELD_BACK = "ct20_train", "ct20_dev"


class Pair(NamedTuple):
    """A post and the ids of the claims it makes."""

    post: str
    claims: frozenset[str]


def known_claims(data: Path) -> list[tuple[str, str, str]]:
    """Every claim as id, text and title. Raises OSError when the set is not there."""
    return [(each[0], each[1], each[2].strip()) for each in _table(data / "match" / LIBRARY)]


def pairs(data: Path, part: str) -> list[Pair]:
    """The posts of one part, each once, with their claims."""
    folder = data / "match" / part
    made: dict[str, set[str]] = {}
    for line in (folder / "tweet-vclaim-pairs.qrels").read_text(encoding="utf-8").splitlines():
        post, _, claim, _ = line.split("\t")
        made.setdefault(post, set()).add(claim)
    return [Pair(text, frozenset(made[number])) for number, text in _table(folder / "tweets.queries.tsv")]


def half_of(pair: Pair) -> int:
    """0 or 1: posts that make the same claim are always in the same half."""
    return int(min(pair.claims, key=int)) % 2


def _table(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file, delimiter="\t"))[1:]
