"""A draft cut into sentences and clauses, and the times, days, numbers and places it says."""

import re
from calendar import month_name
from collections.abc import Iterator
from typing import NamedTuple

SENTENCE = re.compile(r"[.!?]+[\"'”’)]*(?=\s+[^\sa-z]|\s*\Z)|\n+")
CLAUSE = re.compile(
    r"[.!?;:]+(?=\s|\Z)|\n+|,? (?:but|however|although|though)\b|, yet\b|\s[–—-]\s"
    r"|, (?:and |so )?(?=(?:the|our|these|those|they|he|she|we|it|there|his|her|officers)\b)",
    re.IGNORECASE,
)
CIRCA = re.compile(r"\bc(?:a|irca)?\.? ?(?=\d)", re.IGNORECASE)
NOTED = re.compile(r"(?<![\w.:/£$])([01]\d|2[0-3])([0-5]\d)(?![\w:/])")
FROM_TO = re.compile(r"(?<![\w.:/£$-])([01]\d|2[0-3])-([01]\d|2[0-4])(?![\w:/-])")  # hours as noted: 15-18
MONTHS = [name.lower() for name in month_name if name]
_SHORT_MONTHS = "|".join(f"{month[:3]}(?:{month[3:]})?" for month in MONTHS) + "|sept"
_HOURS = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
_PARTS = {
    "twenty-five past": 25,
    "twenty five past": 25,
    "twenty-five to": -25,
    "twenty five to": -25,
    "quarter past": 15,
    "half past": 30,
    "half": 30,
    "quarter to": -15,
    "five past": 5,
    "ten past": 10,
    "twenty past": 20,
    "five to": -5,
    "ten to": -10,
    "twenty to": -20,
}
_SAID_AT = (
    "(?:" + "|".join(rf"(?<=\b{each} )" for each in ("at", "by", "until", "till", "since", "before")) + ")"
)
_SAID_ABOUT = (
    _SAID_AT[:-1] + "".join(rf"|(?<=\b{each} )" for each in ("about", "around", "after", "nearly")) + ")"
)
_DAY_AFTER = (
    r" (?:(?:last|this|that|tomorrow|yesterday|on the) (?:morning|afternoon|evening|night|day)|at night"
    r"|(?:on |next |last )?(?:mon|tues|wednes|thurs|fri|satur|sun)day|yesterday|today|tonight|tomorrow)\b"
)
_HOUR = rf"(?:{'|'.join(_HOURS)}|1[0-2]|[1-9])"
_TO_A_TIME = (
    rf"(?= ?(?:and|to|until|till|-|–) ?(?:(?:1[0-2]|0?[1-9])(?:[:.][0-5]\d)?\s?[ap]\.?m\b|noon\b|midday\b|midnight\b"
    rf"|{_HOUR} in the (?:morning|afternoon|evening)\b))"
)
_ENDS = r"[,;.!?)](?!\d)|\s*\Z| (?:and(?! a half)|with|when|as|for) "
CLOCK = re.compile(
    r"(?<![\d.:/£$])(?P<h>[01]?\d|2[0-3])[:.](?P<m>[0-5]\d)(?![\d%]|[.,]\d)\s?(?P<ap>[ap]\.?m\b\.?)?"
    r"|(?<![\d.:/£$])(?P<h12>1[0-2]|0?[1-9])\s?(?P<ap12>[ap]\.?m\b\.?)"
    r"|\b(?P<noon>noon|midday|midnight)\b"
    r"|(?<![\d.:/£$])(?P<h24>(?:[01]\d|2[0-3])[0-5]\d)\s?(?:hrs|hours)\b"
    rf"|\b(?P<part>{'|'.join(_PARTS)})[ -](?P<word>{_HOUR})\b"
    rf"|\b(?P<oh>{_HOUR}) o['’]?clock\b"
    rf"|(?<![\d.:/£$])\b(?P<at>{_HOUR}(?= in the (?:morning|afternoon|evening)\b)|{_HOUR}{_TO_A_TIME}"
    rf"|{_SAID_ABOUT}{_HOUR}(?={_DAY_AFTER})|{_SAID_AT}{_HOUR}(?={_ENDS}))",
    re.IGNORECASE,
)
HALF = re.compile(
    r"\s?(?:(?:in|on|the|that|this|same|next|last|yesterday|tomorrow|(?:mon|tues|wednes|thurs|fri|satur|sun)day) )*"
    r"(?P<half>morning|afternoon|evening|tonight)\b",
    re.IGNORECASE,
)  # behind a time: of which half of the day it is
DAY = re.compile(
    rf"\b(?P<d>[12]?\d|3[01])(?:st|nd|rd|th)?(?: of)? (?P<mon>{_SHORT_MONTHS})\b(?:,? (?P<y>20\d\d))?"
    rf"|\b(?P<mon2>{_SHORT_MONTHS}) (?P<d2>[12]?\d|3[01])(?:st|nd|rd|th)?\b"
    r"|\b(?P<d3>[0-3]?\d)/(?P<m3>[01]?\d)(?:/(?:20)?\d\d)?\b",
    re.IGNORECASE,
)
_TEENS = ["thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"]
_UNITS = ["zero", *_HOURS, *_TEENS]
_TENS = dict(
    zip(
        ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"],
        range(20, 100, 10),
        strict=True,
    )
)
_WORDS = {word: number for number, word in enumerate(_UNITS)} | _TENS
_SIZES = {"hundred": 100, "thousand": 1000}
CROWDS = ["dozen", "dozens", "scores", "hundreds", "thousands", "couple", "handful"]
NUMBER = re.compile(
    r"(?<![\w.,:/£#-])(?P<digits>\d{1,3}(?:,\d{3})+|\d+)(?P<tail>(?:st|nd|rd|th)?)(?![\w]|[.:/]\d)"
    rf"|\b(?P<times>{'|'.join(_UNITS[1:])}) (?P<size>{'|'.join(_SIZES)})\b"
    rf"(?:,? and (?P<rest>(?:{'|'.join(_TENS)})(?:[ -](?:{'|'.join(_UNITS[1:10])}))?|(?:{'|'.join(_UNITS[1:])}))\b)?"
    rf"|\b(?P<tens>{'|'.join(_TENS)})[ -](?P<unit>{'|'.join(_UNITS[1:10])})\b"
    rf"|\b(?P<one>{'|'.join(word for word in _WORDS if word not in ('zero', 'one'))})\b(?! or more\b)"
    rf"|\b(?P<crowd>half a dozen|{'|'.join(CROWDS)})(?: of)? (?=[a-z])",
    re.IGNORECASE,
)


