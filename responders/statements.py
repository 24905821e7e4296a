"""Holding statements: a draft says what is known of a case, lists what is not, and goes nowhere by itself.

A line is filled anew when what is known changes, until somebody has written a wording of it: from then on it is theirs.
Times that follow from the moment of drafting are no change.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlmodel import Session, col

from responders.filling import GOLDEN_HOUR, fill
from responders.templates import StatementTemplate
from triage.case_facts import as_kept, facts_of, said
from triage.checking_facts import Fact
from triage.claim_records import AnswerState
from triage.log import MACHINE, Line, note
from triage.notice import tell_desk
from triage.questions import make_ready, questions
from triage.records import Case, Severity
from triage.statement_records import CaseFact, Statement, StatementState, StatementVersion
from triage.statements import fill_line
from triage.writing import OWN

LONDON = ZoneInfo("Europe/London")
COUNTED_FROM_DRAFTING = ("next_update", "version")
PLACE_WORDS = 6  # as long as the template was tried out with


def draft(
    session: Session, case_id: UUID, templates: Sequence[StatementTemplate], *, now: datetime
) -> Statement | None:
    """Fill the lines of a case that nobody has taken up, where what is known has changed; and draft the first template
    that fits, when there is no line of it.

    Returns the line of that template; None when no template fits or the case is gone. The caller commits.
    """
    case = session.get(Case, case_id, with_for_update=True)
    if case is None:
        return None
    noted = facts_of(session, case_id)
    verified = [each.name for each in noted if each.verified_at is not None]
    fitting = next((each for each in templates if each.front.when.fits(case, verified)), None)
    if fitting is not None and _latest(session, case, fitting) is None:
        session.add(Statement(case_id=case.id, template=fitting.name, version=0, text="", drafted_at=now))
        session.flush()
    for line in _not_taken_up(session, case_id):
        template = next((each for each in templates if each.name == line.template), None)
        if template is not None:
            _fill(session, line, case, template, noted, now=now)
    _make_ready(session, case, templates, noted, now=now)
    return _latest(session, case, fitting) if fitting else None


def _fill(
    session: Session,
    line: Statement,
    case: Case,
    template: StatementTemplate,
    noted: Sequence[CaseFact],
    *,
    now: datetime,
) -> None:
    made = fill(template, _all_facts(session, case, template, line, noted, now=now))
    if line.version and _said(line) == _known(made.facts):
        return
    line.stale_at = line.stale_because = None
    line.title = template.front.title
    if template.front.final and "final" not in line.flags:
        line.flags = [*line.flags, "final"]
    ids = {(each.name, each.value): str(each.id) for each in noted if each.verified_at is not None}
    fill_line(session, line, made.texts, [_kept(each, ids) for each in made.facts], made.missing, now=now)
    missing = ", ".join(line.missing)
    detail = {"template": template.name, "version": line.version, "missing": line.missing}
    said_so = Line("statement drafted", case.id, f"not known: {missing}" if missing else None, detail)
    note(session, [said_so], who=MACHINE, now=now)
    tell_desk(session, "drafted", case.id)


def _make_ready(
    session: Session,
    case: Case,
    templates: Sequence[StatementTemplate],
    noted: Sequence[CaseFact],
    *,
    now: datetime,
) -> None:
    """Words for the standing questions, as the newest line says them. When the next update is due the page adds: that
    moves on."""
    if not questions(session, case.id):
        return  # as of most cases: nothing is filled for nobody
    asked = select(col(Statement.template)).where(col(Statement.case_id) == case.id)
    newest = session.scalars(asked.order_by(col(Statement.drafted_at).desc())).all()
    by_name = {each.name: each for each in templates}
    template = next((by_name[name] for name in newest if name in by_name), None) or next(
        iter(templates), None
    )
    if template is None:
        return
    known = [*(said(each) for each in noted), *known_facts(case, template, now=now)]
    words = {
        each.asks: {
            AnswerState.ANSWERED: each.answer,
            AnswerState.NOT_YET: each.not_yet,
            AnswerState.CANNOT_SAY: each.cannot_say,
        }
        for each in fill(template, known).answers
    }
    make_ready(session, case.id, words)


def _not_taken_up(session: Session, case_id: UUID) -> Sequence[Statement]:
    """Drafts of which the service wrote every wording, or that have none yet; the first asked for first."""
    by_people = select(col(StatementVersion.statement_id)).where(
        col(StatementVersion.case_id) == case_id, col(StatementVersion.written_by) != MACHINE
    )
    asked = select(Statement).where(
        col(Statement.case_id) == case_id,
        col(Statement.state) == StatementState.DRAFTED,
        col(Statement.template) != OWN,
        col(Statement.id).not_in(by_people),
    )
    return session.scalars(asked.order_by(col(Statement.drafted_at))).all()


def _all_facts(
    session: Session,
    case: Case,
    template: StatementTemplate,
    line: Statement,
    noted: Sequence[CaseFact],
    *,
    now: datetime,
) -> tuple[Fact, ...]:
    """What people noted of the case, what the service knows, and of a line that follows another, which that is."""
    known = [*(said(each) for each in noted), *known_facts(case, template, now=now)]
    known.append(
        Fact("version", str(line.version + 1), "which wording of the line this is", GOLDEN_HOUR, now)
    )
    before = session.get(Statement, line.follows) if line.follows else None
    if before is not None and before.issued_at is not None:
        source = f"S-{before.number}, as recorded when it was issued"
        known.append(Fact("first_line", f"S-{before.number}", source, GOLDEN_HOUR, now))
        known.append(Fact("first_line_on", day(before.issued_at), source, GOLDEN_HOUR, now))
    return tuple(known)


def known_facts(case: Case, template: StatementTemplate, *, now: datetime) -> tuple[Fact, ...]:
    """What the service knows by itself: nothing from the posts, and of the place only where they say it is."""
    front = template.front

    def ours(name: str, value: str, source: str) -> Fact:
        return Fact(name, value, source, GOLDEN_HOUR, now)

    number = f"GH-{case.number}"
    facts = [
        ours("aware_since", spoken(case.opened_at), f"{number}: when the first post reached us"),
        ours("case", number, "the number of the case"),
    ]
    place = _place(case)
    if place:
        facts.append(Fact("place", place, f"{number}: named in the posts"))
    checking = front.checking.get(case.type)
    if checking:
        facts.append(
            ours("checking", checking, f"template {template.name}, for {case.type.replace('_', ' ')}")
        )
    minutes = front.next_update_minutes.get(Severity(case.severity))
    if minutes is not None:
        source = f"template {template.name}: {minutes} minutes after drafting for SEV{case.severity}"
        facts.append(ours("next_update", spoken(now + timedelta(minutes=minutes)), source))
    return tuple(facts)


def _place(case: Case) -> str:
    """Street or area with its borough, or the borough alone where that would be too long to say."""
    both = ", ".join(dict.fromkeys(part for part in (case.place, case.borough) if part))
    return both if len(both.split()) <= PLACE_WORDS else case.borough or ""


def spoken(moment: datetime) -> str:
    """A time as Londoners say it, such as `14:05 on 14 July`."""
    return moment.astimezone(LONDON).strftime("%H:%M on %-d %B")


def day(moment: datetime) -> str:
    """`14 July`."""
    return moment.astimezone(LONDON).strftime("%-d %B")


def _kept(fact: Fact, ids: dict[tuple[str, str], str]) -> dict[str, Any]:
    """A fact as a line keeps it; with the id of the case's fact, where it is one."""
    found = ids.get((fact.name, fact.value))
    return as_kept(fact) | ({"id": found} if found else {})


def _latest(session: Session, case: Case, template: StatementTemplate) -> Statement | None:
    same = (col(Statement.case_id) == case.id, col(Statement.template) == template.name)
    newest = select(Statement).where(*same).order_by(col(Statement.drafted_at).desc()).limit(1)
    return session.scalars(newest).first()


def _known(facts: Sequence[Fact]) -> dict[str, str]:
    return {fact.name: fact.value for fact in facts if fact.name not in COUNTED_FROM_DRAFTING}


def _said(line: Statement) -> dict[str, str]:
    return _known([Fact(each["name"], each["value"], each["source"]) for each in line.facts])
