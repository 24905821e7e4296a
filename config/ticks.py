"""A tick: something that is due again and again. Only the leader ticks; a tick that runs twice does no harm."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

import structlog
from apscheduler.schedulers.background import BackgroundScheduler
from sqlalchemy import text
from sqlmodel import Session

from classifier.hurry import hurried
from collector import evidence
from collector.health import mark_quiet
from collector.jobs import defer, defer_all, ids
from collector.knocks import forget_knocks
from collector.months import make_months
from collector.schedule import due
from collector.sweep import due_to_sweep, purge
from collector.timestamps import unstamped
from collector.vault import Keyring, seal_authors
from collector.video.files import Files
from config.alert_ticks import audit_alerts, call_watcher, fall_back_from_slack, try_channels
from config.backup_ticks import mind_backups, save_by_night, suggest_errors
from config.follow_up_ticks import follow_up
from config.learning_ticks import count_scores, draw_sample, make_labels
from config.oncall_ticks import mind_alerts, tell_people
from config.reaper import forget, reap
from config.retention_ticks import keep_ledger, let_go_by_night
from config.review_ticks import mind_meetings
from config.service import House, in_short, is_away
from config.slack import channels_of
from config.start import LEAST_FREE_MB, free_mb
from responders import notifying
from responders.alarms import leave_head
from triage.breaches import begin_tracks, mark_breaches, overdue_cases, unbegun_cases
from triage.chain import head_of
from triage.custody import take_into_custody
from triage.edits import note_edits
from triage.growth import forget_paces
from triage.growth_rules import read_growth_rules
from triage.heads import HeadsError, read_heads, write_head
from triage.issuing import expire_line, overdue_lines
from triage.keeping import settle_files
from triage.lifecycle import read_lifecycle
from triage.notification_records import ChannelKind
from triage.records import Desk
from triage.repeated import forget_marks
from triage.reveal import read_reveal_policy
from triage.review.journal import count
from triage.spreading import due_cases, measure
from triage.switching import model_is_off

log = structlog.get_logger()

AT_MOST_DUE = 200
LONDON = ZoneInfo("Europe/London")
NIGHT = 3  # the hour in which evidence is checked

AGAIN_AT_ONCE = 20  # batches left to be read again; fewer posts than are read before the next tick looks
ASSESSING = text(
    "SELECT EXISTS (SELECT FROM procrastinate_jobs WHERE queue_name = 'assess' AND status = 'todo')"
)
BUSY = text(
    "SELECT queueing_lock FROM procrastinate_jobs WHERE queue_name = 'collect' AND status IN ('todo', 'doing')"
)


class Tick(NamedTuple):
    """What is done every so often, for the first time `first_s` after the start."""

    name: str
    every_s: float
    act: Callable[[House, datetime], None]
    first_s: float = 0.0


def collect_due(house: House, now: datetime) -> None:
    """Leave a job for each source that is due, for few of those that failed. With the disk nearly full nothing more
    is collected."""
    if free_mb(house.settings) < LEAST_FREE_MB:
        log.error("disk is full, collecting waits", folder=str(house.settings.data.resolve()))
        return
    with Session(house.engine) as session:
        doubtful = max(1, house.settings.collect.fetches_at_once // 4)
        names = due(session, now=now, limit=AT_MOST_DUE, doubtful=doubtful)
        busy = set(session.scalars(BUSY)) if names else set()
        jobs = [{"source": name} for name in names if name not in busy]
        defer_all(session, "collect", queue="collect", arguments=jobs, queueing_lock="source")
        session.commit()


def read_again(house: House, now: datetime) -> None:  # noqa: ARG001  the likeliest come first, whenever it was
    """Leave the posts of a flood that only the gate has read to be read in full, once none wait any more."""
    batch = house.settings.classifier.batch
    with Session(house.engine) as session:
        wait = session.scalar(ASSESSING) or model_is_off(session)
        posts = [] if wait else hurried(session, AGAIN_AT_ONCE * batch)
        jobs = [{"posts": ids(posts[i : i + batch])} for i in range(0, len(posts), batch)]
        defer_all(session, "read_again", queue="assess", arguments=jobs, priority=-1)
        session.commit()


def note_quiet(house: House, now: datetime) -> None:
    """Say once of each source that it has gone quiet against its own rhythm."""
    with Session(house.engine) as session:
        names = mark_quiet(session, now=now)
        session.commit()
    for name in names:
        log.warning("source has gone quiet", source=name)


def look_again(house: House, now: datetime) -> None:
    """Leave a job for each source whose stored posts are to be looked at again, and let go what may not be kept."""
    with Session(house.engine) as session:
        while purge(session, now=now):
            session.commit()
        busy = set(session.scalars(BUSY))
        for name in due_to_sweep(session, now=now):
            if f"sweep {name}" not in busy:
                defer(
                    session, "sweep", queue="collect", queueing_lock=f"sweep {name}", priority=-1, source=name
                )
        session.commit()


def keep_evidence(house: House, now: datetime) -> None:
    """Take the posts of cases into custody, seal who wrote them, and leave a job for each digest to be stamped."""
    with Session(house.engine) as session:
        take_into_custody(session, now=now)
        keep_for = timedelta(days=house.settings.collect.keep_files_days)
        settle_files(session, Files(house.settings.media), keep_for=keep_for, now=now)
        seal_authors(session, Keyring.of(house.settings.vault), since=now - timedelta(days=1), now=now)
        rule = read_reveal_policy(house.settings.file("policy/reveal.toml")).repeated
        forget_marks(session, rule, now=now)
        if house.settings.collect.timestamp_url is not None:
            busy = set(session.scalars(BUSY))
            for digest in unstamped(session):
                lock = f"stamp {digest.hex()}"
                if lock not in busy:
                    defer(
                        session,
                        "stamp",
                        queue="collect",
                        queueing_lock=lock,
                        priority=-1,
                        sha256=digest.hex(),
                    )
        session.commit()


def check_evidence(house: House, now: datetime) -> None:
    """Compute the digests of all stored payloads and files anew; in the small hours of the day, London time."""
    if now.astimezone(LONDON).hour != NIGHT:
        return
    with Session(house.engine) as session:
        evidence.check_evidence(session, Files(house.settings.media), now=now)
        session.commit()


def tell_edits(house: House, now: datetime) -> None:
    """Log that posts of cases say something else now."""
    with Session(house.engine) as session:
        note_edits(session, now=now)
        session.commit()


def mind_clocks(house: House, now: datetime) -> None:
    """Begin the tracks of confirmed cases that have none, mark each clock that ran out and each line that expired; a
    case at a time."""
    lifecycle = read_lifecycle(house.settings.file("tracks.toml"))
    with Session(house.engine) as session:
        unbegun, overdue = unbegun_cases(session), overdue_cases(session, now=now)
        session.commit()
        for case_id in unbegun:
            begin_tracks(session, case_id, lifecycle, now=now)
            session.commit()
        for case_id in overdue:
            breached = mark_breaches(session, case_id, lifecycle, now=now)
            session.commit()
            log.warning("clocks ran out", case=str(case_id), clocks=breached)
        for case_id, number in overdue_lines(session, now=now):
            session.commit()
            if expire_line(session, case_id, number, now=now):
                session.commit()
                log.info("line expired", line=f"S-{number}")


def mind_growth(house: House, now: datetime) -> None:
    """Measure the cases that grow, and raise growth updates; a case at a time."""
    rules = read_growth_rules(house.settings.file("growth.toml"))
    lifecycle = read_lifecycle(house.settings.file("tracks.toml"))
    with Session(house.engine) as session:
        due = due_cases(session, rules, now=now)
        session.commit()
        for case_id in due:
            told = measure(session, case_id, rules, lifecycle, now=now)
            session.commit()
            if told:
                log.info("growth update raised", case=str(case_id))


def put_back_stalled(house: House, now: datetime) -> None:
    with Session(house.engine) as session:
        reap(session, now=now)
        session.commit()


def publish_head(house: House, now: datetime) -> None:
    """Once a day: put the head of the log where the database's owner cannot change it."""
    path = house.settings.heads_file
    try:
        published = read_heads(path)
    except HeadsError as error:
        log.error("published heads cannot be read", error=str(error))
        published = []
    if published and published[-1].at.date() >= now.astimezone(UTC).date():
        return
    channels = channels_of(house)
    desk = Desk.OVERSIGHT.value if Desk.OVERSIGHT in channels else next(iter(channels), None)
    with Session(house.engine) as session:
        head = head_of(session)
        write_head(path, head, now=now)
        if desk is not None:
            leave_head(session, (ChannelKind.SLACK, channels[desk], f"desk:{desk}"), head, now=now)
            session.commit()
    log.info("head of the log published", entries=head.entries)


