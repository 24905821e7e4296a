"""The register of lines; what a case page says of its own; facts noted, verified and withdrawn."""

import csv
import io
import json
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated, Any, NamedTuple
from uuid import UUID

from fastapi import APIRouter, Form
from fastapi.responses import HTMLResponse, Response
from sqlmodel import col, select

from collector.plain import clean
from triage import case_facts, statements
from triage.approving import lacks_second
from triage.background import offered
from triage.checking_facts import NamedFact
from triage.locked import Conflict
from triage.log import Line, note
from triage.permissions import Permission, may
from triage.records import Case, Person
from triage.reveal_report import plain_cell
from triage.review.library import LibraryItem, library, note_looked_at
from triage.statement_records import CaseFact, Statement, StatementApproval, StatementState, StatementVersion
from triage.web.case_file import CaseFile
from triage.web.line_shown import chosen, shown_facts, writing_of
from triage.web.queue import find_case
from triage.web.visit import Visit, Visiting
from triage.writing import OWN, Explainer, LineKind

router = APIRouter()

Words = Annotated[str, Form(max_length=2_000)]
Short = Annotated[str, Form(max_length=60)]
ANCHOR = "statements"
MOST = 200
OVER = (StatementState.SUPERSEDED, StatementState.CORRECTED, StatementState.EXPIRED)
VIEWS = {
    "": "Standing",
    "waiting": "Waiting for you",
    "stale": "Stale",
    "issued": "Issued",
    "over": "Over",
    "all": "All",
}
COLUMNS = (
    "line", "case", "template", "title", "state", "version", "author", "drafted", "approved", "issued",
    "next_update", "stale", "text",
)  # fmt: skip


class LineRow(NamedTuple):
    """A line in a list. `late` when the update it promised is overdue; `state` in words; `short` says why it waits for
    a second person although one has approved it."""

    line: Statement
    case: Case
    state: str
    late: bool
    short: str


class CaseLines(NamedTuple):
    """What a case page says of lines. `last` is the newest one that was issued, or else approved; also of a case that
    was opened again; `standing` the issued one that the next line follows. `kinds` are templates for a case like this,
    `others` the rest. `short` says by template how many facts are not verified yet, `next` names the one of `kinds`
    that can say most; `needed` are facts that drafts wait for."""

    rows: list[LineRow]
    over: list[LineRow]
    last: Statement | None
    standing: Statement | None
    kinds: list[LineKind]
    others: list[LineKind]
    short: dict[str, int]
    next: str
    needed: list[str]
    facts: list[tuple[CaseFact, str]]
    fact_kinds: Sequence[NamedFact]
    explainers: list[Explainer]


@router.get("/statements")
def register(visit: Visiting, view: str = "", q: str = "") -> HTMLResponse:
    """All lines, those that need somebody first."""
    view = view if view in VIEWS else ""
    words = " ".join(clean(q).split())[:100]
    rows = find_lines(visit, view, words)
    approves = may(visit.person, Permission.APPROVE_LINE)
    return visit.page(
        "register.html",
        rows=rows[:MOST],
        more=len(rows) > MOST,
        view=view,
        q=words,
        views=[(name, title) for name, title in VIEWS.items() if name != "waiting" or approves],
        library=_library(visit),
        waiting=len(find_lines(visit, "waiting")) if approves else 0,
    )


@router.get("/statements.csv")
def register_csv(visit: Visiting, view: str = "all") -> Response:
    """The register for a spreadsheet. The log says who took it along."""
    out = io.StringIO(newline="")
    rows = csv.writer(out, quoting=csv.QUOTE_ALL)
    rows.writerow(COLUMNS)
    for each in _exported(visit, view, "csv"):
        rows.writerow([plain_cell(str(each[name])) for name in COLUMNS])
    return _file(visit, out.getvalue(), "csv", "text/csv; charset=utf-8")


@router.get("/statements.json")
def register_json(visit: Visiting, view: str = "all") -> Response:
    """The register for a program."""
    made = json.dumps(_exported(visit, view, "json"), indent=2, ensure_ascii=False)
    return _file(visit, made, "json", "application/json")


@router.post("/statements/library")
def looked_at(visit: Visiting, kind: Short = "", name: Short = "", words: Words = "") -> Response:
    """A template or explainer was looked at again."""
    given: dict[str, Any] = {"who": visit.person, "now": visit.now}
    try:
        note_looked_at(visit.session, kind, name, clean(words), writing_of(visit), **given)
        visit.session.commit()
    except Conflict as conflict:
        return _conflict(visit, conflict, "/statements#library")
    return visit.back("looked-at", "/statements", part="library")


