"""Filling: a template and the facts of a case become a draft. Only verified facts are said; the rest is listed.

A fact that nobody verified, or that is not there, leaves a gap in square brackets and stands under `missing`. Two
verified values of one fact are a contradiction: neither is said, and the draft is blocked until a person decides.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

from jinja2 import TemplateError

from responders.standing import StandingQuestion
from responders.templates import (
    SHORT,
    UNCOUNTED,
    StatementTemplate,
    StatementTemplateError,
    asked_by,
    environment,
)
from triage.checking_facts import Fact, FactKinds

GOLDEN_HOUR = "Golden Hour"  # who vouches for what the service knows by itself


class Contradiction(NamedTuple):
    """One fact with more than one verified value."""

    name: str
    facts: tuple[Fact, ...]


class Answer(NamedTuple):
    """A standing question with the words for each way to answer it. `answer` is empty until its facts are verified."""

    name: str
    asks: str
    answer: str
    not_yet: str
    cannot_say: str


class Draft(NamedTuple):
    """What came of filling. `texts` has every wording by its name (triage/checking_context.py, VARIANTS); `facts` are
    those it says. `missing` names required facts that could not be said, `unverified` those among them that somebody
    noted and nobody verified yet.
    """

    template: str
    texts: dict[str, str]
    answers: tuple[Answer, ...]
    facts: tuple[Fact, ...]
    missing: tuple[str, ...]
    unverified: tuple[str, ...]
    contradictions: tuple[Contradiction, ...]

    @property
    def text(self) -> str:
        return self.texts["long"]

    @property
    def blocked(self) -> bool:
        return bool(self.contradictions)


def fill(template: StatementTemplate, facts: Iterable[Fact]) -> Draft:
    """The draft of a template with these facts of a case, of which some may say the same thing twice.

    Raises StatementTemplateError when a wording grows over its length.
    """
    facts = tuple(facts)
    front = template.front
    names = tuple(dict.fromkeys((*front.required, *front.optional, *_asked_by_questions(template.standing))))
    usable = {name: _usable(facts, name, name in front.said_to_be) for name in names}
    torn = {name: each for name, each in usable.items() if len({fact.value.casefold() for fact in each}) > 1}
    known = {name: each[-1] for name, each in usable.items() if each and name not in torn}
    missing = tuple(name for name in front.required if name not in known)
    noted = {fact.name for fact in facts}
    values = {
        **{name: "" for name in names},
        **{name: _gap(name, torn) for name in missing},
        **{name: fact.value for name, fact in known.items()},
    }
    return Draft(
        template.name,
        _wordings(template, values),
        tuple(_answer(each, values, known.keys(), template.name) for each in template.standing),
        tuple(known.values()),
        missing,
        tuple(name for name in missing if name in noted and name not in torn),
        tuple(Contradiction(name, each) for name, each in torn.items()),
    )


def try_out(template: StatementTemplate, kinds: FactKinds) -> None:
    """Fill with the longest value of every fact, and with none. Raises StatementTemplateError."""
    longest = {each.name: each.longest for each in kinds.fact}
    for type_ in template.front.checking.values() or ("",):
        values = {**longest, "checking": type_ or longest["checking"]}
        _wordings(template, values)
        _wordings(template, {name: "no" if value == "yes" else value for name, value in values.items()})
    fill(template, ())


def _usable(facts: Sequence[Fact], name: str, said_to_be: bool) -> tuple[Fact, ...]:
    named = tuple(fact for fact in facts if fact.name == name)
    verified = tuple(fact for fact in named if fact.verified)
    return verified or (named if said_to_be else ())


def _gap(name: str, torn: Iterable[str]) -> str:
    spoken = name.replace("_", " ")
    return f"[{spoken}: two values, decide which]" if name in torn else f"[{spoken} not known]"


def _wordings(template: StatementTemplate, values: dict[str, str]) -> dict[str, str]:
    parts = {name: _render(text, values, template.name) for name, text in template.parts.items()}
    words = sum(len(text.split()) for name, text in parts.items() if name != UNCOUNTED)
    if words > template.front.max_words:
        raise StatementTemplateError(
            f"template {template.name}: {words} words, {template.front.max_words} are allowed"
        )
    others = {name: _render(text, values, template.name) for name, text in template.wordings.items()}
    if len(others["short"]) > SHORT and "[" not in others["short"]:
        raise StatementTemplateError(
            f"template {template.name}: short: {len(others['short'])} characters, {SHORT} are allowed"
        )
    return {"long": "\n\n".join(text for text in parts.values() if text), **others}


def _answer(
    question: StandingQuestion, values: dict[str, str], known: Iterable[str], template: str
) -> Answer:
    can = set(question.needs) <= set(known)
    return Answer(
        question.name,
        question.asks,
        _render(question.answer, values, template) if can else "",
        _render(question.not_yet, values, template),
        _render(question.cannot_say, values, template),
    )


def _asked_by_questions(standing: Iterable[StandingQuestion]) -> list[str]:
    return sorted(
        {
            name
            for each in standing
            for name in (*each.needs, *asked_by(each.name, each.answer + each.not_yet + each.cannot_say))
        }
    )


def _render(text: str, values: dict[str, str], template: str) -> str:
    try:
        return _compiled(text).render(values).strip()
    except TemplateError as error:
        raise StatementTemplateError(f"template {template}: {error}") from error


# the few hundred wordings that ship are said again and again
_compiled = lru_cache(maxsize=1_000)(environment.from_string)
