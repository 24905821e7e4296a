"""All sheets by name: one place to find them, for the pages and the terminal."""

from collections.abc import Callable, Mapping
from datetime import datetime

from sqlmodel import Session

from triage.accountability.equality import equality
from triage.accountability.impact import impact
from triage.accountability.known import Known
from triage.accountability.models import data_sheet, model_card
from triage.accountability.register import register
from triage.accountability.reports import of_access, of_alarms, of_judgement
from triage.accountability.sheet import Sheet
from triage.accountability.transparency import transparency

Maker = Callable[[Session, Known, datetime], Sheet]

# what each is, in the order they are listed
SHEETS: Mapping[str, tuple[str, Maker]] = {
    "purposes": ("Why each source is read, by which law", lambda s, k, now: register(s, k, now=now)),
    "impact": ("What an impact assessment rests on (DPIA)", lambda s, k, now: impact(s, k, now=now)),
    "equality": ("Whether some are served less well (EIA)", lambda s, k, now: equality(s, k, now=now)),
    "transparency": ("The record to publish (ATRS)", lambda s, k, now: transparency(s, k, now=now)),
    "model-card": ("The model in use, and its figures", lambda s, k, now: model_card(s, k, now=now)),
    "data-sheet": ("What the model learnt from", lambda s, _k, now: data_sheet(s, now=now)),
    "judgement": ("How often people overrule, and how fast", lambda s, _k, now: of_judgement(s, now=now)),
    "alarm-load": ("What the duty desk has to bear", lambda s, _k, now: of_alarms(s, now=now)),
    "access": ("Who may do what, gone through each quarter", lambda s, _k, now: of_access(s, now=now)),
}


def make(name: str, session: Session, known: Known, *, now: datetime) -> Sheet:
    """One sheet. Raises KeyError for a name that is none."""
    return SHEETS[name][1](session, known, now)
