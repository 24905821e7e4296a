"""What a draft says of times, days, numbers and places, held against verified facts and against earlier lines."""

import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

from triage.checking_context import Context
from triage.checking_form import CORRECTS
from triage.checking_names import Known
from triage.checking_text import CROWDS, Span, clocks, days, noted_clocks, numbers, sentence_at, sentences

LONDON = ZoneInfo("Europe/London")
EVERYWHERE = frozenset(
    {"london", "greater london", "england", "uk", "britain", "united kingdom", "great britain"}
)
STREET = re.compile(
    r"\b(?!(?:In|At|On|Near|From|Outside|Inside|Around|To|The|Our|Off|By|Along|Behind|Since|After|Before|When|While|What|For"
    r"|And|But|Officers|Police|Today|Yesterday|Earlier|Following) )"
    r"(?:[A-Z][\w'’-]+ ){1,3}(?:Road|Street|Lane|Avenue|Close|Drive|Gardens|Grove|Terrace|Crescent|Mews|Walk|Square"
    r"|Hill|Way|Place|Rise|Row|Parade|Broadway|Estate|Park|Market|Station)\b"
)
BODY_AFTER = re.compile(
    r"(?:['’]s)? (?:[A-Z][\w'’-]+ )*(?:Council|Hospital|Police|Court|Panel|Group|Carnival|Command|Team|Advertiser"
    r"|Recorder|University|College|School|Mosque|Church|BCU|Area)\b"
)
IN_FULL = {
    "&": "and", "ave": "avenue", "bdwy": "broadway", "cmn": "common", "cres": "crescent", "ct": "court", "e": "east",
    "est": "estate", "gdn": "garden", "gdns": "gardens", "grn": "green", "gro": "grove", "gt": "great", "hth": "heath",
    "ln": "lane", "mkt": "market", "mt": "mount", "n": "north", "nth": "north", "pde": "parade", "pk": "park",
    "pl": "place", "rd": "road", "s": "south", "sq": "square", "st": "street", "sta": "station", "sth": "south",
    "stn": "station", "terr": "terrace", "upr": "upper", "w": "west", "wd": "wood",
}  # fmt: skip
ABOUT = re.compile(
    r"\b(?:about|around|roughly|nearly|almost|approximately|approx|close to|c(?:a|irca)?\.?|(?:just|shortly|a little"
    r"|a bit|a few minutes|moments) (?:before|after))\.? ?\Z",
    re.IGNORECASE,
)
ROUGHLY = 10  # minutes by which a time that is said to be about right may differ
SAID_BEFORE = re.compile(
    r"\b(?:(?:we|i) |(?:our|an|the) (?:\w+ ){1,3}?)(?:\w+ )?(?:said|told|gave|posted|wrote|reported|put)\b",
    re.IGNORECASE,
)
GLUED = re.compile(
    r"(?<![\d.:])(?:(?<=[A-Za-z<>~])\d{1,4}(?![\d.:])|\d{1,4}(?=(?!st|nd|rd|th|[ap]m)[A-Za-z+]))"
)  # numbers as noted: T3, 12s, <20
MONEY = re.compile(r"[£$€](\d[\d,]*)")
OR_MORE = re.compile(r" or more\b")
LOCATIVE = re.compile(
    r"\b(?:in|at|near|outside|inside|around|from|on|off|to|through|of|via|behind|towards|between|across"
    r"|along|and|the) \Z",
    re.IGNORECASE,
)
SAID_TO_BE = re.compile(r"\b(?:said|reported|claimed|thought) to (?:be|have (?:\w+ ){1,3}?)", re.IGNORECASE)
NOUN = re.compile(r"(?:\s+(?:more|other|police|uniformed|armed))*\s+([a-z]{3,})")
GROWING = re.compile(
    r"(?:arrest|post|video|clip|view|messag|call|people|hour|minut|second|day|week|year|tim)"
)
FEW = (2, 3)  # in words they are often no more than a way of speaking: all three, the two of them
HEADS = re.compile(
    r"\s*(?:\w+ )?(?:people|persons|m[ae]n|wom[ae]n|boys?|girls?|child(?:ren)?|officers|arrests|vehicles|cars|vans"
    r"|shots|stab|knives|weapons|casualt|injur|died|dead)"
)
DEED = re.compile(
    r"\b(stop|call|arrest|detain|search|happen|beg[au]n|start|attend|died|end|took place)", re.IGNORECASE
)
HAPPENED = ("happen", "took place")  # said of whatever an earlier line tells the one time of
OTHER_DEED = re.compile(
    r"\b(?:bail|releas|charg|review|spoke|speak|met|meet|told|tell|inform|refer|clos|reopen|open|lift|left|leav|taken"
    r"|wrote|post|said|sent|gave|learn|hear|aware|arriv|interview|treat|shut|hurt|injur|fell|hit|found)",
    re.IGNORECASE,
)  # a time beside one of these is not the time of a deed that stands further off
ONE = re.compile(
    r"\b(?:an?|one)(?= (?:[a-z-]+ )?(?:person|man|woman|boy|girl|teenager|youth)\b)", re.IGNORECASE
)
SUFFERED = r"(arrest|detain|search|injur|hurt|charg|bitten|tasered|kill|died)"
PEOPLE = (
    r"(?:\s+(?!more|other|further|second|third|another)[a-z-]+)?\s+(?:people|persons?|m[ae]n|wom[ae]n|(?:fe)?males?"
    r"|adults?|boys?|girls?|youths?|teenagers?|individuals?)\b"
)
SUFFERED_AFTER = re.compile(rf"{PEOPLE}(?:\s+(?!who\b)[a-z-]+){{0,3}}?\s+{SUFFERED}", re.IGNORECASE)
SUFFERED_BEFORE = re.compile(rf"\b{SUFFERED}\w*\s\Z", re.IGNORECASE)
A_PERSON = re.compile(PEOPLE, re.IGNORECASE)
MORE_NOW = re.compile(
    r"\b(?:now|since|later|second|third|another|others?|further|more|so far|in all|altogether|total"
    r"|of (?:the|them|these|those))\b",
    re.IGNORECASE,
)


