"""The sheet of one case in the full copy: every thing the group reads, and "not recorded" where there is no record."""

import re
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from responders.packs.document import (
    SOFT,
    Block,
    Heading,
    Paragraph,
    Run,
    Runs,
    Table,
    Terms,
    columns_of,
    rows_of,
    words,
)
from responders.packs.rows import Sheet
from responders.packs.saying import NOT_RECORDED, day, graded, length, many, moment, spaced
from responders.packs.sheet_decided import decided_of, like, log_of
from triage.body_worn import share_seen
from triage.records import Clock
from triage.review.sheets import SheetField

HEADS = ("What", "As recorded")
FORCES = {"met": "the Met", "btp": "the British Transport Police", "col": "the City of London Police",
          "other_uk": "another force of the UK", "overseas": "a force overseas", "unknown": "not known"}  # fmt: skip
PUBLISHERS = {"feed"}  # platforms whose addresses name a publisher, not a person
WEB = re.compile(r"https?://")
SUPERVISOR = "supervisor_account"
MERITS = ("DPS investigating", "IOPC investigating", "Criminal proceedings")


def sheet_of(sheet: Sheet, fields: Sequence[SheetField], desk_url: str) -> Iterator[Block]:
    """The blocks of one case's sheet."""
    case = sheet.case
    yield Heading(1, f"GH-{case.number} {case.title}", f"GH-{case.number}", new_page=True)
    if reason := barred_by(sheet):
        yield Paragraph(words(f"Listed, not discussed on its merits: {reason}."), "note")
    yield Terms(HEADS, tuple(_case(sheet, desk_url)))
    yield Heading(2, "The encounter, by the records", f"encounter-{case.number}")
    yield Terms(HEADS, tuple(_encounter(sheet, fields)))
    yield Heading(2, "What was said", f"said-{case.number}")
    yield from _lines(sheet)
    yield from _claims(sheet)
    yield from _questions(sheet)
    yield Heading(2, "What was decided, and by when", f"decided-{case.number}")
    yield from decided_of(sheet)
    yield from like(sheet, desk_url)
    yield log_of(sheet)


def barred_by(sheet: Sheet) -> str:
    """Why the case is listed but not discussed, by its conduct track and by what was entered on its sheet."""
    entry = sheet.entries.get("proceedings")
    entered = next((each for each in entry.choices if each in MERITS), "") if entry else ""
    return sheet.barred or entered


def _case(sheet: Sheet, desk_url: str) -> Iterator[tuple[str, Runs]]:
    case, voices = sheet.case, sheet.voices
    address = f"{desk_url}/cases/{case.number}"
    yield "Case", (Run(f"GH-{case.number}", address if desk_url else ""),)
    yield "Severity", words(graded(case.severity))
    because = f": {case.dismissed_because}" if case.dismissed_because else ""
    yield "Standing", words(f"{spaced(case.status)}{because}")
    late = ", added by the chair after the list was locked" if sheet.item.late else ""
    yield "Listed", words(f"for the meeting of {day(sheet.meets_at)}: {sheet.item.because}{late}")
    for title, earlier in (("Listed before", True), ("Listed again", False)):
        if others := "; ".join(_others(sheet, earlier=earlier)):
            yield title, words(others)
    kept_from = ", ".join(spaced(each.kind) for each in sheet.declared if each.recused)
    recused = sum(each.recused for each in sheet.declared)
    yield (
        "Interests declared",
        words(f"{many(recused, 'member')} recused: {kept_from}" if recused else "none"),
    )
    yield "First post seen", _first(sheet, address)
    told = f"{many(case.post_count, 'post')} from {many(case.source_count, 'source')}"
    told = f"{told}, by {many(voices.authors, 'author')}"
    yield "Posts", words(f"{told}; the last {moment(case.last_post_at)}")
    yield "What posts say", words(_labels(sheet) or "no label")
    waited = length(case.opened_at - case.first_published_at)
    yield "Reached us", words(f"{moment(case.opened_at)}, {waited} after the first post")
    for alert, who in sheet.alerts:
        answered = "not acknowledged"
        if alert.acknowledged_at:
            took = length(alert.acknowledged_at - alert.raised_at)
            answered = f"acknowledged {moment(alert.acknowledged_at)} by {who or 'someone'}, {took} later"
        yield (
            f"Alert, {alert.desk}",
            words(f"raised {moment(alert.raised_at)} by rule “{alert.rule}”; {answered}"),
        )


