"""What a claim's page says of answering it: how far it came, what each option reaches, what was chosen and followed."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlmodel import Session, col, select

from triage.case_facts import facts_of
from triage.claim_records import ClaimResponse, ClaimState, KnownClaim
from triage.issuing import issues
from triage.outcomes import HOURS, STEP, Volume, volume
from triage.responding import Reach, Weighed, advise, pace, reach_of, responses, weigh_options
from triage.response_policy import ResponsePolicy
from triage.statement_records import CaseFact, Statement, StatementIssue, StatementState
from triage.web.plots import Panel, panel
from triage.web.visit import Visit
from triage.web.words import LONDON
from triage.writing import FALSEHOOD

# The order of a line that answers a claim: the truth first and last, the claim once.
ORDER = (
    ("Fact", "truth", "what is true, as a whole sentence"),
    ("Warning", "", "that something else is being said, in a few words, once"),
    ("How it misleads", "false_how", "what is wrong with it, and how we know"),
    ("Fact", "truth", "what is true, again"),
)


class Step(NamedTuple):
    """One step of the order, with the fact that fills it."""

    title: str
    says: str
    fact: CaseFact | None


class Answering(NamedTuple):
    """All that stands on a claim's page about answering it; a line on it `follows` the issued one. `after` is its
    volume around the last choice."""

    policy: ResponsePolicy
    reach: Reach
    pace: str
    advice: str
    options: list[Weighed]
    chosen: Sequence[ClaimResponse]
    after: Volume | None
    plot: Panel | None
    order: list[Step]
    template: str
    follows: int | None


class Told(NamedTuple):
    """A line of ours that was wrong, and where it went."""

    line: Statement
    issues: Sequence[StatementIssue]


def read_answering(visit: Visit, claim: KnownClaim, waiting: int) -> Answering | None:
    """What is known of answering a claim, with so many posts that wait for a person; none without a policy, and of a
    statement of ours."""
    policy, session = visit.room.policies.responses, visit.session
    if policy is None or claim.ours:
        return None
    reach = reach_of(session, claim, now=visit.now)
    chosen = responses(session, claim)
    after = volume(session, claim, chosen[0].at) if chosen else None
    falsehood = claim.state in (ClaimState.FALSE, ClaimState.PARTIAL)
    return Answering(
        policy=policy,
        reach=reach,
        pace=pace(reach),
        advice=advise(claim.type, policy, reach, waiting),
        options=weigh_options(session, claim, policy, reach),
        chosen=chosen,
        after=after,
        plot=_plot(claim, after) if after else None,
        order=_order(session, claim),
        template=FALSEHOOD if falsehood else "",
        follows=_standing(session, claim) if falsehood else None,
    )


def read_told(session: Session, claim: KnownClaim) -> Told | None:
    """Who got the line that this claim is, once it is known to be wrong."""
    if not claim.ours or not claim.met_wrong:
        return None
    line = session.exec(select(Statement).where(Statement.claim_id == claim.id)).first()
    return Told(line, issues(session, line.id)) if line else None


def _standing(session: Session, claim: KnownClaim) -> int | None:
    """The number of the issued line that a line on this claim would follow."""
    asked = select(Statement.number).where(
        Statement.case_id == claim.case_id, Statement.state == StatementState.ISSUED
    )
    return session.exec(asked.order_by(col(Statement.issued_at).desc())).first()


def _order(session: Session, claim: KnownClaim) -> list[Step]:
    known = {each.name: each for each in facts_of(session, claim.case_id) if each.verified_at is not None}
    return [Step(title, says, known.get(name)) for title, name, says in ORDER]


def _plot(claim: KnownClaim, around: Volume) -> Panel:
    says = f"Posts that make it: {around.before:,} in the {HOURS} hours before the choice, {around.after:,} since"
    marks = {
        nth: f"{(around.begins + nth * STEP).astimezone(LONDON):%H:%M}"
        for nth in range(0, len(around.steps), HOURS // 2)
    }
    marks[HOURS] = "choice"
    return panel(f"C-{claim.number}", says, around.steps, marks)
