"""Posts that come to a case as a flood does, and what the ledger then holds."""

import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from sqlmodel import Session, select

from collector.records import PostKey
from config.settings import HERE
from tests.make import LIFECYCLE, make_assessment, make_post
from triage.growth_records import Spread
from triage.growth_rules import read_growth_rules
from triage.memory import Memory
from triage.records import Alert, Case
from triage.route import route
from triage.rules import Rules
from triage.spreading import due_cases, measure

RULES = read_growth_rules(HERE / "growth.toml")
SAID = "Three officers held a man face down outside the bakery on Rye Lane in Peckham this evening"
MINUTE = timedelta(minutes=1)


def come(
    session: Session,
    rules: Rules,
    memory: Memory,
    number: int,
    *,
    at: datetime,
    said: str = SAID,
    accounts: int | None = None,
    source: str = "stream",
    now: datetime | None = None,
    severity: float = 0.3,
    apart: Callable[[int], str] = lambda nth: "😡" * (nth % 4),
) -> None:
    """That many posts within ten seconds of a moment, each from its own account or from few, all routed. `apart` is
    what stands behind the words of each."""
    posts = [
        make_post(
            f"{said} {apart(nth)}",
            source=source,
            platform="bluesky",
            published_at=at + timedelta(seconds=10 * nth / number),
            author_key=digest(nth % (accounts or number)),
        )
        for nth in range(number)
    ]
    session.add_all(posts)
    session.add_all([PostKey(id=post.id, collected_at=post.collected_at) for post in posts])
    session.add_all([make_assessment(post, severity=severity) for post in posts])
    session.flush()
    route(session, [post.id for post in posts], rules, memory, LIFECYCLE, now=now or at + MINUTE)
    session.commit()


def about(number: int) -> object:
    """Voices are counted nearly right: two may look like one."""
    return pytest.approx(number, abs=1)


def digest(number: int) -> bytes:
    return hashlib.sha256(str(number).encode()).digest()[:16]


def only_case(session: Session) -> Case:
    session.expire_all()
    return session.exec(select(Case)).one()


def spread_of(session: Session) -> Spread:
    session.expire_all()
    return session.exec(select(Spread)).one()


def measured(session: Session, *, now: datetime) -> int:
    """How many growth updates a tick raised."""
    raised = 0
    for case in due_cases(session, RULES, now=now):
        raised += measure(session, case, RULES, LIFECYCLE, now=now)
        session.commit()
    return raised


def updates(session: Session) -> list[str | None]:
    session.expire_all()
    told = select(Alert).where(Alert.growth > 0).order_by(Alert.growth)  # type: ignore[arg-type]
    return [alert.says for alert in session.exec(told)]