def unverified(
    text: str, context: Context, known: Known, *, update: re.Pattern[str] | None
) -> Iterator[Span]:
    """Times, days, numbers and places in a text that no verified fact of the context says.

    The sentence that says when the next update is due promises, and claims nothing; a place that is only said to be
    where it was is called unverified by the words themselves. What a correction says was said is no claim either.
    """
    values = " | ".join(fact.value for fact in context.verified)
    corrects = bool(CORRECTS.search(text))
    allowed = [
        match.span()
        for each in known.lists.numbers_allowed
        for match in re.finditer(each, text, re.IGNORECASE)
    ]
    for span in [
        *_beyond(text, values),
        *_unlike(days(text), days(values)),
        *_unknown(text, values),
    ]:
        counts_nothing = any(start <= span.start < end for start, end in allowed)
        sentence = sentence_at(text, span.start)
        as_said = corrects and SAID_BEFORE.search(text, sentence.start, span.start)
        if not counts_nothing and not as_said and not _promises(text, span, update):
            yield span
    yield from _elsewhere(text, [*(fact.value for fact in context.verified), *context.home], known)


def _beyond(text: str, values: str) -> Iterator[Span]:
    noted = noted_clocks(values)
    exact = {minute for each in noted for minute in minutes_of(each)}
    rough = {minute for each in noted if _is_rough(values, each) for minute in _near(each)}
    for span in clocks(text):
        own = _near(span) if _is_rough(text, span) else minutes_of(span)
        if not own & exact and not minutes_of(span) & rough:
            yield span


