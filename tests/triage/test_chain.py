"""The chain of the log: whatever is done to the rows behind its back is found, and nothing of ours breaks it."""

import multiprocessing
import random
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, text
from sqlmodel import Session, col, create_engine, select

from tests.conftest import LOG_KEY
from tests.make import NOON, make_case, make_person
from triage import actions
from triage.chain import START, Head, canonical, head_of, link, plain, verify
from triage.log import Line, note
from triage.records import LogEntry, Person

TAMPERINGS = 500
UTF8 = st.characters(codec="utf-8")
ENTRIES = 40


def written(session: Session, entries: int = ENTRIES) -> Head:
    """Entries of many shapes, in transactions of several; where the log then ends."""
    for number in range(entries):
        detail = {
            "posts": number,
            "p": number / 7,
            "whole": 3.0,
            "é": ["ö", None, True],
            "deep": {"b": 1, "a": 2},
        }
        line = Line("noted", uuid4() if number % 2 else None, f"why {number}" if number % 3 else None, detail)
        note(
            session,
            [line],
            who=f"person {number % 5}",
            now=NOON + timedelta(seconds=number, microseconds=number),
        )
        if number % 4 == 3:
            session.commit()
    session.commit()
    return head_of(session)


def broken(session: Session, *published: Head) -> int:
    return verify(session, LOG_KEY, published=published).breaks_total


def test_what_was_written_is_found_whole(session: Session) -> None:
    head = written(session)
    verified = verify(session, LOG_KEY, published=[head])
    assert (verified.entries, verified.head, verified.breaks) == (ENTRIES, head, [])
    assert list(session.scalars(select(LogEntry.seq).order_by(col(LogEntry.seq)))) == list(
        range(1, ENTRIES + 1)
    )


def test_an_empty_log_is_whole(session: Session) -> None:
    assert broken(session, Head(0, START)) == 0


def test_without_the_key_nothing_fits(session: Session) -> None:
    written(session)
    assert verify(session, b"another key").breaks_total == ENTRIES


def test_what_is_rolled_back_leaves_no_line_and_no_gap(session: Session) -> None:
    note(session, [Line("kept")], who="ann", now=NOON)
    session.commit()
    note(session, [Line("dropped")], who="ann", now=NOON)
    session.rollback()
    note(session, [Line("closed")], who="ann", now=NOON)
    session.close()
    note(session, [Line("kept too")], who="ann", now=NOON)
    session.commit()
    assert list(session.scalars(select(LogEntry.what).order_by(col(LogEntry.seq)))) == ["kept", "kept too"]
    assert broken(session) == 0


def test_a_savepoint_that_is_rolled_back_takes_its_lines_along(session: Session) -> None:
    note(session, [Line("before")], who="ann", now=NOON)
    undone = session.begin_nested()
    note(session, [Line("inside")], who="ann", now=NOON)
    with session.begin_nested():
        note(session, [Line("deeper")], who="ann", now=NOON)
    undone.rollback()
    with session.begin_nested():
        note(session, [Line("stays")], who="ann", now=NOON)
    session.commit()
    assert list(session.scalars(select(LogEntry.what).order_by(col(LogEntry.seq)))) == ["before", "stays"]


def test_an_engine_without_the_key_writes_nothing(database_url: str) -> None:
    own = create_engine(database_url)
    with Session(own) as session:
        note(session, [Line("noted")], who="ann", now=NOON)
        with pytest.raises(RuntimeError, match="log_key"):
            session.commit()
        session.rollback()
        assert head_of(session) == Head(0, START)
    own.dispose()


LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(UTF8)
)
DETAILS = st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text(UTF8), inner))


@given(DETAILS)
def test_a_detail_has_one_writing_however_often_it_is_read(detail: Any) -> None:
    once = plain(detail)
    assert plain(once) == once
    assert canonical(1, NOON, None, "a", "b", None, once) == canonical(1, NOON, None, "a", "b", None, detail)


def test_a_head_is_read_as_it_is_written() -> None:
    head = Head(7, bytes(range(32)))
    assert Head.read(f" {head} ") == head
    for wrong in ("", "7", "7:ab", f"x{head}", f"-{head}"):
        with pytest.raises(ValueError, match="not a head"):
            Head.read(wrong)


