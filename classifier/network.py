"""A network: an ONNX file that turns the numbers of a text's word pieces into other numbers, on one thread, offline."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnxruntime import GraphOptimizationLevel, InferenceSession, SessionOptions, disable_telemetry_events

Floats = NDArray[np.float32]
Numbers = NDArray[np.int64]

REMEMBERED = 20_000  # texts whose numbers are kept before starting afresh, about 8 MB


def opened(path: Path) -> InferenceSession:
    """An ONNX file, mapped by onnxruntime and run on one thread."""
    disable_telemetry_events()
    options = SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.graph_optimization_level = GraphOptimizationLevel.ORT_ENABLE_ALL
    options.enable_cpu_mem_arena = False
    return InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


class Network:
    """Mapped by onnxruntime, not held here.

    One text at a time: 8-bit steps are chosen per run, so company would change a text's score; and on one thread it
    is as fast as in batches. A text read before, whatever its links and accounts, is not read again.
    """

    def __init__(self, path: Path, *, remembered: int = REMEMBERED) -> None:
        self._session = opened(path)
        self._remembered = remembered
        self._read: dict[bytes, Floats] = {}

    def __call__(self, ids: Numbers) -> Floats:
        key = ids.tobytes()
        if (found := self._read.get(key)) is None:
            if len(self._read) > self._remembered:
                self._read.clear()
            found = self._read[key] = self._run(ids)
        return found

    def _run(self, ids: Numbers) -> Floats:
        found: list[Any] = self._session.run(None, {"ids": ids, "mask": np.ones(ids.shape, np.float32)})
        answer: Floats = found[0][0]
        return answer
