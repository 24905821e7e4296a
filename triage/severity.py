"""How grave a case is, SEV1 to SEV5, with the parts it is made of.

The parts and their ranges are those of the force's proposal: harm 0-4, conduct 0-4, reach 0-4, community 0-4,
vulnerability 0-2, false information 0-3, officer safety 0-2. The classifier gives what the words say, the case
gives its reach. A hard trigger makes SEV1 whatever the sum. How sure we are stands apart: it never lowers a
report of a death. A case is as grave as its worst post, and no machine lowers it.
"""

from collections.abc import Mapping, Sequence
from itertools import takewhile
from typing import Any, NamedTuple

from classifier.records import IncidentType
from triage.records import Severity

RANGES = {
    "harm": 4,
    "conduct": 4,
    "reach": 4,
    "community": 4,
    "vulnerability": 2,
    "false_information": 3,
    "officer_safety": 2,
}
OF_WORDS = "severity:"  # how the classifier's labels name a part; its value is a share of the range
TRIGGER = "trigger"
RAISED = "raised"  # levels that a rule adds, such as for a journalist's question

# from the graver of points and score, downwards; SEV5 is for what people dismiss
BY_POINTS = ((12.0, Severity.SEV1), (7.0, Severity.SEV2), (3.5, Severity.SEV3))
BY_SCORE = ((0.7, Severity.SEV2), (0.35, Severity.SEV3))
REACH_STEPS = (10, 50, 250, 1_000)  # posts: one point each
SEVERAL_SOURCES = 3  # one point more
GRAVITY = (
    IncidentType.DEATH_OR_FIREARMS,
    IncidentType.USE_OF_FORCE,
    IncidentType.PURSUIT_COLLISION,
    IncidentType.STOP_SEARCH,
    IncidentType.OFFICER_HARMED,
    IncidentType.ARREST_DETENTION,
    IncidentType.OTHER_ENCOUNTER,
    IncidentType.OFFICER_CONDUCT,
    IncidentType.NONE,
)


class Weighed(NamedTuple):
    """A level with its reasons. `points` by part, `triggers` in words, `score` the classifier's 0..1, `raised` by how
    many levels a rule makes it graver.
    """

    level: Severity
    points: dict[str, float]
    triggers: tuple[str, ...]
    score: float
    raised: int = 0

    @property
    def parts(self) -> dict[str, Any]:
        """As kept on the case and shown on its page."""
        said = {**self.points, "score": round(self.score, 3), "triggers": list(self.triggers)}
        return {**said, RAISED: self.raised} if self.raised else said


def weigh(labels: Mapping[str, float], signals: Sequence[Mapping[str, Any]], score: float) -> Weighed:
    """What one post says of the gravity, from its assessment's labels, signals and severity."""
    points = {
        part: round(labels[OF_WORDS + part] * most, 2)
        for part, most in RANGES.items()
        if labels.get(OF_WORDS + part)
    }
    named = (str(each.get("because", "")) for each in signals if each.get("name") == TRIGGER)
    triggers = tuple(dict.fromkeys(each.rpartition(": ")[2] for each in named))
    return Weighed(_level(points, triggers, score), points, triggers, score)


def of_case(
    parts: Mapping[str, Any], now_said: Sequence[Weighed], *, posts: int, sources: int, raised: int = 0
) -> Weighed:
    """What the case amounts to with these posts added: each part at its highest, and the reach it now has. A case is
    raised once, by the most that a rule asks for.
    """
    raised = max(raised, int(parts.get(RAISED, 0)))
    points = {part: float(parts.get(part, 0.0)) for part in RANGES if parts.get(part)}
    triggers = dict.fromkeys(parts.get("triggers", ()))
    score = float(parts.get("score", 0.0))
    for each in now_said:
        points |= {part: max(value, points.get(part, 0.0)) for part, value in each.points.items()}
        triggers |= dict.fromkeys(each.triggers)
        score = max(score, each.score)
    if reach := reach_of(posts, sources):
        points["reach"] = float(max(reach, points.get("reach", 0)))
    level = Severity(max(_level(points, tuple(triggers), score) - raised, Severity.SEV1))
    return Weighed(level, points, tuple(triggers), score, raised)


def reach_of(posts: int, sources: int) -> int:
    """How far a case has spread, 0..4."""
    return min(4, passed(REACH_STEPS, posts) + (sources >= SEVERAL_SOURCES))


def passed(steps: Sequence[int], number: int) -> int:
    """How many of these rising steps a number has passed."""
    return sum(1 for _ in takewhile(lambda step: number >= step, steps))


def graver(one: IncidentType, other: IncidentType) -> IncidentType:
    """Of two types the graver one, in the order of the labelling guide."""
    return min(one, other, key=GRAVITY.index)


def _level(points: Mapping[str, float], triggers: Sequence[str], score: float) -> Severity:
    if triggers:
        return Severity.SEV1
    total = sum(points.values())
    by_points = next((level for least, level in BY_POINTS if total >= least), Severity.SEV4)
    by_score = next((level for least, level in BY_SCORE if score >= least), Severity.SEV4)
    return min(by_points, by_score)
