"""The form a finding is decided with: what was answered, and what is missing in it by field."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import NamedTuple

from triage.locked import Conflict
from triage.review.finding_codes import Code, FindingCodes
from triage.review.finding_records import ReferralBody, Talk

LONGEST = 2_000
MOST_DISSENT = 6
KINDS = ("voluntary", "mandatory")


class ReferralGiven(NamedTuple):
    """A referral that somebody made elsewhere, as it was entered."""

    body: str = ""
    kind: str = ""
    by_post: str = ""
    made_on: date | None = None
    reference: str = ""

    @property
    def is_empty(self) -> bool:
        return not any((self.body, self.kind, self.by_post.strip(), self.made_on, self.reference.strip()))


class Given(NamedTuple):
    """The form as a person filled it in. `seen` is the version of the finding they saw, 0 for none."""

    code: str = ""
    secondary: Sequence[str] = ()
    talk: str = ""
    communication: str = ""
    legality: str = ""
    went_well: str = ""
    decision: str = ""
    why: str = ""
    steps: Mapping[str, str] = {}
    dissent: Sequence[tuple[str, str]] = ()
    referral: ReferralGiven = ReferralGiven()
    correction_why: str = ""
    seen: int = 0


class Unanswered(Conflict):
    """The form is not complete: by field, what is missing. Nothing was changed."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        super().__init__(" ".join(fields.values()))
        self.fields = dict(fields)


def problems(
    codes: FindingCodes, given: Given, *, discussed: bool, referred: set[str], correcting: bool, today: date
) -> dict[str, str]:
    """What is missing, in the order of the form. `discussed` is whether the case may be discussed on its merits,
    `referred` the bodies it is recorded as referred to."""
    code = codes.of(given.code)
    if code is None:
        return {"code": "Choose the finding that says it best."}
    wrong = _codes(codes, given, code, discussed=discussed)
    if code.reviewed:
        wrong |= _answers(codes, given, code)
    for field, asks in (("decision", "Say what was decided."), ("why", "Say why, in a sentence.")):
        if len(getattr(given, field).split()) < 3:
            wrong[field] = asks
    wrong |= _dissent(given)
    wrong |= _referral(codes, given, referred, today)
    if correcting and len(given.correction_why.split()) < 3:
        wrong["correction_why"] = "Say why the finding is corrected: the pack lists it."
    return wrong


def referral_problems(given: ReferralGiven, today: date) -> dict[str, str]:
    """What is missing of a referral."""
    wrong: dict[str, str] = {}
    if given.body not in set(ReferralBody):
        wrong["body"] = "Say whom it was referred to."
    if given.body == ReferralBody.IOPC and given.kind not in KINDS:
        wrong["kind"] = "Say whether the referral was voluntary or mandatory."
    if not given.by_post.strip():
        wrong["by_post"] = "Say which post made it: no name."
    if given.made_on is None:
        wrong["made_on"] = "Enter the day it was made."
    elif given.made_on > today:
        wrong["made_on"] = "That day is still to come: a referral is recorded once it is made."
    if not given.reference.strip():
        wrong["reference"] = "Enter its reference."
    return wrong


def chosen(codes: FindingCodes, given: Given) -> list[Code]:
    """The primary code and the secondary ones, in the file's order after it."""
    return [
        code
        for code in codes.code
        if code.name == given.code or (code.name in given.secondary and code.name != given.code)
    ]


def _codes(codes: FindingCodes, given: Given, code: Code, *, discussed: bool) -> dict[str, str]:
    wrong = {}
    others = [each for each in chosen(codes, given) if each.name != code.name]
    if not discussed and code.reviewed:
        names = " or ".join(each.title for each in codes.deferring)
        wrong["code"] = f"This case may not be discussed on its merits now. Choose {names}."
    if code.alone and others:
        wrong["secondary"] = f"{code.title} stands alone: untick the others."
    elif single := next((each for each in others if each.alone), None):
        wrong["secondary"] = f"{single.title} can only be the finding itself."
    elif set(given.secondary) - {each.name for each in codes.code}:
        wrong["secondary"] = "One of these findings is not in the list any more."
    return wrong


def _answers(codes: FindingCodes, given: Given, code: Code) -> dict[str, str]:
    wrong = {}
    if given.talk not in set(Talk):
        wrong["talk"] = "Answer: would more talking have avoided force?"
    elif given.talk == Talk.NO_FORCE and any(each.talk for each in chosen(codes, given)):
        wrong["talk"] = "A finding about force cannot go with “no force was used”."
    if given.communication not in {"", *"12345"}:
        wrong["communication"] = "Choose a score from 1 to 5, or none."
    elif not given.communication and not code.alone:
        wrong["communication"] = "Score the quality of communication, apart from whether it was lawful."
    if given.legality not in {each.name for each in codes.legality}:
        wrong["legality"] = "Say what was raised on legality, if anything."
    return wrong


def _dissent(given: Given) -> dict[str, str]:
    for number, (post, words) in enumerate(given.dissent[:MOST_DISSENT], 1):
        if bool(post.strip()) != bool(words.strip()):
            return {f"dissent-{number}": "Dissent needs the post and the words."}
    return {}


def _referral(codes: FindingCodes, given: Given, referred: set[str], today: date) -> dict[str, str]:
    wanted = {each.referral for each in chosen(codes, given) if each.referral}
    if not given.referral.is_empty:
        wrong = referral_problems(given.referral, today)
        wanted -= {given.referral.body}
    else:
        wrong = {}
    if missing := wanted - referred:
        wrong["body"] = f"Record the referral to {min(missing).upper()} first: it is made elsewhere."
    return {f"referral-{field}": said for field, said in wrong.items()}
