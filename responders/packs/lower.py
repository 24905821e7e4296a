"""The versions of a pack for a panel and for the public: made of panel cases and of counts, and of nothing else."""

from collections import Counter
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
from responders.packs.saying import NOT_RECORDED, said_of, spaced
from responders.packs.versions import PanelCase
from triage.review.figures import Period
from triage.review.finding_records import YouSaid

TITLE, PUBLIC_TITLE = "Police encounters reviewed", "Police encounters: what was reviewed"
PANEL_MARK = "OFFICIAL: for members of {panel} only"
PUBLIC_MARK = "Public summary"
BIASED = (
    "Cases come from what people choose to post. They are a biased sample: no number here is a rate of misconduct, and "
    "none may be set against official counts of force or stop and search."
)
HIDDEN = "A number under {least} is shown as “under {least}”, so that nobody can be known by it."
HOW_MADE = (
    "Made from codes, counts and words written for this audience. No name, number, account, exact place or date is in "
    "it. What was left out or said more coarsely is listed in the redaction manifest, whose SHA-256 is "
)


class Scope(NamedTuple):
    """Which cases a panel reads: those of its command unit, or of its borough."""

    panel: str
    bcu: str | None = None
    borough: str | None = None

    def holds(self, bcu: str | None, borough: str | None) -> bool:
        return borough == self.borough if self.borough else bool(self.bcu) and bcu == self.bcu


class Counts(NamedTuple):
    """How many cases of the period there are of each sort, by what the sort is of."""

    opened: int
    listed: int
    by: dict[str, Counter[str]]


def panel_pack(
    period: Period,
    scope: Scope,
    cases: Sequence[PanelCase],
    withheld: int,
    said: Sequence[YouSaid],
    *,
    manifest: str,
) -> Document:
    """`withheld` cases of the panel fit no description that is coarse enough; `manifest` is the manifest's digest."""
    blocks: list[Block] = [
        Heading(1, "About this paper", "about"),
        Tiles(
            (
                (words(len(cases)), "encounters on the list, in your area"),
                (words(withheld), "more that cannot be described without saying who it was"),
            )
        ),
        Paragraph(words(BIASED), "note"),
        _made(manifest),
    ]
    blocks += _summary(cases)
    for case in cases:
        blocks += _sheet(case)
    blocks += _said(said)
    mark = PANEL_MARK.format(panel=scope.panel)
    return Document(TITLE, f"{scope.panel}, {said_of(period)}", mark, period.until, tuple(blocks))


def public_pack(period: Period, counts: Counts, learning: str, *, least: int, manifest: str) -> Document:
    """Counts and learning only; a count under `least` is not shown."""
    blocks: list[Block] = [
        Heading(1, "What was reviewed", "about"),
        Tiles(
            (
                (words(_count(counts.opened, least)), "cases opened"),
                (words(_count(counts.listed, least)), "cases on the oversight group's list"),
            )
        ),
        Paragraph(words(BIASED), "note"),
        Paragraph(words(HIDDEN.format(least=least)), "note"),
    ]
    for name, counted in counts.by.items():
        rows = [(each, _count(count, least)) for each, count in _ordered(counted, least)]
        blocks.append(Table(name, columns_of("What:3 | Cases#"), rows_of(rows), "None.", ""))
    blocks.append(Heading(1, "What we learnt", "learning"))
    said = [each.strip() for each in learning.split("\n\n") if each.strip()]
    blocks += [Paragraph(words(each)) for each in said or ["Nothing is recorded for this period."]]
    blocks += [Heading(1, "How this was made", "made"), _made(manifest)]
    return Document(PUBLIC_TITLE, said_of(period), PUBLIC_MARK, period.until, tuple(blocks))


def _count(count: int, least: int) -> str:
    return f"{count:,}" if count >= least or count == 0 else f"under {least}"


def _ordered(counted: Counter[str], least: int) -> list[tuple[str, int]]:
    """The largest first; small ones by name alone, so that their order tells nothing."""
    large = sorted(
        ((each, n) for each, n in counted.items() if n >= least), key=lambda item: (-item[1], item[0])
    )
    return large + sorted((each, n) for each, n in counted.items() if n < least)


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
        ("Communications or handcuffs?", case.talk),
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
    yield Heading(1, "You said, we did", "you-said", new_page=True)
    rows = [(each.said, each.did) for each in said]
    yield Table("", columns_of("You said | We did"), rows_of(rows), "Nothing is recorded for this period.")
