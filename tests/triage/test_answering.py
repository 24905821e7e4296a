"""Posts that quote, answer or link to a post we hold come to its case, or a person is asked."""

from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlmodel import Session, col, select

from collector.records import Media, Post
from tests.make import LIFECYCLE, NOON, make_assessment, make_post
from triage.memory import Memory
from triage.records import Case, Membership
from triage.route import Routed, route
from triage.rules import Rules, read_rules
from triage.settings import TriageSettings

CONFIG = Path(__file__).resolve().parents[2] / "config"
SAID = "Three officers held a man face down outside the bakery on Rye Lane in Peckham this evening"
ON_IT = (
    "Every single week the police do this to somebody round here and every single week nobody answers for it"
)
RYE_LANE = {"name": "Rye Lane", "borough": "Southwark", "lat": 51.47, "lon": -0.07, "p": 0.9}
WOOD_GREEN = {"name": "Wood Green", "borough": "Haringey", "lat": 51.597, "lon": -0.11, "p": 0.9}


@pytest.fixture(scope="module")
def rules() -> Rules:
    return read_rules(CONFIG / "rules.toml")


@pytest.fixture
def memory() -> Memory:
    return Memory.of(CONFIG / "matching" / "rarity.bin", TriageSettings())


def uri() -> str:
    return f"at://did:plc:{uuid4().hex[:8]}/app.bsky.feed.post/{uuid4().hex[:13]}"


def arrive(session: Session, text: str, *, places: tuple[dict[str, Any], ...] = (), **given: Any) -> Post:
    post = make_post(text, **{"platform": "bluesky", "external_id": uri(), **given})
    session.add_all([post, make_assessment(post, places=list(places))])
    session.flush()
    return post


def routed(session: Session, rules: Rules, memory: Memory, *posts: Post) -> Routed:
    done = route(session, [post.id for post in posts], rules, memory, LIFECYCLE, now=NOON)
    session.commit()
    return done


def suggested(session: Session, post: Post) -> list[tuple[UUID, str]]:
    asked = select(Membership.case_id, Membership.how).where(
        Membership.post_id == post.id, ~col(Membership.sure)
    )
    return [(case, how) for case, how in session.exec(asked)]


def home(session: Session, post: Post) -> tuple[UUID, str]:
    asked = select(Membership.case_id, Membership.how).where(
        Membership.post_id == post.id, col(Membership.sure)
    )
    return session.exec(asked).one()


@pytest.mark.parametrize("together", [True, False], ids=["in one batch", "later"])
def test_a_quote_of_the_post_a_case_began_with_joins_it(
    together: bool, session: Session, rules: Rules, memory: Memory
) -> None:
    first = arrive(session, SAID, places=(RYE_LANE,))
    if not together:
        routed(session, rules, memory, first)
    later = NOON + timedelta(minutes=5)
    quote = arrive(session, ON_IT, quote_of=first.external_id, published_at=later)
    done = routed(session, rules, memory, *([first, quote] if together else [quote]))
    assert done.joined == 1
    assert home(session, quote) == (home(session, first)[0], "quote of a post in it")


def test_what_is_said_of_a_quote_does_not_draw_others_in(
    session: Session, rules: Rules, memory: Memory
) -> None:
    first = arrive(session, SAID)
    quote = arrive(session, ON_IT, quote_of=first.external_id, published_at=NOON + timedelta(minutes=1))
    routed(session, rules, memory, first, quote)
    alike = arrive(session, ON_IT.replace("round here", "on our estate too"))
    for remembered in (memory, Memory.of(CONFIG / "matching" / "rarity.bin", TriageSettings())):
        remembered.refresh(session, now=NOON)
        found = remembered.matcher.find(remembered.matcher.subject(alike.text, NOON))
        assert not found.sure


@pytest.mark.parametrize(
    ("text", "places", "days"),
    [
        ("Police at it again in Wood Green, same thing to my neighbour yesterday", (WOOD_GREEN,), 0),
        ("the police, again", (), 0),
        (ON_IT, (), 40),
    ],
    ids=["another place", "few words", "long after"],
)
def test_a_quote_is_only_suggested_when_it_may_tell_of_something_else(
    text: str,
    places: tuple[dict[str, Any], ...],
    days: int,
    session: Session,
    rules: Rules,
    memory: Memory,
) -> None:
    first = arrive(session, SAID, places=(RYE_LANE,), published_at=NOON - timedelta(days=days))
    routed(session, rules, memory, first)
    quote = arrive(session, text, places=places, quote_of=first.external_id)
    assert routed(session, rules, memory, quote).joined == 0
    [(case, how)] = suggested(session, quote)
    assert case == home(session, first)[0]
    assert how.startswith("quote of a post in it, ")


def test_replies_links_and_quotes_of_later_posts_are_suggested(
    session: Session, rules: Rules, memory: Memory
) -> None:
    first = arrive(session, SAID)
    copy = arrive(session, f"{SAID} https://t.example/1", published_at=NOON + timedelta(minutes=1))
    routed(session, rules, memory, first, copy)
    case = home(session, first)[0]
    assert home(session, copy)[0] == case
    reply = arrive(session, ON_IT, reply_to=first.external_id)
    of_copy = arrive(
        session,
        "My cousin knows the family, the Met owes them an apology and it will never come",
        quote_of=copy.external_id,
    )
    link = arrive(session, f"Look what police did to a boy at the market {first.url}.", published_at=NOON)
    card = arrive(session, "Officers dragged our teacher from her car yesterday, it was filmed by pupils")
    session.add(Media(post_id=card.id, kind="link", url=first.url or ""))
    session.flush()
    done = routed(session, rules, memory, reply, of_copy, link, card)
    assert done.joined == 0
    for post, how in ((reply, "reply"), (of_copy, "quote"), (link, "link"), (card, "link")):
        assert suggested(session, post) == [
            (case, f"{how} {'of' if how == 'quote' else 'to'} a post in it, unsure")
        ]
        assert home(session, post)[0] != case, "it is seen by itself until somebody decides"


def test_what_is_dropped_or_refers_to_nothing_we_hold_stays_as_it_was(
    session: Session, rules: Rules, memory: Memory
) -> None:
    first = arrive(session, SAID)
    lost = arrive(session, ON_IT, reply_to=uri(), quote_of=uri())
    routed(session, rules, memory, first, lost)
    assert suggested(session, lost) == []
    idle = make_post("haha yes", platform="bluesky", quote_of=first.external_id)
    session.add_all([idle, make_assessment(idle, incident=0.01, incident_any=0.02, type="none")])
    session.flush()
    routed(session, rules, memory, idle)
    assert session.exec(select(Membership).where(Membership.post_id == idle.id)).all() == []
    assert len(session.exec(select(Case)).all()) == 2
