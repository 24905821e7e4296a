"""A full desk to measure on: made-up posts by the million and the cases they stand in, written set by set.

Post n and case c have ids that are computed from their numbers, so that every table is filled by one statement.
A fifth of the posts is in a case, four to a case; every thousandth case is a flood. Four in five cases are open;
of the last three days half have alerts that nobody has acknowledged.
"""

import os
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy import Engine, text
from sqlmodel import Session

from collector.months import make_months
from config.benches.posts import made_up
from triage.escalation_ladder import Ladder
from triage.lifecycle import Lifecycle
from triage.records import Desk, Person, Role
from triage.review.journal import count
from triage.settings import WebSettings
from triage.voices import NOBODY
from triage.web.sessions import begin

POOL = 20_000  # different texts; each post has a number of its own beside
SPAN = timedelta(days=60)
SOURCES = 30

TEXTS = text("CREATE TEMP TABLE pool (at_n integer PRIMARY KEY, told text NOT NULL)")

PLACED = text("""
    CREATE TEMP TABLE placed AS
    SELECT n, md5('post ' || n)::uuid AS id, CAST(:start AS timestamptz) + n * CAST(:step AS interval) AS at,
        CASE WHEN n % 5 = 0 THEN c WHEN c >= 1000 AND c % 1000 < 50 THEN c - c % 1000 END AS c
    FROM (SELECT n, least(1 + (n - 1) * CAST(:cases AS bigint) / CAST(:posts AS integer), CAST(:cases AS integer)) AS c
          FROM generate_series(1, CAST(:posts AS integer)) AS n) AS numbered
""")

