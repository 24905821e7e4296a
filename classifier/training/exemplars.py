"""Which labelled texts a model keeps as examples, and what kind each is.

Those kept for tuning: the encoder has not learnt them, so that the model reads them as it reads a new text.
"""

from collections.abc import Sequence
from pathlib import Path

from classifier.examples import Examples, Kind
from classifier.model import Model
from classifier.training.blending import domain
from classifier.training.sets import Row

WHERE = {"london": "London posts", "news": "news items", "posts": "posts from elsewhere"}
# What else is known of a text, the most telling first.
ALSO = {
    "followup": "told afterwards",
    "official_police_post": "by the force itself",
    "praise": "praise",
    "complaint_not_force": "a complaint about something else",
    "witness_offer": "offering help as a witness",
    "unverified": "a rumour",
    "first_hand": "first-hand",
}


def kind_of(row: Row) -> Kind:
    assert row.type is not None, "an example has a type"
    also = next((words for label, words in ALSO.items() if row.truth.get(label)), "")
    return Kind(WHERE[domain(row)], row.type, also)


def keep_examples(folder: Path, rows: Sequence[Row]) -> int:
    """Leave the examples among these rows in a model's folder, as that model reads them. Returns how many."""
    kept = [row for row in rows if row.type and row.strict]
    model = Model.load(folder, gazetteer_files=[], lexicon_files=[])
    Examples.of(model.probabilities([row.text for row in kept]), [kind_of(row) for row in kept]).to_disk(
        folder
    )
    return len(kept)
