"""From probabilities and findings to what is said of a post: types that add up, and its labels."""

from collections.abc import Mapping, Sequence

from classifier.calibration import KINDS
from classifier.reading import Finding
from classifier.records import IncidentType

LEARNT = ("first_hand", "has_video", "praise", "complaint_not_force", "witness_offer", "official_police_post")
HINT = 0.4  # how much of a signal's score counts beside a learnt probability
SAID = 0.05  # labels below this are not listed


def types_of(probabilities: Mapping[str, float]) -> dict[str, float]:
    """The nine types, which sum to 1."""
    return {kind: round(probabilities[kind], 4) for kind in KINDS}


def gravest(types: Mapping[str, float]) -> IncidentType:
    return IncidentType(max(types, key=lambda name: types[name]))


def labels_of(probabilities: Mapping[str, float], findings: Sequence[Finding]) -> dict[str, float]:
    """Learnt labels and those the signals speak for; a signal adds to what was learnt, and stands alone where
    nothing was."""
    said = {name: probabilities[name] for name in LEARNT if name in probabilities}
    for finding in findings:
        name, score = finding.label, finding.signal.score
        if name in LEARNT:
            said[name] = max(said.get(name, 0.0), 1 - (1 - probabilities.get(name, 0.0)) * (1 - HINT * score))
        elif name:
            said[name] = max(said.get(name, 0.0), score)
    said = {name: value for name, value in said.items() if value >= SAID}
    return {name: round(value, 3) for name, value in sorted(said.items())}
