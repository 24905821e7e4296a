"""A checkup: what the service depends on, looked at one by one, each with what to do when it is not well."""

import importlib
import os
import shutil
import socket
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from sqlalchemy import Engine, func, text
from sqlmodel import Session, col, select

from collector.health import State as Sight
from collector.health import state_of
from collector.jobs import QUEUES
from collector.records import Failure, Gap, SourceRow
from collector.sources import inbound, polled
from collector.video.errors import VideoError
from collector.video.ffmpeg import program
from config.beats import BEAT_EVERY_S, beats
from config.channels import fall_backs_of, greetings, unreached
from config.database import revisions
from config.rules import digest_on_disk
from config.safety import dangers, database_dangers, shown
from config.service import House
from config.settings import Settings
from config.start import LEAST_FREE_MB, free_mb
from responders.slack import scopes_missing
from triage.backups import last_good, standing
from triage.notification_records import Notification, NotificationState
from triage.records import Alert, AlertState, Delivery, DeliveryState
from triage.rule_changes import agreed_to, in_force, waiting
from triage.rules import in_brief

CLOCKS_AGREE = timedelta(seconds=2)
JOB_WAITS_AT_MOST = timedelta(minutes=5)
LATE_AFTER = timedelta(minutes=15)


class State(StrEnum):
    WELL = "ok"
    WARN = "warning"
    ILL = "wrong"


class Finding(NamedTuple):
    """One thing looked at: how it is, what was seen, and what to do."""

    name: str
    state: State
    seen: str
    remedy: str = ""


def checkup(settings: Settings, engine: Engine, *, now: datetime) -> Iterator[Finding]:
    """Look at everything; what raises is itself a finding."""
    looks: tuple[Callable[[], Iterator[Finding]], ...] = (
        lambda: _database(engine),
        lambda: _migrations(engine),
        lambda: _clock(engine, now=now),
        lambda: _disk(settings),
        lambda: _backups(settings, engine, now=now),
        lambda: _safety(settings),
        lambda: _secret(settings),
        lambda: _model(settings),
        lambda: _rules(settings, engine),
        _video,
        lambda: _slack(settings),
        lambda: _channels(settings, engine, now=now),
        lambda: _parts(engine, now=now),
        lambda: _queues(engine, now=now),
        lambda: _sources(engine, now=now),
        lambda: _alerts(engine, now=now),
        lambda: _failures(engine, now=now),
    )
    for look in looks:
        try:
            yield from look()
        except Exception as error:  # noqa: BLE001 - a checkup reports whatever is broken
            yield Finding("checkup", State.ILL, f"{type(error).__name__}: {str(error).splitlines()[0][:200]}")


def _database(engine: Engine) -> Iterator[Finding]:
    with engine.connect() as connection:
        version = connection.execute(text("SHOW server_version")).scalar_one()
        size = connection.execute(text("SELECT pg_database_size(current_database())")).scalar_one()
        yield Finding("database", State.WELL, f"PostgreSQL {version}, {size / 1e6:,.0f} MB")
    for each in database_dangers(shown(engine)):
        yield Finding("database", State.ILL, each.what, each.remedy)


def _migrations(engine: Engine) -> Iterator[Finding]:
    present, newest = revisions(engine)
    state = State.WELL if present == newest else State.ILL
    yield Finding(
        "migrations",
        state,
        f"at {present}, this release has {newest}",
        "" if state == State.WELL else "restart",
    )


def _clock(engine: Engine, *, now: datetime) -> Iterator[Finding]:
    with engine.connect() as connection:
        theirs: datetime = connection.execute(text("SELECT clock_timestamp()")).scalar_one()
    apart = abs(theirs - datetime.now(UTC))
    state = State.WELL if apart < CLOCKS_AGREE else State.ILL
    remedy = "" if state == State.WELL else "run NTP on this machine and on the database's"
    yield Finding(
        "clock", state, f"{apart.total_seconds():.1f} s apart from the database's, {now:%H:%M:%S} UTC", remedy
    )


