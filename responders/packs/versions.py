"""What panels and the public may be told of a case: the one place where a sheet becomes something for them.

By allow-list: a `PanelCase` holds codes, steps and words written anew for panels, nothing else, and the lower versions
are made of these alone. All else of a sheet is counted in the manifest, without what it said.
"""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from responders.packs.crowd import Description
from responders.packs.rows import Sheet
from responders.packs.saying import graded, spaced
from responders.packs.sheet import barred_by
from triage.records import Clock
from triage.review.finding_records import Finding
from triage.review.sheets import SheetField

FREE_TEXT, PEOPLE, PLACES, LEGAL, OFFICIAL, OPERATIONS = (
    "free text enters only as words written for panels",
    "nobody is named or numbered",
    "no exact place, date or address",
    "no legal or conduct content",
    "official records of the person stay in the full copy",
    "how the force worked the case stays in the full copy",
)
RARE = "no description that fits few cases"
WITHHELD, GENERALISED, REWORDED = "left out", "said more coarsely", "replaced by words written for panels"
NOT_SHOWN, NOT_DISCUSSED = "not shown to panels", "listed, not discussed on its merits for now"
SUPERVISOR = "supervisor_account"


class VersionsError(ValueError):
    """The file cannot be read; the message names file, key and reason."""


