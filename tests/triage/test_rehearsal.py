"""A rehearsal does what routing did, to the alert; and says what changed rules or another model would have changed."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session, col, select

from classifier.assess import abstained
from classifier.model import Assessed
from classifier.records import Force, IncidentType
from collector.records import Post
from config.postgres import Cluster
from tests.make import NOON
from tests.served import fresh_database
from tests.triage.test_routing import arrive, new_memory, routed
from triage.matching import How
from triage.records import Alert, Case, LogEntry, Membership, Routing
from triage.rehearsal import Span, Stage, only_read, read_past, route_again
from triage.rehearsal_report import Rehearsed, as_kept, read_kept
from triage.rehearse import Rehearsal, rehearse
from triage.rules import Rules, digest_of, parse_rules

RULES = (Path(__file__).resolve().parents[2] / "config" / "rules.toml").read_text(encoding="utf-8")
SPAN = Span(NOON - timedelta(days=20), NOON - timedelta(days=1), NOON + timedelta(days=30))
NOTHING: dict[str, Any] = {"incident": 0.01, "incident_any": 0.02, "type": IncidentType.NONE, "severity": 0.0}
UNSURE: dict[str, Any] = {
    "incident": 0.3,
    "incident_any": 0.4,
    "type": IncidentType.STOP_SEARCH,
    "severity": 0.1,
}
TRIGGER = {"name": "trigger", "score": 1.0, "because": "critical whatever the score: unconscious"}
HAPPENED = (
    "Two officers knocked a cyclist over by the library on Rye Lane",
    "A schoolboy was handcuffed outside the chicken shop in Edmonton Green",
    "Police car hit a parked van while chasing a moped through Leyton",
    "Woman pinned against the shutters of a nail salon in Catford",
    "Dog unit let go of its dog on Clapham Common and it bit a jogger",
    "Man with a walking stick got sprayed in the face at Croydon tram depot",
    "Teenage girls searched behind the ice rink in Streatham by male officers",
    "Courier thrown off his scooter by constables near Wembley stadium",
    "Baton used on a busker at the bandstand in Hyde Park",
    "Grandmother arrested in her slippers at dawn in Bermondsey",
    "Taser pointed at a barber through his own window in Tooting",
    "Football fans penned in beneath the arches at Fulham for hours",
)
WONDERED = (
    "Was that a stop and search near the mosque just now",
    "Anyone know why vans stand around the aquarium",
    "Blue lights again by our allotment, somebody being questioned",
    "They were checking rucksacks outside the cinema I think",
    "Saw a lad talking to uniforms at the skate bowl",
    "Helicopter over the reservoir, are they looking for someone",
    "Something with sirens and the florist, no idea",
    "Is the dual carriageway shut because of a pull over",
    "Heard shouting from the canal lock and radios crackling",
    "Neighbour says his garage was looked through last night",
    "Half the market is taped off, does anybody know more",
    "They were asking everyone for names at the pier",
)


def rules(*edits: tuple[str, str]) -> Rules:
    """The shipped rules, with some words replaced."""
    words = RULES
    for old, new in edits:
        assert words.count(old) >= 1, old
        words = words.replace(old, new)
    return parse_rules(words, "rules.toml")


_MAYBE = 'because = "an encounter cannot be ruled out"\nincident_any = 0.25\noutcome = '
_FORCE = 'types = ["use_of_force", "pursuit_collision", "stop_search"]\nincident = 0.5\noutcome = "raise"'
LOWER = rules((_MAYBE + '"list"', _MAYBE + '"raise"'))
HIGHER = rules((_FORCE, _FORCE.replace("0.5", "0.95")))


def happen(session: Session, hours: int = len(HAPPENED)) -> list[Post]:
    """Some days as they were really routed: reports, copies, graver news, doubts, noise, another country's police."""
    memory, posts = new_memory(), []
    for hour, said in enumerate(HAPPENED[:hours]):
        batch = [
            arrive(session, said, severity=0.4, post={"source": f"source-{hour % 3}"}),
            arrive(session, f"RT {said} look at this", severity=0.4),
            arrive(session, WONDERED[hour], **UNSURE),
            arrive(session, f"Lovely evening for a walk, number {hour}", **NOTHING),
            arrive(session, f"Officers in Ohio were at it again, number {hour}", force=Force.OVERSEAS),
        ]
        if hour % 4 == 0:
            batch.append(arrive(session, f"{said}, he is unconscious", signals=[TRIGGER], severity=0.9))
        if hour % 5 == 1:  # one that would be a case of its own, were it not for what it quotes
            quoted = {"quote_of": batch[0].external_id}
            batch.append(arrive(session, f"No wonder trust in the police is at {hour} percent", post=quoted))
        for minute, post in enumerate(batch):
            post.published_at = NOON + timedelta(hours=7 * hour, minutes=minute)
        routed(session, rules(), memory, *batch, now=NOON + timedelta(hours=7 * hour + 1))
        posts += batch
    return posts


