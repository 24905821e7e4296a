"""Words alone: what is said of posts while the model is switched off. Lexicons, places and triggers, nothing learnt.

It never says that a post is likely or unlikely: whatever speaks of police and of an act or harm goes to a person
("cannot tell"), and a hard trigger is raised as always. What was read like this is read again once the model is back.
"""

from collections.abc import Sequence

import msgspec

from classifier.model import Assessed, Model
from classifier.normalise import normalise
from classifier.reading import Reading, lowered
from classifier.records import IncidentType

VERSION = "words-alone"
LOOK = 0.3  # in the rules: a person sees it in the queue, untold
RAISE = 0.5
ACTS = {  # the words of one signal, and the type they stand for, the gravest first
    "tactics": IncidentType.USE_OF_FORCE,
    "powers": IncidentType.STOP_SEARCH,
    "harm": IncidentType.OTHER_ENCOUNTER,
    "allegations": IncidentType.OFFICER_CONDUCT,
}
TRIGGER = "trigger"


class WordsAlone:
    """Stands in for a model, with its lexicons and its gazetteer."""

    version = VERSION

    def __init__(self, model: Model) -> None:
        self.model = model

    def assess(self, texts: Sequence[str]) -> list[Assessed]:
        """One assessment per text, in order; each is `hurried`, so that it is read again."""
        return [self._one(text) for text in texts]

    def read_twice(self, share: float) -> None:
        """There is no second reader."""

    def _one(self, text: str) -> Assessed:
        reading = self._reading(text)
        spoken = next((kind for signal, kind in ACTS.items() if reading.hits(signal)), None)
        told = spoken is not None and bool(reading.hits("police"))
        said = self.model.say(reading, self._neutral(spoken if told else None))
        triggered = any(signal.name == TRIGGER for signal in said.signals)
        chance = RAISE if triggered else LOOK if told else 0.0
        return msgspec.structs.replace(
            said,
            incident=chance,
            incident_any=chance,
            urgent=triggered,
            claim=0.0,
            unverified=0.0,
            abstain=told or said.abstain,
            model=VERSION,
            hurried=True,
        )

    def _reading(self, text: str) -> Reading:
        copy = normalise(text)
        doc = self.model.nlp.make_doc(copy.text)
        doc.cats = dict.fromkeys(self.model.labels, 0.0)
        low = lowered(copy.text)
        return Reading(text, copy, low, doc, self.model.lexicons.find(copy.text, low))

    def _neutral(self, kind: IncidentType | None) -> dict[str, float]:
        """Nothing learnt: zeros, but for the type the words stand for."""
        learnt = dict.fromkeys(self.model.labels, 0.0)
        chance = LOOK if kind else 0.0
        return learnt | {"incident": chance, "incident_any": chance, (kind or IncidentType.NONE).value: 1.0}
