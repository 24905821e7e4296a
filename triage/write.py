"""What routing leaves in the tables: cases with their posts, alerts, clocks, log lines, jobs; in few statements."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import case as sql_case
from sqlalchemy import func, insert, or_
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlmodel import Session, col, delete, select

from collector.bulk import put_rows
from collector.jobs import defer_all
from triage.casework import CaseFile, Placed
from triage.clocks import ANSWERED_BY
from triage.lifecycle import Lifecycle
from triage.log import MACHINE, Line, note
from triage.notice import tell_desk
from triage.records import Alert, AlertState, Case, Clock, Desk, Membership, Routing, Severity
from triage.review.meeting_records import ReviewItem
from triage.tracks import closed_tracks

QUEUE = "respond"


def write_cases(
    session: Session,
    files: Sequence[CaseFile],
    placed: Sequence[Placed],
    lifecycle: Lifecycle,
    *,
    fresh_for: timedelta,
    now: datetime,
) -> int:
    """Everything about these cases. Returns how many alerts were raised or raised again."""
    _write_rows(session, files)
    _write_memberships(session, placed, now=now)
    raised, again = _write_alerts(session, files, fresh_for=fresh_for, now=now)
    _write_clocks(session, files, raised, again, lifecycle, fresh_for=fresh_for, now=now)
    note(session, _lines(files, raised), who=MACHINE, now=now)
    _leave_jobs(session, files, raised, again)
    tell_desk(session, "opened", *(file.case.id for file in files if file.before is None))
    tell_desk(session, "grew", *(file.case.id for file in files if file.before is not None))
    return len(raised) + len(again)


def write_routings(
    session: Session, placed: Sequence[Placed], *, rules: str | None, now: datetime
) -> set[UUID]:
    """One routing for every post, whatever became of it. An earlier one is replaced. Returns those that had none."""
    rows = [
        {
            "post_id": each.arrival.id,
            "at": now,
            "model": each.arrival.model,
            "rule": each.rule.name,
            "outcome": each.rule.outcome.value,
            "because": each.because,
            "case_id": each.case or each.maybe,
            "desks": [desk.value for desk in each.rule.desks],
            "priority": each.rule.priority.value,
            "rules": rules,
        }
        for each in placed
    ]
    posts = [each.arrival.id for each in placed]
    earlier = delete(Routing).where(col(Routing.post_id).in_(posts)).returning(col(Routing.post_id))
    replaced = set(session.scalars(earlier))
    put_rows(session, Routing, rows)
    return set(posts) - replaced


def _write_rows(session: Session, files: Sequence[CaseFile]) -> None:
    new = [file.case.model_dump(exclude={"number"}) for file in files if file.before is None]
    if new:
        session.execute(insert(Case), new)
    session.flush()  # those that were there


def _write_memberships(session: Session, placed: Sequence[Placed], *, now: datetime) -> None:
    rows = []
    for each in placed:
        if each.case is not None and not each.stands:
            how = "new" if each.new else each.match.how.value
            score = 1.0 if each.new else each.match.score
            rows.append(_membership(each, each.case, True, score, how, now))
        if each.maybe is not None:
            how = f"{each.match.how.value}, {each.match.doubt.value}"
            rows.append(_membership(each, each.maybe, False, each.match.score, how, now))
    put_rows(session, Membership, rows)


def _membership(
    placed: Placed, case: UUID, sure: bool, score: float, how: str, now: datetime
) -> dict[str, Any]:
    return {
        "post_id": placed.arrival.id,
        "case_id": case,
        "sure": sure,
        "score": round(score, 3),
        "how": how,
        "joined_at": now,
    }


Raised = dict[UUID, list[Alert]]


def _write_alerts(
    session: Session, files: Sequence[CaseFile], *, fresh_for: timedelta, now: datetime
) -> tuple[Raised, Raised]:
    """Alerts by case: those raised for the first time, and those raised again. One for each case and desk."""
    there: dict[UUID, dict[str, Alert]] = {}
    known = [file.case.id for file in files if file.before is not None]
    if known:
        for alert in session.scalars(select(Alert).where(col(Alert.case_id).in_(known), Alert.growth == 0)):
            there.setdefault(alert.case_id, {})[alert.desk] = alert
    raised: Raised = {}
    again: Raised = {}
    for file in files:
        standing = there.get(file.case.id, {})
        new, loud = news_of(file, standing, fresh_for=fresh_for, now=now)
        raised |= {file.case.id: new} if new else {}
        again |= {file.case.id: loud} if loud else {}
    rows = [alert.model_dump() for alerts in raised.values() for alert in alerts]
    if rows:
        session.execute(insert(Alert), rows)
    session.flush()
    return raised, again


def news_of(
    file: CaseFile, standing: Mapping[str, Alert], *, fresh_for: timedelta, now: datetime
) -> tuple[list[Alert], list[Alert]]:
    """The alerts that what came in raises for the first time, and those of the standing ones it raises again."""
    new = [_alert(file, desk, fresh_for, now) for desk in file.told if desk not in standing]
    return new, [alert for alert in standing.values() if _raise_again(file, alert, fresh_for, now)]


def _alert(file: CaseFile, desk: Desk, fresh_for: timedelta, now: datetime) -> Alert:
    return Alert(
        id=uuid4(),
        case_id=file.case.id,
        desk=desk,
        manner="page" if file.fresh(fresh_for) else "digest",
        priority=file.lead.priority.value,
        rule=file.lead.name,
        raised_at=now,
    )


def _raise_again(file: CaseFile, alert: Alert, fresh_for: timedelta, now: datetime) -> bool:
    """Whether there is news for a desk that was told: graver, open again, new harm where it was acknowledged, or now
    recent. That it grew is said by an alert of its own (triage/spreading.py).
    """
    turns_to_page = alert.manner == "digest" and file.fresh(fresh_for)
    anew = file.rose or file.reopened or _is_harm_unheard(file, alert, fresh_for)
    if not (anew or turns_to_page):
        return False
    alert.revision += 1
    if turns_to_page:
        alert.manner = "page"
    if anew:
        alert.state, alert.raised_at, alert.snoozed_until = AlertState.OPEN, now, None
        alert.acknowledged_at = alert.acknowledged_by = alert.acknowledged_through = None
    return True


def _is_harm_unheard(file: CaseFile, alert: Alert, fresh_for: timedelta) -> bool:
    """New harm on a case that somebody acknowledged before it was known."""
    return file.harmed and file.fresh(fresh_for) and alert.state == AlertState.ACKNOWLEDGED


def _write_clocks(
    session: Session,
    files: Sequence[CaseFile],
    raised: Raised,
    again: Raised,
    lifecycle: Lifecycle,
    *,
    fresh_for: timedelta,
    now: datetime,
) -> None:
    """Clocks start with the first alert. When a case gets graver they run out sooner, never later, and its
    desks must answer anew. None starts on a track that has ended.
    """
    rows = []
    ended = closed_tracks(session, [file.case.id for file in files if file.before is not None])
    for file in files:
        louder = again.get(file.case.id, []) if file.rose or file.reopened or file.fresh(fresh_for) else []
        desks = {alert.desk for alert in (*raised.get(file.case.id, []), *louder)}
        if not desks:
            continue
        paged = any(alert.manner == "page" for alert in (*raised.get(file.case.id, []), *louder))
        severity = Severity(file.case.severity)
        for due in lifecycle.raised(severity, paged=paged, force=file.review, now=now):
            if (file.case.id, lifecycle.track_of(due.name)) in ended:
                continue
            rows.append(
                {"id": uuid4(), "case_id": file.case.id, "name": due.name, "desk": due.desk,
                 "started_at": now, "due_at": due.at, "paused_s": 0}
            )  # fmt: skip
    if not rows:
        return
    given = upsert(Clock)
    sooner = func.least(col(Clock.due_at), given.excluded.due_at)
    session.execute(
        given.on_conflict_do_update(
            index_elements=["case_id", "name"],
            set_={
                "due_at": sql_case((col(Clock.stopped_at).is_(None), sooner), else_=given.excluded.due_at),
                "started_at": sql_case(
                    (col(Clock.stopped_at).is_(None), col(Clock.started_at)), else_=given.excluded.started_at
                ),
                "breached_at": sql_case((col(Clock.stopped_at).is_(None), col(Clock.breached_at))),
                "stopped_at": None,
                "stopped_by": None,
            },
            where=or_(
                col(Clock.stopped_at).is_(None), *(col(Clock.name) == name for name in ANSWERED_BY.values())
            ),
        ),
        rows,
    )


def _lines(files: Iterable[CaseFile], raised: Raised) -> Iterable[Line]:
    for file in files:
        case, rule = file.case, file.lead
        told = {"severity": case.severity, "posts": case.post_count}
        if file.before is None:
            yield Line("opened", case.id, rule.because, {**told, "rule": rule.name})
        if file.reopened:
            yield Line("reopened", case.id, rule.because, {**told, "rule": rule.name})
        if file.rose and file.before is not None:
            yield Line("severity raised", case.id, rule.because, {**told, "from": file.before.severity})
        if file.harmed and not file.rose:
            yield Line("new harm", case.id, rule.because, told)
        if file.grew:
            yield Line("grew", case.id, None, told)
        for alert in raised.get(case.id, ()):
            yield Line("alert raised", case.id, rule.because, {"desk": alert.desk, "rule": alert.rule})


def _leave_jobs(session: Session, files: Sequence[CaseFile], raised: Raised, again: Raised) -> None:
    loud = [alert for alerts in (*raised.values(), *again.values()) for alert in alerts]
    defer_all(
        session, "deliver", queue=QUEUE, priority=1, arguments=[{"alert": str(each.id)} for each in loud]
    )
    drafts = [file.case.id for file in files if file.draft and file.case.id in raised]
    defer_all(session, "draft", queue=QUEUE, arguments=[{"case": str(case)} for case in drafts])
    listed = _unlisted(session, [file for file in files if file.review])
    defer_all(session, "list_for_review", queue=QUEUE, arguments=[{"case": str(case)} for case in listed])


def _unlisted(session: Session, files: Sequence[CaseFile]) -> list[UUID]:
    """Cases for the oversight review that are on no list yet."""
    known = [file.case.id for file in files if file.before is not None]
    listed = set(session.scalars(select(ReviewItem.case_id).where(col(ReviewItem.case_id).in_(known))))
    return [file.case.id for file in files if file.case.id not in listed]
