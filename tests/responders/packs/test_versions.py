"""The versions for panels and the public: nothing that identifies anybody, in no form, seen or unseen."""

import io
import re
import zipfile
from collections.abc import Sequence
from datetime import timedelta
from functools import cache

import pytest
from pypdf import PdfReader
from sqlalchemy import Engine, select
from sqlmodel import Session, col

from config.packs import means_of
from config.settings import Settings
from responders.packs.full import full_pack
from responders.packs.lint import Leak
from responders.packs.lower import Scope
from responders.packs.make import Made, Means, Wanted, make_version, manifest_bytes
from responders.packs.rows import Sheet, sheets_of
from responders.packs.versions import PanelCase, left_out
from responders.packs.writing import Form, write
from tests.make import NOON
from tests.responders.packs.planted import CONCERN, KINDS, Planted, identifiers, plant
from triage.records import Case
from triage.review.figures import Period
from triage.review.figuring import figures_as_of
from triage.review.journal import count
from triage.review.pack_checks import findings_in
from triage.review.pack_records import SheetEntry

UNTIL = NOON + timedelta(days=7)
PERIOD = Period(NOON - timedelta(days=7), UNTIL)
PANEL = Scope("pep-as", "Police Encounter Panel, Central South", bcu="AS")
LEARNING = "We explained too late why somebody was searched.\n\nOfficers now say it first."


@cache
def means() -> Means:
    return means_of(Settings())


def words_in(form: Form, made: bytes) -> str:
    """All that can be read out of a file by other means than the linter's, without spaces, in small letters."""
    if form is Form.PDF:
        reader = PdfReader(io.BytesIO(made))
        told = (
            " ".join(page.extract_text() for page in reader.pages)
            + str(reader.metadata)
            + str(reader.outline)
        )
        told += reader.trailer["/Root"]["/Metadata"].get_data().decode()  # type: ignore[index]
        told += made.decode("latin-1")
    elif form is Form.DOCX:
        with zipfile.ZipFile(io.BytesIO(made)) as file:
            parts = [file.read(name).decode("utf-8", "replace") for name in file.namelist()]
        told = " ".join([*parts, *(re.sub(r"<[^>]+>", "", part) for part in parts)])
    else:
        told = made.decode()
    return re.sub(r"\s+", "", told).lower()


def found_in(form: Form, made: bytes, planted: list[Planted]) -> list[Planted]:
    told = words_in(form, made)
    return [each for each in planted if re.sub(r"\s+", "", each.words).lower() in told]


def version(
    session: Session,
    scope: Scope | None = PANEL,
    learning: str = LEARNING,
    forms: Sequence[Form] = tuple(Form),
) -> Made:
    return made_by(session, Wanted(PERIOD, scope, learning), means(), forms)


def made_by(session: Session, wanted: Wanted, by: Means, forms: Sequence[Form] = (Form.HTML,)) -> Made:
    count(session, now=NOON)
    session.commit()
    return make_version(session, wanted, by, figures_as_of(session, PERIOD, by.definitions, at=UNTIL), forms)


def test_of_300_planted_identifiers_none_is_in_a_lower_version_and_all_are_in_the_full_one(
    engine: Engine,
) -> None:
    planted = identifiers()
    with Session(engine) as session:
        plant(session, [each.words for each in planted])
        whole = write(full_pack(session, PERIOD, means().ground), Form.HTML, means().templates)
        lower = {scope: version(session, scope) for scope in (PANEL, None)}
    assert len(found_in(Form.HTML, whole, planted)) == 300
    for made in lower.values():
        assert set(made.files) == set(Form)
        for form, written in made.files.items():
            assert found_in(form, written, planted) == []
        assert found_in(Form.HTML, manifest_bytes(made.manifest), planted) == []
    panel = lower[PANEL].files[Form.HTML].decode()
    assert "GH-1" in panel
    assert CONCERN in panel
    assert "CED (Taser)" in panel
    assert "18 to 34" not in panel
    assert "GH-1" not in lower[None].files[Form.HTML].decode()


@pytest.fixture
def cases(session: Session) -> Session:
    plant(session, [f"word{number}" for number in range(72)])
    return session


def injected(session: Session, words: str) -> None:
    """Past the page, which would have refused it."""
    for entry in session.scalars(select(SheetEntry).where(col(SheetEntry.name) == "community_concern")):
        entry.panel_words = f"People say that {words} was there."
    session.commit()


RULES = {"post": "address_of_a_post"}


def test_every_kind_of_identifier_in_reviewed_words_stops_a_version_in_every_form(cases: Session) -> None:
    planted = [next(each for each in identifiers(seed=3) if each.kind == kind) for kind in KINDS]
    injected(cases, ", ".join(each.words for each in planted))
    with pytest.raises(Leak) as stopped:
        version(cases)
    told = {(each.form, each.rule) for each in stopped.value.places}
    assert {(form, RULES.get(kind, kind)) for form in Form for kind in KINDS} <= told
    assert not any(each.words in f"{stopped.value} {stopped.value.places}" for each in planted)


