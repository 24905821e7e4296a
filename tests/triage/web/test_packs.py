"""Packs on the desk: two people release one, a panel reads its own, and the case sheet says what panels read."""

import hashlib
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from sqlalchemy import Engine, select
from sqlmodel import Session, col

from config.packs import checks_of, means_of
from config.settings import HERE, Settings
from responders.packs.editions import make_edition
from tests.make import NOON, make_case, make_person
from tests.served import Browser, serve
from tests.triage.review.kept import CYCLE, keeper, seat
from triage.locked import Conflict
from triage.log import COUNTED
from triage.people import set_password
from triage.permissions import Denied
from triage.policies import Policies
from triage.records import Case, LogEntry
from triage.restriction_records import Restriction
from triage.review import packs
from triage.review.pack_records import EditionState, PackEdition, PackFile, SheetEntry
from triage.review.printing import PRINTED
from triage.review.sheets import Given, enter, entries_of, move_entries, read_sheet
from triage.settings import WebSettings
from triage.web.app import desk

PERIOD = (NOON - timedelta(days=14), NOON)
PANEL = packs.Wanted("panel", *PERIOD, panel="pep-as", bcu="AS")
PUBLIC = packs.Wanted("public", *PERIOD, learning="We say sooner why somebody is searched.")
TITLES = {each.name: each.title for each in CYCLE.panels.panel}
SHEET = read_sheet(HERE / "review" / "sheet.toml")
SECRET = "a long enough password"


def asked(engine: Engine, wanted: packs.Wanted = PANEL) -> PackEdition:
    """A version asked for and made."""
    with Session(engine, expire_on_commit=False) as session:
        edition = packs.ask(session, wanted, who=keeper(session), now=NOON)
        session.commit()
    make_edition(engine, edition.id, means_of(Settings()), TITLES, now=NOON)
    with Session(engine) as session:
        return session.get_one(PackEdition, edition.id)


def said(session: Session) -> list[str]:
    asked = select(col(LogEntry.what)).where(col(LogEntry.what).not_in((COUNTED, PRINTED)))
    return list(session.scalars(asked.order_by(col(LogEntry.seq))))


def test_a_version_is_made_once_and_released_by_somebody_else(engine: Engine) -> None:
    edition = asked(engine)
    assert edition.state == EditionState.MADE
    make_edition(engine, edition.id, means_of(Settings()), TITLES, now=NOON)
    with Session(engine) as session:
        files = {each.form: each for each in session.scalars(select(PackFile))}
        assert set(files) == {"pdf", "html", "docx"}
        digest = edition.manifest_sha256 or ""
        assert digest in files["html"].content.decode()
        with pytest.raises(Conflict, match="Somebody else"):
            packs.release(session, edition.id, digest, who=keeper(session), now=NOON)
        with pytest.raises(Conflict, match="not the version you were shown"):
            packs.release(session, edition.id, "another", who=keeper(session, "second"), now=NOON)
        with pytest.raises(Denied):
            packs.release(
                session, edition.id, digest, who=keeper(session, "pat", ("panel_viewer",)), now=NOON
            )
        made = packs.release(session, edition.id, digest, who=keeper(session, "second"), now=NOON)
        session.commit()
        assert (made.state, made.decided_by) == (EditionState.RELEASED, "second")
        entry = session.scalars(select(LogEntry).order_by(col(LogEntry.seq).desc())).first()
        assert entry is not None
        assert entry.detail["files"] == {form: each.sha256 for form, each in files.items()}
        assert said(session) == ["pack asked for", "pack made", "pack released"]
        with pytest.raises(Conflict, match="does not wait"):
            packs.refuse(session, edition.id, "Too late", who=keeper(session, "second"), now=NOON)


def test_a_refusal_needs_its_reason_and_keeps_no_file(engine: Engine) -> None:
    edition = asked(engine, PUBLIC)
    with Session(engine) as session:
        with pytest.raises(Conflict, match="Say why"):
            packs.refuse(session, edition.id, " ", who=keeper(session, "second"), now=NOON)
        packs.refuse(
            session, edition.id, "The learning is not agreed", who=keeper(session, "second"), now=NOON
        )
        session.commit()
        assert session.scalars(select(PackFile)).all() == []
        assert session.get_one(PackEdition, edition.id).why == "The learning is not agreed"