def _is_rough(text: str, span: Span) -> bool:
    return bool(ABOUT.search(text, max(0, span.start - 24), span.start))


def _near(span: Span) -> set[int]:
    return {(minute + off) % 1440 for minute in minutes_of(span) for off in range(-ROUGHLY, ROUGHLY + 1)}


def _unlike(said: Iterable[Span], verified: Iterable[Span]) -> Iterator[Span]:
    there = {each.value for each in verified}
    return (span for span in said if span.value not in there)


def _unknown(text: str, values: str) -> Iterator[Span]:
    noted = [*GLUED.findall(values), *(each.replace(",", "") for each in MONEY.findall(values))]
    there = {each.value for each in numbers(OR_MORE.sub("", values))} | set(map(int, noted))
    for span in numbers(text):
        year = isinstance(span.value, int) and 1900 < span.value < 2100 and str(span.value) in values
        if span.value not in there and not year:
            yield span


def counts(text: str, span: Span) -> bool:
    """Whether a span is said as a fact: a few in words, or hundreds, only where heads, weapons or cars are counted."""
    vague = isinstance(span.value, str) and span.value in CROWDS
    if not vague and (span.value not in FEW or text[span.start].isdigit()):
        return True
    definite = re.search(r"\b(?:the|these|those|all|both) \Z", text[: span.start], re.IGNORECASE)
    return not definite and bool(HEADS.match(text, span.end))


def _elsewhere(text: str, verified: Iterable[str], known: Known) -> Iterator[Span]:
    known_words = [_words_of(each) for each in verified]
    for span in places_in(text, known):
        name = str(span.value)
        sentence = sentence_at(text, span.start)
        if name in EVERYWHERE or SAID_TO_BE.search(text, sentence.start, span.start):
            continue
        if not any(_words_of(name) <= words for words in known_words):
            yield span


def _words_of(values: str) -> set[str]:
    """The words of names of places, shortened ones in full as well."""
    words = re.findall(r"[\w']+|&", re.sub(r"['’]s\b", "", values.lower()))
    return {*words, *(IN_FULL[each] for each in words if each in IN_FULL)}


def places_in(text: str, known: Known) -> list[Span]:
    """Places a text speaks of: of the gazetteer, or by the form of a street; not those inside the name of a body."""
    bodies = known.bodies_in(text)
    found: list[Span] = []
    for match in STREET.finditer(text):
        found.append(Span(*match.span(), match[0].lower().replace("’", "'")))
    for span in known.places_in(text):
        inside = any(each.start <= span.start < each.end for each in found)
        if not inside and not BODY_AFTER.match(text, span.end) and not _by_chance(text, span, known):
            found.append(span)
    return [
        span
        for span in sorted(found)
        if not any(each.start <= span.start and span.end <= each.end for each in bodies)
    ]


def _by_chance(text: str, span: Span, known: Known) -> bool:
    """Ordinary words such as Bank are places only behind a word of place."""
    plain = str(span.value)
    return (
        " " not in plain
        and known.is_ordinary(plain)
        and not LOCATIVE.search(text[max(0, span.start - 12) : span.start])
    )


def _promises(text: str, span: Span, update: re.Pattern[str] | None) -> bool:
    sentence = sentence_at(text, span.start)
    return bool(update and update.search(text, sentence.start, sentence.end))


