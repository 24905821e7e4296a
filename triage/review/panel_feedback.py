"""What panels said and what was done: their feedback forms, imported whole or not at all, and "you said, we did"."""

import csv
import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlmodel import Session, col, select

from triage.locked import Conflict
from triage.log import Line, note
from triage.permissions import Permission, need
from triage.records import Case, Person
from triage.review.finding_codes import FindingCodes
from triage.review.finding_records import Action, PanelForm, YouSaid

MOST_ROWS = 2_000
LONGEST = 4_000
FIXED = ("panel", "met_on", "case", "comments")


class BadRow(NamedTuple):
    """One row that was refused, counted from 1 without the heading, and why."""

    row: int
    why: str


class Refused(Conflict):
    """The file was not imported, not even in part: what is wrong with it, row by row."""

    def __init__(self, rows: Sequence[BadRow]) -> None:
        super().__init__("; ".join(f"row {each.row}: {each.why}" if each.row else each.why for each in rows))
        self.rows = list(rows)


class Imported(NamedTuple):
    """How many forms are new, and how many were here already."""

    new: int
    known: int


def import_forms(
    session: Session, file: bytes, codes: FindingCodes, *, who: Person, now: datetime
) -> Imported:
    """Import a CSV or JSON file of panels' forms. Raises Refused with every bad row; then nothing is imported.

    Columns: `panel`, `met_on` (2026-07-14), `case` (may be empty), one for each question of findings.toml (1 to 5, or
    empty), `comments`. JSON is a list of objects with the same keys.
    """
    need(who, Permission.DECIDE_FINDING)
    names = [each.name for each in codes.panel_question]
    rows = _read(file, {*FIXED, *names})
    cases = _cases(session, rows)
    forms: dict[str, PanelForm] = {}
    wrong = []
    for number, row in enumerate(rows, 1):
        try:
            form = _form(row, names, cases, who=who, now=now)
        except ValueError as error:
            wrong.append(BadRow(number, str(error)))
        else:
            forms[form.digest] = form
    if wrong:
        raise Refused(wrong)
    known = set(session.exec(select(PanelForm.digest).where(col(PanelForm.digest).in_(forms))))
    new = [form for digest, form in forms.items() if digest not in known]
    session.add_all(new)
    session.flush()
    detail = {"forms": len(new), "known": len(rows) - len(new)}
    note(session, [Line("panel forms imported", None, None, detail)], who=who.username, now=now)
    return Imported(len(new), len(rows) - len(new))


def say_done(
    session: Session,
    panel: str,
    said: str,
    did: str,
    *,
    action: Action | None = None,
    case_id: UUID | None = None,
    who: Person,
    now: datetime,
) -> YouSaid:
    """Write one line of "you said, we did" for a panel. It is told to them elsewhere."""
    need(who, Permission.DECIDE_FINDING)
    if not panel.strip() or len(said.split()) < 2 or len(did.split()) < 2:
        raise Conflict("Name the panel, what it said, and what was done.")
    made = YouSaid(
        panel=_kept(panel), said=_kept(said), did=_kept(did), action_id=action.id if action else None,
        case_id=case_id or (action.case_id if action else None), review_id=action.review_id if action else None,
        written_by=who.username, written_at=now,
    )  # fmt: skip
    session.add(made)
    detail = {"panel": made.panel, **({"action": f"A-{action.number}"} if action else {})}
    note(session, [Line("panel answered", made.case_id, None, detail)], who=who.username, now=now)
    return made


def record_told(session: Session, line: UUID, *, who: Person, now: datetime) -> YouSaid:
    """Record that the panel was told, elsewhere."""
    need(who, Permission.DECIDE_FINDING)
    found = session.get(YouSaid, line, populate_existing=True, with_for_update=True)
    if found is None:
        raise Conflict("There is no such line.")
    if found.told_at is not None:
        raise Conflict("It is recorded already.")
    found.told_at, found.told_by = now, who.username
    detail = {"panel": found.panel}
    note(session, [Line("panel told what was done", found.case_id, None, detail)], who=who.username, now=now)
    return found


class PanelScore(NamedTuple):
    """How panels scored one question: how many forms answered it, and the mean where at least five did."""

    asks: str
    answers: int
    mean: float | None


