"""Asking who wrote a post, agreeing, and looking: on a real server, in the order people do it."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import Engine
from sqlmodel import Session, col, select

from collector.evidence_records import SealedAuthor
from collector.vault import Keyring
from config.settings import HERE
from tests.browser.seed import Seeded
from tests.served import Browser, serve
from tests.triage.web.conftest import Clockwork
from triage.policies import Policies
from triage.records import Case, Membership, Person
from triage.reveal import read_reveal_policy
from triage.settings import WebSettings
from triage.web.app import desk

AUTHOR = "did:plc:lantern"
SAID = {"reason": "witness", "why": "=1+1 the officer asks for the witness"}


@pytest.fixture
def keyring(tmp_path: Path) -> Keyring:
    return Keyring.of(tmp_path / "vault")


@pytest.fixture
def base(engine: Engine, clock: Clockwork, seeded: Seeded, keyring: Keyring) -> Iterator[str]:
    policies = Policies(reveal=read_reveal_policy(HERE / "policy" / "reveal.toml"), keyring=keyring)
    with serve(desk(engine, WebSettings(), channels=["slack"], policies=policies, now=clock)) as address:
        yield address


@pytest.fixture
def posts(engine: Engine, seeded: Seeded, keyring: Keyring) -> dict[int, UUID]:
    """A post of each of the first seven cases, sealed: all of one author. Tom is a duty officer, too."""
    found = {}
    with Session(engine) as session:
        for number in range(1, 8):
            case = session.exec(select(Case).where(Case.number == number)).one()
            member = select(Membership.post_id).where(Membership.case_id == case.id, col(Membership.sure))
            found[number] = session.exec(member).all()[0]
            key_id, sealed = keyring.seal(found[number], AUTHOR)
            session.add(
                SealedAuthor(post_id=found[number], key_id=key_id, sealed=sealed, sealed_at=datetime.now(UTC))
            )
            if case.severity >= 3:
                found[0] = UUID(int=number)
        session.get_one(Person, seeded.secretary.id).roles = ["duty_officer", "data_steward"]
        session.commit()
    return found


def ask(browser: Browser, posts: dict[int, UUID], number: int) -> str:
    answer = browser.fill_in(f"/cases/{number}/posts/{posts[number]}/reveal", **SAID)
    assert answer.status_code == 303
    return answer.headers["location"].partition("?")[0]


def test_in_a_grave_case_the_author_is_shown_for_minutes_with_ones_name_across(
    amira: Browser, posts: dict[int, UUID], clock: Clockwork
) -> None:
    assert "safeguarding" in amira.get(f"/cases/1/posts/{posts[1]}/reveal").text
    here = ask(amira, posts, 1)
    assert AUTHOR not in amira.get(here).text
    shown = amira.fill_in(f"{here}/show")
    assert shown.status_code == 200
    assert shown.text.count("amira · GH-1 · ") > 20
    assert AUTHOR in shown.text
    assert shown.headers["cache-control"] == "no-store"
    assert 0 < int(shown.headers["refresh"].partition(";")[0]) <= 900
    clock.ahead = timedelta(minutes=16)
    late = amira.fill_in(f"{here}/show")
    assert (late.status_code, AUTHOR in late.text) == (409, False)


def test_elsewhere_a_second_person_agrees_and_is_not_shown(
    amira: Browser, tom: Browser, posts: dict[int, UUID]
) -> None:
    number = posts[0].int
    here = ask(amira, posts, number)
    assert amira.fill_in(f"{here}/show").status_code == 409
    assert amira.fill_in(f"{here}/agree").status_code == 409
    assert here in tom.get(f"/cases/{number}").text
    assert "said=reveal-agreed" in tom.fill_in(f"{here}/agree").headers["location"]
    assert tom.fill_in(f"{here}/show").status_code == 409
    assert AUTHOR in amira.fill_in(f"{here}/show").text


def test_opening_one_author_again_warns_then_locks_and_the_steward_opens_the_lock(
    engine: Engine, amira: Browser, tom: Browser, posts: dict[int, UUID], seeded: Seeded
) -> None:
    with Session(engine) as session:
        for each in session.exec(select(Case).where(col(Case.number).in_((1, 2, 3, 4)))):
            each.severity = 1
        session.commit()
    assert AUTHOR in amira.fill_in(f"{ask(amira, posts, 1)}/show").text
    second = ask(amira, posts, 2)
    warned = amira.fill_in(f"{second}/show")
    assert (warned.status_code, AUTHOR in warned.text, "RIPA" in warned.text) == (409, False, True)
    assert AUTHOR in amira.fill_in(f"{second}/show", warned="true").text
    assert "locked" in amira.fill_in(f"{ask(amira, posts, 3)}/show", warned="true").text
    fourth = ask(amira, posts, 4)
    assert "until a data steward" in amira.fill_in(f"{fourth}/show", warned="true").text
    report = tom.get("/reveals").text
    lock = report.partition("/reveals/locks/")[2].partition("/")[0]
    answer = tom.fill_in(f"/reveals/locks/{lock}/open", why="the lead has agreed to it")
    assert "said=reveal-unlocked" in answer.headers["location"]
    assert AUTHOR in amira.fill_in(f"{fourth}/show").text


def test_the_report_is_a_page_and_a_safe_table(amira: Browser, tom: Browser, posts: dict[int, UUID]) -> None:
    amira.fill_in(f"{ask(amira, posts, 1)}/show")
    page = tom.get("/reveals").text
    assert "Amira K." in page
    assert AUTHOR not in page
    table = tom.get("/reveals.csv")
    assert table.headers["content-type"].startswith("text/csv")
    assert "attachment" in table.headers["content-disposition"]
    assert "\"'=1+1 the officer" in table.text
    assert AUTHOR not in table.text
