"""Tunes the published sentence encoder to say what sentences of a draft say that they must not, beside what is known.

Runs in an environment of its own, with the packages of the extra `training`:
`python classifier/training/proofread.py ROWS.jsonl WEIGHTS_FOLDER OUT [WRITER ...]`. ROWS come from
`goldenhour statements learn --rows`. It leaves OUT/proofreader.onnx, and in OUT/proofreader.json whose drafts taught
it: all writers but those named. Same rows, same seed, same number of threads: same weights.
"""

import json
import random
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional

from classifier.proofread import APART, KINDS, PROMISES, Stretch, stretches
from classifier.training.encoder import WIDTH, Encoder, export, pace, published, take_step, vocabulary
from classifier.wordpiece import WordPieces

ROUNDS, RATE, WARM = 3, 1e-4, 0.08
AT_ONCE = 3_600  # word pieces in a batch
JITTER = 8  # word pieces by which lengths in a batch may be out of order
SMOOTH = 0.05
EXAMPLE = 0.6  # what an example counts, a sentence of a draft being 1
OFTEN = 0.5  # of harmless examples and plain facts, which are many, the share that each round reads
BEGUN = 0.2  # of drafts only the first sentences are read, as while somebody writes
SILENCED = 0.2  # what says when the next update comes is left out
SHORTENED = 0.4  # of drafts of more than FEWEST sentences a harmless one is left out
FEWEST = 3
FEWEST_COUNTED = 8  # a batch of fewer sentences counts less
SEED = 7
MANY = ("none", "unverified")
UNKNOWN = -100  # the kind of a sentence that nothing is learnt from
WHEN = 0.25  # what a draft counts for whether it says when the next update comes

Rows = list[dict[str, Any]]


class Lesson(NamedTuple):
    """A stretch of a draft or an example, the kind of each of its sentences, what it counts, and whether it says when
    the next update comes, where that is known."""

    stretch: Stretch
    kinds: list[int]
    counts: float
    promises: bool | None


class Reader(Encoder):
    """The encoder, with a logit per kind for each sentence, and what is known marked as BERT marks a second text."""

    def __init__(self, labels: int) -> None:
        super().__init__(labels)
        self.other = nn.Parameter(torch.zeros(WIDTH))

    def pieces(self, ids: Tensor, mask: Tensor, known: Tensor) -> Tensor:
        at = torch.arange(ids.shape[1], device=ids.device)
        kinds = self.kind + known[:, :, None] * (self.other - self.kind)
        x = self.drop(self.norm(self.words(ids) + self.places(at) + kinds))
        far = (1.0 - mask)[:, None, None, :] * -1e4
        for layer in self.layers:
            x = layer(x, far)
        return x

    def forward(self, ids: Tensor, mask: Tensor, known: Tensor, owners: Tensor, sentences: int) -> Tensor:  # type: ignore[override]
        x = self.pieces(ids, mask, known).float().reshape(-1, WIDTH)
        own = owners.reshape(-1)
        x, own = x[own != APART], own[own != APART]
        size = torch.zeros(sentences).index_add(0, own, torch.ones(len(own)))
        mean = torch.zeros(sentences, WIDTH).index_add(0, own, x) / size[:, None]
        places = own[:, None].expand(-1, WIDTH)
        most = torch.full((sentences, WIDTH), -1e4).scatter_reduce(0, places, x, "amax")
        return self.heads(self.drop(torch.cat([mean, most], 1)))


class OneAtOnce(nn.Module):
    """A reader of one stretch, in operations that an ONNX file may hold."""

    def __init__(self, reader: Reader) -> None:
        super().__init__()
        self.reader = reader

    def forward(self, ids: Tensor, known: Tensor, holds: Tensor) -> Tensor:
        x = self.reader.pieces(ids, torch.ones_like(known), known)[0]
        mean = holds @ x / holds.sum(1, keepdim=True)
        most = (x[None] - (1.0 - holds)[:, :, None] * 1e4).amax(1)
        said: Tensor = self.reader.heads(torch.cat([mean, most], 1))
        return said


def untaught(weights: Path) -> Reader:
    torch.manual_seed(SEED)
    made = Reader(PROMISES + 1)
    made.load_state_dict(published(weights, PROMISES + 1).state_dict(), strict=False)
    made.other.data.copy_(
        load_file(weights / "model.safetensors")["embeddings.token_type_embeddings.weight"][1]
    )
    return made


def learn(rows: Rows, weights: Path, pieces: WordPieces) -> Reader:
    chance = random.Random(SEED)  # noqa: S311  reproducible, not secret
    model = untaught(weights).train()
    torch.manual_seed(SEED)
    rounds = [list(batches(lessons_of(rows, pieces, chance), chance)) for _ in range(ROUNDS)]
    steps = sum(map(len, rounds))
    optimiser = torch.optim.AdamW(
        [{"params": [each], "lr": RATE * pace(key)} for key, each in model.named_parameters()],
        weight_decay=0.01,
    )
    warm = max(1, int(WARM * steps))
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda step: min((step + 1) / warm, max(0.0, (steps - step) / (steps - warm)))
    )
    for done, batch in enumerate(batch for each in rounds for batch in each):
        truth = torch.tensor([kind for each in batch for kind in each.kinds])
        known = truth != UNKNOWN
        if not known.any():
            continue
        with torch.autocast("cpu", dtype=torch.bfloat16):
            logits = model(*together(batch), len(truth)).float()
        each = functional.cross_entropy(
            logits[:, :PROMISES], truth, reduction="none", label_smoothing=SMOOTH, ignore_index=UNKNOWN
        )
        counts = torch.tensor([each.counts for each in batch for _ in each.kinds])
        loss = (each * counts).sum() / max(FEWEST_COUNTED, int(known.sum()))
        loss = loss + WHEN * unpromised(logits[:, PROMISES], batch)
        take_step(loss, model, optimiser, schedule)
        if done % 50 == 0:
            print(f"step {done} of {steps}, loss {loss.item():.3f}", file=sys.stderr)
    return model.eval()


