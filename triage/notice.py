"""Telling open pages that something happened to a case: a NOTIFY that leaves with the commit.

Of a case that is hidden from somebody it says so (`kept`): the desk then asks for each person before it passes it on.
"""

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

CHANNEL = "desk"


_TELL = text("""
    SELECT pg_notify(:channel, json_build_object('kind', CAST(:kind AS text), 'case', told, 'kept',
        EXISTS (SELECT FROM restrictions WHERE case_id = told AND lifted_at IS NULL)
        OR EXISTS (SELECT FROM ties WHERE case_id = told AND withdrawn_at IS NULL))::text)
    FROM unnest(CAST(:cases AS uuid[])) AS told
""")
_CHANGED = text(
    "SELECT pg_notify(:channel, json_build_object('kind', 'changed', 'case', CAST(:case AS uuid))::text)"
)


def tell_desk(session: Session, kind: str, *cases: UUID) -> None:
    """Say what happened to these cases, such as `opened` or `claimed`. Pages then look for themselves."""
    if told := list(_once(cases)):
        session.execute(_TELL, {"channel": CHANNEL, "kind": kind, "cases": told})


def tell_everybody(session: Session, case: UUID) -> None:
    """Say to every page that a case changed, and nothing of it: those that may no longer show it take it off."""
    session.execute(_CHANGED, {"channel": CHANNEL, "case": case})


def _once(cases: Iterable[UUID]) -> Iterable[UUID]:
    return dict.fromkeys(cases)
