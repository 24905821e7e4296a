"""What the desk shows when it is looked at: nothing, little, a busy night, a flood; and words that are odd to set."""

from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session, col, select

from collector.evidence_records import SealedAuthor
from collector.months import make_months
from collector.records import Failure
from collector.vault import Keyring
from config.files import rules_all
from config.knowing import known_of
from config.oncall import read_oncall
from config.packs import checks_of
from config.rules import rules_in_force
from config.settings import Settings
from config.wording import writing_of
from tests.browser.seed import password_hash, seed_night, seed_watch
from tests.browser.seed_claims import seed_claims
from tests.browser.seed_decided import CODES, seed_decided
from tests.browser.seed_meeting import seed_meeting
from tests.browser.seed_packs import seed_packs
from tests.browser.seed_retention import seed_retention
from tests.make import LIFECYCLE, make_assessment, make_case, make_person, make_post, make_source
from tests.triage.review.kept import CYCLE
from tests.watching import seed_states
from triage import actions
from triage.oncall import OnCall
from triage.policies import Policies
from triage.records import Case, Clock, Desk, Membership, Person, Role
from triage.release_policy import FILES as RELEASES
from triage.release_policy import read_release_policies
from triage.response_policy import read_response_policy
from triage.restricting import read_restricted_policy
from triage.reveal import ask_reveal, read_reveal_policy
from triage.review.definitions import read_definitions
from triage.review.sheets import read_sheet
from triage.shifts import read_shift_policy

POLICY = Path(__file__).resolve().parents[2] / "config" / "policy" / "reveal.toml"
FIGURES = read_definitions(POLICY.parents[1] / "review" / "figures.toml")
SCENES = {"nothing": 0, "little": 3, "busy": 200, "flood": 50_000}
UNBROKEN = "Whitechapel" * 12
ODD = (
    (f"{UNBROKEN} and a tag #{UNBROKEN}", f"{UNBROKEN} https://social.example/{'a' * 180}?{'b' * 90}"),
    (
        "الشرطة أوقفت رجلاً في Whitechapel Road (E1)",
        "الشرطة أوقفت رجلاً أمام المحطة، ثلاثة ضباط فوقه. Whitechapel Road, 3 officers! היה צעקות. ‮abc",
    ),
    (
        "🚨🚨🚨 Police everywhere 👮🏽‍♀️👮🏻‍♂️ 🏴󠁧󠁢󠁥󠁮󠁧󠁿",
        "🚨" * 90 + " what is going on 👮🏽‍♀️ " + "😡" * 60 + " z̸̢͝a̶l̴͎g̷o̵ everyone",
    ),
)


def people(session: Session, *, now: datetime) -> tuple[Person, Person]:
    """Amira may see every page; Tom is beside her."""
    everything = [each for each in Role if each is not Role.PANEL_VIEWER]
    made = [
        make_person(
            username=username,
            name=name,
            desks=list(Desk),
            roles=roles,
            password_hash=password_hash(),
            created_at=now,
        )
        for username, name, roles in (
            ("amira", "Amira K.", everything),
            ("tom", "Tom B.", [Role.DUTY_OFFICER, Role.OVERSIGHT_REVIEWER]),
        )
    ]
    session.add_all(made)
    session.commit()
    return made[0], made[1]


def set_scene(session: Session, cases: int, *, now: datetime) -> tuple[Person, Person]:
    """People, sources, and that many cases: those of the night first, then odd ones, then one like another."""
    make_months(session, now=now)
    amira, tom = people(session, now=now)
    seed_watch(session, now=now, blind=cases > 3)
    session.add_all([make_source("tip-form", "tip"), make_source("pasted-links", "manual")])
    session.commit()
    if not cases:
        return amira, tom
    made = seed_night(session, amira, tom, now=now, cases=min(cases, 24))
    seed_claims(session, made[0], amira, now=now)
    seed_retention(session, amira, tom, now=now)
    if cases > 24:
        seed_states(session, now=now)
        session.add(Failure(at=now, stage="assess", subject="a post", error="ModelError"))
        for title, words in ODD:
            _odd(session, title, words, now)
        session.commit()
        _confirm(session, made[2], amira, now)
        seed_meeting(session, seed_decided(session, tom, now=now), amira, now=now)
        seed_packs(session, amira, tom, now=now)
        crowd(session, cases - len(made) - len(ODD), now=now)
    return amira, tom


