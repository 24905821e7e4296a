"""Pictures of a case's footage: blurred until a person asks to see them, which is entered; and files staff add."""

import shutil
from pathlib import Path
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Form, HTTPException, UploadFile
from fastapi.responses import FileResponse, Response

from collector.footage_records import Look
from collector.looks import told_plainly
from collector.video.errors import TooBig, VideoError
from collector.video.files import digest
from collector.video.look import probe
from collector.video.probed import Limits
from triage.custody import has_seen
from triage.footage import SHOWN_FOR, add_footage, find_copy, show_footage
from triage.locked import Conflict
from triage.web.queue import find_case
from triage.web.visit import Visit, Visiting

router = APIRouter()
uploads = APIRouter()

CHECKING = Limits(wall_s=20.0, cpu_s=20)
ROOM_FOR_FORM = 1_000_000


@router.get("/cases/{ref}/footage/{footage}/blurred")
def blurred(visit: Visiting, ref: str, footage: UUID) -> Response:
    """A picture of it that nobody can be told from."""
    look = _look(visit, ref, footage)
    return _picture(visit.room.files.blurred(look.sha256 or b""))


@router.get("/cases/{ref}/footage/{footage}/sheet")
def sheet(visit: Visiting, ref: str, footage: UUID) -> Response:
    """Its moments, for whoever asked to see them in the last minutes."""
    look = _look(visit, ref, footage)
    who = visit.person.username
    if not has_seen(visit.session, look.media_id, who=who, within=SHOWN_FOR, now=visit.now):
        raise HTTPException(404, "Ask to see this footage on the case page first.")
    return _picture(visit.room.files.sheet(look.sha256 or b""))


@router.post("/cases/{ref}/footage/{footage}/show")
def show(visit: Visiting, ref: str, footage: UUID) -> Response:
    """Enter that this person looks at it, then show it."""
    look = _look(visit, ref, footage)
    show_footage(visit.session, look.media_id, who=visit.person, now=visit.now)
    visit.session.commit()
    return visit.back(
        "footage-shown", f"/cases/{find_case(visit.session, ref).number}", part=f"clip-{footage}"
    )


@uploads.post("/cases/{ref}/footage")
def upload(
    visit: Visiting, ref: str, file: UploadFile, why: Annotated[str, Form(max_length=2000)] = ""
) -> Response:
    """Take a file that staff lawfully has: measured before it is believed to be a video or picture."""
    case, files = find_case(visit.session, ref), visit.room.files
    back = f"/cases/{case.number}"
    try:
        with files.incoming() as path:
            _copy(file, path, files.most_bytes)
            probe(path, CHECKING)
            digested = digest(path)
            add_footage(visit.session, case.id, digested, who=visit.person, why=why, now=visit.now)
            files.seal(path, digested.sha256)
            visit.session.commit()
    except VideoError as error:
        return visit.page("refused.html", 422, detail=told_plainly(error), remedy=error.remedy, back=back)
    except Conflict as conflict:
        visit.session.rollback()
        return visit.page("conflict.html", 409, detail=str(conflict), back=back)
    return visit.back("footage-added", back)


def _copy(file: UploadFile, path: Path, most: int) -> None:
    if file.size is not None and file.size > most:
        raise TooBig(f"more than {most / 1e6:.0f} MB")
    with path.open("xb") as target:
        shutil.copyfileobj(file.file, target, 1 << 20)


def _look(visit: Visit, ref: str, footage: UUID) -> Look:
    """How the file of a copy in this case came. Raises 404."""
    found = find_copy(visit.session, find_case(visit.session, ref).id, footage)
    if found is None:
        raise HTTPException(404, "There is no such footage in this case, or its file is no longer kept.")
    return found[1]


def _picture(path: Path) -> Response:
    if not path.is_file():
        raise HTTPException(404, "Its picture is not here: see the media folder of this machine.")
    return FileResponse(path, media_type="image/jpeg")
