"""The kinds of rules: each reads a text as one rule asks it to and gives what it finds.

| kind | finds |
|---|---|
| pattern | words that must not be there; with `where`, only in a sentence where that is found too |
| missing | that none of some words is there; with `where`, none where that is found too; `unless` spans two;
|  | nor is anything heard as one of the acts in `heard` |
| flag | that a flag is set and nobody cleared the rule |
| together | a sentence in which every one of the patterns is found |
| headline | what is said, or a claim repeated, in the headline or the first sentence |
| names | names of people |
| unsupported | a sentence with `most` words or more of no verified fact and of no ordinary line |
| untold | a sentence heard as a plain fact, of whose words verified facts have no more than the share `most` |
| heard | a sentence heard as one of the acts in `heard`, surer than `most`, and from `blocks_from` stopped |
| facts | times, days, numbers and places that no verified fact has |
| stated | that a fact is claimed which is verified as no, or not verified |
| promised | a time for the next update, in a sentence with `where`, other than the verified one |
| conflict | what differs from an earlier line: with patterns, what one says and the other denies, or after `where`;
|  | then what differs from verified facts warns |
| expiry | that the line, or the time it gives for the next update, is past |
| reading | a text that takes more than `most` years of school |
"""

import re
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple, Self

from triage.checking_context import Context, Finding
from triage.checking_names import Known, names_in
from triage.checking_proof import Promises, draft_read
from triage.checking_rules import Check, Lists
from triage.checking_said import conflicts, counts, minutes_of, past, unverified
from triage.checking_sense import Sense
from triage.checking_stems import stems_of, strange
from triage.checking_text import Span, clause_at, clocks, noted_clocks, sentence_at, sentences

HEADING_WORDS = 16
RUMOURED = ("unverified", "disputed", "false", "partial", "opinion")
HELD = 0.7  # share of the words of a clause that verified facts must have to bear it out
UNSAID = -2.0  # below which logit of the proofreader no sentence says when the next update comes, surely
REPEATED = 0.6  # share of the words of a claim that make a headline repeat it
_DENIED = re.compile(
    r"\b(?:no(?! (?:further action|lasting|longer|one else)\b)|not|never|nobody(?! else\b)|none|nothing|neither|nor"
    r"|without(?! (?:any |further )?(?:charge|action)\b)|unhurt|uninjured)\b|n['’]t\b",
    re.IGNORECASE,
)
_ANOTHER = re.compile(
    r"(?:,|;| and)(?= (?:and |but )?(?:no|nobody|none|nothing|not|(?:the |an? |our |his |her |their |one |two )?\w+"
    r" (?:was|were|has|had|have|is|are))\b)",
    re.IGNORECASE,
)
_QUESTION = re.compile(r"\s*(?:Q|Question)(?: ?\d+)? ?[:.)]", re.IGNORECASE)
_OF_PLACES = re.compile(r"place|where|road|venue|location|ward|station|force|body|unit|origin", re.IGNORECASE)
_EMPTY = frozenset(
    (
        "been",
        "have",
        "were",
        "that",
        "with",
        "from",
        "they",
        "this",
        "being",
        "into",
        "their",
        "will",
        "shall",
        "would",
    )
)
_VOWELS = re.compile(r"[aeiouy]+")
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")


class Ground(NamedTuple):
    """What the recognisers know."""

    known: Known
    said: frozenset[str]
    sense: Sense | None = None
    promises: Promises | None = None

    @classmethod
    def of(
        cls,
        lists: Lists,
        places: Iterable[str],
        given_names: Iterable[str],
        sense: Sense | None = None,
        promises: Promises | None = None,
    ) -> Self:
        return cls(Known(lists, places, given_names), stems_of(lists.said), sense, promises)


Found = Iterator[Finding]


def pattern(rule: Check, text: str, context: Context, ground: Ground) -> Found:  # noqa: ARG001
    verified = context.value(rule.fact).casefold() if rule.fact else ""
    known = _stems(" ".join(fact.value for fact in context.verified)) if rule.supported else set()
    for start, end in _matches(rule, text):
        said = text[start:end]
        if said.casefold() in verified or (rule.supported and _stems(said) and _stems(said) <= known):
            continue
        made = found(rule, text, start, end)
        yield made._replace(blocks=made.blocks and not (rule.supported and context.facts is None))


