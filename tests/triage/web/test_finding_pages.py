"""Search, and why something was not raised."""

from sqlalchemy import Engine
from sqlmodel import Session

from collector.records import PostKey
from tests.served import Browser
from tests.triage.web.cases import posts_of
from triage.searching import keep_words


def test_what_was_not_raised_is_found_by_its_words(amira: Browser) -> None:
    found = amira.get("/routings?words=stunt+CHASE").text
    assert "7 posts not raised with" in found
    assert "reads as fiction" in found
    assert "0 posts not raised with" in amira.get("/routings?words=stunt+brixton").text
    assert "0 posts not raised with" in amira.get("/routings?words=%25").text
    assert "it cannot search for an account or a person" in amira.get("/routings?words=%40somebody").text


def test_search_finds_cases_by_number_words_and_place_and_the_cases_of_a_link(
    engine: Engine, amira: Browser
) -> None:
    assert amira.get("/search?q=GH-12").headers["location"] == "/cases/12"
    assert amira.get("/search?q=12").headers["location"] == "/cases/12"
    assert "Taser used in a flat" in amira.get("/search?q=rye+lane+taser").text
    assert "No case holds that" in amira.get("/search?q=100%25").text
    with Session(engine) as session:
        found = session.exec(posts_of(engine, 3)).first()
    link = found.url if found else None
    assert "Use of force on a school pupil" in amira.get("/search", params={"q": link or ""}).text
    assert "/routings?link=" in amira.get("/search?q=https://social.example/none").text


def test_search_finds_cases_by_what_their_posts_say(engine: Engine, amira: Browser) -> None:
    with Session(engine) as session:
        post = session.exec(posts_of(engine, 3)).first()
        assert post is not None
        post.text = "She kept shouting that the corridor gate was locked"
        session.add_all([post, PostKey(id=post.id, collected_at=post.collected_at)])
        session.flush()
        keep_words(session, [post.id])
        session.commit()
    page = amira.get("/search?q=corridor+shouts").text
    assert "By what posts say" in page
    assert '<mark class="gh-mark">corridor</mark>' in page
    assert '<mark class="gh-mark">shouting</mark>' in page
    assert "No case holds that" in amira.get("/search?q=corridor+submarine").text


def test_search_never_looks_for_a_person(looking: Browser) -> None:
    for asked in ("@someone", "police @someone"):
        assert (
            "it cannot search for an account or a person" in looking.get("/search", params={"q": asked}).text
        )


def test_why_a_post_was_not_raised_is_told_by_its_link(looking: Browser) -> None:
    counts = looking.get("/routings").text
    assert "fiction" in counts
    assert ">7<" in counts
    told = looking.get("/routings", params={"link": "https://social.example/tv/3"}).text
    assert "reads as fiction" in told
    assert "Dropped by “fiction”" in told
    assert (
        "No decision about this link is stored"
        in looking.get("/routings?link=https://social.example/none").text
    )
    assert "The newest 7 posts decided by “fiction”" in looking.get("/routings?rule=fiction").text
