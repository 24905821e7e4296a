"""Telling open pages that something happened to a case: a NOTIFY that leaves with the commit."""

import json
from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

CHANNEL = "desk"


def tell_desk(session: Session, kind: str, *cases: UUID) -> None:
    """Say what happened to these cases, such as `opened` or `claimed`. Pages then look for themselves."""
    payloads = [json.dumps({"kind": kind, "case": str(case)}) for case in _once(cases)]
    if payloads:
        session.execute(
            text("SELECT pg_notify(:channel, told) FROM unnest(CAST(:payloads AS text[])) AS told"),
            {"channel": CHANNEL, "payloads": payloads},
        )


def _once(cases: Iterable[UUID]) -> Iterable[UUID]:
    return dict.fromkeys(cases)
