"""Packs for panels and the public: asked for, made, released by a second person, and read by those they are for."""

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from typing import Annotated, NamedTuple

from fastapi import APIRouter, Form, HTTPException
from fastapi.responses import HTMLResponse, Response

from collector.plain import clean
from triage.locked import LONDON, Conflict
from triage.permissions import Permission, may
from triage.review import packs
from triage.review.pack_records import EditionState, PackEdition
from triage.review.panels import Panel, Panels, may_open
from triage.web.visit import Numbered, Visit, Visiting

router = APIRouter()

Short = Annotated[str, Form(max_length=100)]
Words = Annotated[str, Form(max_length=5_000)]
FORMS = {
    "pdf": "application/pdf",
    "html": "text/html; charset=utf-8",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
}
STATES = {
    EditionState.ASKED: "Being made",
    EditionState.STOPPED: "Stopped by the linter",
    EditionState.MADE: "Waits for a second person",
    EditionState.RELEASED: "Released",
    EditionState.REFUSED: "Not released",
}
NO_PACK = "There is no such pack."


class Row(NamedTuple):
    """One version as the list shows it. `files` are what this person may open."""

    edition: PackEdition
    panel: str
    last_day: datetime
    state: str
    files: list[str]
    left_out: int


@router.get("/packs")
def packs_page(visit: Visiting) -> HTMLResponse:
    """All versions for those who make them; for others the released ones that are for them."""
    panels = _panels(visit)
    makes = may(visit.person, Permission.RELEASE_PACKS)
    rows = [
        _row(visit, each, panels)
        for each in packs.editions(visit.session, released=not makes)
        if makes or _opens(visit, each, panels)
    ]
    return visit.page("packs.html", rows=rows, panels=panels.panel if panels else ())


@router.post("/packs")
def ask(
    visit: Visiting, audience: Short = "", panel: Short = "", first: Short = "", last: Short = "", learning: Words = ""
) -> Response:  # fmt: skip
    """Ask for a version of the days from the first to the last."""
    panels = _panels(visit)
    chosen = panels.panel_of(panel) if panels and audience == packs.PANEL else None
    return _act(visit, "pack-asked", lambda: _ask(visit, audience, chosen, first, last, clean(learning)))


@router.post("/packs/{number}/release")
def release(visit: Visiting, number: Numbered, digest: Short = "") -> Response:
    edition = _found(visit, number)
    return _act(
        visit,
        "pack-released",
        lambda: packs.release(visit.session, edition.id, digest, who=visit.person, now=visit.now),
    )


@router.post("/packs/{number}/refuse")
def refuse(visit: Visiting, number: Numbered, why: Words = "") -> Response:
    edition = _found(visit, number)
    return _act(
        visit,
        "pack-refused",
        lambda: packs.refuse(visit.session, edition.id, clean(why), who=visit.person, now=visit.now),
    )


@router.get("/packs/{number}/{form}")
def download(visit: Visiting, number: Numbered, form: str) -> Response:
    """One form of a version, as it was made; opening it is entered in the log."""
    edition = _found(visit, number)
    if form not in FORMS or not _opens(visit, edition, _panels(visit)):
        raise HTTPException(404, NO_PACK)
    try:
        file = packs.opened(visit.session, edition, form, who=visit.person, now=visit.now)
        visit.session.commit()
    except Conflict as conflict:
        visit.session.rollback()
        return visit.page("conflict.html", 409, detail=f"{conflict}", back="/packs")
    released = "" if edition.state == EditionState.RELEASED else "-not-released"
    name = f"P-{edition.number}-{edition.panel or edition.audience}{released}.{form}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return Response(file.content, media_type=FORMS[form], headers=headers)


def _ask(
    visit: Visit, audience: str, panel: Panel | None, first: str, last: str, learning: str
) -> PackEdition:
    wanted = packs.Wanted(
        audience=audience,
        since=_midnight(first),
        until=_midnight(last) + timedelta(days=1),
        panel=panel.name if panel else "",
        bcu=panel.bcu if panel else None,
        borough=panel.borough if panel else None,
        learning=learning if audience == packs.PUBLIC else "",
    )
    return packs.ask(visit.session, wanted, who=visit.person, now=visit.now)


def _midnight(written: str) -> datetime:
    """The beginning of a day of London's calendar. Raises Conflict."""
    try:
        return datetime.combine(date.fromisoformat(written), time(), LONDON)
    except ValueError as error:
        raise Conflict("Write the first and the last day as 2026-07-14.") from error


def _panels(visit: Visit) -> Panels | None:
    return visit.room.policies.cycle.panels if visit.room.policies.cycle else None


def _found(visit: Visit, number: int) -> PackEdition:
    edition = packs.find(visit.session, number)
    if edition is None:
        raise HTTPException(404, NO_PACK)
    return edition


def _opens(visit: Visit, edition: PackEdition, panels: Panels | None) -> bool:
    """Whoever may release reads what waits; others what is released, for them."""
    if may(visit.person, Permission.RELEASE_PACKS) and edition.state in (
        EditionState.MADE,
        EditionState.RELEASED,
    ):
        return True
    released = edition.state == EditionState.RELEASED
    if panels is None:
        return False
    opens = may_open(
        visit.session, visit.person, edition.audience, panels, panel=edition.panel or None, released=released
    )
    return released and opens


def _row(visit: Visit, edition: PackEdition, panels: Panels | None) -> Row:
    panel = panels.panel_of(edition.panel) if panels and edition.panel else None
    kept = sorted(packs.digests(visit.session, edition.id)) if _opens(visit, edition, panels) else []
    return Row(
        edition,
        panel.title if panel else edition.panel or "The public",
        edition.until - timedelta(microseconds=1),
        STATES[EditionState(edition.state)],
        kept,
        len(edition.manifest.get("left_out", ())),
    )


def _act(visit: Visit, said: str, change: Callable[[], object]) -> Response:
    return visit.attempt(change, "/packs") or visit.back(said, "/packs")
