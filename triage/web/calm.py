"""What is wrong right now, in words: silence must never look like calm.

Shown on every page, so each question is one indexed or small query.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from urllib.parse import quote

from sqlalchemy import text
from sqlmodel import Session, col, func, select

from classifier.drift import State as Drift
from classifier.drift import judge
from collector.evidence import STAGE as EVIDENCE
from collector.health import State, is_blind, state_of
from collector.records import Failure, SourceRow, Tally
from collector.sources import inbound
from triage.auditing import STAGE as AUDIT
from triage.auditing import standing
from triage.backups import STAGE as BACKUPS
from triage.backups import standing as backups_standing
from triage.certificates import last_run
from triage.oncall import BROKEN
from triage.records import Channel, Heartbeat
from triage.resending import count_undelivered
from triage.rule_changes import agreed_to, in_force
from triage.switch_records import SwitchKind
from triage.switching import switched_off
from triage.web.sight import remedy, why
from triage.web.words import clock_time, count, spell

DEAD_AFTER = timedelta(seconds=20)
FORGOTTEN_AFTER = timedelta(days=2)
LOST_CALLS = 3
# A job that failed is shown for a day; what it was about stands as a failure until it is mended. The outside watcher is
# told for some minutes: were it longer, it could not tell of anything else meanwhile.
SHOWN_FOR, LATELY = timedelta(days=1), timedelta(minutes=10)
UNSEEN = "What is posted there is not seen here"
# what a part does for the desk, by the beginning of its name
WITHOUT = {
    "schedule": "no source is asked and no clock calls out",
    "listen": "the live streams are not read",
    "work": "posts wait to be assessed, alerts to be sent",
    "web": "some people cannot reach the desk",
}
FAILED_LOOKS = 5
RETENTION_LATE, HOLDS_SOON = timedelta(hours=36), timedelta(days=14)


class Trouble(NamedTuple):
    """One thing that does not work. `means` says what is missing because of it, `remedy` what to do; `where` is the
    page that tells more."""

    what: str
    remedy: str
    where: str = "/sources"
    means: str = ""


class Calm(NamedTuple):
    """The state of the watch. `since` is when the first source was first looked at."""

    troubles: tuple[Trouble, ...]
    live_sources: int
    all_sources: int
    since: datetime | None
    last_seen_at: datetime | None


class Watched(NamedTuple):
    """How one source is doing. `blind` says why we do not see what it shows, None when we do."""

    source: SourceRow
    state: State
    blind: str | None


def troubles(
    session: Session, *, channels: Sequence[str], rules_on_disk: str | None = None, now: datetime
) -> Calm:
    """Everything that stands between the world and this desk, gravest first."""
    sources = watched(session, now=now)
    enabled = [each for each in sources if each.source.enabled and each.source.kind not in inbound()]
    found = (
        *_changed_evidence(session),
        *_dead_parts(session, now=now),
        *_blind(enabled),
        *_no_channel(channels),
        *_failing_channels(session, now=now),
        *_undelivered(session, now=now),
        *_audited(session),
        *_unreached(session),
        *_unsaved(session),
        *_stuck_jobs(session, now=now),
        *_drifting(session),
        *_unrun_retention(session, now=now),
        *_holds_to_review(session, now=now),
        *_switched_off(session, now=now),
        *_other_rules(session, rules_on_disk),
        *_unseen_files(session, now=now),
        *_failures(session, now=now),
    )
    looked = [each.source.last_success_at for each in enabled if each.source.last_success_at]
    return Calm(
        troubles=tuple(found),
        live_sources=sum(each.blind is None for each in enabled),
        all_sources=len(enabled),
        since=session.exec(select(func.min(Tally.minute))).one(),
        last_seen_at=max(looked, default=None),
    )


class Watch:
    """The state of the watch, remembered for `remembered` after it was looked at: many people's pages show it."""

    def __init__(
        self, channels: Sequence[str], rules_on_disk: Callable[[], str | None], remembered: timedelta
    ) -> None:
        self._channels = channels
        self._rules_on_disk = rules_on_disk
        self._remembered = remembered
        self._last: tuple[datetime, Calm] | None = None

    def look(self, session: Session, *, now: datetime) -> Calm:
        """The state as it is, or was a moment ago."""
        last = self._last
        if last is not None and timedelta(0) <= now - last[0] < self._remembered:
            return last[1]
        on_disk = self._rules_on_disk()
        calm = troubles(session, channels=self._channels, rules_on_disk=on_disk, now=now)
        self._last = (now, calm)
        return calm