@pytest.fixture(scope="module")
def past(cluster: Cluster) -> Iterator[Engine]:
    """A history that tests only look at."""
    with fresh_database(cluster) as engine:
        with Session(engine) as session:
            happen(session)
        yield engine


@pytest.fixture
def session(past: Engine) -> Iterator[Session]:
    with Session(past, expire_on_commit=False) as opened:
        yield opened


@pytest.fixture
def month(session: Session) -> list[Post]:
    return list(session.exec(select(Post)))


@pytest.fixture
def own(engine: Engine) -> Iterator[Session]:
    """A shorter history of this test's own."""
    with Session(engine) as opened:
        happen(opened, 4)
        yield opened


def tried(session: Session, changed: Rules | None = None, **given: Any) -> Rehearsed:
    session.commit()
    seen: list[int] = []
    found = rehearse(
        session, Rehearsal(changed or rules(), rules(), new_memory, **given), SPAN, step=seen.append
    )
    session.rollback()
    assert sum(seen) >= found.posts
    return found


def test_with_nothing_changed_a_rehearsal_is_what_happened_to_the_alert(
    session: Session, month: list[Post]
) -> None:
    session.commit()
    stage, made = Stage(rules(), new_memory()), {}
    only_read(session)
    route_again(read_past(session, SPAN), [stage], lambda past, placed: made.update({past.id: placed[0]}))
    session.rollback()
    routings = session.exec(select(Routing)).all()
    assert {each.post_id: (each.rule, each.outcome) for each in routings} == {
        post: (placed.rule, placed.outcome) for post, placed in made.items()
    }
    assert _together({post: placed.case for post, placed in made.items()}) == _together(
        {each.post_id: each.case_id for each in routings}
    )
    assert session.exec(select(Membership).where(Membership.how == How.QUOTE)).all(), "quotes have joined"
    lines = session.exec(select(LogEntry).where(LogEntry.what == "alert raised")).all()
    assert len(lines) > 12
    assert Counter((each.detail["desk"], each.detail["rule"], each.at) for each in lines) == Counter(
        (each.desk, each.rule, each.at) for each in stage.told
    )


def _together(cases: dict[Any, Any]) -> set[frozenset[Any]]:
    """The posts of each case, whatever the case is called."""
    return {
        frozenset(post for post, each in cases.items() if each == case)
        for case in set(cases.values()) - {None}
    }


def test_with_nothing_changed_nothing_is_gained_or_lost(session: Session, month: list[Post]) -> None:
    found = tried(session)
    alerts = len(session.exec(select(Alert)).all())
    assert (found.total.really, found.total.then, found.total.kept) == (alerts, alerts, alerts)
    assert (found.total.gained, found.total.lost, found.missed_anyway, found.more_anyway) == (0, 0, 0, 0)
    assert (found.moved_posts, found.moved_anyway, found.gone, found.unknowable) == (0, 0, 0, 0)
    assert (found.shift.earlier, found.shift.later) == (0, 0)
    assert found.outcomes_then == found.outcomes_really
    assert found.load_then == found.load_really
    assert found.posts == len(month)
    assert found.same


def test_a_lower_line_gains_alerts_and_names_the_posts(session: Session, month: list[Post]) -> None:
    found = tried(session, LOWER)
    unsure = {post.id for post in month if post.text in WONDERED}
    assert found.total.lost == 0
    assert found.total.gained == len(found.gained) > 0
    assert {each.rule for each in found.gained} == {"maybe"}
    assert {each.desk for each in found.gained} == {"comms"}
    assert all(each.number for each in found.gained)  # they are on the queue already, untold
    assert all(set(each.posts) & unsure for each in found.gained)
    assert found.by_rule["maybe"].gained == found.desks["comms"].gained == found.total.gained
    assert found.load_then.alerts == found.load_really.alerts + found.total.gained
    assert found.outcomes_then["raise"] > found.outcomes_really["raise"]


