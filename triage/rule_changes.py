"""How rules change: one person proposes, another agrees, and only then do they decide. Every act is a line of the log.

The file found at the first start is the first version. Going back to what was in force before needs one person: two
agreed to it once, and haste may count.
"""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session, col, func, select

from triage.locked import Conflict
from triage.log import MACHINE, Line, note
from triage.permissions import Permission, may, need
from triage.records import Person
from triage.rule_records import RulesChange, RulesVersion
from triage.rules import Rules, digest_of, in_brief, parse_rules

FIRST = "the file at the first start"
_ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(6298601)")  # any fixed number


class NotWhatWasAgreed(Exception):
    """The words of rules are not those whose digest was agreed to."""


def stack(session: Session) -> list[str]:
    """The digests of the rules one could go back to, those in force last. Empty before the first start."""
    rows = session.execute(
        select(RulesChange.digest, RulesChange.back)
        .where(col(RulesChange.since).is_not(None))
        .order_by(col(RulesChange.since))
    ).all()
    live: list[str] = []
    for digest, back in rows:
        if back and len(live) > 1:
            live.pop()
        elif not back:
            live.append(digest)
    return live


def in_force(session: Session) -> str | None:
    """The digest of the rules that are to decide. None before the first start."""
    live = stack(session)
    return live[-1] if live else None


def agreed_to(session: Session, digest: str) -> bool:
    """Whether rules of this digest are in force or ever were."""
    known = select(col(RulesChange.id)).where(
        RulesChange.digest == digest, col(RulesChange.since).is_not(None)
    )
    return session.execute(known.limit(1)).first() is not None


def rules_of(session: Session, digest: str) -> Rules:
    """Rules by their digest. Raises NotWhatWasAgreed, and RulesError when this release cannot read them."""
    kept = session.get(RulesVersion, digest)
    if kept is None or digest_of(kept.words) != digest:
        raise NotWhatWasAgreed(
            f"the words kept of rules {in_brief(digest)} are not those that were agreed to"
        )
    return parse_rules(kept.words, f"rules {in_brief(digest)}")


def adopt(session: Session, words: str, *, now: datetime) -> str:
    """The digest in force; at the first start, that of these words, which are from then on. The caller commits."""
    session.execute(_ONE_AT_A_TIME)
    known = in_force(session)
    if known is not None:
        return known
    digest = _keep(session, words, MACHINE, now)
    first = RulesChange(
        digest=digest, why=FIRST, asked_by=MACHINE, asked_at=now, agreed_by=MACHINE, since=now
    )
    session.add(first)
    note(session, [Line("rules taken up", None, FIRST, {"rules": in_brief(digest)})], who=MACHINE, now=now)
    session.flush()
    return digest


def propose(
    session: Session,
    words: str,
    *,
    who: Person,
    why: str,
    rehearsal: dict[str, Any],
    now: datetime,
) -> RulesChange:
    """Ask for rules to be used; nothing changes until someone else agrees. The caller commits."""
    need(who, Permission.CHANGE_RULES)
    if not why.strip():
        raise Conflict("Say why: the log keeps the reason.")
    session.execute(_ONE_AT_A_TIME)
    live = in_force(session)
    digest = digest_of(words)
    if digest == live:
        raise Conflict("These rules are in force already.")
    if waiting(session) is not None:
        raise Conflict(
            "A change of the rules waits for a second person already: agree to it or refuse it first."
        )
    if rehearsal.get("in_force") not in (None, in_brief(live or "")):
        raise Conflict("Other rules came into force during the rehearsal. Propose again.")
    parse_rules(words, "the proposed rules")
    _keep(session, words, who.username, now)
    asked = RulesChange(
        digest=digest,
        instead_of=live,
        why=why.strip(),
        rehearsal=rehearsal,
        asked_by=who.username,
        asked_at=now,
    )
    session.add(asked)
    session.flush()
    detail = _detail(asked) | {"rehearsal": _in_short(rehearsal)}
    note(session, [Line("rules proposed", None, asked.why, detail)], who=who.username, now=now)
    return asked


def agree(session: Session, asked: UUID, digest: str, *, who: Person, now: datetime) -> RulesChange:
    """Agree to what another person proposed, as its digest was shown; it decides from now on."""
    return _agree(session, asked, digest, who=who, alone=False, now=now)


