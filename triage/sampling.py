"""The sample of what was dropped: drawn at random each day, looked at by people, and the miss rate it shows.

Two stages drop: the prefilter, of whose refusals a few are kept (collector/reservoir.py), and the rules. Of both the
sample of a whole day is drawn when the day is over, London time. What should have been raised becomes a case on the
ordinary path: it is routed again, by a rule that says a person found it.
"""

import math
from collections.abc import Callable, Sequence
from datetime import date, datetime, time, timedelta
from typing import NamedTuple
from uuid import UUID, uuid4

from sqlalchemy import text
from sqlmodel import Session, col, select

from classifier.records import IncidentType
from collector.jobs import defer
from collector.refused_records import RefusedItem
from collector.reservoir import LONDON, let_refused_go, take_in
from triage.arrivals import text_of
from triage.labelling import CHECKED
from triage.learning_records import DropSample, Stage
from triage.locked import Conflict
from triage.log import Line, note
from triage.permissions import Permission, need
from triage.placing import WITHDRAWN
from triage.records import Case, Desk, Person
from triage.rules import Outcome, Priority, Rule
from triage.severity import graver
from triage.titles import title_of

KEPT = timedelta(days=7)
Z95 = 1.959964  # the normal quantile of a 95% interval

FOUND = Rule(
    name="found-in-the-sample",
    because="a person found it among what was dropped",
    outcome=Outcome.RAISE,
    desks=(Desk.COMMS, Desk.OVERSIGHT),
    priority=Priority.ROUTINE,
    draft=False,
)

_DROPPED = text("SELECT coalesce(sum(dropped), 0) FROM tallies WHERE minute >= :since AND minute < :until")
_RULED_OUT = text("""
    SELECT r.post_id, p.source, count(*) OVER () AS dropped FROM routings AS r
    JOIN post_keys AS k ON k.id = r.post_id JOIN posts AS p ON p.id = k.id AND p.collected_at = k.collected_at
    WHERE r.outcome = 'drop' AND r.rule <> :withdrawn AND r.at >= :since AND r.at < :until
    ORDER BY random() LIMIT :size
""")
_GONE = text("""
    UPDATE drop_samples AS s SET gone_at = :now WHERE missed IS NULL AND gone_at IS NULL AND (
        (stage = 'prefilter' AND NOT EXISTS (SELECT FROM refused_items AS i WHERE i.id = s.id))
        OR (stage = 'rules' AND (drawn_at <= :before OR NOT EXISTS (SELECT FROM posts AS p
            WHERE p.id = s.post_id AND p.withdrawn_at IS NULL))))
""")
# asked for every batch that is routed: the few that were missed come first, and only their routings are looked up
_MISSED = text("""
    WITH missed AS MATERIALIZED (SELECT post_id, type FROM drop_samples WHERE missed AND post_id = ANY(:posts))
    SELECT post_id, type FROM missed WHERE (SELECT count(*) FROM routings AS r
        WHERE r.post_id = missed.post_id AND r.outcome <> 'raise') > 0
""")


class Shown(NamedTuple):
    """A sampled post with its words. `because` is why it was dropped."""

    sample: DropSample
    words: str
    platform: str
    published_at: datetime
    because: str


class Rate(NamedTuple):
    """Of `looked_at` sampled posts of one stage, `missed` should have been raised; `dropped` were dropped in all.

    `low` and `high` bound the share missed (95%, Wilson); None before anyone looked.
    """

    stage: Stage
    dropped: int
    drawn: int
    looked_at: int
    missed: int
    share: float | None
    low: float | None
    high: float | None


def draw(session: Session, size: int, *, now: datetime) -> int:
    """Draw the sample of yesterday, once; and let go what nobody looked at. Returns how many. The caller commits."""
    day = now.astimezone(LONDON).date() - timedelta(days=1)
    let_refused_go(session, now=now)
    session.execute(_GONE, {"now": now, "before": now - KEPT})
    if session.exec(select(DropSample.id).where(DropSample.day == day).limit(1)).first() is not None:
        return 0
    since, until = _midnight(day), _midnight(day + timedelta(days=1))
    drawn = [
        *_refused(session, day, size, since, until, now),
        *_ruled_out(session, day, size, since, until, now),
    ]
    session.add_all(drawn)
    session.flush()
    return len(drawn)


def waiting(session: Session, limit: int = 100) -> list[Shown]:
    """What nobody has looked at yet, the oldest day first."""
    asked = select(DropSample).where(col(DropSample.missed).is_(None), col(DropSample.gone_at).is_(None))
    samples = session.exec(asked.order_by(col(DropSample.day), col(DropSample.id)).limit(limit)).all()
    refused = {
        each.id: each
        for each in session.exec(
            select(RefusedItem).where(col(RefusedItem.id).in_([each.id for each in samples]))
        )
    }
    stored = {each.id: each for each in session.execute(_WORDS, {"ids": [each.post_id for each in samples]})}
    shown = []
    for sample in samples:
        if item := refused.get(sample.id):
            because = "no word that speaks of police and an encounter"
            words = text_of(item.title, item.text)
            shown.append(Shown(sample, words, item.platform, item.published_at, because))
        elif post := stored.get(sample.post_id):
            words = text_of(post.title, post.text)
            shown.append(Shown(sample, words, post.platform, post.published_at, post.because))
    return shown


_WORDS = text("""
    SELECT p.id, p.title, p.text, p.platform, p.published_at, coalesce(r.because, '') AS because
    FROM post_keys AS k JOIN posts AS p ON p.id = k.id AND p.collected_at = k.collected_at
    LEFT JOIN routings AS r ON r.post_id = p.id WHERE k.id = ANY(:ids) AND p.withdrawn_at IS NULL
""")


