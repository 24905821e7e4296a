"""`bench alert`: from the moment a post is published to the moment Slack has the message, through the running service.

Three stretches: posts at a steady rate with an incident every few seconds; a thousand signed clicks, each sent three
times, while posts go on; a flood about one incident with others among it. Source and Slack are processes of their own.
"""

import tempfile
import time
from pathlib import Path
from random import Random
from typing import Any

from sqlalchemy import Engine, text

from config.benches.clicking import Clicks, click, prepare
from config.benches.commits import Commits
from config.benches.desk import warm
from config.benches.goals import at_least, at_most, report
from config.benches.publishing import Publisher, Stretch
from config.benches.walk import LEFT, free_port, service
from config.benches.workspace import SPOKEN, TOKEN, Call, Workspace, most_a_second
from config.cli import Complaint
from config.database import connect
from config.settings import Settings

SECRET = "only for measuring"  # noqa: S105 - it opens nothing
SOURCE = '[[source]]\nname = "bench"\nkind = "jetstream"\nurl = "ws://127.0.0.1:{port}"\nevery = "5m"\n' + (
    'grade = "C"\nbasis = "made up here"\nenabled = true\n'
)
BREATHE_S = 10.0  # between the stretches
RESTED_S = 1.0  # a channel that was silent for so long is free
ROUTED_WITHIN_S, DELIVERED_WITHIN_S = 600.0, 120.0

# when each desk was first to be told of a case in which incidents of ours are; `first` where no desk was before, and
# `published_s` is then the first of those incidents, else the first of the posts that made the case graver
TOLD = text("""
    WITH ours AS (
        SELECT m.case_id, min(p.published_at) AS published_at FROM memberships m JOIN posts p ON p.id = m.post_id
        WHERE m.sure AND p.external_id LIKE '%/inc%' GROUP BY m.case_id
    ), raised AS (
        SELECT l.case_id, l.detail->>'desk' AS desk, min(l.at) AS at,
            min(min(l.at)) OVER (PARTITION BY l.case_id) AS first
        FROM log_entries l JOIN ours USING (case_id) WHERE l.what = 'alert raised'
        GROUP BY l.case_id, l.detail->>'desk'
    )
    SELECT a.id, a.desk, a.case_id, extract(epoch FROM r.at) AS raised_s, coalesce(d.bundle, d.id)::text AS key,
        r.at = r.first AS first, r.first < o.published_at AS before, extract(epoch FROM CASE WHEN r.at = r.first
            THEN o.published_at ELSE (SELECT min(p.published_at) FROM memberships m JOIN posts p ON p.id = m.post_id
                WHERE m.case_id = r.case_id AND m.sure AND m.joined_at = (SELECT max(joined_at) FROM memberships
                    WHERE case_id = r.case_id AND sure AND joined_at <= r.at)) END) AS published_s
    FROM raised r JOIN ours o USING (case_id)
    JOIN alerts a ON a.case_id = r.case_id AND a.desk = r.desk AND a.growth = 0
    JOIN deliveries d ON d.alert_id = a.id AND d.about = ''
""")
WAITING = text(
    "SELECT count(*) FROM deliveries WHERE state IN ('waiting', 'sending', 'unknown') AND manner = 'page'"
)


