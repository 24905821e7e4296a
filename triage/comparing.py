"""Two posts held beside each other: what speaks for one incident, what against, and where in each text it stands.

It asks what matching asks (triage/similarity.py), of the same fingerprints, so that a person sees why a post was
suggested. Nothing is read or written.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from difflib import SequenceMatcher
from typing import Any, NamedTuple
from uuid import UUID

from classifier.fingerprint import STOPWORDS, fold, likeness, stem
from classifier.rarity import Rarity
from triage.arrivals import boroughs_of, deeds_of, known_of
from triage.matching import COPY, FEWEST_WORDS
from triage.nearness import nearness, points_of
from triage.similarity import COMMON, ELSEWHERE, Profile, Subject, likelihood, subject

RARE = COMMON**0.5
LONGEST_PHRASE = 600  # words of a text that are searched for whole phrases
FEWEST_IN_PHRASE = 4
MOST_NAMED = 8
SOON, LATE = timedelta(hours=12), timedelta(hours=48)
NEAR = 0.4  # of nearness: within about a kilometre

_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
_NOISE = re.compile(r"https?://\S+|(?<!\w)@\w[\w.@-]*")
_TIME = re.compile(
    r"(?<![\d.:/£$])(0?[1-9]|1[0-2])(?:[:.]([0-5]\d))?\s?([ap])\.?m\b"
    r"|(?<![\d.:/£$])([01]?\d|2[0-3]):([0-5]\d)\b",
    re.IGNORECASE,
)
_LEAD = re.compile(r"^(?:says|speaks of|mentions) ")
_SIGNALS = {
    "MTIPS": "strip_search",
    "ARREST_S24": "arrest",
    "TACT_S43": "tact",
}  # codes not named as their signals


class Side(NamedTuple):
    """One of the two posts. `families` are those of its footage; places, labels and signals are of its assessment."""

    text: str
    at: datetime
    places: Sequence[Mapping[str, Any]] = ()
    labels: Mapping[str, float] = {}
    signals: Sequence[Mapping[str, Any]] = ()
    families: frozenset[UUID] = frozenset()


Mark = dict[str, Any]  # start, end, name (place, deed, time, words, rare), because


class Comparison(NamedTuple):
    """What speaks for one incident and what against, in words; how likely it is 0..1; the marks in each text."""

    alike: list[str]
    apart: list[str]
    likely: float
    marks: tuple[list[Mark], list[Mark]]


class _Token(NamedTuple):
    start: int
    end: int
    written: str
    stem: str


def compare(one: Side, other: Side, rarity: Rarity) -> Comparison:
    """Hold two posts beside each other; of equal ones the order does not matter but for the likelihood, which is that
    the first is about what the second tells."""
    mine, theirs = as_subject(one, rarity), as_subject(other, rarity)
    words = (list(_tokens(one.text)), list(_tokens(other.text)))
    places = _places(one, other)
    rare = _rare_words(words, rarity, besides={part for name in places for part in name.split()})
    shared = _Shared(places, _deeds(one, other), _times(one.text) & _times(other.text), rare)
    phrases = _phrases(words)
    marks = _marks(one, words[0], shared, phrases[0]), _marks(other, words[1], shared, phrases[1])
    alike, apart = _said(one, other, mine, theirs, shared)
    return Comparison(alike, apart, _likely(mine, theirs), marks)


def as_subject(side: Side, rarity: Rarity) -> Subject:
    """The post as matching sees it."""
    return subject(
        side.text,
        side.at,
        rarity,
        known=known_of(boroughs_of(side.places)),
        points=points_of(side.places),
        deeds=deeds_of(side.labels),
    )


class _Shared(NamedTuple):
    places: dict[str, str]
    deeds: dict[str, str]
    times: frozenset[int]
    rare: dict[str, str]


def _likely(post: Subject, other: Subject) -> float:
    profile = Profile(other.at)
    profile.add(other)
    return likelihood(post, profile)


def _tokens(text: str) -> Iterator[_Token]:
    """The words of a text where they stand, without those of links and accounts."""
    passed = [each.span() for each in _NOISE.finditer(text)]
    for found in _WORD.finditer(text):
        start, end = found.span()
        if not any(first < end and start < last for first, last in passed):
            yield _Token(start, end, found[0], stem(fold(found[0]).lower().strip()))


def _rare_words(
    words: tuple[list[_Token], list[_Token]], rarity: Rarity, besides: Collection[str]
) -> dict[str, str]:
    """The telling words both posts use, rarest first, as the first one writes them; `besides` those of places."""
    theirs = {each.stem for each in words[1]}
    shared = {
        each.stem: each.written
        for each in reversed(words[0])
        if each.stem in theirs
        and len(each.stem) > 1
        and each.written.lower() not in STOPWORDS
        and each.written.lower() not in besides
    }
    weighed = sorted(zip(rarity.weigh(list(shared)), shared, strict=True), reverse=True)
    return {term: shared[term] for weight, term in weighed if weight >= RARE}


def _places(one: Side, other: Side) -> dict[str, str]:
    """The places both name, by what they are known as."""
    theirs = {_place(each) for each in other.places}
    return {
        _place(each): str(each.get("name") or each.get("text"))
        for each in one.places
        if _place(each) in theirs
    }


def _place(named: Mapping[str, Any]) -> str:
    return str(named.get("name") or named.get("text") or "").casefold()


def _deeds(one: Side, other: Side) -> dict[str, str]:
    """What both say was done, by the signal that found it, in words."""
    both = deeds_of(one.labels) & deeds_of(other.labels)
    return {signal_of(each): spoken(one.signals, each) for each in sorted(both)}


def signal_of(deed: str) -> str:
    """The signal behind a tactic's or a power's code."""
    code = deed.partition(":")[2]
    return _SIGNALS.get(code, code.lower())


def spoken(signals: Sequence[Mapping[str, Any]], deed: str) -> str:
    """What a post's signal says of a deed, without the post's own words."""
    name = signal_of(deed)
    said = next((str(each.get("because", "")) for each in signals if each.get("name") == name), "")
    return _LEAD.sub("", said.partition(":")[0]) or name.replace("_", " ")


def _times(text: str) -> frozenset[int]:
    return frozenset(_minute(each) for each in _TIME.finditer(text))


def _minute(said: re.Match[str]) -> int:
    """A time of day as the minute of the day."""
    if said[4]:
        return int(said[4]) * 60 + int(said[5])
    return (int(said[1]) % 12 + 12 * (said[3] in "pP")) * 60 + int(said[2] or 0)


def _marks(side: Side, words: Sequence[_Token], shared: _Shared, phrases: Sequence[Mark]) -> list[Mark]:
    """Rare words are marked where nothing else is."""
    found = list(phrases)
    found += [
        _mark(each["start"], each["end"], "place", "the same place")
        for each in side.places
        if _place(each) in shared.places and each.get("start") is not None
    ]
    found += [
        _mark(each["start"], each["end"], "deed", f"the same deed: {shared.deeds[each['name']]}")
        for each in side.signals
        if each.get("name") in shared.deeds and each.get("start") is not None
    ]
    for said in _TIME.finditer(side.text):
        if _minute(said) in shared.times:
            found.append(_mark(said.start(), said.end(), "time", "the same time of day"))
    taken = [(each["start"], each["end"]) for each in found]
    for each in words:
        if each.stem in shared.rare and not any(
            start < each.end and each.start < end for start, end in taken
        ):
            found.append(_mark(each.start, each.end, "rare", "a rare word in both"))
    return found


def _phrases(words: tuple[list[_Token], list[_Token]]) -> tuple[list[Mark], list[Mark]]:
    """Runs of words that stand in both."""
    one, other = (some[:LONGEST_PHRASE] for some in words)
    same = SequenceMatcher(None, [each.stem for each in one], [each.stem for each in other], autojunk=False)
    runs = [run for run in same.get_matching_blocks() if run.size >= FEWEST_IN_PHRASE]
    said = "the same words"
    return (
        [_mark(one[run.a].start, one[run.a + run.size - 1].end, "words", said) for run in runs],
        [_mark(other[run.b].start, other[run.b + run.size - 1].end, "words", said) for run in runs],
    )


def _mark(start: int, end: int, name: str, because: str) -> Mark:
    return {"start": start, "end": end, "name": name, "because": because}


def _said(
    one: Side, other: Side, mine: Subject, theirs: Subject, shared: _Shared
) -> tuple[list[str], list[str]]:
    alike = [*_wording(mine, theirs), *_footage(one, other)]
    apart: list[str] = []
    _say_place(one, other, mine, theirs, shared, alike, apart)
    gap = abs(one.at - other.at)
    if not SOON < gap < LATE:
        (alike if gap <= SOON else apart).append(f"{_spell(gap)} apart")
    if shared.times:
        times = ", ".join(f"{each // 60}:{each % 60:02d}" for each in sorted(shared.times))
        alike.append(f"same time of day named: {times}")
    if shared.deeds:
        alike.append(f"the same deed told: {', '.join(shared.deeds.values())}")
    elif mine.deeds and theirs.deeds:
        told = spoken(one.signals, min(mine.deeds)), spoken(other.signals, min(theirs.deeds))
        apart.append(f"they tell of other deeds: {told[0]}, and {told[1]}")
    named = list(shared.rare.values())
    if named:
        said = "1 rare word shared" if len(named) == 1 else f"{len(named)} rare words shared"
        alike.append(f"{said}: {', '.join(named[:MOST_NAMED])}{' …' if len(named) > MOST_NAMED else ''}")
    else:
        apart.append("no rare word is shared")
    if min(mine.print.words, theirs.print.words) < FEWEST_WORDS:
        apart.append(
            f"one has only {min(mine.print.words, theirs.print.words)} words, which may agree by chance"
        )
    return alike, apart


def _wording(mine: Subject, theirs: Subject) -> list[str]:
    if mine.print.exact == theirs.print.exact:
        return ["the same words throughout"]
    share = likeness(mine.print, theirs.print)
    return [f"a copy: {share:.0%} of their pairs of words are the same"] if share >= COPY else []


def _footage(one: Side, other: Side) -> list[str]:
    return ["the same footage"] if one.families & other.families else []


def _say_place(
    one: Side,
    other: Side,
    mine: Subject,
    theirs: Subject,
    shared: _Shared,
    alike: list[str],
    apart: list[str],
) -> None:
    if shared.places:
        alike.append(f"same place named: {', '.join(shared.places.values())}")
        return
    near = nearness(mine.points, theirs.points)
    if near >= NEAR:
        alike.append("the places they name are within a kilometre of each other")
    elif mine.points and theirs.points and near < ELSEWHERE:
        apart.append(f"they name other places: {_first_place(one)}, and {_first_place(other)}")
    elif both := boroughs_of(one.places) & boroughs_of(other.places):
        alike.append(f"same borough: {', '.join(sorted(both))}")


def _first_place(side: Side) -> str:
    best = max(side.places, key=lambda each: float(each.get("p") or 0.0))
    return str(best.get("name") or best.get("text"))


def _spell(gap: timedelta) -> str:
    minutes = int(gap.total_seconds()) // 60
    if minutes < 60:
        return "1 minute" if minutes == 1 else f"{minutes} minutes"
    hours = minutes // 60
    if hours < 48:
        return "1 hour" if hours == 1 else f"{hours} hours"
    return f"{hours // 24} days"
