"""Making a lower version whole: its cases, its manifest, its files, and the linter over them before anything leaves."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlmodel import Session, col

from responders.packs.crowd import YEAR, Crowd, Traits, tactics_of
from responders.packs.document import Document
from responders.packs.full import Ground
from responders.packs.lint import Leak, lint
from responders.packs.lower import Scope, panel_pack, public_pack
from responders.packs.material import known_of
from responders.packs.rows import Sheet, sheets_of, tactics_spoken
from responders.packs.versions import RARE, WITHHELD, Left, PanelCase, Versions, left_out, panel_case
from responders.packs.writing import Form, Templates, write
from triage.hidden import look_as_anybody
from triage.records import Case
from triage.review.definitions import Definitions
from triage.review.figures import Figures, Period
from triage.review.finding_records import YouSaid
from triage.review.pack_checks import Checks
from triage.review.pack_records import SheetEntry
from triage.review.suppression import suppressed

AT_ONCE = 500
DRAFT = "DRAFT, not released"


class Wanted(NamedTuple):
    """Which version is made. Without a scope it is the public's; `learning` are words written for it. A draft says on
    each page that nobody has released it."""

    period: Period
    scope: Scope | None = None
    learning: str = ""
    draft: bool = False


class Made(NamedTuple):
    """The files of a version, what was left out of them, and the manifest's digest, which stands in each."""

    files: dict[Form, bytes]
    manifest: dict[str, Any]
    digest: str


class Means(NamedTuple):
    """What lower versions are made and checked by."""

    ground: Ground
    versions: Versions
    checks: Checks
    templates: Templates
    definitions: Definitions


def make_version(
    session: Session, wanted: Wanted, means: Means, figures: Figures, forms: Iterable[Form] = tuple(Form)
) -> Made:
    """A version in these forms, checked; its figures were computed before, whole, and have their small numbers taken
    out here. Raises Leak with each place that keeps it from being handed on."""
    look_as_anybody(session)
    sheets = _in_scope(
        sheets_of(session, wanted.period, means.ground.tactics, lifecycle=means.ground.lifecycle),
        wanted.scope,
    )
    crowd = _crowd(session, wanted.period, means)
    described = [(each, crowd.describe(_traits(each))) for each in sheets]
    cases = [panel_case(each, told, means.ground.fields, means.versions) for each, told in described if told]
    manifest = _manifest(wanted, sheets, [each for each, told in described if not told], means)
    digest = digest_of(manifest)
    shown = suppressed(figures, means.definitions)
    document = _document(session, wanted, cases, len(sheets) - len(cases), shown, digest)
    if wanted.draft:
        document = document._replace(mark=f"{DRAFT}. {document.mark}")
    files = {form: write(document, form, means.templates) for form in forms}
    places = lint(
        files,
        means.checks,
        known=known_of(session, sheets, means.checks, _vocabulary(means, cases)),
        ours=[digest],
        crowd=crowd if wanted.scope else None,
    )
    if places:
        raise Leak(places)
    return Made(files, manifest, digest)


def digest_of(manifest: dict[str, Any]) -> str:
    return hashlib.sha256(manifest_bytes(manifest)).hexdigest()


def manifest_bytes(manifest: dict[str, Any]) -> bytes:
    """The manifest as the file beside the pack."""
    return (json.dumps(manifest, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()


def _in_scope(sheets: Sequence[Sheet], scope: Scope | None) -> list[Sheet]:
    if scope is None:
        return list(sheets)
    return [each for each in sheets if scope.holds(each.case.bcu, each.case.borough)]


def _traits(sheet: Sheet) -> Traits:
    entry, case = sheet.entries.get("tactics"), sheet.case
    tactics = tactics_of(entry.choices if entry else (), sheet.voices.tactics)
    return Traits(case.borough, case.bcu, case.opened_at, tactics)


def _crowd(session: Session, period: Period, means: Means) -> Crowd:
    """All cases opened in the twelve months before the period's end."""
    asked = select(Case).where(col(Case.opened_at) >= period.until - YEAR, col(Case.opened_at) < period.until)
    cases = list(session.scalars(asked))
    ids = [each.id for each in cases]
    recorded: dict[Any, list[str]] = {}
    spoken: dict[Any, tuple[str, ...]] = {}
    for start in range(0, len(ids), AT_ONCE):
        part = ids[start : start + AT_ONCE]
        spoken |= tactics_spoken(session, part, means.ground.tactics)
        entries = select(SheetEntry).where(
            col(SheetEntry.case_id).in_(part),
            col(SheetEntry.name) == "tactics",
            col(SheetEntry.superseded_at).is_(None),
        )
        recorded |= {each.case_id: each.choices for each in session.scalars(entries)}
    traits = (
        Traits(each.borough, each.bcu, each.opened_at, tactics_of(recorded.get(each.id, ()), spoken.get(each.id, ())))
        for each in cases
    )  # fmt: skip
    return Crowd(traits, least=means.versions.least)


def _document(
    session: Session, wanted: Wanted, cases: Sequence[PanelCase], withheld: int, figures: Figures, digest: str
) -> Document:
    period, scope = wanted.period, wanted.scope
    if scope is None:
        return public_pack(period, figures, wanted.learning, manifest=digest)
    said = select(YouSaid).where(
        col(YouSaid.panel) == scope.name,
        col(YouSaid.told_at) >= period.since,
        col(YouSaid.told_at) < period.until,
    )
    told = list(session.scalars(said.order_by(col(YouSaid.told_at), col(YouSaid.id))))
    return panel_pack(period, scope, cases, withheld, told, figures, manifest=digest)


def _manifest(
    wanted: Wanted, sheets: Sequence[Sheet], withheld: Sequence[Sheet], means: Means
) -> dict[str, Any]:
    """What was left out, where, by which rule and how often; for the public by what it is alone."""
    told = [each for sheet in sheets for each in left_out(sheet, means.ground.fields)]
    told += [Left(f"GH-{each.case.number}", "the whole case", WITHHELD, RARE, 1) for each in withheld]
    if wanted.scope is None:
        summed: Counter[tuple[str, str]] = Counter()
        for each in told:
            summed[(each.what, each.rule)] += each.number
        told = [
            Left("all cases", what, WITHHELD, rule, count) for (what, rule), count in sorted(summed.items())
        ]
    last = wanted.period.until - timedelta(microseconds=1)
    return {
        "audience": "panel" if wanted.scope else "public",
        "panel": wanted.scope.name if wanted.scope else "",
        "first_day": f"{wanted.period.since:%Y-%m-%d}",
        "last_day": f"{last:%Y-%m-%d}",
        "cases": len(sheets),
        "numbers": [each.case.number for each in sheets] if wanted.scope else [],
        "left_out": [
            each._asdict() | {"number": _number(each.number, wanted, means.versions.least)} for each in told
        ],
    }


def _number(number: int, wanted: Wanted, least: int) -> int | str:
    """How many, as the manifest says it: the public's says no small number."""
    return number if wanted.scope or number >= least else f"under {least}"


def _vocabulary(means: Means, cases: Sequence[PanelCase]) -> list[str]:
    """The pack's own words: codes, titles of fields and findings, places as they are described."""
    fields = [each.title for each in means.ground.fields]
    choices = [choice for each in means.ground.fields for choice in each.choices]
    tactics = [each.code for each in means.ground.tactics]
    return [
        *fields,
        *choices,
        *tactics,
        *(each.found for each in cases),
        *(each.described.place for each in cases),
    ]
