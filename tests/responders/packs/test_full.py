"""The full copy: it adds up, every link leads somewhere, no handle is in it, and it is the same each time."""

import re
from datetime import date, datetime, time, timedelta
from html.parser import HTMLParser
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Engine, select
from sqlmodel import Session, col

from config.packs import templates_of
from config.settings import HERE, Settings
from responders.packs.full import Ground, full_pack
from responders.packs.saying import length, moment
from responders.packs.writing import Form, write
from responders.statements import draft
from responders.tactics import read_tactics
from tests.make import make_alert, make_assessment, make_case, make_person, make_post
from tests.responders.words import AWARE
from triage.chain import head_at, head_of
from triage.claim_records import KnownClaim
from triage.log import VIEWED, Line, note
from triage.records import AlertState, Case, Clock, Desk, Membership, Status
from triage.release_records import BwvDecision, ReleaseOutcome
from triage.review.agenda import list_for_review
from triage.review.definitions import read_definitions
from triage.review.figures import Period
from triage.review.figuring import figures_as_of
from triage.review.journal import count
from triage.review.meetings import LONDON, Meetings
from triage.review.sheets import read_sheet
from triage.track_records import Track

DEFINED = read_definitions(HERE / "review" / "figures.toml")
FORTNIGHT = Meetings(first_on=date(2026, 1, 14), at=time(10), every_days=14)
SINCE, UNTIL = datetime(2026, 7, 6, tzinfo=LONDON), datetime(2026, 7, 20, tzinfo=LONDON)


@pytest.fixture
def fortnight(session: Session, noon: datetime) -> Session:
    """Three cases: one listed and acknowledged in time, one listed and late, one dismissed as not ours."""
    who = make_person(name="Sam <b>Comms</b>")
    cases = [
        make_case(borough="Southwark", bcu="AS", place="Rye Lane", severity=2, post_count=2, source_count=1),
        make_case(borough="Croydon", bcu="SN", severity=3),
        make_case(severity=3, status=Status.NOT_OURS, dismissed_because="Manchester, not London"),
    ]
    session.add_all([who, *cases])
    session.flush()
    for case, stopped in zip(cases, (5, None, 20), strict=True):
        due_at = noon + timedelta(minutes=15)
        stopped_at = noon + timedelta(minutes=stopped) if stopped else None
        session.add(
            Clock(
                case_id=case.id, name="acknowledge", desk=Desk.COMMS, started_at=noon, due_at=due_at,
                stopped_at=stopped_at,
            )
        )  # fmt: skip
    session.add(
        make_alert(
            cases[0], state=AlertState.ACKNOWLEDGED, acknowledged_by=who.id,
            acknowledged_at=noon + timedelta(minutes=5),
        )
    )  # fmt: skip
    first = make_post(published_at=noon - timedelta(hours=1), platform="feed", url="https://news.example/1")
    handle = "https://social.example/@somebody/1"
    later = make_post(published_at=noon, platform="mastodon", url=handle)
    session.add_all([first, later])
    for post in (first, later):
        session.add(Membership(post_id=post.id, case_id=cases[0].id, how="near copy", joined_at=noon))
        because = "speaks of a tactic: tasered"
        signal = {"name": "tactic", "score": 0.8, "start": 0, "end": 7, "because": because}
        session.add(
            make_assessment(post, labels={"has_video": 0.9, "tactic:ced_fired": 0.9}, signals=[signal])
        )
    social = make_post(published_at=noon, platform="mastodon", url=handle)
    session.add(social)
    session.add(Membership(post_id=social.id, case_id=cases[1].id, how="alone", joined_at=noon))
    for case in cases[:2]:
        list_for_review(session, case.id, FORTNIGHT, now=noon)
        draft(session, case.id, [AWARE], now=noon + timedelta(minutes=3))
    session.commit()
    return session


def made(session: Session) -> str:
    ground = Ground(
        fields=read_sheet(HERE / "review" / "sheet.toml"),
        tactics=read_tactics(HERE / "review" / "tactics.toml"),
        desk_url="http://desk.example:8000/",
    )
    count(session, now=UNTIL)
    session.commit()
    figures = figures_as_of(session, Period(SINCE, UNTIL), DEFINED, at=UNTIL)
    document = full_pack(session, Period(SINCE, UNTIL), ground, figures)
    return write(document, Form.HTML, templates_of(Settings())).decode()


