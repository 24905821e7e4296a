"""Teaches a small reader to say what a fine-tuned encoder says, and writes it beside it as an 8-bit ONNX file.

Runs in the environment of `training/encoder.py`: `python classifier/training/skimmer.py TEXTS.jsonl ENCODER_FOLDER`.
TEXTS come from `goldenhour train --texts`; no labels are needed, as the encoder's own logits are what is learnt.
About five minutes of one core, half of it the encoder's. Same texts, same encoder, same seed: same weights.
"""

import json
import random
import sys
import time
from pathlib import Path

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import numpy_helper
from onnxruntime import InferenceSession, SessionOptions
from torch import Tensor, nn
from torch.nn import functional

from classifier.training.encoder import SEED, TYPES, batches, padded, write_onnx
from classifier.wordpiece import WordPieces

WIDTH, LAYERS = 128, 3
BATCH, ROUNDS, RATE, WARM = 96, 6, 3e-3, 0.05
SUREST = 8.0  # no logit of the encoder is learnt beyond
Floats = NDArray[np.float32]


class Layer(nn.Module):
    """Each piece with its two neighbours."""

    def __init__(self) -> None:
        super().__init__()
        self.norm, self.mix = nn.LayerNorm(WIDTH), nn.Linear(3 * WIDTH, WIDTH)

    def forward(self, x: Tensor, weight: Tensor) -> Tensor:
        known = self.norm(x) * weight
        before = functional.pad(known, (0, 0, 1, 0))[:, :-1]
        after = functional.pad(known, (0, 0, 0, 1))[:, 1:]
        return x + functional.relu(self.mix(torch.cat([before, known, after], 2)))


class Skimmer(nn.Module):
    """Word pieces in, a logit per label out: windows of three, layer on layer, then the mean and the most."""

    def __init__(self, words: Tensor, labels: int) -> None:
        super().__init__()
        self.words = nn.Embedding.from_pretrained(words, freeze=False)
        self.norm = nn.LayerNorm(WIDTH)
        self.layers = nn.ModuleList(Layer() for _ in range(LAYERS))
        self.drop = nn.Dropout(0.1)
        self.rise, self.heads = nn.Linear(2 * WIDTH, 2 * WIDTH), nn.Linear(2 * WIDTH, labels)

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        weight = mask[:, :, None]
        x = self.drop(self.norm(self.words(ids)))
        for layer in self.layers:
            x = layer(x, weight)
        mean = (x * weight).sum(1) / weight.sum(1)
        most = (x - (1.0 - weight) * 1e4).amax(1)
        risen = functional.relu(self.rise(self.drop(torch.cat([mean, most], 1))))
        return self.heads(self.drop(risen))


def taught(ids: list[list[int]], folder: Path) -> Floats:
    """The encoder's logits for each text, one at a time as at run time."""
    options = SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = InferenceSession(str(folder / "encoder.onnx"), options, providers=["CPUExecutionProvider"])
    said = []
    for each in ids:
        numbers = np.array([each], dtype=np.int64)
        said.append(session.run(None, {"ids": numbers, "mask": np.ones(numbers.shape, np.float32)})[0][0])
    return np.array(said, dtype=np.float32)


def words_of(folder: Path) -> Tensor:
    """The encoder's own word pieces in as many columns as we have: those along which they differ most."""
    kept = {each.name: each for each in onnx.load(folder / "encoder.onnx").graph.initializer}
    first = min(name for name in kept if name.endswith("words.weight_quantized")).removesuffix("quantized")
    steps, scale, zero = (
        numpy_helper.to_array(kept[first + name]).astype(np.float32)
        for name in ("quantized", "scale", "zero_point")
    )
    table = (steps - zero) * scale
    table = table - table.mean(0)
    _, _, axes = np.linalg.svd(table.T @ table)
    few = table @ axes[:WIDTH].T
    return torch.tensor(few / few.std())


def loss_of(logits: Tensor, told: Tensor) -> Tensor:
    """How far from the encoder: its logits of the incident labels, its order of the types, the rest as chances."""
    apart = functional.smooth_l1_loss(logits[:, :2], told[:, :2])
    types = functional.kl_div(
        logits[:, TYPES].log_softmax(1), told[:, TYPES].log_softmax(1), log_target=True, reduction="batchmean"
    )
    each = functional.binary_cross_entropy_with_logits(logits, told.sigmoid())
    return apart + types + each


def learn(ids: list[list[int]], told: Tensor, words: Tensor, rounds: int = ROUNDS) -> Skimmer:
    torch.manual_seed(SEED)
    chance = random.Random(SEED)  # noqa: S311  reproducible, not secret
    model = Skimmer(words, told.shape[1]).train()
    cut = [batch for _ in range(rounds) for batch in batches([len(each) for each in ids], chance, BATCH)]
    optimiser = torch.optim.AdamW(model.parameters(), lr=RATE, weight_decay=0.01)
    warm = max(1, int(WARM * len(cut)))
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda step: min((step + 1) / warm, max(0.0, (len(cut) - step) / (len(cut) - warm)))
    )
    start = time.monotonic()
    for step, batch in enumerate(cut, 1):
        tokens, mask = padded([ids[i] for i in batch])
        with torch.autocast("cpu", dtype=torch.bfloat16):
            logits = model(tokens, mask)
        loss = loss_of(logits.float(), told[batch])
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        if step % 200 == 0:
            spent = time.monotonic() - start
            print(f"step {step} of {len(cut)}, loss {loss.item():.3f}, {spent:.0f} s", file=sys.stderr)
    return model.eval()


def main() -> None:
    texts, folder = Path(sys.argv[1]), Path(sys.argv[2])
    meta = json.loads((folder / "encoder.json").read_text(encoding="utf-8"))
    pieces = WordPieces.read(folder / "vocabulary.txt")
    lines = texts.read_text(encoding="utf-8").splitlines()
    ids = [pieces.numbers(json.loads(line)["text"], int(meta["longest"])) for line in lines]
    told = torch.tensor(taught(ids, folder)).clamp(-SUREST, SUREST)
    write_onnx(learn(ids, told, words_of(folder)), folder / "skimmer.onnx", answer="logits")


if __name__ == "__main__":
    main()
