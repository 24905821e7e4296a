"""The form that a release of body-worn video is decided with: what a person answered, and what is missing in it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from triage.locked import Conflict
from triage.release_policy import ReleasePolicy
from triage.release_records import ReleaseOutcome
from triage.track_records import BodyWornVideo

LONGEST_ANSWER = 2_000
NOTHING_HIDDEN = "Nothing needs to be hidden"
UNVIEWED = "Nobody is entered as having viewed it. Enter who viewed it, under Tracks, before it is released."
NOT_THERE = "Enter first, under Tracks, that body-worn video exists."


class Told(NamedTuple):
    """When somebody was told, or why they were not."""

    at: datetime | None = None
    why: str = ""


class Given(NamedTuple):
    """The form as a person filled it in. `policy` is the version of what they saw."""

    policy: str
    outcome: str = ""
    asked_at: datetime | None = None
    answers: Mapping[str, str] = {}
    exception: str = ""
    necessity: str = ""
    proportionality: str = ""
    redactions: Sequence[str] = ()
    told: Mapping[str, Told] = {}
    reason: str = ""
    lawful_basis: str = ""
    why: str = ""


class Unanswered(Conflict):
    """The form is not complete: by field, what is missing. Nothing was changed."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        super().__init__(" ".join(fields.values()))
        self.fields = dict(fields)


def problems(
    policy: ReleasePolicy, given: Given, bwv: BodyWornVideo | None, *, now: datetime
) -> dict[str, str]:
    """What is missing, by the field it is missing in, in the order of the form; nothing when all is there."""
    if given.outcome not in set(ReleaseOutcome):
        return {"outcome": "Say whether it is released, not released, or decided later."}
    outcome = ReleaseOutcome(given.outcome)
    wrong: dict[str, str] = {}
    if outcome == ReleaseOutcome.RELEASE and (said := cannot_be_released(bwv)):
        wrong["outcome"] = said
    if given.asked_at is None:
        wrong["asked_at"] = "Enter when release was first asked for, in London time."
    elif given.asked_at > now:
        wrong["asked_at"] = "Release was asked for before now: that time is still to come."
    if outcome != ReleaseOutcome.DEFER:
        wrong |= _unweighed(policy, given)
    if outcome == ReleaseOutcome.RELEASE:
        wrong |= _unready(policy, given, now)
    if outcome == ReleaseOutcome.DO_NOT_RELEASE:
        wrong |= _unreasoned(policy, given)
    if len(given.why.split()) < 3:
        wrong["why"] = "Say why, in a sentence: the oversight pack shows it."
    return wrong


def _unweighed(policy: ReleasePolicy, given: Given) -> dict[str, str]:
    wrong = {
        f"a-{each.name}": f"Answer in words, not with yes or no alone: {each.asks}"
        for each in policy.consideration
        if len(given.answers.get(each.name, "").split()) < 2
    }
    for name in ("necessity", "proportionality"):
        if len(getattr(given, name).split()) < 3:
            wrong[name] = f"Answer in words: {getattr(policy, name)}"
    return wrong


def _unready(policy: ReleasePolicy, given: Given, now: datetime) -> dict[str, str]:
    wrong = {}
    if policy.exception and given.exception not in {each.name for each in policy.exception}:
        wrong["exception"] = "Name the exception that holds. Without one this policy does not release."
    if not given.redactions:
        wrong["redactions"] = "Say what is hidden, or that nothing needs to be."
    elif NOTHING_HIDDEN in given.redactions and len(given.redactions) > 1:
        wrong["redactions"] = "Something is hidden, or nothing is: choose one."
    for each in policy.told:
        told = given.told.get(each.name, Told())
        if told.at is None and not told.why.strip():
            wrong[f"t-{each.name}"] = f"Enter when they were told, or why not: {each.says}"
        elif told.at is not None and told.at > now:
            wrong[f"t-{each.name}"] = f"That time is still to come: {each.says}"
    return wrong


def _unreasoned(policy: ReleasePolicy, given: Given) -> dict[str, str]:
    reason = next((each for each in policy.refusal if each.name == given.reason), None)
    if reason is None:
        return {"reason": "Choose the reason it is not released."}
    if reason.lawful_basis and len(given.lawful_basis.split()) < 3:
        return {"lawful_basis": policy.lawful_basis}
    return {}


def cannot_be_released(bwv: BodyWornVideo | None) -> str:
    if bwv is None or bwv.exists != "yes":
        return NOT_THERE
    return "" if bwv.viewings else UNVIEWED
