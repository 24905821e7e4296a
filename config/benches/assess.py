"""bench assess: posts read, assessed and explained per second of one core, against the bare spaCy tokenizer."""

import json
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import spacy

from config.benches.goals import at_least, report
from config.commands.assessing import load_model
from config.settings import Settings

ROUNDS = 5
ENCODED = 200  # texts the encoder alone reads in a round


def run(settings: Settings, *, posts: Path | None = None, **_options: object) -> dict[str, Any]:
    """Medians over interleaved rounds of CPU time, every text new to each. `posts` is JSONL with `text`.

    `posts_per_core_second` is the gate with all rules, places and reasons; `whole` adds the encoder for every
    text that may matter; `flood` adds it for the share a flood is allowed; the encoder alone stands beside them.
    """
    texts = read_texts(posts) if posts else made_texts()
    share = max(1, len(texts) // ROUNDS)
    ways = {"gate": 0.0, "flood": settings.classifier.read_twice_in_a_flood, "whole": 1.0}
    models = {name: load_model(settings) for name in ways}
    for name, twice in ways.items():
        models[name].read_twice(twice)
    encoder = load_model(settings)  # one of its own: no text may have been read before
    bare = spacy.blank("en")
    speeds: dict[str, list[float]] = {name: [] for name in (*ways, "encoder", "tokenizer")}
    for start in range(0, share * ROUNDS, share):
        part = texts[start : start + share]
        for name in ways:
            speeds[name].append(_speed(models[name].assess, part))
        speeds["encoder"].append(_speed(encoder.encoded, part[:ENCODED]))
        speeds["tokenizer"].append(_speed(lambda few: [bare.make_doc(each) for each in few], part))
    found = {name: statistics.median(speeds[name]) for name in speeds}
    to_encoder = round(found["whole"] / found["encoder"], 2)
    alone = {"reference": "the encoder alone, same posts, same run", "ratio": to_encoder}
    return report(
        "assess",
        [
            at_least("the gate", 5_000, round(found["gate"]), "posts/s per core"),
            at_least("the whole", 1_500, round(found["whole"]), "posts/s per core"),
            at_least("the whole to the encoder alone", 8, to_encoder, "times", **alone),
        ],
        posts=len(texts),
        posts_per_core_second=round(found["gate"]),
        flood=round(found["flood"]),
        whole=round(found["whole"]),
        encoder_alone=round(found["encoder"]),
        whole_to_encoder=to_encoder,
        reference="spaCy blank('en') tokenizer, same posts, same run",
        reference_posts_per_core_second=round(found["tokenizer"]),
        ratio=round(found["gate"] / found["tokenizer"], 3),
        model=models["gate"].version,
    )


def read_texts(path: Path) -> list[str]:
    return [
        json.loads(line)["text"] for line in path.read_text(encoding="utf-8").splitlines() if line.strip()
    ]


def made_texts(count: int = 10_000) -> list[str]:
    """Posts put together from our own phrases, none alike, one in twenty a report of an encounter."""
    who = ("two officers", "four feds", "police", "a copper", "the Met", "jakes", "plain clothes", "TSG")
    seen = (
        "stood by the lights",
        "went past on blues",
        "are giving out leaflets",
        "parked by the chicken shop",
    )
    held = ("had him on the floor, knee in his back", "tasered a man", "searched my cousin for no reason")
    towns = (
        "Rye Lane",
        "Brixton station",
        "Barking",
        "the Uxbridge Road",
        "SE15",
        "Green Lanes",
        "Ilford",
        "Kilburn",
    )
    tail = (
        "anyone know what's going on?",
        "been here an hour",
        "typical tuesday",
        "got it on video",
        "smh",
        "long day",
    )
    return [
        f"{who[i % 8]} {held[i % 3] if i % 20 == 0 else seen[i % 4]} near {towns[i * 7 % 8]} at"
        f" {i % 12 + 1}:{i % 60:02d}, {tail[i * 5 % 6]} {word(i)} {word(i * 31)} #{word(i * 17)}"
        for i in range(count)
    ]


def word(number: int) -> str:
    """A made-up word, different for most numbers."""
    letters = "bcdfglmnprst"
    return "".join(letters[number // 12**k % 12] + "aeiou"[number // 5**k % 5] for k in range(3))


def _speed(work: Callable[[Sequence[str]], object], texts: Sequence[str]) -> float:
    start = time.process_time()
    work(texts)
    return len(texts) / (time.process_time() - start)
