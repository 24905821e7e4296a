"""Names of people in a draft: which words look like one, and which only name a place, a body or a post.

Nothing here knows whether a person exists. Words with capitals that are not places of the gazetteer, bodies, posts or
ordinary words at the start of a sentence look like a name: two of them block, and so does one after a title, after
"named as", or one that is a given name; a single other one warns.
"""

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from classifier.spelling import RANKS
from triage.checking_rules import Lists
from triage.checking_text import Span, sentences

WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
CAPITAL = r"[A-ZÀ-Þ][\w'’&-]*"
LINK = r"(?: (?:of|and|the|for|upon|with|on|in|&))?"
INITIALS = re.compile(r"\b(?:[A-Z]\. ?){2,4}(?=\W|$)|\b(?:[A-Z]\.){1,3} ?(?=[A-Z][a-z])")
LETTERED = re.compile(
    r"\b(?:gate|block|platform|door|stand|zone|area|entrance|exit|unit|flat|bay|section|stop|carriage|coach|row|wing|hall"
    r"|court|part|option|category|group|team|serial|type) \Z",
    re.IGNORECASE,
)  # what a single letter behind is no initial of a name
LONGEST_PLACE = 5  # words
HEADING_WORDS = 14
OPENING = " \n\t\"'“”‘’(-–•*#>:"
ENDING = re.compile(r"['’](?:s|re|ve|ll|d|m|t)\Z")
KIN = re.compile(
    r"(?:['’]s?)? (?:\w+ )?(?:family|families|household|brothers?|sisters?|siblings|twins|couple|parents|relatives)\b"
)
BUILT = re.compile(
    r" (?:estate|flats|tower|school|academy|college|hall|centre|library|hospital|station|playing fields)\b"
)
DEED = re.compile(r" (?:was|is|had|said|says|told|who|himself|herself|and (?:his|her))\b")
PLACED = re.compile(r"\b(?:at|in|near|outside|around|through) (?:the )?\Z", re.IGNORECASE)
ORDINARY_UP_TO = 12_000  # rank in the list of words: the rarer ones are mostly names and parts of names


class Name(NamedTuple):
    """Words that look like a name; `sure` when they must be one."""

    start: int
    end: int
    sure: bool


def read_place_names(paths: Iterable[Path]) -> frozenset[str]:
    """Every name in the files of the gazetteer, in small letters."""
    names: set[str] = set()
    for path in paths:
        with path.open(encoding="utf-8", newline="") as file:
            names |= {row["name"].lower() for row in csv.DictReader(file) if row.get("name")}
    return frozenset(names)


def read_units(path: Path) -> dict[str, str]:
    """The command unit of each borough, from the gazetteer's file of boroughs."""
    with path.open(encoding="utf-8", newline="") as file:
        return {row["borough"]: row["bcu"] for row in csv.DictReader(file) if row["bcu"]}


class Known:
    """What names something else than a person."""

    def __init__(self, lists: Lists, places: Iterable[str], given_names: Iterable[str]) -> None:
        self.lists = lists
        self.places = frozenset(each.lower() for each in places)
        self.given = frozenset(given_names) - set(lists.ambiguous)

    @cached_property
    def _allowed(self) -> re.Pattern[str]:
        phrases = sorted(self.lists.allowed, key=len, reverse=True)
        return re.compile(rf"\b(?:{'|'.join(phrases)})(?:['’]s?)?(?!\w)") if phrases else re.compile(r"(?!)")

    @cached_property
    def _bodies(self) -> re.Pattern[str]:
        ends = "|".join(sorted(self.lists.body_words, key=len, reverse=True))
        return re.compile(
            rf"\b(?:{CAPITAL}{LINK}(?: the)? ){{1,6}}(?:\([A-Z][\w ]+\) )?(?:{ends})(?:['’]s?)?\b(?: (?:19|20)\d\d)?"
        )

    @cached_property
    def title(self) -> re.Pattern[str]:
        return re.compile(rf"\b(?:{'|'.join(self.lists.titles)})\.? \Z")

    @cached_property
    def introduced(self) -> re.Pattern[str]:
        return re.compile(rf"\b(?:{'|'.join(self.lists.introduced)}),? \Z", re.IGNORECASE)

    def places_in(self, text: str) -> list[Span]:
        """Places by name, the longest at each point; `value` is the name in small letters."""
        words = list(WORD.finditer(text))
        found: list[Span] = []
        number = 0
        while number < len(words):
            span = self._place(text, words, number)
            if span is None:
                number += 1
                continue
            found.append(span)
            while number < len(words) and words[number].start() < span.end:
                number += 1
        return found

    def _place(self, text: str, words: Sequence[re.Match[str]], first: int) -> Span | None:
        start = words[first].start()
        if not text[start].isupper():
            return None
        for last in range(min(first + LONGEST_PLACE, len(words)) - 1, first - 1, -1):
            end = words[last].end()
            name = re.sub(r"['’]s\Z", "", text[start:end])
            if "\n" not in name and text[words[last].start()].isupper() and self._is_place(name):
                return Span(start, start + len(name), name.lower().replace("’", "'"))
        return None

    def _is_place(self, name: str) -> bool:
        plain = name.lower().replace("’", "'")
        return plain in self.places and (" " in plain or plain not in self.given)

    def bodies_in(self, text: str) -> list[Span]:
        """Where bodies, laws and posts are named that the list of allowed names has."""
        return [Span(*match.span()) for match in self._allowed.finditer(text)]

    def is_ordinary(self, word: str) -> bool:
        """Whether a word is mostly used as a word."""
        return RANKS.get(word, 10**6) <= ORDINARY_UP_TO

    def covered(self, text: str) -> str:
        """The text with everything that names no person struck out, as long as before."""
        covered = self._allowed.sub(_struck, text)
        covered = self._bodies.sub(self._struck_body, covered)
        for place in self.places_in(covered):
            covered = covered[: place.start] + "_" * (place.end - place.start) + covered[place.end :]
        return covered

    def _struck_body(self, match: re.Match[str]) -> str:
        words = WORD.findall(match[0])
        named = len(words) == 2 and words[0].lower() in self.given and words[1] in self.lists.surnames
        return match[0] if named else _struck(match)


