"""Retention, legal holds and rights requests on the desk: what is shown, who may do what, what is refused."""

import json
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path

import pytest
from httpx import Response
from sqlalchemy import Engine
from sqlmodel import Session, select

from collector.records import PostKey
from collector.video.files import Files
from config.files import rules_all
from config.settings import HERE
from responders.retention.erasing import erase_for_rights
from responders.retention.running import Place, run_retention
from tests.browser.seed import PASSWORD, password_hash
from tests.conftest import LOG_KEY
from tests.make import make_case, make_person, make_post
from tests.served import Browser, serve
from triage.hold_records import Hold
from triage.policies import Policies
from triage.records import Case, Membership, Role, Routing
from triage.retention_records import DisposalCertificate
from triage.rights_records import RightsRequest
from triage.settings import WebSettings
from triage.web.app import desk

POLICY = rules_all(HERE / "policy" / "retention.toml")
NOW = datetime.now(UTC)
LINK = "https://news.example/quokka"
WHO = {"dps": Role.DPS_LIAISON, "steward": Role.DATA_STEWARD, "auditor": Role.AUDITOR, "triage": Role.TRIAGE}
Visit = Callable[[str], Browser]


@pytest.fixture
def case(engine: Engine) -> int:
    """A confirmed case with a post; an unflagged post that is due beside it."""
    with Session(engine, expire_on_commit=False) as session:
        one = make_case(status="confirmed")
        post = make_post("Seen by @another at the quokka", url=LINK, collected_at=NOW, author_key=b"a")
        old = make_post("Police", collected_at=NOW - timedelta(days=9))
        session.add_all([one, post, old])
        session.add_all(PostKey(id=each.id, collected_at=each.collected_at) for each in (post, old))
        session.add_all(
            make_person(username=name, name=name.title(), roles=[role], password_hash=password_hash())
            for name, role in WHO.items()
        )
        session.flush()
        session.add(Membership(post_id=post.id, case_id=one.id, how="opened", joined_at=NOW))
        at = NOW - timedelta(days=8)
        session.add(
            Routing(post_id=old.id, at=at, model="m", rule="r", outcome="drop", because="no rule fits")
        )
        session.commit()
        assert one.number
        return one.number


@pytest.fixture
def place(engine: Engine, tmp_path: Path) -> Place:
    files = Files(tmp_path / "media")
    return Place(engine, POLICY, tmp_path, files, timedelta(30), tmp_path / "vault", LOG_KEY, b"k")


@pytest.fixture
def visit(engine: Engine, case: int, place: Place) -> Iterator[Visit]:
    policies = Policies(retention=POLICY, permalink_key=b"k")
    opened: list[Browser] = []
    with serve(desk(engine, WebSettings(), policies=policies)) as address:

        def as_(name: str) -> Browser:
            browser = Browser(address)
            opened.append(browser.__enter__())
            assert browser.sign_in(name, PASSWORD).status_code == 303
            return browser

        yield as_
        for each in opened:
            each.__exit__(None, None, None)


def send(browser: Browser, path: str, form: dict[str, str]) -> Response:
    return browser.fill_in(path, **form)


def day(after: int) -> str:
    return (datetime.now(UTC) + timedelta(days=after)).date().isoformat()


def test_a_hold_is_set_signed_off_by_another_and_released(visit: Visit, case: int, engine: Engine) -> None:
    dps, steward = visit("dps"), visit("steward")
    asked = {
        "on": "case",
        "case": f"GH-{case}",
        "reason": "court",
        "why": "a claim was announced",
        "content": "true",
    }
    assert send(dps, "/holds", asked | {"expires": day(2_000)}).status_code == 409
    assert send(dps, "/holds", asked | {"expires": day(100), "why": "x"}).status_code == 409
    assert send(dps, "/holds", asked | {"expires": day(100)}).status_code == 303
    assert "waits for the data steward" in steward.get("/holds").text
    assert "1 post once signed off" in steward.get("/holds/1").text
    assert send(dps, "/holds/1/sign", {"agreed": "true"}).status_code == 403
    assert send(steward, "/holds/1/sign", {"agreed": "true"}).status_code == 303
    assert "1 post: 1 in use, 0 kept as a copy" in dps.get("/holds/1").text
    assert "H-1" in dps.get(f"/cases/{case}").text
    assert send(steward, "/holds/1/release", {"why": "no longer needed at all"}).status_code == 403
    assert send(dps, "/holds/1/review", {"why": "the claim goes on", "expires": day(200)}).status_code == 303
    assert send(dps, "/holds/1/release", {"why": "the claim was settled"}).status_code == 303
    assert "the claim was settled" in dps.get("/holds").text
    assert send(dps, "/holds/1/release", {"why": "once more please"}).status_code == 409
    with Session(engine) as session:
        assert session.exec(select(Hold)).one().ended_because == "the claim was settled"


