"""What the tests of the classifier read with: the shipped model, loaded once."""

from functools import cache
from pathlib import Path

from classifier.gazetteer import Gazetteer, read_gazetteer
from classifier.lexicons import Lexicons, read_lexicons
from classifier.model import Model
from classifier.normalise import normalise
from classifier.reading import Reading, lowered

CONFIG = Path(__file__).parents[2] / "config"
GAZETTEER = sorted((CONFIG / "gazetteer").glob("*.csv"))
LEXICONS = sorted((CONFIG / "lexicons").glob("signals*.toml"))


@cache
def model() -> Model:
    return Model.load(gazetteer_files=GAZETTEER, lexicon_files=LEXICONS)


@cache
def lexicons() -> Lexicons:
    return read_lexicons(LEXICONS)


@cache
def gazetteer() -> Gazetteer:
    return read_gazetteer(GAZETTEER)


def reading(text: str) -> Reading:
    working = normalise(text)
    low = lowered(working.text)
    doc = model().nlp.make_doc(working.text)
    return Reading(text, working, low, doc, lexicons().find(working.text, low))
