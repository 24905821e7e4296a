"""Growth is counted by the minute as posts are routed, measured by a tick, and said at most a few times."""

import hashlib
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import Session, select

from collector.records import Post, PostKey, Sighting
from tests.make import LIFECYCLE, NOON, make_assessment, make_case, make_person, make_post, make_source
from triage import actions, regroup
from triage.coordinated import LINK, WORDS, Shown, burst, largest
from triage.growth import forget_paces
from triage.growth_records import Growth, Spread, StreamPace
from triage.growth_rules import GrowthRules, GrowthRulesError, read_growth_rules
from triage.memory import Memory
from triage.pace import Pace, Usual, against_itself, against_the_hour, same_hours, spikes
from triage.paces import paces_of
from triage.records import Alert, AlertState, Case, Desk, LogEntry, Membership, Severity
from triage.route import route
from triage.rules import Rules, read_rules
from triage.settings import TriageSettings
from triage.spreading import due_cases, measure
from triage.voices import NOBODY, REGISTERS, count, heard

CONFIG = Path(__file__).resolve().parents[2] / "config"
RULES = read_growth_rules(CONFIG / "growth.toml")
SAID = "Three officers held a man face down outside the bakery on Rye Lane in Peckham this evening"
MINUTE = timedelta(minutes=1)


@pytest.fixture(scope="module")
def rules() -> Rules:
    return read_rules(CONFIG / "rules.toml")


@pytest.fixture
def memory() -> Memory:
    return Memory.of(CONFIG / "matching" / "rarity.bin", TriageSettings())


def come(
    session: Session,
    rules: Rules,
    memory: Memory,
    number: int,
    *,
    at: datetime,
    said: str = SAID,
    accounts: int | None = None,
    source: str = "stream",
    now: datetime | None = None,
    severity: float = 0.3,
) -> None:
    """That many posts within ten seconds of a moment, each from its own account or from few, all routed."""
    posts = [
        make_post(
            f"{said} {'😡' * (nth % 4)}",
            source=source,
            platform="bluesky",
            published_at=at + timedelta(seconds=10 * nth / number),
            author_key=digest(nth % (accounts or number)),
        )
        for nth in range(number)
    ]
    session.add_all(posts)
    session.add_all([PostKey(id=post.id, collected_at=post.collected_at) for post in posts])
    session.add_all([make_assessment(post, severity=severity) for post in posts])
    session.flush()
    route(session, [post.id for post in posts], rules, memory, LIFECYCLE, now=now or at + MINUTE)
    session.commit()


def about(number: int) -> object:
    """Voices are counted nearly right: two may look like one."""
    return pytest.approx(number, abs=1)


def digest(number: int) -> bytes:
    return hashlib.sha256(str(number).encode()).digest()[:16]


def only_case(session: Session) -> Case:
    session.expire_all()
    return session.exec(select(Case)).one()


def spread_of(session: Session) -> Spread:
    session.expire_all()
    return session.exec(select(Spread)).one()


def measured(session: Session, *, now: datetime) -> int:
    """How many growth updates a tick raised."""
    raised = 0
    for case in due_cases(session, RULES, now=now):
        raised += measure(session, case, RULES, LIFECYCLE, now=now)
        session.commit()
    return raised


def updates(session: Session) -> list[str | None]:
    session.expire_all()
    told = select(Alert).where(Alert.growth > 0).order_by(Alert.growth)  # type: ignore[arg-type]
    return [alert.says for alert in session.exec(told)]


# --- what is counted ----------------------------------------------------------------------------------------


def test_posts_are_counted_by_the_minute_with_where_they_came_from(
    session: Session, rules: Rules, memory: Memory
) -> None:
    come(session, rules, memory, 4, at=NOON, accounts=2)
    come(session, rules, memory, 3, at=NOON + 2 * MINUTE, source="hackney-herald")
    rows = session.exec(select(Growth).order_by(Growth.at)).all()  # type: ignore[arg-type]
    assert [(row.at, row.posts, row.sources) for row in rows] == [
        (NOON, 4, ["stream"]),
        (NOON + 2 * MINUTE, 3, ["hackney-herald"]),
    ]
    spread = spread_of(session)
    assert spread.platforms == ["bluesky"]
    assert sum(row.voices for row in rows) == spread.accounts == about(3)
    assert sum(each.posts for each in session.exec(select(StreamPace))) == 7


