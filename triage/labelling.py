"""Labels: what people's decisions say of posts, taken from the log, act by act.

A label names its post by id only, and who said it by a keyed digest. An act that is undone takes its labels back.
Of a case the posts that tell it count, not their copies, and at most `MOST`.
"""

import hmac
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import text
from sqlmodel import Session, col, func, select, update

from classifier.records import IncidentType
from triage.learning_records import Label, Says
from triage.permissions import GRANTS, Permission
from triage.records import LogEntry, Person

CHECKED = "dropped post checked"
CORRECTED = "type corrected"
FINDINGS = ("finding decided", "finding corrected")  # the last one counts: it takes back what others said
DECIDED = ("dismissed", "confirmed", CORRECTED, CHECKED, *FINDINGS)
TAKEN_BACK = {"undone: dismissed": "dismissed", "undone: confirmed": "confirmed", "reopened": "dismissed"}
MOST = 40
AT_ONCE = 500
KEY_BYTES = 16

_TELLING = text("""
    SELECT post_id FROM memberships WHERE case_id = :case AND sure AND how NOT IN ('same text', 'copy')
    ORDER BY joined_at, post_id LIMIT :most
""")


def take_labels(session: Session, key: bytes) -> int:
    """Make labels of the decisions since the last time. Returns how many entries were read. The caller commits.

    `key` is what people are digested with.
    """
    last = session.exec(select(func.max(Label.seq))).one() or 0
    entries = session.exec(
        select(LogEntry)
        .where(LogEntry.seq > last, col(LogEntry.what).in_((*DECIDED, *TAKEN_BACK)))
        .order_by(col(LogEntry.seq))
        .limit(AT_ONCE)
    ).all()
    people = _people(session, entries)
    for entry in entries:
        if entry.what in TAKEN_BACK:
            _take_back(session, entry, [TAKEN_BACK[entry.what]])
        elif entry.who in people:
            if entry.what in FINDINGS:
                _take_back(session, entry, FINDINGS)
            session.add_all(_labels(session, entry, people[entry.who], key))
            session.flush()
    return len(entries)


def person_key(person: UUID, key: bytes) -> bytes:
    """The digest a person is known by in labels."""
    return hmac.digest(key, person.bytes, "sha256")[:KEY_BYTES]


def _people(session: Session, entries: Sequence[LogEntry]) -> dict[str, Person]:
    names = {entry.who for entry in entries}
    return {
        each.username: each for each in session.exec(select(Person).where(col(Person.username).in_(names)))
    }


def _take_back(session: Session, entry: LogEntry, acts: Sequence[str]) -> None:
    """The labels of the acts that this one undoes."""
    session.execute(
        update(Label)
        .where(
            col(Label.case_id) == entry.case_id,
            col(Label.act).in_(acts),
            col(Label.seq) < entry.seq,
            col(Label.taken_back_at).is_(None),
        )
        .values(taken_back_at=entry.at)
    )


def _labels(session: Session, entry: LogEntry, person: Person, key: bytes) -> list[Label]:
    if entry.what in FINDINGS and not entry.detail["as"]:
        return []
    says, kind = _said(entry.what, entry.detail)
    return [
        Label(
            id=uuid4(),
            post_id=post,
            case_id=entry.case_id,
            says=says,
            type=kind,
            person_key=person_key(person.id, key),
            role=_role(person),
            act=entry.what,
            seq=entry.seq,
            at=entry.at,
        )
        for post in _posts(session, entry)
    ]


def _said(what: str, detail: Mapping[str, Any]) -> tuple[Says, IncidentType | None]:
    kind = IncidentType(detail["type"]) if detail.get("type") else None
    if what == CHECKED:
        return (Says.MISSED if detail["missed"] else Says.RIGHTLY_DROPPED), kind
    if what == CORRECTED:
        return Says.TYPE, kind
    return Says(detail["as"]), None


def _posts(session: Session, entry: LogEntry) -> list[UUID]:
    if entry.what == CHECKED:
        return [UUID(entry.detail["post"])]
    return list(session.scalars(_TELLING, {"case": entry.case_id, "most": MOST}))


def _role(person: Person) -> str:
    """The role that let the person decide."""
    return next((role for role in person.roles if Permission.TRIAGE in GRANTS.get(role, ())), "none")
