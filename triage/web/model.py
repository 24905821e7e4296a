"""The model: which is in use, which could be, how it drifts and what it misses; two people change it."""

from collections.abc import Callable
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Form
from fastapi.responses import HTMLResponse, Response
from sqlmodel import Session, col, select

from classifier.drift import judge
from classifier.learning_records import ModelVersion, Promotion
from classifier.promotion import shadow, stack
from classifier.versions import SHIPPED, version_at
from triage import promoting
from triage.locked import Conflict
from triage.sampling import rates
from triage.switch_records import SwitchKind
from triage.switching import MODEL, switch_off, switch_on, switched_off
from triage.web.visit import Visit, Visiting

router = APIRouter()

DAYS, MISSED_DAYS, PAST = 14, 90, 10
Why = Annotated[str, Form(max_length=500)]


@router.get("/model")
def model(visit: Visiting) -> HTMLResponse:
    """Everything about it on one page; the acts only for those who may."""
    session, shipped = visit.session, version_at(SHIPPED)
    live = stack(session, shipped)
    known = session.exec(select(ModelVersion).order_by(col(ModelVersion.added_at).desc())).all()
    return visit.page(
        "model.html",
        live=live[-1],
        before=live[-2] if len(live) > 1 else None,
        shipped=shipped,
        others=[each for each in known if each.version != live[-1]],
        waiting=promoting.waiting(session),
        past=_past(session),
        run=shadow(session, now=visit.now),
        days=judge(session, days=DAYS),
        rates=rates(session, days=MISSED_DAYS, now=visit.now),
        missed_days=MISSED_DAYS,
        off=next(iter(switched_off(session, SwitchKind.MODEL)), None),
    )


@router.post("/model/ask")
def ask(visit: Visiting, why: Why = "", version: Annotated[str, Form(max_length=80)] = "") -> Response:
    """Ask for a version; without one, to go back to the one before."""
    return _act(
        visit,
        "model-asked",
        lambda: promoting.ask(
            visit.session,
            version or None,
            shipped=version_at(SHIPPED),
            who=visit.person,
            why=why,
            now=visit.now,
        ),
    )


@router.post("/model/off")
def off(visit: Visiting, why: Why = "") -> Response:
    """Stop the model deciding anything, now."""
    kind, known = SwitchKind.MODEL, (MODEL,)
    return _act(
        visit,
        "model-off",
        lambda: switch_off(visit.session, kind, MODEL, known=known, who=visit.person, why=why, now=visit.now),
    )


@router.post("/model/on")
def on(visit: Visiting, why: Why = "") -> Response:
    """Let it decide again."""
    return _act(
        visit,
        "model-on",
        lambda: switch_on(visit.session, SwitchKind.MODEL, MODEL, who=visit.person, why=why, now=visit.now),
    )


@router.post("/model/{asked}/agree")
def agree(visit: Visiting, asked: UUID) -> Response:
    return _act(
        visit,
        "model-changed",
        lambda: promoting.agree(
            visit.session, asked, shipped=version_at(SHIPPED), who=visit.person, now=visit.now
        ),
    )


@router.post("/model/{asked}/refuse")
def refuse(visit: Visiting, asked: UUID) -> Response:
    return _act(
        visit,
        "model-refused",
        lambda: promoting.refuse(visit.session, asked, who=visit.person, now=visit.now),
    )


def _act(visit: Visit, said: str, change: Callable[[], object]) -> Response:
    try:
        change()
        visit.session.commit()
    except (Conflict, promoting.Refused) as conflict:
        visit.session.rollback()
        return visit.page("conflict.html", 409, detail=f"{conflict}", back="/model")
    return visit.back(said, "/model")


def _past(session: Session) -> list[Promotion]:
    lived = select(Promotion).where(col(Promotion.since).is_not(None))
    return list(session.exec(lived.order_by(col(Promotion.since).desc()).limit(PAST)))
