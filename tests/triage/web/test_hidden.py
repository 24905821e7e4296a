"""A hidden case leaves no word on any page: every GET route is called as somebody from whom it is hidden."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import NamedTuple
from uuid import UUID

import pytest
from sqlalchemy import Engine
from sqlmodel import Session, select

from collector.records import Post
from config.settings import HERE
from tests.browser.seed import PASSWORD, Seeded, password_hash
from tests.browser.seed_claims import seed_claims
from tests.make import LIFECYCLE, make_assessment, make_person
from tests.served import Browser, serve
from tests.triage.review.kept import CYCLE
from tests.triage.web.conftest import Clockwork
from tests.triage.web.listed import OPEN_TO_ALL
from tests.triage.web.test_live import Listening
from tests.triage.web.test_security import routes
from triage.notice import tell_desk
from triage.policies import Policies
from triage.records import Case, LogEntry, Membership, Person, Role
from triage.restricting import read_restricted_policy
from triage.restriction_records import Restriction, Tie
from triage.review.meeting_records import Review
from triage.settings import WebSettings
from triage.statement_records import Statement
from triage.web.app import desk
from triage.web.words import london_day

POLICIES = Policies(restricted=read_restricted_policy(HERE / "policy" / "restricted.toml"), cycle=CYCLE)
WORD = "Lanternquay"  # stands in every text of the hidden case, and nowhere else
STREAMS = {"GET /live"}
QUERIES = {
    "GET /queue": [
        *("view=closed", "view=watch", "view=waiting", "view=unclaimed", "sort=newest", f"borough={WORD}"),
        *("sort=severity", "sort=posts", "page=2"),
    ],
    "GET /queue/new": ["since=2020-01-01T00:00:00Z"],
    "GET /search": [f"q={WORD}", "q=GH-1", "q=1", "q=https://social.example/hidden"],
    "GET /claims": [f"q={WORD}", "q=van"],
    "GET /alerts": ["state=open", "state=acknowledged", "state=closed"],
    "GET /routings": ["rule=force+reported&days=30", "link=https://social.example/hidden"],
    "GET /cases/{ref}/claims/new": ["post=hidden"],
    "GET /api/v1/cases": ["view=open", "view=closed", "view=watch", "sort=newest", "page=2"],
    "GET /api/v1/alerts": ["state=open", "state=acknowledged", "state=closed"],
    "GET /api/v1/statements": ["page=2"],
    "GET /manual": ["case=GH-1"],
}


class Hidden(NamedTuple):
    """The gravest case of the night, and one of its posts."""

    case: UUID
    post: UUID


@pytest.fixture
def base(engine: Engine, clock: Clockwork, seeded: Seeded) -> Iterator[str]:
    app = desk(engine, WebSettings(), channels=["slack"], lifecycle=LIFECYCLE, policies=POLICIES, now=clock)
    with serve(app) as address:
        yield address


@pytest.fixture
def hidden(engine: Engine, seeded: Seeded) -> Hidden:
    """It is marked by one word in all that is said of it; nobody sees it but the comms officer."""
    now = datetime.now(UTC)
    with Session(engine, expire_on_commit=False) as session:
        case = session.get_one(Case, seeded.cases[0].id)
        officer = session.get_one(Person, seeded.officer.id)
        seed_claims(session, case, officer, now=now)
        case.title, case.place, case.borough = f"Restraint, {WORD}", f"{WORD} Road", WORD
        members = select(Post).join(Membership, Membership.post_id == Post.id)  # type: ignore[arg-type]
        posts = session.exec(members.where(Membership.case_id == case.id, Membership.sure)).all()
        for post in posts:
            post.text = f"{WORD}: {post.text}"
        posts[0].url = "https://social.example/hidden"
        for draft in session.exec(select(Statement).where(Statement.case_id == case.id)):
            draft.text = f"{WORD} {draft.text}"
        # one of its posts is also suggested for another case
        other = seeded.cases[1].id
        session.add(
            Membership(
                post_id=posts[0].id, case_id=other, sure=False, score=0.6, how="same words", joined_at=now
            )
        )
        session.add(make_assessment(posts[0], model="test-2", at=now))
        session.commit()
        return Hidden(case.id, posts[0].id)


def restrict(engine: Engine, seeded: Seeded, case: UUID) -> None:
    """So that no role sees it, only the officer."""
    with Session(engine) as session:
        officer = seeded.officer.id
        session.add(
            Restriction(
                case_id=case, reason="death", why=WORD, people=[str(officer)], set_by=officer,
                set_at=datetime.now(UTC),
            )
        )  # fmt: skip
        session.commit()


@pytest.fixture
def eve(engine: Engine, visit: Callable[[], Browser]) -> Browser:
    """Somebody with every role there is, who is on no list."""
    with Session(engine) as session:
        roles = [role.value for role in Role]
        session.add(
            make_person(
                username="eve", roles=roles, desks=["comms", "oversight"], password_hash=password_hash()
            )
        )
        session.commit()
    browser = visit()
    browser.sign_in("eve", PASSWORD)
    return browser


def meeting_day(engine: Engine) -> str:
    """The day of the meeting that has the case on its list."""
    with Session(engine) as session:
        return london_day(session.exec(select(Review.meets_at)).one())


def addresses(engine: Engine, hidden: Hidden) -> Iterator[tuple[str, str]]:
    """Every GET route with the hidden case in its place, and what may be asked of it."""
    for route in sorted(set(routes(desk(engine, WebSettings()).routes)) - OPEN_TO_ALL - STREAMS):
        method, path = route.split(" ", 1)
        if method != "GET":
            continue
        refs = ("C-1",) if path.startswith("/claims") else ("1", str(hidden.case))
        for ref in refs if "{ref}" in path else [""]:
            named = {"ref": ref, "name": "bluesky", "day": meeting_day(engine)}
            parts = (
                named.get(each[1:-1], str(hidden.post)) if "{" in each else each for each in path.split("/")
            )
            filled = "/".join(parts)
            yield route, filled
            for query in QUERIES.get(route, []):
                yield route, f"{filled}?{query.replace('post=hidden', f'post={hidden.post}')}"


def told_of(hidden: Hidden, text: str, asked: str) -> list[str]:
    """What of the case stands in a text; what was asked for itself may be said again."""
    for part in {asked.partition("?")[2].partition("=")[2], *asked.split("/")}:
        text = text.replace(part, "") if len(part) > 3 else text
    marks = [WORD, str(hidden.case), str(hidden.post), "social.example/hidden"]
    found = [mark for mark in marks if mark in text]
    if asked.partition("?")[2] not in ("q=GH-1", "case=GH-1"):
        found += re.findall(r"GH-1\b|/cases/1\b|\"number\":1\b|\"case\":1\b", text)
    return found


def walk(browser: Browser, engine: Engine, hidden: Hidden) -> dict[str, list[str]]:
    """What each address tells of the case."""
    told = {}
    for _, address in addresses(engine, hidden):
        answer = browser.get(address)
        assert answer.status_code < 500, address
        said = told_of(hidden, f"{answer.text} {answer.headers.get('location', '')}", address)
        if said:
            told[address] = said
    return told


def test_no_page_holds_a_word_of_a_restricted_case_for_who_is_not_on_its_list(
    engine: Engine, seeded: Seeded, hidden: Hidden, eve: Browser
) -> None:
    meeting = f"/reviews/{meeting_day(engine)}"
    for address in ("/queue", "/alerts", meeting, "/claims", "/api/v1/cases", "/counts", "/log"):
        assert told_of(hidden, eve.get(address).text, address), address
    counts = [eve.get("/api/v1/cases").json()["total"], len(eve.get("/api/v1/statements").json())]
    restrict(engine, seeded, hidden.case)
    assert walk(eve, engine, hidden) == {}
    after = [eve.get("/api/v1/cases").json()["total"], len(eve.get("/api/v1/statements").json())]
    assert after == [counts[0] - 1, counts[1] - 1]


def test_who_is_on_its_list_sees_it_as_before(
    engine: Engine, seeded: Seeded, hidden: Hidden, amira: Browser
) -> None:
    restrict(engine, seeded, hidden.case)
    assert WORD in amira.get("/queue").text
    page = amira.get("/cases/1")
    assert page.status_code == 200
    assert "Restricted" in page.text


def test_to_open_it_is_denied_as_if_it_were_not_there_and_logged(
    engine: Engine, seeded: Seeded, hidden: Hidden, eve: Browser
) -> None:
    restrict(engine, seeded, hidden.case)
    no_such = eve.get("/cases/999999")
    for address in ("/cases/1", f"/cases/{hidden.case}", "/api/v1/cases/1", "/claims/C-1"):
        assert eve.get(address).status_code == 404
    assert "There is no such case" in no_such.text
    assert "There is no such case" in eve.get("/cases/1").text
    for act in ("claim", "watch", "confirm", "dismiss", "export", "tie"):
        form = {"why": "because it is", "reason": "noise: nothing"}
        assert eve.fill_in(f"/cases/1/{act}", **form).status_code == 404
    assert eve.fill_in("/cases/2/join", other="1", why="same").status_code == 404
    with Session(engine) as session:
        denied = session.exec(select(LogEntry).where(LogEntry.what == "denied", LogEntry.who == "eve")).all()
        assert session.get_one(Case, hidden.case).status == "detected"
    assert {each.case_id for each in denied} == {hidden.case}
    assert len(denied) >= 11


def test_nobody_else_hears_of_it(
    engine: Engine, seeded: Seeded, hidden: Hidden, eve: Browser, amira: Browser
) -> None:
    restrict(engine, seeded, hidden.case)
    hers, theirs = Listening(amira), Listening(eve)
    for each in (hers, theirs):
        each.wait_for(lambda each=each: any(event in ("hello", "resync") for event, _ in each.heard))  # type: ignore[misc]
    other = seeded.cases[1].id
    with Session(engine) as session:
        tell_desk(session, "claimed", hidden.case)
        tell_desk(session, "watched", other)
        session.commit()
    last = ("case", {"kind": "watched", "case": str(other)})
    for each in (hers, theirs):
        each.wait_for(lambda each=each: last in each.heard)  # type: ignore[misc]
    assert ("case", {"kind": "claimed", "case": str(hidden.case)}) in hers.heard
    assert not any(told.get("case") == str(hidden.case) for _, told in theirs.heard)


def test_a_case_is_restricted_and_lifted_on_its_page(
    engine: Engine, seeded: Seeded, amira: Browser, tom: Browser
) -> None:
    answer = amira.fill_in(
        "/cases/2/restrict", reason="known_to_staff", why="a colleague is in it", people="eve?"
    )
    assert answer.status_code == 409
    answer = amira.fill_in("/cases/2/restrict", reason="live_operation", why="an operation is under way")
    assert "said=restricted" in answer.headers["location"]
    assert tom.get("/cases/2").status_code == 404
    assert (
        "said=restriction-changed"
        in amira.fill_in("/cases/2/restrict/people", name="tom").headers["location"]
    )
    assert tom.get("/cases/2").status_code == 200
    assert (
        "said=lift-asked"
        in amira.fill_in("/cases/2/restrict/lift", why="the operation is over").headers["location"]
    )
    assert amira.fill_in("/cases/2/restrict/answer", agreed="true").status_code == 409
    assert "Agree: lift it" in tom.get("/cases/2").text
    assert "said=lifted" in tom.fill_in("/cases/2/restrict/answer", agreed="true").headers["location"]


def test_who_knows_somebody_in_a_case_is_kept_from_it(
    engine: Engine, seeded: Seeded, hidden: Hidden, amira: Browser, tom: Browser
) -> None:
    assert tom.fill_in("/cases/1/tie").headers["location"] == "/queue?said=tied"
    page = tom.get("/cases/1")
    assert (page.status_code, "know somebody in this case" in page.text) == (403, True)
    assert tom.fill_in("/cases/1/claim").status_code == 403
    for address in ("/queue", "/search?q=GH-1", "/api/v1/cases", "/alerts", "/claims"):
        assert told_of(hidden, tom.get(address).text, address) == [], address
    assert "Tom B. knows somebody in this" in amira.get("/cases/1").text
    assert "Who knows somebody in a case" in amira.get("/shift").text
    with Session(engine) as session:
        tie = session.exec(select(Tie)).one().id
    assert tom.fill_in(f"/cases/1/tie/{tie}/withdraw", why="I was wrong about it").status_code == 403
    answer = amira.fill_in(f"/cases/1/tie/{tie}/withdraw", why="he was wrong about it")
    assert "said=tie-withdrawn" in answer.headers["location"]
    assert tom.get("/cases/1").status_code == 200
