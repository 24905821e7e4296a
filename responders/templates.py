"""Statement templates: Markdown files with what staff must know about them at the top, between lines of `+++`.

Below stand the wordings, each under its heading: `# Long` in the eight parts of PARTS, always in that order, and
`# Short`, `# BCU voice`, `# Internal note`, `# Stakeholder note`, `# If asked`. `responders/filling.py` fills them.
"""

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Annotated, NamedTuple

from jinja2 import StrictUndefined, TemplateError, meta
from jinja2.sandbox import ImmutableSandboxedEnvironment
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from classifier.records import Force, IncidentType
from responders.standing import Answers, StandingQuestion
from triage.checking_facts import FactKinds
from triage.records import Case, Severity

FENCE = "+++"
SHORT = 280
HEADINGS = {
    "long": "# Long",
    "short": "# Short",
    "bcu": "# BCU voice",
    "internal": "# Internal note",
    "stakeholder": "# Stakeholder note",
    "if_asked": "# If asked",
}
PARTS = {
    "know": "## What we know",
    "concern": "## Concern",
    "doing": "## What we are doing",
    "unknown": "## What we do not know yet",
    "wrong": "## If we got it wrong",
    "ask": "## What we ask",
    "update": "## Next update",
    "contact": "## Contact",
}
UNCOUNTED = "contact"  # who to call and the reference are no part of what a line says
Line = Annotated[str, Field(min_length=3, max_length=300)]

environment = ImmutableSandboxedEnvironment(
    undefined=StrictUndefined, autoescape=False, trim_blocks=True, lstrip_blocks=True
)


class StatementTemplateError(ValueError):
    """A statement template is wrong; the message names file, key and reason."""


class When(BaseModel):
    """Which cases a template is for. `facts` must be verified first: without any it can be drafted at once."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    types: frozenset[IncidentType] = Field(min_length=1)
    severities: frozenset[Severity] = Field(min_length=1)
    forces: frozenset[Force] = frozenset({Force.MET, Force.UNKNOWN})
    facts: tuple[str, ...] = ()

    def fits(self, case: Case, verified: Iterable[str] = ()) -> bool:
        """Whether this case, with these facts verified by name, is one of them."""
        return self.meant_for(case) and set(self.facts) <= set(verified)

    def meant_for(self, case: Case) -> bool:
        """Whether it is one of them by its type, severity and force."""
        return case.type in self.types and case.severity in self.severities and case.force in self.forces


class Front(BaseModel):
    """What stands at the top of a template. `said_to_be` are facts that its words say are not verified."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: Annotated[str, Field(pattern=r"^H[1-9]\d?$")]
    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,39}$")]
    title: Annotated[str, Field(min_length=1, max_length=120)]
    when: When
    required: tuple[str, ...] = Field(min_length=1)
    optional: tuple[str, ...] = ()
    said_to_be: tuple[str, ...] = ()
    max_words: Annotated[int, Field(ge=10, le=1000)]
    approver: Line
    second_approver: str = ""
    owner: Line
    review_on: date
    constraints: tuple[Line, ...] = Field(min_length=1)
    final: bool = False
    next_update_minutes: dict[Severity, Annotated[int, Field(ge=5, le=24 * 60)]] = {}
    checking: dict[IncidentType, Annotated[str, Field(min_length=1, max_length=120)]] = {}
    questions: dict[str, Answers] = {}


class StatementTemplate(NamedTuple):
    """One template: its front matter, the parts of its long wording, and its other wordings by name."""

    front: Front
    parts: Mapping[str, str]
    wordings: Mapping[str, str]
    standing: tuple[StandingQuestion, ...]

    @property
    def name(self) -> str:
        return self.front.name