def answer(
    session: Session,
    sample_id: UUID,
    *,
    missed: bool,
    kind: IncidentType | None = None,
    who: Person,
    now: datetime,
) -> DropSample:
    """Say whether a dropped post should have been raised, and as what. The caller commits."""
    need(who, Permission.CHECK_DROPPED)
    sample = session.get(DropSample, sample_id, with_for_update=True, populate_existing=True)
    if sample is None or sample.gone_at is not None:
        raise Conflict("The words of this post are no longer kept, so nobody can judge it.")
    if sample.missed is not None:
        raise Conflict("Somebody has looked at this one already.")
    if missed and kind in (None, IncidentType.NONE):
        raise Conflict("Say what kind of encounter it is.")
    sample.missed, sample.type = missed, kind if missed else None
    sample.answered_at, sample.answered_by = now, who.id
    said = {"post": str(sample.post_id), "stage": sample.stage, "missed": missed, "type": sample.type}
    note(session, [Line(CHECKED, None, None, said)], who=who.username, now=now)
    item = session.get(RefusedItem, sample.id)
    if missed and item is not None:
        take_in(session, item, now=now)
    elif missed:
        defer(session, "route", queue="route", lock="route", priority=1, posts=[str(sample.post_id)])
    if item is not None:
        session.delete(item)
    session.flush()
    return sample


def raise_found(
    session: Session, posts: Sequence[UUID], reroute: Callable[[list[UUID], Rule], object]
) -> int:
    """Have those of the posts routed again, by the rule FOUND, that a person found among the dropped; those that have
    come onto a list meanwhile as well, where they are.

    Returns how many. The caller commits, and holds the lock of routing.
    """
    found = {
        each.post_id: IncidentType(each.type) for each in session.execute(_MISSED, {"posts": list(posts)})
    }
    if not found:
        return 0
    session.execute(text("DELETE FROM routings WHERE post_id = ANY(:ids)"), {"ids": list(found)})
    reroute(list(found), FOUND)
    for each in session.execute(_HOMES, {"ids": list(found)}).all():
        case = session.get(Case, each.case_id)
        if case is not None and graver(found[each.post_id], IncidentType(case.type)) != case.type:
            case.type = found[each.post_id]
            case.title = title_of(found[each.post_id], case.place, case.borough)
    session.flush()
    return len(found)


_HOMES = text("SELECT post_id, case_id FROM memberships WHERE sure AND post_id = ANY(:ids)")


def rates(session: Session, *, days: int, now: datetime) -> list[Rate]:
    """The miss rate of each stage over the last so many days."""
    since = now.astimezone(LONDON).date() - timedelta(days=days)
    counted = session.execute(_RATES, {"since": since}).all()
    found = {each.stage: each for each in counted}
    return [_rate(stage, found.get(stage.value)) for stage in Stage]


_RATES = text("""
    SELECT stage, sum(drawn) AS drawn, sum(looked_at) AS looked_at, sum(missed) AS missed, sum(dropped) AS dropped
    FROM (SELECT day, stage, count(*) AS drawn, count(missed) AS looked_at, max(dropped) AS dropped,
        count(*) FILTER (WHERE missed) AS missed FROM drop_samples WHERE day >= :since GROUP BY day, stage) AS days
    GROUP BY stage
""")


def wilson(missed: int, looked_at: int) -> tuple[float, float]:
    """The 95% interval of a share (Wilson 1927): sound also for few or none."""
    share, square = missed / looked_at, Z95 * Z95
    middle = share + square / (2 * looked_at)
    reach = Z95 * math.sqrt(share * (1 - share) / looked_at + square / (4 * looked_at**2))
    whole = 1 + square / looked_at
    return max(0.0, (middle - reach) / whole), min(1.0, (middle + reach) / whole)


def _rate(stage: Stage, found: object) -> Rate:
    if found is None:
        return Rate(stage, 0, 0, 0, 0, None, None, None)
    drawn, looked_at, missed, dropped = (
        int(getattr(found, name)) for name in ("drawn", "looked_at", "missed", "dropped")
    )
    if not looked_at:
        return Rate(stage, dropped, drawn, 0, 0, None, None, None)
    return Rate(stage, dropped, drawn, looked_at, missed, missed / looked_at, *wilson(missed, looked_at))


def _refused(
    session: Session, day: date, size: int, since: datetime, until: datetime, now: datetime
) -> list[DropSample]:
    asked = select(RefusedItem).where(RefusedItem.day == day).order_by(col(RefusedItem.lot)).limit(size)
    dropped = int(session.execute(_DROPPED, {"since": since, "until": until}).scalar_one())
    return [
        DropSample(
            id=each.id,
            day=day,
            stage=Stage.PREFILTER,
            post_id=each.post_id,
            source=each.source,
            dropped=dropped,
            drawn_at=now,
        )
        for each in session.exec(asked)
    ]


def _ruled_out(
    session: Session, day: date, size: int, since: datetime, until: datetime, now: datetime
) -> list[DropSample]:
    values = {"withdrawn": WITHDRAWN.name, "since": since, "until": until, "size": size}
    return [
        DropSample(
            id=uuid4(),
            day=day,
            stage=Stage.RULES,
            post_id=each.post_id,
            source=each.source,
            dropped=int(each.dropped),
            drawn_at=now,
        )
        for each in session.execute(_RULED_OUT, values)
    ]


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), LONDON)
