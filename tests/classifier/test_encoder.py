"""The encoder's reading of a text: its word pieces, its spelling, and which texts it reads at all."""

from collections.abc import Sequence

import numpy as np
import pytest
import spacy
from spacy.tokens import Doc

from classifier.encoder import ENCODED, LEFT, SKIMMED, Encoder, spelled_out
from classifier.network import Network
from classifier.wordpiece import WordPieces

PIECES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "police", "stop", "##ped", "##s", "cafe", "!", "a"]


def numbers(text: str, longest: int = 16) -> list[str]:
    return [PIECES[each] for each in WordPieces(PIECES).numbers(text, longest)]


def test_words_fall_into_the_longest_known_pieces() -> None:
    assert numbers("Police stopped") == ["[CLS]", "police", "stop", "##ped", "[SEP]"]


def test_accents_and_case_do_not_matter_and_signs_stand_alone() -> None:
    assert numbers("CAFÉ!police") == ["[CLS]", "cafe", "!", "police", "[SEP]"]


def test_a_word_without_pieces_is_unknown() -> None:
    assert numbers("zebra 🚓") == ["[CLS]", "[UNK]", "[UNK]", "[SEP]"]


def test_a_long_text_is_cut_and_still_ends() -> None:
    cut = numbers("police " * 50, longest=6)
    assert len(cut) == 6
    assert cut[-1] == "[SEP]"


def test_links_accounts_and_emoji_are_spelled_out() -> None:
    assert spelled_out("@someone see https://x.example/1 🚓🚓") == "@user see http  police car "


class Counting(Network):
    """Answers every text with one logit, and counts the texts it ran."""

    def __init__(self, logit: float = 0.0) -> None:
        self._read, self.logit, self.runs = {}, logit, 0
        self._remembered = 100

    def _run(self, ids: np.ndarray) -> np.ndarray:
        assert ids[0, 0] == PIECES.index("[CLS]")
        self.runs += 1
        return np.full(1, self.logit, np.float32)


def made(*, settle: Sequence[float] = (), small: Network | None = None) -> Encoder:
    reader = Encoder(spacy.blank("en"), "encoder", label="incident_any", worth=-2.0, settle=list(settle))
    reader.labels, reader._longest, reader._pieces = ("incident_any",), 16, WordPieces(PIECES)
    reader._whole, reader._small = Counting(), small
    return reader


@pytest.fixture
def reader() -> Encoder:
    return made()


def docs(*logits: float) -> list[Doc]:
    nlp = spacy.blank("en")
    found = []
    for number, logit in enumerate(logits):
        doc = nlp.make_doc("police " * number)
        doc.cats = {"incident_any": logit}
        found.append(doc)
    return found


def read_by(name: str, read: Sequence[Doc]) -> list[int]:
    return [number for number, doc in enumerate(read) if name in doc.user_data]


def test_what_the_gate_rules_out_is_not_read_again(reader: Encoder) -> None:
    assert read_by(ENCODED, list(reader.pipe(docs(-5.0, 1.0, -1.9)))) == [1, 2]


def test_within_a_share_the_likeliest_are_read_and_the_others_are_marked(reader: Encoder) -> None:
    reader.share = 0.5
    read = list(reader.pipe(docs(0.0, 3.0, 1.0, 2.0, -9.0)))
    assert read_by(ENCODED, read) == [1, 2, 3]
    assert read_by(LEFT, read) == [0]


def test_texts_keep_their_order(reader: Encoder) -> None:
    given = docs(0.0, 3.0, -9.0)
    assert [doc.text for doc in reader.pipe(given)] == [doc.text for doc in given]


def test_what_the_skimmer_settles_is_not_read_by_the_encoder() -> None:
    small = Counting(-4.0)
    reader = made(settle=(1.0, 1.0, 0.0, -3.0), small=small)
    read = list(reader.pipe(docs(-5.0, 0.5, 2.0)))
    assert read_by(SKIMMED, read) == [1, 2], "what passes the gate"
    assert read_by(ENCODED, read) == [2]
    assert not read_by(LEFT, read), "a settled text was not left in a hurry"


def test_in_a_flood_the_skimmer_reads_all_that_passes_the_gate() -> None:
    reader = made(settle=(1.0, 1.0, 0.0, -3.0), small=Counting(0.0))
    reader.share = 0.0
    read = list(reader.pipe(docs(-5.0, 0.5, 2.0)))
    assert (read_by(SKIMMED, read), read_by(ENCODED, read), read_by(LEFT, read)) == ([1, 2], [], [1, 2])


def test_a_text_read_before_is_not_read_again_whatever_its_links(reader: Encoder) -> None:
    reader.score(["police stop https://a.example", "police stopped", "Police stop https://b.example"])
    assert reader._whole.runs == 2  # type: ignore[attr-defined]
