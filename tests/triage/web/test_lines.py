"""Lines over real HTTP: written by two at once, checked as they are typed, registered, exported, hidden."""

import html
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import Engine
from sqlmodel import Session, select

from classifier.records import IncidentType
from tests.browser.seed import PASSWORD, Seeded, password_hash
from tests.make import LIFECYCLE, make_person
from tests.served import Browser, serve
from tests.triage.lines import WORDS, WRITING
from tests.triage.web.conftest import Clockwork
from triage.case_facts import facts_of
from triage.policies import Policies
from triage.records import Case, LogEntry, Role
from triage.restriction_records import Restriction
from triage.settings import WebSettings
from triage.statement_records import CaseFact, Statement, StatementVersion
from triage.web.app import desk
from triage.web.words import LONDON


@pytest.fixture
def visit(engine: Engine, clock: Clockwork, seeded: Seeded) -> Iterator[Callable[[str], Browser]]:
    """Signs people in at a desk where lines are written by rules: amira, tom, and ben, who approves."""
    with Session(engine) as session:
        ben = make_person(username="ben", roles=[Role.APPROVER], password_hash=password_hash())
        session.add(ben)
        session.commit()
    made = desk(engine, WebSettings(), lifecycle=LIFECYCLE, policies=Policies(writing=WRITING), now=clock)

    with serve(made) as base, ExitStack() as opened:

        def sign_in(name: str) -> Browser:
            browser = opened.enter_context(Browser(base))
            assert browser.sign_in(name, PASSWORD).status_code == 303
            return browser

        yield sign_in


@pytest.fixture
def amira(visit: Callable[[str], Browser]) -> Browser:
    return visit("amira")


@pytest.fixture
def ben(visit: Callable[[str], Browser]) -> Browser:
    return visit("ben")


def send(browser: Browser, path: str, **form: Any) -> httpx.Response:
    return browser.post(path, data={"csrf": browser.token, **form})


def begin(browser: Browser, words: str = WORDS) -> str:
    """The address of a new line with these words, which is version 2."""
    address = send(browser, "/cases/3/statements", template="own").headers["location"].partition("?")[0]
    assert send(browser, f"{address}/write", version=1, long=words).status_code == 303
    return address


def test_whoever_is_second_keeps_what_they_typed_and_sees_what_differs(
    engine: Engine, amira: Browser, ben: Browser
) -> None:
    line = begin(amira)
    assert (
        send(amira, f"{line}/write", version=2, long="We know of a stop. More by 15:00.").status_code == 303
    )
    answer = send(ben, f"{line}/write", version=2, long="We have seen a clip & look into it.")
    assert answer.status_code == 409
    assert "Your words were not kept" in answer.text
    assert "We have seen a clip &amp; look into it." in answer.text
    assert 'name="version" value="3"' in answer.text  # to be kept knowingly, over the newest
    assert "<del>" in answer.text
    with Session(engine) as session:
        assert len(session.exec(select(StatementVersion)).all()) >= 3
        [kept] = session.exec(select(Statement.text).where(Statement.author == "amira")).all()
        assert kept == "We know of a stop. More by 15:00."


def test_a_template_that_is_not_there_is_refused(amira: Browser) -> None:
    assert send(amira, "/cases/3/statements", template="nothing").status_code == 422
    assert send(amira, f"{begin(amira)}/follow", template="nothing").status_code == 422


def test_words_are_checked_as_they_are_typed_and_nothing_is_kept(engine: Engine, amira: Browser) -> None:
    line = begin(amira)
    typed = {"version": 2, "long": "The officers <b> acted correctly.", "csrf": amira.token}
    part = amira.post(f"{line}/check", data=typed, headers={"HX-Request": "true"})
    assert "<html" not in part.text
    assert "1 stops the line" in part.text
    assert "Nobody has decided that yet." in part.text
    assert '<mark class="gh-flawed gh-flawed--stop">acted correctly<sup>' in part.text
    assert "&lt;b&gt;" in part.text
    whole = amira.post(f"{line}/check", data=typed)
    assert (whole.status_code, "The officers &lt;b&gt; acted correctly." in whole.text) == (200, True)
    with Session(engine) as session:
        assert session.exec(select(Statement.text).where(Statement.author == "amira")).one() == WORDS


def test_a_line_waits_for_its_approver_in_the_register(amira: Browser, ben: Browser) -> None:
    line = begin(amira)
    number = line.rpartition("/")[2]
    assert f"S-{number}" not in ben.get("/statements?view=waiting").text
    assert send(amira, f"{line}/submit", version=2).status_code == 303
    assert f"S-{number}" in ben.get("/statements?view=waiting").text
    assert "1 waiting for you" in ben.get("/statements").text
    assert f"S-{number}" not in amira.get("/statements?view=waiting").text
    assert send(ben, f"{line}/approve", version=2).status_code == 303
    assert f"S-{number}" in ben.get("/statements?q=Rye+Lane").text
    assert f"S-{number}" not in ben.get("/statements?q=nowhere").text