def test_the_linter_stops_one_and_says_where_without_the_words(engine: Engine) -> None:
    edition = asked(engine, PUBLIC._replace(learning="Ring 020 7946 0123."))
    assert edition.state == EditionState.STOPPED
    assert {(each["form"], each["rule"]) for each in edition.stopped_by} >= {
        ("pdf", "phone"),
        ("docx", "phone"),
    }
    assert "7946" not in str(edition.stopped_by)
    with Session(engine) as session:
        assert session.scalars(select(PackFile)).all() == []


@pytest.mark.parametrize(
    "wanted",
    [
        PANEL._replace(panel="", bcu=None), PUBLIC._replace(panel="pep-as", bcu="AS"), PANEL._replace(audience="full"),
        PANEL._replace(since=NOON, until=NOON), PANEL._replace(until=NOON + timedelta(days=9)),
        PANEL._replace(since=NOON - timedelta(days=800)),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_not_made(session: Session, wanted: packs.Wanted) -> None:
    with pytest.raises(Conflict):
        packs.ask(session, wanted, who=keeper(session), now=NOON)


def test_a_case_restricted_since_keeps_a_version_from_being_released_or_opened(engine: Engine) -> None:
    with Session(engine) as session:
        case = make_case(bcu="AS", borough="Lambeth")
        session.add(case)
        session.flush()
        edition = packs.ask(session, PANEL, who=keeper(session), now=NOON)
        packs.keep_made(session, edition, {"html": b"x"}, {"numbers": [case.number]}, "d", now=NOON)
        who = keeper(session, "second")
        session.add(
            Restriction(case_id=case.id, reason="death", why="a colleague", set_by=who.id, set_at=NOON)
        )
        session.flush()
        with pytest.raises(Conflict, match="restricted now"):
            packs.release(session, edition.id, "d", who=who, now=NOON)
        with pytest.raises(Conflict, match="restricted now"):
            packs.opened(session, edition, "html", who=who, now=NOON)


@pytest.fixture
def browsers(engine: Engine) -> Iterator[Callable[[str], Browser]]:
    """Signs people in: two who keep reviews, and a member of one panel."""
    with Session(engine) as session:
        people = [keeper(session), keeper(session, "second"), keeper(session, "pat", ("panel_viewer",))]
        for each in people:
            set_password(session, each, SECRET, by="test", now=NOON)
        seat(session, "member", "Pat", person=people[2].id, body="pep-as", now=NOON)
        session.add_all([make_case(bcu="AS", borough="Lambeth"), make_person(username="idle")])
        session.commit()
    policies = Policies(cycle=CYCLE, sheet=SHEET, pack_checks=checks_of(Settings()))
    opened: list[Browser] = []
    with serve(desk(engine, WebSettings(), policies=policies)) as base:

        def sign_in(username: str) -> Browser:
            browser = Browser(base)
            opened.append(browser)
            assert browser.sign_in(username, SECRET).status_code == 303
            return browser

        yield sign_in
        for browser in opened:
            browser.close()


def test_a_panel_reads_what_is_released_for_it_and_nothing_else(
    engine: Engine, browsers: Callable[[str], Browser]
) -> None:
    mine, other = asked(engine), asked(engine, PANEL._replace(panel="pep-cn", bcu="CN"))
    keeper_, second, pat = browsers("keeper"), browsers("second"), browsers("pat")
    assert "There is no pack for you yet." in pat.get("/packs").text
    assert pat.get(f"/packs/{mine.number}/pdf").status_code == 404
    assert "Somebody else has to read and release it." in keeper_.get("/packs").text
    for each in (mine, other):
        sent = second.fill_in(f"/packs/{each.number}/release", **{"digest": each.manifest_sha256 or ""})
        assert sent.status_code == 303
    page = pat.get("/packs").text
    assert f"P-{mine.number} Police Encounter Panel, Central South" in page
    assert f"P-{other.number}" not in page
    got = pat.get(f"/packs/{mine.number}/pdf")
    assert got.headers["content-type"] == "application/pdf"
    assert got.headers["content-disposition"] == f'attachment; filename="P-{mine.number}-pep-as.pdf"'
    with Session(engine) as session:
        kept = session.get_one(PackFile, (mine.id, "pdf")).sha256
        assert hashlib.sha256(got.content).hexdigest() == kept
        assert said(session)[-1] == "pack opened"
    assert pat.get(f"/packs/{other.number}/pdf").status_code == 404
    assert pat.get(f"/packs/{mine.number}/exe").status_code == 404
    assert pat.get("/cases/1").status_code == 403


def test_one_is_asked_for_on_the_page(engine: Engine, browsers: Callable[[str], Browser]) -> None:
    keeper_ = browsers("keeper")
    form = {"audience": "panel", "panel": "cmg-lambeth", "first": "2026-07-01", "last": "2026-07-14"}
    assert keeper_.fill_in("/packs", **form).status_code == 303
    assert "Being made" in keeper_.get("/packs").text
    with Session(engine) as session:
        edition = session.scalars(select(PackEdition)).one()
        assert (edition.panel, edition.borough, edition.bcu) == ("cmg-lambeth", "Lambeth", None)
        assert edition.until - edition.since == timedelta(days=14)
    assert keeper_.fill_in("/packs", **{**form, "first": "yesterday"}).status_code == 409


def test_the_case_sheet_takes_codes_and_words_and_refuses_names_for_panels(
    engine: Engine, browsers: Callable[[str], Browser]
) -> None:
    keeper_ = browsers("keeper")
    sheet = "/cases/1/sheet"
    assert "Not recorded. As the use of force form has them." in keeper_.get(sheet).text
    tactics = {"field": "tactics", "choices": "Handcuffs", "source": "Use of force form"}
    assert keeper_.fill_in(sheet, **tactics).status_code == 303
    concern = {"field": "community_concern", "words": "Nobody said why", "source": "Note of a meeting"}
    assert keeper_.fill_in(sheet, **concern).status_code == 303
    assert keeper_.fill_in(sheet, **{**tactics, "source": ""}).status_code == 422
    assert keeper_.fill_in(sheet, **{**tactics, "choices": "Kindness"}).status_code == 422
    assert keeper_.fill_in(sheet, **{**tactics, "field": "nothing"}).status_code == 404
    bad = {"field": "community_concern", "words": "Aisha Penhallow was hurt"}
    named = keeper_.fill_in(f"{sheet}/words", **bad)
    assert named.status_code == 422
    assert "This cannot go to a panel: name" in named.text
    good = {"field": "community_concern", "words": "People say that nobody told them why"}
    assert keeper_.fill_in(f"{sheet}/words", **good).status_code == 303
    assert keeper_.fill_in(f"{sheet}/words", **{**good, "field": "contact"}).status_code == 422
    page = keeper_.get(sheet).text
    assert "People say that nobody told them why" in page
    with Session(engine) as session:
        case = session.scalars(select(Case)).one()
        standing = session.scalars(select(SheetEntry).where(col(SheetEntry.case_id) == case.id)).all()
        assert {each.name: each.panel_words for each in standing} == {
            "tactics": None,
            "community_concern": "People say that nobody told them why",
        }
        assert said(session)[-1] == "sheet reworded for panels"


def test_the_sheet_of_a_case_goes_with_it_to_the_one_it_joins(session: Session) -> None:
    home, to = make_case(), make_case()
    session.add_all([home, to])
    session.flush()
    who, fields = keeper(session), {each.name: each for each in SHEET}
    for case, name, chosen in (
        (home, "tactics", "Baton"),
        (home, "injury", "None recorded"),
        (to, "tactics", "Dog"),
    ):
        enter(session, case.id, fields[name], Given([chosen], "", "Form"), who=who, now=NOON)
    move_entries(session, home.id, to.id)
    standing = {name: each.choices for name, each in entries_of(session, to.id).items()}
    assert standing == {"tactics": ["Dog"], "injury": ["None recorded"]}
    assert set(entries_of(session, home.id)) == {"tactics"}


def test_a_changed_entry_is_a_new_row_and_its_words_for_panels_are_written_again(
    engine: Engine, browsers: Callable[[str], Browser]
) -> None:
    keeper_ = browsers("keeper")
    for words in ("Nobody said why", "Nobody said why, or sorry"):
        sent = {"field": "community_concern", "words": words, "source": "Note"}
        assert keeper_.fill_in("/cases/1/sheet", **sent).status_code == 303
    with Session(engine) as session:
        rows = session.scalars(select(SheetEntry).order_by(col(SheetEntry.entered_at))).all()
        assert [each.superseded_at is None for each in rows] == [False, True]
        assert rows[-1].panel_words is None
