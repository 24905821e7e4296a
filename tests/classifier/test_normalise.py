"""The working copy: undone disguises, untouched languages, offsets that lead back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifier.normalise import LONGEST, normalise


@pytest.mark.parametrize(
    ("disguised", "plain"),
    [
        ("Pоlice tasеred a man", "Police tasered a man"),
        ("p o l i c e brutality", "police brutality"),
        ("P0l1ce beat him", "Police beat him"),
        ("the c*ps and f*ds", "the cops and feds"),
        ("ｐｏｌｉｃｅ 𝐩𝐨𝐥𝐢𝐜𝐞", "police police"),
        ("pol\u200bice po\u00adlice", "police police"),
        ("\u202eecilop\u202c here", "police here"),
        ("poliiiiice", "police"),
        ("donâ€™t", "don’t"),
        ("a\ud800b\x00c", "a\ufffdb c"),
    ],
)
def test_a_disguise_is_undone(disguised: str, plain: str) -> None:
    assert normalise(disguised).text == plain


@pytest.mark.parametrize(
    "genuine",
    [
        "Mae'r heddlu wedi arestio dyn ger yr afon, ŵyr neb pam; tŷ bach twt",
        "Zażółć gęślą jaźń, policja zatrzymała chłopaka pod sklepem",
        "پولیس نے لڑکے کو سڑک پر روکا، میں نے خود دیکھا",
        "الشرطة أوقفت الشاب أمام المحطة",
        "ਪੁਲਿਸ ਨੇ ਮੁੰਡੇ ਨੂੰ ਸ਼ਹਿਰ ਵਿੱਚ ਰੋਕਿਆ ਜ਼ੋਰ ਨਾਲ",
        "Поліція затримала хлопця біля станції, їй допомогли",
        "می‌خواهم بروم",
        "See you at 5pm by the B12, it was $100, row 3a, www.example.org",
    ],
)
def test_genuine_writing_comes_out_unchanged(genuine: str) -> None:
    assert normalise(genuine).text == genuine


@given(st.text(alphabet=st.characters(codec=None), max_size=300))
def test_doing_it_twice_changes_nothing_more_and_offsets_stay_in_the_text(text: str) -> None:
    once = normalise(text)
    assert normalise(once.text).text == once.text
    if once.offsets is not None:
        assert len(once.offsets) == len(once.text) + 1
        assert all(0 <= each <= len(text) for each in once.offsets)


@given(st.text(alphabet="pol1ceсo\u200b .*0\u202eé", max_size=60))
def test_disguises_mixed_at_random_settle_at_once(text: str) -> None:
    once = normalise(text)
    assert normalise(once.text).text == once.text


def test_a_span_covers_the_original_letters() -> None:
    working = normalise("the p.o.l.i.c.e came")
    start = working.text.index("police")
    assert "the p.o.l.i.c.e came"[slice(*working.span(start, start + 6))] == "p.o.l.i.c.e"


def test_a_long_text_is_cut() -> None:
    assert len(normalise("ab " * 10_000).text) == LONGEST


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("four 0ff1c3r5 k1ck3d the boy", "four officers kicked the boy"),
        ("they g r a b b e d a kid", "they grabbed a kid"),
        (
            "the plice arreste da lad outside the chicken shop",
            "the police arrested da lad outside the chicken shop",
        ),
        ("sgt shouted STPO and the boy was handcuffd", "sgt shouted STOP and the boy was handcuffed"),
    ],
)
def test_words_are_read_as_meant(written: str, meant: str) -> None:
    assert normalise(written).text == meant


@pytest.mark.parametrize(
    "slang",
    [
        "mandem got nicked by boydem outside Maccies innit, fam was livid",
        "policja zatrzymala chlopaka pod sklepem",
        "la policia detuvo al chico en la calle",
        "ring @polcie or see #staiton, www.polce.example",
        "at 10am, 1st floor, A40, 50s, M25, 4x4, covid19",
        "Staion Brodway",
    ],
)
def test_slang_names_and_other_languages_are_left_alone(slang: str) -> None:
    assert normalise(slang).text == slang


@given(st.text(alphabet="police arrestd1$ !@A", max_size=60))
def test_slips_settle_at_once_and_offsets_lead_back(text: str) -> None:
    once = normalise(text)
    assert normalise(once.text).text == once.text
    assert once.span(0, len(once.text))[1] <= len(text)
