"""What the checker of statements learns from the examples and drafts that staff wrote, and where that is kept."""

from collections.abc import Iterator
from itertools import count
from pathlib import Path

from config.drafts import read_lessons
from config.settings import HERE, Settings
from config.wording import (
    DRAFTS,
    HEARD,
    TRUST,
    checker_of,
    checks_of,
    directions,
    examples_of,
    known_of,
    proof_of,
    taught_by,
    trust_seal,
)
from triage.checking_kinds import gives
from triage.checking_learnt import HeldOut, held_out, learn, learn_trust, remembering
from triage.checking_proof import Kept, Lesson, Row, draft_read, rows_of

NEXT_UPDATE = "next_update"
KEPT = "statements/proofread/*.npz"
SAID = "said{}.npz"


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
    kept = Kept.read(settings.files(KEPT))
    proof, seal = kept.before(proof_of(settings)), trust_seal(settings)
    return path, learn_trust(
        checker, heard, new_to_it(settings, kept), meaning, known, proof, path, seal=seal
    )


def new_to_it(settings: Settings, kept: Kept) -> dict[str, list[Lesson]]:
    """The drafts, by writer, that had not taught the proofreader when it read them: it was kept what it said of them,
    or their writer has not taught it yet. How far it is believed must be learnt from no others."""
    taught = taught_by(settings)
    found = {
        writer: [
            each
            for each in lessons
            if writer not in taught or kept.holds(*draft_read(each.text, each.context))
        ]
        for writer, lessons in _sets(settings).items()
    }
    return {writer: lessons for writer, lessons in found.items() if lessons}


def keep_said(settings: Settings) -> tuple[Path, int]:
    """Keep what the present proofreader says of drafts that have not taught it, before they teach the next one: the
    file, and of how many drafts. To those it is as new as to what people write."""
    files = settings.files(KEPT)
    taken, kept, taught = {each.name for each in files}, Kept.read(files), taught_by(settings)
    name = next(each for each in map(SAID.format, count()) if each not in taken)
    path = (settings.config or HERE) / KEPT.replace("*.npz", name)
    read = [
        draft_read(each.text, each.context)
        for writer, lessons in _sets(settings).items()
        if writer not in taught
        for each in lessons
    ]
    new = [each for each in read if not kept.holds(*each)]
    if new:
        path.parent.mkdir(parents=True, exist_ok=True)
        Kept.of(new, proof_of(settings)).write(path)
    return path, len(new)


def rows_to_read(settings: Settings) -> Iterator[Row]:
    """What a proofreader learns from."""
    rules = [
        each for each in checks_of(settings).check if each.kind == "missing" and each.fact == NEXT_UPDATE
    ]

    def promises(sentence: str) -> bool:
        excused = any(rule.excused and rule.excused.search(sentence) for rule in rules)
        return not excused and any(gives(rule, sentence) for rule in rules)

    return rows_of(_sets(settings), examples_of(settings), promises)


def _sets(settings: Settings) -> dict[str, list[Lesson]]:
    return {each.stem: read_lessons(each) for each in settings.files(DRAFTS)}


def held_out_of(settings: Settings) -> Iterator[HeldOut]:
    """How well each act is heard that no example of its topic taught."""
    return held_out(examples_of(settings), directions, known_of(settings))
