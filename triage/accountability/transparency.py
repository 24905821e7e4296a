"""The algorithmic transparency record, in the order of the UK standard (ATRS): in short for everybody, then in full."""

from datetime import datetime

from sqlmodel import Session

from collector.sources import kind_of, kinds
from triage.accountability.known import Known
from triage.accountability.models import figures_in_use
from triage.accountability.sheet import Section, Sheet, Table
from triage.rule_changes import in_force, rules_of
from triage.rules import in_brief


def transparency(session: Session, known: Known, *, now: datetime) -> Sheet:
    """Tier 1 in plain words, tier 2 in detail. Contact addresses are the force's to add where it publishes this."""
    service, words = known.purposes.service, known.purposes.record
    version, figures = figures_in_use(session)
    learnt = figures.get("learnt", {}).get("texts")
    return Sheet(
        "transparency",
        "Algorithmic transparency record",
        f"{service.name} {service.says}.",
        now,
        "config/policy/purposes.toml, the rules in force, the kinds of sources and the record of the model in use",
        [
            Section(
                "Tier 1: in short",
                (
                    ("Name", service.name),
                    ("What it does", service.says),
                    ("How it works", words.how),
                    ("Why it is used", known.purposes.purpose[0].needed),
                    ("How to ask or object", service.ask),
                ),
            ),
            Section(
                "Tier 2: owner",
                (
                    ("Organisation", service.controller),
                    ("Senior owner", service.owner),
                    ("Overseen by", service.oversight),
                    ("Data protection", service.protection_officer),
                ),
            ),
            Section(
                "Tier 2: part in decisions",
                (
                    ("What it proposes", words.proposes),
                    ("What people decide", words.people_decide),
                    ("What it does alone", words.alone),
                    ("Rules", _rules(session)),
                    ("Appeal", words.appeal),
                    ("Training of staff", words.training),
                ),
            ),
            Section(
                "Tier 2: how it is made",
                (
                    ("Model in use", version),
                    (
                        "Learnt from",
                        f"{learnt:,} labelled texts" if learnt else "texts not counted in its record",
                    ),
                    ("Measured", words.measured),
                    ("Says why", words.reasons),
                    ("Not used", words.not_used),
                ),
                tables=[_read()],
            ),
            Section(
                "Tier 2: risks", [(each.name.capitalize(), each.against) for each in known.purposes.risk]
            ),
        ],
    )


def _rules(session: Session) -> str:
    digest = in_force(session)
    if digest is None:
        return "none agreed yet"
    return f"{len(rules_of(session, digest).rules)} rules in order, agreed by two people: {in_brief(digest)}"


def _read() -> Table:
    return Table(
        "Where it may read, on what terms",
        ("Kind", "Terms", "On unless switched off"),
        [
            (each.replace("_", " "), kind_of(each).basis, "yes" if kind_of(each).on else "no")
            for each in kinds()
        ],
    )
