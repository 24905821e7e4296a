"""What figures rest on, as it stands in the rows now: flat facts of cases, and of what belongs to them.

Facts are codes, numbers and times. Never words of a post, a name, a reason: those stay in their rows and go with them.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import TextClause, bindparam, text
from sqlmodel import Session, col, select

from collector.coverage import coverage
from collector.records import SourceRow

RECENT = timedelta(
    days=30
)  # whose posts are looked at for what they allege; later posts go, what was counted stays
PROBABLE = 0.5
ENDING = ("dismissed", "closed", "joined to another case")


class Fact(NamedTuple):
    """One thing of a kind, such as clock `first_line` of a case, with what is known of it; without `case_id` it is
    of no case."""

    kind: str
    key: str
    case_id: UUID | None
    fields: dict[str, Any]


def facts(session: Session, *, now: datetime) -> Iterator[Fact]:
    """All that can be counted now."""
    given: Mapping[str, Any] = {"ending": ENDING, "since": now - RECENT, "probable": PROBABLE}
    for kind, asked in _ASKED.items():
        values = {name: given[name] for name in asked.compile().params}
        for row in session.execute(asked, values):
            found = {name: _plain(value) for name, value in row._mapping.items()}
            key, case_id = str(found.pop("key")), found.pop("case_id", None)
            yield Fact(
                kind, key, case_id, {name: each for name, each in found.items() if each not in (None, [])}
            )
    yield from _boroughs(session, now)


def _boroughs(session: Session, now: datetime) -> Iterator[Fact]:
    rows = session.exec(select(SourceRow).order_by(col(SourceRow.name))).all()
    for cover in coverage(rows, now=now):
        seen = {"sight": cover.sight.name.lower(), "sources": len(cover.sources), "blind": len(cover.blind)}
        yield Fact("borough", cover.borough, None, seen)


def _plain(value: Any) -> Any:
    """As it comes back from the log."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    return value.isoformat() if isinstance(value, date) else value


_CASE = text("""
    SELECT c.id AS case_id, '' AS key, c.number, c.opened_at AS opened, c.first_published_at AS first_seen, c.severity,
        c.status, c.type, c.borough, c.bcu, c.lane, to_jsonb(c.sources) AS sources,
        c.status = 'closed' AND c.dismissed_because LIKE 'joined to GH-%' OR NULL AS joined,
        CASE WHEN c.status NOT IN ('detected', 'triaged', 'watch', 'confirmed') THEN coalesce((SELECT max(e.at)
            FROM log_entries AS e WHERE e.case_id = c.id AND e.what IN :ending), c.touched_at, c.last_post_at)
        END AS ended,
        EXISTS (SELECT FROM restrictions AS r WHERE r.case_id = c.id AND r.lifted_at IS NULL) OR NULL AS restricted
    FROM cases AS c
""").bindparams(bindparam("ending", expanding=True))

_THEMES = text("""
    SELECT m.case_id, '' AS key,
        array_agg(DISTINCT split_part(l.name, ':', 2) ORDER BY split_part(l.name, ':', 2))
            FILTER (WHERE l.name LIKE 'allegation:%') AS allegations,
        array_agg(DISTINCT split_part(l.name, ':', 2) ORDER BY split_part(l.name, ':', 2))
            FILTER (WHERE l.name LIKE 'power:%') AS powers,
        array_agg(DISTINCT split_part(l.name, ':', 2) ORDER BY split_part(l.name, ':', 2))
            FILTER (WHERE l.name LIKE 'tactic:%') AS tactics
    FROM cases AS c JOIN memberships AS m ON m.case_id = c.id AND m.sure
    JOIN assessments AS a ON a.post_id = m.post_id
    CROSS JOIN LATERAL jsonb_each(a.labels) AS l (name, p)
    WHERE c.last_post_at >= :since AND l.p::float >= :probable
        AND split_part(l.name, ':', 1) IN ('allegation', 'power', 'tactic')
    GROUP BY m.case_id
""")