def test_a_higher_line_loses_alerts_and_names_the_cases(session: Session, month: list[Post]) -> None:
    found = tried(session, HIGHER)
    assert found.total.gained == 0
    assert found.total.lost == len(found.lost) > 0
    numbers = set(session.scalars(select(col(Case.number))))
    assert {each.number for each in found.lost} <= numbers
    assert {each.rule for each in found.lost} == {"force"}
    assert found.total.kept + found.total.lost == found.total.really
    assert found.moved_posts == sum(each.posts for each in found.moved) > 0
    assert {each.really for each in found.moved} == {"force"}


def test_a_case_told_later_under_the_changed_rules_is_kept_and_counted_as_later(own: Session) -> None:
    memory = new_memory()
    said = "Man dragged off the night bus by four officers at Camden Road station, people filming it"
    for minute, incident in ((0, 0.6), (30, 0.99)):
        post = arrive(own, f"{said} {'!' * minute}", incident=incident, severity=0.4)
        routed(own, rules(), memory, post, now=NOON + timedelta(days=9, minutes=minute))
    found = tried(own, HIGHER)
    assert (found.shift.later, found.shift.median_s) == (1, 1800.0)


def test_what_is_no_longer_kept_is_counted_and_not_guessed(own: Session) -> None:
    case = own.exec(select(Case).order_by(col(Case.number))).first()
    assert case is not None
    gone = own.scalars(select(col(Routing.post_id)).where(Routing.case_id == case.id)).all()
    own.execute(
        text("UPDATE posts SET text = '', withdrawn_at = :now WHERE id = ANY(:ids)"),
        {"now": NOON + timedelta(days=20), "ids": list(gone)},
    )
    found = tried(own)
    assert found.gone == len(gone)
    assert found.unknowable == len(own.exec(select(Alert).where(Alert.case_id == case.id)).all())
    assert (found.total.lost, found.missed_anyway) == (0, 0)


def test_differences_the_rules_in_force_make_too_are_told_apart(own: Session) -> None:
    """As when people took part in what happened, which nobody does again."""
    line = own.exec(select(Alert)).first()
    assert line is not None
    own.execute(text("UPDATE routings SET rule = 'by-hand', outcome = 'drop' WHERE rule = 'abroad'"))
    own.execute(text("DELETE FROM memberships WHERE case_id = :case"), {"case": line.case_id})
    found = tried(own, LOWER)
    assert found.moved_anyway == 4
    assert found.total.lost == 0
    assert (found.more_anyway > 0, found.unknowable > 0) == (True, True)


class Doubting:
    """A model that sees an encounter nowhere, and counts how much it was given at once."""

    version = "doubting-1"

    def __init__(self) -> None:
        self.given: list[int] = []

    def assess(self, texts: Sequence[str]) -> list[Assessed]:
        self.given.append(len(texts))
        return [abstained(self.version) for _ in texts]


def test_another_model_reads_all_of_it_again_and_what_it_loses_is_named(
    session: Session, month: list[Post]
) -> None:
    model = Doubting()
    found = tried(session, model=model)
    assert sum(model.given) == len(month)
    assert found.model == "doubting-1"
    assert (found.total.lost, found.total.kept) == (found.total.really, 0)
    assert found.outcomes_then["raise"] == 0


def test_only_the_time_asked_for_counts_but_its_history_is_there(session: Session, month: list[Post]) -> None:
    session.commit()
    later = Span(SPAN.begin, NOON + timedelta(hours=60), SPAN.until)
    found = rehearse(session, Rehearsal(rules(), rules(), new_memory), later, step=lambda _: None)
    session.rollback()
    assert 0 < found.posts < len(month)
    assert (found.total.then, found.more_anyway) == (found.total.really, 0)


def test_a_rehearsal_cannot_write(session: Session, month: list[Post]) -> None:
    session.commit()
    only_read(session)
    with pytest.raises(DBAPIError, match="read-only"):
        session.execute(text("DELETE FROM routings"))


def test_what_was_found_is_kept_with_a_proposal_and_read_again(session: Session, month: list[Post]) -> None:
    found = tried(session, HIGHER)
    assert read_kept(as_kept(found)) == found
    assert read_kept({}) is None


def test_the_version_of_rules_is_their_digest(session: Session, month: list[Post]) -> None:
    assert rules().version == digest_of(RULES)[:12]
    assert set(session.scalars(select(col(Routing.rules)))) == {rules().version}
