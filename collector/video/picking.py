"""Chooses the frames a video is remembered by: in each stretch the stillest, and never a blank one.

The stillest frame is sharp, and its neighbours look like it: another copy, sampled at other moments,
holds a frame close to it. A stretch ends after some seconds, and where the picture cuts.
"""

import numpy as np
from numpy.typing import NDArray

from collector.video.hashing import contrast

MOST_FRAMES = 120
BLANK = 2.5  # grey levels of contrast; a street at night has 5, a lens that is covered 1
CUT = 18.0  # grey levels of mean change between neighbours, at least, to be a cut


def seconds_apart(duration_s: float | None) -> float:
    """One frame every two seconds; closer in short clips, wider where 120 would not do."""
    length = duration_s or 0.0
    return max(min(2.0, max(0.5, length / 20)), length / MOST_FRAMES)


def pick(thumbs: NDArray[np.uint8], at_s: NDArray[np.float64], apart_s: float, most: int) -> NDArray[np.intp]:
    """Places of the chosen frames, in order of time; empty when all are blank."""
    if not len(thumbs):
        return np.zeros(0, dtype=np.intp)
    change = changes(thumbs)
    unrest = change + np.append(change[1:], change[-1])
    unrest[contrast(thumbs) < BLANK] = np.inf
    chosen = [stretch[np.argmin(unrest[stretch])] for stretch in _stretches(change, at_s, apart_s)]
    good = np.array([place for place in chosen if np.isfinite(unrest[place])], dtype=np.intp)
    if len(good) <= most:
        return good
    spread: NDArray[np.intp] = good[np.linspace(0, len(good) - 1, most).astype(int)]
    return spread


def changes(thumbs: NDArray[np.uint8]) -> NDArray[np.float64]:
    """How much each thumbnail differs from the one before, in mean grey levels; 0 for the first."""
    halved = thumbs[:, ::2, ::2].astype(np.int16)
    steps = np.abs(np.diff(halved, axis=0)).mean(axis=(1, 2))
    return np.concatenate([[0.0], steps])


def _stretches(
    change: NDArray[np.float64], at_s: NDArray[np.float64], apart_s: float
) -> list[NDArray[np.intp]]:
    cut = change > max(CUT, 4 * float(np.median(change)))
    shot = np.cumsum(cut)
    begin = np.array([at_s[np.argmax(shot == each)] for each in range(int(shot[-1]) + 1)])
    part = ((at_s - begin[shot]) / apart_s).astype(int)
    turns = np.flatnonzero(np.diff(shot) | np.diff(part)) + 1
    return np.split(np.arange(len(change)), turns)
