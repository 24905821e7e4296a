"""bench assess: posts read, assessed and explained per second of one core, against the bare spaCy tokenizer."""

import json
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import spacy

from config.commands.assessing import load_model
from config.settings import Settings

ROUNDS = 5


def run(settings: Settings, *, posts: Path | None = None, **_options: object) -> dict[str, Any]:
    """Medians over interleaved rounds of CPU time, every text new to both. `posts` is JSONL with `text`."""
    model = load_model(settings)
    texts = read_texts(posts) if posts else made_texts()
    share = max(1, len(texts) // ROUNDS)
    speeds: dict[str, list[float]] = {"assess": [], "tokenizer": []}
    bare = spacy.blank("en")
    for start in range(0, share * ROUNDS, share):
        part = texts[start : start + share]
        speeds["assess"].append(_speed(model.assess, part))
        speeds["tokenizer"].append(_speed(lambda few: [bare.make_doc(each) for each in few], part))
    ours, reference = (statistics.median(speeds[name]) for name in ("assess", "tokenizer"))
    return {
        "bench": "assess",
        "posts": len(texts),
        "posts_per_core_second": round(ours),
        "reference": "spaCy blank('en') tokenizer, same posts, same run",
        "reference_posts_per_core_second": round(reference),
        "ratio": round(ours / reference, 3),
        "model": model.version,
    }


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
