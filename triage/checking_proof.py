"""Proof: what a proofreader says of each sentence of a draft, which it reads whole, beside what is known of the case.

It is taught by drafts (`config/statements/drafts/*.jsonl`) and the examples of `config/statements/heard/*.toml`
(`goldenhour statements learn --rows`, then `classifier/training/proofread.py`). What an earlier one said of drafts
that had not taught it is kept (`learn --said`), so that how far it is believed (triage/checking_trust.py) is learnt
from what was new to it.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from classifier.proofread import KINDS, key_of
from triage.checking_context import Context
from triage.checking_facts import Fact
from triage.checking_form import read_as
from triage.checking_sense import HARMLESS, Floats, SenseError
from triage.checking_text import Span, sentences

# of the sentences of a draft, beside what is known: sentences x kinds, a logit for each, `none` first
Proof = Callable[[Sequence[str], str], Floats]
# of the same: a logit for each that it says when the next update comes
Promises = Callable[[Sequence[str], str], Floats]

FLAGS = {
    "active_proceedings": "proceedings are active",
    "child": "a child",
    "sexual_offence": "a sexual offence",
    "bwv_viewed": "body-worn video was viewed",
    "finding_made": "a finding was made",
    "apology_approved": "an apology is approved",
    "corrects": "this corrects an earlier line",
    "final": "no update is due",
}
UNSAID = ("next_update", "case", "version", "expires_at")  # facts that no sentence is measured by here
CHECKED = "claim_checked"  # the fact that says what goes around, and what is true of it
NOTHING = "none"
KIND_OF = {
    "unverified_fact": "unverified",
    "person_name": "name",
    "person_characteristic": "personal",
    "invasive": "personal",
    "child_or_sexual_identifying": "child",
    "officer_identity": "officer",
    "previous_convictions": "previous",
    "blame_motive_sequence": "blame",
    "prejudgement_for": "prejudge",
    "prejudgement_against": "prejudge",
    "legal_conclusion": "prejudge",
    "warn:context": "context",
    "warn:minimise": "minimise",
    "warn:jargon": "jargon",
    "bwv_claim_unlogged": "bwv",
    "promise_of_outcome": "promise",
    "medical_detail": "medical",
    "rumour_in_opening": "rumour",
    "active_proceedings_evidence": "proceedings",
    "conflict": "conflict",
    "apology_unapproved": "nonapology",
    "live_tactics": "tactics",
    "argues_with_injured": "argues",
    "blames_posters": "posters",
    "wrong_force": "force",
}  # by the name of a fault in a file of drafts
EXCUSING = {
    "nonapology": "apology_approved",
    "bwv": "bwv_viewed",
    "prejudge": "finding_made",
    "blame": "finding_made",
}  # flags with which an act is no fault
NEEDING = {"proceedings": "active_proceedings"}  # without which it is none


SILENT = "no_next_update"  # the fault that has no kind: no sentence says what is missing
FAULTS = frozenset({*KIND_OF, SILENT})


class Lesson(NamedTuple):
    """A draft with one known fault, in the words `planted` of its text; or a clean one, without."""

    text: str
    context: Context
    fault: str
    planted: str

    def holds(self, span: Span) -> bool:
        """Whether the fault stands in a sentence."""
        start = self.text.find(self.planted) if self.planted else 0
        return span.start < start + len(self.planted) and start < span.end


class Row(NamedTuple):
    """What a proofreader learns from: the sentences of a draft with the kind of each, None where nothing is to be
    learnt, and which a rule takes for a promise of the next update; whether it `updates`, None where none is due. An
    example stands `beside` nothing: it is read beside any case, whose flags are not the words `without` and are the
    words `given`."""

    writer: str
    sentences: list[str]
    kinds: list[str | None]
    promises: list[bool]
    updates: bool | None = None
    beside: str | None = None
    without: str = ""
    given: str = ""


class Kept(NamedTuple):
    """What was said of drafts while they had not taught, by a checksum of what was read: as many `keys` as `counts` of
    sentences, and so many rows of `said` for each in turn."""

    keys: NDArray[np.uint64]
    counts: NDArray[np.int64]
    said: NDArray[np.float16]

    @classmethod
    def read(cls, paths: Iterable[Path]) -> Self:
        """Raises SenseError."""
        try:
            parts = [cls(*(np.load(path)[name] for name in cls._fields)) for path in paths]
        except (OSError, KeyError, ValueError) as error:
            raise SenseError(
                f"what proofreaders said of drafts: {error}; docs/changing.md says how it is made"
            ) from error
        return cls(*map(np.concatenate, zip(*parts, strict=True))) if parts else cls.none()

    @classmethod
    def none(cls) -> Self:
        none = np.zeros(0)
        return cls(none.astype(np.uint64), none.astype(np.int64), np.zeros((0, len(KINDS)), np.float16))

    @classmethod
    def of(cls, drafts: Iterable[tuple[Sequence[str], str]], proof: Proof) -> Self:
        """What `proof` says of drafts."""
        read = list(drafts)
        said = [proof(*each) for each in read]
        return cls(
            np.array([key_of(*each) for each in read], np.uint64),
            np.array([len(each) for each in said], np.int64),
            np.concatenate(said).astype(np.float16),
        )

    def write(self, path: Path) -> None:
        np.savez_compressed(path, **self._asdict())

    def holds(self, sentences: Sequence[str], beside: str) -> bool:
        return key_of(sentences, beside) in self.keys

    def before(self, proof: Proof) -> Proof:
        """What was kept, and of what is not there what `proof` says, to which it is new too."""
        ends = np.cumsum(self.counts)
        places = {int(key): slice(end - count, end) for key, count, end in zip(*self[:2], ends, strict=True)}

        def said(sentences: Sequence[str], beside: str) -> Floats:
            place = places.get(key_of(sentences, beside))
            return proof(sentences, beside) if place is None else self.said[place].astype(np.float32)

        return said


def spans_of(text: str) -> Iterator[Span]:
    """The sentences of a text, without what is empty around them."""
    for each in sentences(text):
        start = each.end - len(text[each.start : each.end].lstrip())
        if start < each.end:
            yield Span(start, each.end)


def facts_read(context: Context) -> list[Fact]:
    """The verified facts that sentences are read beside."""
    return [each for each in context.verified if each.name not in UNSAID]


def read_beside(context: Context) -> str:
    """What is known of a case, in words. What a line must not contradict or repeat stands first: a reader may cut off
    what comes last."""
    said = "; ".join(words for flag, words in FLAGS.items() if getattr(context, flag))
    lines = [f"said earlier: {line}" for line in context.earlier]
    facts = sorted(facts_read(context), key=lambda each: each.name != CHECKED)
    notes = [f"{each.name.replace('_', ' ')}: {each.value}" for each in facts]
    return ". ".join([said, *lines, *notes]).strip(". ")


def excused(act: str, context: Context) -> bool:
    """Whether a flag of the case makes an act no fault."""
    return act in EXCUSING and bool(getattr(context, EXCUSING[act]))


def draft_read(text: str, context: Context) -> tuple[list[str], str]:
    """A draft as it is read: its sentences, and what is known."""
    context = read_as(text, context)
    return [text[each.start : each.end].strip() for each in spans_of(text)], read_beside(context)


def proofs(text: str, context: Context, proof: Proof) -> list[Floats]:
    """What is said of each sentence."""
    return list(proof(*draft_read(text, context)))


def rows_of(
    sets: Mapping[str, Iterable[Lesson]],
    examples: Mapping[str, Sequence[str]],
    promises: Callable[[str], bool],
) -> Iterator[Row]:
    """What a proofreader is taught by: drafts, and examples of what sentences are heard as."""
    for writer, lessons in sets.items():
        for lesson in lessons:
            sentences, beside = draft_read(lesson.text, lesson.context)
            kinds = [_kind(lesson, each) for each in spans_of(lesson.text)]
            updates = None if lesson.context.final else lesson.fault != SILENT
            yield Row(writer, sentences, kinds, list(map(promises, sentences)), updates, beside)
    for act, says in examples.items():
        kind = "unverified" if act == "states" else NOTHING if act in HARMLESS else act
        without, given = (FLAGS.get(flags.get(act, ""), "") for flags in (EXCUSING, NEEDING))
        for example in says:
            yield Row("", [example], [kind], [False], without=without, given=given)


def _kind(lesson: Lesson, span: Span) -> str | None:
    if not lesson.holds(span):
        return NOTHING
    return KIND_OF.get(lesson.fault)
