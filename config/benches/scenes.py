"""Makes moving scenes out of numbers: streets of noise, people of ellipses, hands that shake. Nothing is real.

The textures fall off as natural pictures do (amplitude about 1/frequency), so hashes of them behave as
hashes of photographs do.
"""

import subprocess
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from collector.video.ffmpeg import program

WIDTH, HEIGHT, PER_S = 320, 180, 12
KINDS = ("handheld", "pan", "zoom", "tripod", "night", "cuts", "crowd", "drive")


class Scene(NamedTuple):
    """A clip to be made: the same seed and kind make the same clip. `upright` is a telephone held so."""

    seed: int
    kind: str
    seconds: float = 10.0
    upright: bool = False

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return (HEIGHT, WIDTH) if self.upright else (WIDTH, HEIGHT)


def frames(scene: Scene) -> NDArray[np.uint8]:
    """The clip as (frames, height, width) grey pictures, 12 a second."""
    rng = np.random.default_rng([scene.seed, KINDS.index(scene.kind)])
    count = round(scene.seconds * PER_S)
    shots = 4 if scene.kind == "cuts" else 1
    parts = [_shot(scene, rng, len(part)) for part in np.array_split(np.arange(count), shots)]
    return np.concatenate(parts)


def write(path: Path, pictures: NDArray[np.uint8], *options: str, per_s: float = PER_S) -> Path:
    """Encode grey pictures as a video; `options` go to ffmpeg before the path."""
    _, height, width = pictures.shape
    source = [
        "-f",
        "rawvideo",
        "-pix_fmt",
        "gray",
        "-s",
        f"{width}x{height}",
        "-r",
        f"{per_s:g}",
        "-i",
        "pipe:0",
    ]
    encode(*source, "-pix_fmt", "yuv420p", *(options or QUICK), str(path), given=pictures.tobytes())
    return path


QUICK = ("-c:v", "libx264", "-preset", "ultrafast", "-crf", "23")


def encode(*arguments: str, given: bytes = b"") -> None:
    """Run the bundled ffmpeg on files of our own. Raises CalledProcessError, or ToolMissing."""
    base = [program(), "-loglevel", "error", "-y", "-threads", "1"]
    subprocess.run([*base, *arguments], input=given, check=True, capture_output=True)


def texture(rng: np.random.Generator, side: int, steep: float = 1.2) -> NDArray[np.float32]:
    """A square of noise whose amplitude falls with frequency, in grey levels about 128."""
    place = np.fft.fftfreq(side)
    far = np.hypot(place[:, None], place[None, : side // 2 + 1])
    far[0, 0] = 1
    waves = np.fft.rfft2(rng.standard_normal((side, side))) / far**steep
    waves[0, 0] = 0
    grey = np.fft.irfft2(waves, s=(side, side))
    levels: NDArray[np.float32] = (128 + 45 * grey / grey.std()).astype(np.float32)
    return levels


def _world(rng: np.random.Generator, side: int) -> NDArray[np.float32]:
    """A place: ground, and buildings with rows of windows."""
    world = texture(rng, side)
    for _ in range(rng.integers(6, 16)):
        x, y = rng.integers(0, side, 2)
        wide, high = rng.integers(side // 16, side // 4, 2)
        face = world[y : y + high, x : x + wide]
        face *= 0.35
        face += rng.uniform(10, 200)
        step = int(rng.integers(6, 20))
        face[::step, ::2] += rng.uniform(-60, 60)
    return world


def _shot(scene: Scene, rng: np.random.Generator, count: int) -> NDArray[np.uint8]:
    width, height = scene.size
    world = _world(rng, 768)
    centre, zoom = _camera(scene.kind, rng, count)
    people = _people(scene.kind, rng)
    grid_y, grid_x = np.mgrid[0:height, 0:width]
    pictures = np.empty((count, height, width), np.uint8)
    for number in range(count):
        x = (centre[number, 0] + (grid_x - width / 2) * zoom[number]) % 767
        y = (centre[number, 1] + (grid_y - height / 2) * zoom[number]) % 767
        seen = world[y.astype(np.int32), x.astype(np.int32)]
        for one in people:
            _stand(seen, one, number / PER_S)
        if scene.kind == "night":
            seen = 12 + seen * 0.22
        pictures[number] = (seen + rng.normal(0, 2, seen.shape)).clip(0, 255)
    return pictures


def _camera(
    kind: str, rng: np.random.Generator, count: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Where the camera looks, and how wide, frame by frame."""
    start = rng.uniform(200, 560, 2)
    shake = {"tripod": 0.0, "handheld": 2.2, "crowd": 1.5}.get(kind, 0.6)
    path = start + np.cumsum(rng.normal(0, shake, (count, 2)), axis=0)
    drift = {"pan": (1.6, 0.1), "drive": (3.5, 0.4)}.get(kind, (0.0, 0.0))
    path += np.outer(np.arange(count), np.array(drift) * rng.choice([-1, 1]))
    zoom = np.full(count, rng.uniform(0.8, 1.3))
    if kind == "zoom":
        zoom *= np.linspace(1, rng.uniform(0.45, 0.65), count)
    return path, zoom


def _people(kind: str, rng: np.random.Generator) -> list[NDArray[np.float64]]:
    """For each person: x, y, width, height (shares of the picture), speed in x and y a second, grey."""
    count = int(rng.integers(12, 20)) if kind == "crowd" else int(rng.integers(2, 7))
    return [
        np.array(
            [
                *rng.uniform(0, 1, 2),
                *(rng.uniform(0.03, 0.12), rng.uniform(0.15, 0.5)),
                *rng.normal(0, 0.08, 2),
                rng.uniform(0, 255),
            ]
        )
        for _ in range(count)
    ]


def _stand(seen: NDArray[np.float32], one: NDArray[np.float64], at_s: float) -> None:
    height, width = seen.shape
    x, y = (one[0] + one[4] * at_s) % 1.0 * width, (one[1] + one[5] * at_s) % 1.0 * height
    half_w, half_h = one[2] * width / 2, one[3] * height / 2
    left, right = int(max(x - half_w, 0)), int(min(x + half_w, width))
    top, bottom = int(max(y - half_h, 0)), int(min(y + half_h, height))
    part = seen[top:bottom, left:right]
    if part.size:
        across = (np.arange(left, right) - x) / half_w
        down = (np.arange(top, bottom) - y) / half_h
        body = across[None] ** 2 + down[:, None] ** 2 < 1
        part[body] = one[6] + 0.2 * (part[body] - 128)
