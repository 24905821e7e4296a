"""How a line is shown: its words with what the checker found in them, wordings, facts, approvals, where it went."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from typing import NamedTuple
from uuid import UUID

from fastapi import HTTPException
from sqlmodel import Session, col, select

from triage.amplifiers import Outlet
from triage.approving import lacks_second, writers
from triage.background import offered
from triage.case_facts import facts_of
from triage.checking_context import VARIANTS, Finding
from triage.checking_facts import NamedFact
from triage.claim_records import KnownClaim
from triage.issuing import Reached, follow_ups, issues, late, reached
from triage.outcomes import HOURS, STEP, Adopted, PickUp, Volume, adopted, pick_up, volumes
from triage.promised import promised
from triage.records import Case
from triage.statement_records import (
    CaseFact,
    Statement,
    StatementApproval,
    StatementComment,
    StatementIssue,
    StatementState,
    StatementVersion,
)
from triage.statements import approvals
from triage.web.plots import Panel, panel
from triage.web.visit import Visit
from triage.web.wording import Part, changes
from triage.web.words import LONDON
from triage.writing import (
    FLAGS,
    NAMES,
    OWN,
    Explainer,
    LineKind,
    Writing,
    check_line,
    falsehood,
    ours,
    own_words,
    second_because,
    wordings,
)

NO_FACTS = "No list of facts was read: config/statements/facts.toml."


class Marked(NamedTuple):
    """A stretch of text, and the numbers of the findings in it."""

    text: str
    numbers: tuple[int, ...]
    blocks: bool


class Checked(NamedTuple):
    """What the checker makes of one wording: its words marked, and the findings by number, each with the titles of the
    other wordings it is in too. It stands with the first of them."""

    name: str
    title: str
    marked: list[Marked]
    found: list[tuple[int, Finding, list[str]]]
    length: int
    words: int


class Check(NamedTuple):
    """What the checker makes of a whole line. `warns` has one of each rule that only warns."""

    wordings: list[Checked]
    stops: int
    warns: list[Finding]

    @property
    def says(self) -> str:
        """The outcome in a sentence, to be read aloud."""
        if not self.stops and not self.warns:
            return "The checker found nothing." if self.wordings else "There are no words to check yet."
        stops = f"{self.stops} {'stops' if self.stops == 1 else 'stop'} the line" if self.stops else ""
        warns = f"{len(self.warns)} {'warning' if len(self.warns) == 1 else 'warnings'}" if self.warns else ""
        return f"The checker: {', '.join(each for each in (stops, warns) if each)}."


class Wording(NamedTuple):
    """One wording that was kept, and how each text differs from the one before."""

    version: StatementVersion
    differences: list[tuple[str, list[Part]]]


class Rumour(NamedTuple):
    """One claim that a line answers, before and after it."""

    volume: Volume
    plot: Panel


class LinePage(NamedTuple):
    """All that the page of a line shows beside the line and its check. `short` says why an approved line waits for a
    second person; `late` that what went out may still be recorded; `promise` is the time its words give for the next
    update, as a field takes it."""

    kind: LineKind
    second: str
    short: str
    late: bool
    promise: str
    approvals: Sequence[StatementApproval]
    mine: bool
    approved_by_me: bool
    facts: list[tuple[CaseFact, str]]
    fact_kinds: Sequence[NamedFact]
    wordings: list[Wording]
    comments: Sequence[StatementComment]
    issues: Sequence[StatementIssue]
    before: Statement | None
    reached: list[Reached]
    after: Sequence[Statement]
    claims: Sequence[KnownClaim]
    explainers: list[Explainer]
    outlets: Sequence[Outlet]
    pick_up: PickUp
    rumours: list[Rumour]
    adopted: Adopted | None


def writing_of(visit: Visit) -> Writing:
    """What writing goes by here."""
    return visit.room.policies.writing or own_words()


def chosen(visit: Visit, template: str) -> LineKind:
    """The kind of line that somebody asks for. Raises 422 for a template that is not there."""
    writing = writing_of(visit)
    if template not in (OWN, *(each.name for each in writing.kinds)):
        raise HTTPException(422, "Choose one of the templates, or your own words.")
    return writing.kind(template)


def read_line(visit: Visit, case: Case, line: Statement) -> LinePage:
    """Everything about a line."""
    session, writing = visit.session, writing_of(visit)
    kind = writing.kind(line.template)
    signed = approvals(session, line)
    before = session.get(Statement, line.follows) if line.follows else None
    return LinePage(
        kind=kind,
        second=second_because(line, case, writing),
        short=lacks_second(session, line, case, writing) if line.state == StatementState.APPROVED else "",
        late=late(line),
        promise=_promise(line, visit.now),
        approvals=signed,
        mine=visit.person.username in writers(session, line),
        approved_by_me=visit.person.username in {each.who for each in signed},
        facts=shown_facts(session, case.id, writing),
        fact_kinds=[each for each in writing.facts.fact if not each.ours],
        wordings=_wordings(session, line),
        comments=_comments(session, line),
        issues=issues(session, line.id),
        before=before,
        reached=reached(session, line),
        after=follow_ups(session, line.id),
        claims=_claims(session, case.id),
        explainers=offered(session, case, writing.explainers),
        outlets=writing.amplifiers.of(case.borough) if writing.amplifiers else (),
        pick_up=pick_up(session, line),
        rumours=[Rumour(each, _plot(each)) for each in volumes(session, line)],
        adopted=adopted(session, line, before),
    )


def read_check(
    visit: Visit,
    case: Case,
    line: Statement,
    texts: Mapping[str, str] | None = None,
    flags: Sequence[str] = (),
) -> Check:
    """What the checker makes of a line, or of these texts that somebody is writing."""
    context = ours(visit.session, case, line)
    if texts is not None:
        said = {name: name in flags for name in FLAGS}
        context = context._replace(**said, headline=texts.get("headline", ""))  # type: ignore[arg-type]
    else:
        texts = wordings(line)
    earlier = visit.session.get(Statement, line.follows) if line.follows and line.correction else None
    also = falsehood(visit.session, line)
    found = check_line(writing_of(visit), context, texts, corrects=earlier, also=also, now=visit.now)
    return _check(found, texts)


def _check(found: Mapping[str, Sequence[Finding]], texts: Mapping[str, str]) -> Check:
    """The findings of every wording numbered, what is the same in several once."""
    numbers: dict[tuple[object, ...], int] = {}
    also: dict[int, list[str]] = {}
    made = []
    for name, findings in found.items():
        text, first = texts[name], len(numbers)
        ordered = sorted(_pointed(findings), key=lambda each: (each.start, each.end))
        numbered = [(numbers.setdefault(_same(each), len(numbers) + 1), each) for each in ordered]
        own = {number: each for number, each in numbered if number > first}
        for number in {number for number, _ in numbered if number <= first}:
            also[number].append(NAMES[name])
        listed = [(number, each, also.setdefault(number, [])) for number, each in own.items()]
        made.append(Checked(name, NAMES[name], marked(text, numbered), listed, len(text), len(text.split())))
    flat = [finding for findings in found.values() for finding in _pointed(findings)]
    return Check(
        made,
        len({_same(each) for each in flat if each.blocks}),
        list({each.rule: each for each in flat if not each.blocks}.values()),
    )


def _pointed(findings: Sequence[Finding]) -> list[Finding]:
    """Without those that say of a whole stretch what one other of their rule says of the words in it."""

    def inner(whole: Finding) -> int:
        return sum(
            each.rule == whole.rule and each.blocks >= whole.blocks and whole.start <= each.start
            and each.end <= whole.end and 0 < each.end - each.start < whole.end - whole.start
            for each in findings
        )  # fmt: skip

    return [each for each in findings if inner(each) != 1]


def _same(each: Finding) -> tuple[object, ...]:
    return each.rule, each.blocks, each.words.casefold(), each.why


def marked(text: str, numbered: Sequence[tuple[int, Finding]]) -> list[Marked]:
    """The text cut at the borders of the findings in it."""
    spans = [(number, each) for number, each in numbered if 0 <= each.start < each.end <= len(text)]
    borders = sorted({0, len(text), *(each.start for _, each in spans), *(each.end for _, each in spans)})
    return [
        Marked(
            text[start:end],
            tuple(number for number, each in spans if each.start <= start and end <= each.end),
            any(each.blocks for _, each in spans if each.start <= start and end <= each.end),
        )
        for start, end in pairwise(borders)
    ]


def shown_facts(session: Session, case_id: UUID, writing: Writing) -> list[tuple[CaseFact, str]]:
    """The facts of a case with their titles: verified ones first, withdrawn ones last."""
    titles = {each.name: each.title for each in writing.facts.fact}
    found = sorted(
        facts_of(session, case_id, withdrawn=True),
        key=lambda each: (each.withdrawn_at is not None, each.verified_at is None, each.noted_at),
    )
    return [(each, titles.get(each.name, each.name.replace("_", " "))) for each in found]


def _promise(line: Statement, now: datetime) -> str:
    told = promised(line.text, line.approved_at or now)
    return f"{told:%Y-%m-%dT%H:%M}" if told is not None and "final" not in line.flags else ""


def _wordings(session: Session, line: Statement) -> list[Wording]:
    """Every wording, the newest first, each against the one before."""
    kept = session.exec(
        select(StatementVersion)
        .where(StatementVersion.statement_id == line.id)
        .order_by(col(StatementVersion.number))
    ).all()
    made = [Wording(kept[0], [])] if kept else []
    for before, after in pairwise(kept):
        differences = [
            (NAMES[name], changes(before.texts.get(name, ""), after.texts.get(name, "")))
            for name in (*VARIANTS, "headline")
            if before.texts.get(name, "") != after.texts.get(name, "")
        ]
        made.append(Wording(after, differences))
    return made[::-1]


def _comments(session: Session, line: Statement) -> Sequence[StatementComment]:
    asked = select(StatementComment).where(StatementComment.statement_id == line.id)
    return session.exec(asked.order_by(col(StatementComment.at).desc())).all()


def _claims(session: Session, case_id: UUID) -> Sequence[KnownClaim]:
    """Claims of the case that a line may answer: not ours, not merged, not taken off."""
    asked = select(KnownClaim).where(
        KnownClaim.case_id == case_id,
        ~col(KnownClaim.ours),
        col(KnownClaim.merged_into).is_(None),
        col(KnownClaim.withdrawn_at).is_(None),
    )
    return session.exec(asked.order_by(col(KnownClaim.number))).all()


def _plot(volume: Volume) -> Panel:
    claim = f"C-{volume.claim.number}"
    says = f"{claim}: seen {volume.before:,} times in the {HOURS} hours before the line, {volume.after:,} times since"
    marks = {
        nth: f"{(volume.begins + nth * STEP).astimezone(LONDON):%H:%M}"
        for nth in range(0, len(volume.steps), HOURS // 2)
    }
    marks[HOURS] = "line"
    return panel(claim, says, volume.steps, marks)
