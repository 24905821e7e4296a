"""Correcting the type of a case from its page."""

from typing import Annotated

from fastapi import APIRouter, Form
from fastapi.responses import Response

from classifier.records import IncidentType
from triage.correcting import correct_type
from triage.web.queue import find_case
from triage.web.visit import Visiting

router = APIRouter()


@router.post("/cases/{ref}/type")
def type_of(visit: Visiting, ref: str, kind: Annotated[IncidentType, Form()]) -> Response:
    case = find_case(visit.session, ref)
    here = f"/cases/{case.number}"
    return visit.attempt(
        lambda: correct_type(visit.session, case.id, kind, who=visit.person, now=visit.now), here
    ) or visit.back("type-corrected", here)
