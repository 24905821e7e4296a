"""What would change if the version in the shadow were in use: what both say of the same posts, under the rules."""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

from classifier.records import Force, IncidentType
from triage.rules import Facts, Rules
from triage.severity import TRIGGER, weigh

LISTED = 200  # posts listed of each kind

_BOTH = text("""
    SELECT p.id, p.source, coalesce(r.at, a.at) - p.published_at AS age,
        a.incident, a.incident_any, a.type, a.severity, a.labels, a.claim, a.unverified, a.force, a.signals, a.abstain,
        coalesce(a.boroughs, '[]') AS boroughs,
        s.incident AS s_incident, s.incident_any AS s_incident_any, s.type AS s_type, s.severity AS s_severity,
        s.labels AS s_labels, s.claim AS s_claim, s.unverified AS s_unverified, s.force AS s_force,
        s.signals AS s_signals, s.abstain AS s_abstain, s.boroughs AS s_boroughs
    FROM shadow_assessments AS s JOIN posts AS p ON p.id = s.post_id
    JOIN LATERAL (SELECT * FROM assessments WHERE post_id = s.post_id AND model <> s.model
        ORDER BY at DESC LIMIT 1) AS a ON true
    LEFT JOIN routings AS r ON r.post_id = s.post_id
    WHERE s.model = :version AND s.at > :since ORDER BY p.id
""")


class OfSource(NamedTuple):
    """Posts of one source that both assessed; raised by the shadow alone, by the version in use alone."""

    posts: int
    gained: int
    lost: int


class Compared(NamedTuple):
    """`raised` counts what both would open a case for; `gained` and `lost` are ids, of each the first 200.

    `agreement` is the share of posts on which both decide alike, `same_type` that on which both name one type.
    """

    version: str
    posts: int
    agreement: float | None
    same_type: float | None
    raised: int
    gains: int
    losses: int
    gained: list[UUID]
    lost: list[UUID]
    by_source: dict[str, OfSource]


def compare(session: Session, rules: Rules, version: str, *, since: datetime) -> Compared:
    """What a version in the shadow would have raised since then, beside what was. Nothing is changed."""
    posts = alike = same_type = raised = 0
    gained: list[UUID] = []
    lost: list[UUID] = []
    seen: Counter[str] = Counter()
    more: Counter[str] = Counter()
    fewer: Counter[str] = Counter()
    for row in session.execute(_BOTH, {"version": version, "since": since}).mappings():
        before, after = (rules.first_fit(_facts(row, which)).opens for which in ("", "s_"))
        posts += 1
        seen[row["source"]] += 1
        alike += before == after
        raised += before and after
        same_type += row["type"] == row["s_type"]
        if after and not before:
            gained.append(row["id"])
            more[row["source"]] += 1
        elif before and not after:
            lost.append(row["id"])
            fewer[row["source"]] += 1
    return Compared(
        version,
        posts,
        alike / posts if posts else None,
        same_type / posts if posts else None,
        raised,
        len(gained),
        len(lost),
        gained[:LISTED],
        lost[:LISTED],
        {name: OfSource(seen[name], more[name], fewer[name]) for name in sorted(seen)},
    )


def _facts(row: Mapping[Any, Any], which: str) -> Facts:
    labels, signals = row[f"{which}labels"], row[f"{which}signals"]
    return Facts(
        incident=row[f"{which}incident"],
        incident_any=row[f"{which}incident_any"],
        type=IncidentType(row[f"{which}type"]),
        force=Force(row[f"{which}force"]),
        severity=weigh(labels, signals, row[f"{which}severity"]).level,
        labels=labels,
        signals=frozenset(each["name"] for each in signals),
        boroughs=frozenset(row[f"{which}boroughs"]),
        claim=row[f"{which}claim"],
        unverified=row[f"{which}unverified"],
        abstain=row[f"{which}abstain"],
        trigger=any(each["name"] == TRIGGER for each in signals),
        age=row["age"],
    )
