"""The words of the case material that must be in no lower version: names, references, places, addresses of posts."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from sqlmodel import Session, col, select

from collector.records import Post
from responders.packs.rows import Sheet
from triage.records import Membership, Person
from triage.review.pack_checks import Checks, fold, matches_of, names_said

LONGEST = 4_000  # characters of one text that are read


def known_of(
    session: Session, sheets: Sequence[Sheet], checks: Checks, vocabulary: Iterable[str]
) -> set[str]:
    """Every such word or phrase; what is part of the pack's own `vocabulary` is none."""
    texts = [each for sheet in sheets for each in _texts(sheet)]
    texts += _posts(session, [each.case.id for each in sheets])
    found: set[str] = {each for sheet in sheets for each in _references(sheet)}
    for person in session.exec(select(Person)):
        found |= {person.name, person.username}
    for text in texts:
        cut = text[:LONGEST]
        found.update(names_said(cut, checks.names))
        found.update(matches_of(cut, checks))
    ours = fold("\n".join(vocabulary)).lower()
    return {each for each in found if fold(each).lower().strip() not in ours}


def _posts(session: Session, ids: Sequence[Any]) -> Iterator[str]:
    asked = (
        select(Post.text, Post.title, Post.url)
        .join(Membership, col(Membership.post_id) == Post.id)
        .where(col(Membership.case_id).in_(ids))
    )
    for row in session.exec(asked):
        yield from (each for each in row if each)


def _texts(sheet: Sheet) -> Iterator[str]:
    """All free text of a case's records."""
    yield sheet.case.title
    yield sheet.item.because
    yield from (each.value for each in sheet.facts.values())
    yield from (each.words or "" for each in sheet.entries.values())
    yield from (each.text for each in sheet.claims)
    yield from (each.text for each in sheet.lines)
    yield from (f"{each.text}\n{each.answer}" for each in sheet.questions)
    yield from (each.why or "" for each in sheet.log)
    yield from (each.why or "" for each in sheet.prompts)
    for made in sheet.releases:
        weighed = (each["words"] for each in made.answers)
        untold = (each["why"] or "" for each in made.told)
        yield "\n".join([made.why, made.necessity, made.proportionality, *weighed, *made.redactions, *untold])
    for finding in sheet.findings:
        yield "\n".join([finding.decision, finding.why, *(each["words"] for each in finding.dissent)])


def _references(sheet: Sheet) -> Iterator[str]:
    """Identifiers by their place in the records, whatever they look like."""
    case, bwv = sheet.case, sheet.bwv
    if case.place and case.place != case.borough:
        yield case.place
    if bwv is not None and bwv.reference:
        yield bwv.reference
    yield from (each.reference for each in sheet.referrals)
    yield from (each.link for issues in sheet.issues.values() for each in issues if each.link)
    if sheet.voices.first is not None and sheet.voices.first.url:
        yield sheet.voices.first.url