class Span(NamedTuple):
    """Part of a text, and what it means: minutes of the day, (day, month), a number; or the words."""

    start: int
    end: int
    value: object = None


def sentences(text: str) -> list[Span]:
    """Where each sentence stands, headings and lines of a list being sentences too."""
    return list(_cut(text, SENTENCE))


def sentence_at(text: str, place: int) -> Span:
    return next((each for each in sentences(text) if each.start <= place < each.end), Span(0, len(text)))


def clause_at(text: str, start: int, end: int) -> str:
    """The words between the nearest breaks around text[start:end]."""
    before = [match.end() for match in CLAUSE.finditer(text, 0, start)]
    after = CLAUSE.search(text, end)
    return text[before[-1] if before else 0 : after.start() if after else len(text)]


def _cut(text: str, at: re.Pattern[str]) -> Iterator[Span]:
    start = 0
    for match in at.finditer(text):
        if text[start : match.end()].strip():
            yield Span(start, match.end(), None)
        start = match.end()
    if text[start:].strip():
        yield Span(start, len(text), None)


def clocks(text: str) -> list[Span]:
    """Times of day, as sets of the minutes since midnight they may mean: without am or pm there may be two."""
    return [Span(*match.span(), _in_half(match, _minutes(match))) for match in CLOCK.finditer(text)]


