"""What is hidden from a person: cases that are restricted to others, and those they have a tie to.

The one place that decides it. A session that looks as somebody (`look_as`) finds no row of a hidden case, whatever it
asks for through the records: the case, all that carries its id, its posts. What is asked in SQL as text names
`hidden_cases` itself.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, ColumnElement, Text, and_, cast, event, exists, inspect, not_, or_, select
from sqlalchemy.orm import ORMExecuteState, with_loader_criteria
from sqlmodel import Session, col

from collector.records import Post, Record
from triage.records import Case, Membership, Person
from triage.restriction_records import Restriction, Tie

CASES, RULES, TIED = "hidden_cases", "hidden_rules", "tied_cases"
_MEMBERS = Membership.metadata.tables["memberships"]  # the table, which no rule below is put on


def hidden_from(who: Person) -> Any:
    """The ids of the cases this person does not see, to stand in another query."""
    restricted = select(col(Restriction.case_id)).where(
        col(Restriction.lifted_at).is_(None),
        not_(col(Restriction.roles).op("&&", is_comparison=True)(cast(who.roles, ARRAY(Text)))),
        not_(col(Restriction.people).contains([str(who.id)])),
    )
    return restricted.union(_ties_of(who))


def _ties_of(who: Person) -> Any:
    return select(col(Tie.case_id)).where(col(Tie.person_id) == who.id, col(Tie.withdrawn_at).is_(None))


def look_as(session: Session, who: Person) -> None:
    """From now on this session finds nothing that is hidden from the person."""
    _hide_from_now_on(session, hidden_from(who))
    session.info[TIED] = set(session.scalars(_ties_of(who))) if hidden_cases(session) else set()


def look_as_anybody(session: Session) -> None:
    """From now on this session finds no restricted case: for what is handed on to others."""
    standing = select(col(Restriction.case_id)).where(col(Restriction.lifted_at).is_(None))
    _hide_from_now_on(session, standing)


def hidden_cases(session: Session) -> list[UUID]:
    """The cases hidden from whom this session looks as; none when it looks as nobody."""
    found: list[UUID] = session.info.get(CASES, [])
    return found


def is_tied(session: Session, case_id: UUID) -> bool:
    """Whether it is a tie of their own that hides a case from whom this session looks as."""
    return case_id in session.info.get(TIED, ())


def sees(session: Session, who: Person, case_id: UUID) -> bool:
    """Whether a person sees a case, whatever the session looks as."""
    hidden: bool = session.execute(select(is_hidden(who, case_id))).scalar_one()
    return not hidden


def is_hidden(who: Person, case_id: object) -> ColumnElement[bool]:
    """Whether a case, of this id or of a column's, is hidden from a person: to stand in a query."""
    found = hidden_from(who).subquery()
    return exists().where(found.c.case_id == case_id)


@contextmanager
def seeing_all(session: Session) -> Iterator[None]:
    """What is asked inside finds hidden cases too: to say that one is hidden. Let nothing out of it but ids."""
    kept = {name: session.info.pop(name, []) for name in (CASES, RULES)}
    try:
        yield
    finally:
        session.info.update(kept)


def _hide_from_now_on(session: Session, asked: Any) -> None:
    session.info.pop(CASES, None)
    cases = sorted(session.scalars(asked))
    session.info[CASES], session.info[RULES] = cases, _rules(cases) if cases else []


@event.listens_for(Session, "do_orm_execute")
def _hide(state: ORMExecuteState) -> None:
    if not hidden_cases(state.session):  # type: ignore[arg-type]
        return
    if state.is_select and not state.is_column_load and not state.is_relationship_load:
        state.statement = state.statement.options(*state.session.info[RULES])


def _rules(cases: Sequence[UUID]) -> list[Any]:
    """One for each record that belongs to a case, but those that say what is hidden."""
    known = [each.class_ for each in inspect(Case).registry.mappers if "case_id" in each.columns]
    of_cases = [each for each in known if each not in (Restriction, Tie)]
    return [
        with_loader_criteria(Case, col(Case.id).not_in(cases)),
        with_loader_criteria(Post, not_(_in_one_of(cases))),
        *(with_loader_criteria(each, _not_of(each, cases)) for each in of_cases),
    ]


def _in_one_of(cases: Sequence[UUID]) -> ColumnElement[bool]:
    member = and_(_MEMBERS.c.post_id == col(Post.id), _MEMBERS.c.sure, _MEMBERS.c.case_id.in_(cases))
    return exists().where(member).correlate_except(_MEMBERS)


def _not_of(record: type[Record], cases: Sequence[UUID]) -> ColumnElement[bool]:
    column = inspect(record).columns["case_id"]
    return or_(column.is_(None), column.not_in(cases))
