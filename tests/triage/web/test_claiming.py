"""Taking cases from the queue as it is narrowed down, keeping them, and what signing out gives back."""

from collections.abc import Callable
from uuid import UUID

from sqlalchemy import Engine
from sqlmodel import Session, col, select

from tests.browser.seed import PASSWORD, Seeded
from tests.served import Browser
from triage.records import Case, LogEntry


def held(engine: Engine, who: UUID) -> set[int]:
    with Session(engine) as session:
        asked = select(Case.number).where(col(Case.claimed_by) == who)
        return {number or 0 for number in session.exec(asked)}


def free(engine: Engine, severity: int) -> set[int]:
    with Session(engine) as session:
        asked = select(Case.number).where(
            Case.severity == severity,
            col(Case.claimed_by).is_(None),
            col(Case.status).in_(("detected", "triaged")),
        )
        return {number or 0 for number in session.exec(asked)}


def test_a_batch_is_taken_under_the_filters_of_the_page(
    engine: Engine, seeded: Seeded, amira: Browser
) -> None:
    me = seeded.officer.id
    before, wanted = held(engine, me), free(engine, 3)
    answer = amira.fill_in("/queue/next", under="/queue?severity=3&sort=newest", most="20")
    assert answer.headers["location"] == "/queue?view=mine&severity=3&sort=newest&said=batch-claimed"
    assert held(engine, me) - before == wanted
    assert amira.fill_in("/queue/next", under="/queue?severity=3", most="5").headers["location"] == (
        "/queue?said=none-free"
    )
    assert amira.fill_in("/queue/next", under="https://[", most="1").status_code == 303
    assert amira.fill_in("/queue/next", most="500").status_code == 422


def test_a_claim_is_kept_for_longer_by_its_holder(amira: Browser) -> None:
    amira.fill_in("/queue/next", under="/queue", most="1")
    number = amira.get("/queue?view=mine&sort=severity").text.partition('href="/cases/')[2].partition('"')[0]
    assert "Keep longer" in amira.get(f"/cases/{number}").text


def test_signing_out_of_the_last_browser_frees_what_one_holds(
    engine: Engine, seeded: Seeded, amira: Browser, visit: Callable[[], Browser]
) -> None:
    me = seeded.officer.id
    assert held(engine, me)
    second = visit()
    second.sign_in("amira", PASSWORD)
    second.fill_in("/sign-out")
    assert held(engine, me)
    amira.fill_in("/sign-out")
    assert held(engine, me) == set()
    with Session(engine) as session:
        lines = session.exec(select(LogEntry.detail).where(LogEntry.what == "released")).all()
    assert {"through": "sign-out"} in lines
