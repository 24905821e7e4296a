"""The encoder: a fine-tuned sentence encoder that reads again what the gate thinks may matter.

A spaCy component over an 8-bit ONNX file (onnxruntime, one thread, no network). It costs twenty times the
gate, so it reads only texts the gate does not rule out, the likeliest first, and at most `share` of a batch.
"""

import json
import math
import re
import shutil
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from onnxruntime import GraphOptimizationLevel, InferenceSession, SessionOptions, disable_telemetry_events
from spacy.language import Language
from spacy.tokens import Doc

from classifier.wordpiece import WordPieces

FILES = ("encoder.onnx", "vocabulary.txt", "encoder.json")
REMEMBERED = 20_000  # texts whose logits are kept before starting afresh, about 8 MB
ENCODED = "encoder"  # where a text's second logits are left in `doc.user_data`
_LINK = re.compile(r"https?:\S*|t\.co/\S+")
_ACCOUNT = re.compile(r"@\w+")
_EMOJI = re.compile("([\u2600-\u27bf\U0001f300-\U0001faff])\\1*")


def spelled_out(text: str) -> str:
    """A working copy as the encoder reads it: links and accounts are one word each, emoji are named."""
    text = _ACCOUNT.sub("@user", _LINK.sub("http", text))
    return text if text.isascii() else _EMOJI.sub(_named, text)


def _named(found: re.Match[str]) -> str:
    return f" {unicodedata.name(found[1], '').lower()} "


@Language.factory("goldenhour_encoder", default_config={"label": "incident_any", "worth": -3.0})
class Encoder:
    """Leaves a logit per label in `doc.user_data` for the texts it reads.

    It reads texts whose logit of `label`, as the gate left it, is at least `worth`.
    """

    def __init__(self, nlp: Language, name: str, label: str, worth: float) -> None:
        self.name, self.label, self.worth = name, label, worth
        self.vocab = nlp.vocab
        self.share = 1.0
        self.labels: tuple[str, ...] = ()

    def read(self, folder: Path) -> None:
        """Become the encoder kept in a folder. The file is mapped by onnxruntime, not held here."""
        meta = json.loads((folder / "encoder.json").read_text(encoding="utf-8"))
        self.labels, self._longest = tuple(meta["labels"]), int(meta["longest"])
        self._pieces = WordPieces.read(folder / "vocabulary.txt")
        self._read: dict[bytes, NDArray[np.float32]] = {}
        self.folder = folder
        disable_telemetry_events()
        options = SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.graph_optimization_level = GraphOptimizationLevel.ORT_ENABLE_ALL
        options.enable_cpu_mem_arena = False
        model = str(folder / "encoder.onnx")
        self._session = InferenceSession(model, options, providers=["CPUExecutionProvider"])

    def __call__(self, doc: Doc) -> Doc:
        return next(iter(self.pipe([doc])))

    def pipe(self, docs: Iterable[Doc], *, batch_size: int = 128) -> Iterator[Doc]:
        waiting = iter(docs)
        while held := list(islice(waiting, batch_size)):
            chosen = self._chosen(held)
            for doc, logits in zip(chosen, self.score([doc.text for doc in chosen]), strict=True):
                doc.user_data[ENCODED] = logits
            yield from held

    def _chosen(self, docs: Sequence[Doc]) -> list[Doc]:
        """Texts that may matter, the likeliest first, and no more than our share."""
        worth = [doc for doc in docs if doc.cats[self.label] >= self.worth]
        most = math.ceil(self.share * len(docs))
        if len(worth) > most:
            worth = sorted(worth, key=lambda doc: -doc.cats[self.label])[:most]
        return worth

    def score(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Logits, a row per text and a column per label, whatever the gate thinks.

        One text at a time: 8-bit steps are chosen per run, so company would change a text's score; and on one
        thread it is as fast as in batches. A text read before, whatever its links and accounts, is not read again.
        """
        logits = np.zeros((len(texts), len(self.labels)), np.float32)
        if len(self._read) > REMEMBERED:
            self._read.clear()
        for row, text in enumerate(texts):
            numbers = np.array([self._pieces.numbers(spelled_out(text), self._longest)], dtype=np.int64)
            key = numbers.tobytes()
            if key not in self._read:
                self._read[key] = self._run(numbers)
            logits[row] = self._read[key]
        return logits

    def _run(self, ids: NDArray[np.int64]) -> NDArray[np.float32]:
        found: list[Any] = self._session.run(None, {"ids": ids, "mask": np.ones(ids.shape, np.float32)})
        logits: NDArray[np.float32] = found[0][0]
        return logits

    def to_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> None:  # noqa: ARG002
        Path(path).mkdir(parents=True, exist_ok=True)
        for name in FILES:
            shutil.copyfile(self.folder / name, Path(path) / name)

    def from_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> Self:  # noqa: ARG002
        self.read(Path(path))
        return self
