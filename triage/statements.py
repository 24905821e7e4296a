"""A line on its way: asked for, filled, written, handed to review.

Each act locks the case, then the line, changes one thing and leaves a line in the log. It runs in the caller's
transaction. Approving is triage/approving.py; that a line was issued, and what follows, triage/issuing.py.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import Session, col, select

from collector.jobs import defer
from triage.case_facts import rests_on
from triage.checking_context import VARIANTS
from triage.locked import Conflict, lock, must_be_open
from triage.log import MACHINE, Line, note
from triage.notice import tell_desk
from triage.permissions import Permission, need
from triage.records import Case, Person
from triage.statement_records import (
    Statement,
    StatementApproval,
    StatementComment,
    StatementState,
    StatementVersion,
)
from triage.writing import (
    FLAGS,
    OWN,
    wordings,
)

LONGEST = 6_000
REFERENCE = re.compile(r"(\bReference GH-\d+, version )\d+")  # it names the wording it stands in
WRITABLE = (
    StatementState.DRAFTED,
    StatementState.IN_REVIEW,
    StatementState.APPROVED,
    StatementState.EXPIRED,
)
STALE = "Somebody wrote this line anew while you looked at it. Look again before you act."
STATES = {
    StatementState.DRAFTED: "a draft",
    StatementState.IN_REVIEW: "in review",
    StatementState.APPROVED: "approved",
    StatementState.ISSUED: "issued",
    StatementState.SUPERSEDED: "superseded",
    StatementState.CORRECTED: "corrected",
    StatementState.EXPIRED: "expired",
}


def ask_line(
    session: Session,
    case_id: UUID,
    template: str,
    title: str,
    *,
    follows: UUID | None = None,
    correction: bool = False,
    who: Person,
    now: datetime,
) -> Statement:
    """Begin a line: one of a template is filled by the job `draft` within seconds, one in own words stands empty.

    With `follows` it will supersede an issued line of the case or, with `correction`, correct it.
    """
    need(who, Permission.WORK_COMMS)
    [case] = lock(session, case_id)
    must_be_open(case)
    before = _followed(session, case_id, follows) if follows else None
    line = Statement(
        case_id=case_id,
        template=template,
        title=title,
        version=0,
        text="",
        author=who.username,
        drafted_at=now,
        follows=before.id if before else None,
        correction=correction,
        flags=[each for each in before.flags if each != "final"] if before else [],
        answers=list(before.answers) if before else [],
    )
    session.add(line)
    session.flush()
    session.refresh(line)
    if template == OWN:
        line.version = 1
        _keep(session, line, wordings(line), who=who.username, now=now)
    else:
        defer(session, "draft", queue="respond", priority=1, case=str(case_id))
    detail = {"template": template, **({"follows": f"S-{before.number}"} if before else {})}
    say(session, line, "line asked for", who=who, now=now, detail=detail)
    return line


def write_line(
    session: Session,
    number: int,
    texts: Mapping[str, str],
    *,
    version: int,
    flags: Sequence[str] | None = None,
    answers: Sequence[str] | None = None,
    no_longer_stale: bool = False,
    who: Person,
    now: datetime,
) -> Statement:
    """Write a line anew. `version` is the wording its writer began from: raises Conflict when another came first.

    A review or an approval of the wording before counts no more. `no_longer_stale` says that the words no longer rest
    on what changed.
    """
    need(who, Permission.WORK_COMMS)
    line, _ = hold_line(session, number, version=version)
    if line.state not in WRITABLE or line.issued_at is not None:
        raise Conflict(f"S-{number} is {STATES[line.state]}. Begin a line that updates or corrects it.")
    kept = {name: _tidied(texts.get(name, "")) for name in (*VARIANTS, "headline")}
    if not kept["long"]:
        raise Conflict("The line itself has no words.")
    same = {name: text for name, text in kept.items() if text} == {
        name: text for name, text in wordings(line).items() if text
    }
    flags = line.flags if flags is None else [each for each in (*FLAGS, "apology") if each in flags]
    renewed = line.state == StatementState.EXPIRED or (no_longer_stale and line.stale_at)
    if same and flags == line.flags and not renewed:
        line.answers = list(line.answers if answers is None else answers)
        return line
    before = line.version
    void(session, line, now=now)
    line.version, line.state, line.approved_at, line.expires_at = (
        before + 1,
        StatementState.DRAFTED,
        None,
        None,
    )
    kept = {name: REFERENCE.sub(rf"\g<1>{line.version}", text) for name, text in kept.items()}
    line.facts = [_of_version(each, line.version) for each in line.facts]
    line.facts = rests_on(session, line, kept.values(), all_of_them=line.template == OWN)
    line.text = kept.pop("long")
    line.variants = {name: text for name, text in kept.items() if text}
    line.flags, line.cleared = list(flags), {}
    line.answers = list(line.answers if answers is None else answers)
    line.author = line.author or who.username
    if no_longer_stale:
        line.stale_at = line.stale_because = None
    _keep(session, line, wordings(line), who=who.username, now=now)
    say(session, line, "line written", who=who, now=now, detail={"version": line.version})
    return line


def submit_line(session: Session, number: int, *, version: int, who: Person, now: datetime) -> Statement:
    """Hand a draft to whoever approves."""
    need(who, Permission.WORK_COMMS)
    line, _ = hold_line(session, number, version=version)
    if line.state != StatementState.DRAFTED:
        raise Conflict(f"S-{number} is {STATES[line.state]}.")
    if not line.text.strip():
        raise Conflict("There are no words yet.")
    line.state = StatementState.IN_REVIEW
    say(session, line, "line handed to review", who=who, now=now, detail={"version": line.version})
    return line


def comment_line(
    session: Session, number: int, *, words: str, who: Person, now: datetime
) -> StatementComment:
    """Say something of a wording, without moving the line."""
    need(who, Permission.NOTE_FACT)
    line, _ = hold_line(session, number)
    made = keep_comment(session, line, words, who=who, now=now, sent_back=False)
    say(session, line, "line commented", who=who, now=now)
    return made


def set_aside(session: Session, number: int, *, why: str, who: Person, now: datetime) -> Statement:
    """Say that a line which was never issued is not needed."""
    need(who, Permission.WORK_COMMS)
    line, _ = hold_line(session, number)
    if line.state not in WRITABLE or line.issued_at is not None:
        raise Conflict(f"S-{number} is {STATES[line.state]}.")
    if not why.strip():
        raise Conflict("Say why it is not needed.")
    void(session, line, now=now)
    line.state = StatementState.SUPERSEDED
    say(session, line, "line set aside", who=who, now=now, why=why.strip())
    return line


def hold_line(session: Session, number: int, *, version: int | None = None) -> tuple[Statement, Case]:
    """A line and its open case, both locked. `version` is the wording somebody saw. Raises Conflict."""
    case_id = session.exec(select(Statement.case_id).where(Statement.number == number)).first()
    if case_id is None:
        raise Conflict("This line no longer exists.")
    [case] = lock(session, case_id)
    must_be_open(case)
    asked = select(Statement).where(Statement.number == number).with_for_update()
    line = session.exec(asked.execution_options(populate_existing=True)).one()
    if version is not None and line.version != version:
        raise Conflict(STALE)
    return line, case


def approvals(session: Session, line: Statement) -> Sequence[StatementApproval]:
    """Who has approved the wording as it stands, the first first."""
    asked = select(StatementApproval).where(
        StatementApproval.statement_id == line.id,
        StatementApproval.version == line.version,
        col(StatementApproval.voided_at).is_(None),
    )
    return session.exec(asked.order_by(col(StatementApproval.at))).all()


def void(session: Session, line: Statement, *, now: datetime) -> None:
    for each in approvals(session, line):
        each.voided_at = now


def find_line(session: Session, number: int) -> Statement | None:
    """The line spoken of as S-<number>."""
    return session.exec(select(Statement).where(Statement.number == number)).first()


def fill_line(
    session: Session,
    line: Statement,
    texts: Mapping[str, str],
    facts: Sequence[dict[str, Any]],
    missing: Sequence[str],
    *,
    now: datetime,
) -> None:
    """Keep what came of filling a template as the next wording: the machine's, for people to go on from."""
    line.version += 1
    line.text = texts["long"]
    line.variants = {name: text for name, text in texts.items() if name != "long" and text}
    line.facts, line.missing = list(facts), list(missing)
    session.add(line)
    session.flush()
    _keep(session, line, wordings(line), who=MACHINE, now=now)


