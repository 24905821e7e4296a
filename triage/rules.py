"""Who hears of what, and how soon: rules read from a file, of which the first that fits decides.

Everything a rule can ask is in `Facts`, everything it can decide in `Rule`. A file that is wrong is refused
with its name, the rule, the key and the reason; so is one whose last rule leaves some posts undecided.
"""

import hashlib
import re
import tomllib
from collections.abc import Mapping, Sequence
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, NamedTuple

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from classifier.records import Force, IncidentType
from triage.records import Desk, Severity

_LENGTH = re.compile(r"([1-9][0-9]{0,4})\s*(m|h|d)")
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


class RulesError(ValueError):
    """The rules cannot be used; the message names file, rule, key and reason."""


class Outcome(StrEnum):
    """RAISE: a case, and its desks are told. LIST: a case that waits in the queue. NOTE: counted, and joined to
    a case it surely belongs to. DROP: nothing but the line that says so.
    """

    RAISE = "raise"
    LIST = "list"
    NOTE = "note"
    DROP = "drop"


class Priority(StrEnum):
    CRITICAL = "critical"
    HIGH = "high"
    ROUTINE = "routine"
    NOTE = "note"


class Lane(StrEnum):
    """A queue of its own, beside what waits for a decision."""

    GOOD_NEWS = "good_news"


class Facts(NamedTuple):
    """What rules may ask of one assessed post. `signals` are names, `age` is since publication."""

    incident: float
    incident_any: float
    type: IncidentType
    force: Force
    severity: Severity
    labels: Mapping[str, float]
    signals: frozenset[str]
    boroughs: frozenset[str]
    claim: float
    unverified: float
    abstain: bool
    trigger: bool
    age: timedelta


def _length(written: object) -> object:
    """`30m`, `48h`, `7d`."""
    found = _LENGTH.fullmatch(written) if isinstance(written, str) else None
    if found is None:
        raise ValueError("write a length of time such as 30m, 48h or 7d")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


Probability = Annotated[float, Field(ge=0, le=1)]
Length = Annotated[timedelta, BeforeValidator(_length)]


