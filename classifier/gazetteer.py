"""Places of London with their borough and command unit, and places elsewhere that share names with them.

Read from `config/gazetteer/*.csv` by file name: boroughs, namesakes and elsewhere have columns of their
own, every other file has name, kind, borough, lat, lon, share, care. A name in several boroughs has a row
for each with its share. `care = ordinary` marks names that are also common words or surnames.
"""

import csv
import math
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from ahocorasick_rs import AhoCorasick, Implementation, MatchKind

from classifier.reading import Reading

KINDS = {
    "borough": 0.95,
    "area": 0.92,
    "landmark": 0.92,
    "station": 0.95,
    "postcode": 0.9,
    "street": 0.7,
    "city": 0.9,
}
ELSEWHERE = ("london", "other_uk", "overseas")
LOCATIVE = re.compile(
    r"(?:\b(?:in|at|near|outside|inside|around|by|from|on|off|to|thru|through|of|down|over|opposite|via|behind"
    r"|towards|leaving|into|between|across|along|ina|inna|round|past|live|station|street|north|south|east|west"
    r"|central)|@|#|📍)[ ,:]*(?:the )?\Z"
)
AFTER = re.compile(
    r"\A(?:'s)?[ ,]+(?:station|tube|road|high st|market|estate|park|common|town|bus|overground|police station"
    r"|nick|shopping|mosque|borough|council|area|london|east|north|south|west|mcdonald)"
)
TITLE = re.compile(
    r"\b(?:mr|mrs|ms|miss|dr|pc|dc|sgt|sergeant|inspector|constable|sir|lady|lord|judge|justice|mp|cllr"
    r"|councillor)\.? \Z"
)
ALONE_BEFORE = re.compile(r"(?:\A|[.!?,:\n#📍]|[^\x00-\u024f]) ?\Z")
ALONE_AFTER = re.compile(r"\Z|[.!,;\n]| ?[^\x00-\u024f]")
ROAD = re.compile(r"\A (?:[Rr]oad|[Rr]d|[Ll]ane|Way|[Aa]venue|Ave|Drive|Gardens|Terrace|Grove|Close)\b")
SLIP_FROM = 6  # letters of a name that is also known with one letter left out or two swapped
AFTER_NAME = 28  # characters looked at on either side of a name


class GazetteerError(ValueError):
    """A gazetteer file is wrong; the message names file, line and reason."""


class Place(msgspec.Struct, frozen=True):
    """A place named in a post. Without a borough it lies elsewhere, and `elsewhere` says where."""

    text: str
    start: int
    end: int
    name: str
    borough: str | None
    bcu: str | None
    lat: float | None
    lon: float | None
    p: float
    elsewhere: str = ""


class Candidate(NamedTuple):
    """One place a name may mean."""

    name: str
    kind: str
    borough: str
    lat: float | None
    lon: float | None
    share: float
    ordinary: bool
    elsewhere: str = ""


class Named(NamedTuple):
    """A name found at text[start:end] of the working copy, with all it may mean."""

    candidates: list[Candidate]
    start: int
    end: int

    @property
    def first(self) -> Candidate:
        return self.candidates[0]


class Evidence(NamedTuple):
    """What the whole text says of where it is: boroughs by weight, London at all, elsewhere at all."""

    boroughs: dict[str, float]
    london: bool
    elsewhere: bool


