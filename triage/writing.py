"""What writing lines goes by: the kinds of lines there are, the checker, which facts can be noted, explainers."""

from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from sqlmodel import Session, col, select

from triage.amplifiers import Amplifiers
from triage.case_facts import facts_of, said
from triage.checking import Checker
from triage.checking_context import VARIANTS, Claimed, Context, Finding
from triage.checking_facts import Fact, FactKinds
from triage.checking_rules import Checks
from triage.claim_records import DECIDED, ClaimState, KnownClaim
from triage.clocks import LONDON
from triage.records import Case
from triage.second import Seconds
from triage.statement_records import Statement, StatementState
from triage.track_records import BodyWornVideo, Prompt

FALSEHOOD = "false-claim"  # the template of a line that calls a claim false
OWN = "own"  # the template of a line in somebody's own words
SHORT = 280
APPROVED_FOR = timedelta(hours=4)  # an approved line that nobody issued is looked at again
FLAGS = {
    "active_proceedings": "Somebody is under arrest, on bail or charged",
    "child": "A child, or somebody vulnerable",
    "sexual_offence": "A sexual offence is alleged",
    "finding_made": "There is a finding or a result",
    "final": "No further update is due after this line",
}
NAMES = {
    "long": "Line",
    "short": "Short, for social media",
    "bcu": "In the BCU’s voice",
    "internal": "For officers and staff",
    "stakeholder": "For IAG and stakeholders",
    "if_asked": "If asked",
    "headline": "Headline",
}


class LineKind(NamedTuple):
    """A template as people choose it. `second` names who approves besides the first approver, where two must.

    `required` are facts it cannot do without that people verify, `because` what its owner demands of whoever writes it,
    `meant_for` whether it is for cases like this one.
    """

    name: str
    title: str
    approver: str = ""
    second: str = ""
    required: tuple[str, ...] = ()
    because: tuple[str, ...] = ()
    owner: str = ""
    review_on: date | None = None
    meant_for: Callable[[Case], bool] = lambda _case: True


class Explainer(NamedTuple):
    """Background on a tactic that may be offered with a line. `types` are the kinds of cases it is for, `labels` the
    classifier's for posts that speak of it."""

    name: str
    title: str
    text: str
    types: tuple[str, ...] = ()
    owner: str = ""
    review_on: date | None = None
    labels: tuple[str, ...] = ()


class Writing(NamedTuple):
    """Everything that is read from files at start."""

    kinds: tuple[LineKind, ...]
    checker: Checker
    facts: FactKinds
    explainers: tuple[Explainer, ...] = ()
    amplifiers: Amplifiers | None = None
    seconds: Seconds | None = None

    def kind(self, name: str) -> LineKind:
        """The kind of a line; of one whose template is gone, or that somebody began, what can be said of it."""
        return next((each for each in self.kinds if each.name == name), LineKind(name, "In our own words"))


def own_words() -> Writing:
    """Writing without templates, rules or a list of facts: only lines in one's own words."""
    return Writing((), Checker(Checks()), FactKinds.model_construct(sorts={}, fact=()))


def wordings(line: Statement) -> dict[str, str]:
    """Every wording of a line by its name; the long one first."""
    return {"long": line.text, **{name: text for name, text in line.variants.items() if text}}


def second_because(line: Statement, case: Case, writing: Writing) -> str:
    """Why a second person must approve this line, as it and its case stand now; empty when one is enough."""
    named = writing.kind(line.template).second
    if named or writing.seconds is None:
        return named
    return writing.seconds.because(line.flags, case.type, list(wordings(line).values()))


