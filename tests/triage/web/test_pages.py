"""What the pages say, and what their forms do, without a script: plain requests to a real server."""

from datetime import timedelta

import pytest
from sqlalchemy import Engine, text
from sqlmodel import Session, col, func, select
from sqlmodel.sql.expression import SelectOfScalar

from collector.jobs import defer
from collector.records import Failure, Post, PostKey, SourceRow
from tests.browser.night import NIGHT
from tests.browser.seed import PASSWORD, Seeded
from tests.make import make_assessment, make_case, make_post
from tests.served import Browser, serve
from tests.triage.web.conftest import Clockwork
from triage.records import Alert, Case, Channel, Clock, Heartbeat, LogEntry, Membership, Person
from triage.searching import keep_words
from triage.settings import WebSettings
from triage.web.app import desk


def of(engine: Engine, number: int) -> Case:
    with Session(engine) as session:
        return session.exec(select(Case).where(Case.number == number)).one()


def _posts_of(engine: Engine, number: int) -> SelectOfScalar[Post]:
    joined = select(Post).join(Membership, col(Membership.post_id) == Post.id)
    return joined.where(Membership.case_id == of(engine, number).id)


def test_the_queue_shows_what_is_worst_what_runs_out_and_who_has_it(looking: Browser) -> None:
    page = looking.get("/queue").text
    assert "24 cases" in page
    first, second = (
        page.index("Person unresponsive after restraint"),
        page.index("Shots heard during armed stop"),
    )
    assert max(first, second) < page.index("Use of force on a school pupil")
    for words in (
        "SEV1",
        "critical",
        "not breathing",
        "Brixton Road",
        "412 posts",
        "Tom B.",
        "left",
        "overdue by",
    ):
        assert words in page
    assert "Posts in the last six hours:" in page


def test_what_runs_out_first_leads_among_cases_of_other_severities(engine: Engine, amira: Browser) -> None:
    with Session(engine) as session:
        running = select(Case.number, func.min(Clock.due_at)).join(Clock, col(Clock.case_id) == Case.id)
        lower = running.where(col(Clock.stopped_at).is_(None), Case.severity > 1).group_by(col(Case.number))
        due = dict(session.exec(lower).all())
    page = amira.get("/queue").text
    shown = sorted(due, key=lambda number: page.index(f'id="case-{number}"'))
    assert [due[number] for number in shown] == sorted(due.values())


@pytest.mark.parametrize(
    ("query", "titles"),
    [
        ("severity=1", {told.title for told in NIGHT if told.severity == 1}),
        ("bcu=AS", {told.title for told in NIGHT if told.bcu == "AS"}),
        ("borough=Hackney", {"Strip search of a girl alleged"}),
        ("type=officer_harmed", {"Officer hit by thrown bottle"}),
        ("view=watch", {told.title for told in NIGHT if told.status == "watch"}),
        ("desk=oversight&severity=4", set()),
        ("severity=9&bcu=XX&view=nonsense&sort=nonsense&page=-4", {told.title for told in NIGHT}),
        ("page=99999", {told.title for told in NIGHT}),
    ],
)
def test_filters_in_the_address_choose_the_cases(looking: Browser, query: str, titles: set[str]) -> None:
    page = looking.get(f"/queue?{query}").text
    assert {told.title for told in NIGHT if f"<bdi>{told.title}</bdi>" in page} == titles


def test_mine_and_unclaimed_follow_who_has_a_case(amira: Browser, tom: Browser) -> None:
    assert "Stop and search outside the station" not in amira.get("/queue?view=mine").text
    amira.fill_in("/cases/7/claim")
    assert "Stop and search outside the station" in amira.get("/queue?view=mine").text
    assert "Stop and search outside the station" not in tom.get("/queue?view=mine").text
    assert "Stop and search outside the station" not in tom.get("/queue?view=unclaimed").text


def test_a_claim_that_ran_out_is_nobodys(amira: Browser, clock: Clockwork) -> None:
    amira.fill_in("/cases/7/claim")
    clock.ahead = timedelta(minutes=21)
    page = amira.get("/cases/7").text
    assert "nobody yet" in page


def test_long_queues_come_in_pages(engine: Engine, amira: Browser, clock: Clockwork) -> None:
    with Session(engine) as session:
        for number in range(40):
            session.add(make_case(title=f"Minor matter {number}", severity=4, opened_at=clock()))
        session.commit()
    first, third = amira.get("/queue").text, amira.get("/queue?page=3").text
    assert "Page 1 of 3" in first
    assert first.count('class="gh-row ') == 25
    assert third.count('class="gh-row ') == 14
    assert "/queue?page=2" in first


