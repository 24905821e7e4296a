"""What looks coordinated is a count of posts in a minute, and names no account."""

from datetime import timedelta
from uuid import UUID, uuid4

from sqlmodel import Session

from tests.make import NOON
from tests.triage.growth.coming import (
    MINUTE,
    RULES,
    come,
    digest,
    measured,
    only_case,
    spread_of,
)
from triage.coordinated import LINK, WORDS, Shown, burst, largest
from triage.memory import Memory
from triage.records import Membership
from triage.rules import Rules


def shown(voice: int, second: float) -> Shown:
    return Shown(NOON + timedelta(seconds=second), digest(voice), uuid4())


def test_a_burst_counts_accounts_not_posts() -> None:
    found = burst(WORDS, [shown(nth % 3, nth) for nth in range(50)], MINUTE)
    assert found is not None
    assert (found.accounts, found.posts) == (3, 50)


def test_a_burst_is_the_minute_with_most_accounts() -> None:
    slow = [shown(nth, 600 * nth) for nth in range(10)]
    quick = [shown(100 + nth, 9_000 + nth) for nth in range(20)]
    found = burst(LINK, [*slow, *quick], MINUTE)
    assert found is not None
    assert (found.accounts, found.from_at) == (20, NOON + timedelta(seconds=9_000))
    assert found.post == quick[0].post


def test_few_accounts_are_no_burst() -> None:
    things = [((WORDS, 1), [shown(nth, nth) for nth in range(11)])]
    assert largest(things, RULES.coordinated) == []
    things[0][1].append(shown(11, 11))
    assert [each.accounts for each in largest(things, RULES.coordinated)] == [12]


def test_copies_within_seconds_from_many_accounts_are_noted_without_the_accounts(
    session: Session, rules: Rules, memory: Memory
) -> None:
    come(session, rules, memory, 40, at=NOON)
    measured(session, now=NOON + MINUTE)
    [found] = spread_of(session).coordinated
    assert (found["what"], found["accounts"], found["posts"]) == ("words", 40, 40)
    assert set(found) == {"what", "accounts", "posts", "from", "until", "post"}
    assert session.get(Membership, (UUID(found["post"]), only_case(session).id)) is not None


def test_copies_told_apart_by_tags_and_links_are_copies_still(
    session: Session, rules: Rules, memory: Memory
) -> None:
    def tagged(nth: int) -> str:
        return f"#share{nth} https://clips.example/{nth} @someone{nth}.example"

    come(session, rules, memory, 40, at=NOON, apart=tagged)
    measured(session, now=NOON + MINUTE)
    assert [(each["what"], each["accounts"]) for each in spread_of(session).coordinated] == [("words", 40)]
