"""Errors of ours: owned up to by people, suggested from what failed, mended and told, never deleted."""

from datetime import datetime, timedelta

import pytest
from sqlmodel import Session, select

from collector.records import Failure
from tests.make import make_case, make_person
from triage.locked import Conflict
from triage.permissions import Denied
from triage.records import Clock, Desk, LogEntry
from triage.slip_records import Slip, SlipKind
from triage.slips import own_up, settle, settled, suggest, waiting

OFFICER = {"username": "ann", "roles": ["duty_officer"]}


def test_an_error_is_noted_mended_and_told(session: Session, noon: datetime) -> None:
    ann = make_person(**OFFICER)
    slip = own_up(
        session,
        SlipKind.WRONG,
        what="A claim on GH-4 was marked false and was true",
        effect="The line was taken back",
        happened_at=noon - timedelta(hours=2),
        who=ann,
        now=noon,
    )
    session.commit()
    assert [each.id for each in waiting(session)] == [slip.id]
    assert slip.number is not None
    settle(session, slip.number, mended_how="Two people now", told="Oversight group", who=ann, now=noon)
    session.commit()
    assert waiting(session) == []
    [done] = settled(session)
    assert (done.mended_how, done.told, done.effect) == (
        "Two people now",
        "Oversight group",
        "The line was taken back",
    )
    said = session.exec(select(LogEntry.what).order_by(LogEntry.seq)).all()  # type: ignore[arg-type]
    assert said == ["error of ours noted", "error of ours mended"]


def test_what_failed_for_long_is_suggested_once(session: Session, noon: datetime) -> None:
    case = make_case()
    long, short = noon - timedelta(hours=1), noon - timedelta(minutes=5)
    session.add_all(
        [
            case,
            Failure(at=long, stage="alerts", subject="outbox", error="3 messages are overdue"),
            Failure(at=short, stage="alerts", subject="outbox", error="just a restart"),
            Failure(at=long, stage="assess", subject="a post", error="not about us"),
        ]
    )
    session.flush()
    for name in ("acknowledge", "apology"):
        session.add(
            Clock(
                case_id=case.id, name=name, desk=Desk.COMMS, started_at=long, due_at=short, breached_at=short
            )
        )
    session.commit()
    assert suggest(session, now=noon) == 2
    assert suggest(session, now=noon) == 0
    session.commit()
    assert {(each.kind, each.noted_by) for each in waiting(session)} == {("outage", None), ("late", None)}
    assert any(each.what == f"The clock acknowledge of GH-{case.number} ran out" for each in waiting(session))


def test_a_suggested_one_is_owned_up_to_or_was_none(session: Session, noon: datetime) -> None:
    ann = make_person(**OFFICER)
    slips = [
        Slip(
            kind=SlipKind.OUTAGE, happened_at=noon, what=f"Number {number}", suggested_by=f"failure {number}"
        )
        for number in range(2)
    ]
    session.add_all(slips)
    session.commit()
    first, second = (each.number or 0 for each in slips)
    settle(session, first, none_because="A planned stop", who=ann, now=noon)
    with pytest.raises(Conflict, match="Say what came of it"):
        settle(session, second, mended_how="Started again", who=ann, now=noon)
    settle(session, second, effect="No alert for an hour", who=ann, now=noon)
    session.commit()
    assert [(each.number, each.noted_by) for each in waiting(session)] == [(second, "ann")]
    with pytest.raises(Conflict, match="it stays"):
        settle(session, second, none_because="Not so bad", who=ann, now=noon)
    assert [each.none_because for each in settled(session)] == ["A planned stop"]


def test_who_may_not_switch_owns_up_to_nothing(session: Session, noon: datetime) -> None:
    auditor = make_person(username="eve", roles=["auditor"])
    with pytest.raises(Denied):
        own_up(session, SlipKind.LATE, what="x", effect="y", happened_at=noon, who=auditor, now=noon)
    ann = make_person(**OFFICER)
    with pytest.raises(Conflict, match="still to come"):
        own_up(
            session,
            SlipKind.LATE,
            what="x",
            effect="y",
            happened_at=noon + timedelta(days=1),
            who=ann,
            now=noon,
        )
