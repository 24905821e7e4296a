"""Holding statements: a draft says what is known of a case, lists what is not, and goes nowhere by itself.

A draft is made anew only when what is known changes; times that follow from the moment of drafting do not count.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlmodel import Session, col

from responders.filling import GOLDEN_HOUR, Draft, fill
from responders.templates import StatementTemplate
from triage.checking_facts import Fact
from triage.log import MACHINE, Line, note
from triage.notice import tell_desk
from triage.records import Case, Severity
from triage.statement_records import Statement, StatementState

LONDON = ZoneInfo("Europe/London")
COUNTED_FROM_DRAFTING = "next_update"
PLACE_WORDS = 6  # as long as the template was tried out with


def draft(
    session: Session, case_id: UUID, templates: Sequence[StatementTemplate], *, now: datetime
) -> Statement | None:
    """Draft the first template that fits the case, unless its latest draft still says what is known.

    Returns the draft that stands; None when no template fits or the case is gone. The caller commits.
    """
    case = session.get(Case, case_id, with_for_update=True)
    template = next((each for each in templates if case and each.front.when.fits(case)), None)
    if case is None or template is None:
        return None
    made = fill(template, known_facts(case, template, now=now))
    latest = _latest(session, case, template)
    if latest is not None and _said(latest) == _known(made.facts):
        return latest
    if latest is not None:
        latest.state = StatementState.SUPERSEDED
        session.add(latest)
    statement = _write(case, made, version=latest.version + 1 if latest else 1, now=now)
    session.add(statement)
    missing = ", ".join(statement.missing)
    detail = {"template": template.name, "version": statement.version, "missing": statement.missing}
    line = Line("statement drafted", case.id, f"not known: {missing}" if missing else None, detail)
    note(session, [line], who=MACHINE, now=now)
    tell_desk(session, "drafted", case.id)
    return statement


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
        facts.append(Fact("place", place, f"{number}: named in the posts, not verified"))
    checking = front.checking.get(case.type)
    if checking:
        facts.append(ours("checking", checking, f"template {template.name}, for {case.type}"))
    minutes = front.next_update_minutes.get(Severity(case.severity))
    if minutes is not None:
        source = f"template {template.name}: {minutes} minutes after drafting for SEV{case.severity}"
        facts.append(ours(COUNTED_FROM_DRAFTING, spoken(now + timedelta(minutes=minutes)), source))
    return tuple(facts)


def _place(case: Case) -> str:
    """Street or area with its borough, or the borough alone where that would be too long to say."""
    both = ", ".join(dict.fromkeys(part for part in (case.place, case.borough) if part))
    return both if len(both.split()) <= PLACE_WORDS else case.borough or ""


def spoken(moment: datetime) -> str:
    """A time as Londoners say it, such as `14:05 on 14 July`."""
    return moment.astimezone(LONDON).strftime("%H:%M on %-d %B")


def _write(case: Case, made: Draft, *, version: int, now: datetime) -> Statement:
    return Statement(
        case_id=case.id,
        template=made.template,
        version=version,
        text=made.text + "\n",
        variants={name: text for name, text in made.texts.items() if name != "long"},
        facts=[_kept(fact) for fact in made.facts],
        missing=list(made.missing),
        drafted_at=now,
    )


def _kept(fact: Fact) -> dict[str, str | None]:
    at = fact.verified_at.isoformat() if fact.verified_at else None
    return {**fact._asdict(), "verified_at": at}


def _latest(session: Session, case: Case, template: StatementTemplate) -> Statement | None:
    ours = (col(Statement.case_id) == case.id, col(Statement.template) == template.name)
    newest = select(Statement).where(*ours).order_by(col(Statement.version).desc()).limit(1)
    return session.scalars(newest).first()


def _known(facts: Sequence[Fact]) -> dict[str, str]:
    return {fact.name: fact.value for fact in facts if fact.name != COUNTED_FROM_DRAFTING}


def _said(statement: Statement) -> dict[str, str]:
    return _known([Fact(each["name"], each["value"], each["source"]) for each in statement.facts])
