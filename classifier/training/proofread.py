"""Tunes the published sentence encoder to say what a sentence of a draft says that it must not, beside what is known.

Runs in an environment of its own, with the packages of the extra `training`:
`python classifier/training/proofread.py ROWS.jsonl WEIGHTS_FOLDER OUT [PART ...]`. ROWS come from
`goldenhour statements learn --rows`. The parts are `half0` and `half1`, which learn without the writers of that half
and leave in OUT/half0.npz and half1.npz what they say of their drafts, and `whole`, which learns from all and leaves
OUT/proofreader.onnx. Without a part: all three. Same rows, same seed, same number of threads: same weights.
"""

import json
import math
import random
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from classifier.proofread import KINDS, key_of, numbers
from classifier.training.encoder import (
    Encoder,
    batches,
    pace,
    padded,
    published,
    take_step,
    vocabulary,
    write_onnx,
)
from classifier.wordpiece import WordPieces

BATCH, ROUNDS, RATE, WARM = 32, 2, 1e-4, 0.08
SMOOTH = 0.05
EXAMPLE = 0.6  # what an example counts, a sentence of a draft being 1
OFTEN = 0.5  # of harmless examples and plain facts, which are many, the share that each round reads
SEED = 7
MANY = ("none", "unverified")

Rows = list[dict[str, Any]]


def half_of(writers: list[str], writer: str) -> int:
    return sorted(writers).index(writer) % 2


def learn(rows: Rows, weights: Path, pieces: WordPieces, name: str) -> Encoder:
    torch.manual_seed(SEED)
    chance = random.Random(SEED)  # noqa: S311  reproducible, not secret
    drafts, examples = [row for row in rows if row["writer"]], [row for row in rows if not row["writer"]]
    cases = [row["beside"] for row in drafts]
    model = published(weights, len(KINDS)).train()
    torch.manual_seed(SEED)
    share = sum(OFTEN if row["kind"] in MANY else 1 for row in examples)
    steps = ROUNDS * math.ceil((len(drafts) + share) / BATCH) + ROUNDS
    optimiser = torch.optim.AdamW(
        [{"params": [each], "lr": RATE * pace(key)} for key, each in model.named_parameters()],
        weight_decay=0.01,
    )
    warm = max(1, int(WARM * steps))
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda step: min((step + 1) / warm, max(0.0, (steps - step) / (steps - warm)))
    )
    done = 0
    for _ in range(ROUNDS):
        some = drafts + [row for row in examples if row["kind"] not in MANY or chance.random() < OFTEN]
        ids = [numbers(pieces, row["sentence"], beside(row, cases, chance)) for row in some]
        truth = torch.tensor([KINDS.index(row["kind"]) for row in some])
        weight = torch.tensor([1.0 if row["writer"] else EXAMPLE for row in some])
        for batch in batches([len(each) for each in ids], chance, BATCH):
            tokens, mask = padded([ids[i] for i in batch])
            with torch.autocast("cpu", dtype=torch.bfloat16):
                logits = model(tokens, mask)
            each = functional.cross_entropy(
                logits.float(), truth[batch], reduction="none", label_smoothing=SMOOTH
            )
            loss = (each * weight[batch]).mean()
            take_step(loss, model, optimiser, schedule)
            done += 1
            if done % 50 == 0:
                print(f"{name}: step {done} of {steps}, loss {loss.item():.3f}", file=sys.stderr)
    return model.eval()


def beside(row: dict[str, Any], cases: list[str], chance: random.Random) -> str:
    """What a sentence stands beside: its own case, an example any, with the flags that make it what it is."""
    if row["beside"] is not None:
        return str(row["beside"])
    case = chance.choice(cases)
    if row["without"]:
        case = case.replace(row["without"], "")
    return f"{row['given']}. {case}" if row["given"] and row["given"] not in case else case


def say(model: Encoder, rows: Rows, pieces: WordPieces, path: Path) -> None:
    """Keep what a model says of sentences, by the checksum that triage/checking_proof.py looks for."""
    read = {(row["sentence"], row["beside"]): None for row in rows}
    keys = [key_of(*each) for each in read]
    with torch.inference_mode():
        said = [model(*padded([numbers(pieces, *each)]))[0].numpy() for each in read]
    np.savez_compressed(path, keys=np.array(keys, np.uint64), said=np.array(said, np.float16))


def main() -> None:
    source, weights, out = (Path(each) for each in sys.argv[1:4])
    out.mkdir(parents=True, exist_ok=True)
    rows: Rows = [json.loads(line) for line in source.read_text(encoding="utf-8").splitlines()]
    pieces = WordPieces(vocabulary(weights))
    writers = sorted({row["writer"] for row in rows if row["writer"]})
    for part in sys.argv[4:] or ("half0", "half1", "whole"):
        if part == "whole":
            write_onnx(learn(rows, weights, pieces, part), out / "proofreader.onnx", answer="kinds")
            continue
        left = {each for each in writers if half_of(writers, each) == int(part.removeprefix("half"))}
        model = learn([row for row in rows if row["writer"] not in left], weights, pieces, part)
        say(model, [row for row in rows if row["writer"] in left], pieces, out / f"{part}.npz")


if __name__ == "__main__":
    main()