def test_a_post_routed_twice_is_counted_once(session: Session, rules: Rules, memory: Memory) -> None:
    come(session, rules, memory, 3, at=NOON)
    posts = list(session.exec(select(Post.id)))
    route(session, posts, rules, memory, LIFECYCLE, now=NOON + MINUTE)
    session.commit()
    assert session.exec(select(Growth)).one().posts == 3
    assert session.exec(select(StreamPace)).one().posts == 3


def test_nothing_of_an_account_is_kept_but_a_count(session: Session, rules: Rules, memory: Memory) -> None:
    come(session, rules, memory, 5, at=NOON)
    spread = spread_of(session)
    assert len(spread.voices) == REGISTERS
    assert not any(digest(number) in spread.voices for number in range(5))


def test_what_claims_to_be_from_the_future_came_now(session: Session, rules: Rules, memory: Memory) -> None:
    come(session, rules, memory, 2, at=NOON + timedelta(days=3), now=NOON)
    assert session.exec(select(Growth)).one().at == NOON


def test_a_split_counts_both_cases_anew(session: Session, rules: Rules, memory: Memory) -> None:
    come(session, rules, memory, 6, at=NOON)
    case, who = only_case(session), make_person()
    session.add(who)
    chosen = list(session.exec(select(Membership.post_id)))[:2]
    new = regroup.split(session, case.id, chosen, who=who, why="another", now=NOON + MINUTE)
    session.commit()
    counted = dict(session.exec(select(Growth.case_id, Growth.posts)).all())
    assert counted == {case.id: 4, new.id: 2}
    assert session.get_one(Spread, new.id).accounts == about(2)


@given(st.sets(st.integers(0, 10**9), max_size=300))
def test_voices_are_counted_nearly_right_and_each_once(numbers: set[int]) -> None:
    voices = [digest(number) for number in numbers]
    registers = heard(NOBODY, voices)
    assert heard(registers, voices) == registers
    assert abs(count(registers) - len(voices)) <= max(2, 0.2 * len(voices))


def test_many_voices_are_counted_within_a_tenth() -> None:
    registers = heard(NOBODY, (digest(number) for number in range(20_000)))
    assert count(registers) == pytest.approx(20_000, rel=0.1)


# --- pace and spike -----------------------------------------------------------------------------------------


HOURS = timedelta(hours=1)


@pytest.mark.parametrize(
    ("pace", "spike"),
    [
        (Pace(now=19, before=6, looked_back=6 * HOURS), False),  # too few, however much faster
        (Pace(now=40, before=36, looked_back=6 * HOURS), True),  # forty times its own one in ten minutes
        (Pace(now=40, before=720, looked_back=6 * HOURS), False),  # only twice its own twenty
        (Pace(now=40, before=9, looked_back=5 * MINUTE), False),  # too young to compare, and not that many
        (Pace(now=50, before=9, looked_back=5 * MINUTE), True),
        (
            Pace(40, 216, 6 * HOURS, others=900, usual=Usual(100, 4)),
            False,
        ),  # everything is nine times as much
        (Pace(40, 216, 6 * HOURS, others=900, usual=Usual(100, 1)), True),  # one week is no baseline
        (Pace(400, 36, 6 * HOURS, others=900, usual=Usual(100, 4)), True),
    ],
)
def test_a_spike_is_faster_than_the_case_was_and_than_the_stream_grew(pace: Pace, spike: bool) -> None:
    assert spikes(pace, RULES.spike) is spike


def test_a_pace_is_said_with_what_it_is_compared_with() -> None:
    pace = Pace(now=40, before=36, looked_back=6 * HOURS, others=320, usual=Usual(100, 3))
    assert against_itself(pace) == (
        "Over the 6 hours before, there were about 1 in ten minutes, now 40 times as many."
    )
    assert against_the_hour(pace, NOON) == (
        "All other posts: 320 in the last ten minutes, usually about 100 at this hour "
        "(Tuesday, 13:00, mean of 3 weeks)."
    )
    young = Pace(now=4, looked_back=5 * MINUTE)
    assert "too young to compare: it was first told of 15 minutes ago" in against_itself(young)
    assert "not known yet: no week of it is on record" in against_the_hour(young, NOON)
    assert "none in the 2 hours before" in against_itself(Pace(3, 0, 2 * HOURS))


def test_the_same_hour_is_londons_also_when_the_clocks_change() -> None:
    winter = datetime.fromisoformat("2026-10-27T13:20:00+00:00")  # two days after summer time ended
    week_before = same_hours(winter)[0]
    assert week_before.isoformat() == "2026-10-20T13:00:00+01:00"


