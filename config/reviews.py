"""The oversight review as its files say it: when it meets, who sits in it, which panels there are."""

from config.settings import Settings
from triage.lifecycle import read_lifecycle
from triage.review.cycle import Cycle
from triage.review.group import read_group
from triage.review.meetings import Meetings, read_meetings
from triage.review.panels import read_panels


def meetings_of(settings: Settings) -> Meetings:
    """When it meets, off the bank holidays of tracks.toml. Raises ValueError with file, key and reason."""
    holidays = read_lifecycle(settings.file("tracks.toml")).bank_holidays
    return read_meetings(settings.file("review/meetings.toml"), holidays)


def cycle_of(settings: Settings) -> Cycle:
    """All of it. Raises ValueError with file, key and reason."""
    group = read_group(settings.file("review/group.toml"))
    return Cycle(meetings_of(settings), group, read_panels(settings.file("review/panels.toml")))
