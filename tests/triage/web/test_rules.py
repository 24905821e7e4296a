"""The page of the rules: what decides, what is proposed beside what it would change, and the two who change it."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import Engine
from sqlmodel import Session, select

from tests.browser.seed import PASSWORD, Seeded
from tests.make import make_person
from tests.served import Browser, serve
from triage.people import digest_password
from triage.records import Case, Person, Routing
from triage.rehearsal_report import Changed, Load, Moved, Ref, Rehearsed, Shift, as_kept
from triage.restriction_records import Restriction
from triage.rule_changes import adopt, in_force, propose
from triage.rules import digest_of, in_brief
from triage.settings import WebSettings
from triage.web.app import desk

WORDS = (Path(__file__).resolve().parents[3] / "config" / "rules.toml").read_text(encoding="utf-8")
CHANGED = WORDS.replace("incident = 0.45", "incident = 0.55")
NOW = datetime.now(UTC)


def found(case: Case) -> dict[str, Any]:
    """A rehearsal as it is kept, with one alert lost and one gained."""
    lost = Ref("comms", "force", NOW, 3, case.id, case.number, [case.id])
    return as_kept(
        Rehearsed(
            since=NOW - timedelta(days=31), until=NOW, rules="new", in_force=in_brief(digest_of(WORDS)),
            model=None, posts=12_000, gone=40, unknowable=2, total=Changed(20, 20, 19, 1, 1),
            missed_anyway=0, more_anyway=0, desks={"comms": Changed(20, 20, 19, 1, 1)},
            by_rule={"force": Changed(20, 20, 19, 1, 1)}, shift=Shift(2, 1, -600.0),
            load_really=Load(20, 0.65, 3, NOW), load_then=Load(20, 0.65, 4, NOW), outcomes_really={},
            outcomes_then={}, moved=[Moved("force", "maybe", "raise", "list", 7, [])], moved_posts=7,
            moved_anyway=0, gained=[Ref("comms", "maybe", NOW, 4, None, None, [case.id])], lost=[lost],
        )
    )  # fmt: skip


@pytest.fixture
def proposed(engine: Engine, seeded: Seeded) -> str:
    """What Tom proposed; its id."""
    with Session(engine) as session:
        adopt(session, WORDS, now=NOW - timedelta(days=1))
        tom = session.exec(select(Person).where(Person.username == "tom")).one()
        asked = propose(
            session, CHANGED, who=tom, why="quieter nights", rehearsal=found(seeded.cases[0]), now=NOW
        )
        session.commit()
        return str(asked.id)


def words(browser: Browser, path: str = "/rules") -> str:
    answer = browser.get(path)
    assert answer.status_code == 200, path
    main = answer.text[answer.text.index("<main") : answer.text.index("</main>")]
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", main)).split())


def live(engine: Engine) -> str | None:
    with Session(engine) as session:
        return in_force(session)


def test_the_table_in_force_reads_in_plain_words(amira: Browser, engine: Engine) -> None:
    assert "None are in force yet" in words(amira)
    with Session(engine) as session:
        adopt(session, WORDS, now=NOW)
        session.commit()
    page = words(amira)
    assert page.startswith(f"Rules {in_brief(digest_of(WORDS))}")
    assert "Death or serious injury a death, grave injury, firearm or other hard trigger is reported" in page
    assert "Raised: comms and oversight alerted, critical; for the review" in page
    assert "everything else Dropped" in page


def test_a_proposal_is_shown_as_a_difference_beside_its_rehearsal(amira: Browser, proposed: str) -> None:
    page = words(amira)
    assert "tom asked" in page
    assert (
        "Death or serious injury changed likely a stop, force, a death or a pursuit, from 45% → becomes 55%"
        in page
    )
    assert "20 were raised. 19 would have been raised again, 1 would have been lost and 1 gained" in page
    assert "40 posts are no longer kept" in page
    assert "Comms 20 19 1 1 20" in page
    assert "Lost: 1 alert GH-" in page
    assert "new case SEV4, comms, Maybe" in page


def test_one_proposes_another_agrees_and_one_goes_back(
    tom: Browser, amira: Browser, engine: Engine, proposed: str
) -> None:
    assert "Take it back" in words(tom)
    digest = digest_of(CHANGED)
    own = tom.fill_in(f"/rules/{proposed}/agree", digest=digest)
    assert (own.status_code, "Somebody else has to agree" in own.text) == (409, True)
    other = amira.fill_in(f"/rules/{proposed}/agree", digest=digest_of(WORDS))
    assert (other.status_code, "not the rules that were shown" in other.text) == (409, True)
    assert live(engine) == digest_of(WORDS)
    agreed = amira.fill_in(f"/rules/{proposed}/agree", digest=digest)
    assert agreed.headers["location"] == "/rules?said=rules-agreed"
    assert live(engine) == digest
    assert "asked for by tom, agreed to by amira: quieter nights" in words(tom)
    assert amira.fill_in(f"/rules/{proposed}/agree", digest=digest).status_code == 409
    assert tom.fill_in("/rules/back", why=" ").status_code == 409
    assert tom.fill_in("/rules/back", why="too quiet").status_code == 303
    assert live(engine) == digest_of(WORDS)


def test_a_proposal_is_refused_or_taken_back(amira: Browser, engine: Engine, proposed: str) -> None:
    assert amira.fill_in(f"/rules/{proposed}/refuse").status_code == 303
    assert "Proposed" not in words(amira)
    assert live(engine) == digest_of(WORDS)


def test_a_case_that_is_hidden_from_somebody_is_not_named_to_them(
    amira: Browser, engine: Engine, seeded: Seeded, proposed: str
) -> None:
    case = seeded.cases[0]
    assert f"GH-{case.number}" in words(amira)
    with Session(engine) as session:
        session.add(
            Restriction(
                case_id=case.id, reason="conflict", why="a relative", roles=["data_steward"], people=[],
                set_by=seeded.secretary.id, set_at=NOW,
            )
        )  # fmt: skip
        session.commit()
    page = words(amira)
    assert f"GH-{case.number}" not in page
    assert "1 more are not listed here" in page


def test_a_case_names_whom_else_it_is_for(amira: Browser, engine: Engine, seeded: Seeded) -> None:
    case = seeded.cases[0]
    assert "Also for" not in words(amira, f"/cases/{case.number}")
    with Session(engine) as session:
        adopt(session, WORDS, now=NOW)
        for rule in ("discrimination", "force", "gone-since"):
            session.add(
                Routing(
                    post_id=uuid4(),
                    at=NOW,
                    model="m",
                    rule=rule,
                    outcome="raise",
                    because="so",
                    case_id=case.id,
                )
            )
        session.commit()
    page = words(amira, f"/cases/{case.number}")
    assert "Also for Nothing is sent to them from here" in page
    assert "DPS, to assess conduct and referral discrimination is alleged in an encounter" in page
    assert "BCU duty inspector" in page


@pytest.fixture
def changed_file(engine: Engine, seeded: Seeded) -> Iterator[Browser]:
    """A desk on a machine where somebody changed the file."""
    with Session(engine) as session:
        adopt(session, WORDS, now=NOW)
        session.add(
            make_person(username="root", roles=["admin"], password_hash=digest_password(PASSWORD), name="Ada")
        )
        session.commit()
    served = desk(engine, WebSettings(), channels=["slack"], rules_on_disk=lambda: digest_of(CHANGED))
    with serve(served) as base, Browser(base) as browser:
        assert browser.sign_in("root", PASSWORD).status_code == 303
        yield browser


def test_a_changed_file_nobody_agreed_to_is_on_every_page(changed_file: Browser) -> None:
    said = "rules.toml on this machine was changed and nobody agreed to it"
    assert said in unescape(changed_file.get("/sources").text)
    assert f"rules.toml on this machine is {in_brief(digest_of(CHANGED))}" in words(changed_file)
