"""The later half of a case sheet in the full copy: findings, actions, what a BCU was told, clocks, cases alike, log."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from uuid import UUID

from responders.packs.document import (
    SOFT,
    Block,
    Heading,
    Listing,
    Paragraph,
    Run,
    Table,
    columns_of,
    rows_of,
    words,
)
from responders.packs.rows import Sheet
from responders.packs.saying import LONDON, NOT_RECORDED, day, length, many, moment, spaced
from triage.release_records import BwvDecision
from triage.review.finding_records import Action, Finding
from triage.review.merging import origins


def decided_of(sheet: Sheet) -> Iterator[Block]:
    yield _findings(sheet)
    yield _actions(sheet)
    yield _told(sheet)
    yield from _prompts(sheet)
    yield from _clocks(sheet)


def _came(came: Mapping[UUID, int], row: UUID) -> str:
    return f" (with GH-{came[row]})" if row in came else ""


def _findings(sheet: Sheet) -> Table:
    came = origins(sheet.log)
    columns = columns_of("Meeting:1.1 | Found:1.9 | Spoken with:1.2 | Decision, and why:2.6 | Dissent:1.4")
    rows = [
        (
            (day(sheet.met[each.review_id]) if each.review_id in sheet.met else NOT_RECORDED)
            + _came(came, each.id),
            "; besides: ".join(filter(None, (each.code, ", ".join(each.secondary)))),
            _spoken(each),
            f"{each.decision}. {each.why}",
            "; ".join(f"{one['post']}: {one['words']}" for one in each.dissent) or "none recorded",
        )
        for each in sheet.findings
    ]
    return Table("Findings", columns, rows_of(rows), "The group has not found on this case yet.")


def _spoken(finding: Finding) -> str:
    """How people were spoken with: its quality, and whether more of it would have avoided force."""
    if not finding.reviewed:
        return "not discussed"
    scored = f"{finding.communication} of 5" if finding.communication else "not scored"
    return (
        f"{scored}; more talking instead of force: {spaced(finding.talk) if finding.talk else 'not answered'}"
    )


def _actions(sheet: Sheet) -> Table:
    came = origins(sheet.log)
    columns = columns_of("Action:0.8 | What:2.4 | Owner:1.3 | Due:1.2 | Standing:2.4")
    rows = [
        (
            f"A-{each.number}{_came(came, each.id)}",
            f"{each.words} ({each.target})",
            each.owner_post,
            moved(each),
            standing(each),
        )
        for each in sheet.actions
    ]
    return Table("Actions", columns, rows_of(rows), "No action was asked for.")


def moved(action: Action) -> str:
    """Its due date, and the first one where it was moved."""
    first = f" (first {action.first_due_on:%-d %b})" if action.first_due_on != action.due_on else ""
    return f"{action.due_on:%-d %b %Y}{first}"


def standing(action: Action, *, at: datetime | None = None) -> str:
    """Where an action stands, or stood at a moment."""
    closed, completed = (
        each if each and (at is None or each < at) else None
        for each in (action.closed_at, action.completed_at)
    )  # fmt: skip
    if closed:
        came = spaced(action.outcome) if action.outcome else "closed"
        return f"closed {closed.astimezone(LONDON):%-d %b %Y}: {came}"
    if completed:
        return (
            f"said to be done {completed.astimezone(LONDON):%-d %b %Y} ({action.evidence or 'no evidence'})"
        )
    late = (at.astimezone(LONDON).date() - timedelta(days=1) - action.due_on).days if at else 0
    return f"open, {many(late, 'day')} overdue" if late > 0 else "open"


def _told(sheet: Sheet) -> Table:
    columns = columns_of("Told to:1.2 | Due:1.2 | Sent:1.4 | The officer was told:2")
    rows = [
        (
            each.sent_to or each.bcu or "a BCU",
            moment(each.due_at),
            moment(each.sent_at) + (" (late)" if each.sent_at and each.sent_at > each.due_at else ""),
            f"confirmed {moment(each.confirmed_at)} by {each.confirmed_by}"
            if each.confirmed_at
            else "not confirmed yet",
        )
        for each in sheet.feedback
    ]
    return Table("Told to the BCU", columns, rows_of(rows), "Nothing is due to be told.")


def _prompts(sheet: Sheet) -> Iterator[Block]:
    prompts = [
        (
            spaced(each.name).capitalize(),
            each.answer or "not answered",
            each.decided_by or "–",
            moment(each.answered_at),
            each.why or "–",
        )
        for each in sheet.prompts
    ]
    asked = columns_of("Asked:1.6 | Answer:1.2 | Decided by:1.2 | When:1.2 | Why:2")
    yield Table("Prompts, and what people decided", asked, rows_of(prompts), "Nothing was asked.")
    released = columns_of("Decision:0.9 | Outcome:1.1 | Why:3 | Decided:1.2 | Time taken:0.9 | By:1.2")
    made = [
        (
            f"BWV-{each.number}",
            spaced(each.outcome) + (" (superseded)" if each.superseded_at else ""),
            " ".join(
                part
                for part in (
                    f"{each.reason_says}:" if each.reason_says else "",
                    each.why.rstrip(".") + ".",
                    f"Lawful basis: {each.lawful_basis}." if each.lawful_basis else "",
                    f"Policy {each.policy}",
                )
                if part
            ),
            moment(each.decided_at),
            length(each.decided_at - each.asked_at if each.decided_at else None),
            ", ".join(spaced(role) for role in (each.first_role, each.second_role) if role),
        )
        for each in sheet.releases
    ]
    yield Table("Body-worn video: release", released, rows_of(made), "No release was decided on.")
    for each in sheet.releases:
        asked = columns_of("Asked:2 | Said:4")
        yield Table(
            f"BWV-{each.number}: what was weighed", asked, rows_of(_weighed(each)), "Nothing is recorded."
        )


def _weighed(made: BwvDecision) -> list[tuple[str, str]]:
    """The form of a decision, in the words of its policy; what was left empty is left out."""
    said = [
        (f"{'For' if each['side'] == 'for' else 'Against'}: {each['asks']}", each["words"])
        for each in made.answers
    ]
    said += [
        ("Exception", made.exception or ""),
        ("Necessity", made.necessity),
        ("Proportionality", made.proportionality),
        ("Hidden", ", ".join(made.redactions)),
        ("Viewed by", ", ".join(made.viewed_by) or "nobody"),
    ]
    said += [
        (
            each["says"],
            f"told {moment(datetime.fromisoformat(each['at']))}"
            if each["at"]
            else f"not told: {each['why']}",
        )
        for each in made.told
    ]
    return [(asks, words) for asks, words in said if words]


def _clocks(sheet: Sheet) -> Iterator[Block]:
    columns = columns_of("Clock:1.4 | Desk | Due:1.4 | Stopped:2.2")
    rows = [
        (
            spaced(each.name),
            each.desk,
            moment(each.due_at),
            moment(each.stopped_at)
            + (
                f" (late by {length(each.stopped_at - each.due_at)})"
                if each.stopped_at and each.stopped_at > each.due_at
                else ""
            ),
        )
        for each in sheet.clocks
    ]
    yield Table("Clocks", columns, rows_of(rows), "No clock was started.")
    tracks = [
        (spaced(each.name), spaced(each.state), moment(each.state_since), moment(each.closed_at))
        for each in sheet.tracks
    ]
    heads = columns_of("Track | State:1.6 | Since:1.4 | Ended:1.4")
    yield Table("Tracks", heads, rows_of(tracks), "The case is not confirmed.")


def like(sheet: Sheet, desk_url: str) -> Iterator[Block]:
    yield Heading(3, "Similar cases", f"alike-{sheet.case.number}")
    if not sheet.alike:
        yield Paragraph(words("None found."))
        return
    yield Listing(
        tuple(
            (
                Run(f"GH-{each.case.number}", f"{desk_url}/cases/{each.case.number}" if desk_url else ""),
                Run(f" {each.case.title}, {day(each.case.opened_at)}: {', '.join(each.because)}"),
                Run(
                    f". Decided: {'; '.join(f'{what}: {spaced(how)}' for what, how in each.decided) or 'nothing yet'}.",
                    manner=SOFT,
                ),
            )
            for each in sheet.alike
        )
    )


def log_of(sheet: Sheet) -> Table:
    columns = columns_of("When:1.2 | Who:1 | What:1.6 | Why:2.6")
    rows = [(moment(each.at), each.who, each.what, each.why or "–") for each in sheet.log]
    return Table("Log", columns, rows_of(rows), "Nothing is recorded.")
