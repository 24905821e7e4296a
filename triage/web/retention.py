"""Retention: which class is kept how long, what is due, when it last ran, and the certificates of disposal."""

from collections.abc import Sequence

from fastapi import APIRouter, HTTPException
from fastapi.responses import HTMLResponse, JSONResponse, Response
from sqlmodel import col, func, select

from triage.certificates import as_told, last_run
from triage.holding import reminders
from triage.retention_policy import Disposal, RetentionPolicy
from triage.retention_records import DisposalCertificate, RetentionRun
from triage.web.visit import Numbered, Visit, Visiting

router = APIRouter()

SHOWN = 100
WAYS = {
    Disposal.CONTENT: "words, payload, addresses, author and files go; a tombstone stays",
    Disposal.COLLECTOR: "words, payload, addresses, author and files go; a tombstone stays",
    Disposal.ROWS: "rows are deleted",
    Disposal.MONTHS: "the month is dropped",
    Disposal.HELD: "the copy is deleted",
    Disposal.NOTICES: "rows are deleted; of those on a case the address goes",
    Disposal.CASES: "the whole file is deleted",
    Disposal.MEETINGS: "the meeting with its papers is deleted",
    Disposal.LOG: "words go; a sealed tombstone keeps the chain whole",
    Disposal.STAFF: "names go; decisions stay",
    Disposal.FILES: "files are deleted",
    Disposal.NEVER: "not by time",
}
NO_POLICY = "Retention cannot be shown here: config/policy/retention.toml was not read."


@router.get("/retention")
def retention(visit: Visiting) -> HTMLResponse:
    """The classes with what is due, the last run, and the newest certificates."""
    policies = visit.room.policies
    due = {name: (number, held) for name, number, held in policies.due(visit.session, visit.now)}
    return visit.page(
        "retention.html",
        policy=policies.retention,
        due=due,
        ways=WAYS,
        last=last_run(visit.session),
        run=_newest_run(visit),
        certificates=_certificates(visit),
        certified=visit.session.exec(select(func.count()).select_from(DisposalCertificate)).one(),
        filed=policies.filed(),
        title_of=_titles(policies.retention),
        reminders=reminders(visit.session, policies.retention.holds, now=visit.now)
        if policies.retention
        else [],
    )


@router.get("/retention/certificates/{number}")
def certificate(visit: Visiting, number: Numbered) -> HTMLResponse:
    """One certificate."""
    found = _find(visit, number)
    title = _titles(visit.room.policies.retention).get(found.class_name, found.class_name)
    return visit.page("certificate.html", one=found, title=title)


@router.get("/retention/certificates/{number}/file")
def certificate_file(visit: Visiting, number: Numbered) -> Response:
    """The same as a file to be kept elsewhere: whoever has the key of the log can verify its seal."""
    found = _find(visit, number)
    headers = {"Content-Disposition": f'attachment; filename="D-{found.number}.json"'}
    return JSONResponse(as_told(found), headers=headers)


def _newest_run(visit: Visit) -> RetentionRun | None:
    """The last one that came to its end by itself; what a rights request erased is no run over all classes."""
    ended = select(RetentionRun).where(col(RetentionRun.ended_at).is_not(None))
    return visit.session.exec(ended.order_by(col(RetentionRun.ended_at).desc()).limit(1)).first()


def _certificates(visit: Visit) -> Sequence[DisposalCertificate]:
    sealed = select(DisposalCertificate).where(col(DisposalCertificate.seal).is_not(None))
    return visit.session.exec(sealed.order_by(col(DisposalCertificate.number).desc()).limit(SHOWN)).all()


def _find(visit: Visit, number: int) -> DisposalCertificate:
    found = visit.session.exec(
        select(DisposalCertificate).where(DisposalCertificate.number == number)
    ).first()
    if found is None or found.seal is None:
        raise HTTPException(404, "There is no such certificate.")
    return found


def _titles(policy: RetentionPolicy | None) -> dict[str, str]:
    known = {each.name: each.title for each in policy.classes} if policy else {}
    return known | {"media": "Files of posts and cases that went", "vault": "Keys of the vault"}
