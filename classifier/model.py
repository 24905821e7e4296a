"""The model: a trained spaCy pipeline with the lexicons, the gazetteer and the signals around it.

`Model.load(...)` once per process, `assess(texts)` for each batch. Nothing in a text can make it fail.
"""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import spacy
from numpy.typing import NDArray
from spacy.language import Language
from spacy.tokens import Doc

from classifier.calibration import READ, Beside, Calibration, Types
from classifier.encoder import ENCODED, LEFT, SKIMMED, Encoder
from classifier.examples import FILES as EXAMPLES
from classifier.examples import Examples
from classifier.force import force_of
from classifier.gate import Gate
from classifier.gazetteer import Gazetteer, Place, read_gazetteer
from classifier.labels import gravest, labels_of, types_of
from classifier.lexicons import Lexicons, read_lexicons
from classifier.normalise import LONGEST, Working, normalise
from classifier.reading import Reading, Signal, lowered
from classifier.records import Force, IncidentType
from classifier.rumour import Rumours, features
from classifier.severity import severity
from classifier.signals import load_signals
from classifier.versions import SHIPPED as SHIPPED
from classifier.versions import ModelError as ModelError

PLAUSIBLE = 0.2  # a text that may report an encounter: enough for words of grave harm to count in full
BATCH = 128  # the working set stays in the cache
CARD = {
    "model": "Golden Hour post classifier",
    "kind": "a spaCy 3.8 pipeline: linear heads over hashed words and letters, then a fine-tuned MiniLM-L6 in eight"
    " bits over what they do not rule out; blended and calibrated per label",
    "measured": "on texts held back by event, time and reader; nothing was learnt from them, not even how the two"
    " readers are blended",
    "for": "raising posts about police encounters to a person; never for deciding anything about a person",
    "limits": "English; the first 4,000 characters; says unverified, never false; learnt mostly from posts and"
    " news of 2012-2022 and from London posts written for this project",
}
KEPT = (spacy.attrs.LOWER, spacy.attrs.NORM)
WORDS_HELD = 200_000  # words spaCy may gather, about 40 MB