def _matches(rule: Check, text: str) -> Iterator[tuple[int, int]]:
    for expression in rule.found:
        for match in expression.finditer(text):
            if match[0] and not _excused(rule, text, *match.span()):
                yield match.span()


def _found_in(rule: Check, text: str) -> Iterator[tuple[int, int]]:
    for expression in rule.found:
        for match in expression.finditer(text):
            if not (rule.excused and rule.excused.search(clause_at(text, *match.span()))):
                yield match.span()


def _excused(rule: Check, text: str, start: int, end: int) -> bool:
    if not rule.questions and _QUESTION.match(text, text.rfind("\n", 0, start) + 1):
        return True
    if rule.excused_after and rule.excused_after.match(text, end):
        return True
    if rule.places:
        sentence = sentence_at(text, start)
        if not rule.places.search(text, sentence.start, sentence.end):
            return True
    return bool(rule.excused and rule.excused.search(clause_at(text, start, end)))


def missing(rule: Check, text: str, context: Context, ground: Ground) -> Found:
    if _has_time_of(rule.fact, text, context):
        return
    if rule.reader and ground.promises:
        said, known = draft_read(text, context)
        surely = ground.promises(said, known)
        promised = [each for each, logit in zip(said, surely, strict=True) if logit >= 0]
        if any(not rule.places or rule.places.search(each) for each in promised):
            return
        stops = max(surely, default=UNSAID - 1) < UNSAID and not _is_excused(rule, text)
        made = found(rule, text, 0, 0)
        yield made._replace(blocks=rule.blocks and stops and context.variant not in rule.warns_in)
    elif not any(gives(rule, each) for each in _parts(text)) and not _is_excused(rule, text):
        yield found(rule, text, 0, 0)._replace(blocks=rule.blocks and context.variant not in rule.warns_in)


def _parts(text: str) -> list[str]:
    return [text[each.start : each.end].strip() for each in sentences(text)]


def _is_excused(rule: Check, text: str) -> bool:
    """Whether a sentence, or one beside the one before it, says why it is missing."""
    excused, parts = rule.excused, _parts(text)
    return excused is not None and any(
        excused.search(f"{before} {each}") for before, each in zip(["", *parts], parts, strict=False)
    )


def gives(rule: Check, sentence: str) -> bool:
    """Whether a sentence gives what would be missing."""
    said = any(each.search(sentence) for each in rule.found)
    return said and (not rule.places or bool(rule.places.search(sentence)))


def _has_time_of(fact: str, text: str, context: Context) -> bool:
    """Whether a text gives the clock time that a verified fact has and no other fact of the case."""
    others = " | ".join(each.value for each in context.verified if each.name != fact)
    own = _minutes(noted_clocks(context.value(fact))) - _minutes(noted_clocks(others))
    return bool(own & _minutes(clocks(text)))


def _minutes(times: Iterable[Span]) -> set[int]:
    return {minute for each in times for minute in minutes_of(each)}


def flag(rule: Check, text: str, context: Context, ground: Ground) -> Found:  # noqa: ARG001
    yield found(rule, text, 0, 0)


def together(rule: Check, text: str, context: Context, ground: Ground) -> Found:  # noqa: ARG001
    for sentence in sentences(text):
        part = text[sentence.start : sentence.end]
        if all(each.search(part) for each in rule.found) and not (rule.excused and rule.excused.search(part)):
            yield found(rule, text, sentence.start, sentence.end)


def headline(rule: Check, text: str, context: Context, ground: Ground) -> Found:  # noqa: ARG001
    for match in (each.search(context.headline) for each in rule.found):
        if match:
            yield found(rule, text, 0, 0)._replace(words=context.headline)
    first = next(iter(sentences(text)), None)
    if first and (_is_heading(text, first) or not rule.heading_only):
        for start, end in _matches(rule, text[: first.end]):
            yield found(rule, text, start, end)
    if rule.heading_only:
        return
    for claim in context.claims:
        if claim.state not in RUMOURED:
            continue
        if _repeats(context.headline, claim.words):
            yield found(rule, text, 0, 0)._replace(words=context.headline)
        if first and _repeats(text[first.start : first.end], claim.words):
            yield found(rule, text, first.start, first.end)