_ALERT = text("""
    SELECT a.case_id, a.desk || '/' || a.growth AS key, a.desk, a.growth, a.manner, a.raised_at AS raised,
        a.acknowledged_at AS acknowledged, d.delivered, d.told, d.state, d.repeated OR NULL AS repeated
    FROM alerts AS a LEFT JOIN (
        SELECT alert_id, min(delivered_at) AS delivered, min(raised_at) AS told, bool_or(possible_repeat) AS repeated,
            CASE WHEN bool_or(state = 'delivered') THEN 'delivered' ELSE max(state) END AS state
        FROM deliveries WHERE about = '' GROUP BY alert_id) AS d ON d.alert_id = a.id
""")

_LINE = text("""
    SELECT s.case_id, 'S-' || s.number AS key, s.template, s.state, s.drafted_at AS drafted, s.approved_at AS approved,
        s.issued_at AS issued, s.correction OR NULL AS correction,
        s.issued_at IS NOT NULL AND s.claim_id IS NOT NULL AND EXISTS (SELECT FROM claim_sightings AS g
            WHERE g.claim_id = s.claim_id AND g.state IN ('counted', 'confirmed') AND g.published_at >= s.issued_at)
            OR NULL AS carried
    FROM statements AS s
""")

_ASKED: Mapping[str, TextClause] = {
    "case": _CASE,
    "themes": _THEMES,
    "alert": _ALERT,
    "line": _LINE,
    "clock": text("""
        SELECT case_id, name AS key, started_at AS started, due_at AS due, stopped_at AS stopped, paused_at AS paused,
            stopped_by = 'dismissed' OR NULL AS void FROM clocks"""),
    "claim": text("""
        SELECT c.case_id, 'C-' || c.number AS key, c.noted_at AS noted, c.type, c.state, c.ours OR NULL AS ours,
            c.met_wrong OR NULL AS met_wrong, d.in_force_at AS decided, c.merged_into IS NOT NULL OR NULL AS merged
        FROM known_claims AS c LEFT JOIN claim_decisions AS d ON d.id = c.decision_id"""),
    "prompt": text("""
        SELECT case_id, name AS key, raised_at AS raised, answer, answered_at AS answered FROM prompts"""),
    "release": text("""
        SELECT case_id, 'BWV-' || number AS key, outcome, policy, reason, asked_at AS asked, decided_at AS decided,
            superseded_at AS superseded FROM bwv_decisions"""),
    "listing": text("""
        SELECT i.case_id, r.id AS key, r.meets_at AS meets, i.listed_at AS listed, i.late OR NULL AS late,
            i.off_at AS taken_off
        FROM review_items AS i JOIN reviews AS r ON r.id = i.review_id"""),
    "meeting": text("""
        SELECT id AS key, meets_at AS meets, cancelled_at AS cancelled FROM reviews"""),
    "finding": text("""
        SELECT f.case_id, f.review_id || '/' || f.version AS key, r.meets_at AS meets, f.code,
            to_jsonb(f.secondary) AS secondary, to_jsonb(f.themes) AS charter, f.reviewed OR NULL AS reviewed,
            f.concern OR NULL AS concern, f.talk, f.communication, f.legality, f.entered_at AS entered,
            f.superseded_at AS superseded
        FROM findings AS f JOIN reviews AS r ON r.id = f.review_id"""),
    "referral": text("""
        SELECT case_id, id AS key, body, kind, made_on AS made, entered_at AS entered, superseded_at AS superseded
        FROM referrals"""),
    "recorded": text("""
        SELECT case_id, name AS key, to_jsonb(choices) AS choices FROM sheet_entries
        WHERE superseded_at IS NULL AND name IN ('tactics', 'power_recorded')"""),  # never of what sort anybody is
    "action": text("""
        SELECT case_id, 'A-' || number AS key, target, theme AS charter, due_on AS due, first_due_on AS first_due,
            opened_at AS opened, completed_at AS completed, closed_at AS closed, outcome FROM actions"""),
    "feedback": text("""
        SELECT case_id, review_id AS key, begun_at AS begun, due_at AS due, sent_at AS sent,
            confirmed_at AS confirmed FROM feedback"""),
    "sample": text("""
        SELECT day || '/' || stage AS key, day, stage, count(*) AS drawn, count(missed) AS looked_at,
            count(*) FILTER (WHERE missed) AS missed, max(dropped) AS dropped FROM drop_samples GROUP BY day, stage"""),
}
