"""How the desk says things: lengths of time, sureness, kinds, in plain words."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from triage.records import Severity

LONDON = ZoneInfo("Europe/London")

SEVERITY = {
    Severity.SEV1: "critical",
    Severity.SEV2: "high",
    Severity.SEV3: "moderate",
    Severity.SEV4: "low",
    Severity.SEV5: "none",
}

TYPE = {
    "death_or_firearms": "Death or firearms",
    "use_of_force": "Use of force",
    "pursuit_collision": "Pursuit or collision",
    "stop_search": "Stop and search",
    "officer_harmed": "Officer harmed",
    "arrest_detention": "Arrest or detention",
    "other_encounter": "Other encounter",
    "officer_conduct": "Officer conduct",
    "none": "No encounter",
}

STATUS = {
    "detected": "New",
    "triaged": "Being looked at",
    "watch": "On watch",
    "confirmed": "Confirmed",
    "noise": "Closed: noise",
    "not_ours": "Closed: not ours",
    "opinion": "Closed: opinion only",
    "closed": "Closed",
}

FORCE = {
    "met": "Metropolitan Police",
    "btp": "British Transport Police",
    "col": "City of London Police",
    "other_uk": "another UK force",
    "overseas": "police abroad",
    "unknown": "not known",
}

DESK = {"comms": "Comms", "oversight": "Oversight"}

# the twelve basic command units, codes as the Met published them in April 2024
BCU = {
    "AS": "Central South",
    "AW": "Central West",
    "CE": "Central East",
    "CN": "Central North",
    "EA": "East Area",
    "NA": "North Area",
    "NE": "North East",
    "NW": "North West",
    "SE": "South East",
    "SN": "South Area",
    "SW": "South West",
    "WA": "West Area",
}

NAMED = {
    "bluesky": "Bluesky",
    "mastodon": "Mastodon",
    "reddit": "Reddit",
    "telegram": "Telegram",
    "threads": "Threads",
}
NAMED |= {"x": "X", "youtube": "YouTube"}
LINKED = {
    "feed": "Open the page",
    "manual": "Open the pasted link",
    "tip": "Open the link in the tip",
    "mail": "Open the link",
}

# why a case needs nothing from us, by what it then is: the likely reasons
REASONS = {
    "noise": ("No police encounter is reported", "Fiction, game, film or history", "Spam or automatic posts"),
    "not_ours": ("Another force's officers", "Outside London", "Not police: security or enforcement staff"),
    "opinion": (
        "Comment only, nothing is reported",
        "Complaint, not force: signposted",
        "Praise, nothing to do",
    ),
}

UNVERIFIED_FROM = (
    0.3  # calibrated: of posts held this unverified one in three spreads a rumour; few reach 0.5
)


def spell(length: timedelta) -> str:
    """A length of time as a person says it, in its largest one or two units."""
    seconds = max(int(length.total_seconds()), 0)
    if seconds < 60:
        return f"{seconds} s"
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    if minutes < 60:
        return f"{minutes} min"
    if hours < 24:
        return f"{hours} h {minutes % 60} min" if minutes % 60 and hours < 10 else f"{hours} h"
    return "1 day" if days == 1 else f"{days} days"


def left(due: datetime, now: datetime) -> str:
    """What is left until `due`, or that it is over, in words: `04:10 left`, `3 h left`, `overdue by 12 min`."""
    seconds = int((due - now).total_seconds())
    if seconds < 0:
        return f"overdue by {spell(now - due)}"
    if seconds < 3600:
        return f"{seconds // 60:02d}:{seconds % 60:02d} left"
    return f"{spell(due - now)} left"


def ago(moment: datetime, now: datetime) -> str:
    return "just now" if now - moment < timedelta(seconds=5) else f"{spell(now - moment)} ago"


def clock_time(moment: datetime, now: datetime) -> str:
    """London time: `02:14` today, `13 Jul 02:14` this year, else with the year."""
    local, today = moment.astimezone(LONDON), now.astimezone(LONDON)
    if local.date() == today.date():
        return f"{local:%H:%M}"
    if local.year == today.year:
        return f"{local.day} {local:%b %H:%M}"
    return f"{local.day} {local:%b %Y %H:%M}"


def day(moment: datetime) -> str:
    local = moment.astimezone(LONDON)
    return f"{local.day} {local:%B %Y}"


def weekday(moment: datetime) -> str:
    return f"{moment.astimezone(LONDON):%A}"


def hour(moment: datetime) -> str:
    """London time of day, such as `10:00`."""
    return f"{moment.astimezone(LONDON):%H:%M}"


def london_day(moment: datetime) -> str:
    """London's day as an address has it, such as `2026-07-14`."""
    return moment.astimezone(LONDON).date().isoformat()


def whether(p: float) -> str:
    """How sure we are that a case is a real incident, as said beside it."""
    return {"likely": "likely an incident", "unlikely": "unlikely an incident"}.get(
        likely(p), "cannot tell yet"
    )


def likely(p: float) -> str:
    """A probability as a word; the figure stays one look away."""
    if p >= 0.65:
        return "likely"
    return "cannot tell" if p > 0.35 else "unlikely"


def percent(p: float) -> str:
    return f"{round(100 * p)}%"


def plain(name: str) -> str:
    """A name from a rule or clock as words: `first_line` reads `First line`."""
    said = name.replace("_", " ").replace("-", " ").strip().replace("bwv", "BWV").replace("dps", "DPS")
    return said[:1].upper() + said[1:]


def opening(platform: str) -> str:
    """What the link of a post is called: `Open on Bluesky`; of a tip it is what the tip pointed at."""
    return LINKED.get(platform) or f"Open on {NAMED.get(platform, platform)}"


def count(number: int, one: str, many: str = "") -> str:
    """`1 post`, `412 posts`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def capital(text: str) -> str:
    """A sentence's beginning; the rest stays as it is."""
    return text[:1].upper() + text[1:]
