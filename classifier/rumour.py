"""Rumour: how a post tells what it tells, as numbers, and how likely that makes it to be unverified.

The words of one event's rumours are not those of the next; how they are told carries over: breaking, hedged, heard
from others, counted, asked or denied, and not felt, wished or argued. Posts about encounters in London and posts about
events in the news are told so differently that each has a reader of its own, and a third says how much each counts.
"""

import math
import re
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

_KINDS = {
    "breaking": "breaking developing update latest alert urgent",
    "hedged": "may might could possible possibly perhaps maybe likely appear appears apparently seem seems believed"
    " feared suspected alleged allegedly reported reportedly unconfirmed unclear rumour rumours rumor rumors"
    " supposed supposedly claim claims claimed speculation potential",
    "heard": "report reports reporting source sources according says say said told tells tell witness witnesses"
    " official officials media via confirms confirmed announces announced",
    "confirmed": "confirm confirms confirmed official officially statement announce announces announced",
    "counted": "least about around some over several multiple two three four five second third one",
    "someone": "gunman gunmen shooter suspect suspects attacker attackers man woman victim victims hostage hostages"
    " soldier officer police pilot co-pilot killer brother brothers",
    "happened": "shot killed dead died die fired wounded injured arrested identified named found crashed missing"
    " locked lockdown cancelled canceled surprise inside outside near at",
    "denied": "not no never false fake hoax debunked denies denied deny untrue wrong",
    "felt": "thoughts prayers prayer pray praying sad heart hearts heartbreaking heartbroken rip condolences love"
    " sorry tragic tragedy horrific horrible terrible shock shocked shocking safe thank thanks hope solidarity"
    " support stand tribute mourn mourning honour honor respect",
    "self": "i i'm im my me we our us you your",
    "argued": "should must why how think because people world freedom need shame racist racism religion religious"
    " always just really if but so like",
    "shown": "photo photos pic pics picture pictures video watch live image images footage stream read column"
    " editorial cartoon cartoons cartoonist cartoonists",
}
_KIND: dict[str, list[int]] = {}
for _number, _words in enumerate(_KINDS.values()):
    for _word in _words.split():
        _KIND.setdefault(_word, []).append(_number)
_NUMBER, *_REST = range(len(_KINDS), len(_KINDS) + 7)
_SIGN = dict(zip('?!:"…', _REST, strict=False)) | {"“": _REST[3], "”": _REST[3], ".": _REST[4]}
_SHOUTED = _REST[5]
_PIECE = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*|\d+|\.{3}|[?!:\"“”…]")
_ADDRESSES = re.compile(r"https?:\S*|t\.co/\S+|[@#]")
MANNERS = (
    *_KINDS,
    "number",
    "asked",
    "called",
    "colon",
    "quoted",
    "trailing",
    "shouted",
    "length",
    "capitals",
    "long",
    "shouting",
)


def manner(text: str) -> list[float]:
    """How a text tells: a number for each of MANNERS. Links and the signs before accounts and tags do not count."""
    counts = [0] * (len(_KINDS) + 7)
    words = capitals = letters = 0
    for piece in _PIECE.findall(_ADDRESSES.sub("", text)):
        first = piece[0]
        if first.isalpha():
            words += 1
            letters += len(piece)
            if first.isupper():
                capitals += 1
                counts[_SHOUTED] += len(piece) > 2 and piece.isupper()
            for kind in _KIND.get(piece.lower().replace("’", "'"), ()):
                counts[kind] += 1
        else:
            counts[_SIGN.get(first, _NUMBER)] += 1
    some = max(words, 1)
    shape = [words / 20, capitals / some, letters / some / 5, counts[_SHOUTED] / some]
    return [math.log1p(each) for each in counts] + shape


OF_THE_GATE = ("unverified", "rumour", "public_event", "news", "incident_any", "incident")
FEATURES = (*OF_THE_GATE, *MANNERS)
HERE, NEWS, WHICH = range(
    3
)  # the rows of weights: reports of encounters, events in the news, which of them it is


def features(text: str, gate: Mapping[str, float]) -> list[float]:
    """What the three readers see of a text, in the order of FEATURES; `gate` are the gate's logits."""
    return [gate[name] for name in OF_THE_GATE] + manner(text)


class Rumours:
    """How likely a post tells what is not confirmed, by how it is told and by what gate and encoder think of it."""

    def __init__(self, weights: NDArray[np.float64]) -> None:
        self.weights = weights  # three rows; the last column is added

    def __call__(self, seen: Sequence[float], encoded: tuple[float, float] | None = None) -> float:
        """The probability. `encoded`: the encoder's logits of both labels where it read the text; they count half."""
        here, news, which = (self.weights[:, :-1] @ np.asarray(seen) + self.weights[:, -1]).tolist()
        if encoded:
            here, news = (here + encoded[HERE]) / 2, (news + encoded[NEWS]) / 2
        share = _chance(which)
        return share * _chance(here) + (1 - share) * _chance(news)


def _chance(logit: float) -> float:
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, logit))))