def test_a_word_of_the_case_material_stops_it_even_when_no_rule_knows_it(cases: Session) -> None:
    injected(cases, "word7")
    with pytest.raises(Leak, match="words of the case material"):
        version(cases, forms=[Form.HTML])


@pytest.mark.parametrize(
    "words",
    [
        "the reflective practice", "his solicitor", "legal advice", "a misconduct hearing", "０７７００ ９００ １２３",
        "AB\u200b12 CDE", "PC\u00a01234", "12/03/1999", "did:plc:abcdef", "51.50721, -0.12764", "ＳＥ１５ ４ＱＡ",
        "Mr Okonjwe", "Flat 12", "192.0.2.17", "badge number", "someone (at) mail (dot) example", "145 AS",
        "Аisha", "ফাতিমা", "فاطمة", "李伟",
    ],
)  # fmt: skip
def test_what_is_disguised_or_not_for_outside_is_found(words: str) -> None:
    assert findings_in([f"People say that {words} was there."], means().checks)


@pytest.mark.parametrize(
    "words",
    [
        "GH-1399 Stop search, Lambeth", "◆ SEV2 high", "in within 72 hours", "under 10% of the encounter",
        "Described as: BCU SE; April to June 2026; tactics CED (Taser), Handcuffs; age band not shown.", CONCERN,
        "Page 12 of 30", "PACE 1984 s1, CJPOA 1994 s60", "Police Encounter Panel, Central South", "33/60 (55%)",
        "They should have told him why, and waited 15 minutes.", "6 July 2026 to 19 July 2026 (London time)",
    ],
)  # fmt: skip
def test_what_a_version_says_itself_is_not_found(words: str) -> None:
    assert findings_in([words], means().checks) == []


def test_learning_for_the_public_is_read_by_the_linter(cases: Session) -> None:
    version(cases, None, forms=[Form.HTML])
    with pytest.raises(Leak, match="telephone"):
        version(cases, None, "Call us on 020 7946 0999.", [Form.HTML])


def test_a_description_that_fits_too_few_is_made_coarser_and_a_case_alone_is_left_out(cases: Session) -> None:
    first = version(cases, forms=[Form.HTML]).manifest
    assert "the whole case" not in {each["what"] for each in first["left_out"]}
    only = Scope("cmg-lambeth", "Lambeth group", borough="Lambeth")
    few = means().versions.model_copy(update={"least": 7})
    made = made_by(cases, Wanted(PERIOD, only), means()._replace(versions=few))
    assert sum(each["what"] == "the whole case" for each in made.manifest["left_out"]) == 6
    assert "Described as" not in made.files[Form.HTML].decode()


def test_a_panel_reads_its_own_area_alone(cases: Session) -> None:
    other = version(
        cases, Scope("pep-cn", "Police Encounter Panel, Central North", bcu="CN"), forms=[Form.HTML]
    )
    assert other.manifest["cases"] == 0
    assert "No encounter in your area" in other.files[Form.HTML].decode()


def test_a_version_carries_the_digest_of_its_manifest_and_is_the_same_each_time(
    cases: Session, engine: Engine
) -> None:
    made = version(cases)
    for form, written in made.files.items():
        assert made.digest in words_in(form, written)
    with Session(engine) as another:
        assert version(another) == made


def test_a_case_with_proceedings_is_listed_and_nothing_of_them_is_told(cases: Session) -> None:
    case = cases.scalars(select(Case).order_by(col(Case.number))).first()
    assert case is not None
    cases.add(
        SheetEntry(
            case_id=case.id, name="proceedings", choices=["Criminal proceedings"], source="x", entered_by="sam",
            entered_at=NOON,
        )
    )  # fmt: skip
    cases.commit()
    made = version(cases, forms=[Form.HTML])
    page = made.files[Form.HTML].decode()
    assert "listed, not discussed on its merits for now" in page
    assert "roceedings" not in page
    assert "why it is not discussed" in {each["what"] for each in made.manifest["left_out"]}
    whole = write(full_pack(cases, PERIOD, means().ground), Form.HTML, means().templates).decode()
    assert "Listed, not discussed on its merits: Criminal proceedings." in whole


def test_everything_of_a_sheet_is_either_shown_to_panels_or_in_the_manifest(cases: Session) -> None:
    sheet = sheets_of(cases, PERIOD, means().ground.tactics)[0]
    told = {each.what for each in left_out(sheet, means().ground.fields)}
    assert len(told) > 15
    counted = {"case", "item", "meets_at", "clip_s", "decisions", "responses", "entries"}
    assert len(set(Sheet._fields) - counted) <= len(told)
    assert all(annotation is not Sheet for annotation in PanelCase.__annotations__.values())
