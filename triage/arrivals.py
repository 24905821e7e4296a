"""Posts that have been assessed and wait to be routed, with what rules and matching ask of them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

from classifier.records import Force, IncidentType
from triage.answering import Answer, answers_of
from triage.nearness import Point, points_of
from triage.rules import Facts
from triage.severity import TRIGGER, Weighed, weigh

# the newest assessment of each post that has no routing yet, oldest publication first; a post that was assessed anew
# since, as it was edited or first read in a hurry, is routed anew, within its case when it has one; but for what a
# person put there, which no rules decided
_WAITING = text("""
    SELECT DISTINCT ON (p.published_at, p.id)
        p.id, p.title, p.text, p.published_at, p.source, p.platform, p.author_key, p.reply_to, p.quote_of,
        p.withdrawn_at IS NOT NULL AS withdrawn,
        a.model, a.incident, a.incident_any, a.type, a.severity, a.labels, a.claim, a.unverified,
        a.places, a.force, a.signals, a.abstain, m.case_id AS stands
    FROM posts p JOIN assessments a ON a.post_id = p.id
    LEFT JOIN routings r ON r.post_id = p.id
    LEFT JOIN memberships m ON m.post_id = p.id AND m.sure
    WHERE p.id = ANY(:ids)
        AND (r.post_id IS NULL
            OR r.at < a.at AND (r.case_id IS NULL OR m.case_id IS NOT NULL AND r.rules IS NOT NULL))
    ORDER BY p.published_at, p.id, a.at DESC
""")

DEEDS, LIKELY = ("tactic:", "power:"), 0.4
COMMON = frozenset({"tactic:handcuffs"})


class Spot(NamedTuple):
    """Where a post is about, by the gazetteer."""

    name: str | None = None
    borough: str | None = None
    bcu: str | None = None


class Arrival(NamedTuple):
    """One post to route. `text` is what was assessed; `answers` are the posts it refers to; `stands` is the case it is
    in already.
    """

    id: UUID
    text: str
    published_at: datetime
    source: str
    platform: str
    author_key: bytes | None
    withdrawn: bool
    model: str
    facts: Facts
    weighed: Weighed
    spot: Spot
    points: tuple[Point, ...]
    answers: tuple[Answer, ...] = ()
    stands: UUID | None = None

    @property
    def deeds(self) -> frozenset[str]:
        return deeds_of(self.facts.labels)

    @property
    def known(self) -> tuple[str, ...]:
        """Facts that count like words when cases are matched."""
        return known_of(self.facts.boroughs)


def deeds_of(labels: Mapping[str, float]) -> frozenset[str]:
    """What was done by what power, as far as the words say; handcuffs are in too many incidents to tell any apart."""
    return frozenset(name for name, p in labels.items() if p >= LIKELY and name.startswith(DEEDS)) - COMMON


def read_arrivals(session: Session, post_ids: Sequence[UUID], *, now: datetime) -> list[Arrival]:
    """Those of the posts that are assessed and not routed, in the order of publication."""
    rows = session.execute(_WAITING, {"ids": list(post_ids)}).mappings()
    return [arrival_of(row, now=now) for row in rows]


def text_of(title: str | None, body: str) -> str:
    """What is read of a post: its title, if any, above its text."""
    return f"{title}\n\n{body}" if title else body


def known_of(boroughs: frozenset[str]) -> tuple[str, ...]:
    """Boroughs as matching knows them; a post that names many is about none."""
    return tuple(sorted(f"@{each.lower()}" for each in boroughs)) if len(boroughs) <= 2 else ()


def boroughs_of(places: Sequence[Mapping[str, Any]]) -> frozenset[str]:
    return frozenset(each["borough"] for each in places if each.get("borough"))


def arrival_of(row: Mapping[Any, Any], *, now: datetime) -> Arrival:
    """A post with its assessment, as routing takes it at this moment."""
    weighed = weigh(row["labels"], row["signals"], row["severity"])
    facts = Facts(
        incident=row["incident"],
        incident_any=row["incident_any"],
        type=IncidentType(row["type"]),
        force=Force(row["force"]),
        severity=weighed.level,
        labels=row["labels"],
        signals=frozenset(each["name"] for each in row["signals"]),
        boroughs=boroughs_of(row["places"]),
        claim=row["claim"],
        unverified=row["unverified"],
        abstain=row["abstain"],
        trigger=any(each["name"] == TRIGGER for each in row["signals"]),
        age=now - row["published_at"],
    )
    return Arrival(
        id=row["id"],
        text=text_of(row["title"], row["text"]),
        published_at=row["published_at"],
        source=row["source"],
        platform=row["platform"],
        author_key=bytes(row["author_key"]) if row["author_key"] else None,
        withdrawn=row["withdrawn"],
        model=row["model"],
        facts=facts,
        weighed=weighed,
        spot=_spot(row["places"]),
        points=points_of(row["places"]),
        answers=answers_of(row["platform"], row["reply_to"], row["quote_of"]),
        stands=row.get("stands"),
    )


def _spot(places: Sequence[Mapping[str, Any]]) -> Spot:
    """The likeliest place of a post."""
    if not places:
        return Spot()
    best = max(places, key=lambda each: float(each.get("p") or 0.0))
    return Spot(best.get("name"), best.get("borough"), best.get("bcu"))
