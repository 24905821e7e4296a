"""What happens to a line outside: a person records where it was issued and when; it is updated, corrected, or expires.

Nothing is published from here. A recorded line ends the silence of the case, starts the time to the next update, and is
noted as a claim of ours, so that a false copy of it can be known.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import update
from sqlmodel import Session, col, or_, select

from triage.approving import lacks_second
from triage.claims import LEAST, LONGEST, note_claim
from triage.lifecycle import Lifecycle
from triage.locked import Conflict, lock, touch
from triage.log import MACHINE, Line, note
from triage.notice import tell_desk
from triage.permissions import Permission, need
from triage.promised import promised
from triage.records import Case, Person
from triage.statement_records import (
    Statement,
    StatementApproval,
    StatementComment,
    StatementIssue,
    StatementState,
    StatementVersion,
)
from triage.statements import STATES, hold_line
from triage.tracks import NEXT_UPDATE, record_line
from triage.writing import NAMES, Writing, wordings

PUBLIC = ("long", "short", "bcu")  # the other wordings are for our people, partners, or whoever asks
AHEAD = timedelta(minutes=2)  # how far a clock on the wall may be from ours
PLACES = (
    "X", "Facebook", "Instagram", "YouTube", "Bluesky", "Nextdoor", "met.police.uk", "News desk, by e-mail",
    "Interview or briefing", "IAG and stakeholders", "Intranet", "If asked, by telephone",
)  # fmt: skip


class Issued(NamedTuple):
    """What a person records of one line going out. `next_at` is when it promises the next update."""

    place: str
    at: datetime
    variant: str = "long"
    recipients: str = ""
    link: str = ""
    next_at: datetime | None = None


class Reached(NamedTuple):
    """One place or group that got a line, and whether the line that corrects it went there too."""

    issue: StatementIssue
    told: bool


def record_issue(
    session: Session,
    number: int,
    issued: Issued,
    writing: Writing,
    lifecycle: Lifecycle | None,
    *,
    who: Person,
    now: datetime,
) -> StatementIssue:
    """Record that an approved line went out, also late of one that has expired since. The first time the public could
    hear it, it stops the clocks that wait for it; each further place is one more record. Raises Conflict.
    """
    need(who, Permission.WORK_COMMS)
    line, case = hold_line(session, number)
    again, public = line.state == StatementState.ISSUED, issued.variant in PUBLIC
    _must_be_issuable(line, issued, now)
    if not again:
        if because := lacks_second(session, line, case, writing):
            raise Conflict(f"A second person approves this line before it goes out. {because}.")
        if public:
            _must_promise(line, case, issued, lifecycle)
    made = StatementIssue(
        statement_id=line.id, case_id=case.id, version=line.version, variant=issued.variant, place=issued.place.strip(),
        recipients=issued.recipients.strip(), link=issued.link.strip(), at=issued.at, entered_by=who.username,
        entered_at=now,
    )  # fmt: skip
    session.add(made)
    detail = {"line": f"S-{line.number}", "where": made.place, "version": line.version}
    if again or not public:
        what = "line issued at one more place" if again else "line given to some, not to the public"
        note(session, [Line(what, case.id, None, detail)], who=who.username, now=now)
        tell_desk(session, "statements", case.id)
        return made
    _issue(session, line, case, issued, lifecycle, who=who, now=now)
    touch(session, case, "line issued", who=who, now=now, detail=detail)
    return made


def issues(session: Session, line_id: UUID) -> Sequence[StatementIssue]:
    """Where a line went, the first first."""
    asked = select(StatementIssue).where(StatementIssue.statement_id == line_id)
    return session.exec(asked.order_by(col(StatementIssue.at), col(StatementIssue.entered_at))).all()


def reached(session: Session, line: Statement) -> list[Reached]:
    """Who got the line before this one and those before that, each place and group once, and whether this one went to
    them too."""
    told = {_whom(each) for each in issues(session, line.id)}
    found: dict[tuple[str, str], StatementIssue] = {}
    seen, before = {line.id}, line.follows
    while before is not None and before not in seen:
        found = {_whom(each): each for each in issues(session, before)} | found
        seen.add(before)
        earlier = session.get(Statement, before)
        before = earlier.follows if earlier else None
    return [Reached(each, whom in told) for whom, each in found.items()]


def _whom(issue: StatementIssue) -> tuple[str, str]:
    return issue.place.casefold(), issue.recipients.casefold()


def follow_ups(session: Session, line_id: UUID) -> Sequence[Statement]:
    """Lines that follow a line, as updates or corrections; not those set aside."""
    used = or_(Statement.state != StatementState.SUPERSEDED, col(Statement.issued_at).is_not(None))
    asked = select(Statement).where(Statement.follows == line_id, used)
    return session.exec(asked.order_by(col(Statement.drafted_at))).all()


def overdue_lines(session: Session, *, now: datetime) -> list[tuple[UUID, int]]:
    """Approved lines that nobody issued in time, and issued ones that were good until a time that is over."""
    ends = (StatementState.APPROVED, StatementState.ISSUED)
    asked = select(Statement.case_id, Statement.number).where(
        col(Statement.state).in_(ends), col(Statement.expires_at) <= now
    )
    return [(case_id, number) for case_id, number in session.exec(asked) if number is not None]


def expire_line(session: Session, case_id: UUID, number: int, *, now: datetime) -> bool:
    """Mark one such line; run twice, it is marked once."""
    [case] = lock(session, case_id)
    line = session.exec(select(Statement).where(Statement.number == number).with_for_update()).one()
    if line.expires_at is None or line.expires_at > now or line.state not in (
        StatementState.APPROVED, StatementState.ISSUED,
    ):  # fmt: skip
        return False
    detail = {"line": f"S-{number}", "was": line.state}
    line.state = StatementState.EXPIRED
    session.flush()
    note(session, [Line("line expired", case.id, None, detail)], who=MACHINE, now=now)
    tell_desk(session, "statements", case.id)
    return True


def move_lines(session: Session, home: UUID, to: UUID, *, now: datetime) -> None:
    """Bring the lines of a case, with all that stands behind them, to another that it was joined to. A draft that
    nobody took up is set aside where the other has a line of its template."""
    there = select(Statement.template).where(Statement.case_id == to)
    by_people = select(StatementVersion.statement_id).where(StatementVersion.written_by != MACHINE)
    doubled = session.exec(
        select(Statement).where(
            Statement.case_id == home, Statement.state == StatementState.DRAFTED, col(Statement.author).is_(None),
            col(Statement.template).in_(there), col(Statement.id).not_in(by_people),
        )
    ).all()  # fmt: skip
    why = "The case it was joined to has a line of this template."
    for line in doubled:
        line.state = StatementState.SUPERSEDED
        note(session, [Line("line set aside", to, why, {"line": f"S-{line.number}"})], who=MACHINE, now=now)
    session.flush()
    for table in (Statement, StatementVersion, StatementApproval, StatementIssue, StatementComment):
        session.execute(update(table).where(col(table.case_id) == home).values(case_id=to))


def late(line: Statement) -> bool:
    """Whether it was approved and has expired: that it went out before then may still be recorded."""
    return line.state == StatementState.EXPIRED and line.approved_at is not None and line.issued_at is None


def _issue(
    session: Session,
    line: Statement,
    case: Case,
    issued: Issued,
    lifecycle: Lifecycle | None,
    *,
    who: Person,
    now: datetime,
) -> None:
    line.state, line.issued_at, line.next_update_at = StatementState.ISSUED, issued.at, issued.next_at
    line.expires_at = None
    before = session.get(Statement, line.follows, with_for_update=True) if line.follows else None
    if before is not None:
        before.state = StatementState.CORRECTED if line.correction else StatementState.SUPERSEDED
    session.flush()
    if lifecycle is not None:
        to = "issued" if not _spoke(session, case, line) else "corrected" if line.correction else "updated"
        record_line(session, case, to, lifecycle, at=issued.at, by=who.username, next_at=issued.next_at)
    words = " ".join(wordings(line)[issued.variant].split())[:LONGEST]
    if len(words) >= LEAST:
        title = f"Our line S-{line.number}"
        line.claim_id = note_claim(session, case.id, words=words, title=title, ours=True, who=who, now=now).id
    session.flush()


def _spoke(session: Session, case: Case, line: Statement) -> bool:
    """Whether another line of the case was issued before."""
    asked = select(Statement.id).where(
        Statement.case_id == case.id, col(Statement.issued_at).is_not(None), Statement.id != line.id
    )
    return session.exec(asked).first() is not None


def _must_be_issuable(line: Statement, issued: Issued, now: datetime) -> None:
    if line.state not in (StatementState.APPROVED, StatementState.ISSUED) and not late(line):
        raise Conflict(f"S-{line.number} is {STATES[line.state]}: only an approved line is issued.")
    if late(line) and line.expires_at is not None and issued.at > line.expires_at:
        raise Conflict(
            "The approval had expired at that time. Hand the line to review again before it goes out."
        )
    if not issued.place.strip():
        raise Conflict("Say where it was issued.")
    if issued.variant not in wordings(line) or issued.variant not in NAMES:
        raise Conflict("Choose which wording was issued.")
    if issued.link.strip() and not issued.link.strip().startswith(("https://", "http://")):
        raise Conflict("A link begins with https://.")
    if issued.at > now + AHEAD:
        raise Conflict("This time has not come yet: a line is recorded once it was issued.")
    if line.approved_at is not None and issued.at < line.approved_at - AHEAD:
        raise Conflict("The line was approved after that time: a line is issued once it is approved.")
    if line.stale_at is not None and issued.at >= line.stale_at and line.state == StatementState.APPROVED:
        raise Conflict(f"This line is stale: {line.stale_because}. It is written anew first.")


def _must_promise(line: Statement, case: Case, issued: Issued, lifecycle: Lifecycle | None) -> None:
    """A line says when the next update is due, no later than the table allows for its severity."""
    if "final" in line.flags:
        return
    plan = next((each for each in lifecycle.clock if each.name == NEXT_UPDATE), None) if lifecycle else None
    longest = plan.due.get(case.severity) if plan else None
    told = promised(wordings(line)[issued.variant], issued.at)
    if issued.next_at is None:
        if longest is None and (told is None or told <= issued.at):
            return
        if longest is None:
            raise Conflict(
                f"The words promise an update by {told:%H:%M}: enter that time, or an earlier one."
            )
        raise Conflict("Say when the next update is due: the line promises it.")
    if issued.next_at <= issued.at:
        raise Conflict("The next update is due after the line, not before.")
    if lifecycle is not None and longest is not None:
        latest = lifecycle.when(longest, issued.at)
        if issued.next_at > latest + AHEAD:
            raise Conflict(f"For SEV{case.severity} the next update is due within {longest} of the line.")
    if told is not None and issued.at < told < issued.next_at - AHEAD:
        raise Conflict(f"The words promise an update by {told:%H:%M}: enter that time, or an earlier one.")
