"""Whether two files show the same footage: several frames alike, in the same order, at one steady speed.

The file asked about is the one that is bent: mirrored, its borders put back, its frame cropped or
widened, until its middle is what the other one stored as its middle. What is found by the short keys is
then measured again with whole hashes and a window moved to where it fits best.
"""

from collections.abc import Iterator, Set
from typing import NamedTuple
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from classifier.footage_index import FootageIndex, Hits
from collector.video.hashing import BITS, MIDDLE, MIRROR, SIDE, Interval, distance, hashes, windows
from collector.video.picking import pick
from collector.video.probed import Probe

NEAR_KEY = 9  # of 64 bits: unrelated keys come as near once in three thousand million pairs
ALIKE = 84  # of 256 bits; two unrelated frames differ by 128 give or take 8
SURELY_ALIKE = 44
DIFFERENT = 48  # bits between two frames of one footage that count as two pieces of evidence
WORTH_A_LOOK = 104
SEARCHED_FRAMES = 16
CANDIDATES = 12
HITS_EACH = 3
SPEEDS = np.concatenate([[1.0], np.linspace(0.8, 1.25, 19)])
SLACK_S = 0.35  # between a frame and where it should be: a sample's spacing and a little
LONG_S, SHARE = 6.0, 0.25  # of the shorter clip, that must be shared
STEP = 0.02  # of a side, by which a window is moved to fit better
CROPS = (0.025, 0.075, 0.125, 0.175)  # of a side; the grid's steps leave at most a fortieth


class Match(NamedTuple):
    """Why one file is taken to show the same footage as another.

    `frames` agree in order, `distinct` of them differ among themselves, `bits` is the median distance of
    256. `speed` is that of the file asked about against the other; `offset_s` where its start lies in
    the other. `from_s` and `until_s` bound the shared part in the file asked about. `window` is
    what its picture had to be cut to: left, right, top and bottom of the other's picture, in its own shares.
    Only a `sure` match joins a family; the others are shown to a person.
    """

    footage: UUID
    frames: int
    distinct: int
    bits: float
    mirrored: bool
    speed: float
    offset_s: float
    from_s: float
    until_s: float
    window: tuple[float, float, float, float]
    sure: bool

    @property
    def because(self) -> str:
        """The reason as a sentence for the case page."""
        left, right, top, bottom = self.window
        cropped = max(left, 1 - right, top, 1 - bottom, key=abs) if self.window else 0
        how = [
            "mirrored" if self.mirrored else "",
            "cropped, widened or framed" if abs(cropped) > 0.03 else "",
            f"at {self.speed:.0%} of its speed" if abs(self.speed - 1) > 0.02 else "",
        ]
        changed = ", ".join(word for word in how if word)
        frames = "1 frame is" if self.frames == 1 else f"{self.frames} frames in the same order are"
        return f"{frames} alike within {self.bits:.0f} of {BITS} bits" + (f" ({changed})" if changed else "")


class Asked(NamedTuple):
    """One view of a file as it is asked about: 64 by 64 thumbnails, and their moments in seconds."""

    thumbs: NDArray[np.uint8]
    at_s: NDArray[np.float64]

    @classmethod
    def of(cls, thumbs: bytes, at_s: list[float]) -> "Asked":
        return cls(np.frombuffer(thumbs, np.uint8).reshape(-1, SIDE, SIDE), np.asarray(at_s, np.float64))


class _Found(NamedTuple):
    """Keys near stored frames, with what each key was made of: frame, mirrored or not, window."""

    hits: Hits
    frame: NDArray[np.int64]
    mirrored: NDArray[np.bool_]
    across: NDArray[np.int64]
    down: NDArray[np.int64]


def same_footage(probe: Probe, index: FootageIndex) -> list[Match]:
    """The stored footage this file shows too, the most certain first; sure ones and likely ones.

    First as it is and mirrored, which finds most copies; then, if that found none, with the borders
    that were left out put back; then in a thousand windows, for those that are not found yet.
    """
    footage, whole = Asked.of(probe.thumbs, probe.thumbs_at), Asked.of(probe.wholes, probe.wholes_at)
    found = _looked_up(footage, index, np.arange(len(footage.thumbs)), (MIDDLE,))
    if len(whole.thumbs) and not any(match.sure for match in found):
        found += _looked_up(whole, index, np.arange(len(whole.thumbs)), (MIDDLE,))
    places = pick(footage.thumbs, footage.at_s, _apart(footage), SEARCHED_FRAMES)
    sure = {match.footage for match in found if match.sure}
    return _best([*found, *_looked_up(footage, index, places, WINDOWS, sure)])


