"""Rumour: how a post tells, and readers that learn it from some events for others."""

import numpy as np
import pytest

from classifier.rumour import FEATURES, MANNERS, OF_THE_GATE, Rumours, features, manner
from classifier.training.rumours import best_threshold, learn, unseen_events
from classifier.training.sets import Row


def silent(_what: str) -> None:
    """Progress nobody reads."""


def told(text: str) -> dict[str, float]:
    return dict(zip(MANNERS, manner(text), strict=True))


def test_how_a_post_tells_is_counted() -> None:
    loud = told(
        "BREAKING: two men reportedly shot near the station, unconfirmed reports say... https://a.example"
    )
    calm = told("My thoughts and prayers are with them")
    assert all(
        loud[name] > calm[name] for name in ("breaking", "hedged", "heard", "trailing", "shouted", "colon")
    )
    assert all(calm[name] > loud[name] for name in ("felt", "self"))


@pytest.mark.parametrize("text", ["", " ", "🔥🔥", "???!!!", "@ # http", "\ud800", "1" * 500, "…“”"])
def test_any_text_has_a_manner(text: str) -> None:
    assert len(manner(text)) == len(MANNERS)
    assert np.isfinite(manner(text)).all()


def test_links_and_the_signs_before_accounts_and_tags_do_not_count() -> None:
    assert manner("see #police @police https://x.example/a?b!") == manner("see police police ")


def test_the_encoder_counts_half_where_it_read_the_text() -> None:
    readers = Rumours(np.zeros((3, len(FEATURES) + 1)))
    seen = features("x", dict.fromkeys(OF_THE_GATE, 0.0))
    assert readers(seen) == pytest.approx(0.5)
    assert readers(seen, (4.0, 4.0)) == pytest.approx(1 / (1 + np.exp(-2.0)))
    assert 0 <= readers(seen, (1e9, -1e9)) <= 1


def rows() -> list[Row]:
    """Three events told the same ways about other things, and posts about encounters."""
    made = []
    for event, thing in (("flood", "dam"), ("storm", "mast"), ("fire", "mill")):
        for i in range(50):
            hedged = f"BREAKING: reports say the {thing} may be down, {i} missing, unconfirmed"
            felt = f"My prayers are with all at the {thing}, love to you number {i}"
            made += [
                Row(
                    f"{event}{kind}{i}",
                    "pheme_dev",
                    text,
                    None,
                    event,
                    {"rumour": kind, "public_event": 1},
                    0.5,
                )
                for kind, text in ((1, hedged), (0, felt))
            ]
    for i in range(120):
        truth = {
            "unverified": int(i < 50),
            "public_event": 0,
            "news": 0,
            "incident_any": 1,
            "incident": i % 2,
        }
        text = f"feds took him, {'apparently he died' if i < 50 else 'saw it all'} on road {i}"
        made.append(Row(f"l{i}", "stories", text, "use_of_force", f"s{i}", truth))
    return made


def test_readers_learn_how_rumours_are_told() -> None:
    known = rows()
    logits = np.array([[0.0, 0.0, 6.0 * row.truth["public_event"] - 3.0, 0.0, 0.0, 0.0] for row in known])
    readers = learn(known, OF_THE_GATE, logits)
    assert readers is not None
    said = np.array(
        [
            readers(features(row.text, dict(zip(OF_THE_GATE, each, strict=True))))
            for row, each in zip(known, logits.tolist(), strict=True)
        ]
    )
    rumour = np.array([row.truth.get("rumour", -1) for row in known])
    assert said[rumour == 1].min() > said[rumour == 0].max()
    assert learn(known[:20], OF_THE_GATE, logits[:20]) is None
    assert learn([], OF_THE_GATE, logits[:0]) is None


def test_an_event_is_read_by_what_was_learnt_from_the_others() -> None:
    report = unseen_events(rows(), say=silent)
    assert set(report["events"]) == {"flood", "storm", "fire"}
    assert report["ours"]["auc"] > 0.95
    low, high = report["ours"]["auc_interval"]
    assert low <= report["ours"]["auc"] <= high
    assert report["reference"]["texts"] == report["ours"]["texts"] == 300
    assert unseen_events([], say=silent) == {}


def test_the_best_threshold_parts_what_can_be_parted() -> None:
    assert 0.3 < best_threshold(np.array([0, 0, 1, 1]), np.array([0.1, 0.3, 0.5, 0.9])) <= 0.5