def test_the_register_is_taken_along_as_files_and_the_log_says_by_whom(
    engine: Engine, amira: Browser
) -> None:
    begin(amira, "=HYPERLINK(1) We look into it by 14:00.")
    table = amira.get("/statements.csv?view=all")
    assert table.headers["content-type"].startswith("text/csv")
    assert "'=HYPERLINK" in table.text
    rows = amira.get("/statements.json").json()
    assert rows[-1].keys() >= {"line", "case", "state", "text", "stale"}
    with Session(engine) as session:
        lines = session.exec(select(LogEntry).where(LogEntry.what == "lines exported")).all()
    assert [(each.who, each.detail["form"]) for each in lines] == [("amira", "csv"), ("amira", "json")]


def test_facts_are_noted_verified_and_withdrawn_on_the_page(engine: Engine, amira: Browser) -> None:
    fact = {"name": "place", "value": "Rye Lane", "source": "CAD 12 of 14 July"}
    assert send(amira, "/cases/1/facts", **fact).status_code == 303
    with Session(engine) as session:
        noted = session.exec(select(LogEntry.case_id).where(LogEntry.what == "fact noted")).one()
        [known] = facts_of(session, noted) if noted else []
    assert "not verified" in amira.get("/cases/1").text
    assert send(amira, f"/cases/1/facts/{known.id}/verify").status_code == 303
    assert "verified by amira" in amira.get("/cases/1").text
    assert send(amira, f"/cases/1/facts/{known.id}/withdraw", why="").status_code == 409
    assert send(amira, f"/cases/2/facts/{known.id}/withdraw", why="Wrong").status_code == 409
    assert send(amira, f"/cases/1/facts/{known.id}/withdraw", why="Another road").status_code == 303
    assert "Another road" in amira.get("/cases/1").text


def test_a_line_is_recorded_corrected_and_the_page_says_who_got_the_first(
    amira: Browser, ben: Browser
) -> None:
    line = begin(amira)
    send(amira, f"{line}/submit", version=2)
    send(ben, f"{line}/approve", version=2)
    page = amira.get(line).text
    now = page.partition('name="at" type="datetime-local" value="')[2].partition('"')[0]
    refused = send(amira, f"{line}/issue", place="X", at="soon", recipients="Two <local> papers")
    assert (refused.status_code, "Two &lt;local&gt; papers</textarea>" in refused.text) == (409, True)
    assert amira.token not in refused.text.partition("What you wrote")[2]
    answer = send(amira, f"{line}/issue", place="X", at=now, next_at="")
    assert (answer.status_code, "next update is due" in answer.text) == (409, True)
    hour = f"{now[:11]}23:59" if now[11:13] == "23" else f"{now[:11]}{int(now[11:13]) + 1:02d}:00"
    assert send(amira, f"{line}/issue", place="X", at=now, next_at=hour).status_code == 303
    assert "What the public last heard from us" in amira.get("/cases/3").text
    following = send(amira, f"{line}/follow", template="own", correction="true")
    page = amira.get(following.headers["location"].partition("?")[0]).text
    assert "<strong>correction</strong>" in page
    assert "corrects" in page


def test_a_line_of_a_hidden_case_is_as_if_it_were_not_there(
    engine: Engine, seeded: Seeded, amira: Browser, ben: Browser
) -> None:
    line = begin(amira)
    with Session(engine) as session:
        session.add(
            Restriction(
                case_id=seeded.cases[2].id, reason="death", why="for tests", people=[str(seeded.officer.id)],
                set_by=seeded.officer.id, set_at=seeded.cases[2].opened_at,
            )
        )  # fmt: skip
        session.commit()
    number = line.rpartition("/")[2]
    assert amira.get(line).status_code == 200
    assert ben.get(line).status_code == 404
    assert ben.get(f"/cases/2/statements/{number}").status_code == 404
    assert WORDS not in ben.get("/statements?view=all").text
    assert all(row["line"] != f"S-{number}" for row in ben.get("/statements.json").json())


def test_handing_to_review_keeps_what_was_typed(engine: Engine, amira: Browser) -> None:
    line = begin(amira)
    typed = "We know of a stop in Rye Lane. We see the concern. More by 15:00."
    answer = send(amira, f"{line}/submit", version=2, long=typed)
    assert "line-submitted" in answer.headers["location"]
    with Session(engine) as session:
        kept = session.exec(select(Statement).where(Statement.author == "amira")).one()
        assert (kept.state, kept.version, kept.text) == ("in_review", 3, typed)
    late = send(amira, f"{line}/submit", version=2, long="Other words, from another window.")
    assert (late.status_code, "Other words, from another window." in late.text) == (409, True)