def scores(forms: Sequence[PanelForm], codes: FindingCodes, *, fewest: int = 5) -> list[PanelScore]:
    """The mean of each question; none where fewer than `fewest` forms answered it."""
    found = []
    for question in codes.panel_question:
        given = [int(form.scores[question.name]) for form in forms if question.name in form.scores]
        mean = sum(given) / len(given) if len(given) >= fewest else None
        found.append(PanelScore(question.asks, len(given), mean))
    return found


def _read(file: bytes, columns: set[str]) -> list[Mapping[str, Any]]:
    try:
        text = file.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Refused([BadRow(0, "The file is not UTF-8 text: save it as CSV (UTF-8) or JSON.")]) from error
    rows = _json(text) if text.lstrip().startswith(("[", "{")) else _csv(text, columns)
    if not rows:
        raise Refused([BadRow(0, "The file has no form in it.")])
    if len(rows) > MOST_ROWS:
        raise Refused([BadRow(0, f"The file has more than {MOST_ROWS:,} rows: split it.")])
    for number, row in enumerate(rows, 1):
        if strange := set(row) - columns:
            raise Refused([BadRow(number, f"{min(map(str, strange))!r} is no column of the form")])
    return rows


def _csv(text: str, columns: set[str]) -> list[Mapping[str, Any]]:
    reader = csv.DictReader(io.StringIO(text, newline=""), restkey="too many columns", restval="")
    missing = {"panel", "met_on"} - set(reader.fieldnames or ())
    if missing or not set(reader.fieldnames or ()) <= columns:
        known = ", ".join(sorted(columns))
        raise Refused([BadRow(0, f"The first line must name the columns: {known}.")])
    try:
        return list(reader)
    except csv.Error as error:
        raise Refused([BadRow(reader.line_num, f"the row cannot be read: {error}")]) from error


def _json(text: str) -> list[Mapping[str, Any]]:
    try:
        read = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Refused([BadRow(0, "The file is no JSON that can be read.")]) from error
    if not isinstance(read, list) or not all(isinstance(each, dict) for each in read):
        raise Refused([BadRow(0, "The file must be a list of forms.")])
    return read


def _cases(session: Session, rows: Sequence[Mapping[str, Any]]) -> dict[int, UUID]:
    """The cases that the rows name and the session may see, by number."""
    numbers = {number for row in rows if (number := _number(row.get("case"))) is not None}
    asked = select(Case).where(col(Case.number).in_(numbers))
    return {each.number or 0: each.id for each in session.exec(asked)}


def _number(said: object) -> int | None:
    digits = str(said or "").strip().upper().removeprefix("GH-")
    return int(digits) if digits.isascii() and digits.isdecimal() and len(digits) < 10 else None


def _form(
    row: Mapping[str, Any], names: Sequence[str], cases: Mapping[int, UUID], *, who: Person, now: datetime
) -> PanelForm:
    """Raises ValueError with what is wrong."""
    panel = str(row.get("panel") or "").strip()
    if not 2 <= len(panel) <= 120:
        raise ValueError("name the panel")
    try:
        met_on = date.fromisoformat(str(row.get("met_on") or "").strip())
    except ValueError:
        raise ValueError("met_on must be a day such as 2026-07-14") from None
    if met_on > now.date():
        raise ValueError("met_on lies in the future")
    scored = {name: _score(name, row.get(name)) for name in names if str(row.get(name) or "").strip()}
    comments = str(row.get("comments") or "").replace("\r\n", "\n").strip()
    if len(comments) > LONGEST:
        raise ValueError(f"comments are longer than {LONGEST:,} characters")
    if not scored and not comments:
        raise ValueError("it has neither a score nor a comment")
    case = None
    if named := str(row.get("case") or "").strip():
        case = cases.get(_number(named) or 0)
        if case is None:
            raise ValueError(f"there is no case {named[:20]}")
    digest = json.dumps([panel, met_on.isoformat(), named, scored, comments], sort_keys=True)
    return PanelForm(
        digest=hashlib.sha256(digest.encode()).hexdigest(), panel=panel, met_on=met_on, case_id=case, scores=scored,
        comments=comments or None, imported_by=who.username, imported_at=now,
    )  # fmt: skip


def _score(name: str, said: object) -> int:
    written = str(said).strip()
    if written not in {"1", "2", "3", "4", "5"}:
        raise ValueError(f"{name} must be 1, 2, 3, 4 or 5")
    return int(written)


def _kept(words: str) -> str:
    return words.replace("\r\n", "\n").strip()[:LONGEST]