class Rule(BaseModel):
    """One rule. All conditions given must hold; of a list, one. `severity` means this grave or graver.

    `desks` see the case, `alert` are told (all of them unless named), `also` names others, whom a person tells.
    `no_worse_than` caps the case's severity, for what is not ours to answer; `graver_by` makes it so many levels
    graver, once, for what will be seen by many. `lane` keeps it in a queue of its own. `review` puts the case on the
    oversight review's list, `draft` has a holding statement drafted.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{1,39}$")]
    because: Annotated[str, Field(min_length=3, max_length=120)]

    incident: Probability | None = None
    incident_any: Probability | None = None
    claim: Probability | None = None
    unverified: Probability | None = None
    types: tuple[IncidentType, ...] = ()
    force: tuple[Force, ...] = ()
    labels: dict[str, Probability] = {}
    signals: tuple[str, ...] = ()
    borough: tuple[str, ...] = ()
    severity: Severity | None = None
    trigger: bool | None = None
    abstain: bool | None = None
    published_within: Length | None = None

    outcome: Outcome
    desks: tuple[Desk, ...] = ()
    alert: tuple[Desk, ...] | None = None
    also: tuple[str, ...] = ()
    priority: Priority = Priority.ROUTINE
    no_worse_than: Severity | None = None
    graver_by: Annotated[int, Field(ge=0, le=2)] = 0
    lane: Lane | None = None
    review: bool = False
    draft: bool = True

    def fits(self, facts: Facts) -> bool:
        """Whether every condition of the rule holds."""
        return (
            (self.incident is None or facts.incident >= self.incident)
            and (self.incident_any is None or facts.incident_any >= self.incident_any)
            and (not self.types or facts.type in self.types)
            and (not self.force or facts.force in self.force)
            and (self.trigger is None or facts.trigger is self.trigger)
            and (self.severity is None or facts.severity <= self.severity)
            and (self.abstain is None or facts.abstain is self.abstain)
            and (self.claim is None or facts.claim >= self.claim)
            and (self.unverified is None or facts.unverified >= self.unverified)
            and (not self.labels or any(facts.labels.get(k, 0.0) >= v for k, v in self.labels.items()))
            and (not self.signals or any(each in facts.signals for each in self.signals))
            and (not self.borough or any(each in facts.boroughs for each in self.borough))
            and (self.published_within is None or facts.age <= self.published_within)
        )

    @property
    def told(self) -> tuple[Desk, ...]:
        """The desks that get an alert."""
        if self.outcome is not Outcome.RAISE:
            return ()
        return self.desks if self.alert is None else self.alert

    @property
    def opens(self) -> bool:
        """Whether a post under this rule has a case."""
        return self.outcome in (Outcome.RAISE, Outcome.LIST)

    @property
    def asks_nothing(self) -> bool:
        return not self.model_fields_set & _CONDITIONS


_CONDITIONS = {
    "incident", "incident_any", "claim", "unverified", "types", "force", "labels", "signals", "borough",
    "severity", "trigger", "abstain", "published_within",
}  # fmt: skip


class Rules(NamedTuple):
    """Rules in order. The last one fits everything.

    What was published longer than `fresh_for` ago is told in a digest, whatever the rule. `version` begins the
    digest of the words they were read from. `others` are whom no desk stands for, by the names that rules use.
    """

    rules: tuple[Rule, ...]
    fresh_for: timedelta
    version: str | None = None
    others: Mapping[str, str] = MappingProxyType({})

    def first_fit(self, facts: Facts) -> Rule:
        """The rule that decides."""
        return next(rule for rule in self.rules if rule.fits(facts))


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    fresh_for: Length
    others: dict[str, str] = {}
    rule: tuple[Rule, ...]


def read_rules(path: Path) -> Rules:
    """The rules in a file. Raises RulesError."""
    return parse_rules(read_words(path), str(path))


def read_words(path: Path) -> str:
    """The words of a file of rules, to the letter. Raises RulesError."""
    try:
        return path.read_bytes().decode()
    except (OSError, UnicodeDecodeError) as error:
        raise RulesError(f"{path}: {error}") from error


def digest_of(words: str) -> str:
    """SHA-256 of the words, in hexadecimal."""
    return hashlib.sha256(words.encode()).hexdigest()


def in_brief(digest: str) -> str:
    """The beginning of a digest: what rules are called by."""
    return digest[:12]


def parse_rules(words: str, path: str) -> Rules:
    """The rules these words write; `path` is what a complaint calls them. Raises RulesError."""
    try:
        raw = tomllib.loads(words.replace("\r\n", "\n"))
        read = _File.model_validate(raw)
    except tomllib.TOMLDecodeError as error:
        raise RulesError(f"{path}: {error}") from error
    except ValidationError as error:
        raise RulesError(f"{path}: {_say(error.errors()[0], raw)}") from error
    _check(path, read.rule, read.others)
    return Rules(read.rule, read.fresh_for, in_brief(digest_of(words)), read.others)


def _check(path: str, rules: Sequence[Rule], others: Mapping[str, str]) -> None:
    """What one rule by itself cannot show to be wrong."""
    names = [rule.name for rule in rules]
    for rule in rules:
        where = f"{path}: rule {rule.name!r}"
        if names.count(rule.name) > 1:
            raise RulesError(f"{where}, name: there are two of this name")
        if rule.opens and not rule.desks:
            raise RulesError(f"{where}, desks: a rule that opens cases must name a desk")
        if rule.told and not set(rule.told) <= set(rule.desks):
            raise RulesError(f"{where}, alert: a desk that is told must be among its desks")
        if unknown := [each for each in rule.also if each not in others]:
            raise RulesError(f"{where}, also: {unknown[0]!r} is not among [others]")
        if rule.asks_nothing and rule is not rules[-1]:
            raise RulesError(f"{where}: it fits everything, so the rules below it would never be asked")
    if not rules or not rules[-1].asks_nothing:
        raise RulesError(f"{path}: the last rule must have no condition, so that every post is decided")


def _say(error: Any, raw: Mapping[str, Any]) -> str:
    where = list(error["loc"])
    said = str(error["msg"]).removeprefix("Value error, ")
    if len(where) >= 2 and where[0] == "rule" and isinstance(where[1], int):
        given = raw["rule"][where[1]]
        name = given.get("name", f"number {where[1] + 1}") if isinstance(given, dict) else where[1] + 1
        return f"rule {name!r}, {'.'.join(str(part) for part in where[2:]) or 'rule'}: {said}"
    return f"{'.'.join(str(part) for part in where) or 'file'}: {said}"
