"""What people ask about a case, and what we can say: answered, not yet (until when), or cannot say (and why)."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete
from sqlmodel import Session, col, select

from collector.jobs import defer
from triage.claim_records import AnswerState, Question
from triage.locked import Conflict
from triage.log import MACHINE, Line, note
from triage.notice import tell_desk
from triage.permissions import Permission, need
from triage.records import Case, Person

LEAST, LONGEST = 5, 2_000
WANTED = {
    AnswerState.ANSWERED: "Write the answer.",
    AnswerState.NOT_YET: "Say when there will be an answer.",
    AnswerState.CANNOT_SAY: "Say why we cannot say: the legal reason.",
}


def ask(session: Session, case_id: UUID, words: str, *, who: Person, now: datetime) -> Question:
    """Put a question on a case's list. It is not yet answered."""
    need(who, Permission.TRIAGE)
    words = " ".join(words.split())
    if session.get(Case, case_id) is None:
        raise Conflict("This case no longer exists.")
    if not LEAST <= len(words) <= LONGEST:
        raise Conflict(f"Write the question in {LEAST} to {LONGEST:,} characters.")
    question = Question(case_id=case_id, text=words, asked_at=now, asked_by=who.username)
    session.add(question)
    session.flush()
    _say(session, question, "question noted", who, now)
    return question


def ask_standing(session: Session, case_id: UUID, asked: Sequence[str], *, now: datetime) -> None:
    """Put what people ask of every encounter on a case's list, unless it stands there, and have words made ready. The
    caller tells the desk."""
    there = set(session.exec(select(Question.text).where(Question.case_id == case_id)))
    for place, words in enumerate(asked):
        if words not in there:
            in_order = now + timedelta(microseconds=place)
            session.add(Question(case_id=case_id, text=words, asked_at=in_order, asked_by=MACHINE))
    if not there.issuperset(asked):
        defer(session, "draft", queue="respond", priority=1, case=str(case_id))


def make_ready(session: Session, case_id: UUID, words: Mapping[str, Mapping[AnswerState, str]]) -> None:
    """Keep the words that are ready for questions of a case, by what is asked. Empty are none. The caller commits."""
    changed = False
    for question in questions(session, case_id):
        ready = {state.value: said for state, said in words.get(question.text, {}).items() if said}
        if ready != question.ready:
            question.ready, changed = ready, True
    if changed:
        session.flush()
        tell_desk(session, "questions", case_id)


def withdraw_standing(session: Session, case_id: UUID) -> None:
    """Take those back that nobody has answered."""
    ours = (col(Question.case_id) == case_id, col(Question.asked_by) == MACHINE)
    session.execute(delete(Question).where(*ours, col(Question.answered_at).is_(None)))


def answer(
    session: Session, question_id: UUID, state: AnswerState, words: str, *, who: Person, now: datetime
) -> Question:
    """Answer a question, or say when we will or why we cannot. A new answer stands instead of the one before."""
    need(who, Permission.TRIAGE)
    question = session.get(Question, question_id, with_for_update=True)
    if question is None:
        raise Conflict("This question no longer exists.")
    words = words.strip()[:LONGEST]
    if not words:
        raise Conflict(WANTED[state])
    question.state, question.answer = state, words
    question.answered_at, question.answered_by = now, who.username
    session.flush()
    _say(session, question, f"question: {state.value.replace('_', ' ')}", who, now)
    return question


def questions(session: Session, case_id: UUID) -> Sequence[Question]:
    """The questions of a case in the order they came."""
    asked = select(Question).where(Question.case_id == case_id)
    return session.exec(asked.order_by(col(Question.asked_at), col(Question.id))).all()


def _say(session: Session, question: Question, what: str, who: Person, now: datetime) -> None:
    note(
        session,
        [Line(what, question.case_id, None, {"question": str(question.id)})],
        who=who.username,
        now=now,
    )
    tell_desk(session, "questions", question.case_id)