@router.post("/cases/{ref}/statements")
def ask(
    visit: Visiting, ref: str, template: Short = OWN, follows: Annotated[int | None, Form()] = None
) -> Response:
    """A line of a template, or one in own words; with the number of an issued line, the one that comes after it."""
    case = find_case(visit.session, ref)
    kind = chosen(visit, template)
    before = statements.find_line(visit.session, follows) if follows else None
    given: dict[str, Any] = {
        "follows": before.id if before else None, "who": visit.person, "now": visit.now,
    }  # fmt: skip
    try:
        made = statements.ask_line(visit.session, case.id, kind.name, kind.title, **given)
        visit.session.commit()
    except Conflict as conflict:
        return _conflict(visit, conflict, f"/cases/{case.number}")
    return visit.back("line-asked", f"/cases/{case.number}/statements/{made.number}")


@router.post("/cases/{ref}/facts")
def note_fact(
    visit: Visiting, ref: str, name: Short = "", value: Words = "", source: Words = "", to: Short = "",
    verified: Annotated[bool, Form()] = False,
) -> Response:  # fmt: skip
    """Something is known, and where from; whoever has it from the source may verify it at once."""
    given: dict[str, Any] = {"who": visit.person, "now": visit.now}

    def change(case: Case) -> None:
        kinds = writing_of(visit).facts
        noted = case_facts.note_fact(
            visit.session, case.id, name, clean(value), clean(source), kinds, **given
        )
        if verified:
            case_facts.verify_fact(visit.session, noted.id, **given)

    return _act(visit, ref, "fact-verified" if verified else "fact-noted", change, to=to)


@router.post("/cases/{ref}/facts/{fact}/verify")
def verify_fact(visit: Visiting, ref: str, fact: UUID, to: Short = "") -> Response:
    """A named person says that it is so."""
    given: dict[str, Any] = {"who": visit.person, "now": visit.now}

    def change(case: Case) -> None:
        case_facts.verify_fact(visit.session, _of(visit, case, fact), **given)

    return _act(visit, ref, "fact-verified", change, to=to)


@router.post("/cases/{ref}/facts/{fact}/withdraw")
def withdraw_fact(visit: Visiting, ref: str, fact: UUID, why: Words = "", to: Short = "") -> Response:
    """It is not so, or no longer."""
    given: dict[str, Any] = {"who": visit.person, "now": visit.now}

    def change(case: Case) -> None:
        case_facts.withdraw_fact(visit.session, _of(visit, case, fact), why=clean(why), **given)

    return _act(visit, ref, "fact-withdrawn", change, to=to)


def find_lines(visit: Visit, view: str, words: str = "") -> list[LineRow]:
    """The lines of one view: stale ones first, then by what is due, then the newest."""
    asked = select(Statement, Case).join(Case, col(Case.id) == col(Statement.case_id))
    if view in ("", "waiting", "stale"):
        asked = asked.where(col(Statement.state).not_in(OVER))
    if view == "waiting":
        asked = asked.where(
            col(Statement.state).in_((StatementState.IN_REVIEW, StatementState.APPROVED)),
            col(Statement.id).not_in(_handled(visit.person)),
        )
    elif view == "stale":
        asked = asked.where(col(Statement.stale_at).is_not(None))
    elif view == "issued":
        asked = asked.where(Statement.state == StatementState.ISSUED)
    elif view == "over":
        asked = asked.where(col(Statement.state).in_(OVER))
    for word in words.split()[:8]:
        asked = asked.where(col(Statement.text).icontains(word, autoescape=True))
    found = visit.session.exec(asked.order_by(col(Statement.drafted_at).desc()).limit(1000)).all()
    rows = [_row(visit, line, case) for line, case in found]
    if view == "waiting":
        rows = [each for each in rows if each.short or each.line.state == StatementState.IN_REVIEW]
    return sorted(rows, key=_first)


def _library(visit: Visit) -> list[LibraryItem]:
    codes = visit.room.policies.findings
    return library(visit.session, writing_of(visit), codes) if codes else []


def read_case_lines(visit: Visit, file: CaseFile) -> CaseLines:
    """The lines and facts of one case."""
    writing, case = writing_of(visit), file.case
    kinds = [each for each in writing.kinds if each.meant_for(case)]
    asked = select(Statement).where(Statement.case_id == case.id).order_by(col(Statement.drafted_at).desc())
    lines = visit.session.exec(asked).all() if file.has(Statement) else []
    rows = [_row(visit, each, case) for each in lines]
    spoken = sorted((each.line for each in rows if each.line.issued_at), key=_issued_at, reverse=True)
    signed = [each.line for each in rows if each.line.approved_at]
    facts = shown_facts(visit.session, case.id, writing) if file.has(CaseFact) else []
    short = _short(writing.kinds, facts)
    return CaseLines(
        rows=[each for each in rows if each.line.state not in OVER],
        over=[each for each in rows if each.line.state in OVER],
        last=next(iter([*spoken, *signed]), None),
        standing=next((each for each in spoken if each.state == StatementState.ISSUED), None),
        kinds=kinds,
        short=short,
        others=[each for each in writing.kinds if not each.meant_for(case)],
        next=_next(kinds, short, lines),
        needed=[name for each in lines if each.state == StatementState.DRAFTED for name in each.missing],
        facts=facts,
        fact_kinds=[each for each in writing.facts.fact if not each.ours],
        explainers=offered(visit.session, case, writing.explainers),
    )