def test_holds_on_a_post_and_on_days(visit: Visit) -> None:
    dps = visit("dps")
    told = {"reason": "iopc", "why": "the IOPC called for it", "expires": day(30)}
    assert send(dps, "/holds", told | {"on": "post", "link": LINK}).status_code == 303
    assert send(dps, "/holds", told | {"on": "post", "link": "https://news.example/none"}).status_code == 409
    assert send(dps, "/holds", told | {"on": "span", "since": day(-3), "until": day(1)}).status_code == 303
    assert send(dps, "/holds", told | {"on": "span", "since": day(1), "until": day(-3)}).status_code == 409
    assert dps.get("/holds").text.count("records") >= 2


def test_retention_shows_its_classes_and_each_certificate(visit: Visit, place: Place) -> None:
    steward, auditor = visit("steward"), visit("auditor")
    assert "Nothing has been disposed of yet" in steward.get("/retention").text
    run_retention(place, now=datetime.now(UTC))
    page = auditor.get("/retention").text
    assert all(each.title.replace("'", "&#39;") in page for each in POLICY.classes)
    assert "D-1" in page
    assert "72 hours" in auditor.get("/retention/certificates/1").text
    file = json.loads(auditor.get("/retention/certificates/1/file").text)
    assert (file["class_name"], file["items"], len(file["seal"])) == ("unflagged", 1, 64)
    assert auditor.get("/retention/certificates/7").status_code == 404
    assert visit("triage").get("/retention").status_code == 403


def test_a_right_is_asked_by_address_answered_with_a_package_and_erased(
    visit: Visit, place: Place, engine: Engine
) -> None:
    steward = visit("steward")
    asked = {"kind": "erasure", "reference": "IRN 12/26", "links": LINK, "received": day(-2)}
    assert send(steward, "/rights", asked | {"reference": "someone@example.org"}).status_code == 409
    assert send(steward, "/rights", asked | {"links": "@somebody"}).status_code == 409
    assert send(steward, "/rights", asked).status_code == 303
    page = steward.get("/rights/1").text
    assert "held in full" in page
    archive = zipfile.ZipFile(BytesIO(send(steward, "/rights/1/package", {}).content))
    post = json.loads(archive.read("post-1/post.json"))
    assert post["text"] == "Seen by [account] at the quokka"
    assert {each["field"] for each in json.loads(archive.read("manifest.json"))["redactions"]} >= {
        "text",
        "cases",
    }
    assert send(steward, "/rights/1/extend", {"because": "many posts to look through"}).status_code == 303
    assert (
        send(steward, "/rights/1/decide", {"outcome": "granted", "why": "no reason to keep it"}).status_code
        == 303
    )
    assert send(steward, "/rights/1/answered", {}).status_code == 409
    with Session(engine) as session:
        request = session.exec(select(RightsRequest)).one().id
    assert erase_for_rights(place, request, now=datetime.now(UTC)) == 1
    assert erase_for_rights(place, request, now=datetime.now(UTC)) == 0
    page = steward.get("/rights/1").text
    assert "a tombstone is left" in page
    assert "records of our decisions" in page
    assert send(steward, "/rights/1/answered", {}).status_code == 303
    with Session(engine) as session:
        assert session.exec(select(DisposalCertificate)).one().why == "granted in R-1"
        assert session.exec(select(Case)).one().status == "confirmed"


def test_pages_without_a_policy_say_so(engine: Engine, case: int) -> None:
    with serve(desk(engine, WebSettings())) as address, Browser(address) as browser:
        browser.sign_in("steward", PASSWORD)
        assert "was not read" in browser.get("/retention").text
        assert "Nothing is held" in browser.get("/holds").text
        assert "Nobody has asked yet" in browser.get("/rights").text
