"""bench assess: posts read, assessed and explained per second of one core, against the bare spaCy tokenizer."""

import gc
import json
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import spacy

from classifier.encoder import ENCODED as BY_ENCODER
from classifier.encoder import SKIMMED as BY_SKIMMER
from classifier.model import Model
from classifier.normalise import normalise
from config.benches.goals import at_least, report
from config.benches.stream import natural
from config.commands.assessing import load_model
from config.settings import Settings

POSTS = 10_000
ROUNDS = 5
ENCODED = 200  # texts the encoder alone reads in a round


def run(settings: Settings, *, posts: Path | None = None, **_options: object) -> dict[str, Any]:
    """Medians over interleaved rounds of CPU time, every text new to each. `posts` is JSONL with `text`.

    `posts_per_core_second` is the gate with all rules, places and reasons; `whole` adds the skimmer and the encoder
    for every text that may matter; `flood` gives the encoder the share a flood is allowed; the encoder alone stands
    beside them.
    """
    texts = read_texts(posts) if posts else natural(POSTS)
    share = max(1, len(texts) // ROUNDS)
    ways = {"gate": 0.0, "flood": settings.classifier.read_twice_in_a_flood, "whole": 1.0}  # for the encoder
    models = {name: load_model(settings) for name in ways}
    for name, twice in ways.items():
        models[name].read_twice(twice)
    if models["gate"].nlp.has_pipe("goldenhour_encoder"):
        models["gate"].nlp.disable_pipe("goldenhour_encoder")
    encoder = load_model(settings)  # one of its own: no text may have been read before
    bare = spacy.blank("en")
    gc.collect()
    gc.freeze()  # as a worker does when its model is there
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
        settled_by=shares(models["whole"], texts[: ENCODED * ROUNDS]),
        reference="spaCy blank('en') tokenizer, same posts, same run",
        reference_posts_per_core_second=round(found["tokenizer"]),
        ratio=round(found["gate"] / found["tokenizer"], 3),
        model=models["gate"].version,
    )


def read_texts(path: Path) -> list[str]:
    return [
        json.loads(line)["text"] for line in path.read_text(encoding="utf-8").splitlines() if line.strip()
    ]


def shares(model: Model, texts: Sequence[str]) -> dict[str, float]:
    """Which reader settles how much: the gate alone, the skimmer after it, or the encoder after both."""
    docs = list(model.nlp.pipe(normalise(text).text for text in texts))
    encoded = sum(BY_ENCODER in doc.user_data for doc in docs)
    skimmed = sum(BY_SKIMMER in doc.user_data and BY_ENCODER not in doc.user_data for doc in docs)
    settled = {"gate": len(docs) - encoded - skimmed, "skimmer": skimmed, "encoder": encoded}
    return {reader: round(number / max(1, len(docs)), 3) for reader, number in settled.items()}


def _speed(work: Callable[[Sequence[str]], object], texts: Sequence[str]) -> float:
    start = time.process_time()
    work(texts)
    return len(texts) / (time.process_time() - start)
