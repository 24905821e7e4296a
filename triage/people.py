"""Who works here: accounts, the link that signs in once, passwords, and how guessing is slowed down.

Passwords are kept as argon2id. A name nobody has costs as much time as a wrong password. Failed guesses are
counted for the account as seen from one address, for the address alone, and for the account from everywhere:
the first two are tight, the last is wide, so that a stranger cannot lock a duty officer out.
"""

import hashlib
import re
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cache
from uuid import UUID

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from sqlmodel import Session, col, delete, func, select

from triage.log import MACHINE, Line, note
from triage.permissions import SMALL_TEAM
from triage.records import Desk, Person, Role
from triage.sign_in_records import SignInAttempt, SignInLink, WebSession

LINK_LASTS = timedelta(minutes=30)
WINDOW = timedelta(minutes=5)
GUESSES = 10  # in WINDOW: an account from one address, and one address (Cyber Essentials: at most 10)
GUESSES_EVERYWHERE = 100  # in WINDOW: one account from all other addresses together
SHORTEST_PASSWORD = 12
LONGEST_PASSWORD = 256
FIRST_PERSON = "admin"
SLACK_USER = re.compile(r"[UW][A-Z0-9]{2,20}", re.ASCII)

_hasher = PasswordHash((Argon2Hasher(),))


class Throttled(Exception):
    """Too many failed sign-ins; the text says when to try again."""


def create_person(
    session: Session,
    username: str,
    name: str,
    *,
    desks: Sequence[Desk] = (Desk.COMMS, Desk.OVERSIGHT),
    roles: Sequence[Role] = (),
    by: str = MACHINE,
    now: datetime,
) -> Person:
    """A new account without a password: a link lets its owner in. The name must not be taken."""
    person = Person(
        username=_plain(username),
        name=name,
        desks=[desk.value for desk in desks],
        roles=[role.value for role in roles],
        created_at=now,
    )
    session.add(person)
    session.flush()
    detail = {"person": str(person.id), "roles": person.roles}
    note(session, [Line("account created", detail=detail)], who=by, now=now)
    return person


def first_person(session: Session, *, now: datetime) -> Person | None:
    """The administrator of a fresh installation; None when anybody has an account already."""
    if session.exec(select(Person.id).limit(1)).first() is not None:
        return None
    return create_person(session, FIRST_PERSON, "Administrator", roles=SMALL_TEAM, now=now)


def make_link(session: Session, person: Person, *, now: datetime, lasts: timedelta = LINK_LASTS) -> str:
    """A token that signs this person in once. Only its digest is kept; older links stop working."""
    session.exec(delete(SignInLink).where(col(SignInLink.person_id) == person.id))
    token = secrets.token_urlsafe(32)
    link = SignInLink(token_sha256=_digest(token), person_id=person.id, expires_at=now + lasts)
    session.add(link)
    session.flush()
    return token


def redeem(session: Session, token: str, *, now: datetime) -> Person | None:
    """The person a link signs in, which uses it up; None when it is unknown, used, or too old."""
    link = session.exec(
        select(SignInLink).where(SignInLink.token_sha256 == _digest(token)).with_for_update()
    ).first()
    if link is None or link.used_at is not None or link.expires_at <= now:
        return None
    link.used_at = now
    session.flush()
    return session.exec(
        select(Person).where(Person.id == link.person_id, col(Person.disabled_at).is_(None))
    ).first()


def verify(session: Session, username: str, password: str, *, address: str, now: datetime) -> Person | None:
    """The person with this name and password, else None after counting the guess. The caller commits.

    Raises Throttled, whether or not the password is right, once there were too many guesses.
    """
    username = _plain(username)
    here, there, everywhere = _subjects(username, address)
    _one_at_a_time(session, there)
    _wait_if_guessed(session, [(here, GUESSES), (there, GUESSES), (everywhere, GUESSES_EVERYWHERE)], now=now)
    person = session.exec(select(Person).where(Person.username == username)).first()
    right = _fits(person.password_hash if person else None, password)
    if person is None or not right or person.disabled_at is not None:
        session.add_all([SignInAttempt(subject=each, at=now) for each in (here, there, everywhere)])
        session.flush()
        return None
    session.exec(delete(SignInAttempt).where(col(SignInAttempt.subject) == here))
    return person


def fits(person: Person, password: str) -> bool:
    """Whether this is the person's password."""
    return _fits(person.password_hash, password)


def digest_password(password: str) -> str:
    """What is kept of a password."""
    return _hasher.hash(password)


def too_weak(password: str, username: str) -> str:
    """What is wrong with a new password, in words for the person; empty when it will do."""
    if len(password) < SHORTEST_PASSWORD:
        return f"Use at least {SHORTEST_PASSWORD} characters. Three random words do well"
    if len(password) > LONGEST_PASSWORD:
        return f"Use at most {LONGEST_PASSWORD} characters"
    if len(set(password.lower())) < 5:
        return "Use more different characters"
    if _plain(username) in password.lower() and len(password) < len(username) + SHORTEST_PASSWORD:
        return "Do not build the password on your user name"
    return ""


