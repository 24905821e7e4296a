"""The queue `route`: the rules, and the memory of cases that posts are matched with."""

from datetime import timedelta
from functools import partial
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

from classifier.forget import forget
from collector.jobs import take_along
from collector.looks import leave_looks
from config.rules import RulesInForce
from config.service import House, Task
from triage.by_footage import match_footage
from triage.claim_forget import forget_claims
from triage.claim_jobs import leave_claims
from triage.claim_types import read_guide
from triage.lifecycle import read_lifecycle
from triage.memory import Memory
from triage.route import route
from triage.rules import Rule, Rules
from triage.sampling import raise_found
from triage.searching import forget_words, leave_words

ROUTE_LOCK = (
    0x601DE3  # any fixed number: one routing at a time, whatever the engine believes of a paused worker
)
ALONG = 500  # posts routed in one transaction, where many small jobs wait


def tasks(house: House) -> dict[str, Task]:
    in_force = RulesInForce(house)
    lifecycle = read_lifecycle(house.settings.file("tracks.toml"))
    matching = read_guide(house.settings.file("claims.toml")).match
    memory = Memory.of(house.settings.file("matching/rarity.bin"), house.settings.triage)

    def work(posts: list[str], *, most: int = 0) -> None:
        with Session(house.engine) as session:
            session.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": ROUTE_LOCK})
            routed = [UUID(each) for each in take_along(session, "route", posts, queue="route", most=most)]
            rules = in_force.now()
            route(session, routed, rules, memory, lifecycle, now=house.clock())
            raise_found(session, routed, partial(again, session, rules))
            leave_looks(session, routed, now=house.clock())
            leave_claims(session, routed, matching)
            leave_words(session, routed)
            session.commit()

    def again(session: Session, rules: Rules, posts: list[UUID], rule: Rule) -> None:
        only = rules._replace(rules=(rule,))
        route(session, posts, only, memory, lifecycle, now=house.clock())

    def by_footage(footage: str) -> None:
        window = timedelta(days=house.settings.triage.window_days)
        with Session(house.engine) as session:
            session.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": ROUTE_LOCK})
            match_footage(session, UUID(footage), window=window, now=house.clock())
            session.commit()

    def let_go(posts: list[str]) -> None:
        with Session(house.engine) as session:
            gone = [UUID(each) for each in posts]
            forget(session, gone)
            forget_claims(session, gone, now=house.clock())
            forget_words(session, gone)
            session.commit()

    return {
        "route": Task(work, each="posts", along=partial(work, most=ALONG)),
        "match_footage": Task(by_footage),
        "forget": Task(let_go, each="posts"),
    }