def unpromised(logits: Tensor, batch: list[Lesson]) -> Tensor:
    """How wrong it is about which drafts say when the next update comes: by one of their sentences, whichever it is."""
    drafts = logits.split([len(each.kinds) for each in batch])
    told = [
        (each.amax(), float(lesson.promises))
        for each, lesson in zip(drafts, batch, strict=True)
        if lesson.promises is not None
    ]
    if not told:
        return logits.sum() * 0.0
    surely, truth = zip(*told, strict=True)
    return functional.binary_cross_entropy_with_logits(torch.stack(surely), torch.tensor(truth))


def lessons_of(rows: Rows, pieces: WordPieces, chance: random.Random) -> list[Lesson]:
    """What one round reads: every draft, most without change, and examples beside any case."""
    drafts = [row for row in rows if row["writer"]]
    cases = [row["beside"] for row in drafts]
    read = [(*varied(row, chance), row["beside"], 1.0) for row in drafts]
    for row in rows:
        if not row["writer"] and (row["kinds"][0] not in MANY or chance.random() >= OFTEN):
            read.append((row["sentences"], row["kinds"], None, beside(row, chance.choice(cases)), EXAMPLE))
    found = []
    for sentences, kinds, promises, known, counts in read:
        left = [UNKNOWN if kind is None else KINDS.index(kind) for kind in kinds]
        parts = list(stretches(pieces, sentences, known))
        for stretch in parts:
            whole = promises if len(parts) == 1 else None
            found.append(Lesson(stretch, left[: stretch.sentences], counts, whole))
            left = left[stretch.sentences :]
    return found


def varied(row: dict[str, Any], chance: random.Random) -> tuple[list[str], list[str | None], bool | None]:
    """The sentences of a draft, their kinds, and whether it says when the next update comes: now and then only begun,
    or without the sentences that say so, or without one that is harmless."""
    whole = range(len(row["sentences"]))
    said = [number for number in whole if row["promises"][number]]
    harmless = [number for number in whole if row["kinds"][number] == "none"]
    drawn, kept = chance.random(), list(whole)
    if drawn < BEGUN:
        kept = kept[: chance.randint(1, len(kept))]
    elif drawn < BEGUN + SILENCED and row["updates"] and said and set(said) <= set(harmless):
        kept = [number for number in kept if number not in said] or kept
    elif len(kept) > FEWEST and chance.random() < SHORTENED and harmless:
        kept.remove(chance.choice(harmless))
    updates = row["updates"]
    if updates and len(kept) < len(whole):
        updates = any(number in kept for number in said) if said else None
    return [row["sentences"][each] for each in kept], [row["kinds"][each] for each in kept], updates


def beside(row: dict[str, Any], case: str) -> str:
    """A case an example stands beside, with the flags that make it what it is."""
    if row["without"]:
        case = case.replace(row["without"], "")
    return f"{row['given']}. {case}" if row["given"] and row["given"] not in case else case


def batches(lessons: list[Lesson], chance: random.Random) -> Iterator[list[Lesson]]:
    """Lessons of like length together, in random order."""
    order = sorted(lessons, key=lambda each: len(each.stretch.ids) + chance.random() * JITTER)
    cut: list[list[Lesson]] = [[]]
    for each in order:
        if cut[-1] and (len(cut[-1]) + 1) * len(each.stretch.ids) > AT_ONCE:
            cut.append([])
        cut[-1].append(each)
    chance.shuffle(cut)
    yield from cut


def together(batch: list[Lesson]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """A batch: its pieces, where there are any, which are of what is known, and which of its sentences each is of."""
    longest = max(len(each.stretch.ids) for each in batch)
    ids, known, owners = [], [], []
    before = 0
    for each in batch:
        room = longest - len(each.stretch.ids)
        ids.append(each.stretch.ids + [0] * room)
        known.append(each.stretch.known + [0] * room)
        owners.append(
            [APART if own == APART else own + before for own in each.stretch.owners] + [APART] * room
        )
        before += each.stretch.sentences
    rows = torch.tensor(ids)
    return rows, (rows != 0).float(), torch.tensor(known).float(), torch.tensor(owners)


def write(model: Reader, out: Path) -> None:
    stretch = {
        "ids": torch.ones(1, 8, dtype=torch.int64),
        "known": torch.zeros(1, 8),
        "holds": torch.ones(2, 8),
    }
    sizes = {"ids": {1: "pieces"}, "known": {1: "pieces"}, "holds": {0: "sentences", 1: "pieces"}}
    export(OneAtOnce(model), out / "proofreader.onnx", stretch, sizes, answer="kinds", rows="sentences")


def main() -> None:
    source, weights, out = (Path(each) for each in sys.argv[1:4])
    left = set(sys.argv[4:])
    rows: Rows = [json.loads(line) for line in source.read_text(encoding="utf-8").splitlines()]
    rows = [row for row in rows if row["writer"] not in left]
    out.mkdir(parents=True, exist_ok=True)
    write(learn(rows, weights, WordPieces(vocabulary(weights))), out)
    writers = sorted({row["writer"] for row in rows if row["writer"]})
    (out / "proofreader.json").write_text(json.dumps({"writers": writers}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
