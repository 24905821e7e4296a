"""Footage: how many changed re-uploads are found among 100,000 stored frames, how fast, and how many wrongly.

Clips are generated, encoded, changed as platforms and people change them, encoded again, and go through
the product's own path: the probe in its child process, then the lookup. The rest of the index is filled
with frames of generated scenes. The reference is the usual one: a 64-bit DCT hash (32 by 32 means, median of
the lowest 8 by 8) of the same frames, each compared with every stored one, found when one is within 10 bits.
"""

import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID, uuid4

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track

from classifier.footage_index import FootageIndex
from classifier.footage_match import Match, same_footage
from collector.video.hashing import MIDDLE, SIDE, windows
from collector.video.look import probe
from collector.video.probed import Probe
from config.benches.goals import at_least, at_most, report
from config.benches.reuploads import changes, reupload
from config.benches.scenes import KINDS, Scene, frames, texture, write
from config.settings import Settings

FRAMES_EACH = 40
REFERENCE_BITS = 10
REFERENCE_LOOKUPS = 40


class _Found(NamedTuple):
    """What one lookup said: the change that was made, or None for footage nobody has; its own original."""

    change: str | None
    original: UUID | None
    matches: list[Match]
    wall_s: float
    cpu_s: float


def run(settings: Settings, videos: int = 24, stored: int = 100_000, seed: int = 1) -> dict[str, Any]:  # noqa: ARG001
    """Recall per change, false joins over unrelated pairs, lookup times, and the reference's own."""
    rng = np.random.default_rng(seed)
    index, reference = FootageIndex(), _Reference()
    with tempfile.TemporaryDirectory(prefix="goldenhour-bench-") as folder:
        copies = list(_copies(Path(folder), videos, seed, rng, index, reference))
        _fill(index, reference, stored, rng)
        index.settle()
        found = [_look(change, original, probed, index) for change, original, probed in copies]
        usual = [reference.look(probed) for _, _, probed in copies[:REFERENCE_LOOKUPS]]
    figures = _figures(found, usual, copies, videos, len(index) // FRAMES_EACH)
    goals = [
        at_most("family lookup, p99", 50, figures["lookup_ms_p99"], "ms"),
        at_least("stored frames", 100_000, len(index), "frames"),
        at_least("changed re-uploads found", 0.95, figures["recall"], "of them"),
        at_most(
            "unrelated videos joined",
            1,
            figures["false_joins_per_1000_video_pairs"],
            "in 1,000 pairs of clips",
        ),
    ]
    return report("video", goals, videos=videos, stored_frames=len(index), **figures)


def _copies(
    folder: Path,
    videos: int,
    seed: int,
    rng: np.random.Generator,
    index: FootageIndex,
    reference: "_Reference",
) -> Iterator[tuple[str | None, UUID | None, Probe]]:
    """Every changed copy, probed, with the id of its original; and as many clips of which nothing is stored."""
    steps = []
    for number in range(2 * videos):
        scene = Scene(1000 * seed + number, KINDS[number // 2 % len(KINDS)], upright=number % 5 == 4)
        steps.append((scene, uuid4() if number % 2 == 0 else None))
    for number, (scene, original) in enumerate(_progress(steps)):
        made = write(folder / f"{number}.mp4", frames(scene))
        probed = probe(made)
        if original is None:
            yield None, None, probed
            continue
        index.add(original, _hashes(probed), np.array([frame.at_s for frame in probed.frames], np.float32))
        reference.add(original, probed)
        for change, options in changes(rng, upright=scene.upright).items():
            copy = reupload(made, folder / "copy.mp4", options)
            yield change, original, probe(copy)


def _hashes(probed: Probe) -> NDArray[np.uint64]:
    return np.frombuffer(b"".join(frame.hash for frame in probed.frames), np.uint64).reshape(-1, 4)


def _fill(index: FootageIndex, reference: "_Reference", stored: int, rng: np.random.Generator) -> None:
    """Frames of scenes that were never encoded: a slow pan over noise, forty frames each."""
    at_s = np.arange(FRAMES_EACH, dtype=np.float32) * 2
    while len(index) < stored:
        scene = texture(rng, SIDE).clip(0, 255).astype(np.uint8)[None]
        pan = [(0.4 * step / FRAMES_EACH, 0.4 * step / FRAMES_EACH + 0.6) for step in range(FRAMES_EACH)]
        index.add(uuid4(), windows(scene, pan, [MIDDLE])[0, 0], at_s)
    reference.fill(len(index), rng)


def _look(change: str | None, original: UUID | None, probed: Probe, index: FootageIndex) -> _Found:
    wall, cpu = time.perf_counter(), time.thread_time()
    matches = same_footage(probed, index)
    return _Found(change, original, matches, time.perf_counter() - wall, time.thread_time() - cpu)


def _figures(
    found: Sequence[_Found],
    usual: Sequence[tuple[set[UUID], float]],
    copies: Sequence[tuple[str | None, UUID | None, Probe]],
    videos: int,
    footage: int,
) -> dict[str, Any]:
    by_change: dict[str, list[bool]] = defaultdict(list)
    false = 0
    for each in found:
        joined = {match.footage for match in each.matches if match.sure}
        false += len(joined - {each.original})
        if each.change is not None:
            by_change[each.change].append(each.original in joined)
    hits = [hit for change in by_change.values() for hit in change]
    wall, cpu = (np.array([getattr(each, name) for each in found]) * 1e3 for name in ("wall_s", "cpu_s"))
    alone = np.array([each.wall_s for each in found if each.change is None]) * 1e3
    usual_hits = [
        original in joined
        for (joined, _), (change, original, _) in zip(usual, copies, strict=False)
        if change is not None
    ]
    usual_ms = float(np.median([seconds for _, seconds in usual])) * 1e3
    return {
        "reuploads": len(hits),
        "recall": round(float(np.mean(hits)), 4),
        "recall_by_change": {name: round(float(np.mean(each)), 3) for name, each in by_change.items()},
        "false_joins": false,
        "unrelated_video_pairs": len(found) * (videos - 1),
        "unrelated_pairs": len(found) * (footage - 1),
        "false_joins_per_1000_video_pairs": round(1000 * false / (len(found) * max(videos - 1, 1)), 4),
        "lookup_ms_p50": round(float(np.percentile(wall, 50)), 1),
        "lookup_ms_p99": round(float(np.percentile(wall, 99)), 1),
        "lookup_cpu_ms_p99": round(float(np.percentile(cpu, 99)), 1),
        "lookup_ms_p50_of_new_footage": round(float(np.median(alone)), 1),
        "reference": "64-bit DCT hash, every frame against every stored one, within 10 bits",
        "reference_reuploads": len(usual_hits),
        "reference_recall": round(float(np.mean(usual_hits)), 4),
        "reference_ms_p50": round(usual_ms, 1),
        "ratio": round(usual_ms / float(np.percentile(wall, 50)), 2),
    }


class _Reference:
    """The usual way: one 64-bit hash a frame, and a loop over all that are stored."""

    def __init__(self) -> None:
        self._stored: list[tuple[int, UUID]] = []

    def add(self, footage: UUID, probed: Probe) -> None:
        self._stored += [(code, footage) for code in _usual_hashes(probed)]

    def fill(self, stored: int, rng: np.random.Generator) -> None:
        for code in rng.integers(0, 2**64, max(0, stored - len(self._stored)), dtype=np.uint64).tolist():
            self._stored.append((code, UUID(int=code)))

    def look(self, probed: Probe) -> tuple[set[UUID], float]:
        """All footage with one frame near one of these, and the seconds it took."""
        begun = time.perf_counter()
        found = {
            footage
            for code in _usual_hashes(probed)
            for other, footage in self._stored
            if (code ^ other).bit_count() <= REFERENCE_BITS
        }
        return found, time.perf_counter() - begun


def _usual_hashes(probed: Probe) -> list[int]:
    """The 64-bit hash of each kept frame, of the whole picture as it was published."""
    thumbs, at_s = (probed.wholes, probed.wholes_at) if probed.wholes else (probed.thumbs, probed.thumbs_at)
    kept = np.isin(at_s, [frame.at_s for frame in probed.frames])
    small = np.frombuffer(thumbs, np.uint8).reshape(-1, SIDE // 2, 2, SIDE // 2, 2)[kept].mean(axis=(2, 4))
    place = np.arange(SIDE // 2)
    cosines = np.cos(np.pi / (SIDE // 2) * np.outer(np.arange(8), place + 0.5))
    low = (cosines @ small @ cosines.T).reshape(-1, 64)
    signs = np.packbits(low > np.median(low, axis=1, keepdims=True), axis=1)
    return [int.from_bytes(each.tobytes(), "big") for each in signs]


def _progress(steps: list[Any]) -> Iterator[Any]:
    """A bar on stderr for a person, a line now and then for a log."""
    if sys.stderr.isatty():
        yield from track(steps, "Making and changing clips", console=Console(stderr=True))
        return
    for number, step in enumerate(steps):
        if number % 8 == 0:
            print(f"clip {number} of {len(steps)}", file=sys.stderr)
        yield step
