"""Proof: what a proofreader says of each sentence of a draft, read beside what is known of the case.

It is taught by whole drafts (`config/statements/drafts/*.jsonl`) and the examples of `config/statements/heard/*.toml`
(`goldenhour statements learn --rows`, then `classifier/training/proofread.py`). What it said of a draft while that
writer's drafts had not taught it is kept, so that how far it is believed (triage/checking_trust.py) is learnt from
what was new to it.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from classifier.proofread import key_of
from triage.checking_context import Context
from triage.checking_facts import Fact
from triage.checking_sense import HARMLESS, Floats, SenseError
from triage.checking_text import Span, sentences

Proof = Callable[
    [str, str], Floats
]  # of a sentence, beside what is known: a logit for each kind, `none` first

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
FIRST = "first sentence"
CHECKED = "claim_checked"  # the fact that says what goes around, and what is true of it
NOTHING, MISSING = "none", "no_next_update"
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
    """A sentence a proofreader learns from. An example stands `beside` nothing: it is read beside any case, whose flags
    are not the words `without` and are the words `given`."""

    writer: str
    sentence: str
    kind: str
    beside: str | None = None
    without: str = ""
    given: str = ""


class Kept(NamedTuple):
    """What was said of sentences while their writer's drafts had not taught it, by a checksum of what was read."""

    keys: NDArray[np.uint64]
    said: NDArray[np.float16]

    @classmethod
    def read(cls, paths: Iterable[Path]) -> Self:
        """Raises SenseError."""
        try:
            parts = [np.load(path) for path in paths]
            return cls(*(np.concatenate([each[name] for each in parts]) for name in ("keys", "said")))
        except (OSError, KeyError, ValueError) as error:
            raise SenseError(
                f"what proofreaders said of drafts: {error}; docs/changing.md says how it is made"
            ) from error

    def before(self, proof: Proof) -> Proof:
        """What was kept, and of what is not there what `proof` says, to which it is new too."""
        places = {int(key): number for number, key in enumerate(self.keys)}

        def said(sentence: str, beside: str) -> Floats:
            place = places.get(key_of(sentence, beside))
            return proof(sentence, beside) if place is None else self.said[place].astype(np.float32)

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


def read_beside(context: Context, *, first: bool) -> str:
    """What is known of a case, in words. What a line must not contradict or repeat stands first: a reader may cut off
    what comes last."""
    said = [words for flag, words in FLAGS.items() if getattr(context, flag)]
    said = [FIRST, *said] if first else said
    lines = [f"said earlier: {line}" for line in context.earlier]
    facts = sorted(facts_read(context), key=lambda each: each.name != CHECKED)
    notes = [f"{each.name.replace('_', ' ')}: {each.value}" for each in facts]
    return ". ".join(["; ".join(said), *lines, *notes]).strip(". ")


def excused(act: str, context: Context) -> bool:
    """Whether a flag of the case makes an act no fault."""
    return act in EXCUSING and bool(getattr(context, EXCUSING[act]))


def proofs(text: str, context: Context, proof: Proof) -> list[Floats]:
    """What is said of each sentence."""
    return [
        proof(text[each.start : each.end].strip(), read_beside(context, first=not number))
        for number, each in enumerate(spans_of(text))
    ]


def rows_of(sets: Mapping[str, Iterable[Lesson]], examples: Mapping[str, Sequence[str]]) -> Iterator[Row]:
    """What a proofreader is taught by: sentences of drafts, and examples of what they are heard as."""
    for writer, lessons in sets.items():
        for lesson in lessons:
            yield from _sentences(writer, lesson)
    for act, says in examples.items():
        kind = "unverified" if act == "states" else NOTHING if act in HARMLESS else act
        without, given = (FLAGS.get(flags.get(act, ""), "") for flags in (EXCUSING, NEEDING))
        for example in says:
            yield Row("", example, kind, without=without, given=given)


def _sentences(writer: str, lesson: Lesson) -> Iterator[Row]:
    for number, span in enumerate(spans_of(lesson.text)):
        if lesson.fault == MISSING and lesson.holds(span):
            continue  # what is wrong there is what it does not say
        kind = KIND_OF[lesson.fault] if lesson.holds(span) else NOTHING
        beside = read_beside(lesson.context, first=not number)
        yield Row(writer, lesson.text[span.start : span.end].strip(), kind, beside)
