"""Answering a claim on its page over real HTTP: figures, options, what was chosen, the order of a line."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from sqlalchemy import Engine
from sqlmodel import Session, select

from config.settings import HERE
from tests.browser.seed import Seeded
from tests.browser.seed_claims import seed_claims
from tests.make import LIFECYCLE
from tests.served import Browser, field, serve
from tests.triage.releasing import KINDS
from tests.triage.web.conftest import Clockwork
from triage.claim_records import ClaimResponse, KnownClaim
from triage.policies import Policies
from triage.response_policy import read_response_policy
from triage.settings import WebSettings
from triage.statement_records import CaseFact, Statement, StatementIssue
from triage.web.app import desk
from triage.writing import LineKind, own_words

POLICY = read_response_policy(HERE / "policy" / "responses.toml")
WRITING = own_words()._replace(facts=KINDS, kinds=(LineKind("false-claim", "H6 False claim"),))


@pytest.fixture
def base(engine: Engine, clock: Clockwork, seeded: Seeded) -> Iterator[str]:
    with Session(engine, expire_on_commit=False) as session:
        seed_claims(session, seeded.cases[0], seeded.officer, now=datetime.now(UTC))
    app = desk(
        engine, WebSettings(), lifecycle=LIFECYCLE, now=clock,
        policies=Policies(responses=POLICY, writing=WRITING),
    )  # fmt: skip
    with serve(app) as address:
        yield address


def agreed(amira: Browser, tom: Browser) -> None:
    """C-1 is false: Tom agrees with what Amira asked for."""
    decision = field(tom.get("/claims/1").text, "decision")
    assert tom.fill_in("/claims/1/answer", decision=decision, agreed="true").status_code == 303


def test_an_option_is_chosen_and_what_followed_is_drawn(engine: Engine, amira: Browser) -> None:
    before = amira.get("/claims/1").text
    assert "Nothing is chosen yet" in before
    assert "not set" in before
    assert "harm whatever its reach" in before  # a rumour of death
    answer = amira.fill_in("/claims/1/respond", option="monitor", why="It is fading by itself")
    assert answer.headers["location"].startswith("/claims/1?said=claim-answered")
    page = amira.get("/claims/1").text
    assert "It is fading by itself" in page
    assert "hours before the choice" in page
    with Session(engine) as session:
        assert session.exec(select(ClaimResponse.option)).one() == "monitor"


def test_corrections_wait_for_people_who_decided_and_then_the_line_is_drafted(
    engine: Engine, amira: Browser, tom: Browser
) -> None:
    refused = amira.fill_in("/claims/1/respond", option="local_correction", why="People ask")
    assert (refused.status_code, "must decide first" in refused.text) == (409, True)
    page = amira.get("/claims/1").text
    assert 'value="local_correction" required disabled' in page
    assert "Draft this line" not in page
    agreed(amira, tom)
    with Session(engine) as session:
        case = session.exec(select(KnownClaim.case_id).where(KnownClaim.number == 1)).one()
        session.add(
            CaseFact(
                case_id=case, name="truth", value="The man left hospital", source="Hospital log", noted_by="amira",
                noted_at=datetime.now(UTC), verified_by="tom", verified_at=datetime.now(UTC),
            )
        )  # fmt: skip
        session.commit()
    page = amira.get("/claims/1").text
    assert page.count("The man left hospital") == 2, "the truth first and last"
    assert amira.fill_in("/claims/1/respond", option="local_correction", why="People ask").status_code == 303
    asked = amira.fill_in("/cases/1/statements", template="false-claim")
    assert "/statements/" in asked.headers["location"]


def test_who_got_a_line_of_ours_that_was_wrong_is_listed(
    engine: Engine, seeded: Seeded, amira: Browser
) -> None:
    assert "Who got this line" not in amira.get("/claims/3").text
    now = datetime.now(UTC)
    with Session(engine) as session:
        claim = session.exec(select(KnownClaim).where(KnownClaim.number == 3)).one()
        claim.met_wrong = True
        line = Statement(
            case_id=claim.case_id,
            template="aware",
            text="x",
            drafted_at=now,
            issued_at=now,
            claim_id=claim.id,
        )
        session.add(line)
        session.flush()
        session.add(
            StatementIssue(
                statement_id=line.id, case_id=claim.case_id, version=1, variant="long", place="News desk, by e-mail",
                recipients="Hackney desks", link="", at=now, entered_by="amira", entered_at=now,
            )
        )  # fmt: skip
        session.commit()
    page = amira.get("/claims/3").text
    assert "Who got this line, which was wrong" in page
    assert "Hackney desks" in page
    assert "Answering it" not in page


def test_without_a_policy_a_claim_has_no_ladder(engine: Engine, amira: Browser, seeded: Seeded) -> None:
    with serve(desk(engine, WebSettings(), lifecycle=LIFECYCLE)) as address, Browser(address) as browser:
        browser.sign_in("amira", "three calm lamps")
        assert "Answering it" not in browser.get("/claims/1").text
        assert browser.fill_in("/claims/1/respond", option="monitor", why="x").status_code == 404
