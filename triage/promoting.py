"""What people do to models: promote, go back, run one in the shadow. Every act is a line of the log.

On the desk one person asks and another agrees; at the terminal the operator is named. No act takes a version that
does not pass the gate (classifier/promotion.py), but going back is always possible.
"""

from datetime import datetime, timedelta
from uuid import UUID

from sqlmodel import Session, col, select

from classifier.learning_records import ModelVersion, Promotion, ShadowRun
from classifier.promotion import bounds, in_short, not_good_enough, shadow, stack
from triage.locked import Conflict
from triage.log import MACHINE, Line, note
from triage.permissions import Permission, need
from triage.records import Person

LONGEST_SHADOW = timedelta(days=28)
NAMED = 8  # reasons that a refusal lists


class Refused(Exception):
    """A version may not go live, or there is nothing to go back to; the text says why."""


def promote(
    session: Session,
    version: str,
    *,
    shipped: str,
    who: str,
    why: str,
    now: datetime,
    agreed: str | None = None,
) -> Promotion:
    """Take a version into use from now on. Raises Refused. The caller commits."""
    made = _asked(session, version, shipped=shipped, who=who, why=why, now=now)
    return _take_into_use(session, made, agreed or who, now)


def roll_back(session: Session, *, shipped: str, who: str, why: str, now: datetime) -> Promotion:
    """Go back to the version before. Raises Refused when there is none. The caller commits."""
    return _take_into_use(session, _back(session, shipped, who, why, now), who, now)


def ask(
    session: Session, version: str | None, *, shipped: str, who: Person, why: str, now: datetime
) -> Promotion:
    """Ask for a version, or (None) for the one before; nothing changes until someone else agrees."""
    need(who, Permission.CHANGE_MODEL)
    if not why.strip():
        raise Conflict("Say why: the log keeps the reason.")
    if waiting(session) is not None:
        raise Conflict("A change of the model waits for a second person already.")
    if version is None:
        made = _back(session, shipped, who.username, why, now)
    else:
        made = _asked(session, version, shipped=shipped, who=who.username, why=why, now=now)
    session.add(made)
    session.flush()
    said = "going back to a model asked for" if made.back else "promotion of a model asked for"
    note(session, [Line(said, None, why, {"version": made.version})], who=who.username, now=now)
    return made


def agree(session: Session, asked: UUID, *, shipped: str, who: Person, now: datetime) -> Promotion:
    """Agree to what another person asked for; it is in use from now on."""
    need(who, Permission.CHANGE_MODEL)
    made = session.get(Promotion, asked, with_for_update=True)
    if made is None or made.since is not None:
        raise Conflict("This does not wait for anybody any more.")
    if made.asked_by == who.username:
        raise Conflict("Somebody else has to agree: you asked for it.")
    if made.instead_of != stack(session, shipped)[-1]:
        raise Conflict("Another model is in use since this was asked for. Ask again.")
    return _take_into_use(session, made, who.username, now)


def refuse(session: Session, asked: UUID, *, who: Person, now: datetime) -> None:
    """Say no to what was asked for, or take it back."""
    need(who, Permission.CHANGE_MODEL)
    made = session.get(Promotion, asked, with_for_update=True)
    if made is None or made.since is not None:
        raise Conflict("This does not wait for anybody any more.")
    session.delete(made)
    note(
        session,
        [Line("change of model refused", None, None, {"version": made.version})],
        who=who.username,
        now=now,
    )


def waiting(session: Session) -> Promotion | None:
    """What was asked for and waits for a second person."""
    return session.exec(select(Promotion).where(col(Promotion.since).is_(None))).first()


def start_shadow(
    session: Session, version: str, *, shipped: str, share: float, days: int, who: str, now: datetime
) -> ShadowRun:
    """Have a version assess a share of the posts beside the one in use, for so many days. Raises Refused."""
    if not 0 < share <= 1:
        raise Refused(f"a share of {share} is none: choose more than 0 and at most 1")
    if not 0 < days <= LONGEST_SHADOW.days:
        raise Refused(f"a shadow runs for 1 to {LONGEST_SHADOW.days} days, not {days}")
    if version == stack(session, shipped)[-1]:
        raise Refused(f"{version} is in use; a shadow is another version")
    _known(session, version)
    stop_shadow(session, who=who, now=now)
    run = ShadowRun(
        version=version, share=share, started_at=now, started_by=who, until_at=now + timedelta(days=days)
    )
    session.add(run)
    detail = {"version": version, "share": share, "days": days}
    note(session, [Line("shadow started", None, None, detail)], who=who, now=now)
    return run


def stop_shadow(session: Session, *, who: str = MACHINE, now: datetime) -> ShadowRun | None:
    """End the run that is on, if any."""
    run = shadow(session, now=now)
    if run is not None:
        run.stopped_at = now
        note(session, [Line("shadow stopped", None, None, {"version": run.version})], who=who, now=now)
        session.flush()
    return run


def _asked(session: Session, version: str, *, shipped: str, who: str, why: str, now: datetime) -> Promotion:
    live = stack(session, shipped)[-1]
    if version == live:
        raise Refused(f"{version} is in use already")
    row, before = _known(session, version), session.get(ModelVersion, live)
    wrong = not_good_enough(row.figures, before.figures if before else {}, bounds())
    if wrong:
        more = f"; and {len(wrong) - NAMED} more" if len(wrong) > NAMED else ""
        raise Refused(f"{version} may not go live: {'; '.join(wrong[:NAMED])}{more}")
    return Promotion(
        version=version, instead_of=live, why=why, figures=row.figures, asked_by=who, asked_at=now
    )


def _back(session: Session, shipped: str, who: str, why: str, now: datetime) -> Promotion:
    live = stack(session, shipped)
    if len(live) < 2:
        raise Refused(f"{live[-1]} is the model that ships, and nothing was in use before it")
    row = session.get(ModelVersion, live[-2])
    return Promotion(
        version=live[-2],
        instead_of=live[-1],
        back=True,
        why=why,
        figures=row.figures if row else {},
        asked_by=who,
        asked_at=now,
    )


def _take_into_use(session: Session, made: Promotion, agreed_by: str, now: datetime) -> Promotion:
    made.since, made.agreed_by = now, agreed_by
    session.add(made)
    session.flush()
    detail = {
        "version": made.version,
        "instead of": made.instead_of,
        "asked by": made.asked_by,
        "figures": in_short(made.figures),
    }
    what = "went back to a model" if made.back else "model promoted"
    note(session, [Line(what, None, made.why, detail)], who=agreed_by, now=now)
    run = shadow(session, now=now)
    if run is not None and run.version == made.version:
        stop_shadow(session, who=agreed_by, now=now)
    return made


def _known(session: Session, version: str) -> ModelVersion:
    row = session.get(ModelVersion, version)
    if row is None:
        raise Refused(f"no model is called {version!r}; `goldenhour model add FOLDER` adds one")
    return row