class Page(HTMLParser):
    """The ids, links and remote loads of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.loads: list[str] = []
        self.open: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.ids += [given["id"]] if given.get("id") else []  # type: ignore[list-item]
        self.links += [given["href"]] if tag == "a" else []  # type: ignore[list-item]
        self.loads += [tag] if "src" in given or tag in ("link", "script", "img", "iframe") else []
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, tag


def text_of(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<style>.*?</style>|<[^>]+>", " ", html, flags=re.DOTALL))


def test_the_pack_counts_what_is_there(fortnight: Session) -> None:
    told = text_of(made(fortnight))
    for each in (
        "3 Cases opened",
        "2 Cases open at the end",
        "Cases on the list: 2.",
        "1 of 3 (33.3%) Alerts acknowledged in time",
        "a biased sample",
        "Counted: GH-1 acknowledge Of, besides: GH-2 acknowledge; GH-3 acknowledge",
        "GH-1 Use of force, Southwark",
        "said to be Rye Lane, Southwark",
        "CED (Taser)",
        "has video (2); tactic: ced fired (2); in brackets of 2 posts",
        "from 1 source, by 2 authors",
        "Alerts delivered 0 of 1 (0.0%)",
        "We have been aware since",
        "hackney-herald",
    ):
        assert each in told, each


def test_the_pack_has_the_tracks_and_the_claims_of_a_case(fortnight: Session, noon: datetime) -> None:
    case = fortnight.scalars(select(Case).where(col(Case.number) == 1)).one()
    assert "<h3>Claims noted" not in made(fortnight)
    assert "<h3>Tracks" not in made(fortnight)
    track = Track(case_id=case.id, name="oversight", state="bwv_viewed", opened_at=noon, state_since=noon)
    claim = KnownClaim(
        case_id=case.id, text="<b>words of a post</b>", title="Said to be <i>old</i>", noted_at=noon, noted_by="sam",
        changed_at=noon,
    )  # fmt: skip
    fortnight.add_all([track, claim])
    fortnight.commit()
    told = text_of(made(fortnight))
    assert "oversight bwv viewed" in told
    assert f"C-{claim.number} Said to be &lt;i&gt;old&lt;/i&gt; unverified" in told
    assert "words of a post" not in told


def test_every_refused_release_is_in_the_pack_with_its_reason_and_the_time_it_took(
    fortnight: Session, noon: datetime
) -> None:
    case = fortnight.scalars(select(Case).order_by(col(Case.number))).first()
    assert case is not None
    said: dict[str, Any] = {
        "first": "ann",
        "first_role": "approver",
        "necessity": "x",
        "proportionality": "x",
        "policy": "bwv-2026",
    }
    for outcome, reason, at in (
        ("do_not_release", "Data protection", noon),
        ("release", None, noon + timedelta(hours=1)),
        ("do_not_release", "Before this fortnight", noon - timedelta(days=60)),
    ):
        fortnight.add(
            BwvDecision(
                case_id=case.id, policy_title="2026", outcome=ReleaseOutcome(outcome), reason_says=reason,
                why="Bystanders are in it", lawful_basis="None for bystanders" if reason else None,
                asked_at=at - timedelta(hours=26), entered_at=at, decided_at=at, **said,
            )
        )  # fmt: skip
    decision = fortnight.scalars(select(BwvDecision).where(col(BwvDecision.outcome) == "release")).one()
    decision.answers = [
        {"name": "trust", "side": "for", "asks": "Is it needed?", "words": "A false clip goes round"}
    ]
    decision.told = [{"name": "family", "says": "Family", "at": noon.isoformat(), "why": None}]
    decision.redactions = ["Faces of bystanders"]
    fortnight.commit()
    told = text_of(made(fortnight))
    front, _, sheet = told.partition("Body-worn video: release")
    for weighed in (
        "For: Is it needed? A false clip goes round",
        "Hidden Faces of bystanders",
        f"Family told {moment(noon)}",
    ):
        assert weighed in sheet
    assert "Data protection. Lawful basis: None for bystanders Bystanders are in it" in front
    assert "1 d 2 h" in front
    assert "Before this fortnight" not in front
    assert "release Bystanders are in it" in sheet


def test_every_link_inside_the_pack_leads_somewhere_and_nothing_is_loaded(fortnight: Session) -> None:
    page = Page(made(fortnight))
    inside = [link[1:] for link in page.links if link.startswith("#")]
    assert len(inside) > 10
    assert set(inside) <= set(page.ids)
    assert [each for each in page.ids if page.ids.count(each) > 1] == []
    assert page.loads == []
    assert page.open == []


def test_no_handle_is_in_the_pack(fortnight: Session) -> None:
    html = made(fortnight)
    assert "somebody" not in html
    assert "https://news.example/1" in html
    assert re.search(r'href="http://desk.example:8000/cases/2#post-[0-9a-f-]{36}"', html)


def test_names_and_reasons_are_text_and_never_markup(fortnight: Session) -> None:
    html = made(fortnight)
    assert "Sam &lt;b&gt;Comms&lt;/b&gt;" in html
    assert "<b>" not in html


def test_the_same_records_give_the_same_bytes(fortnight: Session, engine: Engine) -> None:
    first = made(fortnight)
    with Session(engine) as another:
        assert made(another) == first


def test_who_signs_in_or_reads_a_case_later_leaves_the_pack_as_it_was(
    fortnight: Session, noon: datetime
) -> None:
    first = made(fortnight)
    case = fortnight.scalars(select(Case).where(col(Case.number) == 1)).one()
    quiet = [Line("signed in"), Line(VIEWED, case.id)]
    note(fortnight, quiet, who="sam", now=UNTIL)
    fortnight.commit()
    assert made(fortnight) == first
    said = head_at(fortnight, head_of(fortnight).entries - len(quiet))[0]
    assert f"up to its entry {said.entries:,}, of 20 Jul 2026, 00:00; its head there was {said}" in text_of(
        first
    )
    note(fortnight, [Line("note added", case.id, "Seen by a neighbour")], who="sam", now=UNTIL)
    fortnight.commit()
    assert f"its head there was {head_of(fortnight)}" in text_of(made(fortnight))


def test_an_empty_period_makes_a_pack_that_says_so(session: Session) -> None:
    told = text_of(made(session))
    assert "No case was put on the list" in told
    assert "Alerts acknowledged in time 0 of 0" in told
    assert "Nothing was entered or corrected behind the pack" in told


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(0, "0 s"), (59, "59 s"), (60, "1 min"), (3725, "1 h 2 min"), (90_000, "1 d 1 h"), (86_460, "1 d")],
)
def test_lengths_are_said_in_two_units(seconds: int, told: str) -> None:
    assert length(timedelta(seconds=seconds)) == told


def test_a_period_ends_before_its_last_midnight(fortnight: Session) -> None:
    late = make_case(opened_at=UNTIL.astimezone(ZoneInfo("UTC")), title="Just too late")
    fortnight.add(late)
    fortnight.commit()
    assert "Just too late" not in made(fortnight)