def watched(session: Session, *, now: datetime) -> list[Watched]:
    """All sources, those switched off last, by name."""
    rows = session.exec(select(SourceRow).order_by(col(SourceRow.enabled).desc(), SourceRow.name)).all()
    return [_watched(row, now) for row in rows]


def _watched(row: SourceRow, now: datetime) -> Watched:
    state = state_of(row, now)
    return Watched(row, state, why(row, state, now) if is_blind(row, now) else None)


def _blind(enabled: Sequence[Watched]) -> Iterator[Trouble]:
    blind = [each for each in enabled if each.blind]
    if not enabled:
        yield Trouble("No source is switched on, so nothing can arrive", "Enable sources in sources.toml")
    if len(blind) > 3:
        names = ", ".join(each.source.name for each in blind[:3])
        yield Trouble(
            f"{len(blind)} of {len(enabled)} sources are blind: {names} and others",
            "See sources for each reason",
            "/sources?show=blind",
            UNSEEN,
        )
        return
    for each in blind:
        where = f"/sources/{quote(each.source.name, safe='')}"
        yield Trouble(f"{each.source.name} {each.blind}", remedy(each.source, each.state), where, UNSEEN)


def _no_channel(channels: Sequence[str]) -> Iterator[Trouble]:
    if not channels:
        yield Trouble(
            "No alert channel is set up: alerts are shown on this desk only",
            "Set GOLDENHOUR_SLACK__TOKEN, then restart",
            "/alerts",
        )


def essentials(session: Session, *, now: datetime) -> list[Trouble]:
    """What is wrong with that without which nobody is alerted: then the outside watcher is not called."""
    jobs = _stuck_jobs(session, within=LATELY, now=now)
    return [*_dead_parts(session, now=now), *jobs, *_audited(session)]


def _audited(session: Session) -> Iterator[Trouble]:
    """What the audit of the alerts found, until it is mended."""
    for each in standing(session):
        yield Trouble(f"Alerts need a look: {each.error}", each.remedy or "", "/alerts")


def _unreached(session: Session) -> Iterator[Trouble]:
    """Critical cases that wait for an answer, and whose ladder could tell nobody so far."""
    numbers = session.connection().execute(UNREACHED).scalars().all()
    if numbers:
        named = ", ".join(f"GH-{number}" for number in numbers[:3]) + (" and others" if numbers[3:] else "")
        yield Trouble(
            f"Nobody could be told by their ladder of {named}: nobody is on call, or no address is known",
            "Tell people another way, then put people and addresses into config/rota.toml",
            "/alerts",
            "It stands on this desk and in its channel only",
        )


UNREACHED = text("""
SELECT DISTINCT c.number FROM escalations e JOIN cases c ON c.id = e.case_id JOIN alerts a ON a.id = e.alert_id
WHERE e.ended_at IS NULL AND e.severity <= 2 AND a.state = 'open'
  AND EXISTS (SELECT FROM escalation_steps s WHERE s.escalation_id = e.id)
  AND NOT EXISTS (SELECT FROM notifications n WHERE n.alert_id = e.alert_id AND n.kind = 'page'
                  AND n.state NOT IN ('no_channel', 'failed', 'withdrawn'))
ORDER BY c.number
""")


def _unsaved(session: Session) -> Iterator[Trouble]:
    """What is wrong with the backups, until it is mended."""
    for each in backups_standing(session):
        yield Trouble(each.error, each.remedy or "", "/alerts")