class Gazetteer:
    """All names as one automaton; the longest name at a place counts."""

    def __init__(
        self,
        candidates: Iterable[Candidate],
        bcus: dict[str, str],
        namesakes: Sequence[tuple[str, str, re.Pattern[str]]],
    ) -> None:
        self.bcus = bcus
        self._named: dict[str, list[Candidate]] = {}
        for each in candidates:
            for name in _spellings(each):
                self._named.setdefault(name, []).append(each)
        for found in self._named.values():
            found.sort(key=_worth, reverse=True)
        self._misspelt = _slips(self._named)
        self._named |= {slip: self._named[name] for slip, name in self._misspelt.items()}
        self._candidates = list(self._named.values())
        self._automaton = AhoCorasick(
            list(self._named),
            matchkind=MatchKind.LeftmostLongest,
            implementation=Implementation.ContiguousNFA,
        )
        self._namesakes: dict[str, list[tuple[str, re.Pattern[str]]]] = {}
        for name, where, cues in namesakes:
            self._namesakes.setdefault(name.lower(), []).append((where, cues))

    def find(self, reading: Reading) -> list[Place]:
        """The places a post names, in order, each with its likeliest borough and how likely it is."""
        named = list(self._names(reading))
        if not named:
            return []
        evidence = _evidence(reading, named)
        after = [*named[1:], None]
        return [
            place
            for each, following in zip(named, after, strict=True)
            if (place := self._place(reading, each, following, evidence))
        ]

    def holds(self, name: str) -> bool:
        """Whether a name could be found at all, wherever it lies."""
        return name.lower() in self._named

    def _names(self, reading: Reading) -> Iterator[Named]:
        low, text = reading.lowered, reading.text
        for number, start, end in self._automaton.find_matches_as_indexes(low):
            if (start and low[start - 1].isalnum()) or (end < len(low) and low[end].isalnum()):
                continue
            named = Named(self._candidates[number], start, end)
            if low[start:end] in self._misspelt and not LOCATIVE.search(
                low, max(0, start - AFTER_NAME), start
            ):
                continue
            if _stands_for_a_place(named, text, low):
                yield named

    def _place(
        self, reading: Reading, named: Named, following: Named | None, evidence: Evidence
    ) -> Place | None:
        low = reading.lowered
        if following and _qualified(named, following, low):
            there = named.first._replace(borough="", elsewhere=following.first.elsewhere)
            return self._as_place(reading, named, there, 0.8)
        for where, cues in self._namesakes.get(named.first.name.lower(), ()):
            if cues.search(low):
                return self._as_place(reading, named, named.first._replace(borough="", elsewhere=where), 0.8)
        best = max(named.candidates, key=lambda each: each.share * (1 + 4 * _backed(each, named, evidence)))
        p = _likelihood(best, named, evidence)
        if best.kind != "street" and ROAD.match(reading.text[named.end : named.end + AFTER_NAME]):
            p *= 0.45  # a road named after the place, and often far from it
        return self._as_place(reading, named, best, p) if p >= 0.2 else None

    def _as_place(self, reading: Reading, named: Named, chosen: Candidate, p: float) -> Place:
        start, end = reading.working.span(named.start, named.end)
        there = bool(chosen.borough)
        return Place(
            text=reading.quote(named.start, named.end),
            start=start,
            end=end,
            name=chosen.name,
            borough=chosen.borough or None,
            bcu=self.bcus.get(chosen.borough) or None,
            lat=chosen.lat if there else None,
            lon=chosen.lon if there else None,
            p=round(p, 2),
            elsewhere=chosen.elsewhere,
        )


def _spellings(candidate: Candidate) -> Iterator[str]:
    """The name as it is written, as one word for hashtags, and streets also as they are shortened."""
    name = candidate.name.lower()
    yield name
    if " " in name and candidate.kind in ("borough", "area", "landmark"):
        yield "#" + name.replace(" ", "")
    for long, short in ((" street", " st"), (" road", " rd")):
        if candidate.kind == "street" and name.endswith(long):
            yield name.removesuffix(long) + short


def _slips(named: dict[str, list[Candidate]]) -> dict[str, str]:
    """Each long, telling name of an area with one letter left out or two swapped, and the name it stands for."""
    slips: dict[str, str] = {}
    for name, found in named.items():
        if (
            len(name) < SLIP_FROM
            or found[0].kind not in ("area", "borough")
            or found[0].ordinary
            or " " in name
        ):
            continue
        for i in range(1, len(name)):
            for slip in (name[:i] + name[i + 1 :], name[:i] + name[i + 1 : i + 2] + name[i] + name[i + 2 :]):
                if slip not in named:
                    slips.setdefault(slip, name)
    return slips


def _worth(candidate: Candidate) -> float:
    return KINDS.get(candidate.kind, 0.5) + candidate.share


def _stands_for_a_place(named: Named, text: str, low: str) -> bool:
    """Whether the letters around a name let it be one: not a surname, not an ordinary word."""
    first, start, end = named.first, named.start, named.end
    before = low[max(0, start - AFTER_NAME) : start]
    if TITLE.search(before):
        return False
    capital = text[start].isupper() or "#" in text[max(0, start - 1) : start + 1]
    if first.kind == "postcode":
        return text[start:end].isupper() or (low[start + 1].isalpha() and bool(LOCATIVE.search(before)))
    located = bool(LOCATIVE.search(before)) or bool(AFTER.match(low[end : end + AFTER_NAME]))
    if first.ordinary:
        alone = ALONE_BEFORE.search(before) and ALONE_AFTER.match(low[end : end + 3])
        return (located and (capital or text.islower())) or (capital and bool(alone))
    if first.kind == "street":
        return located or (capital and text[low.rfind(" ", start, end) + 1].isupper())
    return capital or located or len(first.name) >= 5


def _qualified(named: Named, following: Named, low: str) -> bool:
    """Whether a place elsewhere stands right behind a name of London and claims it: `Lewisham, New South Wales`."""
    there = following.first.elsewhere in ("overseas", "other_uk")
    return (
        there and bool(named.first.borough) and low[named.end : following.start] in (", ", " ", " in ", " - ")
    )