def _rules(settings: Settings, engine: Engine) -> Iterator[Finding]:
    on_disk = digest_on_disk(settings)
    with Session(engine) as session:
        live, asked, known = in_force(session), waiting(session), agreed_to(session, on_disk)
    if live is None:
        yield Finding(
            "rules", State.WELL, "none in force yet: those of rules.toml will be at the first start"
        )
    elif known:
        older = "" if live == on_disk else f"; rules.toml here is {in_brief(on_disk)}, from before"
        yield Finding("rules", State.WELL, f"{in_brief(live)} decide{older}")
    else:
        proposed = asked is not None and asked.digest == on_disk
        yield Finding(
            "rules",
            State.WARN,
            f"{in_brief(live)} decide; rules.toml here is {in_brief(on_disk)}, which nobody agreed to",
            "agree or refuse on the page Rules"
            if proposed
            else "goldenhour rules propose, or put the file back",
        )


def _disk(settings: Settings) -> Iterator[Finding]:
    free, total = free_mb(settings), shutil.disk_usage(_existing(settings)).total / 1e6
    share = free / total
    state = State.ILL if free < LEAST_FREE_MB or share < 0.05 else State.WARN if share < 0.1 else State.WELL
    yield Finding(
        "disk",
        state,
        f"{free:,} MB free, {share:.0%}",
        "" if state == State.WELL else "make room on the disk",
    )


def _backups(settings: Settings, engine: Engine, *, now: datetime) -> Iterator[Finding]:
    """When the last good one was made, where it lies, and whether it would outlive this disk."""
    with Session(engine) as session:
        last, wrong = last_good(session), standing(session)
    for each in wrong:
        yield Finding("backup", State.ILL, each.error, each.remedy or "")
    if last is None:
        yield Finding("backup", State.WARN, "none was made yet", "goldenhour backup")
        return
    age_h = (now - last.began_at).total_seconds() / 3600
    where = f"{last.folder} on {last.host}"
    size = f"{(last.size_bytes or 0) / 1e6:,.0f} MB"
    yield Finding("backup", State.WELL, f"{last.name}, {age_h:,.0f} h old, {size}, proven; in {where}")
    folder = Path(last.folder)
    if last.host == socket.gethostname():
        if not (folder / last.name).is_dir():
            yield Finding("backup", State.ILL, f"{folder / last.name} is gone", "goldenhour backup")
        elif beside(folder, settings.data):
            remedy = "copy it to another machine, or set GOLDENHOUR_BACKUP__FOLDER to another disk"
            yield Finding("backup", State.WARN, "it lies on the disk of the data folder", remedy)
    if settings.backup.key_file is None:
        remedy = "set GOLDENHOUR_BACKUP__KEY_FILE, and keep that file apart"
        yield Finding("backup", State.WARN, "whoever reads its folder reads everything", remedy)


def beside(one: Path, other: Path) -> bool:
    """Whether two folders lie on one disk."""
    return one.exists() and other.exists() and one.stat().st_dev == other.stat().st_dev


def _existing(settings: Settings) -> str:
    folder = settings.data.resolve()
    while not folder.exists():
        folder = folder.parent
    return str(folder)


def _secret(settings: Settings) -> Iterator[Finding]:
    path = settings.secret_file or settings.data / "secret"
    settings.key("doctor")  # raises ConfigError, with its remedy, when others can read it
    yield Finding("key file", State.WELL, f"{path}, mode {os.stat(path).st_mode & 0o777:o}")


def _safety(settings: Settings) -> Iterator[Finding]:
    """What a start in production refuses; the database's part of it is told with the database."""
    state = State.ILL if settings.production else State.WARN
    found = [
        Finding("production", state, f"{each.where}: {each.what}", each.remedy) for each in dangers(settings)
    ]
    as_such = "" if settings.production else ", though GOLDENHOUR_PRODUCTION is not set"
    yield from found or [Finding("production", State.WELL, f"settings and files are fit for it{as_such}")]


def _model(settings: Settings) -> Iterator[Finding]:
    wiring: Any = importlib.import_module("config.queues.assess")
    began = datetime.now(UTC)
    model = wiring.load_model(settings)
    model.assess(["Officers stopped a man on the high road"])
    took = (datetime.now(UTC) - began).total_seconds()
    yield Finding("model", State.WELL, f"{model.version}, loads in {took:.1f} s")


