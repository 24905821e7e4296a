"""A script: one exercise as a file, `config/exercises/<name>.toml`. What is posted when, what becomes known, what is
expected of the team. All times are minutes from its beginning.
"""

import string
import tomllib
from collections.abc import Collection, Iterator, Sequence
from datetime import time
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from config.settings import Settings
from config.wording import TEMPLATES, fact_kinds_of
from triage.checking_facts import FactError, FactKinds
from triage.claim_records import ClaimState, ClaimType

FEWEST, MOST = 500, 5_000
PATTERN = "exercises/*.toml"
Minute = Annotated[int, Field(ge=0, le=24 * 60)]
Key = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{1,39}$")]
Words = Annotated[str, Field(min_length=3, max_length=1_000)]


class ScriptError(ValueError):
    """An exercise's file is wrong; the message names file, key and reason."""


class Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Happening(Part):
    """One incident as it is in the world of the exercise: the team must find it `within` minutes of its first post.
    `raised` false: it is real, but nobody need be alerted.
    """

    key: Key
    title: Words
    within: Annotated[int, Field(ge=1, le=600)] = 15
    raised: bool = True


class Family(Part):
    """Posts of one kind, in several wordings with slots. `about` is the incident they tell of; without it they are
    noise. `rumour` is the false claim they spread. `quotes` names a family whose posts they quote, `share` how often.
    `copied` is the share that repeats an earlier one word for word but for a tag, as a coordinated flood does.
    """

    name: Key
    about: str = ""
    rumour: str = ""
    voices: tuple[Words, ...] = ()
    texts: tuple[Words, ...] = Field(min_length=1)
    slots: dict[str, tuple[str, ...]] = {}
    dressed: bool = True
    clip_s: Annotated[float, Field(gt=0)] | None = None
    quotes: str = ""
    share: Annotated[float, Field(ge=0, le=1)] = 0.0
    copied: Annotated[float, Field(ge=0, le=1)] = 0.0
    accounts: Annotated[int, Field(ge=1)] | None = None


class Phase(Part):
    """A stretch of the exercise, and how many posts of which family it brings; `shape` is how they lie in it."""

    name: Words
    begins: Minute
    ends: Minute
    shape: Literal["even", "rising", "falling"] = "even"
    posts: dict[str, Annotated[int, Field(ge=1, le=MOST)]]

    @model_validator(mode="after")
    def _forward(self) -> Self:
        if self.ends <= self.begins:
            raise ValueError("ends: must be after begins")
        return self


class Single(Part):
    """One post that is written out, such as a news item or a longer clip."""

    at: Minute
    platform: Key
    text: Words
    about: str = ""
    rumour: str = ""
    clip_s: Annotated[float, Field(gt=0)] | None = None


class Inject(Part):
    """What the players are told at a time. `facts` can be noted and verified from then on (statements/facts.toml);
    `template` is the line that then fits. In a value `@-20` is the time of day 20 minutes before the beginning, and
    `@date` the day.
    """

    at: Minute
    sender: Words
    title: Words
    text: Words
    facts: dict[str, str] = {}
    template: str = ""
    answers: str = ""


class Rumour(Part):
    """A false or unproven claim that the team should note and decide. A claim of theirs is about it when it holds one
    of `signs`. It should stand as one of `states` within `within` minutes of `known_at`, when its evidence is in.
    """

    key: Key
    claim: Words
    type: ClaimType
    signs: tuple[str, ...] = Field(min_length=1)
    states: tuple[ClaimState, ...] = Field(min_length=1)
    known_at: Minute
    within: Annotated[int, Field(ge=1)] = 30
    evidence: Words
    why: Words


class Expected(Part):
    """What is expected besides the clocks of tracks.toml, in minutes from the first post: see score.py."""

    detect: int = Field(default=5, ge=1)
    alert: int = Field(default=2, ge=1)
    claim: int = Field(default=15, ge=1)
    silence: int = Field(default=60, ge=1)
    templates: tuple[str, ...] = Field(min_length=1)
    wrong_joins: Annotated[float, Field(ge=0, le=1)] = 0.02
    false_alarms: int = Field(default=1, ge=0)


