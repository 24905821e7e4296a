"""From probabilities and findings to what is said of a post: types that add up, and its labels."""

from collections.abc import Mapping, Sequence

from classifier.reading import Finding
from classifier.records import IncidentType

CORE = ("death_or_firearms", "use_of_force", "pursuit_collision", "stop_search")
OTHER = ("officer_harmed", "arrest_detention", "other_encounter")
REST = ("officer_conduct", "none")
LEARNT = ("first_hand", "has_video", "praise", "complaint_not_force", "witness_offer", "official_police_post")
SAID = 0.05  # labels below this are not listed


def types_of(probabilities: Mapping[str, float], incident: float, incident_any: float) -> dict[str, float]:
    """The nine types, summing to 1, so that the four core types sum to `incident` and seven to `incident_any`."""
    shares: dict[str, float] = {}
    for names, total in ((CORE, incident), (OTHER, incident_any - incident), (REST, 1 - incident_any)):
        raw = {name: max(probabilities.get(name, 0.0), 1e-4) for name in names}
        scale = total / sum(raw.values())
        shares |= {name: round(value * scale, 4) for name, value in raw.items()}
    return shares


def gravest(types: Mapping[str, float]) -> IncidentType:
    return IncidentType(max(types, key=lambda name: types[name]))


def labels_of(probabilities: Mapping[str, float], findings: Sequence[Finding]) -> dict[str, float]:
    """Learnt labels and those the signals speak for; where both do, the likelier."""
    said = {name: probabilities[name] for name in LEARNT if probabilities.get(name, 0.0) >= SAID}
    for finding in findings:
        if finding.label:
            said[finding.label] = max(said.get(finding.label, 0.0), finding.signal.score)
    return {name: round(value, 3) for name, value in sorted(said.items())}