def _video() -> Iterator[Finding]:
    try:
        yield Finding("video", State.WELL, f"files are opened with {Path(program()).name}")
    except VideoError as error:
        yield Finding("video", State.WARN, f"files of posts are not looked at: {error.cause}", error.remedy)


def _slack(settings: Settings) -> Iterator[Finding]:
    slack = settings.slack
    if slack.token is None:
        remedy = "set GOLDENHOUR_SLACK__TOKEN; until then alerts stand on the page alone"
        yield Finding("slack", State.WARN, "no token", remedy)
        return
    web = WebClient(token=slack.token.get_secret_value(), base_url=slack.base_url, retry_handlers=[])
    try:
        answer = web.auth_test()
    except SlackApiError as error:
        yield Finding(
            "slack", State.ILL, f"Slack says {error.response['error']}", "renew GOLDENHOUR_SLACK__TOKEN"
        )
        return
    except OSError as error:
        yield Finding(
            "slack", State.ILL, f"not reached: {type(error).__name__}", "check the network and proxy"
        )
        return
    yield Finding("slack", State.WELL, f"signed in to {answer.get('team', 'a workspace')}")
    if missing := scopes_missing(answer):
        remedy = "update the app from docs/slack-manifest.json and install it again"
        yield Finding("slack scopes", State.ILL, f"the app may not: {', '.join(missing)}", remedy)
    if slack.app_token is None and slack.signing_secret is None:
        remedy = "set GOLDENHOUR_SLACK__APP_TOKEN or GOLDENHOUR_SLACK__SIGNING_SECRET"
        yield Finding("slack", State.WARN, "buttons in Slack cannot reach us", remedy)


def _channels(settings: Settings, engine: Engine, *, now: datetime) -> Iterator[Finding]:
    """Every other channel, asked without sending anything; where desks fall back to; the outside watcher."""
    house = House(settings, engine, lambda: now)
    for each in greetings(house, now=datetime.now(UTC)):
        state = State.ILL if each.wrong else State.WELL
        yield Finding(f"channel {each.kind}", state, each.said, "see docs/operating.md" if each.wrong else "")
    for lost in unreached(settings):
        yield Finding("fall-back", State.WARN, lost, "set it up, or change desks.toml")
    if not any(fall_backs_of(settings).values()):
        remedy = "give the desks a fall_back in desks.toml: e-mail, text message, Teams or webhook"
        yield Finding("fall-back", State.WARN, "when Slack is down alerts stand on the page alone", remedy)
    if settings.alerts.watcher is None:
        remedy = "set GOLDENHOUR_ALERTS__WATCHER to an address that raises an alarm when it is not called"
        yield Finding("watcher", State.WARN, "nobody outside notices when all of this stops", remedy)


def _parts(engine: Engine, *, now: datetime) -> Iterator[Finding]:
    seen = beats(engine)
    if not seen:
        yield Finding("parts", State.ILL, "nothing runs", "start `goldenhour run`")
    for beat in seen:
        age = now - beat.at
        state = State.WELL if age < timedelta(seconds=3 * BEAT_EVERY_S) else State.ILL
        if state == State.WELL and beat.state not in ("ok", "standing by"):
            state = State.WARN
        remedy = "" if state != State.ILL else f"see the log of {beat.host}; start it again"
        yield Finding(
            f"part {beat.part}",
            state,
            f"{beat.state}, {max(0.0, age.total_seconds()):.0f} s ago, on {beat.host}",
            remedy,
        )


QUEUED = text(
    """
    SELECT job.queue_name, count(*) FILTER (WHERE job.status IN ('todo', 'doing')),
        count(*) FILTER (WHERE job.status = 'failed'), min(event.at) FILTER (WHERE job.status = 'todo')
    FROM procrastinate_jobs job LEFT JOIN procrastinate_events event
        ON event.job_id = job.id AND event.type = 'deferred' AND coalesce(job.scheduled_at, now()) <= now()
    GROUP BY 1
    """
)