class Assessed(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the model makes of one text; the fields of `goldenhour assess` but the id. `hurried` is told only when so:
    the encoder had no time for a text that may matter."""

    incident: float
    incident_any: float
    type: IncidentType
    types: dict[str, float]
    severity: float
    urgent: bool
    labels: dict[str, float]
    claim: float
    unverified: float
    places: list[Place]
    force: Force
    signals: list[Signal]
    abstain: bool
    model: str
    hurried: bool = False


class Thresholds(msgspec.Struct, frozen=True):
    """Between `unlikely` and `likely` the model cannot tell. Chosen on held-back texts, see the model card."""

    unlikely: float = 0.25
    likely: float = 0.55
    urgent: float = 0.5


class Model:
    """One model version, ready to assess. Not for several threads at once."""

    def __init__(
        self,
        nlp: Language,
        *,
        version: str,
        calibration: Calibration,
        types: Types,
        beside: dict[str, Beside],
        thresholds: Thresholds,
        lexicons: Lexicons,
        gazetteer: Gazetteer,
        rumours: Rumours | None = None,
        examples: Examples | None = None,
        record: dict[str, Any] | None = None,
    ) -> None:
        self.version = version
        self.card = {**CARD, **(record or {}), "version": version}
        self.nlp = nlp
        self.calibration = calibration
        self.types, self.beside = types, beside
        self.rumours, self.examples = rumours, examples
        self.thresholds = thresholds
        self.lexicons = lexicons
        self.gazetteer = gazetteer
        self.signals = load_signals()
        self._words = nlp.vocab
        self._gate: Gate = nlp.get_pipe("goldenhour_gate")  # type: ignore[assignment]
        self._encoder: Encoder | None = None
        if nlp.has_pipe("goldenhour_encoder"):
            self._encoder = nlp.get_pipe("goldenhour_encoder")  # type: ignore[assignment]

    @classmethod
    def load(
        cls,
        folder: Path | None = None,
        *,
        gazetteer_files: Sequence[Path],
        lexicon_files: Sequence[Path],
    ) -> "Model":
        """The model in a folder, or the one that ships. Lexicons are the files `lexicons/signals*.toml`.

        Raises ModelError for a folder that holds no model of ours, LexiconError and GazetteerError for files.
        """
        folder = folder or SHIPPED
        try:
            meta: dict[str, Any] = json.loads((folder / "golden-hour.json").read_text(encoding="utf-8"))
            nlp = _lean(spacy.load(folder))
            calibration = Calibration.from_json(meta["calibration"])
            types = Types(np.array(meta["types"], dtype=np.float64))
            beside = {SKIMMED: Beside.from_json(meta["skimmer"])} if meta.get("skimmer") else {}
            beside[ENCODED] = Beside.from_json({"types": meta["types_of_both"], "blends": meta["blends"]})
            rumours = Rumours(np.array(meta["rumours"])) if meta.get("rumours") else None
            examples = Examples.from_disk(folder) if (folder / EXAMPLES[0]).exists() else None
            thresholds = msgspec.convert(meta["thresholds"], Thresholds)
        except (OSError, ValueError, KeyError) as error:
            raise ModelError(
                f"no usable model in {folder}: {error}; run `goldenhour train` or unset classifier.model"
            ) from error
        return cls(
            nlp,
            version=meta["version"],
            calibration=calibration,
            types=types,
            beside=beside,
            rumours=rumours,
            examples=examples,
            thresholds=thresholds,
            lexicons=read_lexicons(lexicon_files),
            gazetteer=read_gazetteer(gazetteer_files),
            record=meta["record"],
        )

    def read_twice(self, share: float) -> None:
        """At most this share of a batch is read by the encoder too, the likeliest first; for the rest the gate speaks,
        and the skimmer where there is one. 1 unless posts wait; less then, so that a flood never outruns the model.
        """
        if self._encoder is not None:
            self._encoder.share = share

    def assess(self, texts: Sequence[str]) -> list[Assessed]:
        """One assessment per text, in order. Texts are read up to LONGEST characters."""
        return [
            assessed
            for start in range(0, len(texts), BATCH)
            for assessed in self._assess_batch(texts[start : start + BATCH])
        ]

    def probabilities(self, texts: Sequence[str]) -> dict[str, NDArray[np.float64]]:
        """Calibrated probabilities of every learnt label, for measuring: an array over the texts each."""
        rows = [
            self._probabilities(self._docs([normalise(text) for text in texts[start : start + BATCH]]))
            for start in range(0, len(texts), BATCH)
        ]
        table = np.concatenate(rows) if rows else np.zeros((0, len(self._gate.labels)))
        return {label: table[:, column] for column, label in enumerate(self._gate.labels)}

    def encoded(self, texts: Sequence[str]) -> NDArray[np.float32] | None:
        """The encoder's logits for every text, whatever the gate thinks; None without one. For measuring."""
        return (
            None if self._encoder is None else self._encoder.score([normalise(text).text for text in texts])
        )

    def _assess_batch(self, texts: Sequence[str]) -> Iterator[Assessed]:
        self._forget()
        copies = [normalise(text) for text in texts]
        docs = self._docs(copies)
        table = self._probabilities(docs).tolist()
        for text, copy, doc, row in zip(texts, copies, docs, table, strict=True):
            found = self.lexicons.find(copy.text, low := lowered(copy.text))
            reading = Reading(text, copy, low, doc, found)
            yield self.say(reading, dict(zip(self._gate.labels, row, strict=True)))

    def _forget(self) -> None:
        """Start with fresh words when spaCy has gathered too many; each new one stays in memory for good."""
        if len(self._words.strings) > WORDS_HELD:
            fresh = _lean(spacy.blank("en"))
            self._words, self.nlp.tokenizer = fresh.vocab, fresh.tokenizer

    def _docs(self, copies: Sequence[Working]) -> list[Doc]:
        return list(self.nlp.pipe((copy.text for copy in copies), batch_size=BATCH))

    def _probabilities(self, docs: Sequence[Doc]) -> NDArray[np.float64]:
        """A row per text, a column per label: by gate and encoder, gate and skimmer, or the gate alone."""
        labels = self._gate.labels
        gate = np.array([list(doc.cats.values()) for doc in docs], dtype=np.float64)
        table = self.calibration.probabilities(labels, gate)
        if not len(docs):
            return table
        at = [labels.index(label) for label in READ]
        table[:, at] = self.types(gate[:, at])
        for reader, beside in self.beside.items():
            self._put(table, docs, gate, reader, beside)
        return table

    def _put(
        self,
        table: NDArray[np.float64],
        docs: Sequence[Doc],
        gate: NDArray[np.float64],
        reader: str,
        beside: Beside,
    ) -> None:
        """What the gate and a second reader say together of the texts that both have read."""
        here = [i for i, doc in enumerate(docs) if reader in doc.user_data]
        if self._encoder is None or not here:
            return
        labels, names = self._gate.labels, self._encoder.labels
        said = np.array([docs[i].user_data[reader] for i in here], dtype=np.float64)
        for label, blend in beside.blends.items():
            column = labels.index(label)
            table[here, column] = blend(gate[here, column], said[:, names.index(label)])
        at = [labels.index(label) for label in READ]
        of_types = said[:, [names.index(label) for label in READ]]
        table[np.ix_(here, at)] = beside.types(gate[here][:, at], of_types)

    @property
    def labels(self) -> tuple[str, ...]:
        """Every learnt label."""
        return tuple(self._gate.labels)

    def say(self, reading: Reading, learnt: dict[str, float]) -> Assessed:
        """What is said of a reading, given a probability for each learnt label."""
        findings = [finding for find in self.signals.values() for finding in find(reading)]
        places = self.gazetteer.find(reading)
        force = force_of(reading, places, learnt)
        incident, incident_any = learnt["incident"], learnt["incident_any"]
        about_police = incident_any >= PLAUSIBLE or bool(reading.hits("police"))
        weighed = severity(findings, about_police=about_police, likely=incident_any >= PLAUSIBLE)
        types = types_of(learnt)
        signals = [finding.signal for finding in findings]
        signals += [
            Signal("trigger", 1.0, 0, 0, f"critical whatever the score: {what}") for what in weighed.triggers
        ]
        if self.examples and incident_any > self.thresholds.unlikely:
            signals.append(self.examples.signal(learnt))
        if len(reading.original) > LONGEST:
            signals.append(_cut(reading))
        labels = labels_of(learnt, findings)
        labels |= {f"severity:{part}": round(value, 3) for part, value in weighed.parts.items()}
        unsure = self.thresholds.unlikely < incident_any < self.thresholds.likely
        return Assessed(
            incident=round(incident, 4),
            incident_any=round(incident_any, 4),
            type=gravest(types),
            types=types,
            severity=round(weighed.score, 3),
            urgent=incident_any >= self.thresholds.urgent
            and (weighed.score >= 0.9 or learnt.get("urgent", 0) >= 0.5),
            labels=labels,
            claim=round(learnt.get("claim", 0.0), 4),
            unverified=round(self._unverified(reading, learnt), 4),
            places=places,
            force=force,
            signals=signals,
            abstain=unsure or "language_not_assessed" in labels,
            model=self.version,
            hurried=LEFT in reading.doc.user_data,
        )

    def _unverified(self, reading: Reading, learnt: dict[str, float]) -> float:
        """What the readers of rumour say; models older than they speak for themselves."""
        if self.rumours is None:
            return learnt.get("unverified", 0.0)
        said = reading.doc.user_data.get(ENCODED)
        encoded = None
        if self._encoder and said is not None:
            labels = self._encoder.labels
            here = labels.index("unverified")
            encoded = float(said[here]), float(said[labels.index("rumour") if "rumour" in labels else here])
        return self.rumours(features(reading.text, reading.doc.cats), encoded)


def _cut(reading: Reading) -> Signal:
    length = len(reading.original)
    return Signal(
        "cut", 0.0, LONGEST, length, f"only the first {LONGEST:,} of {length:,} characters were read"
    )


def _lean(nlp: Language) -> Language:
    """Without what spaCy works out for every new word and nothing here reads: three times the speed."""
    words: Any = nlp.vocab
    words.lex_attr_getters = {name: each for name, each in words.lex_attr_getters.items() if name in KEPT}
    return nlp
