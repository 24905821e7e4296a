"""What the checker of statements learns from the examples and drafts that staff wrote, and where that is kept."""

from collections.abc import Iterator
from pathlib import Path

from config.drafts import read_lessons
from config.settings import HERE, Settings
from config.wording import (
    DRAFTS,
    HEARD,
    TRUST,
    checker_of,
    directions,
    examples_of,
    known_of,
    proof_of,
    trust_seal,
)
from triage.checking_learnt import HeldOut, held_out, learn, learn_trust, remembering
from triage.checking_proof import Kept, Lesson, Row, rows_of

KEPT = "statements/proofread/half*.npz"


def learn_heard(settings: Settings) -> tuple[Path, int]:
    """Weigh the examples anew: the file of their weights, beside the files staff edit where there are any, and how
    many examples there are."""
    path = (settings.config or HERE) / HEARD
    path.parent.mkdir(parents=True, exist_ok=True)
    return path, learn(examples_of(settings), directions, known_of(settings), path)


def learn_trusted(settings: Settings) -> tuple[Path, int]:
    """Learn from whole drafts how far rules are believed: the file that has it, and from how many sentences."""
    path = (settings.config or HERE) / TRUST
    path.parent.mkdir(parents=True, exist_ok=True)
    heard, known = examples_of(settings), known_of(settings)
    meaning = remembering(directions)
    checker = checker_of(settings, trusted=False)
    proof = Kept.read(settings.files(KEPT)).before(proof_of(settings))
    seal = trust_seal(settings)
    return path, learn_trust(checker, heard, _sets(settings), meaning, known, proof, path, seal=seal)


def rows_to_read(settings: Settings) -> Iterator[Row]:
    """What a proofreader learns from."""
    return rows_of(_sets(settings), examples_of(settings))


def _sets(settings: Settings) -> dict[str, list[Lesson]]:
    return {each.stem: read_lessons(each) for each in settings.files(DRAFTS)}


def held_out_of(settings: Settings) -> Iterator[HeldOut]:
    """How well each act is heard that no example of its topic taught."""
    return held_out(examples_of(settings), directions, known_of(settings))
