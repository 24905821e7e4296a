"""What a person may do about a source: ask it now, pause it, go on, close a gap; each with a line in the log."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlmodel import Session, select

from collector.records import Gap, SourceRow
from tests.collector.test_schedule import place
from tests.conftest import NOON
from tests.make import make_person
from triage.locked import Conflict
from triage.permissions import Denied
from triage.records import LogEntry, Person
from triage.tending import NoSuchSource, ask_now, close_gap, go_on, pause

HOUR = timedelta(hours=1)
OFFICER = make_person(username="amira", name="Amira K.", roles=["duty_officer"])


def lines(session: Session) -> list[tuple[str, str, str | None, dict[str, Any]]]:
    session.commit()
    return [(each.who, each.what, each.why, each.detail) for each in session.exec(select(LogEntry))]


def herald(session: Session, **given: Any) -> SourceRow:
    row = place(session, "herald", **{"due_at": NOON + HOUR, **given})
    session.commit()
    return row


def test_a_source_that_is_asked_now_is_due_at_once(session: Session) -> None:
    herald(session)
    assert ask_now(session, "herald", who=OFFICER, now=NOON).due_at == NOON
    assert lines(session) == [("amira", "source asked now", None, {"source": "herald"})]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"last_tried_at": NOON - timedelta(seconds=59)}, "less than a minute ago"),
        ({"rest_until": NOON + HOUR}, "asked us to wait until 14 Jul 14:00"),
        ({"paused_until": NOON + HOUR}, "paused until 14 Jul 14:00"),
        ({"enabled": False}, "switched off"),
        ({"stops_at": NOON, "stops_because": "its term expired"}, "its term expired"),
        ({"kind": "jetstream", "url": "wss://stream.example"}, "stays open"),
    ],
)
def test_what_may_not_be_asked_now_says_why_and_leaves_no_line(
    given: dict[str, Any], said: str, session: Session
) -> None:
    row = herald(session, **given)
    with pytest.raises(Conflict, match=said):
        ask_now(session, "herald", who=OFFICER, now=NOON)
    assert row.due_at == NOON + HOUR
    assert lines(session) == []


def test_a_pause_has_an_end_a_reason_and_a_name(session: Session) -> None:
    herald(session)
    row = pause(session, "herald", lasts=2 * HOUR, why=" it moves house ", who=OFFICER, now=NOON)
    assert (row.paused_until, row.paused_by, row.paused_because) == (
        NOON + 2 * HOUR,
        "Amira K.",
        "it moves house",
    )
    until = {"source": "herald", "until": "2026-07-14T14:00+00:00"}
    assert lines(session) == [("amira", "source paused", "it moves house", until)]


@pytest.mark.parametrize(
    ("lasts", "why", "said"),
    [(HOUR, "  ", "Say why"), (169 * HOUR, "x", "seven days"), (timedelta(0), "x", "seven days")],
)
def test_no_pause_without_a_reason_or_for_ever(
    lasts: timedelta, why: str, said: str, session: Session
) -> None:
    row = herald(session)
    with pytest.raises(Conflict, match=said):
        pause(session, "herald", lasts=lasts, why=why, who=OFFICER, now=NOON)
    assert row.paused_until is None


def test_a_pause_can_be_ended_before_its_time(session: Session) -> None:
    herald(session)
    pause(session, "herald", lasts=HOUR, why="x", who=OFFICER, now=NOON)
    row = go_on(session, "herald", who=OFFICER, now=NOON + timedelta(minutes=1))
    assert (row.paused_until, row.paused_because, row.due_at) == (None, None, NOON + timedelta(minutes=1))
    assert [what for _, what, _, _ in lines(session)] == ["source paused", "source pause ended"]
    with pytest.raises(Conflict, match="not paused"):
        go_on(session, "herald", who=OFFICER, now=NOON + timedelta(minutes=1))


def test_a_gap_is_closed_once_with_how_it_was_looked_for(session: Session) -> None:
    herald(session)
    gap = Gap(source="herald", from_at=NOON - 2 * HOUR, until_at=NOON - HOUR, because="x", found_at=NOON)
    session.add(gap)
    session.commit()
    assert close_gap(session, "herald", gap.id, why="read its site", who=OFFICER, now=NOON).closed_at == NOON
    ((who, what, why, detail),) = lines(session)
    assert (who, what, why, detail["source"]) == ("amira", "gap closed", "read its site", "herald")
    with pytest.raises(Conflict, match="already"):
        close_gap(session, "herald", gap.id, why="again", who=OFFICER, now=NOON)
    with pytest.raises(NoSuchSource):
        close_gap(session, "herald", uuid4(), why="x", who=OFFICER, now=NOON)


@pytest.mark.parametrize(
    "who", [make_person(roles=["triage"]), make_person(roles=["admin"], disabled_at=NOON)]
)
def test_who_may_not_tend_sources_is_denied(who: Person, session: Session) -> None:
    herald(session)
    with pytest.raises(Denied):
        pause(session, "herald", lasts=HOUR, why="x", who=who, now=NOON)
    with pytest.raises(Denied):
        ask_now(session, "herald", who=who, now=NOON)


def test_a_source_that_is_not_there_is_not_tended(session: Session) -> None:
    for name in ("nobody", "a\0b"):
        with pytest.raises(NoSuchSource, match="no source of this name"):
            ask_now(session, name, who=OFFICER, now=NOON)
