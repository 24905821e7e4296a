"""The full copy: for members of the oversight group alone. A front page, a sheet for each case, the figures' rows.

Made from the records alone: no clock is read, so the same records give the same document.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from sqlalchemy import or_, select
from sqlmodel import Session, col

from classifier.rarity import Rarity
from responders.packs.document import (
    CODE,
    Block,
    Document,
    Heading,
    Listing,
    Paragraph,
    Run,
    Table,
    columns_of,
    rows_of,
    words,
)
from responders.packs.figured import (
    change_blocks,
    chart_blocks,
    definition_blocks,
    number_blocks,
    row_blocks,
    source_paragraph,
    table_blocks,
    tiles,
)
from responders.packs.rows import Sheet, releases_refused, sheets_of
from responders.packs.saying import LONDON, day, graded, length, moment, said_of
from responders.packs.sheet import barred_by, sheet_of
from responders.packs.sheet_decided import moved, standing
from responders.tactics import Tactic
from triage.chain import head_at
from triage.hidden import look_as_anybody
from triage.lifecycle import Lifecycle
from triage.records import Case
from triage.review.figures import Figures, Period
from triage.review.finding_records import Action
from triage.review.sheets import SheetField

TITLE = "Use of force oversight review"
MARK = "RESTRICTED: full copy, for members of the oversight group"
BIASED = (
    "What posts say is not verified unless a named person has recorded that it is. Small numbers are shown in full, as "
    "this copy is for members only."
)


class Ground(NamedTuple):
    """What a full copy is made by, beside the records."""

    fields: tuple[SheetField, ...]
    tactics: tuple[Tactic, ...]
    rarity: Rarity | None = None
    desk_url: str = ""
    lifecycle: Lifecycle | None = None


def full_pack(session: Session, period: Period, ground: Ground, figures: Figures | None = None) -> Document:
    """For cases opened, and cases listed, in the period; its figures were computed before. All is of one moment where
    the transaction is REPEATABLE READ."""
    look_as_anybody(session)  # the pack goes to people who see no restricted case
    sheets = sheets_of(session, period, ground.tactics, ground.rarity, ground.lifecycle)
    desk_url = ground.desk_url.rstrip("/")
    blocks = (
        *_front(session, period, figures, sheets),
        *_listed(sheets),
        *_actions(session, period),
        *(block for sheet in sheets for block in sheet_of(sheet, ground.fields, desk_url)),
        *(_trends(figures, _Links(sheets, desk_url)) if figures else ()),
    )
    return Document(TITLE, said_of(period), MARK, period.until, blocks)


class _Links:
    """Where a case's number leads: to its sheet, else to the desk."""

    def __init__(self, sheets: Sequence[Sheet], desk_url: str) -> None:
        self.sheets, self.desk_url = {each.case.number for each in sheets}, desk_url

    def to(self, number: int | None) -> str:
        if number in self.sheets:
            return f"#GH-{number}"
        return f"{self.desk_url}/cases/{number}" if self.desk_url and number is not None else ""


def _front(
    session: Session, period: Period, figures: Figures | None, sheets: Sequence[Sheet]
) -> Iterator[Block]:
    yield Heading(1, "Front page", "front")
    yield Paragraph(words(f"Cases on the list: {len(sheets)}. Figures are of cases opened, and of what fell due, was "
                          "decided or done, in this period; what each means stands at the end."))  # fmt: skip
    if figures:
        yield tiles(figures, rows=True)
    yield Paragraph(words(BIASED), "note")
    yield _read_up_to(session, figures, sheets)
    if figures:
        yield from number_blocks(figures, rows=True)
        yield from change_blocks(figures)
        yield source_paragraph(figures)
    yield _refused(session, period)


def _read_up_to(session: Session, figures: Figures | None, sheets: Sequence[Sheet]) -> Paragraph:
    """The last entry of the log that says anything of what stands here. What others enter later, such as who signed in
    or who read a case, moves it no further, so the pack stays the same."""
    ends = [each.log[-1].seq for each in sheets if each.log]
    head, at = head_at(session, max([figures.entry if figures else 0, *ends]))
    return Paragraph(
        (
            Run(
                f"What stands here is in the log up to its entry {head.entries:,}, of {moment(at)}; its head there was "
            ),
            Run(str(head), manner=CODE),
            Run(". Kept with this pack, it shows whether the log was cut or rewritten since: "),
            Run("goldenhour audit verify --head", manner=CODE),
            Run("."),
        ),
        "note",
    )


