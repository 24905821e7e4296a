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

from classifier.proofread import APART, KINDS, Stretch, stretches
from classifier.training.encoder import WIDTH, Encoder, export, pace, published, take_step, vocabulary
from classifier.wordpiece import WordPieces

ROUNDS, RATE, WARM = 3, 1e-4, 0.08
AT_ONCE = 3_600  # word pieces in a batch
JITTER = 8  # word pieces by which lengths in a batch may be out of order
SMOOTH = 0.05
EXAMPLE = 0.6  # what an example counts, a sentence of a draft being 1
OFTEN = 0.5  # of harmless examples and plain facts, which are many, the share that each round reads
SHORTENED = 0.4  # of drafts of more than FEWEST sentences a harmless one is left out
FEWEST = 3
FEWEST_COUNTED = 8  # a batch of fewer sentences counts less
SEED = 7
MANY = ("none", "unverified")
UNKNOWN = -100  # the kind of a sentence that nothing is learnt from

Rows = list[dict[str, Any]]


class Lesson(NamedTuple):
    """A stretch of a draft or an example, the kind of each of its sentences, and what it counts."""

    stretch: Stretch
    kinds: list[int]
    counts: float


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
    made = Reader(len(KINDS))
    made.load_state_dict(published(weights, len(KINDS)).state_dict(), strict=False)
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
            logits = model(*together(batch), len(truth))
        each = functional.cross_entropy(
            logits.float(), truth, reduction="none", label_smoothing=SMOOTH, ignore_index=UNKNOWN
        )
        counts = torch.tensor([each.counts for each in batch for _ in each.kinds])
        loss = (each * counts).sum() / max(FEWEST_COUNTED, int(known.sum()))
        take_step(loss, model, optimiser, schedule)
        if done % 50 == 0:
            print(f"step {done} of {steps}, loss {loss.item():.3f}", file=sys.stderr)
    return model.eval()


def lessons_of(rows: Rows, pieces: WordPieces, chance: random.Random) -> list[Lesson]:
    """What one round reads: every draft, most without change, and examples beside any case."""
    drafts = [row for row in rows if row["writer"]]
    cases = [row["beside"] for row in drafts]
    read = [(*shortened(row, chance), row["beside"], 1.0) for row in drafts]
    for row in rows:
        if not row["writer"] and (row["kinds"][0] not in MANY or chance.random() >= OFTEN):
            read.append((row["sentences"], row["kinds"], beside(row, chance.choice(cases)), EXAMPLE))
    found = []
    for sentences, kinds, known, counts in read:
        left = [UNKNOWN if kind is None else KINDS.index(kind) for kind in kinds]
        for stretch in stretches(pieces, sentences, known):
            found.append(Lesson(stretch, left[: stretch.sentences], counts))
            left = left[stretch.sentences :]
    return found


def shortened(row: dict[str, Any], chance: random.Random) -> tuple[list[str], list[str | None]]:
    """The sentences of a draft and their kinds, now and then without one that is harmless."""
    sentences, kinds = list(row["sentences"]), list(row["kinds"])
    harmless = [number for number, kind in enumerate(kinds) if kind == "none"]
    if len(sentences) > FEWEST and chance.random() < SHORTENED and harmless:
        gone = chance.choice(harmless)
        del sentences[gone], kinds[gone]
    return sentences, kinds


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
