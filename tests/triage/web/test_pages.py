"""What the pages say, without a script: plain requests to a real server."""

import re
from datetime import datetime, timedelta

from sqlalchemy import Engine, text
from sqlmodel import Session, select

from collector.jobs import defer
from collector.records import Failure
from tests.browser.seed import PASSWORD, Seeded
from tests.make import make_assessment, make_post
from tests.served import Browser, serve
from tests.triage.web.cases import posts_of
from tests.triage.web.conftest import Clockwork
from triage.records import Case, Channel, Heartbeat, Membership
from triage.settings import WebSettings
from triage.web.app import desk
from triage.web.calm import essentials, troubles


def test_what_does_not_work_stands_on_every_page(engine: Engine, amira: Browser, clock: Clockwork) -> None:
    with Session(engine) as session:
        session.add(Failure(at=clock(), stage="assess", subject="a post", error="ModelError"))
        gone = session.get_one(Heartbeat, ("listen", "desk-1"))
        gone.beat_at = clock() - timedelta(minutes=3)
        stopped = session.get_one(Heartbeat, ("work-2", "desk-1"))
        stopped.beat_at, stopped.state = clock() - timedelta(minutes=3), "stopped"
        session.add(
            Channel(name="slack:C1", free_at=clock(), digest_at=clock(), failures=4, error="not_in_channel")
        )
        job = defer(session, "assess", queue="assess", posts=[])
        session.execute(text("UPDATE procrastinate_jobs SET status = 'failed' WHERE id = :job"), {"job": job})
        session.commit()
    for path in ("/queue", "/cases/1", "/alerts", "/sources", "/routings", "/reviews", "/search", "/account"):
        page = amira.get(path).text
        assert "mastodon-london cannot be read for 40 min: the server does not answer" in page
        assert "1 part of the service not answering for 3 min: listen" in page
        assert "work-2" not in page.split("<main")[0]
        assert "Alerts do not get through to slack:C1: not_in_channel" in page
        assert "1 job failed for good" in page
        assert "1 item could not be worked through (assess)" in page


def test_a_job_that_failed_is_told_for_a_day_and_keeps_the_outside_watcher_waiting_for_minutes(
    session: Session, noon: datetime
) -> None:
    job = defer(session, "draft", queue="respond", case="one")
    session.execute(text("UPDATE procrastinate_jobs SET status = 'failed' WHERE id = :job"), {"job": job})

    def told(hours_ago: float) -> tuple[bool, bool]:
        session.execute(text("DELETE FROM procrastinate_events"))
        failed = text(
            "INSERT INTO procrastinate_events (job_id, type, at) VALUES (:job, 'failed', now() - :ago)"
        )
        session.execute(failed, {"job": job, "ago": timedelta(hours=hours_ago)})
        asked = troubles(session, channels=["x"], now=noon).troubles, essentials(session, now=noon)
        desk, watcher = ("failed for good" in "".join(each.what for each in found) for found in asked)
        return desk, watcher

    assert [told(hours) for hours in (0.1, 1, 25)] == [(True, True), (True, False), (False, False)]


def test_without_a_channel_the_page_says_where_alerts_are(engine: Engine, seeded: Seeded) -> None:
    with serve(desk(engine, WebSettings())) as base, Browser(base) as browser:
        browser.sign_in("amira", PASSWORD)
        assert "No alert channel is set up" in browser.get("/queue").text
        assert "No channel is set up." in browser.get("/alerts").text


def test_the_case_page_shows_posts_with_their_reasons(looking: Browser) -> None:
    page = looking.get("/cases/1").text
    assert '<mark class="gh-mark" title="reports that someone is not breathing">not breathing</mark>' in page
    assert "names a restraint at the neck" in page
    assert "copies of the same words" in page
    assert 'rel="noreferrer noopener nofollow external"' in page
    for part in (
        "What people say",
        "What we know",
        "What we say and do",
        "Not known yet:",
        "SEV1 whatever the sum",
    ):
        assert part in page
    assert "slack:#golden-hour: delivered" in page


def test_account_names_are_not_shown_and_authors_differ_from_case_to_case(
    engine: Engine, amira: Browser, clock: Clockwork
) -> None:
    voices = []
    with Session(engine) as session:
        for number in (20, 21):
            post = make_post(
                "saw @real.person@some.example and @other at it again", author_key=b"the same author"
            )
            case = session.exec(select(Case).where(Case.number == number)).one()
            session.add(post)
            session.add(Membership(post_id=post.id, case_id=case.id, how="same words", joined_at=clock()))
            session.add(
                make_assessment(
                    post, signals=[{"name": "x", "score": 1, "start": 5, "end": 10, "because": "cut"}]
                )
            )
            session.commit()
    for number in (20, 21):
        page = amira.get(f"/cases/{number}").text
        assert "real.person" not in page
        assert "@other" not in page
        assert "@account" in page
        at = page.index("@account")
        voices.append(page[page.rindex("Voice ", 0, at) : page.rindex("Voice ", 0, at) + 9])
    assert voices[0] != voices[1]


def test_the_review_list_names_the_next_meeting_and_its_cases(looking: Browser) -> None:
    page = looking.get("/reviews").text
    assert "6 cases on the list" in page
    found = re.search(r'Next: <a class="govuk-link" href="(/reviews/[0-9-]+)"', page)
    assert found is not None
    listed = looking.get(found[1]).text
    assert listed.count("force is reported") == 6
    assert "Meeting of" in listed


def test_alerts_are_listed_with_what_became_of_each_message(looking: Browser) -> None:
    page = looking.get("/alerts").text
    assert "Alerts: not answered" in page
    assert "raised" in page
    assert "delivered" in page
    answered = looking.get("/alerts?state=acknowledged&desk=comms").text
    assert "slack:#golden-hour: not delivered" in answered
    assert "channel_not_found" in answered


def test_sources_are_shown_with_their_rhythm_blind_ones_first(looking: Browser) -> None:
    page = looking.get("/sources").text
    body = page[page.index("<main") :]
    assert body.index("mastodon-london") < body.index("bluesky")
    assert "Blind" in body
    assert "work-1 on desk-1" in page


def test_a_withdrawn_post_is_no_longer_shown(engine: Engine, amira: Browser, clock: Clockwork) -> None:
    with Session(engine) as session:
        for post in session.exec(posts_of(engine, 7)):
            post.withdrawn_at, post.withdrawn_because = clock(), "deleted by its author"
        session.commit()
    page = amira.get("/cases/7").text
    assert "Its words are no longer shown" in page
    assert "searched him for nothing" not in page.split("<h1")[1]