def test_an_empty_queue_says_since_when_it_looks_and_at_what(engine: Engine, amira: Browser) -> None:
    with Session(engine) as session:
        for case in session.exec(select(Case)):
            case.status = "closed"  # type: ignore[assignment]
        session.commit()
    page = amira.get("/queue").text
    assert "No open cases." in page
    assert "Watching 3 of 4 sources since" in page


def test_an_empty_queue_never_looks_calm_when_nothing_is_watched(engine: Engine, amira: Browser) -> None:
    with Session(engine) as session:
        for case in session.exec(select(Case)):
            case.status = "closed"  # type: ignore[assignment]
        for source in session.exec(select(SourceRow)):
            source.enabled = False
        session.commit()
    page = amira.get("/queue").text
    assert "Nothing is being watched" in page
    assert "No source is switched on" in page


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


def test_claiming_then_releasing(engine: Engine, amira: Browser) -> None:
    answer = amira.fill_in("/cases/7/claim", to="/queue?severity=3")
    assert (answer.status_code, answer.headers["location"]) == (303, "/queue?severity=3&said=claimed&undo=7")
    assert "You have claimed this case." in amira.get(answer.headers["location"]).text
    assert of(engine, 7).claimed_by is not None
    amira.fill_in("/cases/7/release")
    assert of(engine, 7).claimed_by is None


def test_a_case_someone_has_is_not_taken_and_the_page_says_who(
    engine: Engine, amira: Browser, tom: Browser
) -> None:
    amira.fill_in("/cases/7/claim")
    answer = tom.fill_in("/cases/7/claim")
    assert answer.status_code == 409
    assert "Amira K. has this case for another" in answer.text
    row = tom.post("/cases/7/claim", data={"csrf": tom.token}, headers={"HX-Request": "true"})
    assert row.status_code == 200
    assert 'id="case-7"' in row.text
    assert "Amira K. has this case for another" in row.text


def test_acknowledging_answers_one_desk_and_stops_its_clock(engine: Engine, amira: Browser) -> None:
    amira.fill_in("/cases/1/acknowledge", desk="comms")
    with Session(engine) as session:
        states = dict(
            session.exec(select(Alert.desk, Alert.state).where(Alert.case_id == of(engine, 1).id)).all()
        )
        clock = session.exec(
            select(Clock).where(Clock.case_id == of(engine, 1).id, Clock.name == "acknowledge")
        ).one()
    assert states == {"comms": "acknowledged", "oversight": "open"}
    assert clock.stopped_at is not None


def test_closing_needs_a_reason_and_can_be_undone(engine: Engine, amira: Browser) -> None:
    for form in ({}, {"reason": "noise:"}, {"reason": "confirmed: something"}, {"reason": "not_ours"}):
        answer = amira.fill_in("/cases/7/dismiss", **form)
        assert answer.status_code == 422, form
        assert "Choose a reason" in answer.text
    assert of(engine, 7).status == "detected"
    amira.fill_in("/cases/7/dismiss", reason="not_ours: Outside London", why="It is in Leeds")
    assert (of(engine, 7).status, of(engine, 7).dismissed_because) == (
        "not_ours",
        "Outside London; It is in Leeds",
    )
    assert "Closed because: Outside London; It is in Leeds" in amira.get("/cases/7").text
    amira.fill_in("/cases/7/undo")
    assert of(engine, 7).status == "detected"
    with Session(engine) as session:
        told = session.exec(
            select(LogEntry.what).where(LogEntry.case_id == of(engine, 7).id).order_by(col(LogEntry.seq))
        ).all()
    told = [each for each in told if each != "viewed"]
    assert told[-2:] == ["dismissed", "undone: dismissed"]


def test_watching_confirming_and_opening_again(engine: Engine, amira: Browser) -> None:
    amira.fill_in("/cases/7/watch")
    assert of(engine, 7).status == "watch"
    amira.fill_in("/cases/7/confirm")
    assert of(engine, 7).status == "confirmed"
    amira.fill_in("/cases/7/dismiss", reason="opinion: Comment only, nothing is reported")
    amira.fill_in("/cases/7/reopen")
    assert of(engine, 7).status == "triaged"


def test_a_suggestion_is_confirmed_or_refused_by_a_person(engine: Engine, amira: Browser) -> None:
    def suggested(number: int) -> list[Membership]:
        with Session(engine) as session:
            wanted = select(Membership).where(
                Membership.case_id == of(engine, number).id, col(Membership.sure).is_(False)
            )
            return list(session.exec(wanted))

    for number, same in ((1, "true"), (3, "false")):
        [asked] = suggested(number)
        assert "Perhaps the same incident" in amira.get(f"/cases/{number}").text
        assert (
            amira.fill_in(f"/cases/{number}/suggestion", post=str(asked.post_id), same=same).status_code
            == 303
        )
        assert suggested(number) == []


