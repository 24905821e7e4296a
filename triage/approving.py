"""Approving: a line in review is sent back, cleared of a finding, or signed off; never by somebody who wrote it."""

from collections.abc import Mapping
from datetime import datetime

from sqlmodel import Session, select

from triage.case_facts import rests_on
from triage.checking_context import Finding
from triage.lifecycle import Lifecycle
from triage.locked import Conflict, touch
from triage.log import MACHINE
from triage.permissions import Permission, need
from triage.promised import promised
from triage.records import Case, Person
from triage.statement_records import Statement, StatementApproval, StatementState, StatementVersion
from triage.statements import STATES, approvals, hold_line, keep_comment, say, void
from triage.tracks import record_line
from triage.writing import (
    APPROVED_FOR,
    OWN,
    Writing,
    blocking,
    check_line,
    falsehood,
    ours,
    second_because,
    warned,
    wordings,
)


def send_back(
    session: Session, number: int, *, words: str, version: int, who: Person, now: datetime
) -> Statement:
    """Return a line from review, or an approved one, with what is to be changed."""
    need(who, Permission.WORK_COMMS)
    line, _ = hold_line(session, number, version=version)
    if line.state not in (StatementState.IN_REVIEW, StatementState.APPROVED):
        raise Conflict(f"S-{number} is {STATES[line.state]}.")
    keep_comment(session, line, words, who=who, now=now, sent_back=True)
    void(session, line, now=now)
    line.state, line.approved_at, line.expires_at = StatementState.DRAFTED, None, None
    say(session, line, "line sent back", who=who, now=now, why=words.strip())
    return line


def clear_finding(
    session: Session, number: int, rule: str, *, post: str, why: str, version: int, who: Person, now: datetime
) -> Statement:
    """Enter that the post which answers for a rule has cleared it for this wording, as safeguarding clears a child's
    line."""
    need(who, Permission.APPROVE_LINE)
    line, _ = hold_line(session, number, version=version)
    _must_be_anothers(session, line, who)
    if line.state != StatementState.IN_REVIEW:
        raise Conflict(f"S-{number} is {STATES[line.state]}: findings are cleared in review.")
    if not (rule.strip() and post.strip() and why.strip()):
        raise Conflict("Enter which post cleared it, and why.")
    line.cleared = {**line.cleared, rule: f"{post.strip()}: {why.strip()}"}
    detail = {"rule": rule, "post": post.strip()}
    say(session, line, "finding cleared", who=who, now=now, why=why.strip(), detail=detail)
    return line


def approve_line(
    session: Session,
    number: int,
    writing: Writing,
    lifecycle: Lifecycle | None,
    *,
    post: str = "",
    accepted: Mapping[str, str],
    version: int,
    who: Person,
    now: datetime,
) -> Statement:
    """Sign a wording off. Nobody approves what they wrote, nothing stands that blocks, and what warns needs a reason
    (`accepted`, by rule). Where two must approve, the first leaves it in review; where that shows only later, as when
    the case grew graver, the second is given to the approved line. An approval ends with the time the words promise.
    """
    need(who, Permission.APPROVE_LINE)
    line, case = hold_line(session, number, version=version)
    short = line.state == StatementState.APPROVED and lacks_second(session, line, case, writing)
    if line.state != StatementState.IN_REVIEW and not short:
        raise Conflict(f"S-{number} is {STATES[line.state]}: only a line in review is approved.")
    _must_be_anothers(session, line, who)
    before = approvals(session, line)
    if who.username in {each.who for each in before}:
        raise Conflict("You have approved this wording. Somebody else has to be the second.")
    if line.stale_because:
        raise Conflict(f"This line is stale: {line.stale_because}. It is written anew first.")
    reasons = {rule: why.strip() for rule, why in accepted.items() if why.strip()}
    earlier = session.get(Statement, line.follows) if line.follows and line.correction else None
    line.facts = rests_on(session, line, wordings(line).values(), all_of_them=line.template == OWN)
    context = ours(session, case, line)
    also = falsehood(session, line)
    _must_pass(check_line(writing, context, wordings(line), corrects=earlier, also=also, now=now), reasons)
    second = second_because(line, case, writing)
    session.add(
        StatementApproval(
            statement_id=line.id, case_id=case.id, version=line.version, who=who.username, post=post.strip(),
            accepted=reasons, at=now,
        )
    )  # fmt: skip
    detail = {"version": line.version, "post": post.strip(), "accepted": sorted(reasons)}
    if short:
        touch(
            session,
            case,
            "line approved by the second of two",
            who=who,
            now=now,
            detail={"line": f"S-{line.number}", **detail},
        )
        return line
    if second and not before:
        say(session, line, "line approved by the first of two", who=who, now=now, detail=detail)
        return line
    line.state, line.approved_at, line.expires_at = StatementState.APPROVED, now, _good_until(line, now)
    session.flush()
    if lifecycle is not None:
        record_line(session, case, "approved", lifecycle, at=now, by=who.username)
    touch(session, case, "line approved", who=who, now=now, detail={"line": f"S-{line.number}", **detail})
    return line


def lacks_second(session: Session, line: Statement, case: Case, writing: Writing) -> str:
    """Why an approved line must not go out before a second person has approved it; empty when it may."""
    because = second_because(line, case, writing)
    return because if because and len(approvals(session, line)) < 2 else ""


def writers(session: Session, line: Statement) -> set[str]:
    """Everybody who asked for a line or wrote any wording of it."""
    wrote = select(StatementVersion.written_by).where(StatementVersion.statement_id == line.id)
    return {*session.exec(wrote), line.author or MACHINE} - {MACHINE}


def _good_until(line: Statement, now: datetime) -> datetime:
    """When an approved line that nobody issued is out of date: after a while, or with the time its words promise."""
    told = [promised(text, now) for name, text in wordings(line).items() if name != "headline"]
    return min([now + APPROVED_FOR, *(each for each in told if each is not None and each > now)])


def _must_be_anothers(session: Session, line: Statement, who: Person) -> None:
    if who.username in writers(session, line):
        raise Conflict("You wrote this line, or part of it. Somebody else has to approve it.")


def _must_pass(found: dict[str, tuple[Finding, ...]], reasons: Mapping[str, str]) -> None:
    if stopping := blocking(found):
        first = stopping[0]
        more = f", and {len(stopping) - 1} more" if len(stopping) > 1 else ""
        raise Conflict(f"The checker stops this line{more}: {first.why}")
    unsaid = [each for each in warned(found) if each.rule not in reasons]
    if unsaid:
        raise Conflict(f"The checker warns: {unsaid[0].why} Say why it may stand.")