def _looked_up(
    asked: Asked,
    index: FootageIndex,
    places: NDArray[np.int64],
    intervals: tuple[Interval, ...],
    known: Set[UUID] = frozenset(),
) -> list[Match]:
    return _verified(asked, index, _search(index, asked, places, intervals), known)


def _apart(asked: Asked) -> float:
    return float(asked.at_s[-1]) / SEARCHED_FRAMES + 1e-3 if len(asked.at_s) else 1.0


def _crops() -> tuple[Interval, ...]:
    """Where the other's middle may lie in this picture, along one side, when either was cropped.

    0.2..0.8 of the other is the middle. If this one lost a share on the left and on the right, that middle
    is wider here; if the other did, it is narrower.
    """
    cut = [(begin, 1 - end) for begin in CROPS for end in CROPS]
    wider = [((MIDDLE[0] - begin) / (end - begin), (MIDDLE[1] - begin) / (end - begin)) for begin, end in cut]
    narrower = [(begin + MIDDLE[0] * (end - begin), begin + MIDDLE[1] * (end - begin)) for begin, end in cut]
    return (MIDDLE, *wider, *narrower)


WINDOWS = _crops()


def _search(
    index: FootageIndex, asked: Asked, places: NDArray[np.int64], intervals: tuple[Interval, ...]
) -> _Found:
    """Stored frames near the keys of these frames, in every window, as they are and mirrored."""
    keys = windows(asked.thumbs[places], intervals, intervals, bits=64)[..., 0].ravel()
    hits = index.near(np.concatenate([keys, keys ^ MIRROR[0]]), NEAR_KEY)
    mirrored, key = hits.asked >= len(keys), hits.asked % max(len(keys), 1)
    frame, window = np.divmod(key, len(intervals) ** 2)
    down, across = np.divmod(window, len(intervals))
    return _Found(hits, places[frame], mirrored, across, down)


def _verified(asked: Asked, index: FootageIndex, found: _Found, known: Set[UUID]) -> list[Match]:
    owners = index.owner(found.hits.frame)
    matches = []
    for place in _likeliest(owners, found.hits):
        footage = index.footage(place)
        if footage is None or footage in known:
            continue
        mine = np.flatnonzero(owners == place)
        best = mine[np.argsort(found.hits.bits[mine], kind="stable")[:HITS_EACH]]
        matches += _best(list(_tried(asked, index, place, footage, found, best)))[:1]
    return matches


def _best(matches: list[Match]) -> list[Match]:
    """Each footage once, the most certain first."""
    ranked = sorted(matches, key=lambda match: (not match.sure, -match.distinct, -match.frames, match.bits))
    first: dict[UUID, Match] = {}
    for match in ranked:
        first.setdefault(match.footage, match)
    return list(first.values())


def _likeliest(owners: NDArray[np.int32], hits: Hits) -> list[int]:
    """Places of the footage that the nearest and most hits speak for."""
    if not len(owners):
        return []
    weight = np.bincount(owners, weights=np.exp2(NEAR_KEY - hits.bits.astype(np.float64)))
    order = np.argsort(-weight, kind="stable")[:CANDIDATES]
    return [int(place) for place in order if weight[place] >= 4]


class _Fit(NamedTuple):
    bits: int
    x: Interval
    y: Interval
    mirrored: bool


def _tried(
    asked: Asked, index: FootageIndex, place: int, footage: UUID, found: _Found, hits: NDArray[np.int64]
) -> Iterator[Match]:
    """What comes of laying the two beside each other as each of these hits suggests, until one is sure.

    A hit may mislead: while a camera zooms, one moment's middle is another moment's crop.
    """
    for hit in hits:
        fit = _fit(asked, index, found, hit)
        match = _align(asked, index, place, footage, fit) if fit.bits <= WORTH_A_LOOK else None
        if match is not None:
            yield match
            if match.sure:
                return


def _fit(asked: Asked, index: FootageIndex, found: _Found, hit: np.int64) -> _Fit:
    """The window near a hit's own in which its frame is nearest to the stored frame."""
    mirrored = bool(found.mirrored[hit])
    wanted = index.hash_of(int(found.hits.frame[hit])) ^ (MIRROR if mirrored else np.uint64(0))
    thumb = asked.thumbs[found.frame[hit]][None]
    return _moved(thumb, wanted, WINDOWS[found.across[hit]], WINDOWS[found.down[hit]], mirrored)