def run(
    settings: Settings,
    *,
    rate: int = 200,
    seconds: int = 120,
    every: int = 4,
    clicks: int = 1_000,
    flood: int = 50_000,
    flood_seconds: int = 300,
    workers: int = 2,
    seed: int = 1,
    **_other: Any,
) -> dict[str, Any]:
    """What the alerts of each stretch took, how fast clicks were answered, and how hard the channels were pressed."""
    clicking_s = max(clicks // 20, 10)
    stretches = [
        Stretch(seconds, rate, incident_every=every),
        Stretch(clicking_s + 2 * BREATHE_S, rate),
        Stretch(
            flood_seconds if flood else 0, 0, round(flood / max(flood_seconds, 1)), incident_every=2 * every
        ),
    ]
    with (
        tempfile.TemporaryDirectory(prefix="goldenhour-bench-") as folder,
        Workspace() as slack,
        Publisher(stretches, seed) as source,
    ):
        own = settings.model_copy(
            update={
                "data": Path(folder) / "var",
                "database_url": None,
                "secret_file": None,
                "workers": workers,
            }
        )
        more = {
            "GOLDENHOUR_SLACK__TOKEN": TOKEN,
            "GOLDENHOUR_SLACK__BASE_URL": slack.url,
            "GOLDENHOUR_SLACK__SIGNING_SECRET": SECRET,
            "GOLDENHOUR_HTTP__ALLOW": f"127.0.0.1:{source.port}",
            "GOLDENHOUR_ALERTS__TEST_AT": "[]",  # the messages that prove a channel are none of these
        }
        port = free_port()
        with service(own, Path(folder), port, sources=SOURCE.format(port=source.port), more=more):
            engine = connect(own, pool=4)
            warm(own, engine)
            values = prepare(engine, clicks)
            with Commits(own) as commits:
                began_s = source.begin()
                time.sleep(max(0.0, began_s + seconds + BREATHE_S - time.time()))
                pressed = click(engine, port, SECRET, values, Random(seed))
                if not source.ended(sum(each.seconds for each in stretches) + 60):
                    raise Complaint("the source did not come to its end, so there is nothing to measure")
                delivered(engine)
            alerts = Alerts(engine, slack.calls(), commits)
            engine.dispose()
    flood_began_s = began_s + seconds + clicking_s + 2 * BREATHE_S
    return told(alerts, pressed, began_s, flood_began_s, clicks=clicks, flood=flood, rate=rate)


def told(
    alerts: "Alerts",
    pressed: Clicks,
    began_s: float,
    flood_began_s: float,
    *,
    clicks: int,
    flood: int,
    rate: int,
) -> dict[str, Any]:
    """The line to print."""
    calm, flooded = alerts.took(began_s, flood_began_s), alerts.took(flood_began_s, float("inf"))
    graver = alerts.took(began_s, float("inf"), first=False)
    sending, free = alerts.sending(began_s, flood_began_s)
    if not calm or not free:
        raise Complaint(
            "no incident was alerted, so there is nothing to measure; give it more --with seconds="
        )
    goals = [
        at_most("published to accepted by Slack, p50", 2, share(calm, 50), "s"),
        at_most("published to accepted by Slack, p99", 10, share(calm, 99), "s"),
        at_most("committed to requested, p99, channel free", 250, round(1000 * share(free, 99)), "ms"),
    ]
    if flood:
        goals.append(at_least("alerts in the flood", 1, len(flooded), ""))
    if flooded:
        goals.append(at_most("published to accepted in the flood, p99", 60, share(flooded, 99), "s"))
    goals.append(at_most("requests a second in one channel", 1, most_a_second(alerts.calls), ""))
    if clicks:
        goals += [
            at_most("signed clicks answered, p99", 500, share(pressed.took_ms, 99), "ms"),
            at_most("signed clicks answered, slowest", 3_000, round(max(pressed.took_ms)), "ms"),
            at_least("clicks done once", clicks, pressed.done_once, ""),
        ]
    return report(
        "alert",
        goals,
        posts_per_s=rate,
        alerts=len(calm),
        alerts_in_flood=len(flooded),
        alerts_as_graver=len(graver),
        graver_to_accepted_p99_s=share(graver, 99) if graver else None,
        told_before=alerts.told_before,
        untold=alerts.untold,
        committed_to_requested_all_p99_ms=round(1000 * share(sending, 99)),
        channel_free=len(free),
        channel_resting=len(sending) - len(free),
        flood=flood,
        clicks_refused=pressed.refused,
        requests=len(alerts.calls),
        reference=None,
        ratio=None,
    )


class Alerts:
    """Alerts about the incidents we published, held against what Slack was asked and when commits were heard.

    An incident counts from its first post to the first alert about its case. An alert to another desk, as later posts
    make the case graver, counts from those posts, by itself. Of a case that was told before the incident's post came
    into it nothing is measured: there was nothing to tell.
    """

    def __init__(self, engine: Engine, calls: list[Call], commits: Commits) -> None:
        self.calls = calls
        self.posted: dict[str, Call] = {}
        for call in calls:
            if call.method == "chat.postMessage":
                self.posted.setdefault(call.key, call)
        with engine.connect() as connection:
            found = connection.execute(TOLD).all()
        self.rows = [row for row in found if row.published_s is not None and not row.before]
        self.told_before = len({row.case_id for row in found if row.before})
        self.untold = sum(row.key not in self.posted for row in self.rows)
        self.commits = commits

    def took(self, since_s: float, until_s: float, *, first: bool = True) -> list[float]:
        """Seconds from publication to acceptance, of what was published in a stretch of time: of first alerts, or of
        those to another desk as a case got graver."""
        among = [
            row for row in self.rows if row.first == first and since_s <= float(row.published_s) < until_s
        ]
        return [self.posted[row.key].at_s - float(row.published_s) for row in among if row.key in self.posted]

    def sending(self, since_s: float, until_s: float) -> tuple[list[float], list[float]]:
        """Seconds from commit to request: of all, and of those whose channel had been silent for long enough."""
        every, free = [], []
        for row in self.rows:
            call = self.posted.get(row.key)
            committed_s = self.commits.first(str(row.case_id), float(row.raised_s))
            if call is None or committed_s is None or not since_s <= float(row.published_s) < until_s:
                continue
            every.append(call.at_s - committed_s)
            spoken = [
                each.at_s for each in self.calls if each.channel == call.channel and each.method in SPOKEN
            ]
            if not any(committed_s - RESTED_S - 0.1 < at_s < call.at_s for at_s in spoken):
                free.append(call.at_s - committed_s)
        return every, free


def share(taken: list[float], percent: int) -> float:
    at = min(len(taken) - 1, len(taken) * percent // 100)
    return round(sorted(taken)[at], 3)


def delivered(engine: Engine) -> None:
    """Wait until everything is routed and no page waits any more."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for left, within_s in ((LEFT, ROUTED_WITHIN_S), (WAITING, DELIVERED_WITHIN_S)):
            ends_s = time.monotonic() + within_s
            while connection.execute(left).scalar_one() and time.monotonic() < ends_s:
                time.sleep(0.5)
