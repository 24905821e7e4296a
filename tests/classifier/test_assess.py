"""The stage: an assessment for each post, whatever happens, and the job that routes them, in one transaction."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import text as sql
from sqlmodel import Session, select

from classifier.assess import assess
from classifier.model import Assessed
from classifier.records import Assessment, reading_text
from collector.records import Failure, Media, Post
from tests.classifier.reader import model
from tests.make import make_post


class Brittle:
    """Falls over any batch that holds the word."""

    version = "brittle-1"

    def assess(self, texts: Sequence[str]) -> list[Assessed]:
        if any("mayhem" in text for text in texts):
            raise RuntimeError("cannot")
        return model().assess(texts)


def keep(session: Session, *texts: str) -> list[Post]:
    posts = [make_post(text) for text in texts]
    session.add_all(posts)
    session.flush()
    return posts


def jobs(session: Session) -> list[tuple[str, str, dict[str, list[str]]]]:
    rows = session.execute(sql("SELECT task_name, queue_name, args FROM procrastinate_jobs ORDER BY id"))
    return [(row[0], row[1], row[2]) for row in rows]


def test_posts_are_assessed_and_left_to_be_routed(session: Session, noon: datetime) -> None:
    posts = keep(session, "Police tasered a man in Hackney", "Met Office says rain")
    assert assess(session, [post.id for post in posts], model(), now=noon) == 2
    kept = {each.post_id: each for each in session.exec(select(Assessment))}
    assert kept[posts[0].id].incident > kept[posts[1].id].incident
    assert kept[posts[0].id].places[0]["borough"] == "Hackney"
    assert kept[posts[0].id].signals[0]["because"]
    [(task, queue, arguments)] = jobs(session)
    assert (task, queue) == ("route", "route")
    assert set(arguments["posts"]) == {str(post.id) for post in posts}


def test_assessing_twice_leaves_one_assessment(session: Session, noon: datetime) -> None:
    [post] = keep(session, "Police in Hackney")
    assert assess(session, [post.id], model(), now=noon) == 1
    assert assess(session, [post.id], model(), now=noon) == 0
    assert len(session.exec(select(Assessment)).all()) == 1


def test_a_bad_post_does_not_stop_the_good_ones(session: Session, noon: datetime) -> None:
    good, bad = keep(session, "Police in Hackney", "mayhem in Hackney")
    assert assess(session, [good.id, bad.id], Brittle(), now=noon) == 2
    kept = {each.post_id: each for each in session.exec(select(Assessment))}
    assert kept[bad.id].abstain
    assert kept[good.id].incident > 0
    [failure] = session.exec(select(Failure))
    assert (failure.stage, failure.subject) == ("assess", str(bad.id))
    assert "mayhem" not in failure.error


def test_a_withdrawn_post_is_not_assessed(session: Session, noon: datetime) -> None:
    [post] = keep(session, "Police in Hackney")
    post.withdrawn_at = noon
    session.flush()
    assert assess(session, [post.id], model(), now=noon) == 0


def test_a_post_with_odd_characters_can_be_kept(session: Session, noon: datetime) -> None:
    [post] = keep(session, "Police \u202e in Hackney \u2028 “quoted” \\u0000 😂")
    assess(session, [post.id], model(), now=noon)
    assert len(session.exec(select(Assessment)).all()) == 1


def test_what_is_said_of_a_picture_is_read_behind_the_text(session: Session, noon: datetime) -> None:
    plain, shown = keep(session, "look at this", "look at this")
    session.add(Media(post_id=shown.id, kind="image", url="https://x.example/1", alt="police taser a man"))
    session.flush()
    assess(session, [plain.id, shown.id], model(), now=noon)
    kept = {each.post_id: each for each in session.exec(select(Assessment))}
    assert kept[shown.id].incident > kept[plain.id].incident
    of_words = [each for each in kept[shown.id].signals if each["end"]]
    assert of_words
    assert all(each["start"] > len(shown.text) for each in of_words)
    assert shown.text == "look at this"


def test_a_title_is_read_before_the_text_unless_repeated() -> None:
    assert reading_text("Man held", "Police said") == "Man held — Police said"
    assert reading_text("Man held", "Man held by police") == "Man held by police"
    assert reading_text(None, "Police said") == "Police said"
