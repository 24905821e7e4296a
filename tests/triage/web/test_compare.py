"""Two posts side by side: why one was suggested, and the acts, on one page."""

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Engine
from sqlmodel import Session, col, select

from classifier.rarity import Rarity
from tests.browser.seed import PASSWORD, seed_people
from tests.make import NOON, make_assessment, make_case, make_post
from tests.served import Browser, serve
from triage.log import VIEWED
from triage.records import Case, LogEntry, Membership
from triage.settings import WebSettings
from triage.web.app import desk

TABLE = Path(__file__).resolve().parents[3] / "config" / "matching" / "rarity.bin"
FIRST = "Three officers held a man face down outside Quillon's bakery on Rye Lane, one shoe in the gutter"
AGAIN = "@somebody look: Rye Lane, four police on one man by Quillon's bakery, his shoe in the gutter"
OTHER = "A police dog bit a cyclist on the towpath by the canal"
RYE_LANE = {"name": "Rye Lane", "borough": "Southwark", "lat": 51.47, "lon": -0.07, "p": 0.9}


@pytest.fixture
def posts(engine: Engine) -> list[str]:
    """Ids: the first of a case, another of it, and one that is suggested for it and stands in a case of its own."""
    with Session(engine) as session:
        seed_people(session, now=NOON)
        case, own = make_case(post_count=2), make_case()
        session.add_all([case, own])
        session.flush()
        made = []
        for text, how, sure in (
            (FIRST, "new", True),
            (OTHER, "same event", True),
            (AGAIN, "same event", False),
        ):
            post = make_post(text, author_key=uuid4().bytes)
            start = text.find("Rye Lane")
            places = [{**RYE_LANE, "start": start, "end": start + 8}] if start >= 0 else []
            session.add_all([post, make_assessment(post, places=places)])
            session.add(
                Membership(post_id=post.id, case_id=case.id, sure=sure, score=0.61, how=how, joined_at=NOON)
            )
            made.append(str(post.id))
        session.add(Membership(post_id=UUID(made[2]), case_id=own.id, how="new", joined_at=NOON))
        session.commit()
        return made


@pytest.fixture
def sign_in(engine: Engine, posts: list[str]) -> Iterator[Callable[[str], Browser]]:
    with ExitStack() as opened:
        base = opened.enter_context(serve(desk(engine, WebSettings(), rarity=Rarity.load(TABLE))))

        def browser(name: str) -> Browser:
            made = opened.enter_context(Browser(base))
            assert made.sign_in(name, PASSWORD).status_code == 303
            return made

        yield browser


def test_a_suggestion_is_held_beside_the_post_it_is_most_like(
    sign_in: Callable[[str], Browser], posts: list[str]
) -> None:
    page = sign_in("amira").get(f"/cases/1/posts/{posts[2]}/compare").text
    assert "Same place named: Rye Lane" in page
    assert "rare words shared" in page
    assert "Quillon" in page
    assert page.count('title="the same place"') == 2
    assert f"beside={posts[1]}" in page, "it can be held beside another one"
    assert OTHER not in re.sub(r"<li>.*?</li>", "", page)


def test_nobody_is_named_on_it(sign_in: Callable[[str], Browser], posts: list[str]) -> None:
    page = sign_in("amira").get(f"/cases/1/posts/{posts[2]}/compare").text
    assert "somebody" not in page.replace("until somebody decides", "").replace("Until somebody decides", "")
    assert len(set(re.findall(r"Voice [A-Z2-7]{3}", page))) == 3


def test_the_acts_are_on_the_page_and_have_keys(
    sign_in: Callable[[str], Browser], engine: Engine, posts: list[str]
) -> None:
    amira = sign_in("amira")
    page = amira.get(f"/cases/1/posts/{posts[2]}/compare").text
    assert 'data-key="y"' in page
    assert 'data-key="n"' in page
    answer = amira.fill_in("/cases/1/suggestion", post=posts[2], same="true")
    assert answer.status_code == 303
    with Session(engine) as session:
        home = select(Case.number).join(Membership, col(Membership.case_id) == Case.id)
        assert session.exec(home.where(Membership.post_id == posts[2], col(Membership.sure))).one() == 1


def test_two_posts_of_a_case_are_compared_and_one_can_be_split_off(
    sign_in: Callable[[str], Browser], posts: list[str]
) -> None:
    amira = sign_in("amira")
    page = amira.get(f"/cases/1/posts/{posts[1]}/compare?beside={posts[0]}").text
    assert "Two posts side by side" in page
    assert "No rare word is shared" in page
    assert amira.fill_in("/cases/1/split", post=posts[1], why="seen side by side").status_code == 303
    assert amira.get(f"/cases/1/posts/{posts[1]}/compare").status_code == 404, (
        "it is not in the case any more"
    )
    assert amira.get(f"/cases/1/posts/{uuid4()}/compare").status_code == 404


def test_to_look_is_entered_and_the_case_page_leads_to_it(
    sign_in: Callable[[str], Browser], engine: Engine, posts: list[str]
) -> None:
    amira = sign_in("amira")
    amira.get(f"/cases/1/posts/{posts[2]}/compare")
    with Session(engine) as session:
        assert session.exec(select(LogEntry.who).where(LogEntry.what == VIEWED)).all() == ["amira"]
    assert f"/cases/1/posts/{posts[2]}/compare" in amira.get("/cases/1").text
