"""The encoder: a fine-tuned sentence encoder that reads again what the gate thinks may matter.

A spaCy component over 8-bit ONNX files (onnxruntime, one thread, no network). It costs fifteen times the gate, so
it reads only texts the gate does not rule out, the likeliest first, and at most `share` of a batch. Before it the
skimmer reads them: a small network taught by the encoder, thirty times as fast, that settles the clear noes.
"""

import json
import math
import re
import shutil
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Self

import numpy as np
from spacy.language import Language
from spacy.tokens import Doc

from classifier.network import Floats, Network, Numbers
from classifier.wordpiece import WordPieces

FILES = ("encoder.onnx", "vocabulary.txt", "encoder.json")
SKIMMER = "skimmer.onnx"  # may lie beside them; reads the same pieces, answers with the same labels
ENCODED = "encoder"  # where a text's second logits are left in `doc.user_data`
SKIMMED = "skimmer"  # and the skimmer's
LEFT = "left"  # stands there when the text may matter and was left unread all the same
_LINK = re.compile(r"https?:\S*|t\.co/\S+")
_ACCOUNT = re.compile(r"@\w+")
_EMOJI = re.compile("([\u2600-\u27bf\U0001f300-\U0001faff])\\1*")


def spelled_out(text: str) -> str:
    """A working copy as the encoder reads it: links and accounts are one word each, emoji are named."""
    text = _ACCOUNT.sub("@user", _LINK.sub("http", text))
    return text if text.isascii() else _EMOJI.sub(_named, text)


def _named(found: re.Match[str]) -> str:
    return f" {unicodedata.name(found[1], '').lower()} "


@Language.factory("goldenhour_encoder", default_config={"label": "incident_any", "worth": -3.0, "settle": []})
class Encoder:
    """Leaves a logit per label in `doc.user_data` for the texts it reads.

    It reads texts whose logit of `label`, as the gate left it, is at least `worth`; where a skimmer lies in its
    folder, that reads them first and leaves its own. `settle` are four numbers: how much the gate's logit and the
    skimmer's count, an offset, and the least sum that the encoder reads.
    """

    def __init__(self, nlp: Language, name: str, label: str, worth: float, settle: list[float]) -> None:
        self.name, self.label, self.worth = name, label, worth
        self.settle = settle or [1.0, 0.0, 0.0, worth]
        self.vocab = nlp.vocab
        self.share = 1.0
        self.labels: tuple[str, ...] = ()

    def read(self, folder: Path) -> None:
        """Become the encoder kept in a folder."""
        meta = json.loads((folder / "encoder.json").read_text(encoding="utf-8"))
        self.labels, self._longest = tuple(meta["labels"]), int(meta["longest"])
        self._pieces = WordPieces.read(folder / "vocabulary.txt")
        self._whole = Network(folder / "encoder.onnx")
        self._small = Network(folder / SKIMMER) if (folder / SKIMMER).exists() else None
        self.folder = folder

    def __call__(self, doc: Doc) -> Doc:
        return next(iter(self.pipe([doc])))

    def pipe(self, docs: Iterable[Doc], *, batch_size: int = 128) -> Iterator[Doc]:
        waiting = iter(docs)
        while held := list(islice(waiting, batch_size)):
            for doc, numbers in self._chosen(held):
                doc.user_data[ENCODED] = self._whole(numbers)
            yield from held

    def _chosen(self, docs: Sequence[Doc]) -> list[tuple[Doc, Numbers]]:
        """Texts that may matter, the likeliest first, and no more than our share."""
        of_gate, of_skimmer, offset, least = self.settle
        worth = []
        for doc in docs:
            said = doc.cats[self.label]
            if said < self.worth:
                continue
            numbers = self._numbers(doc.text)
            if self._small:
                doc.user_data[SKIMMED] = skimmed = self._small(numbers)
                said = of_gate * said + of_skimmer * skimmed[self.labels.index(self.label)] + offset
            if said >= least:
                worth.append((said, doc, numbers))
        most = math.ceil(self.share * len(docs))
        if len(worth) > most:
            worth.sort(key=lambda each: -each[0])
            for _, doc, _ in worth[most:]:
                doc.user_data[LEFT] = True
        return [(doc, numbers) for _, doc, numbers in worth[:most]]

    def score(self, texts: Sequence[str]) -> Floats:
        """Logits, a row per text and a column per label, whatever the gate thinks."""
        return self._rows(self._whole, texts)

    def skim(self, texts: Sequence[str]) -> Floats | None:
        """The same by the skimmer alone; None without one."""
        return self._rows(self._small, texts) if self._small else None

    def _rows(self, network: Network, texts: Sequence[str]) -> Floats:
        rows = [network(self._numbers(text)) for text in texts]
        return np.array(rows, np.float32).reshape(len(texts), len(self.labels))

    def _numbers(self, text: str) -> Numbers:
        return np.array([self._pieces.numbers(spelled_out(text), self._longest)], dtype=np.int64)

    def to_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> None:  # noqa: ARG002
        Path(path).mkdir(parents=True, exist_ok=True)
        for name in (*FILES, *([SKIMMER] if self._small else [])):
            shutil.copyfile(self.folder / name, Path(path) / name)

    def from_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> Self:  # noqa: ARG002
        self.read(Path(path))
        return self
