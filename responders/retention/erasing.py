"""Erasing what a rights request was granted: the same purge as by time, with a certificate of its own.

What a legal hold covers is withdrawn from use like the rest; the hold's copy stays, and the request says so.
"""

from datetime import datetime
from uuid import UUID

from sqlmodel import Session

from collector.evidence import note_custody
from responders.retention.posts import Due, cased_among, leave_tombstones, standing_among, take_away
from responders.retention.running import Place
from triage.certificates import enter, open_certificate, seal_certificate
from triage.log import MACHINE, Line, note
from triage.retention_records import RetentionRun
from triage.rights_records import RightsOutcome, RightsRequest

CLASS = "rights"
BECAUSE = "erased at its author's request"


def erase_for_rights(place: Place, request: UUID, *, now: datetime) -> int:
    """Erase the posts of a decided request. Returns how many. Done again it finds nothing more."""
    with Session(place.engine) as session:
        asked = session.get(RightsRequest, request, with_for_update=True)
        if asked is None or asked.erased_at is not None:
            return 0
        if asked.outcome not in (RightsOutcome.GRANTED, RightsOutcome.IN_PART):
            return 0
        due = standing_among(session, [UUID(each["post"]) for each in asked.found])
        if due:
            _erase(session, place, asked, due, now)
        asked.kept = _kept(asked)
        asked.erased_at = now
        detail = {"request": f"R-{asked.number}", "posts": len(due)}
        note(session, [Line("erased for a rights request", None, None, detail)], who=MACHINE, now=now)
        session.commit()
    return len(due)


def _erase(session: Session, place: Place, asked: RightsRequest, due: list[Due], now: datetime) -> None:
    run = RetentionRun(
        rules=place.policy.version, who=asked.decided_by or MACHINE, began_at=now, ended_at=now
    )
    session.add(run)
    session.flush()
    certificate = open_certificate(session, run, CLASS, why=f"granted in R-{asked.number}", now=now)
    leave_tombstones(session, due, CLASS, run.rules, certificate.id, place.permalink_key, now)
    ids = [each.id for each in due]
    note_custody(session, cased_among(session, ids), "disposed", who=MACHINE, now=now, note=BECAUSE)
    enter(certificate, ids, take_away(session, ids, BECAUSE, now=now))
    seal_certificate(session, certificate, place.log_key, held={}, now=now)


def _kept(asked: RightsRequest) -> list[str]:
    """What stays, and why."""
    holds = sorted({hold for each in asked.found for hold in each["holds"]})
    kept = [f"a copy under the legal hold {hold}, until it ends" for hold in holds]
    if any(each["parts"].get("cases") for each in asked.found):
        kept.append(
            "that the post was in a case, its digest and labels, and the log: records of our decisions"
        )
    return kept
