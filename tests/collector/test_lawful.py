"""What we look for is events and places; an interface whose terms ask for an agreement is not asked without one."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlmodel import Session

from collector.agreements import AgreementError, agreement_stop, read_agreements
from collector.catalogue import CatalogueError, read_sources, sync_sources
from collector.health import State, state_of
from collector.linter import Linter, LintError
from collector.records import SourceRow
from collector.schedule import claim, due
from collector.sources import kind_of, kinds
from collector.sources.base import Needs
from tests.collector.test_schedule import LASTS
from tests.conftest import NOON

CONFIG = Path(__file__).resolve().parents[2] / "config"
LISTS = sorted((CONFIG / "lexicons").glob("refused_terms*.toml"))
AGREED = """
[[agreement]]
kind = "x"
who = "Head of Digital"
agreed_on = 2026-03-02
plan = "Enterprise"
purpose = "finding public reports of police encounters"
reference = "DMC-1"
review_on = 2027-03-01
"""
TAGGED = """
[[source]]
name = "social"
kind = "mastodon"
url = "https://social.example"
tag = "metpolice"
owner = "Duty team"
reason = "what is said of stops"
expires = 2026-07-20
every = "2m"
grade = "E"
basis = "public hashtag timeline"
"""


@pytest.fixture(scope="module")
def linter() -> Linter:
    return Linter.of(LISTS)


@pytest.mark.parametrize(
    "term",
    [
        "metpolice",
        "stopandsearch",
        "London",
        "police Peckham",
        "stop and search OR taser",
        "officer injured Brixton",
        "St George's Hospital police",
        "King's Cross police",
        "PC in court",
        "Victoria station police",
        "police chase Lewisham",
        "Section60",
        "kneeling on neck",
        "marketstreet",
        "officer down",
        "officer involved shooting",
        "PC suspended",
        "Charles Cobb Gardens police",
        "Freezywater",
        "Victoria",
        "Lee",
        "Harold Hill police",
        "Denmark Hill stabbing",
        "Florence Road police",
        "Charlie Chaplin Walk police",
        "St John's Wood police",
        "Alexandra Palace arrests",
        "Elizabeth line police",
        "Notting Hill Carnival",
        "Trooping the Colour",
        "Pride in London police",
        "New Year's Eve fireworks police",
        "Champions League final arrests",
        "Coronation policing",
        "A406 police pursuit",
        "M25 crash police",
        "E17 stabbing",
        "PC injured Croydon",
        "justice for victims",
        "justice for all",
        "police at the station",
        "who was tasered",
        "999 call police",
        "stop_and_search",
        "TfL inspector fare dodging",
    ],
)
def test_terms_about_events_and_places_pass(term: str, linter: Linter) -> None:
    assert linter.why_not(term) is None


@pytest.mark.parametrize(
    ("term", "said"),
    [
        ("@someone", "account"),
        ("someone@social.example", "account"),
        ("from:neighbour police", "account"),
        ("u/neighbour", "account"),
        ("did:plc:abc", "account"),
        ("list:123", "account"),
        ("＠someone", "account"),
        ("\u200b@some\u200bone", "account"),
        ("someone [at] social.example", "account"),
        ("someone(at)social.example", "account"),
        ("someone.bsky.social", "account"),
        ("someone dot bsky dot social", "account"),
        ("https://x.com/someone", "account"),
        ("instagram.com/someone", "account"),
        ("from : neighbour", "account"),
        ("u / neighbour", "account"),
        ("ｆrom:neighbour", "account"),
        ("PC 1234", "number"),
        ("PC1234AB", "number"),
        ("officer shoulder number 55", "number"),
        ("Daniel Example police", "person"),
        ("D4niel Example", "person"),
        ("Dаniel Example", "person"),
        ("D\u0301aniel Example", "person"),
        ("d a n i e l example", "person"),
        ("D.A.N.I.E.L example", "person"),
        ("daniel1987", "person"),
        ("daniel_ldn", "person"),
        ("Oluwaseun Example", "person"),
        ("Krzysztof Example police", "person"),
        ("Siobhán Example", "person"),
        ("Ayşe Example", "person"),
        ("Søren Example", "person"),
        ("Nguyen Example", "person"),
        ("Gurpreet Example arrest", "person"),
        ("Xiaoming Example", "person"),
        ("Kwabena Example", "person"),
        ("Abdirahman Example stop", "person"),
        ("محمد", "person"),
        ("police justice for Example", "person"),
        ("Justice 4 Example", "person"),
        ("Justice4Example", "person"),
        ("J U S T I C E for Example", "person"),
        ("rest in power Example", "person"),
        ("who killed Example", "person"),
        ("say her name Example", "person"),
        ("pc example", "person"),
        ("Sergeant Example", "person"),
        ("JusticeForDanielExample", "person"),
        ("justiceforexample", "person"),
        ("RIPExample", "person"),
        ("Daniel", "person"),
        ("FreeDaniel", "person"),
        ("freedanielnow", "person"),
        ("Extinction Rebellion", "group"),
        ("#ExtinctionRebellion", "group"),
        ("extinctionrebellion", "group"),
        ("police AND blm", "group"),
        ("Just Stop Oil arrests", "group"),
        ("Just Stop 0il", "group"),
        ("Ｅxtinction Rebellion", "group"),
        ("extinction_rebellion", "group"),
        ("B L A C K lives matter", "group"),
    ],
)
def test_accounts_persons_and_groups_are_refused_with_the_reason(
    term: str, said: str, linter: Linter
) -> None:
    found = linter.why_not(term)
    assert found is not None
    assert said in found


def test_hardly_a_place_of_our_gazetteer_is_taken_for_a_person(linter: Linter) -> None:
    places = [
        line.split(",")[0]
        for name in ("areas", "boroughs", "stations", "streets")
        for line in (CONFIG / "gazetteer" / f"{name}.csv").read_text(encoding="utf-8").splitlines()[1:]
    ]
    refused = [place for place in places if linter.why_not(f"{place} police")]
    assert len(refused) / len(places) < 0.002


def test_a_place_of_one_word_is_no_person(linter: Linter) -> None:
    names = ("areas", "boroughs", "stations")
    lines = [
        line
        for name in names
        for line in (CONFIG / "gazetteer" / f"{name}.csv").read_text("utf-8").splitlines()
    ]
    places = {line.split(",")[0] for line in lines[1:]}
    assert [place for place in places if " " not in place and linter.why_not(place)] == []


def test_a_wrong_list_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "refused_terms.toml"
    for text in ("group = []", "groups = 'x'", "groups = [1]", "groups = ["):
        path.write_text(text)
        with pytest.raises(LintError, match="refused_terms"):
            Linter.of([path])


def test_every_term_we_ship_passes_and_has_owner_reason_and_expiry(linter: Linter) -> None:
    watches = read_sources(CONFIG / "sources.toml", linter)
    terms = [watch for watch in watches if watch.tag or watch.term]
    assert terms
    for watch in terms:
        assert watch.owner
        assert watch.reason
        assert watch.expires


def test_what_we_ship_switched_on_is_on_by_its_kind() -> None:
    assert all(kind_of(watch.kind).on for watch in read_sources(CONFIG / "sources.toml") if watch.enabled)


def test_a_refused_term_names_file_source_and_reason(tmp_path: Path, linter: Linter) -> None:
    path = tmp_path / "sources.toml"
    path.write_text(TAGGED.replace("metpolice", "blacklivesmatter"))
    with pytest.raises(CatalogueError, match=r"sources.toml: source 'social': key tag: .*group"):
        read_sources(path, linter)


@pytest.mark.parametrize("missing", ["owner", "reason", "expires"])
def test_a_term_that_is_half_answered_for_is_refused(missing: str, tmp_path: Path) -> None:
    path = tmp_path / "sources.toml"
    path.write_text("\n".join(line for line in TAGGED.splitlines() if not line.startswith(missing)))
    with pytest.raises(CatalogueError, match=missing):
        read_sources(path)


def test_an_expired_term_is_not_looked_for_and_says_so(session: Session, tmp_path: Path) -> None:
    path = tmp_path / "sources.toml"
    path.write_text(TAGGED)
    sync_sources(session, read_sources(path), now=NOON)
    session.commit()
    after = NOON + timedelta(days=6)
    assert due(session, now=NOON, limit=9) == ["social"]
    assert due(session, now=after, limit=9) == []
    assert claim(session, "social", now=after, lasts=LASTS, even_early=True) is None
    row = session.get_one(SourceRow, "social")
    assert state_of(row, after) is State.STOPPED
    assert row.stops_because == "'metpolice' expired on 2026-07-20; Duty team answers for it"


@pytest.mark.parametrize("kind", [kind for kind in kinds() if kind_of(kind).needs is Needs.AGREEMENT])
def test_a_kind_that_needs_an_agreement_stops_without_one_and_when_it_lapses(
    kind: str, tmp_path: Path
) -> None:
    none = agreement_stop(kind, [])
    assert none is not None
    assert none.at < NOON
    assert "no agreement" in none.because
    path = tmp_path / "agreements.toml"
    path.write_text(AGREED.replace('"x"', f'"{kind}"'))
    lasting = agreement_stop(kind, read_agreements(path))
    assert lasting is not None
    assert lasting.at > NOON
    assert "2027-03-01" in lasting.because


def test_a_running_source_stops_at_the_moment_its_agreement_lapses(session: Session, tmp_path: Path) -> None:
    sources, agreed = tmp_path / "sources.toml", tmp_path / "agreements.toml"
    searched = TAGGED.replace('"mastodon"', '"reddit"').replace(
        'tag = "metpolice"', 'term = "stop and search"'
    )
    sources.write_text(searched.replace("2026-07-20", "2028-07-20"))
    agreed.write_text(AGREED.replace('"x"', '"reddit"'))
    lapses = datetime(2027, 3, 1, tzinfo=UTC)
    sync_sources(session, read_sources(sources), agreements=read_agreements(agreed), now=NOON)
    session.commit()
    before = lapses - timedelta(seconds=1)
    assert due(session, now=before, limit=9) == ["social"]
    assert due(session, now=lapses, limit=9) == []
    assert claim(session, "social", now=lapses, lasts=LASTS, even_early=True) is None
    row = session.get_one(SourceRow, "social")
    assert state_of(row, lapses) is State.STOPPED
    assert row.stops_because == "the agreement for reddit was to be reviewed on 2027-03-01"
    assert claim(session, "social", now=before, lasts=LASTS) is not None
    sync_sources(session, read_sources(sources), agreements=[], now=before)
    session.commit()
    session.expire_all()
    assert (
        session.get_one(SourceRow, "social").stops_because
        == "no agreement for reddit is recorded in agreements.toml"
    )


def test_a_kind_that_needs_no_agreement_never_stops() -> None:
    assert agreement_stop("feed", []) is None


def test_our_own_agreements_file_is_sound() -> None:
    assert read_agreements(CONFIG / "agreements.toml") == []


@pytest.mark.parametrize(
    ("was", "becomes", "said"),
    [
        ('"x"', '"feed"', "no kind that needs an agreement"),
        ("2027-03-01", "2029-03-01", "400 days"),
        ("2027-03-01", "2026-03-01", "400 days"),
        ('who = "Head of Digital"', "", "who"),
        ("purpose", "porpoise", "porpoise|purpose"),
        ("[[agreement]]", "[[agreements]]", "only"),
    ],
)
def test_a_wrong_agreement_is_refused(was: str, becomes: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "agreements.toml"
    path.write_text(AGREED.replace(was, becomes, 1))
    with pytest.raises(AgreementError, match=said):
        read_agreements(path)