def read_templates(
    paths: Iterable[Path], kinds: FactKinds, standing: Sequence[StandingQuestion]
) -> tuple[StatementTemplate, ...]:
    """All templates in the order of their ids. Raises StatementTemplateError, also for a name or id used twice."""
    templates: list[StatementTemplate] = []
    for path in paths:
        template = read_template(path, kinds, standing)
        for other in templates:
            if template.name == other.name:
                raise StatementTemplateError(f"{path}: name: {template.name!r} is used by another template")
            if template.front.id == other.front.id:
                raise StatementTemplateError(f"{path}: id: {template.front.id} is used by another template")
        templates.append(template)
    return tuple(sorted(templates, key=lambda each: int(each.front.id[1:])))


def read_template(path: Path, kinds: FactKinds, standing: Sequence[StandingQuestion]) -> StatementTemplate:
    """One template; what it asks for must be facts that there are. Raises StatementTemplateError."""
    try:
        before, front, body = path.read_text(encoding="utf-8").split(f"{FENCE}\n", 2)
        if before:
            raise StatementTemplateError(f"the first line must be {FENCE}")
        read = Front.model_validate(tomllib.loads(front))
        wordings = _split(body, HEADINGS)
        parts = _split(wordings.pop("long"), PARTS)
        template = StatementTemplate(read, parts, wordings, _standing(read, standing))
        _agree(template, kinds)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise StatementTemplateError(f"{path}: {where}: {first['msg']}") from error
    except (OSError, ValueError) as error:
        raise StatementTemplateError(f"{path}: {error}") from error
    return template


def _split(text: str, headings: Mapping[str, str]) -> dict[str, str]:
    """The text below each heading; all must be there, in this order, and nothing before the first."""
    places = []
    for heading in headings.values():
        found = [match.start() for match in re.finditer(rf"^{re.escape(heading)}[ ]*$", text, re.MULTILINE)]
        if len(found) != 1:
            raise StatementTemplateError(f"{heading!r} must stand there exactly once, on a line of its own")
        places.append(found[0])
    if places != sorted(places) or text[: places[0]].strip():
        raise StatementTemplateError(f"the headings come in this order: {', '.join(headings.values())}")
    ends = [*places[1:], len(text)]
    return {
        name: text[start:end].partition("\n")[2].strip()
        for name, start, end in zip(headings, places, ends, strict=True)
    }


def _standing(front: Front, standing: Sequence[StandingQuestion]) -> tuple[StandingQuestion, ...]:
    for name in front.questions.keys() - {each.name for each in standing}:
        raise StatementTemplateError(f"questions: {name!r} is no standing question")
    return tuple(each.said(front.questions.get(each.name)) for each in standing)


def _agree(template: StatementTemplate, kinds: FactKinds) -> None:
    front = template.front
    named = {*front.required, *front.optional}
    for name in sorted({*named, *front.when.facts, *front.said_to_be} - kinds.names):
        raise StatementTemplateError(f"{name!r} is no fact; config/statements/facts.toml lists them")
    for where, text in [*template.parts.items(), *template.wordings.items()]:
        for name in sorted(asked_by(where, text) - named):
            raise StatementTemplateError(
                f"{where}: needs {name!r}, which is under neither required nor optional"
            )
        if not text and where != "wrong" and not (where == "update" and front.final):
            raise StatementTemplateError(f"{where}: there are no words")
    if "checking" in front.required:
        for type_ in sorted(front.when.types - set(front.checking)):
            raise StatementTemplateError(f"checking: nothing is said for {type_.value!r}")
    if "next_update" in front.required:
        for severity in sorted(front.when.severities - set(front.next_update_minutes)):
            raise StatementTemplateError(f"next_update_minutes: nothing is said for {int(severity)}")


def asked_by(where: str, text: str) -> set[str]:
    """The facts a text asks for. Raises StatementTemplateError for markup that cannot be read."""
    try:
        return set(meta.find_undeclared_variables(environment.parse(text)))
    except TemplateError as error:
        raise StatementTemplateError(f"{where}: {error}") from error
