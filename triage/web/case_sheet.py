"""The case sheet of a pack: what people enter from official records, and what they write anew for panels."""

from collections.abc import Callable
from typing import Annotated, NamedTuple

from fastapi import APIRouter, Form, HTTPException
from fastapi.responses import HTMLResponse, Response

from collector.plain import clean
from triage.locked import Conflict
from triage.records import Case
from triage.review.pack_records import SheetEntry
from triage.review.sheets import Given, SheetField, enter, entries_of, reword
from triage.web.queue import find_case
from triage.web.visit import Visit, Visiting

router = APIRouter()

Short = Annotated[str, Form(max_length=200)]
Words = Annotated[str, Form(max_length=5_000)]
Several = Annotated[list[str], Form(default_factory=list)]
NO_SHEET = "There is no such field: config/review/sheet.toml lists them."


class Shown(NamedTuple):
    """One field with what stands in it; `wrong` is why what was sent was not kept, and `typed` what it was."""

    field: SheetField
    entry: SheetEntry | None
    wrong: str = ""
    typed: str = ""


class Refused(NamedTuple):
    """What was not kept."""

    field: str
    why: str
    typed: str


@router.get("/cases/{ref}/sheet")
def sheet_page(visit: Visiting, ref: str) -> HTMLResponse:
    return _page(visit, find_case(visit.session, ref))


@router.post("/cases/{ref}/sheet")
def put(
    visit: Visiting, ref: str, choices: Several, field: Short = "", words: Words = "", source: Short = ""
) -> Response:
    """Put one field on the sheet, by the record it is from."""
    case, known = find_case(visit.session, ref), _field(visit, field)
    given = Given(choices, clean(words), clean(source))

    def change() -> None:
        enter(visit.session, case.id, known, given, who=visit.person, now=visit.now)

    return _act(visit, case, known, "sheet-entered", words, change)


@router.post("/cases/{ref}/sheet/words")
def write_anew(visit: Visiting, ref: str, field: Short = "", words: Words = "") -> Response:
    """Write what panels read of a field."""
    case, known, checks = find_case(visit.session, ref), _field(visit, field), visit.room.policies.pack_checks
    if checks is None:
        raise HTTPException(404, NO_SHEET)

    def change() -> None:
        reword(visit.session, case.id, known, clean(words), checks, who=visit.person, now=visit.now)

    return _act(visit, case, known, "sheet-reworded", words, change)


def _act(
    visit: Visit, case: Case, field: SheetField, said: str, typed: str, change: Callable[[], None]
) -> Response:
    number = case.number
    try:
        change()
        visit.session.commit()
    except Conflict as conflict:
        visit.session.rollback()
        refused = Refused(field.name, str(conflict), typed)
        return _page(visit, find_case(visit.session, str(number)), refused, 422)
    return visit.back(said, f"/cases/{number}/sheet")


def _field(visit: Visit, name: str) -> SheetField:
    found = next((each for each in visit.room.policies.sheet if each.name == name), None)
    if found is None:
        raise HTTPException(404, NO_SHEET)
    return found


def _page(visit: Visit, case: Case, refused: Refused | None = None, status: int = 200) -> HTMLResponse:
    entries = entries_of(visit.session, case.id)
    shown = [
        Shown(
            each,
            entries.get(each.name),
            refused.why if refused and refused.field == each.name else "",
            refused.typed if refused and refused.field == each.name else "",
        )
        for each in visit.room.policies.sheet
    ]
    return visit.page("case_sheet.html", status, case=case, shown=shown)
