"""The pages of the oversight group over real HTTP: decided, corrected, asked for, minuted, told."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import Engine
from sqlmodel import Session, select

from classifier.records import IncidentType
from tests.browser.seed import PASSWORD, Seeded
from tests.browser.seed_decided import CODES, DAY, LONG_AGO, come
from tests.make import LIFECYCLE
from tests.served import Browser, serve
from tests.triage.review.kept import CYCLE
from tests.triage.web.conftest import Clockwork
from triage.policies import Policies
from triage.records import Case, Person, Role
from triage.review.finding_records import Action, Feedback, Finding, PanelForm, YouSaid
from triage.review.meeting_records import Review, ReviewItem
from triage.settings import WebSettings
from triage.web.app import desk
from triage.writing import Explainer, own_words

WRITING = own_words()._replace(
    explainers=(
        Explainer("stops", "Why people are stopped", "", tuple(IncidentType), "Training", date(2031, 1, 15)),
    )
)
PAGE = f"/reviews/{DAY}/cases/1"
MINUTES = f"/reviews/{DAY}/minutes"


@pytest.fixture
def base(engine: Engine, clock: Clockwork, seeded: Seeded) -> Iterator[str]:
    with Session(engine) as session:
        for person in session.exec(select(Person)):
            person.roles = [Role.DUTY_OFFICER.value, Role.OVERSIGHT_REVIEWER.value]
        case = session.exec(select(Case).where(Case.number == 1)).one()
        for at in (LONG_AGO, LONG_AGO + timedelta(days=14)):
            review = Review(meets_at=at, created_at=at)
            session.add(review)
            session.flush()
            tom = session.exec(select(Person).where(Person.username == "tom")).one()
            come(session, review, tom)
            session.add(ReviewItem(case_id=case.id, review_id=review.id, because="force", listed_at=at))
        session.commit()
    app = desk(
        engine, WebSettings(), channels=["slack"], lifecycle=LIFECYCLE, now=clock,
        policies=Policies(findings=CODES, cycle=CYCLE, writing=WRITING),
    )  # fmt: skip
    with serve(app) as address:
        yield address


@pytest.fixture
def reviewers(visit: Callable[[], Browser]) -> tuple[Browser, Browser]:
    browsers = visit(), visit()
    for browser, name in zip(browsers, ("amira", "tom"), strict=True):
        assert browser.sign_in(name, PASSWORD).status_code == 303
    return browsers


def post(browser: Browser, path: str, **form: object) -> httpx.Response:
    return browser.post(path, data={"csrf": browser.token, **form})


def filled(**given: Any) -> dict[str, Any]:
    """The form as a browser sends it."""
    said: dict[str, Any] = {
        "code": "POOR-COMMUNICATION",
        "secondary": ["IMPATIENCE"],
        "talk": "unclear",
        "communication": "2",
        "legality": "no_question",
        "decision": "The team hears of it in training",
        "why": "Nobody said <b>why</b>",
        "step": [each.name for each in CODES.step],
        "step_words": ["weighed with care" for _ in CODES.step],
        "dissent_post": ["Community member", ""],
        "dissent_words": ["It was avoidable", ""],
        "seen": 0,
    }
    return {**said, **given}


def in_a_month() -> str:
    return (datetime.now(UTC) + timedelta(days=30)).date().isoformat()


def one(engine: Engine, record: type[Any]) -> Any:
    with Session(engine) as session:
        return session.exec(select(record)).one()


def test_a_finding_goes_from_the_form_to_the_case_the_minutes_and_the_bcu(
    engine: Engine, reviewers: tuple[Browser, Browser]
) -> None:
    amira, tom = reviewers
    assert "Enter the finding" in amira.get(PAGE).text
    asked = post(amira, f"{PAGE}/decide", **filled())
    assert asked.headers["location"] == f"{PAGE}?said=finding-decided"
    page = amira.get(PAGE).text
    assert "Nobody said &lt;b&gt;why&lt;/b&gt;" in page
    assert "Enter the correction" in page
    assert post(amira, f"{PAGE}/decide", **filled(seen=1, code="PROFESSIONAL")).status_code == 422
    again = filled(seen=1, code="PROFESSIONAL", secondary=[], correction_why="A second video was found")
    assert post(amira, f"{PAGE}/decide", **again).status_code == 303
    assert (
        post(tom, f"{PAGE}/decide", **filled(seen=1, correction_why="A third one was found")).status_code
        == 409
    )
    action = {
        "words": "Brief all teams on stops", "owner_post": "BCU commander", "target": "bcu", "theme": "training",
        "due_on": in_a_month(),
    }  # fmt: skip
    assert post(amira, f"{PAGE}/actions", **action).status_code == 303
    case = amira.get("/cases/1").text
    assert 'id="findings"' in case
    assert ", corrected" in case
    assert "Brief all teams on stops" in case
    assert post(tom, f"{MINUTES}/draft").status_code == 303
    text = tom.get(f"{MINUTES}.txt")
    assert "Finding: Professional." in text.text
    assert "Dissent (Community member): It was avoidable" in text.text
    assert "Nobody said &lt;b&gt;why&lt;/b&gt;" in tom.get(f"{MINUTES}.html").text
    told = one(engine, Feedback)
    assert post(tom, f"/feedback/{told.id}/sent", to="BCU commander").status_code == 303
    assert post(tom, f"/feedback/{told.id}/confirmed", by="Supervisor").status_code == 303
    assert "The officer was told" in tom.get("/feedback?view=done").text


def test_what_is_missing_is_linked_to_its_field_and_what_was_typed_stays(
    engine: Engine, reviewers: tuple[Browser, Browser]
) -> None:
    amira, _ = reviewers
    wrong = filled(
        talk="", decision="", dissent_words=["", ""], body="iopc", made_on="soon", reference="REF/9"
    )
    answer = post(amira, f"{PAGE}/decide", **wrong)
    assert answer.status_code == 422
    page = answer.text
    for field in ("talk", "decision", "dissent-1", "referral-kind", "referral-made_on"):
        assert f'href="#{field}"' in page
        assert f'id="{field}"' in page
    for kept in ('value="POOR-COMMUNICATION"', 'value="REF/9"', 'value="soon"', 'value="Community member"'):
        assert kept in page
    wrong = {"words": "Brief", "due_on": "tomorrow"}
    answer = post(amira, f"{PAGE}/actions", **wrong)
    assert answer.status_code == 422
    for field in ("action-words", "action-owner", "action-due", "action-target"):
        assert f'id="{field}"' in answer.text
    with Session(engine) as session:
        assert session.exec(select(Finding)).all() == []


def test_an_action_is_followed_until_the_group_closes_it(
    engine: Engine, reviewers: tuple[Browser, Browser]
) -> None:
    amira, _ = reviewers
    soon = in_a_month()
    given = {
        "words": "Write guidance on stops",
        "owner_post": "Policy lead",
        "due_on": soon,
        "target": "policy",
    }
    assert post(amira, "/actions", **given | {"target": ""}).status_code == 422
    assert post(amira, "/actions", **given).status_code == 303
    assert "no one case" in amira.get("/actions").text
    here = f"/actions/{one(engine, Action).number}"
    for act, form in (
        ("note", {"words": "A draft exists"}),
        ("due", {"words": "Legal reads it first", "due_on": soon}),
        ("done", {"words": "Guidance G/3"}),
        ("close", {"words": "Nobody follows it", "outcome": "did_not_work"}),
        ("reopen", {"words": "Try once more"}),
    ):
        assert post(amira, f"{here}/{act}", **form).status_code == 303, act
        assert amira.get(here).status_code == 200
    assert post(amira, f"{here}/burn", words="x y").status_code == 404
    assert post(amira, f"{here}/close", words="").status_code == 409
    assert amira.get("/actions/999999").status_code == 404


def test_minutes_are_saved_approved_by_another_and_then_only_corrected(
    reviewers: tuple[Browser, Browser],
) -> None:
    amira, tom = reviewers
    assert amira.get(f"{MINUTES}.txt").status_code == 404
    post(amira, f"{MINUTES}/draft")
    saved = post(amira, f"{MINUTES}/edit", part=["attendance"], words=["Five came"], version=1)
    assert saved.status_code == 303
    assert "Five came" in amira.get(MINUTES).text
    assert "Somebody who did not write them" in amira.get(MINUTES).text
    assert post(amira, f"{MINUTES}/approve").status_code == 409
    assert post(tom, f"{MINUTES}/approve").status_code == 303
    assert "Approved on" in amira.get(MINUTES).text
    assert post(amira, f"{MINUTES}/edit", part=["attendance"], words=["Six"], version=2).status_code == 409
    assert post(amira, f"{MINUTES}/correct", words="Six came", why="Miscounted at first").status_code == 303
    assert "Six came" in amira.get(f"{MINUTES}.txt").text


def test_forms_of_panels_come_in_whole_or_not_at_all(
    engine: Engine, reviewers: tuple[Browser, Browser]
) -> None:
    amira, _ = reviewers
    head = "panel,met_on,respect\n"

    def send(rows: str) -> httpx.Response:
        file = {"file": ("forms.csv", f"{head}{rows}".encode(), "text/csv")}
        return amira.post("/feedback/forms", data={"csrf": amira.token}, files=file)

    refused = send("Panel A,2026-01-10,4\nPanel B,2026-01-10,9\n")
    assert refused.status_code == 422
    assert "Row 2: respect must be 1, 2, 3, 4 or 5" in refused.text
    assert send("Panel A,2026-01-10,4\n").status_code == 303
    assert one(engine, PanelForm).scores == {"respect": 4}
    assert send("x" * 250_000).status_code in (413, 422)


def test_a_panel_is_told_what_was_done(engine: Engine, reviewers: tuple[Browser, Browser]) -> None:
    amira, _ = reviewers
    said = {"panel": "Panel A", "said": "Explain stops", "did": "Teams are briefed"}
    assert post(amira, "/feedback/said", **said, action="A-99").status_code == 409
    assert post(amira, "/feedback/said", **said).status_code == 303
    line = one(engine, YouSaid).id
    assert post(amira, f"/feedback/said/{line}/told").status_code == 303
    assert post(amira, f"/feedback/said/{line}/told").status_code == 409
    assert "Teams are briefed" in amira.get("/feedback").text


def test_a_referral_entered_wrongly_is_taken_back(engine: Engine, reviewers: tuple[Browser, Browser]) -> None:
    amira, _ = reviewers
    given = {
        "code": "REFERRED-IOPC", "body": "iopc", "kind": "mandatory", "by_post": "DPS", "made_on": "2026-01-12",
        "reference": "REF/2",
    }  # fmt: skip
    assert post(amira, f"{PAGE}/decide", **filled(**given)).status_code == 303
    assert "REF/2" in amira.get(PAGE).text
    referral = amira.get(PAGE).text.partition("/referrals/")[2].partition("/")[0]
    back = f"/cases/1/referrals/{referral}/back"
    assert post(amira, back, why="").status_code == 409
    assert post(amira, back, why="Entered on the wrong case", day=DAY).status_code == 303
    assert "REF/2" not in amira.get(PAGE).text


def test_a_referral_is_recorded_and_corrected_on_the_page_of_the_case(
    reviewers: tuple[Browser, Browser],
) -> None:
    amira, _ = reviewers
    assert post(amira, "/cases/1/confirm").status_code == 303
    given = {"body": "dps", "by_post": "DPS", "made_on": "2026-01-12", "reference": "REF/3"}
    refused = post(amira, "/cases/1/referrals", **given | {"reference": ""})
    assert (refused.status_code, "Enter its reference" in refused.text) == (409, True)
    assert post(amira, "/cases/1/referrals", **given).status_code == 303
    page = amira.get("/cases/1").text
    assert "Referred to DPS" in page
    entry = page.partition('name="corrects" value="')[2].partition('"')[0]
    better = given | {"corrects": entry, "reference": "REF/4"}
    assert post(amira, "/cases/1/referrals", **better).status_code == 409
    assert post(amira, "/cases/1/referrals", **better, why="The number was wrong").status_code == 303
    page = amira.get("/cases/1").text
    assert "REF/4" in page
    assert "REF/3</bdi>" not in page


@pytest.mark.parametrize("day", ["2026-01-15", "yesterday", "2026-13-40"])
def test_there_is_nothing_to_decide_on_a_day_without_a_meeting(
    reviewers: tuple[Browser, Browser], day: str
) -> None:
    amira, _ = reviewers
    assert amira.get(f"/reviews/{day}/cases/1").status_code == 404
    assert amira.get(f"/reviews/{day}/minutes").status_code == 404


def test_who_is_kept_from_a_case_finds_nothing_of_what_was_decided_on_it(
    engine: Engine, reviewers: tuple[Browser, Browser]
) -> None:
    amira, tom = reviewers
    secret = "The constable hears a quiet word"
    post(amira, f"{PAGE}/decide", **filled(decision=secret))
    given = {"words": secret, "owner_post": "Supervisor", "due_on": in_a_month(), "target": "officer"}
    post(amira, f"{PAGE}/actions", **given)
    post(amira, f"{MINUTES}/draft")
    action, told = one(engine, Action).number, one(engine, Feedback).id
    for page in (PAGE, MINUTES, "/actions", f"/actions/{action}", "/feedback?view=all"):
        assert secret in tom.get(page).text, page
    assert post(tom, "/cases/1/tie").status_code == 303
    for page in (PAGE, MINUTES, f"{MINUTES}.txt", f"{MINUTES}.html", "/actions", "/feedback?view=all"):
        assert secret not in tom.get(page).text, page
    assert tom.get(PAGE).status_code == 403
    assert tom.get(f"/actions/{action}").status_code == 404
    assert post(tom, f"/actions/{action}/note", words="How does it go").status_code == 404
    assert post(tom, f"/feedback/{told}/sent", to="Somebody else").status_code == 409
    assert post(tom, f"{PAGE}/decide", **filled(seen=1)).status_code == 403


def test_the_register_says_which_background_is_to_be_looked_at_again(
    reviewers: tuple[Browser, Browser],
) -> None:
    amira, _ = reviewers
    assert "15 January 2031" in amira.get("/statements").text
    assert post(amira, f"{PAGE}/decide", **filled()).status_code == 303
    page = amira.get("/statements").text
    assert "asked by 1 finding" in page
    assert "11 February 2026" in page, "28 days after the meeting"
    looked = {"kind": "explainer", "name": "stops"}
    assert post(amira, "/statements/library", **looked, words="").status_code == 409
    assert post(amira, "/statements/library", **looked, words="Nothing to change").status_code == 303
    page = amira.get("/statements").text
    assert "15 January 2031" in page
    assert "asked by" not in page