def _others(sheet: Sheet, *, earlier: bool) -> Iterator[str]:
    """The other meetings on whose lists it was, and what came of it there; the earlier ones, or the later."""
    deferred = {each.review_id for each in sheet.findings if not each.reviewed}
    for each in sheet.listings:
        met = sheet.met[each.review_id]
        if each.review_id == sheet.item.review_id or (met < sheet.meets_at) != earlier:
            continue
        came = each.off_because or ("deferred" if each.review_id in deferred else "")
        yield day(met) + (f" ({came})" if came else "")


def _labels(sheet: Sheet) -> str:
    """What posts are labelled with, by its sort, each with how many of them."""
    sorts: dict[str, list[str]] = {}
    for name, count in sheet.voices.labels:
        sort, colon, said = name.rpartition(":")
        sorts.setdefault(sort + colon, []).append(f"{spaced(said)} ({count})")
    told = "; ".join(f"{spaced(sort)} {', '.join(each)}".strip() for sort, each in sorts.items())
    return f"{told}; in brackets of {many(sheet.case.post_count, 'post')}" if told else ""


def _first(sheet: Sheet, address: str) -> Runs:
    first = sheet.voices.first
    if first is None:
        return words("withdrawn by its author")
    when = Run(f"{moment(first.published_at)}, {first.source}: ")
    if first.platform in PUBLISHERS and first.url and WEB.match(first.url) and "@" not in first.url:
        return (when, Run("as published", first.url))
    seen = Run("on the case page", f"{address}#post-{first.id}" if WEB.match(address) else "")
    return (when, seen, Run(", as its address would name its author"))


def _encounter(sheet: Sheet, fields: Sequence[SheetField]) -> Iterator[tuple[str, Runs]]:
    """What is known of the encounter itself: from facts people verified, and from the entries of the sheet."""
    case, facts = sheet.case, {name: each.value for name, each in sheet.facts.items()}
    yield (
        "Date",
        words(
            facts.get("happened_at")
            or f"{NOT_RECORDED}; the first post is of {moment(case.first_published_at)}"
        ),
    )
    said = ", ".join(dict.fromkeys(each for each in (case.place, case.borough) if each))
    place = facts.get("place") or (f"said to be {said}; not verified" if said else NOT_RECORDED)
    yield "Place", words(place)
    yield (
        "Borough and BCU",
        words(", ".join(each for each in (case.borough, case.bcu) if each) or NOT_RECORDED),
    )
    yield "Kind", words(f"{spaced(case.type)}; officers of: {FORCES.get(case.force, spaced(case.force))}")
    yield "Clip and encounter", words(_clip(sheet))
    yield (
        "Tactics posts speak of",
        (
            Run(", ".join(sheet.voices.tactics) or "none recognised"),
            Run(" (as posts say, not as recorded)", manner=SOFT),
        ),
    )
    yield from _body_worn(sheet)
    for field in fields:
        yield field.title, _entered(sheet, field, facts)
        if field.name == SUPERVISOR:
            yield "Supervisor's 72 hours", words(_on_time(sheet.clocks))
    yield "Referrals recorded", words(_referrals(sheet))


def _clip(sheet: Sheet) -> str:
    encounter_s = sheet.bwv.encounter_s if sheet.bwv else None
    clip = (
        f"the longest clip {length(timedelta(seconds=sheet.clip_s))}"
        if sheet.clip_s
        else f"clip {NOT_RECORDED}"
    )
    whole = (
        f"the encounter {length(timedelta(seconds=encounter_s))}"
        if encounter_s
        else f"encounter {NOT_RECORDED}"
    )
    shown = share_seen(sheet.clip_s, encounter_s)
    return f"{clip}; {whole}" + (f": {shown}" if shown else "")


def _body_worn(sheet: Sheet) -> Iterator[tuple[str, Runs]]:
    bwv = sheet.bwv
    if bwv is None:
        yield "Body-worn video", words(NOT_RECORDED)
        return
    known = {"yes": "exists", "no": "there is none"}.get(bwv.exists, "not known yet")
    parts = [f"reference {bwv.reference}" if bwv.reference else "reference not recorded"]
    parts.append(f"activated {bwv.activated or NOT_RECORDED}")
    parts.append(f"audio from {bwv.audio_from or NOT_RECORDED}")
    yield "Body-worn video", words(f"{known}; {'; '.join(parts)}" if bwv.exists == "yes" else known)
    seen = ", ".join(
        f"{each['role']} ({moment(datetime.fromisoformat(each['at']))})" for each in bwv.viewings
    )
    yield "Body-worn video viewed by", words(seen or NOT_RECORDED)