def ours(session: Session, case: Case, line: Statement) -> Context:
    """What the checker must know beside the words of a line."""
    bwv = session.get(BodyWornVideo, case.id)
    apology = session.get(Prompt, (case.id, "apology"))
    claims = session.exec(select(KnownClaim).where(KnownClaim.case_id == case.id, ~col(KnownClaim.ours)))
    issued = select(Statement).where(
        Statement.case_id == case.id, Statement.state == StatementState.ISSUED, Statement.id != line.id
    )
    return Context(
        facts=checked_facts(session, line),
        headline=line.variants.get("headline", ""),
        home=tuple(each for each in (case.borough, case.bcu) if each),
        earlier=tuple(
            each.text
            for each in session.exec(issued.order_by(col(Statement.issued_at)))
            if each.id != line.follows
        ),
        claims=tuple(Claimed(each.text, each.state) for each in claims if not each.withdrawn_at),
        expires_at=line.expires_at,
        bwv_viewed=bool(bwv and bwv.viewings),
        apology_approved=bool(apology and apology.answer == "Given"),
        corrects=line.correction,
        cleared=frozenset(line.cleared),
        active_proceedings="active_proceedings" in line.flags,
        child="child" in line.flags,
        sexual_offence="sexual_offence" in line.flags,
        finding_made="finding_made" in line.flags,
        final="final" in line.flags,
    )


def checked_facts(session: Session, line: Statement) -> tuple[Fact, ...]:
    """The facts of the case, and what the service itself put into the line."""
    own = [each for each in line.facts if "id" not in each]
    known = [
        Fact(
            each["name"],
            each["value"],
            each["source"],
            each.get("verified_by"),
            _moment(each.get("verified_at")),
        )
        for each in own
    ]
    return (*(said(each) for each in facts_of(session, line.case_id)), *known)


def check_line(
    writing: Writing,
    context: Context,
    texts: Mapping[str, str],
    *,
    corrects: Statement | None = None,
    also: tuple[Finding, ...] = (),
    now: datetime,
) -> dict[str, tuple[Finding, ...]]:
    """What the checker finds in each wording, by its name; those without words are not asked. `corrects` is the
    earlier line that this one corrects, `also` what is found of the line whatever its words."""
    return {
        name: (_undated(texts[name], corrects) if corrects and name in ("long", "short") else ())
        + (_too_long(texts[name]) if name == "short" else ())
        + (also if name == "long" else ())
        + writing.checker.check(texts[name], context._replace(now=now, variant=name))
        for name in VARIANTS
        if texts.get(name, "").strip()
    }


def blocking(found: dict[str, tuple[Finding, ...]]) -> list[Finding]:
    return [each for findings in found.values() for each in findings if each.blocks]


def warned(found: dict[str, tuple[Finding, ...]]) -> list[Finding]:
    """One of each rule that only warns, however often it found something."""
    return list(
        {each.rule: each for findings in found.values() for each in findings if not each.blocks}.values()
    )


def _undated(text: str, before: Statement) -> tuple[Finding, ...]:
    """A correction names the day of the line it corrects."""
    if before.issued_at is None:
        return ()
    local = before.issued_at.astimezone(LONDON)
    day = f"{local.day} {local:%B}"
    if day in text:
        return ()
    why = f"A correction says which line it corrects: name its day, {day}."
    return (Finding("both_dates", True, 0, 0, "", why, "docs/operating.md, corrections"),)


def falsehood(session: Session, line: Statement) -> tuple[Finding, ...]:
    """A line that calls a claim false is for claims that people decided so, on evidence."""
    if line.template != FALSEHOOD:
        return ()
    known = session.exec(
        select(KnownClaim).where(col(KnownClaim.id).in_([UUID(each) for each in line.answers]))
    )
    states = {each.number: each.state for each in known}
    open_ = [number for number, state in states.items() if state not in DECIDED]
    if states and not open_:
        return ()
    why = (
        f"Nobody has decided on evidence that C-{open_[0]} is false or lacks context: decide it first."
        if open_
        else "Tick which claim this line answers: one that was decided false on evidence, or lacks context."
    )
    true = ClaimState.TRUE in states.values()
    return (Finding("claim_undecided", true, 0, 0, "", why, "domain 5.3, H6"),)


def _too_long(text: str) -> tuple[Finding, ...]:
    """The short wording is for where no more fits."""
    over = len(text.strip()) - SHORT
    if over <= 0:
        return ()
    why = f"The short wording has {over} characters too many: {SHORT} fit."
    return (Finding("too_long", True, 0, 0, "", why, "domain 5.2, short wording"),)


def _moment(written: str | None) -> datetime | None:
    return datetime.fromisoformat(written) if written else None