def _refused(session: Session, period: Period) -> Table:
    rows = [
        (
            f"GH-{number}",
            (made.reason_says or "no reason")
            + (f". Lawful basis: {made.lawful_basis}" if made.lawful_basis else ""),
            made.why,
            moment(made.asked_at),
            moment(made.decided_at)
            + (f" (superseded {moment(made.superseded_at)})" if made.superseded_at else ""),
            length(made.decided_at - made.asked_at if made.decided_at else None),
        )
        for made, number in releases_refused(session, period)
    ]
    columns = columns_of("Case:1 | Reason:1.6 | Why:2 | Asked for:1.1 | Decided:1.1 | Time taken:0.8")
    none = "No release was refused in this period."
    return Table("Body-worn video not released", columns, rows_of(rows), none, "refused")


def _listed(sheets: Sequence[Sheet]) -> Iterator[Block]:
    yield Heading(1, "Cases on the list", "sheets", new_page=True)
    if not sheets:
        yield Paragraph(words("No case was put on the list in this period."))
        return
    yield Listing(
        tuple(
            (
                Run(f"GH-{each.case.number} {each.case.title}", f"#GH-{each.case.number}"),
                Run(f", {graded(each.case.severity)}, meeting of {day(each.meets_at)}{_manner(each)}"),
            )
            for each in sheets
        )
    )


def _manner(sheet: Sheet) -> str:
    """What a member must know of it before the meeting."""
    late = ", late" if sheet.item.late else ""
    again = ", not for the first time" if len(sheet.listings) > 1 else ""
    return late + again + (", not discussed on its merits" if barred_by(sheet) else "")


def _actions(session: Session, period: Period) -> Iterator[Block]:
    """Every action that was open at the end of the period, the longest overdue first; and those closed in it."""
    yield Heading(1, "Actions", "actions", new_page=True)
    asked = (
        select(Action, col(Case.number))
        .outerjoin(Case, col(Case.id) == col(Action.case_id))
        .where(col(Action.opened_at) < period.until)
        .where(or_(col(Action.closed_at).is_(None), col(Action.closed_at) >= period.since))
        .order_by(col(Action.due_on), col(Action.number))
    )
    found = [(action, number) for action, number in session.execute(asked)]
    closed = [each for each in found if each[0].closed_at and each[0].closed_at < period.until]
    done = [
        each
        for each in found
        if each not in closed and each[0].completed_at and each[0].completed_at < period.until
    ]
    open_ = [each for each in found if each not in closed and each not in done]
    late = sum(each.due_on < period.until.astimezone(LONDON).date() for each, _ in open_)
    columns = "Action:0.8 | Case:0.9 | What:2.4 | Owner:1.3 | Due:1.2 | Standing:2"
    for caption, group, none in (
        (
            f"Open at the end of this period: {len(open_)}, of which {late} overdue",
            open_,
            "No action is open.",
        ),
        (f"Said to be done, for the group to close: {len(done)}", done, "None."),
        (f"Closed in this period: {len(closed)}", closed, "No action was closed in this period."),
    ):
        rows = [
            (f"A-{each.number}", f"GH-{number}" if number else "–", f"{each.words} ({each.target})",
             each.owner_post, moved(each), standing(each, at=period.until))
            for each, number in group
        ]  # fmt: skip
        yield Table(caption, columns_of(columns), rows_of(rows), none)


def _trends(figures: Figures, links: _Links) -> Iterator[Block]:
    yield Heading(1, "Themes", "themes", new_page=True)
    yield from table_blocks(figures)
    yield Heading(1, "Twelve months", "months", new_page=True)
    yield from chart_blocks(figures)
    yield Heading(1, "The rows behind the figures", "rows", new_page=True)
    yield from row_blocks(figures, links.to)
    yield Heading(1, "What each figure means", "meanings", new_page=True)
    yield from definition_blocks(figures)
