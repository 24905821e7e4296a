"""Signed-in browsers: a random token in a cookie, its digest in the table, gone at sign-out and on time."""

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlmodel import Session, col, delete, select

from triage.records import Person
from triage.settings import WebSettings
from triage.sign_in_records import WebSession

SEEN_EVERY = timedelta(minutes=1)


class Visitor(NamedTuple):
    """The person behind a request. `person` is detached: read it, do not change it."""

    person: Person
    csrf: str
    digest: bytes


def digest_of(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def begin(session: Session, person: Person, settings: WebSettings, *, now: datetime) -> str:
    """A new session with a token nobody has seen before; returns the token for the cookie."""
    token = secrets.token_urlsafe(32)
    session.add(
        WebSession(
            token_sha256=digest_of(token),
            person_id=person.id,
            csrf=secrets.token_urlsafe(24),
            created_at=now,
            last_seen_at=now,
            expires_at=now + timedelta(hours=settings.session_hours),
        )
    )
    return token


def find(
    session: Session, token: str, settings: WebSettings, *, touch: bool, now: datetime
) -> Visitor | None:
    """Who this token belongs to; None when it is unknown, over, idle too long, or the person is disabled.

    `touch` is false for what a page asks by itself, so that an unattended desk still signs out.
    """
    found = session.exec(
        select(WebSession, Person)
        .join(Person, col(Person.id) == col(WebSession.person_id))
        .where(WebSession.token_sha256 == digest_of(token), col(Person.disabled_at).is_(None))
    ).first()
    if found is None:
        return None
    opened, person = found
    idle = now - opened.last_seen_at
    if now >= opened.expires_at or idle > timedelta(minutes=settings.idle_minutes):
        return None
    csrf, digest = opened.csrf, opened.token_sha256
    session.expunge(person)
    if touch and idle > SEEN_EVERY:
        opened.last_seen_at = now
        session.commit()
    return Visitor(person, csrf, digest)


def end(session: Session, digest: bytes) -> None:
    """Sign this browser out."""
    session.exec(delete(WebSession).where(col(WebSession.token_sha256) == digest))


def has_any(session: Session, person: Person) -> bool:
    """Whether this person is signed in anywhere."""
    asked = select(WebSession.person_id).where(WebSession.person_id == person.id).limit(1)
    return session.exec(asked).first() is not None


def end_all(session: Session, person: Person, *, but: bytes) -> None:
    """Sign this person out everywhere else, as after a change of password."""
    session.exec(
        delete(WebSession).where(col(WebSession.person_id) == person.id, col(WebSession.token_sha256) != but)
    )
