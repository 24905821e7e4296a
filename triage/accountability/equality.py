"""Equality data: what shows whether the service serves some less well than others. No trait of anybody is inferred:
the model is measured on tellings written to differ in one thing only, places are counted as boroughs."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import text
from sqlmodel import Session

from triage.accountability.known import Known
from triage.accountability.models import figures_in_use
from triage.accountability.sheet import Section, Sheet, Table
from triage.coverage import DAYS as COVERAGE_DAYS
from triage.coverage import figures as covered
from triage.sampling import Rate, rates

DAYS = 90
FEW = 5

_BY_BOROUGH = text("""
    SELECT coalesce(borough, 'not known') AS borough, count(*) AS cases,
        count(*) FILTER (WHERE status IN ('noise', 'not_ours', 'opinion')) AS closed,
        count(*) FILTER (WHERE severity_computed IS NOT NULL) AS overruled
    FROM cases WHERE opened_at >= :since GROUP BY 1 ORDER BY 1
""")
_CANNOT_TELL = text("""
    SELECT count(*) AS assessed, count(*) FILTER (WHERE abstain) AS abstained,
        count(*) FILTER (WHERE signals @> '[{"name": "language_not_assessed"}]') AS not_english
    FROM assessments WHERE at >= :since
""")


def equality(session: Session, known: Known, *, now: datetime) -> Sheet:
    """For the equality impact assessment (Equality Act 2010 s149): the records' part of it."""
    version, figures = figures_in_use(session)
    fairness = figures.get("fairness", {})
    return Sheet(
        "equality",
        "Equality impact data",
        "What shows whether some are served less well. Nobody's traits are inferred, from posts or otherwise: "
        "the model is measured on tellings written to differ in one thing, and places are boroughs.",
        now,
        f"the record of the model in use ({version}) and the tables sources, assessments, cases and drop_samples",
        [
            Section("The same telling, said differently", tables=[_pairs(fairness), _slices(figures)]),
            Section("What it cannot read", facts=_cannot_tell(session, now)),
            Section("What is missed", tables=[_missed(rates(session, days=DAYS, now=now))]),
            Section("By borough", tables=[_seen(session, now), _decided(session, now)]),
            Section("Against it", [(each.name.capitalize(), each.against) for each in known.purposes.risk]),
        ],
    )


def _pairs(fairness: Mapping[str, Any]) -> Table:
    named = {"London slang": fairness.get("slang", {}), **fairness.get("topics", {})}
    return Table(
        "Incidents found when told in standard English, and found when told otherwise or about a named community",
        ("Told", "Pairs", "Found before", "Found after", "Gap (95%)", "Severity moved by"),
        [
            (
                name,
                str(found.get("pairs", "")),
                f"{found['found_before']:.2f}",
                f"{found['found_after']:.2f}",
                f"{found['gap']:.2f} ({found['gap_interval'][0]:.2f} to {found['gap_interval'][1]:.2f})",
                f"{found['severity_shift']:+.3f}",
            )
            for name, found in named.items()
            if found
        ],
        none="The version in use came without these figures.",
    )


def _slices(figures: Mapping[str, Any]) -> Table:
    return Table(
        "Share of incidents found, by how a post is written, where it stood, and what it is about",
        ("By", "Which", "Incidents", "Found (95%)"),
        [
            (by, name, str(found["incidents"]), _share(found))
            for by, values in sorted(figures.get("slices", {}).items())
            for name, found in sorted(values.items())
            if found.get("incidents", 0) >= FEW
        ],
        none="The version in use came without these figures.",
    )


def _share(found: Mapping[str, Any]) -> str:
    low, high = found["found_interval"]
    return f"{found['found']:.2f} ({low:.2f} to {high:.2f})"


def _cannot_tell(session: Session, now: datetime) -> list[tuple[str, str]]:
    found = session.execute(_CANNOT_TELL, {"since": now - timedelta(days=DAYS)}).one()
    return [
        (f"Posts assessed in {DAYS} days", f"{found.assessed:,}"),
        ("Put before a person because the model cannot tell", _of(found.abstained, found.assessed)),
        (
            "Written in a language it does not read, so not judged by it",
            _of(found.not_english, found.assessed),
        ),
    ]


def _missed(found: list[Rate]) -> Table:
    return Table(
        f"Of a random sample of what was dropped in {DAYS} days, what a person would have raised",
        ("Dropped at", "Looked at", "Missed (95%)"),
        [
            (each.stage.value, f"{each.looked_at:,}", f"{each.share:.3f} ({each.low:.3f} to {each.high:.3f})")
            for each in found
            if each.share is not None and each.low is not None and each.high is not None
        ],
        none="Nobody has looked at the sample yet.",
    )  # fmt: skip


def _seen(session: Session, now: datetime) -> Table:
    return Table(
        f"How each borough is seen, and what {COVERAGE_DAYS} days brought",
        ("Borough", "Sources of its own", "Posts from them", "Posts that name a place in it", "Cases"),
        [
            (
                each.cover.borough,
                str(len(each.cover.sources)),
                f"{each.by_source:,}",
                f"{each.by_place:,}",
                f"{each.cases:,}",
            )
            for each in covered(session, now=now)
        ],
    )


def _decided(session: Session, now: datetime) -> Table:
    rows = session.execute(_BY_BOROUGH, {"since": now - timedelta(days=DAYS)}).all()
    return Table(
        f"Cases opened in {DAYS} days, by borough; shares only where there are at least {FEW}",
        ("Borough", "Cases", "Closed without action", "Severity set by a person"),
        [
            (each.borough, f"{each.cases:,}", _of(each.closed, each.cases), _of(each.overruled, each.cases))
            for each in rows
        ],
        none="No case was opened.",
    )


def _of(part: int, whole: int) -> str:
    return f"{part:,} of {whole:,} ({part / whole:.0%})" if whole >= FEW else f"of {whole:,}: too few to tell"
