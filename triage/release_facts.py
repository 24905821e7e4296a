"""What a line may say of a release that was decided: its reference and what stands in the decision, as verified facts.

They are verified by whoever put the decision in force, and withdrawn when a later decision supersedes it; lines that
rest on them are then stale.
"""

from collections.abc import Iterator
from datetime import datetime

from sqlmodel import Session

from triage.case_facts import facts_of, note_fact, verify_fact, withdraw_fact
from triage.checking_facts import FactError, FactKinds
from triage.records import Person
from triage.release_records import BwvDecision, ReleaseOutcome

MINUTES_FROM_S = 120


def reference_of(made: BwvDecision) -> str:
    """How a line and its readers name the decision: `RELEASE/2026/000012`."""
    return f"RELEASE/{(made.decided_at or made.entered_at).year}/{made.number:06d}"


def give_facts(session: Session, made: BwvDecision, kinds: FactKinds, *, who: Person, now: datetime) -> None:
    """Note and verify what the decision settles. A fact that somebody verified otherwise is left for people."""
    verified = {each.name for each in facts_of(session, made.case_id) if each.verified_at is not None}
    for name, value in _facts(made):
        if name not in kinds.names or not _fits(kinds, name, value):
            continue
        fact = note_fact(session, made.case_id, name, value, _source(made), kinds, who=who, now=now)
        if name not in verified:
            verify_fact(session, fact.id, who=who, now=now)


def take_facts_back(
    session: Session, before: BwvDecision, made: BwvDecision, *, who: Person, now: datetime
) -> None:
    """Withdraw what an earlier decision settled, as a later one counts now."""
    for fact in facts_of(session, made.case_id):
        if fact.source == _source(before):
            why = f"BWV-{made.number} supersedes the decision it rests on"
            withdraw_fact(session, fact.id, why=why, who=who, now=now)


def _facts(made: BwvDecision) -> Iterator[tuple[str, str]]:
    if made.outcome != ReleaseOutcome.RELEASE:
        return
    yield "release_ref", reference_of(made)
    yield "redactions", ", ".join(made.redactions).lower()
    for each in made.told:
        if each["fact"]:
            yield str(each["fact"]), "yes" if each["at"] else "no"
    for name, seconds in (("clip_length", made.clip_s), ("encounter_length", made.encounter_s)):
        if seconds:
            yield name, _length(seconds)


def _fits(kinds: FactKinds, name: str, value: str) -> bool:
    """Whether a line can say it so; what is too long for one is left to people."""
    try:
        kinds.clean(name, value)
    except FactError:
        return False
    return True


def _length(seconds: float) -> str:
    if seconds <= MINUTES_FROM_S:
        return f"{max(round(seconds), 1)} second{'s' if round(seconds) > 1 else ''}"
    return f"{round(seconds / 60)} minutes"


def _source(made: BwvDecision) -> str:
    return f"Decision BWV-{made.number}, {made.first}" + (f" and {made.second}" if made.second else "")
