"""The frame hash: 256 signs of a frame's cosine transform, of the middle part that survives cropping.

A hash is taken of a window of a frame, by default of the middle 60% each way: a copy cropped by up to a
fifth on each side, or with a caption bar laid over its edge, still holds all of it. Cosines are integrated
over the window exactly, so a window need not begin at a pixel, and thousands of windows of one frame
cost two matrix products. Signs alone are kept, which brightness and contrast do not change, and a
mirrored frame changes only the odd horizontal ones: its hash is the same bits against a fixed mask.
Lowest frequencies come first; they bear most, so the first 64 bits serve as the key of the index.
(The sign-only transform follows Ito and Kiya 2007, the 256 bits are PDQ's size; Facebook, 2019.)
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

METHOD = "dct-sign-256/1"
SIDE = 64  # thumbnails are SIDE by SIDE, whatever the shape of the picture
BITS = 256
WORDS = BITS // 64
MIDDLE = (0.2, 0.8)

Interval = tuple[float, float]

_ORDERS = 19  # the 256 lowest of 19 x 19 frequencies fill a quarter disc
_ky, _kx = np.divmod(np.arange(_ORDERS * _ORDERS), _ORDERS)
_lowest = np.argsort(np.hypot(_ky, _kx) + 1e-6 * (_ky + 2 * _kx), kind="stable")[1 : BITS + 1]
_KY, _KX = _ky[_lowest], _kx[_lowest]


def _pack(signs: NDArray[np.bool_]) -> NDArray[np.uint64]:
    """Bits along the last axis to 64-bit words, first bit lowest."""
    return np.ascontiguousarray(np.packbits(signs, axis=-1, bitorder="little")).view(np.uint64)


MIRROR: NDArray[np.uint64] = _pack(_KX % 2 == 1)


def hashes(thumbs: NDArray[np.uint8], x: Interval = MIDDLE, y: Interval = MIDDLE) -> NDArray[np.uint64]:
    """One hash for each thumbnail, of one window: (frames, 64, 64) to (frames, 4)."""
    return windows(thumbs, [x], [y])[:, 0, 0]


def windows(
    thumbs: NDArray[np.uint8], xs: Sequence[Interval], ys: Sequence[Interval], bits: int = BITS
) -> NDArray[np.uint64]:
    """The hashes of every window made of one of `xs` and one of `ys`: (frames, ys, xs, bits / 64).

    Intervals are in 0..1 of the thumbnail's side and at least a tenth long.
    """
    orders = int(max(_KX[:bits].max(), _KY[:bits].max())) + 1
    across = _cosines(xs, orders).reshape(-1, SIDE)
    down = _cosines(ys, orders).reshape(-1, SIDE)
    transformed = down @ (thumbs.astype(np.float32) @ across.T)
    shaped = transformed.reshape(len(thumbs), len(ys), orders, len(xs), orders).transpose(0, 1, 3, 2, 4)
    return _pack(shaped[..., _KY[:bits], _KX[:bits]] > 0)


def distance(one: NDArray[np.uint64], other: NDArray[np.uint64]) -> NDArray[np.int64]:
    """How many bits differ, along the last axis; unrelated frames lie near half of all bits."""
    bits: NDArray[np.int64] = np.bitwise_count(one ^ other).sum(axis=-1, dtype=np.int64)
    return bits


def contrast(thumbs: NDArray[np.uint8]) -> NDArray[np.float64]:
    """The standard deviation of each thumbnail's middle, in grey levels: near 0 is a blank frame."""
    low, high = round(MIDDLE[0] * SIDE), round(MIDDLE[1] * SIDE)
    spread: NDArray[np.float64] = thumbs[:, low:high, low:high].std(axis=(1, 2), dtype=np.float64)
    return spread


def _cosines(intervals: Sequence[Interval], orders: int) -> NDArray[np.float32]:
    """The integral over each pixel of cos(pi k u), where u runs 0..1 over the interval."""
    bounds = np.asarray(intervals, dtype=np.float64)
    begin, end = bounds[:, 0, None, None], bounds[:, 1, None, None]
    place = np.clip((np.arange(SIDE + 1) / SIDE - begin) / (end - begin), 0, 1)
    order = np.arange(orders)[None, :, None]
    integral = np.where(order == 0, place, np.sin(np.pi * order * place) / np.maximum(np.pi * order, 1e-9))
    return np.diff(integral, axis=2).astype(np.float32)
