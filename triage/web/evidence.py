"""Evidence handed on: copied, exported, released. Each is entered before it happens."""

import tempfile
from collections.abc import Iterator
from typing import IO, Annotated
from uuid import UUID

from fastapi import APIRouter, Form, HTTPException
from fastapi.responses import Response, StreamingResponse
from sqlmodel import col, select

from collector.evidence import note_custody
from triage.exporting import export_case, release_evidence
from triage.locked import Conflict
from triage.records import Membership
from triage.web.queue import find_case
from triage.web.visit import Visiting

router = APIRouter()

COPIED = {"link": "its address", "words": "its words"}
MOST_POSTS = 5_000  # of a larger case the command line makes the archive
PIECE = 1 << 18

Words = Annotated[str, Form(max_length=2000)]


@router.post("/cases/{ref}/posts/{post}/copied")
def copied(visit: Visiting, ref: str, post: UUID, what: Annotated[str, Form(max_length=20)]) -> Response:
    """Enter that a person copies a post's address or words; the page then does it."""
    case = find_case(visit.session, ref)
    member = select(Membership.post_id).where(Membership.case_id == case.id, Membership.post_id == post)
    if what not in COPIED or visit.session.exec(member.where(col(Membership.sure))).first() is None:
        raise HTTPException(404, "There is no such post in this case.")
    who = visit.person.username
    note_custody(visit.session, [post], "copied", who=who, now=visit.now, note=COPIED[what])
    visit.session.commit()
    return Response(status_code=204)


@router.post("/cases/{ref}/export")
def export(visit: Visiting, ref: str, why: Words = "", whole: Annotated[bool, Form()] = False) -> Response:
    """The evidence of a case as one archive."""
    case = find_case(visit.session, ref)
    number = case.number
    if case.post_count > MOST_POSTS:
        raise HTTPException(
            413, f"This case has {case.post_count:,} posts. Use: goldenhour export GH-{number} --out FILE.zip"
        )
    out = tempfile.TemporaryFile()  # noqa: SIM115  # closed when its last piece is sent
    try:
        export_case(
            visit.session, case, out, visit.room.files, who=visit.person, why=why, whole=whole, now=visit.now
        )
        visit.session.commit()
    except Conflict as conflict:
        out.close()
        return visit.page("conflict.html", 409, detail=str(conflict), back=f"/cases/{number}")
    except BaseException:
        out.close()
        raise
    name = f"GH-{number}-evidence-{visit.now:%Y%m%dT%H%M%SZ}.zip"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Content-Length": str(out.tell())}
    return StreamingResponse(_pieces(out), media_type="application/zip", headers=headers)


def _pieces(out: IO[bytes]) -> Iterator[bytes]:
    with out:
        out.seek(0)
        while piece := out.read(PIECE):
            yield piece


@router.post("/cases/{ref}/released")
def released(visit: Visiting, ref: str, receiver: Words = "", why: Words = "", what: Words = "") -> Response:
    """Enter that the evidence of a case was handed to somebody outside."""
    case = find_case(visit.session, ref)
    back = f"/cases/{case.number}"
    try:
        release_evidence(
            visit.session, case, to=receiver, why=why, what=what, who=visit.person, now=visit.now
        )
        visit.session.commit()
    except Conflict as conflict:
        return visit.page("conflict.html", 409, detail=str(conflict), back=back)
    return visit.back("released-evidence", back)