def keep_house(house: House, now: datetime) -> None:
    """Once a day: make the months ahead, let old failed jobs, notifications, counts of callers and paces go."""
    with Session(house.engine) as session:
        make_months(session, now=now)
        forget(session)
        forget_knocks(session, now=now)
        forget_paces(session, now=now)
        notifying.forget(session, now=now)
        session.commit()


def count_for_figures(house: House, now: datetime) -> None:
    """Write what changed of what figures rest on into the log."""
    with Session(house.engine) as session:
        count(session, now=now)
        session.commit()


TICKS = (
    Tick("sources due", 1, collect_due),
    Tick("stalled jobs", 2, put_back_stalled),
    Tick("clocks", 5, mind_clocks),
    Tick("falling back", 5, fall_back_from_slack),
    Tick("audit of the alerts", 15, audit_alerts),
    Tick("tries of the channels", 60, try_channels),
    Tick("call to the watcher", 60, call_watcher),
    Tick("alerts", 2, mind_alerts),
    Tick("briefs", 60, tell_people),
    Tick("actions and feedback", 900, follow_up),
    Tick("growth", 30, mind_growth),
    Tick("meetings", 60, mind_meetings),
    Tick("posts of a flood", 5, read_again),
    Tick("quiet sources", 60, note_quiet),
    Tick("look again", 600, look_again),
    Tick("evidence", 300, keep_evidence),
    Tick("edits", 15, tell_edits),
    Tick("evidence check", 3600, check_evidence),
    Tick("retention", 900, let_go_by_night),
    Tick("ledger of what went", 300, keep_ledger),
    Tick("head of the log", 3600, publish_head),
    Tick("backup", 300, save_by_night),
    Tick("how the backups are", 300, mind_backups),
    Tick("errors of ours", 600, suggest_errors),
    Tick("labels", 60, make_labels),
    Tick("sample of the dropped", 1800, draw_sample),
    Tick("scores", 3600, count_scores),
    Tick("figures", 3600, count_for_figures, first_s=900),
    Tick("house", 24 * 3600, keep_house),
)


def scheduler(house: House, ticks: tuple[Tick, ...] = TICKS) -> BackgroundScheduler:
    """The ticks, ready to be started. A tick that is late runs once, and never twice at a time."""
    made = BackgroundScheduler(
        job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
    )
    for tick in ticks:
        made.add_job(
            _run,
            "interval",
            args=[tick, house],
            seconds=tick.every_s,
            next_run_time=house.clock() + timedelta(seconds=tick.first_s),
            name=tick.name,
        )
    return made


def _run(tick: Tick, house: House) -> None:
    """One tick. What goes wrong is logged, and the next one tries again."""
    try:
        tick.act(house, house.clock())
    except Exception as error:  # noqa: BLE001 - one failing tick must not stop the others
        said = "tick waits for the database" if is_away(error) else "tick failed"
        log.warning(said, tick=tick.name, error=in_short(error))