def _failing_channels(session: Session, *, now: datetime) -> Iterator[Trouble]:
    failing = select(Channel).where(Channel.failures >= LOST_CALLS).order_by(Channel.name)
    for each in session.exec(failing):
        yield Trouble(
            f"Alerts do not get through to {each.name}: {each.error or 'no reason recorded'}",
            "Tell people another way; run goldenhour doctor",
            "/alerts",
            f"The last message arrived {clock_time(each.proven_at, now)}"
            if each.proven_at
            else "Nothing has ever arrived",
        )


def _undelivered(session: Session, *, now: datetime) -> Iterator[Trouble]:
    """What was refused for good or got lost on its way, until it is sent again or the alert is answered."""
    lost = count_undelivered(session, now=now)
    if lost:
        yield Trouble(
            f"{count(lost, 'message')} did not arrive",
            "See why on the alerts page, then send again",
            "/alerts",
            "Who was to be told by it may not know",
        )


def _dead_parts(session: Session, *, now: datetime) -> Iterator[Trouble]:
    beats = session.exec(
        select(Heartbeat)
        .where(Heartbeat.beat_at > now - FORGOTTEN_AFTER, Heartbeat.state != "stopped")
        .order_by(Heartbeat.part)
    ).all()
    alive = {each.part for each in beats if now - each.beat_at <= DEAD_AFTER}
    dead = {each.part: each.beat_at for each in beats if each.part not in alive}
    if dead:
        longest = spell(now - min(dead.values()))
        yield Trouble(
            f"{count(len(dead), 'part')} of the service not answering for {longest}: {', '.join(dead)}",
            "It should restart by itself; if not, run goldenhour doctor",
            means="; ".join(
                sorted({said for name, said in WITHOUT.items() for part in dead if part.startswith(name)})
            ),
        )
    if not beats:
        yield Trouble(
            "Nothing is collecting or assessing: no part of the service has answered",
            "Start it with goldenhour run",
        )


def _stuck_jobs(session: Session, *, within: timedelta = SHOWN_FOR, now: datetime) -> Iterator[Trouble]:
    """Jobs that wait for long, and those that failed lately."""
    failed, since, waiting, age = session.connection().execute(text(JOBS), {"within": within}).one()
    if failed:
        yield Trouble(
            f"{count(failed, 'job')} failed for good" + (f" since {clock_time(since, now)}" if since else ""),
            "Run goldenhour doctor",
            means="Posts, alerts or drafts may be missing",
        )
    if age is not None and age > timedelta(minutes=2):
        yield Trouble(
            f"{count(waiting, 'job')} waiting, the oldest for {spell(age)}: what you see is late",
            "Start more workers with goldenhour work",
        )


# how long a job waits is told by the clock that set it, the database's: that of an exercise is another
JOBS = """
SELECT (SELECT count(*) FROM procrastinate_jobs j WHERE status = 'failed' AND NOT EXISTS (
            SELECT FROM procrastinate_events WHERE job_id = j.id AND type = 'failed' AND at <= now() - :within)),
       (SELECT min(at) FROM procrastinate_jobs j JOIN procrastinate_events e ON e.job_id = j.id
        WHERE j.status = 'failed' AND e.type = 'failed' AND e.at > now() - :within),
       (SELECT count(*) FROM procrastinate_jobs WHERE status = 'todo' AND queue_name <> 'look'),
       (SELECT now() - coalesce(j.scheduled_at, (SELECT min(at) FROM procrastinate_events
                                                 WHERE job_id = j.id AND type = 'deferred'))
        FROM procrastinate_jobs j
        WHERE j.status = 'todo' AND j.queue_name <> 'look' AND (j.scheduled_at IS NULL OR j.scheduled_at <= now())
        ORDER BY j.id LIMIT 1)
"""


def _drifting(session: Session) -> Iterator[Trouble]:
    """Until a later day is calm."""
    for day in judge(session, days=1):
        if day.state is Drift.ALARM:
            furthest = " and ".join(each.said for each in day.shifts[:2] if each.state is Drift.ALARM)
            yield Trouble(
                f"The model sees other posts than it was taken into use with: {furthest} on {day.day:%d %b}",
                "Look at the drift; compare or train another model",
                "/model",
            )