def test_paces_come_from_the_ledger(session: Session, rules: Rules, memory: Memory) -> None:
    come(session, rules, memory, 3, at=NOON)
    come(session, rules, memory, 5, at=NOON + 58 * MINUTE)
    for week in (1, 2):
        session.add(StreamPace(at=NOON - timedelta(weeks=week), posts=60 * week))
    session.commit()
    case, now = only_case(session).id, NOON + 59 * MINUTE
    pace = paces_of(session, [case], now=now)[case]
    assert (pace.now, pace.before, pace.looked_back) == (5, 3, 49 * MINUTE)
    assert pace.usual == Usual(15.0, 2)  # 60 and 120 in an hour


def test_the_old_pace_of_the_stream_is_let_go(session: Session) -> None:
    for days in (1, 59, 61):
        session.add(StreamPace(at=NOON - timedelta(days=days), posts=1))
    session.flush()
    forget_paces(session, now=NOON)
    assert len(session.exec(select(StreamPace)).all()) == 2


# --- what is said -------------------------------------------------------------------------------------------


def test_a_case_that_spikes_is_told_once_by_an_alert_of_its_own(
    session: Session, rules: Rules, memory: Memory
) -> None:
    come(session, rules, memory, 2, at=NOON)
    assert measured(session, now=NOON + MINUTE) == 0
    come(session, rules, memory, 60, at=NOON + 50 * MINUTE)
    assert measured(session, now=NOON + 51 * MINUTE) == 1
    assert measured(session, now=NOON + 52 * MINUTE) == 0
    assert updates(session) == ["60 posts in ten minutes"]
    alert = session.exec(select(Alert).where(Alert.growth == 1)).one()
    assert (alert.desk, alert.state, alert.rule) == (Desk.COMMS, AlertState.OPEN, "growth")
    assert "growth update" in [line.what for line in session.exec(select(LogEntry))]
    assert len(session.exec(select(Alert).where(Alert.growth == 0)).all()) == 1


def test_a_flood_is_told_at_most_three_times_and_the_next_flood_anew(
    session: Session, rules: Rules, memory: Memory
) -> None:
    come(session, rules, memory, 2, at=NOON)
    at, told = NOON, 0
    for number in (50, 50, 500, 60, 70, 600):
        at += 11 * MINUTE
        spread = session.exec(select(Spread)).one()
        spread.told_pace = 1  # as if each were ten times the one before
        session.commit()
        come(session, rules, memory, number, at=at)
        told += measured(session, now=at + MINUTE)
    assert told == len(updates(session)) == 3
    at += timedelta(hours=7)
    assert measured(session, now=at) == 0
    come(session, rules, memory, 90, at=at + timedelta(hours=1))
    assert measured(session, now=at + timedelta(hours=1, minutes=1)) == 1
    assert len(updates(session)) == 4


def test_what_comes_too_soon_waits_and_is_said_together(
    session: Session, rules: Rules, memory: Memory
) -> None:
    session.add(make_source("hackney-herald"))
    come(session, rules, memory, 60, at=NOON)
    assert measured(session, now=NOON + MINUTE) == 1
    come(session, rules, memory, 1, at=NOON + 2 * MINUTE, source="hackney-herald")
    assert measured(session, now=NOON + 3 * MINUTE) == 0
    assert spread_of(session).waiting == ["picked up by hackney-herald"]
    assert measured(session, now=NOON + 12 * MINUTE) == 1
    assert updates(session)[-1] == "picked up by hackney-herald"
    closed = session.exec(select(Alert).where(Alert.growth == 1)).one()
    assert closed.state == AlertState.CLOSED


def test_a_case_that_began_in_the_news_is_not_picked_up_by_it(
    session: Session, rules: Rules, memory: Memory
) -> None:
    session.add(make_source("hackney-herald"))
    come(session, rules, memory, 1, at=NOON, source="hackney-herald")
    assert measured(session, now=NOON + MINUTE) == 0
    [pick_up] = spread_of(session).pick_ups
    assert (pick_up["name"], pick_up["first"]) == ("hackney-herald", True)


def test_the_forces_own_news_is_no_pick_up(session: Session, rules: Rules, memory: Memory) -> None:
    session.add(make_source("met-police-news"))
    come(session, rules, memory, 1, at=NOON)
    come(session, rules, memory, 1, at=NOON + MINUTE, source="met-police-news")
    assert measured(session, now=NOON + 2 * MINUTE) == 0
    assert spread_of(session).pick_ups == []