class Script(Part):
    name: Key
    title: Words
    brief: Annotated[str, Field(min_length=40, max_length=2_000)]
    hours: Annotated[int, Field(ge=1, le=12)]
    starts: time
    main: Key
    slots: dict[str, tuple[str, ...]] = {}
    before: tuple[str, ...] = ("",)
    after: tuple[str, ...] = ("",)
    incident: tuple[Happening, ...] = Field(min_length=1)
    family: tuple[Family, ...] = Field(min_length=1)
    phase: tuple[Phase, ...] = Field(min_length=1)
    single: tuple[Single, ...] = ()
    inject: tuple[Inject, ...] = Field(min_length=1)
    rumour: tuple[Rumour, ...] = ()
    expect: Expected

    @property
    def posts(self) -> int:
        return sum(sum(each.posts.values()) for each in self.phase) + len(self.single)

    @property
    def minutes(self) -> int:
        return self.hours * 60

    def family_of(self, name: str) -> Family:
        return next(each for each in self.family if each.name == name)

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        for wrong in self._wrong():
            raise ValueError(wrong)
        return self

    def _wrong(self) -> Iterator[str]:
        incidents, families = {each.key for each in self.incident}, {each.name for each in self.family}
        rumours = {each.key for each in self.rumour}
        if self.main not in incidents:
            yield f"main: no incident has the key {self.main!r}"
        told = [(f"family {each.name}", each.about, each.rumour) for each in self.family]
        told += [(f"the single at {each.at}", each.about, each.rumour) for each in self.single]
        for called, about, rumour in told:
            if about and about not in incidents:
                yield f"{called}, about: no incident has the key {about!r}"
            if rumour and rumour not in rumours:
                yield f"{called}, rumour: no rumour has the key {rumour!r}"
        for family in self.family:
            if family.quotes and family.quotes not in families:
                yield f"family {family.name}, quotes: there is no family {family.quotes!r}"
            known = {**self.slots, **family.slots}
            for text in family.texts:
                if missing := [slot for slot in slots_in(text) if not known.get(slot)]:
                    yield f"family {family.name}, texts: nothing fills {{{missing[0]}}}"
        for phase in self.phase:
            if unknown := sorted(set(phase.posts) - families):
                yield f"phase {phase.name!r}, posts: there is no family {unknown[0]!r}"
        moments = [each.at for each in self.single] + [each.at for each in self.inject]
        last = max([each.ends for each in self.phase] + moments)
        if last > self.minutes:
            yield f"hours: something happens after {last} minutes, when it is over"
        if not FEWEST <= self.posts <= MOST:
            yield f"phase: {self.posts} posts; an exercise has {FEWEST} to {MOST}"
        for inject in self.inject:
            if inject.answers and inject.answers not in rumours:
                yield f"inject at {inject.at}, answers: no rumour has the key {inject.answers!r}"


def slots_in(text: str) -> list[str]:
    return [name for _, name, _, _ in string.Formatter().parse(text) if name]


def read_script(path: Path) -> Script:
    """Raises ScriptError."""
    try:
        script = Script.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ScriptError(f"{path}: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(each) for each in first["loc"]) or "whole file"
        raise ScriptError(f"{path}: key {key}: {first['msg']}") from error
    if script.name != path.stem:
        raise ScriptError(f"{path}: key name: must be {path.stem!r}, as the file is called")
    return script


def read_scripts(paths: Sequence[Path]) -> dict[str, Script]:
    """Every exercise by its name."""
    return {script.name: script for script in map(read_script, sorted(paths))}


def scripts_of(settings: Settings) -> dict[str, Script]:
    """Every exercise, held against the facts and the templates that lines are made of. Raises ScriptError."""
    scripts = read_scripts(settings.files(PATTERN))
    kinds = fact_kinds_of(settings)
    templates = {path.stem for path in settings.files(TEMPLATES)}
    for script in scripts.values():
        if unfit := next(_unfit(script, kinds, templates), None):
            raise ScriptError(f"{settings.file(f'exercises/{script.name}.toml')}: {unfit}")
    return scripts


def _unfit(script: Script, kinds: FactKinds, templates: Collection[str]) -> Iterator[str]:
    named = [("expect.templates", each) for each in script.expect.templates]
    named += [(f"inject at {each.at}, template", each.template) for each in script.inject if each.template]
    for key, template in named:
        if template not in templates:
            yield f"key {key}: there is no template {template!r}"
    for inject in script.inject:
        for name, value in inject.facts.items():
            try:
                if kinds.of(name).ours:
                    yield f"key inject at {inject.at}, facts.{name}: the service knows this by itself"
                if not value.startswith("@"):
                    kinds.clean(name, value)
            except FactError as error:
                yield f"key inject at {inject.at}, facts.{name}: {error}"
