"""A day like the others raises no alarm, a day that is not does; and nothing is said of days with few posts."""

import random
from datetime import timedelta
from pathlib import Path

import pytest
from sqlmodel import Session, select

from classifier.drift import ALARM, UNSEEN, WATCH, State, count_day, judge, keep_reference, psi
from classifier.learning_records import ScoreReference, ShadowAssessment
from classifier.rarity import Rarity
from classifier.records import Assessment
from tests.make import NOON, make_assessment, make_post

RARITY = Rarity.load(Path(__file__).parents[2] / "config" / "matching" / "rarity.bin")
USUAL = (
    "Police stopped a man outside the station this morning",
    "Officers arrested two people after the match",
)
STRANGE = (
    "Skibbledy vorpal blortwick gribbles snarfed zwonkily",
    "Frobnitz quuxly wibblesnort drombulate plimsquark",
)


def a_day(
    session: Session,
    days: int,
    posts: int,
    *,
    seed: int,
    likely: float = 0.2,
    texts: tuple[str, ...] = USUAL,
    lang: str = "en",
) -> None:
    """Posts of one day, of which a share is likely incidents, counted."""
    dice = random.Random(seed)
    at = NOON + timedelta(days=days)
    for _ in range(posts):
        post = make_post(dice.choice(texts), collected_at=at, published_at=at, lang=lang)
        score = dice.betavariate(8, 2) if dice.random() < likely else dice.betavariate(1, 20)
        session.add_all(
            [post, make_assessment(post, incident=score * 0.8, incident_any=score, severity=score / 2)]
        )
    session.flush()
    assert count_day(session, "test-1", at.date(), RARITY) is not None


def state_of_the_last_day(session: Session) -> State | None:
    return judge(session, days=1)[0].state


def test_a_day_like_the_others_raises_no_alarm(session: Session) -> None:
    a_day(session, 0, 600, seed=1)
    assert keep_reference(session, "test-1", RARITY, now=NOON)
    for day in (1, 2, 3):
        a_day(session, day, 300, seed=day + 1)
        assert state_of_the_last_day(session) is State.CALM, judge(session, days=1)


@pytest.mark.parametrize(
    ("change", "measure"),
    [({"likely": 0.7}, "incident_any"), ({"texts": STRANGE}, UNSEEN), ({"lang": "cy"}, "language")],
    ids=["scores", "words", "languages"],
)
def test_a_day_that_is_not_like_the_others_raises_an_alarm(
    session: Session, change: dict[str, object], measure: str
) -> None:
    a_day(session, 0, 600, seed=1)
    keep_reference(session, "test-1", RARITY, now=NOON)
    a_day(session, 1, 300, seed=2, **change)  # type: ignore[arg-type]
    [day] = judge(session, days=1)
    assert day.state is State.ALARM
    assert measure in {each.measure for each in day.shifts if each.state is State.ALARM}
    a_day(session, 2, 300, seed=3)
    assert state_of_the_last_day(session) is State.CALM


def test_few_posts_are_not_judged_and_make_no_reference(session: Session) -> None:
    a_day(session, 0, 199, seed=1)
    assert not keep_reference(session, "test-1", RARITY, now=NOON)
    assert judge(session, days=7)[0].shifts == []
    assert count_day(session, "another", NOON.date(), RARITY) is None


def test_the_reference_of_a_version_that_was_in_the_shadow_is_what_it_said_there(session: Session) -> None:
    a_day(session, 0, 500, seed=1)
    for each in session.exec(select(Assessment)).all():
        kept = {
            name: getattr(each, name)
            for name in ("post_id", "at", "incident", "incident_any", "type", "severity")
        }
        session.add(ShadowAssessment(**kept, model="test-2"))
    session.flush()
    assert keep_reference(session, "test-2", RARITY, now=NOON + timedelta(days=1))
    reference = session.get(ScoreReference, "test-2")
    assert reference is not None
    assert (reference.posts, sum(reference.numbers["incident_any"].values())) == (500, 500)


def test_a_reference_is_kept_once(session: Session) -> None:
    a_day(session, 0, 600, seed=1)
    keep_reference(session, "test-1", RARITY, now=NOON)
    a_day(session, 1, 600, seed=2, likely=0.9)
    keep_reference(session, "test-1", RARITY, now=NOON + timedelta(days=1))
    reference = session.get(ScoreReference, "test-1")
    assert reference is not None
    assert reference.posts == 600


def test_the_index_is_nought_for_the_same_and_grows_with_the_shift() -> None:
    even = {"a": 500, "b": 500}
    assert psi(even, even) == 0.0
    assert psi({}, even) == 0.0
    a_little, much = psi({"a": 550, "b": 450}, even), psi({"a": 800, "b": 200}, even)
    assert a_little < WATCH < ALARM < much


def test_chance_alone_is_no_drift() -> None:
    dice = random.Random(7)

    def drawn(number: int) -> dict[str, int]:
        counts: dict[str, int] = {}
        for _ in range(number):
            kind = str(int(dice.betavariate(1, 3) * 11))
            counts[kind] = counts.get(kind, 0) + 1
        return counts

    reference = drawn(500)
    assert max(psi(drawn(200), reference) for _ in range(200)) < ALARM
