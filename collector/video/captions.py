"""Reads the words burnt into a picture, with the models that come inside the `rapidocr` wheel."""

from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

from collector.video.ffmpeg import picture, read_header
from collector.video.probed import Captions, Order

INSTALLED = find_spec("rapidocr") is not None and find_spec("onnxruntime") is not None
if INSTALLED:
    from rapidocr import RapidOCR

WIDTH = 960
MOST_PICTURES = 6
SURE = 0.7
LONGEST_LINE, MOST_LINES = 300, 200


def task(file: int, order: Order) -> Captions:
    """The lines of up to six frames, each once, in the order first seen. An empty list may mean none was there."""
    if not INSTALLED:
        return Captions([], "Captions in the picture were not read: pip install 'goldenhour[captions]'")
    header = read_header(file, order.limits)
    reader = RapidOCR(params={"Global.log_level": "critical"})
    width = min(WIDTH, header.width - header.width % 2 or 2)
    lines: dict[str, str] = {}
    for moment in _spread(order.moments):
        shown = picture(file, moment, width, order.limits)
        if shown is not None:
            lines |= {"".join(line.lower().split()): line for line in _lines(reader, shown)}
    return Captions(list(lines.values())[:MOST_LINES])


def _lines(reader: Any, shown: NDArray[np.uint8]) -> list[str]:
    found = reader(shown)
    pairs = zip(found.txts or (), found.scores or (), strict=True)
    return [text.strip()[:LONGEST_LINE] for text, score in pairs if score >= SURE and text.strip()]


def _spread(moments: list[float]) -> list[float]:
    if len(moments) <= MOST_PICTURES:
        return moments
    return [moments[round(step * (len(moments) - 1) / (MOST_PICTURES - 1))] for step in range(MOST_PICTURES)]