def _queues(engine: Engine, *, now: datetime) -> Iterator[Finding]:
    with engine.connect() as connection:
        rows = {row[0]: row[1:] for row in connection.execute(QUEUED)}
    for queue in QUEUES:
        waiting, failed, oldest = rows.get(queue, (0, 0, None))
        age = now - oldest if oldest else timedelta(0)
        state = State.ILL if age > JOB_WAITS_AT_MOST else State.WELL
        seen = f"{waiting} jobs, {failed} failed" + (
            f", the oldest waits {age.total_seconds():.0f} s" if oldest else ""
        )
        remedy = "" if state == State.WELL else f"start more workers: `goldenhour work --queue {queue}`"
        yield Finding(f"queue {queue}", state, seen, remedy)


def _sources(engine: Engine, *, now: datetime) -> Iterator[Finding]:
    with Session(engine) as session:
        watched = SourceRow.enabled, col(SourceRow.kind).not_in(inbound())
        sources = session.exec(select(SourceRow).where(*watched)).all()
        open_gaps = session.exec(
            select(func.count()).select_from(Gap).where(col(Gap.closed_at).is_(None))
        ).one()
    blind = [
        each
        for each in sources
        if each.error
        or (
            each.due_at < now - LATE_AFTER
            and each.kind in polled()
            and state_of(each, now) not in (Sight.STOPPED, Sight.PAUSED)
        )
    ]
    for each in blind:
        remedy = each.remedy or "see `goldenhour sources`"
        yield Finding(
            f"source {each.name}", State.WARN, each.error or f"due since {each.due_at:%H:%M} UTC", remedy
        )
    for each in sources:
        sight = state_of(each, now)
        if sight is Sight.STOPPED:
            remedy = (
                "renew the term in sources.toml or the agreement in agreements.toml, or disable the source"
            )
            yield Finding(f"source {each.name}", State.WARN, f"stopped: {each.stops_because}", remedy)
        elif sight is Sight.PAUSED:
            seen = (
                f"paused by {each.paused_by} until {each.paused_until:%d %b %H:%M} UTC: {each.paused_because}"
            )
            yield Finding(f"source {each.name}", State.WARN, seen, "it goes on by itself, or from its page")
        elif sight is Sight.QUIET:
            remedy = "open its address in a browser: it may have moved or stopped"
            yield Finding(f"source {each.name}", State.WARN, f"has gone quiet since {each.newest_at}", remedy)
    state = State.ILL if sources and len(blind) == len(sources) else State.WELL
    yield Finding(
        "sources", state, f"{len(sources) - len(blind)} of {len(sources)} see, {open_gaps} open gaps"
    )


def _alerts(engine: Engine, *, now: datetime) -> Iterator[Finding]:
    with Session(engine) as session:
        unacknowledged = session.exec(
            select(func.count()).select_from(Alert).where(Alert.state == AlertState.OPEN)
        ).one()
        failed = session.exec(
            select(func.count()).select_from(Delivery).where(Delivery.state == DeliveryState.FAILED)
        ).one()
        late = session.exec(
            select(func.count())
            .select_from(Delivery)
            .where(col(Delivery.state).in_([DeliveryState.WAITING, DeliveryState.UNKNOWN]))
            .where(col(Delivery.due_at) < now - LATE_AFTER)
        ).one()
        dead = session.exec(
            select(func.count())
            .select_from(Notification)
            .where(Notification.state == NotificationState.FAILED)
            .where(Notification.created_at > now - timedelta(days=1))
        ).one()
    state = State.ILL if failed or late or dead else State.WELL
    remedy = "" if state == State.WELL else "see `goldenhour alerts`"
    yield Finding(
        "alerts", state, f"{unacknowledged} open, {failed + dead} could not be delivered, {late} late", remedy
    )


def _failures(engine: Engine, *, now: datetime) -> Iterator[Finding]:
    with Session(engine) as session:
        recent = session.exec(
            select(Failure.stage, func.count())
            .where(col(Failure.mended_at).is_(None), col(Failure.at) > now - timedelta(days=1))
            .group_by(Failure.stage)
        ).all()
    if not recent:
        yield Finding("failures", State.WELL, "none in the last day")
    for stage, count in recent:
        state = State.WARN if stage.startswith("collect") else State.ILL
        yield Finding(
            f"failures {stage}", state, f"{count} in the last day", "see the table failures for which and why"
        )
