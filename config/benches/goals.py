"""A goal of a benchmark: what was to be reached, what was seen, and whether that is enough."""

from typing import Any, NamedTuple


class Goal(NamedTuple):
    """One goal. `goal` says it in words, `seen` is the figure it is about; `reference` and `ratio` compare that with
    another way measured in the same run, and are None where a goal compares nothing."""

    name: str
    goal: str
    seen: float
    met: bool
    reference: str | None = None
    ratio: float | None = None


def at_least(name: str, least: float, seen: float, unit: str, **compared: Any) -> Goal:
    return Goal(name, f"at least {least:,g} {unit}".rstrip(), seen, seen >= least, **compared)


def at_most(name: str, most: float, seen: float, unit: str, **compared: Any) -> Goal:
    return Goal(name, f"at most {most:,g} {unit}".rstrip(), seen, seen <= most, **compared)


def report(name: str, goals: list[Goal], **figures: Any) -> dict[str, Any]:
    """What a benchmark prints. The first goal is the headline; all of them stand under `goals`, with the same keys.

    `reference` and `ratio` among the figures compare the whole benchmark with another way in the same run.
    """
    first = goals[0]
    head = {
        "name": name,
        "goal": f"{first.name}: {first.goal}",
        "seen": first.seen,
        "reference": first.reference,
        "ratio": first.ratio,
    }
    met = all(each.met for each in goals)
    return head | figures | {"met": met, "goals": [_plain(each) for each in goals]}


def _plain(goal: Goal) -> dict[str, Any]:
    return {key: getattr(goal, key) for key in ("name", "goal", "seen", "reference", "ratio", "met")}
