"""How a pack says times, lengths, shares and names of states: in London's time, in words."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from responders.blocks import SHAPES
from triage.records import Severity

LONDON = ZoneInfo("Europe/London")
NOT_RECORDED = "not recorded"


def moment(at: datetime | None) -> str:
    return at.astimezone(LONDON).strftime("%-d %b %Y, %H:%M") if at else "–"


def day(at: datetime) -> str:
    return at.astimezone(LONDON).strftime("%-d %B %Y")


def month(at: datetime) -> str:
    return at.astimezone(LONDON).strftime("%B %Y")


def said_of(period: tuple[datetime, datetime]) -> str:
    """From a first to a last day, both included."""
    return f"{day(period[0])} to {day(period[1] - timedelta(microseconds=1))} (London time)"


def length(span: timedelta | None) -> str:
    """A stretch of time in its two largest units, such as `2 h 5 min`."""
    if span is None:
        return "–"
    minutes, seconds = divmod(round(span.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    units = [(days, "d"), (hours, "h"), (minutes, "min"), (seconds, "s")]
    largest = next((at for at, (count, _unit) in enumerate(units) if count), len(units) - 1)
    return " ".join(f"{count} {unit}" for count, unit in units[largest : largest + 2] if count) or "0 s"


def share(part: int, whole: int) -> str:
    return f"{part}/{whole}" + (f" ({part / whole:.0%})" if whole else "")


def spaced(name: object) -> str:
    """`referral_decision` as words."""
    return str(name).replace("_", " ")


def graded(severity: int) -> str:
    """`◆ SEV2 high`."""
    shape, grade = SHAPES[Severity(severity)]
    return f"{shape} SEV{severity} {grade}"


def many(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
