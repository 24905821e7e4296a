"""The encoder's reading of a text: its word pieces, its spelling, and which texts it reads at all."""

import numpy as np
import pytest
import spacy
from spacy.tokens import Doc

from classifier.encoder import ENCODED, Encoder, spelled_out
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


class Counting(Encoder):
    """Reads nothing, remembers what it was given."""

    def score(self, texts):  # type: ignore[no-untyped-def]
        self.given = list(texts)
        return np.zeros((len(texts), 2), np.float32)


@pytest.fixture
def reader() -> Counting:
    return Counting(spacy.blank("en"), "encoder", label="incident_any", worth=-2.0)


def docs(*logits: float) -> list[Doc]:
    nlp = spacy.blank("en")
    made = []
    for number, logit in enumerate(logits):
        doc = nlp.make_doc(f"text {number}")
        doc.cats = {"incident_any": logit}
        made.append(doc)
    return made


def test_what_the_gate_rules_out_is_not_read_again(reader: Counting) -> None:
    read = list(reader.pipe(docs(-5.0, 1.0, -1.9)))
    assert reader.given == ["text 1", "text 2"]
    assert [ENCODED in doc.user_data for doc in read] == [False, True, True]


def test_within_a_share_the_likeliest_are_read(reader: Counting) -> None:
    reader.share = 0.5
    list(reader.pipe(docs(0.0, 3.0, 1.0, 2.0)))
    assert reader.given == ["text 1", "text 3"]


def test_texts_keep_their_order(reader: Counting) -> None:
    assert [doc.text for doc in reader.pipe(docs(0.0, 3.0, -9.0))] == ["text 0", "text 1", "text 2"]


class Tallying(Encoder):
    """Gives every run the number of runs so far."""

    runs = 0

    def _run(self, ids: np.ndarray) -> np.ndarray:
        assert ids[0, 0] == PIECES.index("[CLS]")
        self.runs += 1
        return np.full(len(self.labels), float(self.runs), np.float32)


def test_a_text_read_before_is_not_read_again_whatever_its_links() -> None:
    reader = Tallying(spacy.blank("en"), "encoder", label="incident_any", worth=-2.0)
    reader.labels, reader._longest, reader._pieces, reader._read = ("x",), 16, WordPieces(PIECES), {}
    texts = ["police stop https://a.example", "police stopped", "Police stop https://b.example"]
    assert reader.score(texts).ravel().tolist() == [1.0, 2.0, 1.0]
    assert reader.runs == 2