def test_posts_are_split_off_and_joined_again(engine: Engine, amira: Browser) -> None:
    with Session(engine) as session:
        post = session.exec(select(Membership.post_id).where(Membership.case_id == of(engine, 2).id)).first()
    assert amira.fill_in("/cases/2/split", why="Another incident").status_code == 422
    amira.fill_in("/cases/2/claim")
    assert amira.fill_in("/cases/6/split", post=str(post), why="x").status_code == 409
    assert (
        amira.fill_in("/cases/7/split", why="Another incident", post=_one_post(engine, 7)).status_code == 303
    )
    assert amira.get("/cases/25").status_code == 200
    assert amira.fill_in("/cases/7/join", why="Same after all", other="GH-25").status_code == 303
    assert of(engine, 25).status == "closed"


def _one_post(engine: Engine, number: int) -> str:
    with Session(engine) as session:
        wanted = select(Membership.post_id).where(Membership.case_id == of(engine, number).id)
        return str(session.exec(wanted).first())


def test_what_was_not_raised_is_found_by_its_words(amira: Browser) -> None:
    found = amira.get("/routings?words=stunt+CHASE").text
    assert "7 posts not raised with" in found
    assert "reads as fiction" in found
    assert "0 posts not raised with" in amira.get("/routings?words=stunt+brixton").text
    assert "0 posts not raised with" in amira.get("/routings?words=%25").text
    assert "it cannot search for an account or a person" in amira.get("/routings?words=%40somebody").text


def test_many_are_never_closed_without_a_reason_that_is_offered(engine: Engine, amira: Browser) -> None:
    for act in ("not_ours", "not_ours: ", "confirmed: Outside London", "noise: because", "dismiss"):
        answer = amira.post("/queue/bulk", data={"csrf": amira.token, "act": act, "case": ["7"]})
        assert (answer.status_code, of(engine, 7).status) == (422, "detected"), act


def test_taking_the_next_case_takes_the_gravest_nobody_has(
    engine: Engine, amira: Browser, tom: Browser
) -> None:
    first, second = amira.fill_in("/queue/next"), tom.fill_in("/queue/next")
    assert first.headers["location"] == "/cases/1?said=claimed"
    assert second.headers["location"] not in ("/cases/1?said=claimed", "/queue?said=none-free")


def test_search_finds_cases_by_number_words_and_place_and_the_cases_of_a_link(
    engine: Engine, amira: Browser
) -> None:
    assert amira.get("/search?q=GH-12").headers["location"] == "/cases/12"
    assert amira.get("/search?q=12").headers["location"] == "/cases/12"
    assert "Taser used in a flat" in amira.get("/search?q=rye+lane+taser").text
    assert "No case holds that" in amira.get("/search?q=100%25").text
    with Session(engine) as session:
        found = session.exec(_posts_of(engine, 3)).first()
    link = found.url if found else None
    assert "Use of force on a school pupil" in amira.get("/search", params={"q": link or ""}).text
    assert "/routings?link=" in amira.get("/search?q=https://social.example/none").text


def test_search_finds_cases_by_what_their_posts_say(engine: Engine, amira: Browser) -> None:
    with Session(engine) as session:
        post = session.exec(_posts_of(engine, 3)).first()
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


def test_the_review_list_names_the_next_meeting_and_its_cases(looking: Browser) -> None:
    page = looking.get("/reviews").text
    assert "Oversight meeting on" in page
    assert "6 cases" in page
    assert "force is reported" in page


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


def test_a_page_knows_how_many_cases_came_since_it_was_made(
    engine: Engine, amira: Browser, clock: Clockwork
) -> None:
    since = clock().isoformat()
    with Session(engine) as session:
        session.add(make_case(title="Just now", severity=1, opened_at=clock(), desks=["comms"]))
        session.commit()
    ask = {"since": since}
    assert amira.get("/queue/new", params=ask).json() == {"count": 1}
    assert amira.get("/queue/new", params={**ask, "severity": "3"}).json() == {"count": 0}


def test_a_withdrawn_post_is_no_longer_shown(engine: Engine, amira: Browser, clock: Clockwork) -> None:
    with Session(engine) as session:
        for post in session.exec(_posts_of(engine, 7)):
            post.withdrawn_at, post.withdrawn_because = clock(), "deleted by its author"
        session.commit()
    page = amira.get("/cases/7").text
    assert "Its words are no longer shown" in page
    assert "searched him for nothing" not in page.split("<h1")[1]


def test_a_duty_officer_can_break_a_claim(engine: Engine, amira: Browser, tom: Browser) -> None:
    amira.fill_in("/cases/7/claim")
    assert "Break claim" not in tom.get("/cases/7").text
    with Session(engine) as session:
        session.exec(select(Person).where(Person.username == "tom")).one().roles = ["duty_officer"]
        session.commit()
    assert "Break claim" in tom.get("/cases/7").text
    tom.fill_in("/cases/7/release")
    assert of(engine, 7).claimed_by is None
