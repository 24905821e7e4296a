"""Our own errors: noted by people, suggested from what failed and from clocks that ran out, mended, and told.

What is suggested is no admission: a person says that it was one, or why it was none. Nothing is ever deleted here.
"""

from datetime import datetime, timedelta

from sqlalchemy import text
from sqlmodel import Session, col, select

from triage.locked import Conflict
from triage.log import MACHINE, Line, note
from triage.permissions import Permission, need
from triage.records import Person
from triage.slip_records import Slip, SlipKind

LASTING = timedelta(minutes=15)  # what was mended sooner was most likely a restart
LOOK_BACK = timedelta(days=7)
MOST = 200

# what stood unmended for long, and alerts that nobody acknowledged in time
SUGGESTED = text("""
    INSERT INTO slips (id, kind, happened_at, what, effect, suggested_by)
    SELECT gen_random_uuid(), 'outage', at, error, '', 'failure ' || id FROM failures
    WHERE stage IN ('alerts', 'backup', 'sweep', 'evidence') AND at > :since
        AND coalesce(mended_at, :now) - at >= :lasting
    UNION ALL
    SELECT gen_random_uuid(), 'late', k.breached_at, 'The clock ' || k.name || ' of GH-' || c.number || ' ran out', '',
        'clock ' || k.id
    FROM clocks k JOIN cases c ON c.id = k.case_id WHERE k.breached_at > :since AND k.name = 'acknowledge'
    ON CONFLICT (suggested_by) DO NOTHING RETURNING id
""")


def suggest(session: Session, *, now: datetime) -> int:
    """Put what failed or ran out before people, once each. Returns how many are new. The caller commits."""
    values = {"since": now - LOOK_BACK, "now": now, "lasting": LASTING}
    new = len(session.execute(SUGGESTED, values).all())
    if new:
        note(session, [Line("errors of ours suggested", None, None, {"slips": new})], who=MACHINE, now=now)
    return new


def own_up(
    session: Session,
    kind: SlipKind,
    *,
    what: str,
    effect: str,
    happened_at: datetime,
    who: Person,
    now: datetime,
) -> Slip:
    """Note that we went wrong. The caller commits. Raises Conflict."""
    need(who, Permission.SWITCH)
    if not what.strip() or not effect.strip():
        raise Conflict("Say what happened and what came of it.")
    if happened_at > now:
        raise Conflict("That time is still to come.")
    slip = Slip(kind=kind, happened_at=happened_at, what=what.strip(), effect=effect.strip())
    slip.noted_by, slip.noted_at = who.username, now
    session.add(slip)
    session.flush()
    _note(session, "error of ours noted", slip, who, now)
    return slip


def settle(
    session: Session,
    number: int,
    *,
    effect: str = "",
    mended_how: str = "",
    told: str = "",
    none_because: str = "",
    who: Person,
    now: datetime,
) -> Slip:
    """Say what came of it, how it was mended and who was told; or why a suggested one was none. The caller commits.
    Raises Conflict.
    """
    need(who, Permission.SWITCH)
    slip = session.exec(select(Slip).where(Slip.number == number).with_for_update()).first()
    if slip is None:
        raise Conflict(f"There is no E-{number}.")
    if none_because.strip():
        if slip.noted_by is not None:
            raise Conflict(f"E-{number} was owned up to by {slip.noted_by}: it stays.")
        slip.none_because = none_because.strip()
        _note(session, "suggested error was none", slip, who, now)
        return slip
    if not (effect.strip() or slip.effect):
        raise Conflict("Say what came of it, even if nothing did.")
    if slip.noted_by is None:
        slip.noted_by, slip.noted_at, slip.none_because = who.username, now, None
    slip.effect = effect.strip() or slip.effect
    if mended_how.strip():
        slip.mended_how, slip.mended_at = mended_how.strip(), now
    slip.told = told.strip() or slip.told
    _note(session, "error of ours mended" if mended_how.strip() else "error of ours noted", slip, who, now)
    return slip


def waiting(session: Session) -> list[Slip]:
    """Those that wait for a person: suggested and unanswered, or not mended, the oldest first."""
    open_ones = col(Slip.mended_at).is_(None), col(Slip.none_because).is_(None)
    return list(session.exec(select(Slip).where(*open_ones).order_by(col(Slip.happened_at)).limit(MOST)))


def settled(session: Session) -> list[Slip]:
    """Those that are mended or were none, the newest first."""
    closed = col(Slip.mended_at).is_not(None) | col(Slip.none_because).is_not(None)
    return list(session.exec(select(Slip).where(closed).order_by(col(Slip.happened_at).desc()).limit(MOST)))


def _note(session: Session, what: str, slip: Slip, who: Person, now: datetime) -> None:
    line = Line(what, None, None, {"slip": f"E-{slip.number}", "kind": str(slip.kind)})
    note(session, [line], who=who.username, now=now)
