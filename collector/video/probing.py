"""Measures a file and finds what it is recognised by. Run as a child process by `look.probe`."""

import hashlib
import os

import numpy as np
from numpy.typing import NDArray

from collector.video.area import find_area
from collector.video.ffmpeg import GREY, Header, grey_frames, read_header
from collector.video.hashing import METHOD, SIDE, hashes
from collector.video.picking import MOST_FRAMES, changes, pick, seconds_apart
from collector.video.probed import Area, KeyFrame, Order, Probe

DENSE_PER_S = 5.0
MOST_DENSE = 1200
MOST_WHOLE = 48
SAME = 0.4  # grey levels of mean change below which a frame is the one before again
EVERYTHING = Area()


def task(file: int, order: Order) -> Probe:
    """The whole look at the file open at this descriptor. Raises VideoError."""
    header = read_header(file, order.limits)
    per_s = min(DENSE_PER_S, MOST_DENSE / max(header.duration_s or 0.0, 1.0))
    frames = grey_frames(file, header, per_s, 1 if header.is_picture else MOST_DENSE, order.limits)
    frames, at_s = _without_repeats(frames, per_s)
    area = find_area(frames)
    thumbs = _shrink(frames, area)
    chosen = pick(thumbs, at_s, seconds_apart(header.duration_s), MOST_FRAMES)
    whole = chosen[:0] if area == EVERYTHING else chosen[:: max(1, len(chosen) // MOST_WHOLE)]
    return Probe(
        sha256=_digest(file),
        size_bytes=os.fstat(file).st_size,
        kind="image" if header.is_picture else "video",
        container=header.container,
        codec=header.codec,
        width=header.width,
        height=header.height,
        duration_s=header.duration_s,
        has_sound=header.has_sound,
        method=METHOD,
        area=area,
        frames=[
            KeyFrame(round(float(moment), 3), code.tobytes())
            for moment, code in zip(at_s[chosen], hashes(thumbs[chosen]), strict=True)
        ],
        thumbs_at=[round(float(moment), 3) for moment in at_s],
        thumbs=thumbs.tobytes(),
        wholes_at=[round(float(moment), 3) for moment in at_s[whole]],
        wholes=_shrink(frames[whole], EVERYTHING).tobytes(),
        notes=_notes(header, at_s, chosen),
    )


def _without_repeats(
    frames: NDArray[np.uint8], per_s: float
) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """The frames that differ from the one before, with their moments in seconds."""
    kept = np.flatnonzero(np.concatenate([[True], changes(frames)[1:] > SAME]))
    return frames[kept], kept / per_s


def _shrink(frames: NDArray[np.uint8], area: Area) -> NDArray[np.uint8]:
    """The area of each frame as a 64 by 64 thumbnail."""
    across, down = _means(area.left, area.right), _means(area.top, area.bottom)
    parts = [np.zeros((0, SIDE, SIDE), np.uint8)]
    for begin in range(0, len(frames), 64):
        part = down @ (frames[begin : begin + 64].astype(np.float32) @ across.T)
        parts.append(part.round().clip(0, 255).astype(np.uint8))
    return np.concatenate(parts)


def _means(begin: float, end: float) -> NDArray[np.float32]:
    """The (64, 160) matrix that takes means of the pixels between two places in 0..1."""
    bounds = np.linspace(begin * GREY, end * GREY, SIDE + 1)
    pixels = np.arange(GREY)
    upto = np.clip(bounds[:, None] - pixels[None, :], 0, 1)
    return (np.diff(upto, axis=0) / np.diff(bounds)[:, None]).astype(np.float32)


def _digest(file: int) -> bytes:
    digest, offset = hashlib.sha256(), 0
    while part := os.pread(file, 1 << 20, offset):
        digest.update(part)
        offset += len(part)
    return digest.digest()


def _notes(header: Header, at_s: NDArray[np.float64], chosen: NDArray[np.intp]) -> list[str]:
    notes = []
    if not len(chosen):
        notes.append("Every frame is blank or nearly so: other copies cannot be found by its pictures")
    if header.duration_s and at_s[-1] < header.duration_s * 0.5 and len(at_s) > 1:
        notes.append(f"Pictures were found only up to second {at_s[-1]:.0f} of {header.duration_s:.0f}")
    return notes
