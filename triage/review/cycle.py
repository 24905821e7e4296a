"""The cycle of the oversight review: when it meets, by which terms of reference, and which panels stand around it."""

from typing import NamedTuple

from triage.review.group import Group
from triage.review.meetings import Meetings
from triage.review.panels import Panels


class Cycle(NamedTuple):
    meetings: Meetings
    group: Group
    panels: Panels
