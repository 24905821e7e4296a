"""Holds, certificates of disposal and rights requests as a data steward finds them on a working day."""

from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session, select

from collector.records import Post, PostKey
from tests.conftest import LOG_KEY
from triage.certificates import enter, open_certificate, seal_certificate
from triage.hold_records import Hold, HoldScope
from triage.records import Case, Person
from triage.retention_records import RetentionRun
from triage.rights_records import RightsKind, RightsOutcome, RightsRequest


def seed_retention(session: Session, amira: Person, tom: Person, *, now: datetime) -> None:
    """Three holds in three states, a run of the last night with its certificates, two requests."""
    case = session.exec(select(Case).where(Case.number == 1)).one()
    day = timedelta(days=1)
    told: dict[str, Any] = {
        "set_by": amira.id,
        "set_at": now - 3 * day,
        "review_at": now + 60 * day,
        "expires_at": now + 300 * day,
    }
    session.add_all(
        [
            Hold(
                scope=HoldScope.CASE, case_id=case.id, reason="court", why="a civil claim was announced",
                content=True, signed_by=tom.id, signed_at=now - 2 * day, **told,
            ),
            Hold(
                scope=HoldScope.SPAN, from_at=now - 9 * day, until_at=now - 2 * day, reason="iopc",
                why="the IOPC asks for what was seen that week", content=True, **told,
            ),
            Hold(
                scope=HoldScope.CASE, case_id=case.id, reason="complaint", why="the complaint was settled",
                ended_at=now - day, ended_by=tom.id, ended_because="the complaint was settled", **told,
            ),
        ]
    )  # fmt: skip
    run = RetentionRun(
        rules=1, who="golden hour", began_at=now - day, ended_at=now - day, held={"grave": {"H-1": 12}}
    )
    session.add(run)
    session.flush()
    for name, items in (("unflagged", 2481), ("minor", 120), ("sessions", 14)):
        one = open_certificate(session, run, name, why="its time was over", now=now - day)
        enter(one, [f"{name} {number}" for number in range(items)], {"posts": items, "media": items // 7})
        seal_certificate(session, one, LOG_KEY, held={"H-1": 12} if name == "minor" else {}, now=now - day)
    session.commit()
    post = session.exec(select(Post).where(Post.url != "").limit(1)).one()
    session.merge(PostKey(id=post.id, collected_at=post.collected_at))
    asked: dict[str, Any] = {
        "received_at": now - 20 * day,
        "due_at": now + 10 * day,
        "entered_by": "amira",
        "entered_at": now - 19 * day,
    }
    session.add_all(
        [
            RightsRequest(kind=RightsKind.ERASURE, reference="IRN-2026-0412", permalinks=[post.url or ""], **asked),
            RightsRequest(
                kind=RightsKind.ACCESS, reference="IRN-2026-0398", permalinks=["https://social.example/gone"],
                outcome=RightsOutcome.GRANTED, why="we told them all we hold", decided_by="amira", decided_at=now - day,
                answered_at=now - day, **asked,
            ),
        ]
    )  # fmt: skip
    session.commit()
