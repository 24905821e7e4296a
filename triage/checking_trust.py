"""Trust: how likely each sentence of a draft holds a fault, by all that was found in it and what it is heard as.

A pattern knows words, sense knows meanings, facts know the case; each is wrong in its own way. How far they are to be
believed together is learnt (triage/checking_trees.py) from whole drafts with one known fault and from clean ones,
`config/statements/drafts/*.jsonl`, by `goldenhour statements learn` into `config/statements/trust.npz`.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np

from classifier.proofread import KINDS
from triage.checking_context import Context, Finding
from triage.checking_kinds import held
from triage.checking_proof import NOTHING, Proof, excused, proofs, spans_of
from triage.checking_rules import Check
from triage.checking_sense import HARMLESS, Heard, SenseError
from triage.checking_text import Span
from triage.checking_trees import Floats, Trees

JUDGED = (
    "pattern",
    "together",
    "facts",
    "unsupported",
    "heard",
    "untold",
)  # kinds of rules that are not believed alone
TELLING = (
    *JUDGED[:4],
    "names",
)  # kinds that tell something; the others are told by what a sentence is heard as
ALONE = frozenset({"gap", "jargon", "non_apology"})  # believed alone: wrong whatever a sentence means
FLAGS = ("active_proceedings", "child", "sexual_offence", "bwv_viewed", "finding_made", "apology_approved")
MARKS = tuple(
    re.compile(rf"\b(?:{each})\b", re.IGNORECASE)
    for each in (
        r"say|says|said|told us|tell us|claims?|claimed|believe|alleg\w+|report(?:ed|s)? that|appears? to|described"
        r"|complain\w*|according to|suggest\w*|posts?|rumours?|people",
        r"not|\w+n['’]t|cannot|no|nobody|nothing|without|never|neither",
        r"can(?:['’]t|not)|won['’]t|will not|unable|not able|don['’]t know|do not know|not yet|limited"
        r"|too (?:soon|early)|rather not|wrong to|not be (?:right|fair)",
        r"section|act|powers?|law|court|allows?|lets?|means?|entitled|rules|policy",
        r"will|we['’]ll|shall|going to|must",
        r"we|our|us|i|my",
        r"please|ask|anyone|if you|would like|call|contact|send|share",
        r"whether|why|how|what|if",
        r"review\w*|looking|look|assess\w*|check\w*|investigat\w*|examin\w*|informed|referr\w*|enquir\w*",
        r"understand|know|recogni[sz]e|appreciate|realise|hear|thoughts|sorry|thank\w*|condolences|concern\w*|upset\w*"
        r"|distress\w*",
        r"had|was|were|has been|been",
        r"he|she|his|her|him|they|their|them",
        r"officers?|police|constable|sergeant",
        r"bail\w*|custody|charged|suspicion|released|no further action|arrest\w*",
    )
)


NO_OTHER = -9.0  # the margin that stands for no other sentence: surely none is wrong


class Told(NamedTuple):
    """A sentence, and what it is likeliest wrong by: one of the proofreader's kinds."""

    start: int
    end: int
    wrong: str


class Trust(NamedTuple):
    """What was learnt of the rules, each by its kind and name."""

    rules: tuple[str, ...]
    trees: Trees

    @classmethod
    def read(cls, path: Path) -> Self:
        """Raises SenseError."""
        try:
            with np.load(path) as kept:
                return cls(tuple(kept["rules"].tolist()), Trees(kept["columns"], kept["above"], kept["adds"]))
        except (OSError, KeyError, ValueError) as error:
            raise SenseError(f"{path}: {error}; make it anew with goldenhour statements learn") from error

    def likely(self, rows: Sequence[Floats]) -> list[float]:
        """How likely each of some sentences holds a fault, 0..1."""
        return self.trees.likely(np.array(rows)).tolist() if rows else []

    def write(self, path: Path, seal: str) -> None:
        np.savez_compressed(path, rules=np.array(self.rules), seal=seal, **self.trees._asdict())


