"""Spreading: looks at the cases that grow, and says so few times: a spike, an outlet, a much-seen post.

A tick over saved cases, never over authors. It counts, weighs the reach anew, and raises a growth update: an alert of
its own, at most a few in one flood, however large. What comes too soon after the last waits and is said with the next.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session, col, func, select

from collector.records import Post
from triage.breaches import raise_anew
from triage.casework import follow
from triage.coordinated import find_coordinated
from triage.growth import count_anew
from triage.growth_records import Spread
from triage.growth_rules import GrowthRules
from triage.lifecycle import RAISED, Lifecycle
from triage.locked import lock, touch_by
from triage.log import MACHINE
from triage.pace import WINDOW, Pace, spikes
from triage.paces import paces_of
from triage.records import OPEN, Alert, AlertState, Case, Desk, Membership, Severity
from triage.severity import of_case, passed
from triage.tracks import start_by

AT_ONCE = 200
UPDATE = "growth"  # the rule that a growth update names
GREW = "growth update"
FRESH, FADING = timedelta(hours=6), timedelta(hours=48)
OFTEN, SELDOM = timedelta(minutes=15), timedelta(hours=1)  # a case is measured anew, while fresh and after

_DUE = text("""
    SELECT c.id FROM cases c
    LEFT JOIN spreads s ON s.case_id = c.id
    LEFT JOIN (SELECT case_id, sum(posts) AS posts FROM growth WHERE at > :window GROUP BY case_id) paced
        ON paced.case_id = c.id
    WHERE c.status = ANY(:open) AND c.last_post_at > :fading AND (
        paced.posts >= :least OR s.spiking_at IS NOT NULL OR cardinality(s.waiting) > 0 OR s.measured_at IS NULL
        OR s.measured_at < CASE WHEN c.opened_at > :fresh THEN :often ELSE :seldom END)
    ORDER BY coalesce(paced.posts, 0) DESC, s.measured_at NULLS FIRST, c.id LIMIT :most
""")
_SEEN = text("""
    SELECT p.platform, p.published_at, seen.views, seen.followers FROM memberships m
    CROSS JOIN LATERAL (
        SELECT max(CAST(reach ->> 'views' AS bigint)) AS views, max(CAST(reach ->> 'followers' AS bigint)) AS followers
        FROM sightings WHERE post_id = m.post_id AND reach <> '{}'
    ) seen
    JOIN post_keys k ON k.id = m.post_id
    JOIN posts p ON p.id = k.id AND p.collected_at = k.collected_at AND p.withdrawn_at IS NULL
    WHERE m.case_id = :case AND m.sure AND (seen.views IS NOT NULL OR seen.followers IS NOT NULL)
    ORDER BY seen.views DESC NULLS LAST
""")
_OUTLETS = text("""
    SELECT source, min(g.at) AS at, (SELECT min(at) FROM growth WHERE case_id = :case) AS begun
    FROM growth g CROSS JOIN unnest(g.sources) AS source JOIN sources r ON r.name = source
    WHERE g.case_id = :case AND r.kind = ANY(:kinds) AND r.name <> ALL(:other) GROUP BY source ORDER BY 2, 1