def test_a_line_in_review_is_read_and_copied_and_changed_below(amira: Browser, ben: Browser) -> None:
    line = begin(amira)
    send(amira, f"{line}/submit", version=2)
    page = ben.get(line).text
    assert f'<p class="gh-lines" dir="auto">{WORDS}</p>' in page
    assert "Change the words" in page
    assert 'data-copies="copy-long"' in page


def test_what_is_found_in_several_wordings_is_told_once(amira: Browser) -> None:
    line = begin(amira)
    said = "The officers acted correctly."
    typed = {"version": 2, "long": said, "short": said, "bcu": said, "csrf": amira.token}
    part = amira.post(f"{line}/check", data=typed, headers={"HX-Request": "true"}).text
    assert "1 stops the line" in part
    assert part.count("Nobody has decided that yet.") == 1
    assert "Also in: Short, for social media, In the BCU’s voice" in html.unescape(part)
    assert part.count("acted correctly<sup>") == 3


def test_a_fact_is_noted_and_verified_in_one_press_with_one_source_for_several(
    engine: Engine, amira: Browser
) -> None:
    fact = {"name": "place", "value": "Rye Lane", "source": "CAD 12 of 14 July", "verified": "true"}
    assert "fact-verified" in send(amira, "/cases/3/facts", **fact).headers["location"]
    assert '<option value="CAD 12 of 14 July">' in amira.get("/cases/3").text
    again = send(amira, "/cases/3/facts", **{**fact, "value": "Peckham High Street"})
    assert (again.status_code, "verified as" in again.text) == (409, True)
    with Session(engine) as session:
        [kept] = session.exec(select(CaseFact)).all()
        assert (kept.value, kept.verified_by) == ("Rye Lane", "amira")


def test_the_register_says_which_case_and_what_waits_for_a_second_approval(
    engine: Engine, amira: Browser, ben: Browser
) -> None:
    line = begin(amira)
    send(amira, f"{line}/submit", version=2)
    send(ben, f"{line}/approve", version=2)
    with Session(engine) as session:
        case = session.exec(select(Case).where(Case.number == 3)).one()
        case.type = IncidentType.DEATH_OR_FIREARMS
        title = case.title
        session.add(make_person(username="cee", roles=[Role.APPROVER], password_hash=password_hash()))
        session.commit()
    page = amira.get("/statements").text
    assert "needs a second approval" in page
    assert title in html.unescape(page)
    assert "Do not issue it yet" in amira.get(line).text
    assert "Record as issued" not in amira.get(line).text
    assert "GH-3" not in ben.get("/statements?view=waiting").text  # he was the first


def test_a_line_is_found_and_kept_from_a_page_that_was_open_when_its_case_was_joined(
    engine: Engine, amira: Browser
) -> None:
    line = begin(amira)
    old = line.replace("/cases/3/", "/cases/2/")
    assert amira.get(old).headers["location"] == line
    assert "line-written" in send(amira, f"{old}/write", version=2, long="More by 15:00.").headers["location"]
    assert amira.get(line.replace("/3/", "/99999/")).status_code == 404


def test_a_line_that_is_begun_follows_the_one_that_stands(amira: Browser, ben: Browser) -> None:
    line = begin(amira, "We look into a stop in Rye Lane.")
    number = line.rpartition("/")[2]
    send(amira, f"{line}/submit", version=2)
    send(ben, f"{line}/approve", version=2)
    soon = (datetime.now(LONDON) + timedelta(minutes=30)).strftime("%Y-%m-%dT%H:%M")
    issued = send(amira, f"{line}/issue", place="X", next_at=soon)
    assert "line-issued" in issued.headers["location"]
    assert f"It follows S-{number} and, once issued, takes its place" in amira.get("/cases/3").text
    later = send(amira, "/cases/3/statements", template="own", follows=number).headers["location"]
    assert f'follows <a class="govuk-link" href="{line}">S-{number}</a>' in amira.get(later).text


def test_a_template_meant_for_other_cases_stands_apart_and_is_never_the_next(amira: Browser) -> None:
    chosen = amira.get("/cases/3").text.partition('<select class="govuk-select" id="template"')[2]
    meant, _, others = chosen.partition("</select>")[0].partition("Meant for other cases than this")
    assert 'value="apology"' in meant
    assert 'value="weather"' not in meant
    assert 'value="weather">H13 Weather' in others
