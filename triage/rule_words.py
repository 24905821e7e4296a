"""Rules in plain words: when each fits, what follows, how two sets of rules differ, what a rehearsal found."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from enum import Enum
from typing import Any, NamedTuple

from triage.rehearsal_report import Rehearsed
from triage.rules import Outcome, Rule, Rules

TITLES = {
    "name": "name",
    "because": "reason",
    "incident": "likely a stop, force, a death or a pursuit, from",
    "incident_any": "likely any encounter, from",
    "claim": "likely makes a claim, from",
    "unverified": "claim likely unchecked, from",
    "types": "kind",
    "force": "police force",
    "labels": "label",
    "signals": "signal",
    "borough": "borough",
    "severity": "severity at least",
    "trigger": "hard trigger",
    "abstain": "the model cannot tell",
    "published_within": "published within",
    "outcome": "outcome",
    "desks": "desks",
    "alert": "alerted",
    "priority": "priority",
    "no_worse_than": "case no graver than",
    "graver_by": "levels graver",
    "lane": "queue of its own",
    "review": "on the review's list",
    "draft": "first line drafted",
    "also": "also for",
}
FORCES = {
    "met": "Metropolitan Police",
    "btp": "British Transport Police",
    "col": "City of London Police",
    "other_uk": "another UK force",
    "overseas": "police abroad",
    "unknown": "not known",
}
OUTCOMES = {
    Outcome.RAISE: "Raised",
    Outcome.LIST: "Listed, nobody is told",
    Outcome.NOTE: "Counted only",
    Outcome.DROP: "Dropped",
}


class Difference(NamedTuple):
    """What is another in one rule: each key in words with its value before and after. `what` is added, removed,
    moved, or changed.
    """

    rule: str
    what: str
    keys: tuple[tuple[str, str, str], ...] = ()


def when(rule: Rule) -> list[str]:
    """Each condition in words; all must hold. Empty when it fits everything."""
    return list(_conditions(rule))


def then(rule: Rule) -> str:
    """What becomes of a post, in one line."""
    said = OUTCOMES[rule.outcome]
    if rule.told:
        said += f": {_listed(rule.told)} alerted, {rule.priority.value}"
    if rule.opens and set(rule.desks) != set(rule.told):
        seen = [each for each in rule.desks if each not in rule.told]
        said += f"; {_listed(seen)} see{'s' if len(seen) == 1 else ''} it"
    if rule.no_worse_than:
        said += f"; no graver than SEV{int(rule.no_worse_than)}"
    if rule.graver_by:
        said += f"; {rule.graver_by} level{'s' if rule.graver_by > 1 else ''} graver"
    if rule.lane:
        said += f"; in the queue “{rule.lane.value.replace('_', ' ')}”"
    return said + ("; for the review" if rule.review else "")


def differences(before: Rules, after: Rules) -> list[Difference]:
    """What is another in `after`, rule by rule in its order, then what is gone."""
    return list(_differences(before, after))


def summary(found: Rehearsed) -> list[str]:
    """A rehearsal in sentences."""
    return list(_summary(found))


def _conditions(rule: Rule) -> Iterator[str]:
    for name in ("incident", "incident_any", "claim", "unverified"):
        value = getattr(rule, name)
        if value is not None:
            yield f"{TITLES[name].removesuffix(', from')} ({value:.0%} or more)"
    if rule.trigger is not None:
        yield "a hard trigger" if rule.trigger else "no hard trigger"
    if rule.abstain is not None:
        yield "the model cannot tell" if rule.abstain else "the model can tell"
    if rule.severity is not None:
        yield f"SEV{int(rule.severity)} or graver" if rule.severity > 1 else "SEV1"
    for name in ("types", "force", "signals", "borough"):
        values = getattr(rule, name)
        if values:
            yield f"{TITLES[name]}: {_said(values)}"
    if rule.labels:
        yield f"label: {_said(rule.labels)}"
    if rule.published_within is not None:
        yield f"published within {_said(rule.published_within)}"


def _differences(before: Rules, after: Rules) -> Iterator[Difference]:
    known, new = ({each.name: each for each in rules.rules} for rules in (before, after))
    if before.fresh_for != after.fresh_for:
        key = ("told at once when published within", _said(before.fresh_for), _said(after.fresh_for))
        yield Difference("all rules", "changed", (key,))
    if before.others != after.others:
        yield Difference("others", "changed", tuple(_titles(before.others, after.others)))
    old_order = [name for name in known if name in new]
    new_order = [name for name in new if name in known]
    for number, (name, rule) in enumerate(new.items(), 1):
        if name not in known:
            yield Difference(name, "added", (("place", "", f"{number} of {len(new)}"), *_keys(None, rule)))
        elif keys := _keys(known[name], rule):
            yield Difference(name, "changed", keys)
    for name in _moved(old_order, new_order):
        places = (f"{list(known).index(name) + 1}", f"{list(new).index(name) + 1}")
        yield Difference(name, "moved", (("place", *places),))
    for name in known:
        if name not in new:
            yield Difference(name, "removed", (("reason", known[name].because, ""),))


def _titles(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    for name in sorted({*before, *after}):
        if before.get(name) != after.get(name):
            yield name, before.get(name, ""), after.get(name, "")


def _moved(before: Sequence[str], after: Sequence[str]) -> list[str]:
    """The fewest names that must have moved: all but the longest run still in order."""
    runs: list[list[str]] = []
    for name in after:
        at = before.index(name)
        fitting = [run for run in runs if before.index(run[-1]) < at]
        runs.append([*max(fitting, key=len), name] if fitting else [name])
    kept = max(runs, key=len) if runs else []
    return [name for name in after if name not in kept]


def _keys(before: Rule | None, after: Rule) -> tuple[tuple[str, str, str], ...]:
    found = []
    for name in Rule.model_fields:
        old = getattr(before, name) if before else Rule.model_fields[name].get_default()
        new = getattr(after, name)
        if old != new and name != "name":
            found.append((TITLES.get(name, name), _said(old) if before else "", _said(new)))
    return tuple(found)


def _said(value: Any) -> str:
    if value is None or value == () or value == {}:
        return "not asked"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return _or([f"{_plain(name)} {float(least):.0%} or more" for name, least in value.items()])
    if isinstance(value, tuple):
        return _or([_said(each) for each in value])
    if isinstance(value, timedelta):
        hours = value.total_seconds() / 3600
        return f"{hours:g} hours" if hours >= 1 else f"{hours * 60:g} minutes"
    if isinstance(value, float):
        return f"{value:.0%}"
    if isinstance(value, int) and isinstance(value, Enum):
        return f"SEV{int(value)}"
    return _plain(value.value if isinstance(value, Enum) else str(value))


def _plain(name: str) -> str:
    return FORCES.get(name) or name.removeprefix("allegation:").replace("_", " ")


def _or(values: Sequence[str]) -> str:
    return " or ".join(values)


def _listed(values: Sequence[Any]) -> str:
    return " and ".join(str(each) for each in values)


def _summary(found: Rehearsed) -> Iterator[str]:
    total = found.total
    yield (
        f"{found.posts:,} posts routed from {found.since:%-d %B %Y} to {found.until:%-d %B %Y} were routed again"
        + (f", read by {found.model}." if found.model else ".")
    )
    if found.same:
        yield f"No post would have been decided by another rule, and of {total.really:,} alerts none gained or lost."
    else:
        yield (
            f"Alerts: {total.really:,} were raised. {total.kept:,} would have been raised again, {total.lost:,} would"
            f" have been lost and {total.gained:,} gained. Posts that another rule would have decided:"
            f" {found.moved_posts:,}."
        )
    before, after = found.load_really, found.load_then
    yield (
        f"Alerts a day: {before.a_day:g} really, {after.a_day:g} in the rehearsal;"
        f" in the busiest hour {before.peak_hour:,} and {after.peak_hour:,}."
    )
    if found.shift.earlier or found.shift.later:
        yield (
            f"First alerts earlier: {found.shift.earlier:,}; later: {found.shift.later:,};"
            f" half of them by {_length(abs(found.shift.median_s))} or more."
        )
    if found.gone:
        yield (
            f"{found.gone:,} posts are no longer kept and could not be routed again; {found.unknowable:,} alerts had"
            " only such posts."
        )
    if found.missed_anyway or found.more_anyway or found.moved_anyway:
        yield (
            f"Not due to the change, as the rules in force make them too: {found.missed_anyway:,} alerts missing,"
            f" {found.more_anyway:,} more, {found.moved_anyway:,} posts under another rule. People took part in what"
            " really happened, and rules may have changed since."
        )


def _length(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} seconds"
    return f"{seconds / 60:.0f} minutes" if seconds < 5_400 else f"{seconds / 3600:.1f} hours"
