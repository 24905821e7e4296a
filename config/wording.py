"""What staff wrote for statements, read together: templates need the facts and the standing questions they name."""

from datetime import date

from collector.linter import Linter
from config.settings import HERE, Settings
from responders.filling import try_out
from responders.standing import read_standing
from responders.templates import StatementTemplate, StatementTemplateError, read_templates
from triage.checking import Checker
from triage.checking_facts import FactKinds, read_fact_kinds
from triage.checking_names import read_place_names, read_units
from triage.checking_rules import read_checks
from triage.writing import LineKind, Writing

FOLDER = "statements"
TEMPLATES = f"{FOLDER}/*.md"


def fact_kinds_of(settings: Settings) -> FactKinds:
    return read_fact_kinds(settings.file(f"{FOLDER}/facts.toml"))


def templates_of(settings: Settings) -> tuple[StatementTemplate, ...]:
    """Every template, tried out with the longest facts. Raises ValueError with file, key and reason."""
    kinds = fact_kinds_of(settings)
    standing = read_standing(settings.file(f"{FOLDER}/questions.toml"))
    templates = read_templates(settings.files(TEMPLATES), kinds, standing)
    for template in templates:
        try:
            try_out(template, kinds)
        except StatementTemplateError as error:
            raise StatementTemplateError(f"{HERE / FOLDER / template.name}.md: {error}") from error
    return templates


def checker_of(settings: Settings) -> Checker:
    """The checker with the rules and the gazetteer in force."""
    places = read_place_names(settings.files("gazetteer/*.csv"))
    given_names = Linter.of(settings.files("lexicons/refused_terms*.toml")).given_names
    checks = read_checks(settings.files(f"{FOLDER}/checks*.toml"))
    units = read_units(settings.file("gazetteer/boroughs.csv"))
    return Checker(checks, places=places, given_names=given_names, units=units)


def writing_of(settings: Settings) -> Writing:
    """What pages go by that write and check lines."""
    kinds = tuple(
        LineKind(
            name=each.name, title=each.front.title, approver=each.front.approver,
            second=each.front.second_approver, required=each.front.required, because=each.front.constraints,
        )
        for each in templates_of(settings)
    )  # fmt: skip
    return Writing(kinds, checker_of(settings), fact_kinds_of(settings))


def overdue(settings: Settings, today: date) -> list[str]:
    """Which templates are past the day they were to be looked at again, for people to read."""
    return [
        f"{HERE / FOLDER / template.name}.md: review_on: was due on {template.front.review_on}; "
        f"{template.front.owner} reviews it and sets the next day"
        for template in templates_of(settings)
        if template.front.review_on < today
    ]
