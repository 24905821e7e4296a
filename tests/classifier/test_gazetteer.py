"""Places: found where they are named, resolved to borough and unit, and not where the word means another thing."""

from pathlib import Path

import pytest

from classifier.gazetteer import GazetteerError, Place, read_gazetteer
from tests.classifier.reader import CONFIG, GAZETTEER, gazetteer, reading


def places(text: str) -> list[Place]:
    return gazetteer().find(reading(text))


def boroughs(text: str) -> list[str | None]:
    return [place.borough for place in places(text)]


@pytest.mark.parametrize(
    ("text", "borough", "bcu"),
    [
        ("Police stopped a man in Peckham", "Southwark", "Central South"),
        ("feds on rye lane peckham rn", "Southwark", "Central South"),
        ("outside Brixton station just now", "Lambeth", "Central South"),
        ("two vans by the Narrow Way, Hackney", "Hackney", "Central East"),
        ("armed police on Tottenham High Road", "Haringey", "North Area"),
        ("man held on Uxbridge Road, Shepherd's Bush", "Hammersmith and Fulham", "Central West"),
        ("all over SE15 tonight", "Southwark", "Central South"),
        ("cordon in Barking near the station", "Barking and Dagenham", "East Area"),
        ("#Croydon police everywhere", "Croydon", "South Area"),
        ("officers in Bank this morning", "City of London", None),
    ],
)
def test_a_named_place_leads_to_its_borough_and_unit(text: str, borough: str, bcu: str | None) -> None:
    found = [place for place in places(text) if place.borough]
    assert found
    best = max(found, key=lambda place: place.p)
    assert (best.borough, best.bcu) == (borough, bcu)


@pytest.mark.parametrize(
    "text",
    [
        "barking mad if you ask me",
        "PC Sutton and Mr Barnet spoke to us",
        "he took a bow and left the bank",
        "an angel on the wall",
        "the river ham was tasty",
    ],
)
def test_a_word_that_is_no_place_is_none(text: str) -> None:
    assert not places(text)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("shooting in Kensington, Philadelphia", "Kensington"),
        ("Camden, New Jersey officers filmed", "Camden"),
        ("police in Richmond, North Yorkshire", "Richmond"),
        ("Stratford upon Avon police", "Stratford upon Avon"),
    ],
)
def test_a_namesake_elsewhere_has_no_borough(text: str, name: str) -> None:
    [found] = [place for place in places(text) if place.name == name]
    assert found.borough is None
    assert found.elsewhere in ("other_uk", "overseas")


def test_a_name_in_several_boroughs_follows_the_other_places() -> None:
    assert boroughs("police in Crystal Palace, Croydon way")[0] == "Croydon"
    assert boroughs("police in Crystal Palace, Bromley way")[0] == "Bromley"


def test_spans_are_those_of_the_original() -> None:
    text = "Pоlice 🚨🚨 in Deptford now"
    [place] = places(text)
    assert text[place.start : place.end] == "Deptford"


def test_every_borough_has_a_unit_but_the_city() -> None:
    units = gazetteer().bcus
    assert len(units) == 33
    assert [borough for borough, unit in units.items() if not unit] == ["City of London"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("name,kind,borough,lat,lon,share,care\nX,area,Atlantis,51,0,1,\n", "Atlantis"),
        ("name,kind,borough,lat,lon,share,care\nX,moon,Camden,51,0,1,\n", "line 2: kind"),
        ("name,kind,borough,lat,lon,share,care\nX,area,Camden,north,0,1,\n", "line 2"),
        ("name,kind\nX,area\n", "line 2"),
    ],
)
def test_a_wrong_file_is_refused_with_its_reason(tmp_path: Path, content: str, reason: str) -> None:
    path = tmp_path / "areas.csv"
    path.write_text(content, encoding="utf-8")
    boroughs_file = next(each for each in GAZETTEER if each.name == "boroughs.csv")
    with pytest.raises(GazetteerError, match=reason):
        read_gazetteer([boroughs_file, path])


def test_the_files_shipped_name_their_licences() -> None:
    noted = (CONFIG / "gazetteer" / "README.md").read_text(encoding="utf-8")
    for path in GAZETTEER:
        assert path.name in noted


def test_a_slip_in_a_name_still_leads_to_its_borough() -> None:
    for written, borough in (("feds all over enfeild", "Enfield"), ("stopped in Tottnham", "Haringey")):
        [place] = gazetteer().find(reading(written))
        assert place.borough == borough
