"""The sheets: made from configuration and records, so that they change when these do."""

import json
from datetime import timedelta

import pytest
from sqlmodel import Session

from collector.records import Tally
from config.knowing import known_of
from config.settings import Settings
from tests.make import NOON, make_assessment, make_case, make_person, make_post, make_source
from triage.accountability.known import Kept, Known
from triage.accountability.models import figures_in_use
from triage.accountability.sheet import Section, Sheet, Table, as_markdown, as_plain
from triage.accountability.sheets import SHEETS, make
from triage.accountability.yearly import Number, numbers, years
from triage.log import Line, note


@pytest.fixture
def known() -> Known:
    return known_of(Settings())._replace(kept=[Kept("unflagged text", "posts", "72 hours", "goes")])


@pytest.mark.parametrize("name", SHEETS)
def test_each_can_be_made_on_the_first_day_and_says_what_it_rests_on(
    name: str, session: Session, known: Known
) -> None:
    made = make(name, session, known, now=NOON)
    assert (made.name, bool(made.made_from)) == (name, True)
    assert as_markdown(made).startswith(f"# {made.title}\n")
    assert json.loads(json.dumps(as_plain(made)))["name"] == name
    for section in made.sections:
        for table in section.tables:
            assert {len(row) for row in table.rows} <= {len(table.headings)}


def test_the_register_tells_of_every_source_why_and_on_whose_terms(session: Session, known: Known) -> None:
    session.add(make_source("mail-in", "mail", basis="letters of partners", url="imap://example.org"))
    session.add(
        make_source("searched", "youtube", term="stop and search Brixton", owner="Head of Insight",
                    reason="a trial that ends in May", stops_at=NOON + timedelta(days=30))
    )  # fmt: skip
    session.commit()
    rows = as_plain(make("purposes", session, known, now=NOON))["sections"][-1]["tables"][0]["rows"]
    assert [(row["Source"], row["Purpose"], row["State"]) for row in rows] == [
        ("mail-in", "What people and partners tell us", "read"),
        ("searched", "Public reports of police encounters", "read"),
    ]
    assert rows[1]["Looks for"] == "stop and search Brixton"
    assert rows[1]["Answered for by"] == "Head of Insight: a trial that ends in May"
    later = make("purposes", session, known, now=NOON + timedelta(days=31))
    assert as_plain(later)["sections"][-1]["tables"][0]["rows"][1]["State"].startswith("stopped")


def test_the_impact_sheet_counts_what_is_held_and_lists_how_long(session: Session, known: Known) -> None:
    session.add_all(
        [
            make_post(),
            make_post(withdrawn_at=NOON),
            Tally(source="a", minute=NOON, seen=40, dropped=38, stored=2),
        ]
    )
    session.commit()
    told = {each["title"]: each for each in as_plain(make("impact", session, known, now=NOON))["sections"]}
    assert told["How much"]["facts"]["Posts held now"] == "1"
    assert told["How much"]["facts"]["Taken out because their author deleted them"] == "1"
    assert told["How long"]["tables"][0]["rows"][0]["Stays"] == "72 hours"
    auditor = next(row for row in told["Who may see what"]["tables"][0]["rows"] if row["Role"] == "auditor")
    assert auditor["read cases"] == "no"


def test_equality_data_says_what_was_not_read_and_hides_shares_of_few(session: Session, known: Known) -> None:
    posts = [make_post() for _each in range(6)]
    signal = {"name": "language_not_assessed", "score": 1.0}
    session.add_all(
        [*posts, *(make_assessment(each, at=NOON, signals=[signal], abstain=True) for each in posts)]
    )
    session.add(make_case(borough="Brent", opened_at=NOON))
    session.commit()
    told = {each["title"]: each for each in as_plain(make("equality", session, known, now=NOON))["sections"]}
    assert told["What it cannot read"]["facts"][
        "Written in a language it does not read, so not judged by it"
    ] == ("6 of 6 (100%)")
    decided = told["By borough"]["tables"][1]["rows"]
    assert decided[0]["Borough"] == "Brent"
    assert decided[0]["Closed without action"] == "of 1: too few to tell"
    slang = told["The same telling, said differently"]["tables"][0]["rows"][0]
    assert slang["Told"] == "London slang"


def test_the_card_is_of_the_model_in_use(session: Session, known: Known) -> None:
    version, figures = figures_in_use(session)
    card, sheet = (make(name, session, known, now=NOON) for name in ("model-card", "data-sheet"))
    assert version in card.title
    assert version in sheet.title
    assert dict(sheet.sections[0].facts)["Texts"] == f"{figures['learnt']['texts']}"
    assert len(card.sections[1].tables[0].rows) > 10


def test_the_years_numbers_count_decisions_that_stand_and_hide_small_ones(session: Session) -> None:
    cases = [make_case() for _each in range(7)]
    session.add_all(
        [*cases, make_person(name="Ann"), Tally(source="a", minute=NOON, seen=1200, dropped=1100, stored=100)]
    )
    session.commit()
    lines = [Line("confirmed", each.id) for each in cases] + [Line("undone: confirmed", cases[0].id)]
    note(session, lines, who="ann", now=NOON)
    session.commit()
    told = {each.says: each for each in numbers(session, NOON.year)}
    assert told["cases a person confirmed"].number == 6
    assert told["public items looked at"].shown == "1,200"
    assert all(each.number == 0 for each in numbers(session, NOON.year - 1))
    assert (Number("x", 3).shown, Number("x", 0).shown) == ("fewer than 5", "0")
    assert years(None, now=NOON) == [NOON.year]
    assert years(NOON - timedelta(days=5000), now=NOON) == [NOON.year, NOON.year - 1, NOON.year - 2]


def test_a_cell_cannot_break_its_table() -> None:
    table = Table("One", ("A", "B"), [("x|y", "two\nlines")])
    text = as_markdown(
        Sheet("n", "T", "s", NOON, "f", [Section("P", tables=[table, Table("None of it", ("A",), [])])])
    )
    assert "| x\\|y | two lines |" in text
    assert text.endswith("None of it:\n\nNone.\n")