def _entered(sheet: Sheet, field: SheetField, facts: dict[str, str]) -> Runs:
    entry = sheet.entries.get(field.name)
    if entry is None:
        known = {"power_recorded": "power", "outcome": "outcome"}.get(field.name, "")
        verified = facts.get(known, "")
        return (
            (Run(verified), Run(" (verified fact)", manner=SOFT))
            if verified
            else words(_otherwise(sheet, field))
        )
    told = ", ".join(entry.choices) if entry.choices else (entry.words or NOT_RECORDED)
    return (Run(told), Run(f" (by {entry.source})", manner=SOFT))


def _otherwise(sheet: Sheet, field: SheetField) -> str:
    """What the group's own findings and the tracks say where the sheet has no entry."""
    finding = sheet.findings[-1] if sheet.findings else None
    if field.name == "went_well" and finding and finding.went_well:
        return finding.went_well
    if field.name == "talk" and finding and finding.talk:
        return f"{spaced(finding.talk)}, as the group found"
    if field.name == "contact":
        track = next((each for each in sheet.tracks if each.name == "community"), None)
        return f"{NOT_RECORDED} in words; the track says: {spaced(track.state)}" if track else NOT_RECORDED
    return NOT_RECORDED


def _on_time(clocks: Sequence[Clock]) -> str:
    clock = next((each for each in clocks if each.name == SUPERVISOR), None)
    if clock is None:
        return "no such clock was started"
    if clock.stopped_at is None:
        return f"not in; due {moment(clock.due_at)}"
    late = clock.stopped_at - clock.due_at
    kept = "in time" if late <= timedelta(0) else f"late by {length(late)}"
    return f"in on {moment(clock.stopped_at)}, {kept}"


def _referrals(sheet: Sheet) -> str:
    told = []
    for each in sheet.referrals:
        kind = f", {each.kind}" if each.kind else ""
        told.append(
            f"{each.body.upper()}{kind}, on {each.made_on:%-d %B %Y} by {each.by_post} ({each.reference})"
        )
    return "; ".join(told) or NOT_RECORDED


def _lines(sheet: Sheet) -> Iterator[Block]:
    columns = columns_of("Line:0.7 | Kind:1.5 | Wording:0.8 | Standing:1.0 | Drafted:1.4 | Issued:2.4")
    rows = [
        (
            f"S-{line.number}",
            line.title or line.template,
            f"version {line.version}",
            spaced(line.state),
            moment(line.drafted_at),
            "; ".join(
                f"{moment(each.at)} to {each.place}, {length(each.at - sheet.case.opened_at)} after opening"
                for each in sheet.issues.get(line.id, ())
            )
            or "not issued",
        )
        for line in sheet.lines
    ]
    yield Table("Lines", columns, rows_of(rows), "No line was drafted.")
    for line in sheet.lines:
        missing = f"; not known: {', '.join(map(spaced, line.missing))}" if line.missing else ""
        yield Paragraph(words(f"S-{line.number}, version {line.version}{missing}:"))
        yield Paragraph(words(line.text.strip() or "No words yet."), "quote")


def _claims(sheet: Sheet) -> Iterator[Block]:
    columns = columns_of(
        "Claim:0.7 | Title:2.2 | Decided by people:1.5 | Why, and on what:2.2 | Answered:1.4"
    )
    rows = []
    for claim in sheet.claims:
        made = sheet.decisions.get(claim.decision_id) if claim.decision_id else None
        chosen = sheet.responses.get(claim.id)
        ours = " (our own line)" if claim.ours else ""
        state = spaced(claim.state) + ("; a statement of ours was wrong" if claim.met_wrong else "")
        state += "; taken off" if claim.withdrawn_at else ""
        why = f"{made.why} ({', '.join(made.evidence) or 'no reference'})" if made else "nobody has decided"
        answered = f"{chosen.title}, {moment(chosen.at)}" if chosen else NOT_RECORDED
        rows.append((f"C-{claim.number}", f"{claim.title}{ours}", state, why, answered))
    yield Table("Claims noted, and what came of them", columns, rows_of(rows), "No claim was noted.")


def _questions(sheet: Sheet) -> Iterator[Block]:
    columns = columns_of("Question:2.5 | Standing:0.8 | Answer:2.7")
    rows = [(each.text, spaced(each.state), each.answer or NOT_RECORDED) for each in sheet.questions]
    yield Table("Questions people ask", columns, rows_of(rows), "No question was noted.")
