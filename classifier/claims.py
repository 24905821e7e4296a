"""Claims: which known claims a post repeats, how sure that is, and why.

Each claim is compared by meaning, words, phrases and letters; a small learnt scale turns that into a probability.
It says that a post makes a claim, never whether the claim is true: people decide that, on the claim itself.
"""

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from classifier.sentences import Sentences
from classifier.wording import Letters, Shared, longest_run, stems

HERE = Path(__file__).parent / "shipped"
AT_ONCE = 64  # posts compared together
CANDIDATES = 40  # claims looked at closely for each post
NAMED = 4  # shared words given as the reason
LIKELY, PERHAPS = 0.5, 0.1  # the words said of a score
_SAME = re.compile(r"[\W_]+")

Floats = NDArray[np.float64]


class Claim(msgspec.Struct):
    """A known claim: what is claimed, and the short title people know it by, if any."""

    id: str | int
    text: str
    title: str | None = None


class Match(msgspec.Struct):
    """That a post may make a claim: the probability, 0 to 1, and what speaks for it in words.

    Against few claims the probability only ranks them; `alike`, likeness in meaning up to 1, also says how far off
    the best one is.
    """

    claim: str | int
    score: float
    because: str
    alike: float = 0.0


class Scale(NamedTuple):
    """The learnt weights, one per feature and one of its distance to the best claim, for values made standard."""

    mean: Floats
    spread: Floats
    weights: Floats
    bias: float

    @classmethod
    def read(cls, path: Path) -> "Scale":
        kept = json.loads(path.read_text(encoding="utf-8"))
        return cls(
            np.array(kept["mean"]), np.array(kept["spread"]), np.array(kept["weights"]), float(kept["bias"])
        )

    def probabilities(self, rows: Floats) -> Floats:
        logits = (rows - self.mean) / self.spread @ self.weights + self.bias
        found: Floats = 1 / (1 + np.exp(-logits))
        return found


class Claims:
    """Known claims, ready to be compared with posts. Claims that say the same stay in the order given."""

    def __init__(self, claims: Sequence[Claim], sentences: Sentences, scale: Scale) -> None:
        self._claims, self._sentences, self._scale = list(claims), sentences, scale
        first: dict[str, int] = {}
        self._same: list[list[int]] = []  # for each distinct claim, where it stands in the list
        for number, claim in enumerate(claims):
            said = _SAME.sub(" ", claim.text.lower()).strip()
            if said not in first:
                first[said] = len(self._same)
                self._same.append([])
            self._same[first[said]].append(number)
        distinct = [claims[places[0]] for places in self._same]
        self._texts = [claim.text for claim in distinct]
        self._titles = [claim.title or claim.text for claim in distinct]
        if not distinct:
            return
        both = [f"{title}. {text}" for title, text in zip(self._titles, self._texts, strict=True)]
        self._meaning = [sentences.directions(each) for each in (self._texts, both)]
        self._whole, self._text, self._title = (Shared(each) for each in (both, self._texts, self._titles))
        self._letters, self._title_letters = Letters(both), Letters(self._titles)
        self._stems = [stems(each) for each in self._texts]

    @classmethod
    def of(cls, claims: Sequence[Claim], folder: Path = HERE) -> "Claims":
        """Claims compared by the model in a folder, the one that ships unless said otherwise."""
        sentences = Sentences(
            folder / "claims" / "sentences.onnx", folder / "goldenhour_encoder" / "vocabulary.txt"
        )
        return cls(claims, sentences, Scale.read(folder / "claims" / "scale.json"))

    def nearest(self, posts: Sequence[str], top: int = 5) -> list[list[Match]]:
        """The `top` likeliest claims of each post, best first."""
        if not self._claims:
            return [[] for _ in posts]
        found: list[list[Match]] = []
        for start in range(0, len(posts), AT_ONCE):
            some = posts[start : start + AT_ONCE]
            for post, (chosen, rows) in zip(some, self.features(some), strict=True):
                found.append(self._best(post, chosen, rows, top))
        return found

    def features(self, posts: Sequence[str]) -> Iterator[tuple[NDArray[np.int64], Floats]]:
        """For each post: the distinct claims worth a close look, and a row of features for each of them."""
        meaning = self._sentences.directions(posts)
        close = [(meaning @ each.T).astype(np.float64) for each in self._meaning]
        words = []
        for shared in (self._whole, self._text, self._title):
            said = shared.post(posts)
            words += [shared.bm25(said), shared.covered(said)]
        letters = [self._letters.alike(posts), self._title_letters.alike(posts)]
        rough = close[1] + close[0] / 2 + words[0] + letters[0]
        tables = np.stack([*close, *words, *letters])
        for number, post in enumerate(posts):
            chosen = np.argsort(-rough[number], kind="stable")[:CANDIDATES]
            mine = stems(post)[:400]
            runs = np.array([longest_run(mine, self._stems[each]) for each in chosen], np.float64)
            share = runs / np.array([max(len(self._stems[each]), 1) for each in chosen])
            rows = np.column_stack([tables[:, number, chosen].T, np.log1p(runs), share])
            yield chosen, beside_the_best(rows)

    def standing(self, number: int) -> list[int]:
        """Where one of the distinct claims stands in the list given."""
        return self._same[number]

    def _best(self, post: str, chosen: NDArray[np.int64], rows: Floats, top: int) -> list[Match]:
        scores = self._scale.probabilities(rows)
        matches: list[Match] = []
        for at in np.argsort(-scores, kind="stable")[:top]:
            score, alike = round(float(scores[at]), 4), round(float(rows[at, 0]), 4)
            why = self._because(post, int(chosen[at]), float(rows[at, 0]), float(scores[at]))
            for place in self._same[chosen[at]]:
                matches.append(Match(self._claims[place].id, score, why, alike))
        return matches[:top]

    def _because(self, post: str, number: int, meaning: float, score: float) -> str:
        said = (
            "likely the same claim"
            if score >= LIKELY
            else "perhaps the same claim"
            if score >= PERHAPS
            else "unlikely"
        )
        mine = set(stems(post))
        shared = [word for word in dict.fromkeys(self._stems[number]) if word in mine]
        rarity = dict(zip(self._text.words, self._text.rarity, strict=True))
        shared.sort(key=lambda word: -rarity.get(word, 0.0))
        words = f"shares {', '.join(shared[:NAMED])}" if shared else "shares no telling word"
        return f"{said}: {words}; alike in meaning {meaning:.2f} of 1"


def beside_the_best(rows: Floats) -> Floats:
    """What each claim has, and how far each of that lies behind the best claim's."""
    return np.hstack([rows, rows - rows.max(axis=0)])


def among_themselves(rows: Floats) -> Floats:
    """The features that these claims would have without those left out."""
    return beside_the_best(rows[:, : rows.shape[1] // 2]) if len(rows) else rows