def agree_alone(session: Session, asked: UUID, digest: str, *, who: Person, now: datetime) -> RulesChange:
    """Agree to one's own proposal, where nobody else here may change rules."""
    others = [each for each in _changers(session) if each.username != who.username]
    if others:
        raise Conflict(f"{others[0].name} can agree on the page Rules: only who is alone agrees alone.")
    return _agree(session, asked, digest, who=who, alone=True, now=now)


def refuse(session: Session, asked: UUID, *, who: Person, now: datetime) -> None:
    """Say no to what was proposed, or take it back."""
    need(who, Permission.CHANGE_RULES)
    made = _waiting(session, asked)
    session.delete(made)
    note(session, [Line("rules refused", None, None, _detail(made))], who=who.username, now=now)


def roll_back(session: Session, *, who: Person, why: str, now: datetime) -> RulesChange:
    """Go back to the rules before, from now on."""
    need(who, Permission.CHANGE_RULES)
    if not why.strip():
        raise Conflict("Say why: the log keeps the reason.")
    session.execute(_ONE_AT_A_TIME)
    live = stack(session)
    if len(live) < 2:
        raise Conflict("No rules were in force before these.")
    made = RulesChange(
        digest=live[-2],
        instead_of=live[-1],
        back=True,
        why=why.strip(),
        asked_by=who.username,
        asked_at=now,
        agreed_by=who.username,
        since=_next(session, now),
    )
    session.add(made)
    note(session, [Line("went back to rules", None, made.why, _detail(made))], who=who.username, now=now)
    session.flush()
    return made


def waiting(session: Session) -> RulesChange | None:
    """What was proposed and waits for a second person."""
    return session.exec(select(RulesChange).where(col(RulesChange.since).is_(None))).first()


def _agree(
    session: Session, asked: UUID, digest: str, *, who: Person, alone: bool, now: datetime
) -> RulesChange:
    need(who, Permission.CHANGE_RULES)
    session.execute(_ONE_AT_A_TIME)
    made = _waiting(session, asked)
    if made.asked_by == who.username and not alone:
        raise Conflict("Somebody else has to agree: you proposed it.")
    if made.instead_of != in_force(session):
        raise Conflict("Other rules are in force since this was proposed. Refuse it, and propose again.")
    if made.digest != digest:
        raise Conflict("These are not the rules that were shown. Look again.")
    try:
        rules_of(session, digest)
    except NotWhatWasAgreed as error:
        raise Conflict(
            f"Not agreed: {error}. Refuse it, propose again, and tell whoever keeps the database."
        ) from error
    made.since, made.agreed_by, made.alone = _next(session, now), who.username, alone
    detail = _detail(made) | {"asked by": made.asked_by} | ({"alone": True} if alone else {})
    note(session, [Line("rules agreed", None, made.why, detail)], who=who.username, now=now)
    session.flush()
    return made


def _waiting(session: Session, asked: UUID) -> RulesChange:
    made = session.get(RulesChange, asked, with_for_update=True)
    if made is None or made.since is not None:
        raise Conflict("This does not wait for anybody any more.")
    return made


def _next(session: Session, now: datetime) -> datetime:
    """Now, but after every change before it, whatever the clocks of the machines say."""
    latest = session.exec(select(func.max(RulesChange.since))).one()
    return now if latest is None or now > latest else latest + timedelta(microseconds=1)


def _changers(session: Session) -> list[Person]:
    return [each for each in session.exec(select(Person)) if may(each, Permission.CHANGE_RULES)]


def _keep(session: Session, words: str, who: str, now: datetime) -> str:
    digest = digest_of(words)
    if session.get(RulesVersion, digest) is None:
        session.add(RulesVersion(digest=digest, words=words, kept_at=now, kept_by=who))
        session.flush()
    return digest


def _detail(made: RulesChange) -> dict[str, Any]:
    before = {"instead of": in_brief(made.instead_of)} if made.instead_of else {}
    return {"rules": in_brief(made.digest), "digest": made.digest, **before}


def _in_short(rehearsal: dict[str, Any]) -> dict[str, Any]:
    """The figures of a rehearsal for a line of the log."""
    return {"posts": rehearsal.get("posts", 0), **rehearsal.get("total", {})}