def _is_heading(text: str, first: Span) -> bool:
    """Whether the first sentence stands on a line of its own, short and without a full stop."""
    said = text[first.start : first.end]
    alone = text[: first.end].endswith("\n") or first.end == len(text)
    return alone and not said.rstrip().endswith(".") and len(said.split()) <= HEADING_WORDS


def _repeats(said: str, claim: str) -> bool:
    claimed = _stems(claim)
    return len(claimed) > 1 and len(claimed & _stems(said)) >= REPEATED * len(claimed)


def _stems(text: str) -> set[str]:
    return {word.lower()[:5] for word in _WORD.findall(text) if len(word) > 3 and word.lower() not in _EMPTY}


def names(rule: Check, text: str, context: Context, ground: Ground) -> Found:
    places = " | ".join(
        f"at {fact.value}" if _OF_PLACES.search(fact.name) else fact.value for fact in context.verified
    )
    for name in names_in(text, ground.known):
        words = re.escape(text[name.start : name.end])
        if not re.search(rf"(?:\b(?:at|in|on|near|outside|from) (?:the )?){words}\b", places):
            yield found(rule, text, name.start, name.end)._replace(blocks=rule.blocks and name.sure)


def unsupported(rule: Check, text: str, context: Context, ground: Ground) -> Found:
    if context.facts is None:
        return
    values = " ".join(fact.value for fact in context.verified)
    for span in strange(text, values, ground.said, most=int(rule.most), but=rule.excused):
        yield found(rule, text, span.start, span.end)


def heard(rule: Check, text: str, context: Context, ground: Ground) -> Found:
    """The shortest of overlapping clauses that are heard so."""
    if ground.sense is None:
        return
    taken: list[tuple[int, int]] = []
    for each in sorted(ground.sense.heard(text, ground.known), key=lambda each: each.end - each.start):
        inside = any(each.start <= start and end <= each.end for start, end in taken)
        if each.fault < rule.most or each.wrong not in rule.heard or inside:
            continue
        if excuses(rule, text, each.start, each.end, context):
            continue
        taken.append((each.start, each.end))
        made = found(rule, text, each.start, each.end)
        yield made._replace(blocks=rule.blocks and each.fault >= rule.blocks_from)


def untold(rule: Check, text: str, context: Context, ground: Ground) -> Found:
    if ground.sense is None or context.facts is None:
        return
    for each in ground.sense.heard(text, ground.known):
        said = text[each.start : each.end]
        plain = each.whole and each.act == "states" and not _asked(text, each.start)
        if plain and len(_stems(said)) > 1 and held(said, context) <= rule.most:
            yield found(rule, text, each.start, each.end)


def excuses(rule: Check, text: str, start: int, end: int, context: Context) -> bool:
    """Whether a rule lets words pass that were heard as what it is against."""
    if rule.kind == "untold" and (context.facts is None or held(text[start:end], context) > rule.most):
        return True
    borne_out = rule.supported and held(text[start:end], context) >= HELD
    asks = _asked(text, start) and not rule.asking
    return borne_out or asks or _excused(rule, text, start, end)


def _asked(text: str, place: int) -> bool:
    """Whether a sentence asks, and so says nothing."""
    sentence = sentence_at(text, place)
    return text[sentence.start : sentence.end].rstrip(" \n\"'”’)").endswith("?")


def held(said: str, context: Context) -> float:
    """The share of its words that verified facts have too."""
    stems = _stems(said)
    known = _stems(" ".join(f"{fact.name.replace('_', ' ')} {fact.value}" for fact in context.verified))
    return len(stems & known) / len(stems) if stems else 0.0


def facts(rule: Check, text: str, context: Context, ground: Ground) -> Found:
    for span in unverified(text, context, ground.known, update=rule.places):
        made = found(rule, text, span.start, span.end)
        yield made._replace(blocks=rule.blocks and context.facts is not None and counts(text, span))


