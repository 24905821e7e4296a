"""What a draft is checked against, and what checking finds."""

from datetime import datetime
from typing import NamedTuple

from triage.checking_facts import Fact

VARIANTS = ("long", "short", "bcu", "internal", "stakeholder", "if_asked")


class Finding(NamedTuple):
    """One thing a rule found in text[start:end], which is `words`. Where something is missing, start and end are 0.

    A finding that blocks keeps the draft from being approved; one that warns may be accepted with a reason. `rule` is
    its name in `config/statements/checks*.toml`, `why` and `source` are made for the writer.
    """

    rule: str
    blocks: bool
    start: int
    end: int
    words: str
    why: str
    source: str


class Claimed(NamedTuple):
    """A claim that goes around about the case, in its own words, and what people have found it to be."""

    words: str
    state: str = "unverified"


class Context(NamedTuple):
    """What is known beside the text. The empty one is that of a text nobody knows anything about.

    `facts` are all facts of the case; only verified ones count. None means that they are not at hand: then what cannot
    be compared warns, where otherwise it blocks. Without `now` nothing is late. `variant` is one of VARIANTS or
    `answer`. `home` are the borough and the command unit of the case, which may be named. `earlier` are lines that
    were issued, `claims` what goes around. `cleared` names rules that the person who answers for them has cleared for
    this draft, as the safeguarding lead clears `child`. `final` marks a line after which no update is due, `corrects`
    one that corrects an earlier line.
    """

    now: datetime | None = None
    facts: tuple[Fact, ...] | None = None
    variant: str = "long"
    headline: str = ""
    home: tuple[str, ...] = ()
    earlier: tuple[str, ...] = ()
    claims: tuple[Claimed, ...] = ()
    expires_at: datetime | None = None
    active_proceedings: bool = False
    child: bool = False
    sexual_offence: bool = False
    bwv_viewed: bool = False
    apology_approved: bool = False
    finding_made: bool = False
    corrects: bool = False
    final: bool = False
    cleared: frozenset[str] = frozenset()

    @property
    def verified(self) -> tuple[Fact, ...]:
        return tuple(fact for fact in self.facts or () if fact.verified)

    def value(self, name: str) -> str:
        """The verified value of a fact; empty when there is none."""
        return next((fact.value for fact in self.verified if fact.name == name), "")