def test_a_much_seen_post_is_told_and_weighs(session: Session, rules: Rules, memory: Memory) -> None:
    come(session, rules, memory, 2, at=NOON)
    case = only_case(session)
    before = case.severity_parts.get("reach", 0)
    [first, second] = session.exec(select(Post.id).order_by(Post.published_at)).all()  # type: ignore[arg-type]
    for post, views in ((first, 700), (first, 120_000), (second, 40)):
        session.add(Sighting(seen_at=NOON, post_id=post, source="stream", reach={"views": views}))
    session.commit()
    assert measured(session, now=NOON + MINUTE) == 1
    spread = spread_of(session)
    assert (spread.views, spread.viewed) == (120_040, 2)
    assert updates(session) == ["a much-seen post on bluesky"]
    assert spread.pick_ups[0]["views"] == 120_000
    assert only_case(session).severity_parts["reach"] == before + 3
    assert measured(session, now=NOON + 20 * MINUTE) == 0  # the same post is not told again


def test_reach_makes_a_case_graver_and_its_desk_looks_again(
    session: Session, rules: Rules, memory: Memory
) -> None:
    come(session, rules, memory, 2, at=NOON)
    case, who = only_case(session), make_person()
    case.severity_parts = {**case.severity_parts, "harm": 3.0, "conduct": 1.0}
    session.add(who)
    actions.acknowledge(session, case.id, who=who, desk=Desk.COMMS, now=NOON)
    post = session.exec(select(Post.id)).all()[0]
    session.add(Sighting(seen_at=NOON, post_id=post, source="stream", reach={"views": 2_000_000}))
    session.commit()
    measured(session, now=NOON + MINUTE)
    assert only_case(session).severity == Severity.SEV2
    first = session.exec(select(Alert).where(Alert.growth == 0)).one()
    assert first.state == AlertState.OPEN
    assert "severity raised" in [line.what for line in session.exec(select(LogEntry))]


def test_one_answer_is_for_all_that_waits(session: Session, rules: Rules, memory: Memory) -> None:
    come(session, rules, memory, 60, at=NOON)
    measured(session, now=NOON + MINUTE)
    case, who = only_case(session), make_person()
    session.add(who)
    actions.acknowledge(session, case.id, who=who, desk=Desk.COMMS, now=NOON + MINUTE)
    session.commit()
    assert {alert.state for alert in session.exec(select(Alert))} == {AlertState.ACKNOWLEDGED}


def test_a_case_without_a_ledger_is_counted_from_its_posts(session: Session) -> None:
    case = make_case()
    posts = [make_post(f"{SAID} {nth}", author_key=digest(nth)) for nth in range(3)]
    session.add_all([case, *posts])
    session.flush()
    session.add_all(
        [Membership(post_id=each.id, case_id=case.id, how="new", joined_at=NOON) for each in posts]
    )
    session.commit()
    assert measured(session, now=NOON + MINUTE) == 0
    assert session.exec(select(Growth)).one().posts == 3
    assert spread_of(session).accounts == about(3)


def test_a_dismissed_case_is_left_in_peace(session: Session, rules: Rules, memory: Memory) -> None:
    come(session, rules, memory, 60, at=NOON)
    case = only_case(session)
    case.status = "noise"  # type: ignore[assignment]
    session.commit()
    assert due_cases(session, RULES, now=NOON + MINUTE) == []


# --- what looks coordinated ---------------------------------------------------------------------------------


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


# --- the file -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("was", "written", "said"),
    [
        ("most = 3", "most = 30", "updates.most"),
        ("times = 3 ", "times = 0 ", "spike.times"),
        ("views = [1000, 10000, 100000, 1000000]", "views = [1000, 100, 10, 1]", "reach.views: four numbers"),
        ('apart = "10m"', 'apart = "soon"', "updates.apart: write a length of time"),
        ("[reach]", "[reech]", "reech"),
    ],
)
def test_wrong_thresholds_are_refused_with_file_key_and_reason(
    tmp_path: Path, was: str, written: str, said: str
) -> None:
    text = (CONFIG / "growth.toml").read_text(encoding="utf-8")
    assert was in text
    wrong = tmp_path / "growth.toml"
    wrong.write_text(text.replace(was, written, 1), encoding="utf-8")
    with pytest.raises(GrowthRulesError, match=r"growth\.toml: ") as refused:
        read_growth_rules(wrong)
    assert said in str(refused.value) or "reach" in str(refused.value)


def test_the_shipped_thresholds_allow_three_updates() -> None:
    assert isinstance(RULES, GrowthRules)
    assert RULES.updates.most == 3