FILLED = (
    """
    INSERT INTO sources (name, kind, url, every_s, boroughs, grade, basis, enabled, due_at, last_success_at, failures)
    SELECT 'bench-' || n, 'feed', 'https://posts.example/' || n, 300, ARRAY['Lambeth'], 'C', 'made up for measuring',
        true, CAST(:now AS timestamptz) + interval '1 day', :now, 0
    FROM generate_series(0, CAST(:sources AS integer) - 1) AS n
    """,
    "INSERT INTO post_keys (id, collected_at) SELECT id, at + interval '1 minute' FROM placed",
    """
    INSERT INTO posts (id, collected_at, source, platform, external_id, url, text, lang, published_at, author_key,
        has_video, payload, payload_sha256, let_in_by)
    SELECT id, at + interval '1 minute', 'bench-' || n % CAST(:sources AS integer), 'feed', 'bench/' || n,
        'https://posts.example/bench/' || n, told || ' No. ' || n, 'en', at, decode(md5('author ' || n % 9973), 'hex'),
        n % 10 = 0, convert_to(told, 'UTF8'), sha256(convert_to(told, 'UTF8')), 'bench'
    FROM placed JOIN pool ON at_n = placed.n % CAST(:texts AS integer) ORDER BY n
    """,
    """
    INSERT INTO assessments (post_id, model, at, incident, incident_any, type, types, severity, urgent, labels, claim,
        unverified, places, force, signals, abstain)
    SELECT placed.id, 'bench', at + interval '2 minutes', CASE WHEN c IS NULL THEN 0.1 ELSE 0.8 END, 0.5,
        CASE WHEN c IS NULL THEN 'none' ELSE 'use_of_force' END, '{}', n % 100 / 100.0, false,
        CASE WHEN c IS NULL THEN '{}'::jsonb ELSE '{"restraint": 0.8}' END, 0.2, n % 10 / 10.0,
        CASE WHEN c IS NULL THEN '[]'::jsonb
            ELSE '[{"text": "Rye Lane", "name": "Rye Lane", "borough": "Southwark", "bcu": "AS", "p": 0.9}]' END,
        'unknown', CASE WHEN c IS NULL THEN '[]'::jsonb
            ELSE '[{"name": "force", "score": 0.8, "start": 0, "end": 14, "because": "police used force"}]' END, false
    FROM placed
    """,
    """
    INSERT INTO cases (id, version, title, status, severity, severity_parts, incident, type, force, borough, bcu, place,
        desks, opened_at, first_published_at, last_post_at, post_count, source_count, sources, touched_at, claimed_by,
        claimed_until)
    SELECT md5('case ' || c)::uuid, 1, 'Use of force reported near '
            || (CAST(:places AS text[]))[1 + c % CAST(:many AS integer)],
        (CAST(:statuses AS text[]))[1 + c % 10], (CAST(:severities AS integer[]))[1 + c / 10 % 20],
        '{"harm": 2, "conduct": 1, "reach": 1, "score": 0.5, "triggers": []}', 0.8, 'use_of_force', 'unknown',
        'Southwark', 'AS',
        (CAST(:places AS text[]))[1 + c % CAST(:many AS integer)], ARRAY['comms', 'oversight'], first, first, last,
        posts, least(posts, CAST(:sources AS integer)), ARRAY['bench-1', 'bench-2'], last,
        CASE WHEN c % 40 = 0 THEN CAST(:holder AS uuid) END,
        CASE WHEN c % 40 = 0 THEN CAST(:now AS timestamptz) + interval '15 minutes' END
    FROM (SELECT c, min(at) AS first, max(at) AS last, count(*) AS posts FROM placed WHERE c IS NOT NULL GROUP BY c)
        AS told ORDER BY c
    """,
    """
    INSERT INTO memberships (post_id, case_id, sure, score, how, joined_at)
    SELECT id, md5('case ' || c)::uuid, n % 200 <> 0, 0.8, CASE WHEN n % 4 = 0 THEN 'same text' ELSE 'words' END,
        at + interval '3 minutes' FROM placed WHERE c IS NOT NULL
    """,
    """
    INSERT INTO routings (post_id, at, model, rule, outcome, because, case_id, priority)
    SELECT id, at + interval '3 minutes', 'bench', CASE WHEN c IS NULL THEN 'unlikely' ELSE 'force reported' END,
        CASE WHEN c IS NULL THEN 'drop' ELSE 'raise' END, 'made up for measuring',
        CASE WHEN c IS NOT NULL THEN md5('case ' || c)::uuid END, 'note' FROM placed
    """,
    """
    INSERT INTO sightings (seen_at, post_id, source, reach)
    SELECT at + interval '1 minute', id, 'bench-' || n % CAST(:sources AS integer), '{"views": 12}'
    FROM placed WHERE c IS NOT NULL
    """,
    """
    INSERT INTO media (id, post_id, kind, url) SELECT gen_random_uuid(), id, 'link', 'https://posts.example/card/' || n
    FROM placed WHERE n % 10 = 0
    """,
    """
    INSERT INTO clocks (id, case_id, name, desk, started_at, due_at, stopped_at, stopped_by, paused_s, breached_at)
    SELECT gen_random_uuid(), id, name, desk, opened_at, opened_at + due,
        CASE WHEN status NOT IN ('detected', 'triaged', 'watch', 'confirmed') THEN opened_at + due END,
        CASE WHEN status NOT IN ('detected', 'triaged', 'watch', 'confirmed') THEN 'bench' END, 0,
        CASE WHEN opened_at + due < :now THEN opened_at + due END
    FROM cases CROSS JOIN (VALUES ('acknowledge', 'comms', interval '5 minutes'),
        ('oversight_acknowledge', 'oversight', interval '1 hour'), ('first_line', 'comms', interval '15 minutes'))
        AS plans (name, desk, due)
    """,
    """
    INSERT INTO alerts (id, case_id, desk, manner, priority, rule, state, raised_at, revision, growth)
    SELECT gen_random_uuid(), id, desk, 'page', 'high', 'force reported',
        CASE WHEN status = 'detected' AND opened_at > CAST(:now AS timestamptz) - interval '3 days' THEN 'open'
            WHEN status IN ('detected', 'triaged', 'watch', 'confirmed') THEN 'acknowledged' ELSE 'closed' END,
        opened_at, 1, 0
    FROM cases CROSS JOIN unnest(ARRAY['comms', 'oversight']) AS desk
    """,
    """
    INSERT INTO deliveries (id, alert_id, channel, manner, state, due_at, fence, attempts, revision, possible_repeat,
        delivered_at) SELECT gen_random_uuid(), id, 'slack:#bench', 'page', 'delivered', raised_at, 1, 1, 1, false,
        raised_at FROM alerts
    """,
    """
    INSERT INTO escalations (id, alert_id, round, case_id, desk, severity, raised_at, ladder, began_at, next_due_at)
    SELECT gen_random_uuid(), a.id, 1, a.case_id, a.desk, c.severity, a.raised_at, CAST(:ladder AS jsonb), a.raised_at,
        CAST(:now AS timestamptz) + interval '6 hours'
    FROM alerts AS a JOIN cases AS c ON c.id = a.case_id WHERE a.state = 'open'
    """,
    """
    INSERT INTO tracks (case_id, name, state, version, opened_at, state_since)
    SELECT id, name, state, 1, opened_at, opened_at FROM cases
        CROSS JOIN unnest(CAST(:tracks AS text[]), CAST(:states AS text[])) AS plans (name, state)
    WHERE status = 'confirmed'
    """,
    """
    INSERT INTO known_claims (id, case_id, text, title, ours, state, met_wrong, noted_at, noted_by, changed_at)
    SELECT gen_random_uuid(), id, 'It is said that ' || title, title, false, 'unverified', false, opened_at, 'bench',
        opened_at FROM cases WHERE number % 5 = 0
    """,
    """
    INSERT INTO growth (case_id, at, posts, voices)
    SELECT md5('case ' || c)::uuid, date_trunc('minute', at), count(*), count(*) FROM placed
    WHERE c IS NOT NULL GROUP BY 1, 2
    """,
    """
    INSERT INTO spreads (case_id, voices, accounts, platforms, views, viewed, pick_ups, coordinated, told, told_pace,
        waiting, measured_at)
    SELECT c.id, :voices, told.accounts, ARRAY['feed'], 12 * told.posts, told.posts, told.outlets, '[]', 0, 0, '{}',
        CAST(:now AS timestamptz) - c.number % 900 * interval '1 second'
    FROM (SELECT c AS number, count(*) AS posts, least(count(*), 9973) AS accounts, jsonb_agg(DISTINCT
            jsonb_build_object('name', 'bench-' || n % CAST(:sources AS integer), 'kind', 'outlet', 'first', true,
                'at', '2026-01-01T00:00:00+00:00')) AS outlets
          FROM placed WHERE c IS NOT NULL GROUP BY c) AS told
        JOIN cases AS c ON c.id = md5('case ' || told.number)::uuid
    """,
    """
    INSERT INTO tallies (source, minute, seen, stored, known, dropped, malformed)
    SELECT 'bench-' || n, date_trunc('minute', CAST(:now AS timestamptz)) - m * interval '10 minutes', 90, 10, 10, 70, 0
    FROM generate_series(0, CAST(:sources AS integer) - 1) AS n CROSS JOIN generate_series(1, 8640) AS m
    """,
    """
    INSERT INTO log_entries (seq, at, case_id, who, what, why, detail, hash)
    SELECT (SELECT count FROM log_head) + row_number() OVER (), opened_at, id, 'machine', what, 'made up for measuring',
        '{}', '\\x00' FROM cases CROSS JOIN unnest(ARRAY['case opened', 'alert raised', 'viewed']) AS what
    """,
    "UPDATE log_head SET count = (SELECT max(seq) FROM log_entries)",
    # what is due tonight is let go tonight, and not while the desk is measured
    "INSERT INTO retention_runs (id, rules, who, began_at, ended_at, held)"
    " VALUES (gen_random_uuid(), 1, 'bench', :now, :now, '{}')",
)

