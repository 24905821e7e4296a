"""Handing a pack on: somebody asks for a version, it is made and read by the linter, and a second person releases it.

Who asked never releases. What is released is the bytes that were made, by their SHA-256; each act is a line of the
log. A version with a case that is restricted by now is not released and not opened.
"""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlmodel import Session, col, select

from collector.jobs import defer
from triage.hidden import seeing_all
from triage.locked import Conflict
from triage.log import MACHINE, Line, note
from triage.permissions import Permission, need
from triage.records import Case, Person
from triage.restriction_records import Restriction
from triage.review.pack_records import EditionState, PackEdition, PackFile

LONGEST_PERIOD = timedelta(days=366)
LONGEST_LEARNING = 4_000
PANEL, PUBLIC = "panel", "public"
SHOWN = 60


class Wanted(NamedTuple):
    """What is asked for. `panel` names whose version it is, with its area; the public's has `learning` in words."""

    audience: str
    since: datetime
    until: datetime
    panel: str = ""
    bcu: str | None = None
    borough: str | None = None
    learning: str = ""


def ask(session: Session, wanted: Wanted, *, who: Person, now: datetime) -> PackEdition:
    """Ask for a version; it is made by a job. The caller commits."""
    need(who, Permission.MAKE_PACKS)
    _must_make_sense(wanted, now)
    edition = PackEdition(**wanted._asdict(), asked_by=who.username, asked_at=now)
    session.add(edition)
    session.flush()
    defer(session, "make_pack", queue="respond", edition=str(edition.id))
    _say(session, edition, "pack asked for", who.username, now)
    return edition


def keep_made(
    session: Session,
    edition: PackEdition,
    files: Mapping[str, bytes],
    manifest: dict[str, Any],
    digest: str,
    *,
    now: datetime,
) -> None:
    """Keep what was made and what was left out of it; it waits for a second person."""
    for form, content in files.items():
        session.add(PackFile(edition_id=edition.id, form=form, sha256=_sha256(content), content=content))
    edition.state, edition.made_at = EditionState.MADE, now
    edition.manifest, edition.manifest_sha256 = manifest, digest
    session.flush()
    _say(session, edition, "pack made", MACHINE, now, files=digests(session, edition.id), manifest=digest)


def keep_stopped(
    session: Session, edition: PackEdition, places: Sequence[dict[str, Any]], *, now: datetime
) -> None:
    """Keep where the linter found what may not be handed on; nothing of what was made stays."""
    edition.state, edition.made_at, edition.stopped_by = EditionState.STOPPED, now, list(places)
    _say(session, edition, "pack stopped by the linter", MACHINE, now, places=len(places))


def release(session: Session, edition_id: UUID, digest: str, *, who: Person, now: datetime) -> PackEdition:
    """Release a version made by another's wish, as its manifest's digest was shown. The caller commits."""
    need(who, Permission.RELEASE_PACKS)
    edition = _held(session, edition_id, EditionState.MADE)
    if edition.asked_by == who.username:
        raise Conflict("Somebody else has to release what you asked for.")
    if edition.manifest_sha256 != digest:
        raise Conflict("This is not the version you were shown. Read it again.")
    _must_be_whole(session, edition)
    edition.state, edition.decided_by, edition.decided_at = EditionState.RELEASED, who.username, now
    _say(
        session,
        edition,
        "pack released",
        who.username,
        now,
        files=digests(session, edition.id),
        manifest=digest,
    )
    return edition


def refuse(session: Session, edition_id: UUID, why: str, *, who: Person, now: datetime) -> PackEdition:
    """Say no to a version, or take it back; with the reason. What was made of it goes."""
    need(who, Permission.RELEASE_PACKS)
    if not why.strip():
        raise Conflict("Say why: the log keeps the reason.")
    edition = _held(session, edition_id, EditionState.MADE)
    edition.state, edition.why = EditionState.REFUSED, why.strip()
    edition.decided_by, edition.decided_at = who.username, now
    for file in session.exec(select(PackFile).where(PackFile.edition_id == edition.id)):
        session.delete(file)
    _say(session, edition, "pack refused", who.username, now, why=edition.why)
    return edition


