"""How far rules are believed: learnt from whole drafts, and heeded sentence by sentence."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from classifier.proofread import KINDS
from config.cli import Complaint
from config.commands.stating import app
from config.drafts import read_lessons
from config.settings import read_settings
from config.wording import DRAFTS, TRUST, checker_of, unlearnt
from tests.make import NOON
from tests.triage.checker.drafts import CHECKER, FACTS, facts_of
from triage.checking import COMPARED
from triage.checking_context import Context, Finding
from triage.checking_growing import grown
from triage.checking_learnt import learn_trust, remembering
from triage.checking_names import Known
from triage.checking_proof import Lesson
from triage.checking_rules import Lists
from triage.checking_sense import SenseError
from triage.checking_trees import Floats
from triage.checking_trust import Told, Trust

KNOWN = Context(now=NOON, facts=facts_of(FACTS), home=("Southwark",))
END = " We understand the concern. Our next update is at 21:00."


def test_trees_learn_what_one_question_cannot_tell() -> None:
    rows = np.random.default_rng(7).random((800, 3)).astype(np.float32)
    wrong = (rows[:, 0] > 0.5) & (rows[:, 2] < 0.5)
    likely = grown(rows, wrong).likely(rows)
    assert ((likely > 0.5) == wrong).mean() > 0.95
    assert 0 <= likely.min() < likely.max() <= 1


def test_trees_pass_over_columns_that_are_all_alike() -> None:
    rows = np.zeros((40, 2), np.float32)
    rows[20:, 1] = 1
    likely = grown(rows, rows[:, 1] > 0).likely(rows)
    assert likely[:20].max() < 0.2 < 0.8 < likely[20:].min()


@pytest.mark.parametrize(
    "said",
    [
        "Section 1 lets an officer search somebody where there are reasonable grounds to suspect they carry a weapon.",
        "We understand that many people think it was heavy-handed.",
    ],
)
def test_words_of_a_rule_do_not_stop_a_sentence_that_means_no_harm(said: str) -> None:
    facts = facts_of(
        {**FACTS, "outcome": "a man aged 34 was arrested on suspicion of affray and is in custody"}
    )
    alone = checker_of(read_settings(), trusted=False).check(said + END, KNOWN._replace(facts=facts))
    assert any(each.blocks for each in alone)
    assert not any(each.blocks for each in CHECKER.check(said + END, KNOWN._replace(facts=facts)))


@pytest.mark.parametrize(("share", "told"), [(0.01, False), (0.05, True)])
def test_a_warning_where_hardly_any_fault_is_likely_is_not_told(share: float, *, told: bool) -> None:
    rule = next(each for each in CHECKER.checks.check if each.kind == "stated")
    text = "A man was taken to hospital."
    warning = Finding(rule.name, False, 0, len(text), text, rule.why, rule.source)
    for finding, kept in ((warning, told), (warning._replace(blocks=True), True)):
        found = CHECKER.believed([(rule, finding)], [Told(0, len(text), "medical")], [share], text, KNOWN)
        assert bool(list(found)) is kept


@pytest.mark.parametrize(("share", "stops"), [(0.01, False), (0.3, True)])
@pytest.mark.parametrize("kind", COMPARED)
def test_what_reads_otherwise_than_it_should_is_always_told_and_stops_where_a_fault_is_likely(
    kind: str, share: float, *, stops: bool
) -> None:
    rule = next(each for each in CHECKER.checks.check if each.kind == kind and each.blocks)
    text = "Three were held in Rye Lane."
    finding = Finding(rule.name, True, 0, len(text), text, rule.why, rule.source)
    here = [Told(0, len(text), "unverified")]
    ((_, told),) = CHECKER.believed([(rule, finding)], here, [share], text, KNOWN)
    assert told == finding._replace(blocks=stops)


def test_trust_is_learnt_from_drafts_with_what_is_new_to_them(tmp_path: Path) -> None:
    lessons = [
        Lesson("He ran off at once. We know.", KNOWN, "blame", "He ran off at once."),
        Lesson("We are looking into it. We know.", KNOWN, "", ""),
    ] * 4
    read: list[str] = []

    def by_length(texts: Sequence[str]) -> Floats:
        read.extend(texts)
        return np.array([[1, len(each), each.count("e")] for each in texts], np.float32) / np.float32(99)

    def says_nothing(sentences: Sequence[str], _beside: str) -> Floats:
        return np.zeros((len(sentences), len(KINDS)), np.float32)

    examples = {
        "safe": ("We know that.", "We will say more."),
        "blame": ("He hit out.", "She ran away from us."),
    }
    path = tmp_path / "trust.npz"
    known = Known(Lists(), (), ())
    meaning = remembering(by_length)
    number = learn_trust(CHECKER, examples, {"one": lessons}, meaning, known, says_nothing, path, seal="s")
    assert number == 16
    assert len(read) == len(set(read)), "each text is read once"
    trust = Trust.read(path)
    assert "pattern:promise" in trust.rules
    assert "pattern:jargon" not in trust.rules


def test_a_file_that_is_no_trust_is_refused_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(SenseError, match="statements learn"):
        Trust.read(tmp_path / "trust.npz")


def test_trust_is_of_the_drafts_and_examples_there_are() -> None:
    settings = read_settings()
    assert Trust.read(settings.file(TRUST)).rules
    assert unlearnt(settings) == []
    faults = [each for path in settings.files(DRAFTS) for each in read_lessons(path) if each.fault]
    assert len(faults) > 700
    assert all(each.planted in each.text for each in faults)


def test_a_draft_whose_planted_words_are_not_in_it_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "drafts.jsonl"
    file.write_text('{"text": "We know.", "fault": "blame", "planted": "He ran."}\n')
    result = CliRunner().invoke(app, ["statements", "measure", str(file)])
    assert "not in its text" in str(result.exception)


def test_a_draft_of_a_fault_that_nobody_knows_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "drafts.jsonl"
    file.write_text('{"id": 7, "text": "We know.", "fault": "blaming", "planted": "We"}\n')
    with pytest.raises(Complaint, match="draft 7: fault 'blaming' is none of active_proceedings_evidence"):
        read_lessons(file)