LADDER = Ladder.model_validate(
    {"desk": "comms", "severity": 3, "step": [{"after": "0m", "who": ["rota:press-bureau"], "by": ["slack"]}]}
)
STATUSES = ["noise", "closed", "confirmed", "watch", "triaged", *["detected"] * 5]
SEVERITIES = [1, *[2] * 3, *[3] * 8, *[4] * 8]


def fill(
    engine: Engine, lifecycle: Lifecycle, settings: WebSettings, *, posts: int, cases: int, people: int,
    now: datetime,
) -> list[str]:  # fmt: skip
    """Fill a migrated database; returns a signed-in session's cookie for each of that many people."""
    with Session(engine) as session:
        make_months(session, now=now)
        officers = _people(session, people, now)
        cookies = [begin(session, each, settings, now=now) for each in officers]
        texts = _pool(session, posts, now)
        session.execute(PLACED, {"posts": posts, "cases": cases, "start": now - SPAN, "step": SPAN / posts})
        session.execute(text("CREATE INDEX ON placed (n); ANALYZE placed; ANALYZE pool"))
        given = _given(lifecycle, officers[0].id, now) | {"texts": texts}
        for statement in FILLED:
            session.execute(text(statement), given)
        count(session, now=now)
        session.commit()
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM (ANALYZE)"))
    os.sync()  # what filling left to be written is no part of what is measured
    return cookies


def _people(session: Session, number: int, now: datetime) -> list[Person]:
    made = [
        Person(
            id=uuid4(),
            username=f"officer-{at}",
            name=f"Officer {at}",
            desks=list(Desk),
            roles=[Role.TRIAGE, Role.DUTY_OFFICER, Role.OVERSIGHT_REVIEWER],
            created_at=now,
        )
        for at in range(number)
    ]
    session.add_all(made)
    session.flush()
    return made


def _pool(session: Session, posts: int, now: datetime) -> int:
    """Different texts by number, from 0; returns how many."""
    session.execute(TEXTS)
    told = [{"at": at, "told": each.text} for at, each in enumerate(made_up(min(POOL, posts), now=now))]
    session.execute(text("INSERT INTO pool (at_n, told) VALUES (:at, :told)"), told)
    return len(told)


def _given(lifecycle: Lifecycle, holder: UUID, now: datetime) -> dict[str, object]:
    places = [f"{number} Made-up Street" for number in range(1, 500)]
    return {
        "now": now,
        "sources": SOURCES,
        "places": places,
        "voices": NOBODY,
        "ladder": LADDER.model_dump_json(),
        "many": len(places),
        "statuses": STATUSES,
        "severities": SEVERITIES,
        "holder": holder,
        "tracks": [each.name.value for each in lifecycle.track],
        "states": [each.first for each in lifecycle.track],
    }