def policies(session: Session, folder: Path, amira: Person, *, now: datetime) -> tuple[Policies, UUID, UUID]:
    """What says who may be shown an author; a post of the first case whose author is sealed, and a reveal of it."""
    keyring, settings = Keyring.of(folder / "vault"), Settings()
    policy = read_reveal_policy(POLICY)
    case = session.exec(select(Case).where(Case.number == 1)).one()
    member = select(Membership.post_id).where(Membership.case_id == case.id, col(Membership.sure))
    post = session.exec(member).all()[0]
    key_id, sealed = keyring.seal(post, "did:plc:lantern")
    session.add(SealedAuthor(post_id=post, key_id=key_id, sealed=sealed, sealed_at=now))
    session.commit()
    reveal = ask_reveal(
        session, post, case.id, policy, reason="witness", why="the officer asks for the witness", who=amira, now=now
    )  # fmt: skip
    session.commit()
    rules_in_force(session, settings, now=now)
    session.commit()
    made = Policies(
        restricted=read_restricted_policy(settings.file("policy/restricted.toml")),
        reveal=policy,
        keyring=keyring,
        shift=read_shift_policy(settings.file("policy/shift.toml")),
        oncall=partial(_turns, read_oncall(settings)),
        writing=writing_of(settings),
        responses=read_response_policy(settings.file("policy/responses.toml")),
        release=read_release_policies(settings.files(RELEASES)),
        sheet=read_sheet(settings.file("review/sheet.toml")),
        pack_checks=checks_of(settings),
        known=known_of(settings),
        findings=CODES,
        cycle=CYCLE,
        figures=FIGURES,
        retention=rules_all(POLICY.with_name("retention.toml")),
        permalink_key=b"for tests",
    )
    return made, post, reveal.id


def _turns(shipped: OnCall) -> OnCall:
    """The rotas as they ship, with Amira and Tom taking turns in all but the last."""
    *taken, bare = shipped.roster.rota
    rota = (*(each.model_copy(update={"people": ("amira", "tom")}) for each in taken), bare)
    return shipped._replace(roster=shipped.roster.model_copy(update={"rota": rota}))


def _odd(session: Session, title: str, words: str, now: datetime) -> None:
    case = make_case(
        title=title, place=title[:80], borough="Tower Hamlets", bcu="CE", severity=1, post_count=1, incident=0.8,
        desks=[*Desk], opened_at=now, first_published_at=now, last_post_at=now,
    )  # fmt: skip
    post = make_post(words, title=title, collected_at=now, published_at=now)
    session.add_all([case, post])
    session.flush()
    because = f"names {title}"[:120]
    found = {"name": "force", "score": 0.9, "start": 0, "end": min(len(words), 140), "because": because}
    session.add_all(
        [
            make_assessment(post, at=now, signals=[found], unverified=0.8),
            Membership(post_id=post.id, case_id=case.id, how="opened the case", joined_at=now),
            Clock(
                case_id=case.id,
                name="acknowledge",
                desk=Desk.COMMS,
                started_at=now,
                due_at=now + timedelta(minutes=1),
            ),
        ]
    )


def _confirm(session: Session, case: Case, who: Person, now: datetime) -> None:
    actions.confirm(session, case.id, who=who, now=now, lifecycle=LIFECYCLE)
    session.commit()


CROWD = """
INSERT INTO cases (id, version, title, status, severity, severity_parts, incident, type, force, borough, bcu, place,
    desks, opened_at, first_published_at, last_post_at, post_count, source_count, sources, first_due_at, touched_at)
SELECT md5('crowd ' || n)::uuid, 1, (ARRAY['Stop and search', 'Use of force', 'Police pursuit', 'An arrest'])[1 + n % 4]
        || ' at house number ' || n, (ARRAY['detected', 'triaged', 'watch', 'closed', 'detected'])[1 + n % 5],
    CASE WHEN n % 40 = 0 THEN 2 WHEN n % 3 = 0 THEN 3 ELSE 4 END,
    '{"harm": 2, "conduct": 1, "reach": 1, "score": 0.5, "triggers": []}', 0.7, 'use_of_force', 'unknown',
    (ARRAY['Lambeth', 'Brent', 'Barnet', 'Ealing', 'Newham'])[1 + n % 5],
    (ARRAY['AS', 'NW', 'NW', 'WA', 'NE'])[1 + n % 5], n || ' High Road', ARRAY['comms', 'oversight'], at, at, at,
    1 + n % 9, 1, ARRAY['bluesky'], at + interval '6 hours', at
FROM (SELECT n, CAST(:now AS timestamptz) - n * interval '90 seconds' AS at
      FROM generate_series(1, CAST(:number AS integer)) AS n) AS told
"""
CROWD_CLOCKS = """
INSERT INTO clocks (id, case_id, name, desk, started_at, due_at, paused_s)
SELECT gen_random_uuid(), id, 'acknowledge', 'comms', opened_at, first_due_at, 0 FROM cases
WHERE title LIKE '% at house number %' AND status IN ('detected', 'triaged', 'watch')
"""
CROWD_ALERTS = """
INSERT INTO alerts (id, case_id, desk, manner, priority, rule, state, raised_at, revision, growth)
SELECT gen_random_uuid(), id, 'comms', 'page', 'high', 'force reported',
    CASE WHEN status = 'detected' THEN 'open' ELSE 'acknowledged' END, opened_at, 1, 0
FROM cases WHERE title LIKE '% at house number %'
"""


def crowd(session: Session, number: int, *, now: datetime) -> None:
    """That many more cases with an alert and a clock each, written set by set; no trigger need look at each."""
    session.execute(text("SET LOCAL session_replication_role = replica"))
    for statement in (CROWD, CROWD_CLOCKS, CROWD_ALERTS):
        session.execute(text(statement), {"now": now, "number": number})
    session.commit()
    session.execute(text("ANALYZE cases, clocks, alerts"))
    session.commit()
