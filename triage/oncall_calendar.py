"""A rota as a calendar that other programs read (iCalendar, RFC 5545). Times are in UTC, so that no program has to know
when London's clocks change."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from icalendar import Calendar, Event, vDuration

from triage.oncall_roster import Duty, Rota


def calendar_of(
    rota: Rota, found: Sequence[Duty], names: Mapping[str, str], *, page: str, now: datetime
) -> bytes:
    """One event for each duty. An event keeps its UID when another takes over, and counts up, so that calendars
    replace it."""
    calendar = Calendar()
    calendar.add("prodid", "-//Golden Hour//On call//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add("x-wr-calname", f"On call: {rota.title}")
    calendar.add("refresh-interval", vDuration(timedelta(hours=1)), parameters={"value": "DURATION"})
    for duty in found:
        if duty.username is None and rota.covers != "always":
            continue
        event = Event()
        event.add("uid", f"{rota.name}-{duty.begins:%Y%m%dT%H%M%SZ}@goldenhour")
        event.add("sequence", int(now.timestamp()) // 60)
        event.add("dtstamp", now)
        event.add("dtstart", duty.begins)
        event.add("dtend", duty.ends)
        who = names.get(duty.username, duty.username) if duty.username else "nobody"
        event.add("summary", f"{rota.title}: {who}" + (f" ({duty.because})" if duty.because else ""))
        event.add("url", page)
        event.add("transp", "TRANSPARENT")
        calendar.add_component(event)
    written: bytes = calendar.to_ical()
    return written