def test_every_tampering_is_found(session: Session) -> None:
    published = written(session)
    session.execute(text("ALTER TABLE log_entries DISABLE TRIGGER USER"))
    session.execute(text("ALTER TABLE log_head DISABLE TRIGGER USER"))
    session.commit()
    for seed in range(TAMPERINGS):
        chance = random.Random(seed)
        tamper = chance.choice(TAMPERS)
        tamper(session, chance)
        found = broken(session, published)
        session.rollback()
        assert found, f"{tamper.__name__} with seed {seed} was not found"
    assert broken(session, published) == 0


def edit(session: Session, chance: random.Random) -> None:
    change = chance.choice(
        [
            "at = at + interval '1 microsecond'",
            "case_id = gen_random_uuid()",
            "who = who || ' '",
            "what = 'claimed'",
            "why = coalesce(why, '') || '.'",
            "detail = detail || jsonb_build_object('posts', 99)",
            "detail = detail - 'deep'",
            "detail = jsonb_set(detail, '{p}', '0.123')",
            "hash = sha256(hash)",
        ]
    )
    session.execute(
        text(f"UPDATE log_entries SET {change} WHERE seq = :seq"), {"seq": chance.randint(1, ENTRIES)}
    )


def delete(session: Session, chance: random.Random) -> None:
    seq = chance.randint(1, ENTRIES - 1)
    session.execute(text("DELETE FROM log_entries WHERE seq = :seq"), {"seq": seq})
    if chance.random() < 0.5:
        _shift(session, seq + 1, -1)
        session.execute(text("UPDATE log_head SET count = count - 1"))


def insert(session: Session, chance: random.Random) -> None:
    """A copy of an entry at the end, or in the middle with the others moved up."""
    at = chance.randint(1, ENTRIES + 1)
    _shift(session, at, +1)
    session.execute(
        text(
            "INSERT INTO log_entries SELECT :at, at, case_id, who, what, why, detail, hash FROM log_entries "
            "WHERE seq = :of"
        ),
        {"at": at, "of": chance.choice([seq for seq in range(1, ENTRIES + 1) if seq != at])},
    )
    session.execute(
        text(
            "UPDATE log_head SET count = count + 1, hash = (SELECT hash FROM log_entries ORDER BY seq DESC LIMIT 1)"
        )
    )


def swap(session: Session, chance: random.Random) -> None:
    """Two entries change places, with or without their hashes."""
    one, other = chance.sample(range(1, ENTRIES + 1), 2)
    kept = "" if chance.random() < 0.5 else ", hash = b.hash"
    session.execute(
        text(
            "UPDATE log_entries a SET at = b.at, case_id = b.case_id, who = b.who, what = b.what, why = b.why, "
            f"detail = b.detail{kept} FROM log_entries b "
            "WHERE a.seq IN (:one, :other) AND b.seq IN (:one, :other) AND a.seq <> b.seq"
        ),
        {"one": one, "other": other},
    )


def cut(session: Session, chance: random.Random) -> None:
    """The end goes, and the head is set to fit; perhaps the service then goes on writing."""
    left = chance.randint(0, ENTRIES - 1)
    session.execute(text("DELETE FROM log_entries WHERE seq > :left"), {"left": left})
    _set_head(session)
    if chance.random() < 0.5:
        _append_with_the_key(session, chance.randint(1, ENTRIES))


def rewrite(session: Session, chance: random.Random) -> None:
    """Everything from one entry on is written anew, with a key of one's own or even with the right one."""
    seq = chance.randint(1, ENTRIES)
    session.execute(text("UPDATE log_entries SET why = 'nothing' WHERE seq = :seq"), {"seq": seq})
    key = LOG_KEY if chance.random() < 0.5 else b"stolen"
    before = START
    for row in session.execute(text("SELECT * FROM log_entries ORDER BY seq")).all():
        before = link(key, before, canonical(*row[:7]))
        session.execute(
            text("UPDATE log_entries SET hash = :hash WHERE seq = :seq"), {"hash": before, "seq": row.seq}
        )
    _set_head(session)


