"""The data protection impact sheet: what is done with data about people, counted and listed from the records."""

from datetime import datetime, timedelta

from sqlalchemy import text
from sqlmodel import Session

from triage.accountability.known import Known
from triage.accountability.sheet import Section, Sheet, Table
from triage.permissions import GRANTS, Permission
from triage.records import Role

DAYS = 30
SENSITIVE = (Permission.READ_CASES, Permission.REVEAL, Permission.EXPORT, Permission.EXPORT_WHOLE)

_HELD = text("""
    SELECT (SELECT count(*) FROM posts WHERE withdrawn_at IS NULL) AS posts,
        (SELECT count(*) FROM posts WHERE withdrawn_at IS NOT NULL) AS withdrawn,
        (SELECT count(*) FROM sealed_authors) AS sealed,
        (SELECT count(*) FROM cases) AS cases,
        (SELECT coalesce(sum(seen), 0) FROM tallies WHERE minute >= :since) AS seen,
        (SELECT coalesce(sum(stored), 0) FROM tallies WHERE minute >= :since) AS stored,
        (SELECT count(*) FROM reveals WHERE asked_at >= :since) AS reveals,
        (SELECT count(*) FROM log_entries WHERE at >= :since AND what LIKE '%exported') AS exports,
        (SELECT count(*) FROM log_entries WHERE at >= :since AND what = 'denied') AS denied
""")


def impact(session: Session, known: Known, *, now: datetime) -> Sheet:
    """For the data protection impact assessment (DPA 2018 s64, UK GDPR Art 35): the records' part of it."""
    service = known.purposes.service
    held = session.execute(_HELD, {"since": now - timedelta(days=DAYS)}).one()
    return Sheet(
        "impact",
        "Data protection impact sheet",
        "The facts an impact assessment rests on. The assessment itself is the Data Protection Officer's.",
        now,
        "config/policy/purposes.toml, config/policy/retention.toml, triage/permissions.py and the tables themselves",
        [
            Section(
                "Who answers for it",
                (
                    ("Controller", service.controller),
                    ("Owner", service.owner),
                    ("Data protection", service.protection_officer),
                    ("Overseen by", service.oversight),
                    ("What it does", service.says),
                ),
            ),
            Section(
                "What for", [(each.title, f"{each.says}. {each.basis}") for each in known.purposes.purpose]
            ),
            Section(
                "How much",
                (
                    (f"Public items looked at in {DAYS} days", f"{held.seen:,}"),
                    ("Of them kept", f"{held.stored:,}"),
                    ("Posts held now", f"{held.posts:,}"),
                    ("Taken out because their author deleted them", f"{held.withdrawn:,}"),
                    ("Authors sealed in the vault", f"{held.sealed:,}"),
                    ("Cases", f"{held.cases:,}"),
                ),
            ),
            Section("What is never done", [(each.what, each.says) for each in known.purposes.never]),
            Section("How long", tables=[_kept(known)]),
            Section("Who may see what", tables=[_roles()]),
            Section(
                f"Used in {DAYS} days",
                (
                    ("Authors asked for", f"{held.reveals:,}"),
                    ("Exports", f"{held.exports:,}"),
                    ("Acts denied", f"{held.denied:,}"),
                ),
            ),
            Section("Risks", tables=[_risks(known)]),
        ],
    )


def _kept(known: Known) -> Table:
    return Table(
        "Each class of data, and how long it stays",
        ("Class", "Covers", "Stays", "Then"),
        [(each.name, each.covers, each.stays, each.then) for each in known.kept],
        none="No periods are set.",
    )


def _roles() -> Table:
    return Table(
        "Roles, and what of the sensitive acts each may do",
        ("Role", *(each.value.replace("_", " ") for each in SENSITIVE)),
        [
            (role.replace("_", " "), *("yes" if each in GRANTS[role] else "no" for each in SENSITIVE))
            for role in Role
        ],
    )


def _risks(known: Known) -> Table:
    return Table(
        "What could go wrong for people, and what stands against it",
        ("Risk", "Harm", "Against it", "Where in the code"),
        [(each.name, each.harm, each.against, each.where) for each in known.purposes.risk],
    )
