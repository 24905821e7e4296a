"""The encoder: a fine-tuned sentence encoder that reads again what the gate thinks may matter.

A spaCy component over an 8-bit ONNX file (onnxruntime, one thread, no network). It costs twenty times the
gate, so it reads only texts the gate does not rule out, the likeliest first, and at most `share` of a batch.
"""

import json
import math
import re
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

AT_ONCE = 16  # texts of like length in one run
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


@Language.factory("goldenhour_encoder", default_config={"label": "incident_any", "worth": -3.5})
class Encoder:
    """Leaves a logit per label in `doc.user_data` for the texts it reads.

    It reads texts whose logit of `label`, as the gate left it, is at least `worth`.
    """

    def __init__(self, nlp: Language, name: str, label: str, worth: float) -> None:
        self.name, self.label, self.worth = name, label, worth
        self.vocab = nlp.vocab
        self.share = 1.0
        self.labels: tuple[str, ...] = ()
        self.model = b""

    def use(self, model: bytes, pieces: Sequence[str], labels: Sequence[str], longest: int) -> None:
        self.model, self._vocabulary, self._longest = model, list(pieces), longest
        self.labels = tuple(labels)
        self._pieces = WordPieces(pieces)
        disable_telemetry_events()
        options = SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.graph_optimization_level = GraphOptimizationLevel.ORT_ENABLE_ALL
        options.enable_cpu_mem_arena = False
        self._session = InferenceSession(model, options, providers=["CPUExecutionProvider"])

    def take(self, other: "Encoder") -> None:
        """Become the same as another."""
        self.use(other.model, other._vocabulary, other.labels, other._longest)

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
        """Logits, a row per text and a column per label, whatever the gate thinks."""
        numbers = [self._pieces.numbers(spelled_out(text), self._longest) for text in texts]
        order = sorted(range(len(texts)), key=lambda i: len(numbers[i]))
        logits = np.zeros((len(texts), len(self.labels)), np.float32)
        for start in range(0, len(order), AT_ONCE):
            some = order[start : start + AT_ONCE]
            logits[some] = self._run([numbers[i] for i in some])
        return logits

    def _run(self, numbers: Sequence[Sequence[int]]) -> NDArray[np.float32]:
        ids = np.zeros((len(numbers), max(map(len, numbers))), np.int64)
        mask = np.zeros(ids.shape, np.float32)
        for row, each in enumerate(numbers):
            ids[row, : len(each)] = each
            mask[row, : len(each)] = 1
        found: list[Any] = self._session.run(None, {"ids": ids, "mask": mask})
        logits: NDArray[np.float32] = found[0]
        return logits

    def to_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> None:  # noqa: ARG002
        folder = Path(path)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "encoder.onnx").write_bytes(self.model)
        (folder / "vocabulary.txt").write_text("\n".join(self._vocabulary), encoding="utf-8")
        meta = {"labels": self.labels, "longest": self._longest}
        (folder / "encoder.json").write_text(json.dumps(meta), encoding="utf-8")

    def from_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> Self:  # noqa: ARG002
        folder = Path(path)
        meta = json.loads((folder / "encoder.json").read_text(encoding="utf-8"))
        vocabulary = (folder / "vocabulary.txt").read_text(encoding="utf-8").split("\n")
        self.use((folder / "encoder.onnx").read_bytes(), vocabulary, meta["labels"], meta["longest"])
        return self
