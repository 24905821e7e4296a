"""The full copy: for members of the oversight group alone. A front page, a sheet for each case, the figures' rows.

Made from the records alone: no clock is read, so the same records give the same document.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from sqlmodel import Session

from classifier.rarity import Rarity
from responders.packs.document import (
    CODE,
    Block,
    Document,
    Heading,
    Listing,
    Paragraph,
    Run,
    Runs,
    Table,
    Tiles,
    columns_of,
    rows_of,
    words,
)
from responders.packs.figures import (
    AlertFigure,
    ClockFigure,
    DraftRow,
    Period,
    SeverityRow,
    SourceFigure,
    alerts_raised,
    by_severity,
    cases_opened,
    clocks_due,
    drafts,
    silence,
    sources,
)
from responders.packs.rows import Sheet, releases_refused, sheets_of
from responders.packs.saying import day, graded, length, moment, said_of, share, spaced
from responders.packs.sheet import sheet_of
from responders.tactics import Tactic
from triage.chain import head_of
from triage.hidden import look_as_anybody
from triage.review.sheets import SheetField

TITLE = "Use of force oversight review"
MARK = "RESTRICTED: full copy, for members of the oversight group"
BIASED = (
    "Cases come from what people choose to post. They are a biased sample: nothing here is a rate of misconduct, and "
    "none of it may be set against official force or stop and search counts, where one report is one officer using "
    "force on one person. What posts say is not verified unless a named person has recorded that it is."
)
MEANING = (
    "“Opened” counts cases by when their first post reached us. “In time” counts clocks that fell due in the period "
    "and were stopped by then; one that still runs is late. “Still open” and “decided” are as the records stand. "
    "Small numbers are shown in full, as this copy is for members only."
)


class Ground(NamedTuple):
    """What a full copy is made by, beside the records."""

    fields: tuple[SheetField, ...]
    tactics: tuple[Tactic, ...]
    rarity: Rarity | None = None
    desk_url: str = ""


class _Counted(NamedTuple):
    severities: list[SeverityRow]
    clocks: list[ClockFigure]
    drafts: list[DraftRow]
    alerts: AlertFigure
    sources: list[SourceFigure]


def full_pack(session: Session, period: Period, ground: Ground) -> Document:
    """For cases opened, and cases listed, in the period."""
    look_as_anybody(session)  # the pack goes to people who see no restricted case
    sheets = sheets_of(session, period, ground.tactics, ground.rarity)
    cases = cases_opened(session, period)
    counted = _Counted(
        by_severity(cases),
        clocks_due(session, period),
        drafts(session, period),
        alerts_raised(session, period),
        sources(session, period),
    )
    blocks = (
        *_front(session, period, counted, sheets),
        *_listed(sheets),
        *(block for sheet in sheets for block in sheet_of(sheet, ground.fields, ground.desk_url.rstrip("/"))),
        *_appendix(counted, _Links(sheets, ground.desk_url.rstrip("/"))),
    )
    return Document(TITLE, said_of(period), MARK, period.until, blocks)


class _Links:
    """Where a case's number leads: to its sheet, else to the desk."""

    def __init__(self, sheets: Sequence[Sheet], desk_url: str) -> None:
        self.sheets, self.desk_url = {each.case.number for each in sheets}, desk_url

    def to(self, number: int | None) -> Runs:
        here, there = f"#GH-{number}", f"{self.desk_url}/cases/{number}" if self.desk_url else ""
        return words(f"GH-{number}", here if number in self.sheets else there)


def _front(session: Session, period: Period, counted: _Counted, sheets: Sequence[Sheet]) -> Iterator[Block]:
    cases = sum(each.total for each in counted.severities)
    yield Heading(1, "Front page", "front")
    yield Paragraph(words("Cases opened, and cases put on the list, in this period."))
    yield Tiles(tuple(_tiles(counted, cases, len(sheets))))
    yield Paragraph(words(BIASED), "note")
    head = head_of(session)
    yield Paragraph(
        (
            Run(f"The log had {head.entries} entries when this was made; its head was "),
            Run(str(head), manner=CODE),
            Run(". Kept with this pack, it shows whether the log was cut or rewritten since: "),
            Run("goldenhour audit verify --head", manner=CODE),
            Run("."),
        ),
        "note",
    )
    yield _severities(counted)
    clocks = [
        (spaced(each.name), words(share(each.in_time, len(each.rows)), f"#clock-{each.name}"))
        for each in counted.clocks
    ]
    columns = columns_of("Clock | Stopped in time, n/N#")
    yield Table("Clocks that fell due", columns, rows_of(clocks), "No clock fell due.")
    yield _refused(session, period)
    alerts = counted.alerts
    yield Paragraph(
        (
            Run("Alerts", "#rows-alerts"),
            Run(
                f" raised: {len(alerts.rows)}. Delivered: {alerts.count('delivered')}. Refused by their channel: "
                f"{alerts.count('failed')}. Shown on the page only, as no channel was configured: "
                f"{alerts.count('no_channel')}. Sent a second time as a possible repeat: {alerts.repeated}."
            ),
        )
    )
    seen = [
        (
            each.name,
            each.kind,
            each.grade,
            ", ".join(each.boroughs) or "all",
            f"{each.posts:,}",
            str(each.gaps),
        )
        for each in counted.sources
    ]
    heads = columns_of("Source:1.6 | Kind:1.2 | Reliability:0.9 | Boroughs:1.6 | Posts:0.6# | Gaps:0.6#")
    yield Table(
        "Sources, with what they showed of the cases opened", heads, rows_of(seen), "No source is configured."
    )


