"""What a proofreader reads, what it is taught by, and what it said while it had not been taught."""

from pathlib import Path

import numpy as np
import pytest

from classifier.proofread import KINDS, key_of
from config.settings import read_settings
from config.teaching import KEPT, rows_to_read
from config.wording import proof_of
from tests.make import NOON
from tests.triage.checker.drafts import CHECKER, FACTS, facts_of
from triage.checking_context import Context
from triage.checking_proof import KIND_OF, Kept, Lesson, proofs, read_beside, rows_of
from triage.checking_sense import Floats, SenseError

KNOWN = Context(now=NOON, facts=facts_of(FACTS), home=("Southwark",))
END = " We understand the concern. Our next update is at 21:00."


def likeliest(sentence: str, beside: str) -> str:
    return KINDS[int(proof_of(read_settings())(sentence, beside).argmax())]


def test_what_is_known_of_a_case_is_read_in_words_earlier_lines_and_what_is_claimed_first() -> None:
    facts = facts_of({**FACTS, "claim_checked": "nobody was hurt"})
    context = KNOWN._replace(facts=facts, active_proceedings=True, earlier=("It was at 18:30",))
    said = read_beside(context, first=True)
    assert said.startswith(
        "first sentence; proceedings are active. said earlier: It was at 18:30. claim checked: nobody was hurt. "
        "place: Rye Lane, Peckham. "
    )
    assert "21:00" not in said, "the next update is held against the one entered by a rule of its own"


def test_a_fact_that_nobody_verified_is_not_read() -> None:
    (fact,) = facts_of({"outcome": "released"})
    assert read_beside(Context(facts=(fact._replace(verified_by=None),)), first=False) == ""


def test_a_sentence_is_read_beside_its_case() -> None:
    arrested = read_beside(
        KNOWN._replace(facts=facts_of({**FACTS, "outcome": "a man was arrested"})), first=False
    )
    assert likeliest("A man was arrested.", arrested) == "none"
    assert likeliest("He lashed out first.", arrested) == "blame"
    assert likeliest("He has twelve previous convictions.", arrested) == "previous"


def test_every_sentence_of_a_draft_is_read_the_first_as_the_first() -> None:
    read: list[tuple[str, str]] = []

    def proof(sentence: str, beside: str) -> Floats:
        read.append((sentence, beside))
        return np.zeros(len(KINDS), np.float32)

    proofs("One thing. Another.\n\nA third.", Context(), proof)
    assert read == [("One thing.", "first sentence"), ("Another.", ""), ("A third.", "")]


def test_a_likely_fault_that_no_rule_knows_is_told_by_its_kind() -> None:
    said = "He is the one behind the counter at the cobbler's by the station, as half of you have worked out."
    found = [each for each in CHECKER.check(said + END, KNOWN) if each.start < len(said) and each.end]
    assert any(each.blocks for each in found)
    assert {each.rule for each in found} & {"name", "personal", "person"}


def test_proofreaders_are_taught_by_drafts_and_by_examples() -> None:
    draft = Lesson("He ran off. We know.", KNOWN, "blame_motive_sequence", "He ran off.")
    late = Lesson("We care. More when we can.", KNOWN, "no_next_update", "More when we can.")
    examples = {"safe": ("We see.",), "states": ("A man fell.",), "bwv": ("The video shows it.",)}
    rows = list(rows_of({"ann": [draft, late]}, examples))
    assert [(row.writer, row.sentence, row.kind) for row in rows] == [
        ("ann", "He ran off.", "blame"),
        ("ann", "We know.", "none"),
        ("ann", "We care.", "none"),
        ("", "We see.", "none"),
        ("", "A man fell.", "unverified"),
        ("", "The video shows it.", "bwv"),
    ]
    assert rows[-1].without == "body-worn video was viewed", "with a viewing logged it is no fault"


def test_every_fault_and_act_there_is_has_a_kind() -> None:
    assert {row.kind for row in rows_to_read(read_settings())} == set(KINDS)
    assert set(KIND_OF.values()) | {"none"} == set(KINDS)


def test_what_was_said_before_a_writer_taught_is_kept_and_else_asked_for(tmp_path: Path) -> None:
    for number, sentence in enumerate(("One.", "Two.")):
        np.savez(
            tmp_path / f"half{number}.npz",
            keys=np.array([key_of(sentence, "a case")], np.uint64),
            said=np.full((1, 2), number, np.float16),
        )
    kept = Kept.read(sorted(tmp_path.iterdir()))
    said = kept.before(lambda _sentence, _beside: np.full(2, 9, np.float32))
    assert [float(said(*each)[0]) for each in (("One.", "a case"), ("Two.", "a case"), ("Two.", ""))] == [
        0,
        1,
        9,
    ]


def test_sentences_of_drafts_were_read_before_they_taught() -> None:
    """All but those of drafts that have been added since, to which the proofreader is new too."""
    known = {int(key) for key in Kept.read(read_settings().files(KEPT)).keys}
    rows = [(row.sentence, row.beside) for row in rows_to_read(read_settings()) if row.beside is not None]
    assert sum(key_of(*each) in known for each in rows) > 0.6 * len(rows)


def test_what_was_said_is_named_when_it_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "half0.npz").write_bytes(b"no")
    with pytest.raises(SenseError, match="what proofreaders said"):
        Kept.read([tmp_path / "half0.npz"])
