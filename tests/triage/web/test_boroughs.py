"""Cases by borough: every case of the queue is on the map, in its table, or counted beside it."""

import re

from sqlalchemy import Engine
from sqlmodel import Session, col, func, select

from tests.make import make_case
from tests.served import Browser
from triage.records import OPEN, Case, Severity


def numbers(row: str) -> list[str]:
    return re.findall(r"<td[^>]*>(?:<strong>)?([^<]*)<", row)


def row_of(page: str, name: str) -> list[str]:
    [found] = [each for each in page.split("<tr>") if f">{name}<" in each and "<td" in each]
    return numbers(found)


def test_a_borough_shows_its_cases_by_severity_and_leads_to_them(amira: Browser, engine: Engine) -> None:
    with Session(engine) as session:
        session.add_all(
            [
                make_case(borough="Havering", severity=Severity.SEV1),
                make_case(borough="Havering", severity=Severity.SEV4),
            ]
        )
        session.commit()
    page = amira.get("/queue/map").text
    assert row_of(page, "Havering") == ["2", "1", "–", "–", "1", "–"]
    assert 'aria-label="Havering: 2 cases, 1 of them SEV1 or SEV2"' in page
    assert 'href="/queue?borough=Havering"' in page


def test_the_sums_are_those_of_the_queue_whatever_borough_a_case_names(
    amira: Browser, engine: Engine
) -> None:
    with Session(engine) as session:
        session.add_all([make_case(borough=None), make_case(borough="Not a borough")])
        session.commit()
        open_cases = session.exec(
            select(func.count()).select_from(Case).where(col(Case.status).in_(OPEN))
        ).one()
    page = amira.get("/queue/map").text
    assert row_of(page, "All")[0] == str(open_cases)
    assert int(row_of(page, "In no borough yet")[0]) >= 2


def test_the_filters_of_the_queue_count_here_too(amira: Browser, engine: Engine) -> None:
    with Session(engine) as session:
        session.add_all(
            [make_case(borough="Sutton", severity=each) for each in (Severity.SEV2, Severity.SEV5)]
        )
        session.commit()
    page = amira.get("/queue/map?severity=5").text
    assert row_of(page, "Sutton") == ["1", "–", "–", "–", "–", "1"]
    assert 'href="/queue?severity=5&amp;borough=Sutton"' in page
