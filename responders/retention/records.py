"""Records of decisions whose time is over: case files, meetings, the log, custody, accounts of people who left.

A hold keeps case files whole, whether or not posts were signed off with it.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

from responders.retention.months import BY_ID
from responders.retention.trees import delete_tree
from triage.erasing import erase_words
from triage.log import MACHINE
from triage.records import OPEN
from triage.retention_policy import RetentionClass

CASES_AT_ONCE, LINES_AT_ONCE = 50, 2_000

# which case files standing holds keep; `hold` is the number of one of them
HELD_CASES = """
    SELECT c.id, min(h.number) AS hold FROM holds AS h JOIN cases AS c ON h.case_id = c.id
        OR EXISTS (SELECT FROM memberships AS m WHERE m.case_id = c.id AND m.post_id = h.post_id)
        OR c.opened_at >= h.from_at AND c.opened_at < h.until_at AND (h.source IS NULL OR h.source = ANY(c.sources))
    WHERE h.ended_at IS NULL GROUP BY c.id
"""
_CASES = text(
    f"WITH held AS ({HELD_CASES}) SELECT c.id, held.hold FROM cases AS c LEFT JOIN held ON held.id = c.id"  # noqa: S608
    " WHERE c.status <> ALL(:open) AND coalesce(c.touched_at, c.opened_at) <= :before"
    " AND NOT EXISTS (SELECT FROM memberships AS m JOIN post_keys AS k ON k.id = m.post_id"
    " JOIN posts AS p ON p.id = k.id AND p.collected_at = k.collected_at"
    " WHERE m.case_id = c.id AND p.withdrawn_at IS NULL)"  # what posts say goes first, by its own class
    " ORDER BY c.id"
)
_POSTS = text("""
    SELECT post_id FROM memberships GROUP BY post_id HAVING bool_and(case_id = ANY(:cases))
""")
_MEETINGS = text("""
    SELECT id FROM reviews AS r WHERE meets_at <= :before
        AND NOT EXISTS (SELECT FROM review_items AS i WHERE i.review_id = r.id)
        AND NOT EXISTS (SELECT FROM findings AS f WHERE f.review_id = r.id) LIMIT 50
""")
_LINES = text(
    f"WITH held AS ({HELD_CASES}) SELECT seq FROM log_entries AS l WHERE at <= :before"  # noqa: S608
    " AND NOT EXISTS (SELECT FROM held WHERE held.id = l.case_id)"
    " AND NOT EXISTS (SELECT FROM log_tombstones AS t WHERE t.seq = l.seq) ORDER BY seq LIMIT :most"
)
_CUSTODY = text("""
    DELETE FROM custody_entries WHERE id IN (SELECT id FROM custody_entries AS e WHERE at <= :before
        AND NOT EXISTS (SELECT FROM held_posts AS h WHERE h.post_id = e.post_id)
        AND NOT EXISTS (SELECT FROM memberships AS m WHERE m.post_id = e.post_id) ORDER BY id LIMIT :most)
    RETURNING id
""")
_STAFF = text("""
    UPDATE people SET name = 'Former member of staff', username = 'former-' || left(CAST(id AS text), 13),
        password_hash = NULL, slack_user = NULL, oidc_issuer = NULL, oidc_subject = NULL, desks = '{}', roles = '{}'
    WHERE disabled_at <= :before AND name <> 'Former member of staff' RETURNING id
""")
_ON_THEIR_OWN = (
    ("pack_editions", "asked_at"),
    ("seats", "ended_at"),
    ("library_reviews", "reviewed_at"),
)


class Gone(NamedTuple):
    """What one batch let go: ids, and rows by table."""

    ids: Sequence[str]
    counts: dict[str, int]


def held_cases(session: Session, rule: RetentionClass, *, now: datetime) -> dict[int, int]:
    """How many case files are due and stay, by hold."""
    found: dict[int, int] = {}
    for each in session.execute(_CASES, _closed(rule, now)):
        if each.hold is not None:
            found[each.hold] = found.get(each.hold, 0) + 1
    return found


def due_cases(session: Session, rule: RetentionClass, *, now: datetime) -> list[UUID]:
    """The case files that are due and go."""
    return [each.id for each in session.execute(_CASES, _closed(rule, now)) if each.hold is None]


def let_cases_go(session: Session, rule: RetentionClass, *, now: datetime) -> Gone:
    """Delete the next case files with all that hangs on them, and the tombstones of posts that were in no other."""
    cases = due_cases(session, rule, now=now)[:CASES_AT_ONCE]
    if not cases:
        return Gone([], {})
    posts = list(session.scalars(_POSTS, {"cases": cases}))
    counts: dict[str, int] = {}
    for table, column, ids in (
        *((table, "post_id", posts) for table in (*BY_ID, "sightings")),
        ("labels", "case_id", cases),
        ("looks", "case_id", cases),
        ("posts", "id", posts),
    ):
        asked = text(f"DELETE FROM {table} WHERE {column} = ANY(:ids)")  # noqa: S608  # all parts are ours
        counts[table] = counts.get(table, 0) + session.execute(asked, {"ids": ids}).rowcount  # type: ignore[attr-defined]
    return Gone([str(each) for each in cases], counts | delete_tree(session, "cases", cases))


def let_meetings_go(session: Session, rule: RetentionClass, *, now: datetime) -> Gone:
    """Delete the next meetings of which no case is kept, and packs and seats whose time is over."""
    before = rule.period.before(now)
    meetings = list(session.scalars(_MEETINGS, {"before": before}))
    counts = delete_tree(session, "reviews", meetings) if meetings else {}
    ids = [f"reviews:{each}" for each in meetings]
    for table, column in _ON_THEIR_OWN:
        asked = text(f"SELECT id FROM {table} WHERE {column} <= :before LIMIT 500")  # noqa: S608  # all parts are ours
        over = list(session.scalars(asked, {"before": before}))
        counts |= delete_tree(session, table, over) if over else {}
        ids += [f"{table}:{each}" for each in over]
    return Gone(ids, counts)


def let_log_go(session: Session, rule: RetentionClass, key: bytes, *, now: datetime) -> Gone:
    """Erase the words of the next lines of the log, each with a tombstone; custody of posts nobody keeps goes whole."""
    values = {"before": rule.period.before(now), "most": LINES_AT_ONCE}
    lines = list(session.scalars(_LINES, values))
    erase_words(session, key, lines, who=MACHINE, because=f"kept {rule.period}", now=now)
    entries = list(session.scalars(_CUSTODY, values))
    ids = [*(f"log:{each}" for each in lines), *(f"custody:{each}" for each in entries)]
    return Gone(ids, {"log_entries": len(lines), "custody_entries": len(entries)})


def let_staff_go(session: Session, rule: RetentionClass, *, now: datetime) -> Gone:
    """Take the names off accounts of people who left long ago; what they decided stays."""
    gone = [str(each) for each in session.scalars(_STAFF, {"before": rule.period.before(now)})]
    return Gone(gone, {"people": len(gone)})


def _closed(rule: RetentionClass, now: datetime) -> dict[str, object]:
    return {"open": [each.value for each in OPEN], "before": rule.period.before(now)}