def _moved(
    thumb: NDArray[np.uint8],
    wanted: NDArray[np.uint64],
    x: Interval,
    y: Interval,
    mirrored: bool,
) -> _Fit:
    xs, ys = _around(x, STEP), _around(y, STEP)
    bits = distance(windows(thumb, xs, ys)[0], wanted)
    down, across = np.unravel_index(int(bits.argmin()), bits.shape)
    return _Fit(int(bits.min()), xs[across], ys[down], mirrored)


def _around(interval: Interval, step: float) -> list[Interval]:
    """Nine intervals: each end where it is, and a step to either side."""
    moves = (0.0, -step, step)
    return [(interval[0] + begin, interval[1] + end) for begin in moves for end in moves]


def _align(asked: Asked, index: FootageIndex, place: int, footage: UUID, fit: _Fit) -> Match | None:
    """Lay the one beside the other at the speed and offset that most frames agree on."""
    stored, stored_at = index.frames_of(place)
    mine = hashes(asked.thumbs, fit.x, fit.y) ^ (MIRROR if fit.mirrored else np.uint64(0))
    bits = np.bitwise_count(mine[:, None] ^ stored[None]).sum(axis=2, dtype=np.int64)
    here, there = np.nonzero(bits <= ALIKE)
    if not len(here):
        return None
    speed, offset = _steady(asked.at_s[here], stored_at[there].astype(np.float64), there)
    on_line = np.abs(stored_at[there] - speed * asked.at_s[here] - offset) <= SLACK_S
    here, there = here[on_line], there[on_line]
    nearest = _nearest(bits[here, there], there)
    here, there = here[nearest], there[nearest]
    median = float(np.median(bits[here, there]))
    distinct = _distinct(stored[there])
    return Match(
        footage=footage,
        frames=len(there),
        distinct=distinct,
        bits=median,
        mirrored=fit.mirrored,
        speed=speed,
        offset_s=offset,
        from_s=float(asked.at_s[here].min()),
        until_s=float(asked.at_s[here].max()),
        window=(*_outer(fit.x), *_outer(fit.y)),
        sure=_is_sure(len(there), distinct, median, max(len(asked.thumbs), len(stored)))
        and _long_enough(_span(asked.at_s[here]), _span(asked.at_s), _span(stored_at) / speed),
    )


def _is_sure(frames: int, distinct: int, median: float, most: int) -> bool:
    """Three different frames in order; two if they are nearer; more if the scene hardly moves.

    A picture, or a clip of one still scene, has one frame to show: it must then be the same but for its
    coding, and both sides must have no more to compare.
    """
    if distinct >= 3:
        return True
    if distinct == 2:
        return median <= 68
    return median <= SURELY_ALIKE and (frames >= 3 or most == 1)


def _long_enough(shared_s: float, *whole_s: float) -> bool:
    """Whether the shared part is more than the closing card two clips got from one app or one broadcaster."""
    return shared_s >= LONG_S or shared_s >= SHARE * min(whole_s)


def _span(moments: NDArray[np.floating]) -> float:
    return float(moments.max() - moments.min())


def _steady(
    here_s: NDArray[np.float64], there_s: NDArray[np.float64], there: NDArray[np.intp]
) -> tuple[float, float]:
    """The speed and offset at which the most stored frames lie where they should; the plain speed if equal."""
    best, answer = 0, (1.0, 0.0)
    for speed in SPEEDS:
        offset = there_s - speed * here_s
        slots = np.round(offset / SLACK_S).astype(np.int64)
        pairs = np.unique(np.stack([slots, there]), axis=1)
        values, counts = np.unique(pairs[0], return_counts=True)
        if counts.max() > best:
            slot = values[counts.argmax()]
            best, answer = int(counts.max()), (float(speed), float(np.median(offset[slots == slot])))
    return answer


def _nearest(bits: NDArray[np.int64], there: NDArray[np.intp]) -> NDArray[np.intp]:
    """For each stored frame the place of its nearest partner, in order of the stored frames."""
    order = np.lexsort((bits, there))
    first: NDArray[np.intp] = order[np.concatenate([[True], np.diff(there[order]) > 0])]
    return first


def _distinct(stored: NDArray[np.uint64]) -> int:
    """How many of these frames differ from all counted before them."""
    counted: list[NDArray[np.uint64]] = []
    for code in stored:
        if all(distance(code, other) > DIFFERENT for other in counted):
            counted.append(code)
    return len(counted)


def _outer(middle: Interval) -> tuple[float, float]:
    """Where the other's whole side lies, given where its middle is."""
    length = (middle[1] - middle[0]) / (MIDDLE[1] - MIDDLE[0])
    return middle[0] - MIDDLE[0] * length, middle[0] + (1 - MIDDLE[0]) * length
