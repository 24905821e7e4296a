"""What happens to a clip on its way from one platform to the next, as ffmpeg does it."""

from pathlib import Path

import numpy as np

from config.benches.scenes import encode

EVEN = "scale=trunc(iw/2)*2:trunc(ih/2)*2"
SQUARE = "max(iw\\,ih)"
BAR = "drawbox=x=iw*0.08:y=ih*0.86:w=iw*0.84:h=ih*0.1:color=black@0.85:t=fill"


def changes(rng: np.random.Generator, *, upright: bool) -> dict[str, list[str]]:
    """Every kind of re-upload, with its own chance values: ffmpeg options between input and output."""
    left, right, top, bottom = rng.uniform(0, 0.2, 4)
    off = f"crop=iw*{1 - left - right:.3f}:ih*{1 - top - bottom:.3f}:iw*{left:.3f}:ih*{top:.3f},{EVEN}"
    small = rng.uniform(0.4, 0.7)
    quicker = rng.uniform(0.9, 1.1)
    begin = rng.uniform(1, 4)
    return {
        "re-encoded hard": ["-crf", "38"],
        "scaled down": ["-vf", f"scale=trunc(iw*{small:.2f}/2)*2:-2", "-crf", "30"],
        "another codec": ["-c:v", "mpeg4", "-q:v", "9"],
        "cropped 20% each side": ["-vf", f"crop=iw*0.6:ih*0.6,{EVEN}", "-crf", "30"],
        "cropped at chance": ["-vf", off, "-crf", "30"],
        "mirrored": ["-vf", "hflip", "-crf", "30"],
        "mirrored and cropped": ["-vf", f"{off},hflip", "-crf", "30"],
        "subtitled": ["-vf", subtitles(rng), "-crf", "30"],
        "caption bar on top": ["-vf", f"pad=iw:ih*1.3:0:ih*0.3:white,{words(rng)}", "-crf", "30"],
        "bars of black": ["-vf", f"pad={SQUARE}:{SQUARE}:(ow-iw)/2:(oh-ih)/2:black", "-crf", "30"],
        "blurred sides": ["-filter_complex", on_blur(upright), "-crf", "30"],
        "faster or slower": ["-vf", f"setpts=PTS/{quicker:.3f}", "-crf", "30"],
        "trimmed to a part": ["-ss", f"{begin:.2f}", "-t", "4", "-crf", "30"],
        "brighter, other contrast": ["-vf", "eq=brightness=0.08:contrast=1.25", "-crf", "30"],
        "all at once": [
            *("-ss", f"{begin:.2f}", "-t", "5", "-crf", "34"),
            *("-vf", f"crop=iw*0.85:ih*0.85,hflip,{subtitles(rng)},setpts=PTS/{quicker:.3f},scale=240:-2"),
        ],
    }


def on_blur(upright: bool) -> str:
    """The clip fitted into a frame of the other shape, over a large blurred copy of itself."""
    width, height, fitted = (426, 240, "-2:240") if upright else (240, 426, "240:-2")
    return (
        f"[0:v]split[a][b];[a]scale={width}:{height}:force_original_aspect_ratio=increase,"
        f"crop={width}:{height},gblur=sigma=14[back];"
        f"[b]scale={fitted}[front];[back][front]overlay=(W-w)/2:(H-h)/2"
    )


def subtitles(rng: np.random.Generator) -> str:
    """A dark band near the lower edge with light words of chance lengths, changing every two seconds."""
    lines = [BAR]
    for second in range(0, 12, 2):
        x = 0.1
        for _ in range(6):
            wide = rng.uniform(0.04, 0.14)
            lines.append(
                f"drawbox=x=iw*{x:.3f}:y=ih*0.885:w=iw*{wide:.3f}:h=ih*0.05:color=white:t=fill"
                f":enable='between(t,{second},{second + 2})'"
            )
            x += wide + 0.02
    return ",".join(lines)


def words(rng: np.random.Generator) -> str:
    """Dark words in the bar above the picture."""
    boxes = []
    for y in (0.05, 0.13):
        x = 0.06
        while x < 0.85:
            wide = rng.uniform(0.05, 0.16)
            boxes.append(f"drawbox=x=iw*{x:.3f}:y=ih*{y}:w=iw*{wide:.3f}:h=ih*0.045:color=black:t=fill")
            x += wide + 0.03
    return ",".join(boxes)


def reupload(source: Path, target: Path, options: list[str]) -> Path:
    """The changed copy of a clip. Raises CalledProcessError."""
    encode("-i", str(source), "-an", "-c:v", "libx264", "-preset", "ultrafast", *options, str(target))
    return target
