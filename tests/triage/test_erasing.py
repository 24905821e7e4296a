"""The words of a line of the log can go, and the chain says so; nobody without the key can make them go."""

from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session, col, select

from tests.conftest import LOG_KEY, NOON
from triage.chain import verify
from triage.erasing import erase_words
from triage.log import Line, note
from triage.records import LogEntry


@pytest.fixture
def log(session: Session) -> Session:
    for number in range(5):
        note(session, [Line(f"noted {number}", why="says quokka", detail={"p": number})], who="ann", now=NOON)
        session.commit()
    return session


def erase(session: Session, *seqs: int, key: bytes = LOG_KEY) -> int:
    done = erase_words(session, key, seqs, who="golden hour", because="kept seven years", now=NOON)
    session.commit()
    return done


def test_erased_words_are_gone_and_the_chain_still_verifies(log: Session) -> None:
    assert erase(log, 1, 3, 4) == 3
    assert erase(log, 3) == 0
    verified = verify(log, LOG_KEY)
    assert (verified.breaks, verified.entries, verified.erased) == ([], 5, 3)
    left = log.exec(select(LogEntry).where(col(LogEntry.seq).in_((1, 3, 4)))).all()
    assert {(each.who, each.why, str(each.detail)) for each in left} == {("", None, "{}")}
    note(log, [Line("after")], who="ann", now=NOON + timedelta(days=1))
    log.commit()
    assert verify(log, LOG_KEY).breaks == []


def test_a_tombstone_made_without_the_key_is_a_break(log: Session) -> None:
    erase(log, 2, key=b"another")
    assert [each.seq for each in verify(log, LOG_KEY).breaks] == [2]


def test_a_tombstone_stands_for_its_own_line_only(log: Session) -> None:
    erase(log, 2)
    log.execute(text("SET session_replication_role = replica"))
    log.execute(text("UPDATE log_tombstones SET seq = 4"))
    log.execute(text("UPDATE log_entries SET who = '', why = NULL, detail = '{}' WHERE seq = 4"))
    log.commit()
    assert [each.seq for each in verify(log, LOG_KEY).breaks] == [2, 4]


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE log_entries SET who = '', why = NULL, detail = '{}' WHERE seq = 1",
        "UPDATE log_entries SET why = NULL WHERE seq = 2",
        "UPDATE log_entries SET who = '', why = NULL, detail = '{}', what = 'x' WHERE seq = 2",
        "UPDATE log_entries SET who = '', why = NULL, detail = '{}', at = now() WHERE seq = 2",
        "DELETE FROM log_entries WHERE seq = 2",
        "DELETE FROM log_tombstones",
        "UPDATE log_tombstones SET because = 'x'",
    ],
)
def test_the_database_lets_nothing_else_be_changed(change: str, log: Session) -> None:
    if "tombstones" in change or "seq = 2" in change:
        erase(log, 2)
    if change.startswith("UPDATE log_entries SET why"):
        change = change.replace("why = NULL", "why = 'x'")
    with pytest.raises(DBAPIError, match="append-only"):
        log.execute(text(change))
