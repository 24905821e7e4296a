"""A pace: posts of a case in the last ten minutes, beside its own before and what the whole stream usually brings."""

from datetime import datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from triage.growth_rules import SpikeRules

LONDON = ZoneInfo("Europe/London")
WINDOW = timedelta(minutes=10)
LOOKS_BACK = timedelta(hours=6)
STEPS_AN_HOUR = 6
YOUNG = timedelta(minutes=30)  # a younger case has no pace of its own to be compared with
WEEKS, LEAST_WEEKS = 4, 2  # this many weeks back say what is usual at an hour; fewer say nothing


class Usual(NamedTuple):
    """What the stream usually brings in ten minutes of this hour of the week: the mean of `weeks` weeks."""

    posts: float = 0.0
    weeks: int = 0


class Pace(NamedTuple):
    """`now` posts were published in the last ten minutes, `before` in the `looked_back` before them. All other posts of
    the stream were `others` in the last ten minutes.
    """

    now: int = 0
    before: int = 0
    looked_back: timedelta = timedelta()
    others: int = 0
    usual: Usual = Usual()

    @property
    def own(self) -> float | None:
        """Posts in ten minutes before; None for a case too young to have a pace of its own."""
        if self.looked_back < YOUNG:
            return None
        return self.before / (self.looked_back / WINDOW)

    @property
    def surge(self) -> float | None:
        """How many times the usual all other posts are; None when nothing usual is known."""
        if self.usual.weeks < LEAST_WEEKS or self.usual.posts <= 0:
            return None
        return self.others / self.usual.posts


def spikes(pace: Pace, rules: SpikeRules) -> bool:
    """Whether the case comes much faster than before, and not only because everything does."""
    own = pace.own
    if own is None:
        return pace.now >= rules.posts_young
    grown = pace.now / max(own, 1.0)
    stream = max(1.0, pace.surge or 1.0)
    return pace.now >= rules.posts and grown >= rules.times and grown >= rules.times_the_stream * stream


def against_itself(pace: Pace) -> str:
    """Its pace beside its own before, in words that say over what time."""
    own, looked = pace.own, spelt(pace.looked_back)
    if own is None:
        return (
            f"The case is too young to compare: it was first told of {spelt(pace.looked_back + WINDOW)} ago."
        )
    if not pace.before:
        return f"There were none in the {looked} before."
    times = pace.now / own
    faster = f", now {times:,.0f} times as many" if times >= 1.5 else ""
    return f"Over the {looked} before, there were about {told(own)} in ten minutes{faster}."


def against_the_hour(pace: Pace, now: datetime) -> str:
    """All other posts beside what this hour of the week usually brings, in words that say how that is known."""
    hour = f"{now.astimezone(LONDON):%A, %H}:00"
    if pace.surge is None:
        known = "no week" if not pace.usual.weeks else f"only {pace.usual.weeks} week"
        return f"What is usual at this hour ({hour}) is not known yet: {known} of it is on record."
    return (
        f"All other posts: {pace.others:,} in the last ten minutes, usually about {told(pace.usual.posts)} "
        f"at this hour ({hour}, mean of {pace.usual.weeks} weeks)."
    )


def same_hours(now: datetime) -> list[datetime]:
    """The beginnings of this hour in earlier weeks, by London's clock."""
    local = now.astimezone(LONDON).replace(minute=0, second=0, microsecond=0)
    return [local - timedelta(weeks=back) for back in range(1, WEEKS + 1)]


def told(number: float) -> str:
    return f"{number:,.0f}" if number >= 10 else f"{number:.1f}".removesuffix(".0")


def spelt(length: timedelta) -> str:
    """`45 minutes`, `6 hours`."""
    minutes = max(1, round(length.total_seconds() / 60))
    if minutes < 120:
        return f"{minutes} minutes" if minutes > 1 else "minute"
    return f"{round(minutes / 60)} hours"