def _tiles(counted: _Counted, cases: int, listed: int) -> Iterator[tuple[Runs, str]]:
    yield words(cases, "#rows-cases"), "cases opened"
    yield words(sum(each.open_count for each in counted.severities), "#rows-cases"), "of them still open"
    yield words(listed, "#sheets"), "cases on the list"
    answered = next((each for each in counted.clocks if each.name == "acknowledge"), None)
    if answered is None:
        yield words("0/0"), "acknowledged in time: no such clock fell due"
    else:
        yield words(share(answered.in_time, len(answered.rows)), "#clock-acknowledge"), "acknowledged in time"
    middle = silence(counted.drafts)
    yield (
        words(length(middle), "#rows-drafts"),
        f"median from opening to the first drafted line (n = {len(counted.drafts)} of {cases})",
    )
    wait = counted.alerts.median_wait
    told = "" if wait is None else f", median {length(wait)} after being raised"
    delivered = share(counted.alerts.count("delivered"), len(counted.alerts.rows))
    yield words(delivered, "#rows-alerts"), f"alerts delivered to a channel{told}"


def _severities(counted: _Counted) -> Table:
    def linked(row: SeverityRow, count: int) -> Runs:
        return words(count, f"#sev{row.severity}" if count else "")

    rows = [
        (
            graded(each.severity),
            linked(each, each.total),
            linked(each, each.open_count),
            linked(each, each.closed_count),
        )
        for each in counted.severities
    ]
    columns = columns_of("Severity:2 | Opened:1# | Still open:1# | Decided:1#")
    return Table("Cases opened, by severity and standing", columns, rows_of(rows), "None.")


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
    columns = columns_of("Case:0.7 | Reason:1.6 | Why:2 | Asked for:1.1 | Decided:1.1 | Time taken:0.8")
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
                Run(f", {graded(each.case.severity)}, meeting of {day(each.meets_at)}"),
            )
            for each in sheets
        )
    )


def _appendix(counted: _Counted, links: _Links) -> Iterator[Block]:
    yield Heading(1, "The rows behind the figures", "rows", new_page=True)
    yield Paragraph(words(MEANING))
    yield Heading(2, "Cases opened", "rows-cases")
    columns = columns_of("Case:0.8 | Title:3 | BCU:0.6 | Opened:1.4 | Standing:1 | Posts:0.6#")
    for row in counted.severities:
        if not row.total:
            continue
        cases = [
            (
                links.to(case.number),
                case.title,
                case.bcu or "–",
                moment(case.opened_at),
                spaced(case.status),
                f"{case.post_count:,}",
            )
            for case in (*row.open, *row.closed)
        ]
        yield Table(
            f"{graded(row.severity)}: {row.total}", columns, rows_of(cases), "None.", f"sev{row.severity}"
        )
    yield from _clock_rows(counted.clocks, links)
    yield from _other_rows(counted, links)


def _clock_rows(clocks: Sequence[ClockFigure], links: _Links) -> Iterator[Block]:
    columns = columns_of("Case | Due:1.4 | Stopped:1.4 | Late by:1.2")
    for clock in clocks:
        rows = [
            (
                links.to(row.case_number),
                moment(row.due_at),
                moment(row.stopped_at),
                "in time"
                if row.late_by is None
                else length(row.late_by) + ("" if row.stopped_at else " or more"),
            )
            for row in clock.rows
        ]
        yield Heading(2, f"Clock: {spaced(clock.name)}", f"clock-{clock.name}")
        yield Table("", columns, rows_of(rows), "None.")


def _other_rows(counted: _Counted, links: _Links) -> Iterator[Block]:
    yield Heading(2, "Alerts", "rows-alerts")
    alerts = [
        (
            links.to(row.case_number),
            row.desk,
            moment(row.raised_at),
            spaced(row.state or "none yet") + (", possible repeat" if row.possible_repeat else ""),
            f"{length(row.delivered_at - row.raised_at)} later" if row.delivered_at else "–",
        )
        for row in counted.alerts.rows
    ]
    columns = columns_of("Case | Desk | Raised:1.4 | Message:1.4 | In the channel:1.2")
    yield Table("", columns, rows_of(alerts), "No alert was raised.")
    yield Heading(2, "First drafted line", "rows-drafts")
    drafted = [
        (
            links.to(row.case_number),
            moment(row.first_published_at),
            moment(row.opened_at),
            moment(row.drafted_at),
            length(row.drafted_at - row.opened_at),
        )
        for row in counted.drafts
    ]
    heads = columns_of("Case | First post:1.4 | Opened:1.4 | First draft:1.4 | After opening:1.2")
    yield Table("", heads, rows_of(drafted), "No line was drafted.")
