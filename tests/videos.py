"""Small videos and pictures for tests, made with the bundled ffmpeg; and files that only pretend to be."""

import struct
import zlib
from pathlib import Path

from config.benches.scenes import Scene, encode, frames, write


def make_video(
    path: Path, seed: int = 1, kind: str = "handheld", seconds: float = 6.0, **given: bool
) -> Path:
    """A clip of one generated scene; the same seed and kind make the same clip."""
    return write(path, frames(Scene(seed, kind, seconds, **given)))


def changed(source: Path, filters: str) -> Path:
    """The same clip after ffmpeg filters, encoded again."""
    target = source.with_name(f"{source.stem}-changed.mp4")
    small = ["-c:v", "libx264", "-preset", "ultrafast", "-crf", "30"]
    encode("-i", str(source), "-vf", filters, *small, str(target))
    return target


def huge_png(path: Path, width: int = 50_000, height: int = 50_000) -> Path:
    """A picture of a few hundred bytes that says it is two and a half thousand million pixels."""
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    parts = [(b"IHDR", head), (b"IDAT", zlib.compress(b"\0" * 100_000)), (b"IEND", b"")]
    body = b"".join(
        struct.pack(">I", len(held)) + name + held + struct.pack(">I", zlib.crc32(name + held))
        for name, held in parts
    )
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + body)
    return path


def no_ffmpeg() -> str:
    """What the library does where no wheel brings ffmpeg."""
    raise RuntimeError("no ffmpeg here")