def _struck(match: re.Match[str]) -> str:
    return "_" * len(match[0])


def names_in(text: str, known: Known) -> Iterator[Name]:
    """What looks like the name of a person, in the order of the text."""
    covered = known.covered(text)
    for match in INITIALS.finditer(covered):
        lettered = LETTERED.search(covered, 0, match.start())
        if match[0].replace(" ", "") not in ("U.K.", "U.S.", "E.U.") and not lettered:
            yield Name(*match.span(), sure=True)
    for sentence in sentences(text):
        yield from _in_sentence(text, covered, sentence, known)


def _in_sentence(text: str, covered: str, sentence: Span, known: Known) -> Iterator[Name]:
    words = list(WORD.finditer(covered, sentence.start, sentence.end))
    heading = _is_heading(covered, sentence, words)
    run: list[re.Match[str]] = []
    for word in words:
        capital = word[0][0].isupper() and len(word[0]) > 1
        near = bool(run) and covered[run[-1].end() : word.start()] in (" ", ". ", "-")
        if run and not (capital and near):
            yield from _judged(text, run, known, heading)
            run = []
        opens = not covered[sentence.start : word.start()].strip(OPENING)
        if capital and not (opens and _opens(word[0], known)):
            run.append(word)
    if run:
        yield from _judged(text, run, known, heading)


def _is_heading(covered: str, sentence: Span, words: Sequence[re.Match[str]]) -> bool:
    long = [word for word in words if len(word[0]) > 3]
    capitals = sum(word[0][0].isupper() for word in long)
    ends = covered[sentence.start : sentence.end].rstrip().endswith((".", "?", "!"))
    return not ends and len(words) <= HEADING_WORDS and len(long) > 2 and capitals * 3 >= len(long) * 2


def _ordinary(word: str, known: Known) -> bool:
    plain = ENDING.sub("", word.lower())
    if plain in known.given:
        return False
    stems = (
        plain,
        plain.removesuffix("s"),
        plain.removesuffix("ed"),
        plain.removesuffix("ing"),
        plain.removesuffix("d"),
    )
    return len(plain) < 3 or "'" in plain or any(RANKS.get(stem, 10**6) <= ORDINARY_UP_TO for stem in stems)


def _opens(word: str, known: Known) -> bool:
    """Whether a word has its capital only because a sentence begins with it."""
    plural = word.endswith("s") and word.lower() not in known.given
    return plural or _ordinary(word, known)


def _judged(text: str, run: Sequence[re.Match[str]], known: Known, heading: bool) -> Iterator[Name]:
    start, end = run[0].start(), run[-1].end()
    before = text[max(0, start - 40) : start]
    told = bool(known.title.search(before) or known.introduced.search(before))
    bare = [re.sub(r"['’]s\Z", "", word[0].lower()) for word in run]
    given = any(word in known.given for word in bare)
    strange = [word for word in run if not _ordinary(word[0], known)]
    shouted = all(word[0].isupper() for word in run)
    deed = len(strange) == 1 == len(run) and DEED.match(text, end) and not PLACED.search(before)
    kin = deed or (KIN.match(text, end) and not shouted and (strange or len(run) > 1 or "-" in run[0][0]))
    if BUILT.match(text, end) and not told:  # named after somebody, and no person
        return
    if told or given or kin:
        yield Name(start, end, sure=True)
    elif shouted:  # abbreviations, and headings in capitals
        return
    elif len(run) > 1 and (not heading or strange):
        yield Name(start, end, sure=bool(strange) or not PLACED.search(before))
    elif strange and not heading:
        yield Name(start, end, sure=False)