def say(
    session: Session,
    line: Statement,
    what: str,
    *,
    who: Person,
    now: datetime,
    why: str | None = None,
    detail: dict[str, Any] | None = None,
) -> None:
    """What most acts end with: a line in the log of the case, and open pages told."""
    session.flush()
    told = Line(what, line.case_id, why, {"line": f"S-{line.number}", **(detail or {})})
    note(session, [told], who=who.username, now=now)
    tell_desk(session, "statements", line.case_id)


def _keep(session: Session, line: Statement, texts: dict[str, str], *, who: str, now: datetime) -> None:
    session.add(
        StatementVersion(
            statement_id=line.id, number=line.version, case_id=line.case_id, texts=texts, facts=list(line.facts),
            written_by=who, written_at=now,
        )
    )  # fmt: skip
    session.flush()


def keep_comment(
    session: Session, line: Statement, words: str, *, who: Person, now: datetime, sent_back: bool
) -> StatementComment:
    if not words.strip():
        raise Conflict("Write what you want to say.")
    made = StatementComment(
        statement_id=line.id, case_id=line.case_id, version=line.version, words=words.strip()[:LONGEST],
        who=who.username, at=now, sent_back=sent_back,
    )  # fmt: skip
    session.add(made)
    session.flush()
    return made


def _followed(session: Session, case_id: UUID, follows: UUID) -> Statement:
    before = session.get(Statement, follows, populate_existing=True)
    if before is None or before.case_id != case_id or before.issued_at is None:
        raise Conflict("Only a line that was issued is updated or corrected.")
    if before.state != StatementState.ISSUED:
        raise Conflict(f"S-{before.number} is {STATES[before.state]} already: go on from the newest line.")
    return before


def _of_version(fact: dict[str, Any], version: int) -> dict[str, Any]:
    return {**fact, "value": str(version)} if fact["name"] == "version" else fact


def _tidied(text: str) -> str:
    return text.replace("\r\n", "\n").strip()[:LONGEST]