def _short(kinds: Sequence[LineKind], facts: Sequence[tuple[CaseFact, str]]) -> dict[str, int]:
    """How many of the facts that each template needs nobody has verified yet."""
    verified = {fact.name for fact, _ in facts if fact.verified_at and not fact.withdrawn_at}
    return {each.name: len(set(each.required) - verified) for each in kinds}


def _next(kinds: Sequence[LineKind], short: dict[str, int], lines: Sequence[Statement]) -> str:
    """The template that rests on most verified facts, lacks none and has no line yet; none when there is none."""
    begun = {each.template for each in lines}
    ready = [each for each in kinds if not short[each.name] and each.name not in begun]
    return max(ready, key=lambda each: len(each.required)).name if ready else ""


def _handled(me: Person) -> Any:
    """Lines that somebody may not approve, because they wrote or approved them."""
    wrote = select(StatementVersion.statement_id).where(StatementVersion.written_by == me.username)
    signed = select(StatementApproval.statement_id).where(
        StatementApproval.who == me.username, col(StatementApproval.voided_at).is_(None)
    )
    own = select(Statement.id).where(Statement.author == me.username)
    return wrote.union(signed, own)


def _row(visit: Visit, line: Statement, case: Case) -> LineRow:
    promised = line.next_update_at if line.state == StatementState.ISSUED else None
    approved = line.state == StatementState.APPROVED
    return LineRow(
        line,
        case,
        statements.STATES[StatementState(line.state)],
        promised is not None and promised < visit.now,
        lacks_second(visit.session, line, case, writing_of(visit)) if approved else "",
    )


def _first(row: LineRow) -> tuple[bool, bool, float, float]:
    line = row.line
    due = line.next_update_at if line.state == StatementState.ISSUED else line.expires_at
    return (
        line.stale_at is None or line.state in OVER,
        line.state != StatementState.IN_REVIEW and due is None,
        due.timestamp() if due else 0.0,
        -line.drafted_at.timestamp(),
    )


def _issued_at(line: Statement) -> datetime:
    return line.issued_at or line.drafted_at


def _exported(visit: Visit, view: str, form: str) -> list[dict[str, Any]]:
    """The rows, and a line in the log that they were taken along."""
    rows = find_lines(visit, view if view in VIEWS else "all")
    detail = {"lines": len(rows), "form": form}
    exported = Line("lines exported", None, None, detail)
    note(visit.session, [exported], who=visit.person.username, now=visit.now)
    made = [_plain(each) for each in rows]
    visit.session.commit()
    return made


def _plain(row: LineRow) -> dict[str, Any]:
    line = row.line
    moments = {
        "drafted": line.drafted_at, "approved": line.approved_at, "issued": line.issued_at,
        "next_update": line.next_update_at,
    }  # fmt: skip
    return {
        "line": f"S-{line.number}", "case": f"GH-{row.case.number}", "template": line.template, "title": line.title,
        "state": line.state, "version": line.version, "author": line.author or "",
        **{name: at.isoformat() if at else "" for name, at in moments.items()},
        "stale": line.stale_because or "", "text": line.text,
    }  # fmt: skip


def _file(visit: Visit, made: str, ending: str, kind: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="statements-{visit.now:%Y%m%d}.{ending}"'}
    return Response(made, media_type=kind, headers=headers)


def _of(visit: Visit, case: Case, fact: UUID) -> UUID:
    """The id of a fact of this case. Raises Conflict for another's."""
    found = visit.session.get(CaseFact, fact)
    if found is None or found.case_id != case.id:
        raise Conflict("There is no such fact on this case.")
    return found.id


def _act(visit: Visit, ref: str, said: str, change: Callable[[Case], None], *, to: str) -> Response:
    """Back to the line somebody came from (`to` is its number), or to the case."""
    case = find_case(visit.session, ref)
    back = f"/cases/{case.number}" + (f"/statements/{to}" if to.isascii() and to.isdecimal() else "")
    try:
        change(case)
        visit.session.commit()
    except Conflict as conflict:
        return _conflict(visit, conflict, back)
    return visit.back(said, back, part="facts")


def _conflict(visit: Visit, conflict: Conflict, back: str) -> HTMLResponse:
    visit.session.rollback()
    return visit.page("conflict.html", 409, detail=str(conflict), back=back)