Found = Sequence[tuple[Check, Finding]]


def named(rule: Check) -> str:
    return f"{rule.kind}:{rule.name}"


def tells(rule: Check) -> bool:
    return rule.kind in TELLING and rule.name not in ALONE


def judged(rule: Check) -> bool:
    return rule.kind in JUDGED and rule.name not in ALONE


def told(
    text: str,
    context: Context,
    found: Found,
    heard: Sequence[Heard],
    acts: tuple[str, ...],
    proof: Proof,
    rules: Sequence[str],
) -> Iterator[tuple[Told, Floats]]:
    """Each sentence with what is to be known of it, a row of numbers."""
    places = {name: number for number, name in enumerate(rules)}
    spans = list(spans_of(text))
    proved = proofs(text, context, proof)
    margins = [_margin(each, context) for each in proved]
    for number, span in enumerate(spans):
        pieces = [each for each in heard if span.start <= each.start and each.end <= span.end]
        if not pieces:
            continue
        said = _heard_as(pieces, acts, context)
        count = np.zeros(len(rules), np.float32)
        for rule, finding in found:
            if named(rule) in places and finding.start < span.end and span.start < finding.end:
                count[places[named(rule)]] += 1
        words = _worded(text[span.start : span.end], context)
        where = [number / max(1, len(spans) - 1), number == 0, np.count_nonzero(count)]
        yield (
            _told(span, proved[number], context),
            np.concatenate(
                [proved[number], said, words, np.array(where, np.float32), count, _among(margins, number)]
            ),
        )


def _told(span: Span, proved: Floats, context: Context) -> Told:
    """What reads otherwise than facts alone is not verified."""
    wrong = KINDS[max(_faults(context), key=lambda number: proved[number])]
    return Told(span.start, span.end, "unverified" if wrong == "conflict" and not context.earlier else wrong)


def _faults(context: Context) -> list[int]:
    return [number for number, kind in enumerate(KINDS) if kind != NOTHING and not excused(kind, context)]


def _margin(proved: Floats, context: Context) -> float:
    """By how much a sentence is read as any fault that nothing excuses rather than as none, in logits."""
    return float(np.logaddexp.reduce(proved[_faults(context)]) - proved[KINDS.index(NOTHING)])


def _among(margins: Sequence[float], number: int) -> Floats:
    """That margin of a sentence, the largest of the others in its draft, and how many are larger."""
    own, others = margins[number], [*margins[:number], *margins[number + 1 :]]
    return np.array([own, max(others, default=NO_OTHER), sum(each > own for each in others)], np.float32)


def _heard_as(pieces: Sequence[Heard], acts: tuple[str, ...], context: Context) -> Floats:
    """How much a sentence, or a clause of it, is of each act, and of a fault that nothing excuses."""
    scores = np.max([each.acts for each in pieces], axis=0)
    faults = [number for number, act in enumerate(acts) if act not in HARMLESS and not excused(act, context)]
    harmless = [number for number, act in enumerate(acts) if act in HARMLESS]
    open_to = [each for each in pieces if acts.index(each.wrong) in faults]
    told = [
        max((each.fault for each in open_to), default=-1.0),
        max((each.fault for each in open_to if each.whole), default=-1.0),
        scores[faults].max() - scores[harmless].max(),
        len(pieces),
    ]
    return np.concatenate([scores, np.array(told, np.float32)])


def _worded(said: str, context: Context) -> Floats:
    borne_out = held(said, context)
    words = len(said.split())
    row = [
        *(bool(each.search(said)) for each in MARKS),
        bool(re.search(r"\d", said)),
        bool(re.search('["“]', said)),
        said.rstrip().endswith("?"),
        borne_out,
        words * (1 - borne_out),
        words,
        *(getattr(context, flag) for flag in FLAGS),
    ]
    return np.array(row, np.float32)
