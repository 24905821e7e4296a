"""The register of purposes: for each source and search why it is read, by which law, on whose terms, until when."""

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session, col, select

from collector.records import SourceRow
from collector.sources import kind_of
from triage.accountability.known import Known
from triage.accountability.sheet import Section, Sheet, Table


def register(session: Session, known: Known, *, now: datetime) -> Sheet:
    """Every purpose, every source with its purpose, and every agreement."""
    purposes = known.purposes
    sources = session.exec(select(SourceRow).order_by(col(SourceRow.name))).all()
    approved_on = f"{purposes.approved_on:%-d %B %Y}"
    approved = f"version {purposes.version}, {approved_on}: {purposes.approved_by} ({purposes.because})"
    whys = [
        Section(
            each.title,
            (
                ("What for", each.says),
                ("Why nothing less would do", each.needed),
                ("Law", f"{each.regime}: {each.basis}"),
                ("Sensitive data a post itself holds", each.special),
                ("Handed on", each.handed_on),
                ("Sources", str(sum(purposes.of(row.name, row.kind) is each for row in sources))),
            ),
        )
        for each in purposes.purpose
    ]
    return Sheet(
        "purposes",
        "Register of purposes",
        f"What each source is read for, by which law and on whose terms. Approved: {approved}.",
        now,
        "config/policy/purposes.toml, config/agreements.toml, the kinds of sources and the table sources",
        [*whys, Section("Sources and searches", tables=[_sources(sources, known, now), _agreements(known)])],
    )


def _sources(rows: Sequence[SourceRow], known: Known, now: datetime) -> Table:
    return Table(
        "Every source, with the words it looks for if any",
        ("Source", "Kind", "Purpose", "Looks for", "May be read because", "Answered for by", "Ends", "State"),
        [
            (
                row.name,
                row.kind.replace("_", " "),
                known.purposes.of(row.name, row.kind).title,
                f"#{row.tag}" if row.tag else row.term or "all it shows",
                row.basis or kind_of(row.kind).basis,
                f"{row.owner}: {row.reason}" if row.owner else "who answers for the purpose",
                f"{row.stops_at:%-d %B %Y}" if row.stops_at else "no end set",
                _state(row, now),
            )
            for row in rows
        ],
        none="No source is configured.",
    )


def _state(row: SourceRow, now: datetime) -> str:
    if not row.enabled:
        return "off"
    if row.stops_at and row.stops_at <= now:
        return f"stopped: {row.stops_because}"
    return f"paused by {row.paused_by}" if row.paused_until and row.paused_until > now else "read"


def _agreements(known: Known) -> Table:
    return Table(
        "Agreements with platforms",
        ("Kind", "Agreed by", "On", "Plan", "For", "Reference", "Reviewed by"),
        [
            (
                each.kind,
                each.who,
                f"{each.agreed_on}",
                each.plan,
                each.purpose,
                each.reference,
                f"{each.review_on}",
            )
            for each in known.agreements()
        ],
        none="None is recorded: kinds that need one are never asked.",
    )