""")


def due_cases(session: Session, rules: GrowthRules, *, now: datetime) -> list[UUID]:
    """Open cases that spike, may do so, or were not measured for long; the fastest first."""
    values = {
        "open": [status.value for status in OPEN],
        "window": now - WINDOW,
        "least": rules.spike.posts,
        "fading": now - FADING,
        "fresh": now - FRESH,
        "often": now - OFTEN,
        "seldom": now - SELDOM,
        "most": AT_ONCE,
    }
    return list(session.scalars(_DUE, values))


def measure(
    session: Session, case_id: UUID, rules: GrowthRules, lifecycle: Lifecycle, *, now: datetime
) -> bool:
    """Measure one case, and raise what is to be raised. Whether a growth update was. The caller commits."""
    [case] = lock(session, case_id)
    spread = session.get(Spread, case_id, with_for_update=True) or _begun(session, case, now=now)
    pace = paces_of(session, [case_id], now=now)[case_id]
    news = _spike(spread, pace, rules, now)
    if spread.measured_at is None or spread.measured_at <= now - OFTEN or news or spread.spiking_at:
        news += _pick_ups(session, case, spread, rules)
        spread.coordinated = _bursts(session, spread, pace, rules, now=now)
    spread.measured_at = now
    spread.waiting = list(dict.fromkeys([*spread.waiting, *news]))
    _weigh_reach(session, case, spread, pace, rules, lifecycle, now=now)
    told = _tell(session, case, spread, pace, rules, now=now)
    session.flush()
    return told


def _begun(session: Session, case: Case, *, now: datetime) -> Spread:
    """The ledger of a case that has none, as it is older than the ledger: counted from its posts."""
    posts = select(Post).join(Membership, col(Membership.post_id) == col(Post.id))
    mine = posts.where(Membership.case_id == case.id, col(Membership.sure))
    count_anew(session, case.id, session.scalars(mine).all(), now=now)
    return session.get_one(Spread, case.id)


def _spike(spread: Spread, pace: Pace, rules: GrowthRules, now: datetime) -> list[str]:
    """What is new of its pace, in words."""
    if spread.told_at and not spread.spiking_at and now - spread.told_at > rules.updates.flood_ends_after:
        spread.told, spread.told_pace = 0, 0
    if not spikes(pace, rules.spike):
        if spread.spiking_at and pace.now < rules.spike.posts:
            spread.spiking_at = None
        return []
    begins = spread.spiking_at is None
    spread.spiking_at = spread.spiking_at or now
    if begins or pace.now >= rules.updates.larger * max(spread.told_pace, 1):
        spread.told_pace = pace.now
        return [f"{pace.now:,} posts in ten minutes"]
    return []


def _pick_ups(session: Session, case: Case, spread: Spread, rules: GrowthRules) -> list[str]:
    """Outlets and much-seen posts; returns, in words, those that are new and came after the case had begun."""
    chosen = rules.pick_up
    known = {str(each["name"]) for each in spread.pick_ups}
    found, news = list(spread.pick_ups), []
    outlets = {"case": case.id, "kinds": list(chosen.news_kinds), "other": list(chosen.not_news)}
    for row in session.execute(_OUTLETS, outlets):
        if row.source not in known:
            first = row.at <= row.begun
            found.append({"name": row.source, "kind": "outlet", "at": row.at.isoformat(), "first": first})
            news += [] if first else [f"picked up by {row.source}"]
    seen = session.execute(_SEEN, {"case": case.id}).all()
    given = [row.views for row in seen if row.views is not None]
    spread.views, spread.viewed = (sum(given) if given else None), len(given)
    large = [
        row for row in seen if (row.views or 0) >= chosen.views or (row.followers or 0) >= chosen.followers
    ]
    for row in large[:3]:
        name = f"{row.platform} {row.published_at:%Y-%m-%d %H:%M:%S}"
        if name not in known:
            found.append(_much_seen(row, name))
            news.append(f"a much-seen post on {row.platform}")
    spread.pick_ups = found
    return news


def _much_seen(row: Any, name: str) -> dict[str, Any]:
    kept = {
        "name": name,
        "kind": "post",
        "platform": row.platform,
        "at": row.published_at.isoformat(),
        "views": row.views,
    }
    return kept | ({"followers": row.followers} if row.followers else {})


def _bursts(
    session: Session, spread: Spread, pace: Pace, rules: GrowthRules, *, now: datetime
) -> list[dict[str, Any]]:
    """The largest burst of each sort so far."""
    if pace.now < rules.coordinated.accounts:
        return spread.coordinated
    kept = {str(each["what"]): each for each in spread.coordinated}
    for found in find_coordinated(session, spread.case_id, rules.coordinated, now=now):
        if found.accounts > kept.get(found.what, {}).get("accounts", 0):
            kept[found.what] = found.plain()
    return list(kept.values())


def reach_points(spread: Spread, pace: Pace, rules: GrowthRules) -> int:
    """What views, pace and outlets add to the reach of a case, 0..4."""
    steps = max(passed(rules.reach.views, spread.views or 0), passed(rules.reach.pace, pace.now))
    news = any(each["kind"] == "outlet" and not each["first"] for each in spread.pick_ups)
    return min(4, steps + news * rules.reach.news)


def _weigh_reach(
    session: Session,
    case: Case,
    spread: Spread,
    pace: Pace,
    rules: GrowthRules,
    lifecycle: Lifecycle,
    *,
    now: datetime,
) -> None:
    """The case is as grave as its reach now makes it; never less than before, nor graver than the cap of its rules."""
    parts = {
        **case.severity_parts,
        "reach": max(case.severity_parts.get("reach", 0), reach_points(spread, pace, rules)),
    }
    if parts["reach"] == case.severity_parts.get("reach", 0):
        return
    whole = of_case(parts, (), posts=case.post_count, sources=case.source_count)
    before, cap = case.severity, case.severity_parts.get("no_worse_than")
    follow(case, int(max(whole.level, Severity(cap)) if cap else whole.level))
    case.severity_parts = {**whole.parts, "no_worse_than": cap} if cap else whole.parts
    detail = {"from": before, "severity": case.severity, "reach": parts["reach"], "posts": case.post_count}
    if case.severity >= before:
        case.version += 1
        case.touched_at = now
        return
    told = [Desk(each) for each in session.scalars(_desks_told(case.id))]
    dues = lifecycle.started(RAISED, case.severity, now=now)
    start_by(session, case, [each for each in dues if each.desk in told], lifecycle, now=now)
    for desk in told:
        raise_anew(session, case, desk, rule=UPDATE, now=now)
    touch_by(session, case, "severity raised", who=MACHINE, now=now, why="its reach grew", detail=detail)


def _desks_told(case_id: UUID):  # type: ignore[no-untyped-def]
    return select(Alert.desk).where(Alert.case_id == case_id, Alert.growth == 0)


def _tell(
    session: Session, case: Case, spread: Spread, pace: Pace, rules: GrowthRules, *, now: datetime
) -> bool:
    """Raise a growth update for what waits, unless one was raised just now or enough were in this flood."""
    updates = rules.updates
    if not spread.waiting or (spread.told_at and now - spread.told_at < updates.apart):
        return False
    says, spread.waiting = ", ".join(spread.waiting), []
    desks = [desk for desk in updates.desks if desk.value in case.desks]
    if spread.told >= updates.most or not desks:
        return False
    spread.told, spread.told_at = spread.told + 1, now
    _raise(session, case, desks, says, now=now)
    detail = {"update": spread.told, "of": updates.most, "pace": pace.now, "posts": case.post_count}
    touch_by(session, case, GREW, who=MACHINE, now=now, why=says, detail=detail)
    return True


def _raise(session: Session, case: Case, desks: Sequence[Desk], says: str, *, now: datetime) -> None:
    """An alert for each desk that this case grows. Those before it are closed: this one says more."""
    earlier = select(Alert).where(Alert.case_id == case.id, Alert.growth > 0)
    for alert in session.scalars(earlier):
        alert.state = AlertState.CLOSED
    last = session.scalar(select(func.max(Alert.growth)).where(Alert.case_id == case.id)) or 0
    for desk in desks:
        session.add(
            Alert(
                case_id=case.id,
                desk=desk,
                growth=last + 1,
                says=says,
                priority="high" if case.severity <= Severity.SEV2 else "routine",
                rule=UPDATE,
                raised_at=now,
            )
        )
    session.flush()