def _evidence(reading: Reading, named: Sequence[Named]) -> Evidence:
    boroughs: defaultdict[str, float] = defaultdict(float)
    london = elsewhere = False
    for each in named:
        first = each.first
        if first.elsewhere:
            london = london or first.elsewhere == "london"
            abroad = first.elsewhere == "overseas"
            elsewhere = elsewhere or abroad or (first.elsewhere == "other_uk" and not first.ordinary)
        elif not first.ordinary and first.kind != "street":
            london = True
            if ROAD.match(reading.text[each.end : each.end + AFTER_NAME]):
                continue
            for candidate in each.candidates:
                boroughs[candidate.borough] += candidate.share
    cues = reading.names("force")
    return Evidence(boroughs, london or "force_met" in cues, elsewhere or "force_overseas" in cues)


def _backed(candidate: Candidate, named: Named, evidence: Evidence) -> bool:
    """Whether another name of the text lies in the same borough."""
    own = sum(each.share for each in named.candidates if each.borough == candidate.borough)
    counted = own if not named.first.ordinary and named.first.kind != "street" else 0.0
    return evidence.boroughs.get(candidate.borough, 0.0) - counted > 0.3


def _likelihood(candidate: Candidate, named: Named, evidence: Evidence) -> float:
    p = KINDS.get(candidate.kind, 0.6)
    if candidate.elsewhere:
        return 0.9 if not candidate.ordinary else 0.7
    if _backed(candidate, named, evidence):
        return min(0.97, p + 0.25)
    p *= math.sqrt(max(candidate.share, 0.3))
    if candidate.ordinary and not evidence.london:
        p *= 0.75
    if candidate.kind == "street" and not evidence.london:
        p *= 0.7
    if evidence.elsewhere and not evidence.london:
        p *= 0.5
    elif evidence.elsewhere and candidate.kind == "street":
        p *= 0.7
    return p


def read_gazetteer(paths: Iterable[Path]) -> Gazetteer:
    """The gazetteer of some CSV files; a name kept by hand goes before the same name among the streets.

    Raises GazetteerError naming file, line and reason.
    """
    found: dict[str, list[Candidate]] = {}
    bcus: dict[str, str] = {}
    namesakes: list[tuple[str, str, re.Pattern[str]]] = []
    for path in paths:
        for number, row in enumerate(_rows(path), 2):
            try:
                if path.stem == "namesakes":
                    namesakes.append((row["name"], _where(row["where"]), _cues(row["cues"])))
                    continue
                read = _elsewhere if path.stem == "elsewhere" else _candidate
                found.setdefault(path.stem, []).append(read(row))
                if path.stem == "boroughs":
                    bcus[row["borough"]] = row["bcu"]
            except (KeyError, ValueError, TypeError) as error:
                raise GazetteerError(f"{path}: line {number}: {error}") from error
    streets = found.pop("streets", [])
    by_hand = [each for some in found.values() for each in some]
    known = {each.name for each in by_hand}
    candidates = [*by_hand, *(each for each in streets if each.name not in known)]
    if unknown := {each.borough for each in candidates if each.borough} - bcus.keys():
        raise GazetteerError(f"boroughs.csv: no row for {min(unknown)!r}, which another file names")
    return Gazetteer(candidates, bcus, namesakes)


def _rows(path: Path) -> list[dict[str, Any]]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file, strict=True))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise GazetteerError(f"{path}: {error}") from error


def _candidate(row: dict[str, Any]) -> Candidate:
    share = float(row.get("share") or 1)
    if not row["name"] or not 0 < share <= 1:
        raise ValueError("name must be given, share above 0 and at most 1")
    kind = row.get("kind") or "borough"
    if kind not in KINDS:
        raise ValueError(f"kind: {kind!r} is none of {', '.join(KINDS)}")
    position = float(row["lat"]), float(row["lon"])
    return Candidate(row["name"], kind, row["borough"], *position, share, row["care"] == "ordinary")


def _elsewhere(row: dict[str, Any]) -> Candidate:
    return Candidate(
        row["name"], "city", "", None, None, 1.0, row["care"] == "ordinary", _where(row["where"])
    )


def _where(text: str) -> str:
    if text not in ELSEWHERE:
        raise ValueError(f"where: {text!r} is none of {', '.join(ELSEWHERE)}")
    return text


def _cues(text: str) -> re.Pattern[str]:
    return re.compile(r"(?<!\w)(?:" + "|".join(re.escape(each) for each in text.split("|")) + r")(?!\w)")