def noted_clocks(text: str) -> list[Span]:
    """Times as facts are noted: four bare digits, as in 1745, may be one too, 15-18 are two hours, and c.21:00 is about
    nine."""
    text = CIRCA.sub(lambda match: " " * len(match[0]), text)
    found = clocks(text)
    bare = [
        Span(*match.span(), frozenset({int(match[1]) * 60 + int(match[2])})) for match in NOTED.finditer(text)
    ]
    bare += [
        Span(*match.span(part), frozenset({int(match[part]) % 24 * 60}))
        for match in FROM_TO.finditer(text)
        for part in (1, 2)
    ]
    return found + [each for each in bare if not any(one.start <= each.start < one.end for one in found)]


def _minutes(match: re.Match[str]) -> frozenset[int]:
    if match["noon"]:
        return frozenset({0 if match["noon"].lower() == "midnight" else 720})
    if match["h24"]:
        return frozenset({int(match["h24"][:2]) * 60 + int(match["h24"][2:])})
    if match["part"]:
        return _either(_hour(match["word"]) * 60 + _PARTS[match["part"].lower()])
    if match["oh"]:
        return _either(_hour(match["oh"]) * 60)
    if match["at"]:
        return _either(_hour(match["at"]) * 60)
    half = (match["ap"] or match["ap12"] or "")[:1].lower()
    hour, minute = int(match["h"] or match["h12"]), int(match["m"] or 0)
    if half and hour <= 12:
        return frozenset({(hour % 12 + (12 if half == "p" else 0)) * 60 + minute})
    if match["h"] and match["h"] == str(hour) and hour <= 12 and ":" not in match[0]:
        return _either(hour * 60 + minute)  # 8.15 may be either, 08.15 and 8:15 are of a clock of 24 hours
    return frozenset({hour * 60 + minute})


def _in_half(match: re.Match[str], minutes: frozenset[int]) -> frozenset[int]:
    """Of two times that are meant perhaps, the one in the half of the day that is named behind it."""
    half = HALF.match(match.string, match.end())
    late = half is not None and half["half"].lower() != "morning"
    kept = frozenset(each for each in minutes if (each >= 720) == late) if half else minutes
    return kept or minutes


def _hour(word: str) -> int:
    return int(word) if word.isdigit() else _HOURS.index(word.lower()) + 1


def _either(minutes: int) -> frozenset[int]:
    return frozenset({minutes % 1440, (minutes + 720) % 1440})


def days(text: str) -> list[Span]:
    """Days of a month, as (day, month)."""
    found = []
    for match in DAY.finditer(text):
        month = match["mon"] or match["mon2"]
        number = _month(month) if month else int(match["m3"])
        found.append(Span(*match.span(), (int(match["d"] or match["d2"] or match["d3"]), number)))
    return found


def _month(word: str) -> int:
    return next(number for number, month in enumerate(MONTHS, 1) if month.startswith(word.lower()[:3]))


def numbers(text: str) -> list[Span]:
    """Numbers in digits or words; of `dozens` and the like the word. Times, days and years are not among them."""
    taken = [*clocks(text), *days(text)]
    found = []
    for match in NUMBER.finditer(text):
        inside = any(each.start <= match.start() < each.end for each in taken)
        if inside or match["tail"]:
            continue
        found.append(Span(*match.span(), _number(match)))
    return found


def _number(match: re.Match[str]) -> object:
    if match["digits"]:
        return int(match["digits"].replace(",", ""))
    if match["size"]:
        rest = sum(_WORDS[word] for word in re.split("[ -]", (match["rest"] or "zero").lower()))
        return _WORDS[match["times"].lower()] * _SIZES[match["size"].lower()] + rest
    if match["tens"]:
        return _WORDS[match["tens"].lower()] + _WORDS[match["unit"].lower()]
    if match["one"]:
        return _WORDS[match["one"].lower()]
    return match["crowd"].lower()
