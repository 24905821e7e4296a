"""What a proofreader reads, what it is taught by, and what it said while it had not been taught."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from classifier.proofread import APART, KINDS, stretches
from classifier.versions import SHIPPED
from classifier.wordpiece import WordPieces
from config.settings import read_settings
from config.teaching import KEPT, keep_said, new_to_it, rows_to_read
from config.wording import DRAFTS, promises_of, proof_of, taught_by
from tests.make import NOON
from tests.triage.checker.drafts import CHECKER, FACTS, facts_of
from triage.checking_context import Context
from triage.checking_proof import KIND_OF, Kept, Lesson, draft_read, proofs, read_beside, rows_of
from triage.checking_sense import Floats, SenseError

KNOWN = Context(now=NOON, facts=facts_of(FACTS), home=("Southwark",))
END = " We understand the concern. Our next update is at 21:00."


def likeliest(sentence: str, beside: str) -> str:
    return KINDS[int(proof_of(read_settings())([sentence], beside)[0].argmax())]


def silent(sentences: Sequence[str], _beside: str) -> Floats:
    return np.zeros((len(sentences), len(KINDS)), np.float32)


def test_what_is_known_of_a_case_is_read_in_words_earlier_lines_and_what_is_claimed_first() -> None:
    facts = facts_of({**FACTS, "claim_checked": "nobody was hurt"})
    context = KNOWN._replace(facts=facts, active_proceedings=True, earlier=("It was at 18:30",))
    said = read_beside(context)
    assert said.startswith(
        "proceedings are active. said earlier: It was at 18:30. claim checked: nobody was hurt. "
        "place: Rye Lane, Peckham. "
    )
    assert "21:00" not in said, "the next update is held against the one entered by a rule of its own"


def test_a_fact_that_nobody_verified_is_not_read() -> None:
    (fact,) = facts_of({"outcome": "released"})
    assert read_beside(Context(facts=(fact._replace(verified_by=None),))) == ""


def test_a_sentence_is_read_beside_its_case() -> None:
    arrested = read_beside(KNOWN._replace(facts=facts_of({**FACTS, "outcome": "a man was arrested"})))
    assert likeliest("A man was arrested in Rye Lane.", arrested) == "none"
    assert likeliest("He lashed out first.", arrested) == "blame"
    assert likeliest("He has twelve previous convictions.", arrested) == "previous"


def test_a_draft_is_read_whole_beside_its_case_as_its_words_set_it() -> None:
    read: list[tuple[Sequence[str], str]] = []

    def proof(sentences: Sequence[str], beside: str) -> Floats:
        read.append((sentences, beside))
        return silent(sentences, beside)

    said = Context(earlier=("Two were held.",))
    assert len(proofs("One thing. Another.\n\nA third.", Context(), proof)) == 3
    assert proofs("", Context(), proof) == []
    proofs("Correction: one was held.", said, proof)
    assert read == [
        (["One thing.", "Another.", "A third."], ""),
        ([], ""),
        (["Correction: one was held."], "this corrects an earlier line. said earlier: Two were held"),
    ]


def test_what_a_sentence_says_hangs_on_the_others_of_its_draft() -> None:
    proof = proof_of(read_settings())
    alone = proof(["It is not true."], "")[0]
    after = proof(["His mother says that he was pushed to the ground.", "It is not true."], "")[1]
    assert not np.allclose(alone, after)


def test_a_long_draft_is_read_in_stretches_of_whole_sentences() -> None:
    pieces = WordPieces.read(SHIPPED / "goldenhour_encoder" / "vocabulary.txt")
    said = [f"{number} officers walked along the road and back to the station again." for number in range(60)]
    found = list(stretches(pieces, said, "place: Rye Lane"))
    assert len(found) > 1
    assert sum(each.sentences for each in found) == len(said)
    for each in found:
        assert len(each.ids) == len(each.owners) == len(each.known) <= 512
        assert set(each.owners) - {APART} == set(range(each.sentences))
        assert all(own == APART for own, of_case in zip(each.owners, each.known, strict=True) if of_case)
    assert proof_of(read_settings())(said, "place: Rye Lane").shape == (60, len(KINDS))


def test_a_likely_fault_that_no_rule_knows_is_told_by_its_kind() -> None:
    said = "He is the one behind the counter at the cobbler's by the station, as half of you have worked out."
    found = [each for each in CHECKER.check(said + END, KNOWN) if each.start < len(said) and each.end]
    assert any(each.blocks for each in found)
    assert {each.rule for each in found} & {"name", "personal", "person"}


def test_proofreaders_are_taught_by_drafts_and_by_examples() -> None:
    draft = Lesson("He ran off. We know.", KNOWN, "blame_motive_sequence", "He ran off.")
    late = Lesson("We care. More when we can.", KNOWN, "no_next_update", "More when we can.")
    examples = {"safe": ("We see.",), "states": ("A man fell.",), "bwv": ("The video shows it.",)}
    last = Lesson("That is all.", KNOWN._replace(final=True), "", "")
    rows = list(rows_of({"ann": [draft, late, last]}, examples, lambda said: said == "We know."))
    assert [(row.writer, row.sentences, row.kinds, row.promises, row.updates) for row in rows] == [
        ("ann", ["He ran off.", "We know."], ["blame", "none"], [False, True], True),
        ("ann", ["We care.", "More when we can."], ["none", None], [False, False], False),
        ("ann", ["That is all."], ["none"], [False], None),
        ("", ["We see."], ["none"], [False], None),
        ("", ["A man fell."], ["unverified"], [False], None),
        ("", ["The video shows it."], ["bwv"], [False], None),
    ]
    assert rows[-1].without == "body-worn video was viewed", "with a viewing logged it is no fault"


@pytest.mark.parametrize(
    ("said", "promised"),
    [
        ("Look here again from half past four.", True),
        ("Whatever we know by then stands on this page on Friday at 10am.", True),
        ("The phone line is open until 11pm.", False),
        ("The cordon lifts at noon and the market opens at 2pm.", False),
        ("We shall speak when there is something to say.", False),
    ],
)
def test_a_draft_says_when_its_next_update_comes_or_some_other_time(said: str, *, promised: bool) -> None:
    text = (
        "A man was searched in Rye Lane, Peckham, at 18:40 on 14 July. We know that it worries people. "
        + said
    )
    assert (promises_of(read_settings())(*draft_read(text, KNOWN))[-1] > 0) == promised
    assert ("next_update" in {each.rule for each in CHECKER.check(text, KNOWN)}) is not promised
    asked = CHECKER.check("If asked: " + text, KNOWN)
    assert not any(each.blocks for each in asked if each.rule == "next_update")
    assert any(each.rule == "next_update" for each in asked) is not promised


def test_a_rumour_that_opens_a_draft_as_a_question_is_told() -> None:
    said = "Did officers really beat a boy to death in Rye Lane? They did not; nobody was hurt." + END
    facts = facts_of({**FACTS, "claim_checked": "that a boy was beaten to death: false, nobody was hurt"})
    found = CHECKER.check(said, KNOWN._replace(facts=facts))
    assert any(each.rule == "rumour_first" and each.start == 0 for each in found)


def test_an_empty_draft_promises_nothing() -> None:
    assert promises_of(read_settings())([], "").shape == (0,)
    assert any(each.rule == "next_update" and each.blocks for each in CHECKER.check("", KNOWN))


def test_every_fault_and_act_there_is_has_a_kind() -> None:
    kinds = {kind for row in rows_to_read(read_settings()) for kind in row.kinds}
    assert kinds - {None} == set(KINDS)
    assert set(KIND_OF.values()) | {"none"} == set(KINDS)


def test_what_was_said_before_a_writer_taught_is_kept_and_else_asked_for(tmp_path: Path) -> None:
    drafts = ([(["One.", "Two."], "a case")], [(["Three."], "a case"), ([], "")])
    for number, read in enumerate(drafts):
        Kept.of(read, lambda *each, by=number + 1: silent(*each) + by).write(tmp_path / f"said{number}.npz")
    kept = Kept.read(sorted(tmp_path.iterdir()))
    said = kept.before(lambda *each: silent(*each) + 9)
    assert [said(*each)[:, 0].tolist() for each in (*drafts[0], *drafts[1], (["One."], "a case"))] == [
        [1, 1],
        [2],
        [],
        [9],
    ]


def test_trust_is_learnt_of_drafts_that_were_new_to_the_proofreader() -> None:
    """At least of eight writers, and of nothing that had taught it unread."""
    settings = read_settings()
    kept = Kept.read(settings.files(KEPT))
    found, taught = new_to_it(settings, kept), taught_by(settings)
    assert len(found) >= 8
    assert sum(map(len, found.values())) > 1_500
    assert taught <= {path.stem for path in settings.files(DRAFTS)}
    for writer in taught & set(found):
        assert all(kept.holds(*draft_read(each.text, each.context)) for each in found[writer])


def test_what_it_says_of_new_drafts_is_kept_before_they_teach(tmp_path: Path) -> None:
    settings = read_settings().model_copy(update={"config": tmp_path})
    path = tmp_path / DRAFTS.replace("*", "newcomer")
    path.parent.mkdir(parents=True)
    path.write_text(
        json.dumps({"text": "We know of it. He hit out at them first.", "facts": {"place": "Rye Lane"}})
    )
    kept, number = keep_said(settings)
    assert (kept.parent, number) == (tmp_path / "statements" / "proofread", 1)
    assert keep_said(settings)[1] == 0
    said = Kept.read([kept]).before(silent)(
        ["We know of it.", "He hit out at them first."], "place: Rye Lane"
    )
    assert KINDS[int(said[1].argmax())] == "blame"
    assert "newcomer" in new_to_it(settings, Kept.read(settings.files(KEPT)))


def test_what_was_said_is_named_when_it_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "said0.npz").write_bytes(b"no")
    with pytest.raises(SenseError, match="what proofreaders said"):
        Kept.read([tmp_path / "said0.npz"])
