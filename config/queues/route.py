"""The queue `route`: the rules, and the memory of cases that posts are matched with."""

from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

from classifier.forget import forget
from config.service import House, Task
from triage.memory import Memory
from triage.route import route
from triage.rules import read_rules

ROUTE_LOCK = (
    0x601DE3  # any fixed number: one routing at a time, whatever the engine believes of a paused worker
)


def tasks(house: House) -> dict[str, Task]:
    rules = read_rules(house.settings.file("rules.toml"))
    memory = Memory.of(house.settings.file("matching/rarity.bin"), house.settings.triage)

    def work(posts: list[str]) -> None:
        with Session(house.engine) as session:
            session.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": ROUTE_LOCK})
            route(session, [UUID(each) for each in posts], rules, memory, now=house.clock())
            session.commit()

    def let_go(posts: list[str]) -> None:
        with Session(house.engine) as session:
            forget(session, [UUID(each) for each in posts])
            session.commit()

    return {"route": Task(work, each="posts"), "forget": Task(let_go, each="posts")}
