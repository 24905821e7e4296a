"""The versions of a pack for a panel and for the public: made of panel cases and of counts, and of nothing else."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from responders.packs.document import (
    CODE,
    Block,
    Document,
    Heading,
    Paragraph,
    Run,
    Table,
    Terms,
    Tiles,
    columns_of,
    rows_of,
    words,
)
from responders.packs.figured import chart_blocks, definition_blocks, number_blocks, table_blocks, tiles
from responders.packs.saying import NOT_RECORDED, said_of, spaced
from responders.packs.versions import PanelCase
from triage.review.figures import Figures, Period
from triage.review.finding_records import YouSaid

TITLE, PUBLIC_TITLE = "Police encounters reviewed", "Police encounters: what was reviewed"
PANEL_MARK = "OFFICIAL: for members of {panel} only"
PUBLIC_MARK = "Public summary"
HOW_MADE = (
    "Made from codes, counts and words written for this audience. No name, number, account, exact place or date is in "
    "it. What was left out or said more coarsely is listed in the redaction manifest, whose SHA-256 is "
)


class Scope(NamedTuple):
    """Which cases a panel reads: those of its command unit, or of its borough. `name` is the panel's in our files."""

    name: str
    title: str
    bcu: str | None = None
    borough: str | None = None

    def holds(self, bcu: str | None, borough: str | None) -> bool:
        return borough == self.borough if self.borough else bool(self.bcu) and bcu == self.bcu


def panel_pack(
    period: Period,
    scope: Scope,
    cases: Sequence[PanelCase],
    withheld: int,
    said: Sequence[YouSaid],
    figures: Figures,
    *,
    manifest: str,
) -> Document:
    """`withheld` cases of the panel fit no description that is coarse enough; `manifest` is the manifest's digest."""
    blocks: list[Block] = [
        Heading(1, "About this paper", "about"),
        Tiles(
            (
                (words(len(cases)), "Encounters on the list, in your area"),
                (words(withheld), "Left out: cannot be described without saying who it was"),
            )
        ),
        _made(manifest),
    ]
    blocks += _summary(cases)
    for case in cases:
        blocks += _sheet(case)
    blocks += _said(said)
    blocks.append(Heading(1, "London as a whole", "london", new_page=True))
    blocks += number_blocks(figures, rows=False)
    blocks += _months_and_meanings(figures)
    mark = PANEL_MARK.format(panel=scope.title)
    return Document(TITLE, f"{scope.title}, {said_of(period)}", mark, period.until, tuple(blocks))


def public_pack(period: Period, figures: Figures, learning: str, *, manifest: str) -> Document:
    """Counts and learning only. `figures` had their small numbers taken out."""
    said = [each.strip() for each in learning.split("\n\n") if each.strip()]
    blocks: list[Block] = [
        Heading(1, "What was reviewed", "about"),
        tiles(figures, rows=False),
        *number_blocks(figures, rows=False),
        Heading(1, "What we learnt", "learning"),
        *(Paragraph(words(each)) for each in said or ["Nothing is recorded for this period."]),
        Heading(1, "Themes", "themes", new_page=True),
        *table_blocks(figures),
        *_months_and_meanings(figures),
        Heading(1, "How this was made", "made"),
        _made(manifest),
    ]
    return Document(PUBLIC_TITLE, said_of(period), PUBLIC_MARK, period.until, tuple(blocks))


def _months_and_meanings(figures: Figures) -> Iterator[Block]:
    yield Heading(1, "Twelve months", "months", new_page=True)
    yield from chart_blocks(figures)
    yield Heading(1, "What each figure means", "meanings", new_page=True)
    yield from definition_blocks(figures)


def _made(manifest: str) -> Paragraph:
    return Paragraph((Run(HOW_MADE), Run(manifest, manner=CODE), Run(".")), "note")


def _summary(cases: Sequence[PanelCase]) -> Iterator[Block]:
    yield Heading(1, "Encounters on the list", "sheets")
    rows = [
        (words(each.ref, f"#{each.ref}"), each.kind, each.severity, each.described.place, each.found)
        for each in cases
    ]
    columns = columns_of("Case:0.8 | Kind:1.6 | Severity:1.3 | Where:1.6 | Found:1.8")
    yield Table("", columns, rows_of(rows), "No encounter in your area is on the list of this period.")


def _sheet(case: PanelCase) -> Iterator[Block]:
    yield Heading(1, f"{case.ref} {case.kind}, {case.described.place}", case.ref, new_page=True)
    yield Paragraph(words(case.described.said))
    known = [
        ("Severity", case.severity),
        ("Standing", case.standing),
        ("Where", case.described.place),
        ("When", case.described.when),
        ("Tactics", case.described.tactics),
        *case.choices,
        ("Clip and encounter", case.clip),
        ("Body-worn video", case.body_worn),
        ("Supervisor's account", case.supervisor),
        ("First line to the public", case.line),
        ("Claims noted", case.claims),
        ("Found by the group", case.found),
        ("More talking instead of force, as the group found", case.talk),
    ]
    yield Terms(("What", "As shown to panels"), tuple((name, words(value)) for name, value in known))
    for title, said in case.words:
        yield Heading(2, title, f"{case.ref}-{spaced(title).lower().replace(' ', '-')}")
        yield Paragraph(words(said), "quote")
    if not case.words:
        yield Paragraph(
            words(f"Concern, questions and what went well: {NOT_RECORDED} in words for panels."), "soft"
        )


def _said(said: Sequence[YouSaid]) -> Iterator[Block]:
    yield Heading(1, "You said, we did", "you-said", new_page=bool(said))
    rows = [(each.said, each.did) for each in said]
    yield Table("", columns_of("You said | We did"), rows_of(rows), "Nothing is recorded for this period.")
