"""What staff wrote for statements, read together: templates need the facts and the standing questions they name."""

from collections.abc import Sequence
from datetime import date
from functools import cache
from hashlib import sha256
from pathlib import Path

import msgspec

from classifier.proofread import Proofreader
from classifier.sentences import Sentences
from classifier.versions import SHIPPED
from collector.catalogue import read_sources
from collector.linter import Linter
from config.settings import HERE, Settings
from responders.filling import try_out
from responders.standing import read_standing
from responders.templates import StatementTemplate, StatementTemplateError, read_templates
from triage.amplifiers import Amplifiers, read_amplifiers
from triage.checking import Checker
from triage.checking_facts import FactKinds, read_fact_kinds
from triage.checking_names import Known, read_place_names, read_units
from triage.checking_proof import Promises, Proof
from triage.checking_rules import Checks, read_checks
from triage.checking_sense import Floats, Sense, read_examples, seal, sealed
from triage.checking_trust import Trust
from triage.explainers import Explainer, read_explainers
from triage.second import read_seconds
from triage.writing import Explainer as Background
from triage.writing import LineKind, Writing

FOLDER = "statements"
TEMPLATES = f"{FOLDER}/*.md"
EXAMPLES = f"{FOLDER}/heard/*.toml"
HEARD = f"{FOLDER}/heard.npz"
DRAFTS = f"{FOLDER}/drafts/*.jsonl"
TRUST = f"{FOLDER}/trust.npz"
PROOFREADER = f"{FOLDER}/proofread/proofreader.onnx"


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


def checks_of(settings: Settings) -> Checks:
    return read_checks(settings.files(f"{FOLDER}/checks*.toml"))


def checker_of(settings: Settings, *, trusted: bool = True) -> Checker:
    """The checker with the rules, examples and gazetteer in force; not `trusted`, each rule is believed alone."""
    checks = checks_of(settings)
    units = read_units(settings.file("gazetteer/boroughs.csv"))
    return Checker(
        checks,
        places=_places(settings),
        given_names=_given_names(settings),
        units=units,
        sense=Sense.read(settings.file(HEARD), directions),
        proof=proof_of(settings),
        promises=promises_of(settings),
        trust=Trust.read(settings.file(TRUST)) if trusted else None,
    )


def directions(texts: Sequence[str]) -> Floats:
    """What sentences mean, by the encoder that ships for claims. It is read when the first draft is checked, and once:
    most processes never check any, and it takes fifty megabytes."""
    return _encoder().directions(texts)


def proof_of(settings: Settings) -> Proof:
    """What the proofreader says, which is read when it is first asked."""
    model = settings.file(PROOFREADER)
    return lambda sentences, beside: _proofreader(model)(sentences, beside)


def promises_of(settings: Settings) -> Promises:
    """What the same says of which sentence tells when the next update comes."""
    model = settings.file(PROOFREADER)
    return lambda sentences, beside: _proofreader(model).promises(sentences, beside)


def taught_by(settings: Settings) -> frozenset[str]:
    """The writers whose drafts taught the proofreader."""
    said = settings.file(PROOFREADER).with_suffix(".json").read_bytes()
    return frozenset(msgspec.json.decode(said, type=dict[str, list[str]])["writers"])


@cache
def _proofreader(model: Path) -> Proofreader:
    return Proofreader(model, SHIPPED / "goldenhour_encoder" / "vocabulary.txt")


@cache
def _encoder() -> Sentences:
    return Sentences(SHIPPED / "claims" / "sentences.onnx", SHIPPED / "goldenhour_encoder" / "vocabulary.txt")


def examples_of(settings: Settings) -> dict[str, tuple[str, ...]]:
    """What sentences are heard as, by example. Raises SenseError."""
    return read_examples(settings.files(EXAMPLES))


def trust_seal(settings: Settings) -> str:
    """Tells whether trust was learnt from the examples and drafts there are."""
    said = [path.read_bytes() for path in sorted(settings.files(DRAFTS))]
    return sha256(b"\n".join([seal(examples_of(settings)).encode(), *said])).hexdigest()


def known_of(settings: Settings) -> Known:
    checks = checks_of(settings)
    return Known(checks.lists, _places(settings), _given_names(settings))


def _places(settings: Settings) -> frozenset[str]:
    return read_place_names(settings.files("gazetteer/*.csv"))


def _given_names(settings: Settings) -> frozenset[str]:
    return frozenset(Linter.of(settings.files("lexicons/refused_terms*.toml")).given_names)


def writing_of(settings: Settings) -> Writing:
    """What pages go by that write and check lines."""
    facts = fact_kinds_of(settings)
    kinds = tuple(
        LineKind(
            name=each.name, title=each.front.title, approver=each.front.approver,
            second=each.front.second_approver, required=_from_people(each, facts), because=each.front.constraints,
            owner=each.front.owner, review_on=each.front.review_on, meant_for=each.front.when.meant_for,
        )
        for each in templates_of(settings)
    )  # fmt: skip
    explainers = tuple(
        Background(
            each.front.name,
            each.front.title,
            each.plain,
            tuple(type_.value for type_ in each.front.types),
            each.front.owner,
            each.front.review_on,
            each.front.labels,
        )
        for each in explainers_of(settings)
    )
    return Writing(
        kinds, checker_of(settings), facts, explainers, amplifiers_of(settings),
        read_seconds(settings.file(f"{FOLDER}/second.toml")),
    )  # fmt: skip


def _from_people(template: StatementTemplate, kinds: FactKinds) -> tuple[str, ...]:
    """The facts a template cannot do without that somebody must verify: not those the service knows, nor those that
    are only said to be."""
    front = template.front
    return tuple(name for name in front.required if not kinds.of(name).ours and name not in front.said_to_be)


def explainers_of(settings: Settings) -> tuple[Explainer, ...]:
    return read_explainers(settings.files(f"{FOLDER}/explainers/*.md"))


def amplifiers_of(settings: Settings) -> Amplifiers:
    return read_amplifiers(settings.file(f"{FOLDER}/amplifiers.toml"))


def overdue(settings: Settings, today: date) -> list[str]:
    """What is past the day it was to be looked at again, sources of outlets that are none, and examples nobody has
    learnt from, for people to read."""
    fronts = [each.front for each in templates_of(settings)]
    dated = [(f"{each.name}.md", each.owner, each.review_on) for each in fronts]
    dated += [
        (f"explainers/{each.front.name}.md", each.front.owner, each.front.review_on)
        for each in explainers_of(settings)
    ]
    amplifiers = amplifiers_of(settings)
    dated.append(("amplifiers.toml", amplifiers.owner, amplifiers.review_on))
    late = [
        f"{HERE / FOLDER / name}: review_on: was due on {day}; {owner} reviews it and sets the next day"
        for name, owner, day in dated
        if day < today
    ]
    known = {source.name for source in read_sources(settings.file("sources.toml"))}
    named = {name for each in amplifiers.borough for name in each.sources} | set(
        amplifiers.everywhere.sources
    )
    gone = [
        f"{HERE / FOLDER}/amplifiers.toml: sources: {name!r} is not in sources.toml; take it out or add the source"
        for name in sorted(named - known)
    ]
    return late + gone + unlearnt(settings)


def unlearnt(settings: Settings) -> list[str]:
    if sealed(settings.file(HEARD)) == seal(examples_of(settings)) and (
        sealed(settings.file(TRUST)) == trust_seal(settings)
    ):
        return []
    return [
        f"{HERE / FOLDER}/heard: the examples or the drafts were changed; run goldenhour statements learn"
    ]