def editions(session: Session, *, released: bool = False) -> Sequence[PackEdition]:
    """The newest first."""
    asked = select(PackEdition).order_by(col(PackEdition.number).desc()).limit(SHOWN)
    return session.exec(asked.where(PackEdition.state == EditionState.RELEASED) if released else asked).all()


def opened(session: Session, edition: PackEdition, form: str, *, who: Person, now: datetime) -> PackFile:
    """The bytes of one form, entered in the log before they are shown. Raises Conflict when they are not to be."""
    file = session.get(PackFile, (edition.id, form))
    if file is None:
        raise Conflict("There is no such file.")
    _must_be_whole(session, edition)
    _say(session, edition, "pack opened", who.username, now, form=form)
    return file


def digests(session: Session, edition_id: UUID) -> dict[str, str]:
    """The SHA-256 of each form."""
    asked = select(PackFile.form, PackFile.sha256).where(PackFile.edition_id == edition_id)
    return dict(session.exec(asked.order_by(PackFile.form)).all())


def find(session: Session, number: int) -> PackEdition | None:
    return session.exec(select(PackEdition).where(PackEdition.number == number)).first()


def released_file(
    session: Session, audience: str, panel: str, since: datetime, until: datetime, form: str
) -> tuple[PackEdition, PackFile] | None:
    """What was released of a period for somebody, the newest; None when nothing was. Raises Conflict when it is not to
    be opened any more."""
    asked = (
        select(PackEdition, PackFile)
        .join(PackFile, col(PackFile.edition_id) == PackEdition.id)
        .where(
            PackEdition.state == EditionState.RELEASED,
            PackEdition.audience == audience,
            PackEdition.panel == panel,
            PackEdition.since == since,
            PackEdition.until == until,
            PackFile.form == form,
        )
        .order_by(col(PackEdition.number).desc())
    )
    found = session.exec(asked).first()
    if found is None:
        return None
    _must_be_whole(session, found[0])
    return found[0], found[1]


def _must_make_sense(wanted: Wanted, now: datetime) -> None:
    if wanted.audience not in (PANEL, PUBLIC):
        raise Conflict("Choose whom it is for.")
    if (
        not wanted.since < wanted.until <= now + timedelta(days=1)
        or wanted.until - wanted.since > LONGEST_PERIOD
    ):
        raise Conflict("Choose a first and a last day: in order, not after today, at most a year apart.")
    if (wanted.audience == PANEL) != bool(wanted.panel and (wanted.bcu or wanted.borough)):
        raise Conflict("Choose a panel for a panel's version, and none for the public's.")
    if len(wanted.learning) > LONGEST_LEARNING:
        raise Conflict(f"At most {LONGEST_LEARNING:,} characters of what was learnt.")


def _held(session: Session, edition_id: UUID, state: EditionState) -> PackEdition:
    edition = session.get(PackEdition, edition_id, with_for_update=True)
    if edition is None or edition.state != state:
        raise Conflict("This version does not wait for an answer any more.")
    return edition


def _must_be_whole(session: Session, edition: PackEdition) -> None:
    """The bytes are those that were made, and none of its cases is restricted by now."""
    for file in session.exec(select(PackFile).where(PackFile.edition_id == edition.id)):
        if _sha256(file.content) != file.sha256:
            raise Conflict(
                "The file kept is not the one that was made. Tell whoever looks after the service."
            )
    with seeing_all(session):
        standing = (
            select(Restriction.id)
            .join(Case, col(Case.id) == Restriction.case_id)
            .where(
                col(Restriction.lifted_at).is_(None),
                col(Case.number).in_(edition.manifest.get("numbers", [])),
            )
        )
        if session.exec(standing.limit(1)).first() is not None:
            raise Conflict("A case in it is restricted now. Make the version again.")


def _say(
    session: Session,
    edition: PackEdition,
    what: str,
    who: str,
    now: datetime,
    why: str | None = None,
    **more: Any,
) -> None:
    told = {"pack": f"P-{edition.number}", "audience": edition.audience, "panel": edition.panel, **more}
    note(session, [Line(what, None, why, told)], who=who, now=now)


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
