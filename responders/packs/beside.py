"""Cases about stop and search beside the official record: where and when each falls, as shares of its own whole.

Never one over the other: a report is not a search, and neither is a base for the other. Nobody's ethnicity is in it.
"""

from collections.abc import Iterator, Mapping

from responders.packs.document import Block, Heading, Paragraph, Table, columns_of, rows_of, words
from triage.review.figures import Figures
from triage.review.figures import Table as Counts
from triage.review.official import Official

CAVEATS = (
    "What is set side by side here are two patterns, not a rate: a case is a report that people chose to post, the "
    "official record counts searches that officers entered. One search may be many posts; most are never posted about.",
    "The shares say where and when each kind of record arises. A borough with a larger share of cases may have more "
    "sources that we watch, not more that went wrong. Hours of cases are those of the first post.",
    "The two are of different months. Disproportionality is looked at in official data alone, with its own base, and "
    "never from posts. No officer and no team is ranked.",
)


def beside_blocks(figures: Figures, official: Official) -> Iterator[Block]:
    """The two tables, and what must be said with them."""
    yield Heading(2, "Stop and search beside the official record", "beside")
    for each in CAVEATS:
        yield Paragraph(words(each), "note")
    said = ", ".join(official.months)
    yield Paragraph(
        words(
            f"Official record: {official.searches:,} searches of {said}, {official.placed:,} of them with a place that "
            "lies in a borough (data.police.uk, Open Government Licence)."
        )
    )
    yield _table(figures.table("searched_hour"), "time of day", official.by_hour)
    yield _table(figures.table("searched_borough"), "borough", official.by_borough)


def _table(cases: Counts, by: str, official: Mapping[str, int]) -> Table:
    of_cases = {line.label: line.cells[0].n for line in cases.lines}
    all_cases, all_official = cases.total.cells[0].n, sum(official.values())
    labels = (
        sorted(official)
        if by == "time of day"
        else sorted(official, key=lambda each: (-official[each], each))
    )
    told = [
        (
            each,
            _share(of_cases.get(each, _unnamed(of_cases)), all_cases),
            _share(official[each], all_official),
        )
        for each in labels
    ]
    columns = columns_of("Of:1.6 | Cases, share of all:1.2# | Official searches, share of all:1.2#")
    return Table(
        f"Shares by {by}, each of its own whole", columns, rows_of(told), "None.", f"beside-{cases.name}"
    )


def _unnamed(of_cases: Mapping[str, int | None]) -> int | None:
    """What a place without a line of its own has: none, or a number that is withheld."""
    return None if None in of_cases.values() else 0


def _share(n: int | None, of: int | None) -> str:
    if n is None or of is None:
        return "withheld"
    return f"{n:,} of {of:,}" + (f" ({n / of:.1%})" if of else "")