def conflicts(
    text: str, earlier: Iterable[str], known: Known, *, update: re.Pattern[str] | None
) -> Iterator[Span]:
    """Numbers of one thing or of people, times of one deed and streets that an earlier line says otherwise. How many
    were arrested or hurt may have grown, which a draft then says."""
    for line in earlier:
        dealt = _dealt_with(line)
        for deed, spans in _dealt_with(text).items():
            for span in spans:
                sentence = sentence_at(text, span.start)
                grown = MORE_NOW.search(text, sentence.start, sentence.end)
                if len(dealt.get(deed, ())) == 1 and span.value != dealt[deed][0].value and not grown:
                    yield span
        before = dict(_counted(line, update))
        for (noun, value), span in _counted_at(text, update):
            if noun in before and before[noun] != value:
                yield span
        timed = dict(_timed(line, update))
        if len(timed) == 1:
            timed |= dict.fromkeys(HAPPENED, *timed.values())
        for deed, span in _timed(text, update):
            if deed in timed and not minutes_of(timed[deed]) & minutes_of(span):
                yield span
        where = {str(each.value) for each in places_in(line, known)} - EVERYWHERE
        here = [each for each in places_in(text, known) if str(each.value) not in EVERYWHERE]
        if where and not any(_same(str(each.value), other) for each in here for other in where):
            yield from here


def minutes_of(span: Span) -> frozenset[int]:
    return span.value if isinstance(span.value, frozenset) else frozenset()


def _same(one: str, other: str) -> bool:
    return one in other or other in one


def _counted(text: str, update: re.Pattern[str] | None) -> Iterator[tuple[str, object]]:
    return (pair for pair, _ in _counted_at(text, update))


def _counted_at(text: str, update: re.Pattern[str] | None) -> Iterator[tuple[tuple[str, object], Span]]:
    for span in numbers(text):
        noun = NOUN.match(text, span.end)
        if noun and not _promises(text, span, update):
            stem = noun[1].removesuffix("s").removesuffix("e")
            if not GROWING.fullmatch(stem):
                yield (stem, span.value), span


def _dealt_with(text: str) -> dict[str, list[Span]]:
    """How many people were arrested, searched, hurt and so on: by what befell them."""
    found: dict[str, list[Span]] = {}
    ones = [Span(*match.span(), 1) for match in ONE.finditer(text)]
    for span in sorted([*numbers(text), *ones]):
        after = SUFFERED_AFTER.match(text, span.end)
        before = SUFFERED_BEFORE.search(text, max(0, span.start - 12), span.start)
        if deed := after or (before if A_PERSON.match(text, span.end) else None):
            found.setdefault(deed[1].lower(), []).append(span)
    return found


def _timed(text: str, update: re.Pattern[str] | None) -> Iterator[tuple[str, Span]]:
    """Times with the deed they stand beside: the last one before them in their sentence, else the first behind them."""
    for span in clocks(text):
        sentence = sentence_at(text, span.start)
        deeds = [*DEED.finditer(text, sentence.start, sentence.end)]
        others = [*OTHER_DEED.finditer(text, sentence.start, sentence.end)]
        last = max(
            (each for each in (*deeds, *others) if each.start() < span.start),
            key=lambda each: each.start(),
            default=None,
        )
        chosen = last or min((*deeds, *others), key=lambda each: each.start(), default=None)
        if chosen in deeds and not _promises(text, span, update):
            yield chosen[1].lower(), span


def past(text: str, now: datetime, *, update: re.Pattern[str] | None) -> Iterator[Span]:
    """Times given for the next update, with their day, that have passed by `now`."""
    local = now.astimezone(LONDON)
    for sentence in sentences(text):
        part = text[sentence.start : sentence.end]
        if not (update and update.search(part)):
            continue
        for clock, day in zip(clocks(part), days(part), strict=False):
            moment = _moment(local, day.value, minutes_of(clock))
            if moment is not None and moment < local:
                yield Span(sentence.start + clock.start, sentence.start + day.end)


def _moment(local: datetime, day: object, minutes: frozenset[int]) -> datetime | None:
    if not isinstance(day, tuple) or not minutes:
        return None
    hour, minute = divmod(max(minutes), 60)
    try:
        moment = local.replace(month=day[1], day=day[0], hour=hour, minute=minute, second=0, microsecond=0)
    except ValueError:
        return None
    too_far = (local - moment).days > 180  # said in December of a day in January
    return moment.replace(year=local.year + 1) if too_far else moment
