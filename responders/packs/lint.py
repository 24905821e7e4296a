"""The linter of lower versions: it reads the finished files and says where somebody could be known by them.

A file with one finding is not handed on. What is found is told by its place and its rule, never in its words.
"""

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from responders.packs.chunks import WHOLE, Chunk
from responders.packs.crowd import Crowd
from responders.packs.extract import extract
from responders.packs.writing import Form
from triage.review.pack_checks import Checks, Found, findings_in, fold

DESCRIBED = re.compile(r"Described as: (.+?); (.+?); tactics (.+?); age band (.+?)\.(?=\s|$)")
RARE, PICTURE = "rare_combination", "picture"


class Place(NamedTuple):
    """Where in which file a rule found something."""

    form: str
    where: str
    rule: str
    why: str


class Leak(Exception):
    """A lower version holds what may not be in it; `places` say where."""

    def __init__(self, places: list[Place]) -> None:
        told = "; ".join(f"{each.form}, {each.where}: {each.why}" for each in places[:12])
        more = f"; and {len(places) - 12} more" if len(places) > 12 else ""
        super().__init__(
            f"this version is not handed on: {told}{more}. Take it out where it is written, and make it again"
        )
        self.places = places


def lint(
    files: Mapping[Form, bytes],
    checks: Checks,
    *,
    known: Iterable[str],
    ours: Iterable[str],
    crowd: Crowd | None,
) -> list[Place]:
    """Every place of every file where a rule finds something; `crowd` is asked how many cases a description fits."""
    known, ours = list(known), list(ours)
    places: list[Place] = []
    for form, made in files.items():
        told = extract(form, made)
        whole = [each for each in told.chunks if each.where.endswith(WHOLE)]
        pieces = [each for each in told.chunks if not each.where.endswith(WHOLE)]
        found = _placed(
            form, pieces, findings_in([each.text for each in pieces], checks, known=known, ours=ours)
        )
        across = findings_in([each.text for each in whole], checks._replace(rules=()), known=known, ours=ours)
        places += dict.fromkeys([*found, *_placed(form, whole, across)])
        if crowd is not None:
            places += _rare(form, told.chunks, crowd)
        if told.pictures:
            places.append(Place(form, "file", PICTURE, "a picture, which may show a face"))
    return places


def _placed(form: Form, chunks: list[Chunk], found: Iterable[Found]) -> list[Place]:
    return [Place(form, chunks[each.chunk].where, each.rule, each.why) for each in found]


def _rare(form: Form, chunks: Iterable[Chunk], crowd: Crowd) -> list[Place]:
    """Descriptions that fit too few cases, and sheets that are described otherwise than in the line made for it."""
    found = []
    for chunk in chunks:
        for place, when, tactics, age in DESCRIBED.findall(" ".join(fold(chunk.text).split())):
            if age != "not shown" or crowd.fits(place, when, tactics) < crowd.least:
                why = f"a description that fits fewer than {crowd.least} cases"
                found.append(Place(form, chunk.where, RARE, why))
    return list(dict.fromkeys(found))
