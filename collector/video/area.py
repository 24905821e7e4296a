"""Finds the part of the picture that is footage: black bars, caption bars and blurred sides are left out.

A border is believed only where it ends in one straight line through all frames. Plain bars are of one
grey; caption bars stand still while the middle moves; blurred sides (a phone's upright video in a wide
frame) come in equal pairs and hold no detail.
"""

import numpy as np
from numpy.typing import NDArray

from collector.video.probed import Area

LEAST_LEFT = 0.25  # of the side: what is narrower is no footage
PLAIN, STILL = 7.0, 2.5  # grey levels: spread within a line of a bar; change over time of a caption bar
EDGE = 6.0  # grey levels of a step worth the name
BLURRED = 0.3  # detail of blurred sides, against the middle's
RISE = 2.5  # times as much detail, from one line to the next
SAMPLES = 48


def find_area(frames: NDArray[np.uint8]) -> Area:
    """The area of footage in (frames, side, side) grey pictures; everything when no border is sure."""
    some = frames[np.unique(np.linspace(0, len(frames) - 1, SAMPLES).astype(int))].astype(np.float32)
    top, bottom = _borders(some)
    left, right = _borders(some[:, top:bottom].transpose(0, 2, 1))
    side = frames.shape[1]
    return Area(left / side, right / side, top / side, bottom / side)


def _borders(frames: NDArray[np.float32]) -> tuple[int, int]:
    """The first line of footage and the one after the last, along axis 1."""
    lines = frames.shape[1]
    low, high = _flat(frames), lines - _flat(frames[:, ::-1])
    if high - low < lines * LEAST_LEFT:
        return 0, lines
    soft = _blurred(frames[:, low:high])
    return low + soft, high - soft


def _flat(frames: NDArray[np.float32]) -> int:
    """How many lines from the first on are plain or stand still, up to a straight edge; 0 when unsure."""
    spread = np.percentile(frames.std(axis=2), 90, axis=0)
    plain = spread < min(PLAIN, max(2.0, 0.2 * float(np.median(spread))))
    still = np.percentile(frames.std(axis=0), 90, axis=1) < STILL
    middle = frames[:, frames.shape[1] // 3 : -(frames.shape[1] // 3)]
    moves = len(frames) > 3 and np.median(middle.std(axis=0)) > 3 * STILL
    bar = plain | still if moves else plain
    width = int(np.argmin(bar)) if not bar.all() else 0
    if not width:
        return 0
    return width + 1 if _step(frames, width) > EDGE else 0


def _blurred(frames: NDArray[np.float32]) -> int:
    """The width of two equal sides without detail; 0 when there are none."""
    lines = frames.shape[1]
    along = frames[:, :, 2:] - 2 * frames[:, :, 1:-1] + frames[:, :, :-2]
    detail = np.abs(along).mean(axis=(0, 2))
    middle = np.median(detail[lines * 3 // 8 : lines * 5 // 8])
    sharp = np.flatnonzero(detail > BLURRED * middle)
    if middle < 0.5 or not len(sharp):
        return 0
    low, high = int(sharp[0]), lines - 1 - int(sharp[-1])
    if min(low, high) < lines * 0.06 or abs(low - high) > lines * 0.03:
        return 0
    width = max(low, high) + 1
    sudden = _rises(detail, low) and _rises(detail[::-1], high)
    return width if sudden and lines - 2 * width >= lines * LEAST_LEFT else 0


def _rises(detail: NDArray[np.float32], place: int) -> bool:
    """Whether detail begins from one line to the next, as it does where a sharp picture was laid over."""
    inside, outside = detail[place + 1 : place + 4], detail[place - 6 : place - 2]
    return float(inside.mean()) > RISE * float(outside.mean())


def _step(frames: NDArray[np.float32], place: int) -> float:
    """The grey levels the picture changes by, across the lines about a place, in most frames."""
    near = frames[:, max(place - 2, 0) : place + 2]
    return float(np.percentile(np.abs(np.diff(near, axis=1)).mean(axis=2).max(axis=1), 75))
