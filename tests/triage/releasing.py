"""Forms about body-worn video as people fill them in, and cases whose video was viewed, for tests of its release."""

from datetime import timedelta
from typing import Any

from sqlmodel import Session

from config.settings import HERE
from tests.make import LIFECYCLE, NOON
from triage.body_worn import Known, note_body_worn, note_viewing
from triage.checking_facts import read_fact_kinds
from triage.records import Case, Person
from triage.release_form import Given, Told
from triage.release_policy import ReleasePolicy, read_release_policies

POLICIES = read_release_policies(sorted((HERE / "policy").glob("bwv-*.toml")))
KINDS = read_fact_kinds(HERE / "statements" / "facts.toml")
OLD, NEW = POLICIES
ASKED = NOON - timedelta(hours=5)


def viewed(session: Session, case: Case, who: Person) -> None:
    """The body-worn video of the case exists, lasted eleven minutes, and a supervisor has viewed it."""
    note_body_worn(session, case.id, Known("yes", "BWV/77", encounter_s=660), who=who, now=NOON)
    note_viewing(session, case.id, "Supervisor", LIFECYCLE, who=who, now=NOON)
    session.commit()


def form(policy: ReleasePolicy = NEW, outcome: str = "release", **given: Any) -> Given:
    """A form in which everything is answered."""
    said: dict[str, Any] = {
        "policy": policy.version,
        "outcome": outcome,
        "asked_at": ASKED,
        "answers": {each.name: "As weighed with legal services" for each in policy.consideration},
        "exception": policy.exception[0].name if policy.exception else "",
        "necessity": "A short clip leaves out how it began",
        "proportionality": "Only the street is shown",
        "redactions": policy.redactions[:2],
        "told": {each.name: Told(NOON - timedelta(hours=1)) for each in policy.told},
        "reason": policy.refusal[0].name if outcome == "do_not_release" else "",
        "why": "People judge a short clip",
    }
    return Given(**{**said, **given})
