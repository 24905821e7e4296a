"""Statement templates: Markdown files with what staff must know about them at the top, between lines of `+++`."""

import tomllib
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, NamedTuple

from jinja2 import StrictUndefined, TemplateError, meta
from jinja2.sandbox import ImmutableSandboxedEnvironment
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from classifier.records import Force, IncidentType
from triage.records import Case, Severity

FENCE = "+++"
FACTS = ("place", "aware_since", "checking", "next_update")
LONGEST = {  # the longest each fact becomes, to see at start whether a template can keep to its length
    "place": "Streatham High Road, Kensington and Chelsea",
    "aware_since": "23:59 on 30 September",
    "next_update": "23:59 on 30 September",
}

_environment = ImmutableSandboxedEnvironment(undefined=StrictUndefined, autoescape=False)


class StatementTemplateError(ValueError):
    """A statement template is wrong; the message names file, key and reason."""


class When(BaseModel):
    """Which cases a template is for."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    types: frozenset[IncidentType] = Field(min_length=1)
    severities: frozenset[Severity] = Field(min_length=1)
    forces: frozenset[Force] = frozenset({Force.MET, Force.UNKNOWN})

    def fits(self, case: Case) -> bool:
        return case.type in self.types and case.severity in self.severities and case.force in self.forces


class Front(BaseModel):
    """What stands at the top of a template."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,39}$")]
    title: Annotated[str, Field(min_length=1, max_length=120)]
    when: When
    required: tuple[str, ...] = Field(min_length=1)
    max_words: Annotated[int, Field(ge=10, le=1000)]
    approver: Annotated[str, Field(min_length=1)]
    owner: Annotated[str, Field(min_length=1)]
    review_on: date
    constraints: tuple[str, ...] = Field(min_length=1)
    next_update_minutes: dict[Severity, Annotated[int, Field(ge=5, le=24 * 60)]]
    checking: dict[IncidentType, Annotated[str, Field(min_length=1, max_length=200)]]


class StatementTemplate(NamedTuple):
    """One template: its front matter and the text to fill."""

    front: Front
    body: str

    @property
    def name(self) -> str:
        return self.front.name

    def fill(self, facts: Mapping[str, str]) -> str:
        """The text with these facts. A required fact that is not known leaves a gap in square brackets.

        Raises StatementTemplateError when the text asks for what is no fact, or grows over its length.
        """
        gaps = {name: f"[{name.replace('_', ' ')} not known]" for name in self.front.required}
        try:
            filled = _environment.from_string(self.body).render({**gaps, **facts})
        except TemplateError as error:
            raise StatementTemplateError(f"template {self.name}: {error}") from error
        words = len(filled.split())
        if words > self.front.max_words:
            raise StatementTemplateError(
                f"template {self.name}: {words} words, {self.front.max_words} are allowed"
            )
        return filled.strip() + "\n"


def read_templates(paths: Iterable[Path]) -> tuple[StatementTemplate, ...]:
    """All templates in the order of their files. Raises StatementTemplateError, also for a name used twice."""
    templates: list[StatementTemplate] = []
    for path in paths:
        template = read_template(path)
        if any(template.name == other.name for other in templates):
            raise StatementTemplateError(f"{path}: name: {template.name!r} is used by another template")
        templates.append(template)
    return tuple(templates)


def read_template(path: Path) -> StatementTemplate:
    """One template, tried out with the longest facts it can meet."""
    try:
        before, front, body = path.read_text(encoding="utf-8").split(f"{FENCE}\n", 2)
        if before:
            raise StatementTemplateError(f"{path}: the first line must be {FENCE}")
        template = StatementTemplate(Front.model_validate(tomllib.loads(front)), body.strip())
    except StatementTemplateError:
        raise
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise StatementTemplateError(f"{path}: {where}: {first['msg']}") from error
    except (OSError, ValueError) as error:
        raise StatementTemplateError(f"{path}: {error}") from error
    _try_out(path, template)
    return template


def _try_out(path: Path, template: StatementTemplate) -> None:
    front = template.front
    try:
        asked = meta.find_undeclared_variables(_environment.parse(template.body))
    except TemplateError as error:
        raise StatementTemplateError(f"{path}: {error}") from error
    for name in sorted({*asked, *front.required} - set(FACTS)):
        raise StatementTemplateError(f"{path}: {name!r} is no fact; there are {', '.join(FACTS)}")
    for name in sorted(asked - set(front.required)):
        raise StatementTemplateError(f"{path}: required: the text needs {name!r}, which is not listed")
    for type_ in sorted(front.when.types - set(front.checking)):
        raise StatementTemplateError(f"{path}: checking: nothing is said for {type_.value!r}")
    for severity in sorted(front.when.severities - set(front.next_update_minutes)):
        raise StatementTemplateError(f"{path}: next_update_minutes: nothing is said for {int(severity)}")
    for checking in front.checking.values():
        try:
            template.fill({**LONGEST, "checking": checking})
        except StatementTemplateError as error:
            raise StatementTemplateError(f"{path}: {error}") from error