def _unrun_retention(session: Session, *, now: datetime) -> Iterator[Trouble]:
    """What is due and stays is kept without a right to it."""
    last = last_run(session) or session.exec(select(func.min(Tally.minute))).one()
    if last is not None and now - last > RETENTION_LATE:
        yield Trouble(
            f"Retention has not run for {spell(now - last)}: what is due is still here",
            "Run goldenhour retention run; it says what stops it",
            "/retention",
        )


def _holds_to_review(session: Session, *, now: datetime) -> Iterator[Trouble]:
    """The few that end within days, or whose review is due: afterwards what they held goes."""
    for number, ends in session.connection().execute(text(HOLDS), {"now": now, "soon": now + HOLDS_SOON}):
        yield Trouble(
            f"The legal hold H-{number} is to be looked at; it ends {clock_time(ends, now)}",
            "Review or release it",
            f"/holds/{number}",
            "When it ends, what it holds goes if its time is over",
        )


HOLDS = """
SELECT number, expires_at FROM holds WHERE ended_at IS NULL AND (review_at <= :now OR expires_at <= :soon)
ORDER BY expires_at LIMIT 3
"""


def _other_rules(session: Session, on_disk: str | None) -> Iterator[Trouble]:
    """A changed file decides nothing until people have agreed to it."""
    if on_disk and in_force(session) and not agreed_to(session, on_disk):
        yield Trouble(
            "rules.toml on this machine was changed and nobody agreed to it: the rules from before still decide",
            "Propose it with goldenhour rules propose, or put the file back",
            "/rules",
        )


def _switched_off(session: Session, *, now: datetime) -> Iterator[Trouble]:
    """What a person switched off, until somebody switches it on."""
    for each in switched_off(session):
        model = each.kind == SwitchKind.MODEL
        yield Trouble(
            f"{'The model' if model else f'The channel {each.name}'} is switched off by {each.off_by} since"
            f" {clock_time(each.off_at, now)}: {each.because}",
            "Switch it on when that is mended",
            "/model" if model else "/alerts",
            "posts are judged by words alone, more of them wait for a person"
            if model
            else "nothing is sent by it",
        )


def _changed_evidence(session: Session) -> Iterator[Trouble]:
    """Until it is mended, however long ago it was found."""
    changed = select(func.count()).where(Failure.stage == EVIDENCE, col(Failure.mended_at).is_(None))
    number = session.exec(changed).one()
    if number:
        yield Trouble(
            f"Evidence has changed: {count(number, 'piece')} no longer as collected",
            "Do not rely on it. Run goldenhour evidence check: it names each",
            "/alerts",
        )


def _unseen_files(session: Session, *, now: datetime) -> Iterator[Trouble]:
    """When files are asked for and none comes, the reason is most likely ours."""
    seen, failed, error = session.connection().execute(text(LOOKS), {"since": now - timedelta(hours=1)}).one()
    if failed >= FAILED_LOOKS and not seen:
        yield Trouble(
            f"Videos and pictures cannot be looked at: {count(failed, 'file')} failed in the last hour. {error}",
            "See the reasons on the case pages",
            "/queue",
        )


LOOKS = """
SELECT count(*) FILTER (WHERE done_at IS NOT NULL), count(*) FILTER (WHERE done_at IS NULL AND error IS NOT NULL),
       (array_agg(error ORDER BY at DESC) FILTER (WHERE done_at IS NULL AND error IS NOT NULL))[1]
FROM looks WHERE at > :since
"""


def _failures(session: Session, *, now: datetime) -> Iterator[Trouble]:
    stages = session.exec(
        select(Failure.stage, func.count(), func.min(Failure.at))
        .where(
            Failure.at > now - timedelta(days=1),
            col(Failure.mended_at).is_(None),
            col(Failure.stage).not_in((EVIDENCE, AUDIT, BACKUPS, BROKEN)),
        )
        .group_by(col(Failure.stage))
        .order_by(Failure.stage)
    ).all()
    for stage, number, first in stages:
        yield Trouble(
            f"{count(number, 'item')} could not be worked through ({stage})",
            "Run goldenhour doctor",
            means=f"Since {clock_time(first, now)}; what they hold is not on this desk",
        )
