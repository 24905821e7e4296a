"""A source's state in words: why we do not see what it shows, and what to do about it."""

from datetime import datetime, timedelta

from collector.health import State
from collector.records import SourceRow
from triage.web.words import clock_time, spell

# the order in which states are shown, gravest first, and the groups they fall into
GROUPS = {
    "blind": "Blind",
    "failing": "Failing, seen a moment ago",
    "waiting": "Asked to wait",
    "calm": "Calm",
    "off": "Switched off",
}

REMEDIES = {
    State.STOPPED: "Renew its term or agreement, or switch it off in sources.toml",
    State.PAUSED: "It goes on by itself; a duty officer can end the pause",
    State.OVERDUE: "See the parts of the service: the schedule may be down",
    State.QUIET: "Open its address in a browser: it may have moved or stopped",
    State.RESTING: "Nothing: it is asked again by itself",
}


# a state as a heading, where it is not the group's
CALM = {State.WELL: "Live", State.OPEN: "Open", State.NEW: "Not yet read"}


def heading(state: State, group: str) -> str:
    """What stands beside a source's name."""
    return CALM.get(state) or GROUPS[group].split(",")[0]


def group_of(state: State, *, blind: bool) -> str:
    """Which group of the sources page a source belongs to."""
    if blind:
        return "blind"
    if state is State.OFF:
        return "off"
    return {State.FAILING: "failing", State.RESTING: "waiting"}.get(state, "calm")


def why(row: SourceRow, state: State, now: datetime) -> str | None:
    """What is wrong, to follow the source's name or "It"; None when nothing is."""
    match state:
        case State.FAILING:
            return f"cannot be read {_unread(row, now)}: {row.error or 'no reason recorded'}"
        case State.STOPPED:
            return f"is stopped: {row.stops_because or 'no reason recorded'}"
        case State.PAUSED if row.paused_until:
            return f"is paused until {clock_time(row.paused_until, now)} by {row.paused_by}: {row.paused_because}"
        case State.OVERDUE:
            return f"has not been looked at {_unread(row, now)}"
        case State.RESTING if row.rest_until:
            return f"asked us to wait until {clock_time(row.rest_until, now)}"
        case State.QUIET:
            return _silence(row, now)
        case _:
            return None


def remedy(row: SourceRow, state: State) -> str:
    """What to do about it."""
    return row.remedy or REMEDIES.get(
        state, "Ask it again on its page; if it stays so, open its address in a browser"
    )


def _unread(row: SourceRow, now: datetime) -> str:
    return f"for {spell(now - row.last_success_at)}" if row.last_success_at else "since it was set up"


def _silence(row: SourceRow, now: datetime) -> str:
    if row.rhythm_s is None or row.newest_at is None:
        return f"has brought nothing {_unread(row, now)}"
    usual = spell(timedelta(seconds=row.rhythm_s))
    return f"has shown nothing new for {spell(now - row.newest_at)} (usually one every {usual})"
