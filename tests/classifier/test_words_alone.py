"""With the model switched off: what speaks of police and an act goes to a person, a hard trigger is raised, nothing is
held to be likely or false."""

import pytest

from classifier.model import Assessed
from classifier.records import IncidentType
from classifier.words_alone import LOOK, RAISE, VERSION, WordsAlone
from tests.classifier.reader import model


@pytest.fixture(scope="module")
def words() -> WordsAlone:
    return WordsAlone(model())


def said(words: WordsAlone, text: str) -> Assessed:
    [found] = words.assess([text])
    assert (found.model, found.hurried, found.claim, found.unverified) == (VERSION, True, 0.0, 0.0)
    return found


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Two officers tasered a man outside Brixton station", IncidentType.USE_OF_FORCE),
        ("police did a stop and search on the bus in Peckham again", IncidentType.STOP_SEARCH),
    ],
)
def test_police_and_an_act_go_to_a_person(words: WordsAlone, text: str, kind: IncidentType) -> None:
    found = said(words, text)
    assert (found.incident_any, found.abstain, found.type, found.urgent) == (LOOK, True, kind, False)
    assert found.signals
    assert found.places


def test_a_death_after_contact_is_raised_as_always(words: WordsAlone) -> None:
    found = said(words, "a man has died in police custody at Croydon after officers restrained him")
    assert (found.incident, found.urgent) == (RAISE, True)
    assert found.severity >= 0.9


@pytest.mark.parametrize(
    "text", ["lovely evening in Greenwich park", "the police show on telly was great", ""]
)
def test_without_an_act_nothing_is_asked(words: WordsAlone, text: str) -> None:
    found = said(words, text)
    assert (found.incident_any, found.abstain, found.type) == (0.0, False, IncidentType.NONE)


def test_what_it_was_not_taught_to_read_still_goes_to_a_person(words: WordsAlone) -> None:
    assert said(words, "полиция избила человека возле станции").abstain
