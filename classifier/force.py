"""Whose officers a post is about: cues in the words first, then where the places it names are."""

from collections.abc import Mapping, Sequence

from classifier.gazetteer import Place
from classifier.reading import Reading
from classifier.records import Force

CUES = {
    "force_overseas": Force.OVERSEAS,
    "force_other_uk": Force.OTHER_UK,
    "force_btp": Force.BTP,
    "force_col": Force.COL,
    "force_met": Force.MET,
}
ELSEWHERE = {"overseas": Force.OVERSEAS, "other_uk": Force.OTHER_UK, "london": Force.MET}
LOCAL = 0.5  # a place counts from this probability


def force_of(reading: Reading, places: Sequence[Place], learnt: Mapping[str, float]) -> Force:
    """The force whose own words stand in the text; else the force of the places named; else unknown.

    City of London Police and British Transport Police need a cue or their own ground: a Met officer may
    stand on a platform, so a station alone does not close the question.
    """
    cues = [CUES[hit.lexicon.name] for hit in reading.hits("force")]
    for force in (Force.OVERSEAS, Force.OTHER_UK):
        if force in cues and Force.MET not in cues and not _in_london(places):
            return force
    for force in (Force.BTP, Force.COL, Force.MET, Force.OTHER_UK, Force.OVERSEAS):
        if force in cues:
            return force
    if reading.hits("rail"):
        return Force.BTP
    if _in_london(places):
        return (
            Force.COL if places and all(place.borough == "City of London" for place in places) else Force.MET
        )
    there = [place.elsewhere for place in places if place.elsewhere and place.p >= LOCAL]
    if there:
        return ELSEWHERE[there[0]]
    if learnt.get("overseas", 0.0) >= LOCAL:
        return Force.OVERSEAS
    return Force.UNKNOWN


def _in_london(places: Sequence[Place]) -> bool:
    return any(place.borough and place.p >= LOCAL for place in places)