def disable(session: Session, person: Person, *, by: str, now: datetime) -> None:
    """Close an account: its browsers are signed out with this, its links stop working."""
    person.disabled_at = now
    _shut_out(session, person)
    note(session, [Line("account disabled", detail={"person": str(person.id)})], who=by, now=now)


def set_roles(session: Session, person: Person, roles: Sequence[Role], *, by: str, now: datetime) -> None:
    """Change what a person may do: at once, and their browsers are signed out."""
    before = person.roles
    person.roles = [role.value for role in dict.fromkeys(roles)]
    _shut_out(session, person)
    detail = {"person": str(person.id), "from": before, "to": person.roles}
    note(session, [Line("roles changed", detail=detail)], who=by, now=now)


def link_slack(session: Session, person: Person, slack_user: str | None, *, by: str, now: datetime) -> None:
    """Say which Slack user this person is; None takes it back. Raises ValueError, in words for an administrator, for
    one that is somebody else here."""
    if slack_user is not None and not SLACK_USER.fullmatch(slack_user):
        raise ValueError(f"{slack_user!r} is not the id of a Slack user; it looks like U0123ABCD")
    asked = select(Person).where(Person.slack_user == slack_user, Person.id != person.id)
    other = session.exec(asked).first() if slack_user else None
    if other is not None:
        raise ValueError(f"{slack_user} is {other.username} here; take that link back first")
    before, person.slack_user = person.slack_user, slack_user
    session.flush()
    detail = {"person": str(person.id), "from": before, "to": slack_user}
    note(session, [Line("Slack account linked", detail=detail)], who=by, now=now)


def set_password(session: Session, person: Person, password: str, *, by: str, now: datetime) -> None:
    """A new password, which signs all browsers out. Ask `too_weak` first."""
    person.password_hash = digest_password(password)
    _shut_out(session, person)
    note(session, [Line("password set", detail={"person": str(person.id)})], who=by, now=now)


def _shut_out(session: Session, person: Person) -> None:
    session.exec(delete(WebSession).where(col(WebSession.person_id) == person.id))
    session.exec(delete(SignInLink).where(col(SignInLink.person_id) == person.id))
    session.flush()


def forget_guesses(session: Session, *, now: datetime) -> None:
    """Drop what no longer counts. Run by the schedule."""
    session.exec(delete(SignInAttempt).where(col(SignInAttempt.at) < now - WINDOW))


def find_person(session: Session, username: str) -> Person | None:
    return session.exec(select(Person).where(Person.username == _plain(username))).first()


def by_slack_user(session: Session, slack_user: str) -> Person | None:
    """The person who is this Slack user, if the account is open."""
    found = select(Person).where(Person.slack_user == slack_user, col(Person.disabled_at).is_(None))
    return session.exec(found).first()


def name_of(session: Session, person_id: UUID) -> str:
    found = session.get(Person, person_id)
    return found.name if found else "someone"


@cache
def nobodys() -> str:
    """What the password of a wrong name is compared with. To make it takes as long as a comparison: whoever lets people
    sign in asks for it before the first does."""
    return _hasher.hash(secrets.token_urlsafe(16))


def _fits(kept: str | None, password: str) -> bool:
    """Takes the same time with and without a password to compare with."""
    right = _hasher.verify(password[:LONGEST_PASSWORD], kept or nobodys())
    return right and kept is not None


def _wait_if_guessed(session: Session, limits: Sequence[tuple[bytes, int]], *, now: datetime) -> None:
    for subject, most in limits:
        since = now - WINDOW
        recent = select(func.count(), func.min(SignInAttempt.at)).where(
            SignInAttempt.subject == subject, SignInAttempt.at > since
        )
        count, oldest = session.exec(recent).one()
        if count >= most and oldest is not None:
            wait = max(1, -(-int((oldest + WINDOW - now).total_seconds()) // 60))
            raise Throttled(
                f"Too many failed sign-ins. Try again in {wait} minute{'s' if wait > 1 else ''}, "
                "or ask for a sign-in link"
            )


def _one_at_a_time(session: Session, subject: bytes) -> None:
    """Guesses from one address wait for each other, so that sending many at once is no way past the count."""
    key = int.from_bytes(subject[:8], "big", signed=True)
    session.execute(select(func.pg_advisory_xact_lock(key)))


def _subjects(username: str, address: str) -> tuple[bytes, bytes, bytes]:
    return (
        _digest(f"account\0{username}\0{address}"),
        _digest(f"address\0{address}"),
        _digest(f"account\0{username}"),
    )


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def _plain(username: str) -> str:
    return username.strip().lower()