class Versions(BaseModel):
    """`config/review/pack-versions.toml`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    least: Annotated[int, Field(ge=5, le=100)]
    codes: tuple[str, ...]
    clip_shares: tuple[Annotated[float, Field(gt=0, le=1)], ...] = Field(min_length=1)
    line_hours: tuple[Annotated[int, Field(ge=1, le=336)], ...] = Field(min_length=1)


class Left(NamedTuple):
    """One line of the manifest: what of which case was left out or replaced, by which rule, and how many of them."""

    case: str
    what: str
    how: str
    rule: str
    number: int


class PanelCase(NamedTuple):
    """A case as a panel reads it. `choices` are codes by the title of their field, `words` those written for panels."""

    ref: str
    kind: str
    severity: str
    standing: str
    described: Description
    clip: str
    body_worn: str
    supervisor: str
    line: str
    claims: str
    found: str
    talk: str
    choices: tuple[tuple[str, str], ...]
    words: tuple[tuple[str, str], ...]


def read_versions(path: Path) -> Versions:
    """Raises VersionsError."""
    try:
        return Versions.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise VersionsError(f"{path}: {where}: {first['msg']}") from error
    except (OSError, ValueError) as error:
        raise VersionsError(f"{path}: {error}") from error


def panel_case(
    sheet: Sheet, described: Description, fields: Sequence[SheetField], versions: Versions
) -> PanelCase:
    case = sheet.case
    finding = sheet.findings[-1] if sheet.findings else None
    return PanelCase(
        ref=f"GH-{case.number}",
        kind=spaced(case.type).capitalize(),
        severity=graded(case.severity),
        standing=spaced(case.status),
        described=described,
        clip=_clip(sheet, versions),
        body_worn=_body_worn(sheet),
        supervisor=_supervisor(sheet.clocks),
        line=_line(sheet, versions),
        claims=_claims(sheet),
        found=NOT_DISCUSSED if barred_by(sheet) else _found(finding, versions),
        talk=spaced(finding.talk) if finding and finding.talk else "not answered yet",
        choices=tuple(
            (each.title, ", ".join(entry.choices))
            for each in fields
            if each.panels == "as_it_is"
            and (entry := sheet.entries.get(each.name))
            and each.name != "tactics"
        ),
        words=tuple(
            (each.title, entry.panel_words)
            for each in fields
            if each.panels == "reworded" and (entry := sheet.entries.get(each.name)) and entry.panel_words
        ),
    )


def left_out(sheet: Sheet, fields: Sequence[SheetField]) -> Iterator[Left]:
    """What of a sheet a panel is not given, or is given otherwise."""
    ref = f"GH-{sheet.case.number}"
    yield Left(ref, "title", GENERALISED, PLACES, 1)
    yield Left(ref, "place, date and tactics", GENERALISED, RARE, 1)
    told: Mapping[str, tuple[str, int]] = {
        "first post and its address": (PEOPLE, int(sheet.voices.first is not None)),
        "labels": (OPERATIONS, len(sheet.voices.labels)),
        "alerts": (PEOPLE, len(sheet.alerts)),
        "clocks": (OPERATIONS, len(sheet.clocks)),
        "tracks": (OPERATIONS, len(sheet.tracks)),
        "prompts": (LEGAL, len(sheet.prompts)),
        "verified facts": (FREE_TEXT, len(sheet.facts)),
        "body-worn video references and viewings": (PEOPLE, int(sheet.bwv is not None)),
        "claims in words": (FREE_TEXT, len(sheet.claims)),
        "questions": (FREE_TEXT, len(sheet.questions)),
        "release decisions": (LEGAL, len(sheet.releases)),
        "lines in words": (FREE_TEXT, len(sheet.lines)),
        "places where lines went": (OPERATIONS, sum(map(len, sheet.issues.values()))),
        "findings in words": (FREE_TEXT, len(sheet.findings)),
        "referrals": (LEGAL, len(sheet.referrals)),
        "similar cases": (PLACES, len(sheet.alike)),
        "log entries": (PEOPLE, len(sheet.log)),
        "why it was listed": (FREE_TEXT, 1),
        "why it is not discussed": (LEGAL, int(bool(barred_by(sheet)))),
    }
    for what, (rule, count) in told.items():
        if count:
            yield Left(ref, what, WITHHELD, rule, count)
    for field in fields:
        entry = sheet.entries.get(field.name)
        if entry is None or field.panels == "as_it_is":
            continue
        rewritten = field.panels == "reworded" and entry.panel_words
        rule = OFFICIAL if field.official else FREE_TEXT if field.sort == "words" else LEGAL
        yield Left(ref, field.title, REWORDED if rewritten else WITHHELD, rule, 1)


def _clip(sheet: Sheet, versions: Versions) -> str:
    whole = sheet.bwv.encounter_s if sheet.bwv else None
    if not sheet.clip_s or not whole:
        return "not known"
    step = next((each for each in versions.clip_shares if sheet.clip_s / whole < each), None)
    return f"under {step:.0%} of the encounter" if step else "as long as the encounter"


def _body_worn(sheet: Sheet) -> str:
    if sheet.bwv is None:
        return "not recorded"
    exists = {"yes": "exists", "no": "there is none"}.get(sheet.bwv.exists, "not known yet")
    viewed = ", viewed" if sheet.bwv.viewings else ", not viewed yet"
    return exists + (viewed if sheet.bwv.exists == "yes" else "")


def _supervisor(clocks: Sequence[Clock]) -> str:
    clock = next((each for each in clocks if each.name == SUPERVISOR), None)
    if clock is None or clock.stopped_at is None:
        return "not in"
    return "in within 72 hours" if clock.stopped_at <= clock.due_at else "in, late"


def _line(sheet: Sheet, versions: Versions) -> str:
    went = [each.at for issues in sheet.issues.values() for each in issues]
    if not went:
        return "none went out"
    hours = (min(went) - sheet.case.opened_at).total_seconds() / 3600
    step = next((each for each in versions.line_hours if hours <= each), None)
    return f"within {step} h" if step else f"after more than {versions.line_hours[-1]} h"


def _claims(sheet: Sheet) -> str:
    states = {spaced(each.state) for each in sheet.claims if not each.withdrawn_at}
    return ", ".join(sorted(states)) or "none noted"


def _found(finding: Finding | None, versions: Versions) -> str:
    if finding is None:
        return "no finding yet"
    shown = [code for code in (finding.code, *finding.secondary) if code in versions.codes]
    if finding.code not in versions.codes:
        return NOT_SHOWN
    return ", ".join(str(finding.says.get(code, code)) for code in shown)