TAMPERS: list[Callable[[Session, random.Random], None]] = [edit, delete, insert, swap, cut, rewrite]


def _shift(session: Session, start: int, by: int) -> None:
    """Move entries by one number, over numbers that nobody has."""
    for step in (-1_000_000, 1_000_000 + by):
        where = "seq >= :start" if step < 0 else "seq < 0"
        session.execute(
            text(f"UPDATE log_entries SET seq = seq + :step WHERE {where}"), {"step": step, "start": start}
        )


def _set_head(session: Session) -> None:
    session.execute(
        text(
            "UPDATE log_head SET count = (SELECT count(*) FROM log_entries), "
            "hash = coalesce((SELECT hash FROM log_entries ORDER BY seq DESC LIMIT 1), decode(repeat('00', 32), 'hex'))"
        )
    )


def _append_with_the_key(session: Session, entries: int) -> None:
    head = head_of(session)
    before = head.hash
    for seq in range(head.entries + 1, head.entries + entries + 1):
        before = link(LOG_KEY, before, canonical(seq, NOON, None, "ann", "later", None, {}))
        session.execute(
            text(
                "INSERT INTO log_entries (seq, at, who, what, hash) VALUES (:seq, :at, 'ann', 'later', :hash)"
            ),
            {"seq": seq, "at": NOON, "hash": before},
        )
    _set_head(session)


def test_fifty_people_at_once_leave_one_chain(engine: Engine, session: Session) -> None:
    people = [make_person(username=f"p{number}") for number in range(50)]
    cases = [make_case(title=f"Case {number}") for number in range(20)]
    session.add_all([*people, *cases])
    session.commit()
    ids, numbers = [person.id for person in people], [case.id for case in cases]
    wrong: list[Exception] = []

    def work(number: int) -> None:
        chance = random.Random(number)
        with Session(engine) as own:
            who = own.get_one(Person, ids[number])
            own.expunge(who)
            for _ in range(6):
                try:
                    for case_id in sorted(chance.sample(numbers, 2)):
                        actions.claim(own, case_id, who=who, now=NOON, lease=timedelta())
                    own.commit()
                except actions.Conflict:
                    own.rollback()
                except Exception as error:  # noqa: BLE001 - a thread's failure is the test's
                    own.rollback()
                    wrong.append(error)

    gate = threading.BoundedSemaphore(14)  # the connections this test's engine has

    def in_turn(number: int) -> None:
        with gate:
            work(number)

    threads = [threading.Thread(target=in_turn, args=(number,)) for number in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    verified = verify(session, LOG_KEY)
    assert verified.breaks == []
    assert verified.entries == 50 * 6 * 2


def _write_until_killed(database_url: str) -> None:
    engine = create_engine(database_url, execution_options={"log_key": LOG_KEY})
    for number in count():
        with Session(engine) as session:
            lines = [
                Line("noted", None, None, {"number": number, "line": line}) for line in range(1 + number % 40)
            ]
            note(session, lines, who="ann", now=datetime.now(UTC))
            session.commit()


@pytest.fixture
def writers() -> Iterator[list[Any]]:
    started: list[Any] = []
    yield started
    for process in started:
        process.kill()
        process.join()


def test_killing_those_who_write_never_breaks_the_chain(
    database_url: str, session: Session, writers: list[Any]
) -> None:
    seen = 0
    for round_ in range(4):
        spawn = multiprocessing.get_context("spawn")
        pair = [spawn.Process(target=_write_until_killed, args=(database_url,)) for _ in range(2)]
        writers.extend(pair)
        for process in pair:
            process.start()
        until = time.monotonic() + 60
        while head_of(session).entries < seen + 200 and time.monotonic() < until:
            session.rollback()
            time.sleep(0.02)
        time.sleep(random.Random(round_).random() / 20)
        for process in pair:
            process.kill()
            process.join()
        session.rollback()
        verified = verify(session, LOG_KEY)
        assert verified.breaks == []
        assert verified.entries >= seen + 200
        seen = verified.entries
        session.rollback()
