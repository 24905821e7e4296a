"""The shipped model: the contract of `goldenhour assess`, and that nothing makes it fall over."""

import json
from pathlib import Path

import msgspec
import pytest

from classifier.model import Model, ModelError
from tests.classifier.reader import GAZETTEER, LEXICONS, model

FIELDS = {
    "incident",
    "incident_any",
    "type",
    "types",
    "severity",
    "urgent",
    "labels",
    "claim",
    "unverified",
    "places",
    "force",
    "signals",
    "abstain",
    "model",
}
REPORT = (
    "Just saw four officers tackle a boy off his bike on Rye Lane, Peckham and taser him, he's unconscious"
)


def test_an_assessment_has_every_field_of_the_contract() -> None:
    [assessed] = model().assess([REPORT])
    written = json.loads(msgspec.json.encode(assessed))
    assert set(written) == FIELDS
    assert written["model"] == model().version
    assert {"text", "start", "end", "name", "borough", "bcu", "lat", "lon", "p"} <= set(written["places"][0])
    assert {"name", "score", "start", "end", "because"} == set(written["signals"][0])


def test_a_report_of_force_is_told_from_small_talk() -> None:
    report, talk = model().assess(
        [REPORT, "Lovely day at the Met Gala exhibition, the fashion police approve"]
    )
    assert report.incident > 0.8
    assert report.severity > 0.7
    assert report.force == "met"
    assert talk.incident_any < 0.2
    assert talk.severity == 0


def test_the_nine_types_add_up_to_the_probabilities_above_them() -> None:
    for assessed in model().assess([REPORT, "nothing here", "Man arrested in Leeds"]):
        assert len(assessed.types) == 9
        assert sum(assessed.types.values()) == pytest.approx(1, abs=0.01)
        core = ("death_or_firearms", "use_of_force", "pursuit_collision", "stop_search")
        assert sum(assessed.types[name] for name in core) == pytest.approx(assessed.incident, abs=0.01)
        assert assessed.incident_any >= assessed.incident


def test_handcuffs_alone_do_not_raise_severity() -> None:
    [assessed] = model().assess(["Police put a man in handcuffs outside the shop in Ilford"])
    assert assessed.severity == 0


def test_a_death_after_police_contact_is_critical_whatever_the_score() -> None:
    [assessed] = model().assess(["Man died in police custody in Lewisham last night"])
    assert assessed.severity >= 0.9
    assert any(signal.name == "trigger" for signal in assessed.signals)


def test_order_and_company_do_not_change_an_assessment() -> None:
    texts = [REPORT, "", "Police in Hackney", "hello", REPORT.lower()]
    together = model().assess(texts)
    assert [model().assess([text])[0] for text in texts] == together


def test_offsets_lie_in_the_given_text() -> None:
    texts = [
        "🚨🚨 Pоlice tаsered him in Brixton 😂😂",
        "p o l i c e in Deptford",
        "İstanbul İ police in Peckham",
    ]
    for text, assessed in zip(texts, model().assess(texts), strict=True):
        spans = [(each.start, each.end) for each in assessed.signals]
        spans += [(each.start, each.end) for each in assessed.places]
        assert all(0 <= start <= end <= len(text) for start, end in spans)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "\x00",
        "\ud800\udfff\ud83d",
        "😂" * 5_000,
        "police " * 150_000,
        "a" * 1_000_000,
        "?!" * 5_000,
        "'s" * 5_000,
        "p.o." * 5_000,
        "\u202e" * 5_000,
        "Ã©" * 5_000,
        "аp" * 5_000,
        "ﷺ" * 5_000,
        "İ" * 5_000,
    ],
    ids=lambda text: ascii(text[:6]),
)
def test_no_text_makes_it_fail(text: str) -> None:
    [assessed] = model().assess([text])
    msgspec.json.encode(assessed)


def test_naughty_strings_are_assessed_like_any_other(shared: Path) -> None:
    naughty = json.loads((shared / "corpora" / "blns" / "blns.json").read_text(encoding="utf-8"))
    written = msgspec.json.encode(model().assess(naughty))
    assert b"\\u0000" not in written


def test_a_text_cut_for_length_says_so() -> None:
    [assessed] = model().assess(["word " * 5_000])
    assert [signal.name for signal in assessed.signals] == ["cut"]


def test_a_language_that_is_not_assessed_says_so_and_abstains() -> None:
    [assessed] = model().assess(["Поліція затримала чоловіка біля станції"])
    assert assessed.abstain
    assert "language_not_assessed" in assessed.labels


def test_a_folder_without_a_model_is_refused_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="goldenhour train"):
        Model.load(tmp_path, gazetteer_files=GAZETTEER, lexicon_files=LEXICONS)