def promised(rule: Check, text: str, context: Context, ground: Ground) -> Found:  # noqa: ARG001
    entered = _minutes(noted_clocks(context.value(rule.fact)))
    for sentence in sentences(text):
        part = text[sentence.start : sentence.end]
        times = clocks(part) if rule.places and rule.places.search(part) else []
        if times and entered and not any(minutes_of(each) & entered for each in times):
            yield found(rule, text, sentence.start + times[-1].start, sentence.start + times[-1].end)


def stated(rule: Check, text: str, context: Context, ground: Ground) -> Found:  # noqa: ARG001
    value = context.value(rule.fact)
    if context.facts is None or (value and value != "no"):
        return
    if not value and any(each.search(fact.value) for each in rule.found for fact in context.verified):
        return
    for start, end in _matches(rule, text):
        if value or not rule.supported or held(text[start:end], context) < HELD:
            yield found(rule, text, start, end)._replace(blocks=value == "no")


def conflict(rule: Check, text: str, context: Context, ground: Ground) -> Found:
    """What an earlier line says otherwise blocks; what verified facts, which say less plainly what they deny, warns."""
    if not rule.found:
        for span in conflicts(text, context.earlier, ground.known, update=rule.places):
            yield found(rule, text, span.start, span.end)
        return
    for earlier in context.earlier:
        for start, end in _contradicting(rule, text, earlier):
            yield found(rule, text, start, end)
    known = ". ".join(part for fact in context.verified for part in fact.value.split(", "))
    for start, end in _contradicting(rule, text, known):
        denied = _DENIED.search(clause_at(text, start, end))
        yield from [found(rule, text, start, end)._replace(blocks=False)] if rule.places or denied else []


def _contradicting(rule: Check, text: str, said: str) -> Iterator[tuple[int, int]]:
    """Where a text says what was not so, or leaves no room for what was `said`."""
    if rule.places:
        yield from _found_in(rule, text) if rule.places.search(said) else ()
        return
    before = _polarity(rule, said)
    for says, span in _polarity(rule, text).items():
        if before.keys() == {not says}:
            yield span


def _polarity(rule: Check, text: str) -> dict[bool, tuple[int, int]]:
    """Where a text says so, and where it says that it was not so."""
    said: dict[bool, tuple[int, int]] = {}
    for sentence in sentences(text):
        if rule.excused and rule.excused.search(text, sentence.start, sentence.end):
            continue
        for part in _denied_apart(text, sentence):
            match = next((match for each in rule.found if (match := each.search(text, *part))), None)
            if match:
                said.setdefault(not _DENIED.search(text, *part), match.span())
    return said


def _denied_apart(text: str, sentence: Span) -> Iterator[tuple[int, int]]:
    """A sentence cut where a denial ends: `he was hurt and no arrest was made` denies the arrest alone."""
    start = sentence.start
    for cut in _ANOTHER.finditer(text, sentence.start, sentence.end):
        yield start, cut.start()
        start = cut.start()
    yield start, sentence.end


def expiry(rule: Check, text: str, context: Context, ground: Ground) -> Found:  # noqa: ARG001
    if context.now is None:
        return
    if context.expires_at is not None and context.now >= context.expires_at:
        yield found(rule, text, 0, 0)
    for span in past(text, context.now, update=rule.places):
        yield found(rule, text, span.start, span.end)


def reading(rule: Check, text: str, context: Context, ground: Ground) -> Found:  # noqa: ARG001
    words = _WORD.findall(text)
    if len(words) < 30:
        return
    syllables = sum(max(1, len(_VOWELS.findall(word.lower().removesuffix("e")))) for word in words)
    grade = 0.39 * len(words) / len(sentences(text)) + 11.8 * syllables / len(words) - 15.59  # Kincaid 1975
    if grade > rule.most:
        yield found(rule, text, 0, 0)


def found(rule: Check, text: str, start: int, end: int) -> Finding:
    return Finding(rule.name, rule.blocks, start, end, text[start:end], rule.why, rule.source)


KINDS: dict[str, Callable[[Check, str, Context, Ground], Found]] = {
    "pattern": pattern,
    "missing": missing,
    "flag": flag,
    "together": together,
    "headline": headline,
    "names": names,
    "unsupported": unsupported,
    "heard": heard,
    "untold": untold,
    "facts": facts,
    "promised": promised,
    "stated": stated,
    "conflict": conflict,
    "expiry": expiry,
    "reading": reading,
}
