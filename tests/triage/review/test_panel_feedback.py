"""Panels' forms come in whole or not at all, once each; what was done is said to them."""

import json
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import given as drawn
from hypothesis import strategies as st
from sqlmodel import Session, select

from tests.make import NOON, make_case
from tests.triage.review.deciding import CODES, listed, reviewer
from triage.hidden import look_as
from triage.locked import Conflict
from triage.records import Person
from triage.review.finding_records import PanelForm
from triage.review.panel_feedback import (
    Imported,
    Refused,
    import_forms,
    record_told,
    say_done,
    scores,
)
from triage.ties import declare_tie

HEAD = "panel,met_on,case,respect,explanation,calm,answers,comments\n"


@pytest.fixture
def tom(session: Session) -> Person:
    return reviewer(session)


def brought(session: Session, who: Person, file: str | bytes) -> Imported:
    return import_forms(session, file.encode() if isinstance(file, str) else file, CODES, who=who, now=NOON)


def test_a_file_is_imported_once(session: Session, tom: Person) -> None:
    _, case = listed(session)
    file = f"{HEAD}Hackney panel,2026-07-01,GH-{case.number},4,2,3,,Explain more\nHackney panel,2026-07-01,,5,,,,\n"
    assert brought(session, tom, file) == Imported(2, 0)
    session.commit()
    assert brought(session, tom, "\ufeff" + file.replace("\n", "\r\n")) == Imported(0, 2)
    form = session.exec(select(PanelForm).where(PanelForm.case_id == case.id)).one()
    assert form.scores == {"respect": 4, "explanation": 2, "calm": 3}
    assert form.comments == "Explain more"


def test_json_says_the_same_as_csv(session: Session, tom: Person) -> None:
    rows = [{"panel": "Hackney panel", "met_on": "2026-07-01", "respect": 4}]
    assert brought(session, tom, json.dumps(rows)) == Imported(1, 0)
    assert brought(session, tom, f"{HEAD}Hackney panel,2026-07-01,,4,,,,\n") == Imported(0, 1)


def test_one_bad_row_keeps_all_out_and_every_bad_row_is_named(session: Session, tom: Person) -> None:
    bad = [
        ("Hackney panel,2026-07-01,,4,,,,fine", None),
        (",2026-07-01,,4,,,,", "name the panel"),
        ("Hackney panel,yesterday,,4,,,,", "met_on must be a day"),
        ("Hackney panel,2027-07-01,,4,,,,", "met_on lies in the future"),
        ("Hackney panel,2026-07-01,,6,,,,", "respect must be 1, 2, 3, 4 or 5"),
        ("Hackney panel,2026-07-01,GH-999,4,,,,", "there is no case GH-999"),
        ("Hackney panel,2026-07-01,,,,,,", "neither a score nor a comment"),
    ]
    with pytest.raises(Refused) as refused:
        brought(session, tom, HEAD + "\n".join(row for row, _ in bad))
    told = {each.row: each.why for each in refused.value.rows}
    assert set(told) == {2, 3, 4, 5, 6, 7}
    assert all(why in told[number] for number, (_, why) in enumerate(bad, 1) if why)
    assert session.exec(select(PanelForm)).all() == []


@pytest.mark.parametrize(
    "file",
    [b"", b"\xff\xfe\x00", b"{}", b"[1]", b"[", b"a,b\n1,2\n", HEAD.encode(), b"[" * 100_000,
     f"{HEAD}Hackney panel,2026-07-01,,4,,,,x,y,z\n".encode(),
     b'[{"panel": "Hackney panel", "met_on": "2026-07-01", "name": "Somebody"}]'],
)  # fmt: skip
def test_what_is_no_file_of_forms_is_refused_with_a_reason(
    session: Session, tom: Person, file: bytes
) -> None:
    with pytest.raises(Refused) as refused:
        brought(session, tom, file)
    assert all(each.why for each in refused.value.rows)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@drawn(st.one_of(st.binary(max_size=300), st.text(max_size=300).map(lambda rest: (HEAD + rest).encode())))
def test_whatever_comes_it_is_imported_or_refused(session: Session, file: bytes) -> None:
    who = reviewer(session, "tom")
    with suppress(Refused):
        assert brought(session, who, file).new >= 0
    session.rollback()


def test_a_case_one_is_kept_from_is_no_case(session: Session, tom: Person) -> None:
    case = make_case()
    session.add(case)
    session.flush()
    session.refresh(case)
    declare_tie(session, case.id, who=tom, now=NOON)
    session.commit()
    look_as(session, tom)
    with pytest.raises(Refused, match="there is no case"):
        brought(session, tom, f"{HEAD}Hackney panel,2026-07-01,{case.number},4,,,,\n")


def test_a_mean_needs_five_answers(session: Session, tom: Person) -> None:
    rows: list[dict[str, Any]] = [
        {"panel": f"Panel {n}", "met_on": "2026-07-01", "respect": n, **({"calm": 3} if n < 5 else {})}
        for n in range(1, 6)
    ]
    brought(session, tom, json.dumps(rows))
    respect, _, calm, _ = scores(session.exec(select(PanelForm)).all(), CODES)
    assert (respect.answers, respect.mean) == (5, 3.0)
    assert (calm.answers, calm.mean) == (4, None)


def test_a_panel_is_told_once_what_was_done(session: Session, tom: Person) -> None:
    with pytest.raises(Conflict, match="Name the panel"):
        say_done(session, "Hackney panel", "Explain", "Done", who=tom, now=NOON)
    made = say_done(session, "Hackney panel", "Explain searches", "Briefed the team", who=tom, now=NOON)
    session.flush()
    record_told(session, made.id, who=tom, now=NOON + timedelta(days=1))
    with pytest.raises(Conflict, match="recorded already"):
        record_told(session, made.id, who=tom, now=NOON + timedelta(days=1))
    session.commit()
