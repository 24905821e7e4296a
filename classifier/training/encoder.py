"""Fine-tunes a small sentence encoder on the prepared rows, and writes it as an 8-bit ONNX file.

Runs in an environment of its own, with the packages of the extra `training`, which the product never installs:
`python classifier/training/encoder.py ROWS.jsonl WEIGHTS_FOLDER OUT`. ROWS come from `goldenhour train --rows`;
WEIGHTS_FOLDER holds model.safetensors and tokenizer.json of all-MiniLM-L6-v2 (Apache-2.0), checked by their hashes.
Same rows, same seed, same number of threads: same weights.
"""

import hashlib
import json
import math
import random
import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional

from classifier.wordpiece import WordPieces

HASHES = {
    "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
}
WIDTH, LAYERS, HEADS, INNER = 384, 6, 12, 1536
LONGEST = 96  # word pieces read of a text
BATCH, ROUNDS, RATE, WARM = 32, 3, 1.2e-4, 0.08
SEED = 7
DEEPER = 0.9  # the rate of a layer, against that of the next one up
TYPES = slice(2, 11)  # where the nine types stand among the labels


class Layer(nn.Module):
    """One transformer layer of BERT."""

    def __init__(self) -> None:
        super().__init__()
        self.query, self.key, self.value, self.out = (nn.Linear(WIDTH, WIDTH) for _ in range(4))
        self.rise, self.fall = nn.Linear(WIDTH, INNER), nn.Linear(INNER, WIDTH)
        self.first, self.second = nn.LayerNorm(WIDTH, eps=1e-12), nn.LayerNorm(WIDTH, eps=1e-12)
        self.drop = nn.Dropout(0.1)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        texts, length, _ = x.shape
        split = (texts, length, HEADS, WIDTH // HEADS)
        query, key, value = (
            each(x).view(split).transpose(1, 2) for each in (self.query, self.key, self.value)
        )
        scores = query @ key.transpose(2, 3) / math.sqrt(WIDTH // HEADS) + mask
        mixed = (self.drop(scores.softmax(-1)) @ value).transpose(1, 2).reshape(texts, length, WIDTH)
        x = self.first(x + self.drop(self.out(mixed)))
        return self.second(x + self.drop(self.fall(functional.gelu(self.rise(x)))))


class Encoder(nn.Module):
    """Word pieces in, a logit per label out."""

    def __init__(self, labels: int) -> None:
        super().__init__()
        self.words, self.places = nn.Embedding(30522, WIDTH), nn.Embedding(512, WIDTH)
        self.kind = nn.Parameter(torch.zeros(WIDTH))
        self.norm = nn.LayerNorm(WIDTH, eps=1e-12)
        self.layers = nn.ModuleList(Layer() for _ in range(LAYERS))
        self.drop = nn.Dropout(0.1)
        self.heads = nn.Linear(2 * WIDTH, labels)

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        at = torch.arange(ids.shape[1], device=ids.device)
        x = self.drop(self.norm(self.words(ids) + self.places(at) + self.kind))
        far = (1.0 - mask)[:, None, None, :] * -1e4
        for layer in self.layers:
            x = layer(x, far)
        weight = mask[:, :, None]
        mean = (x * weight).sum(1) / weight.sum(1)
        most = (x - (1.0 - weight) * 1e4).amax(1)
        return self.heads(self.drop(torch.cat([mean, most], 1)))


def published(folder: Path, labels: int) -> Encoder:
    """The published weights under our names. Refuses files with other hashes."""
    for name, expected in HASHES.items():
        if hashlib.sha256((folder / name).read_bytes()).hexdigest() != expected:
            raise SystemExit(f"{folder / name}: not the published file; its SHA-256 differs")
    kept = load_file(folder / "model.safetensors")
    names = {"query": "attention.self.query", "key": "attention.self.key", "value": "attention.self.value"}
    names |= {"out": "attention.output.dense", "rise": "intermediate.dense", "fall": "output.dense"}
    names |= {"first": "attention.output.LayerNorm", "second": "output.LayerNorm"}
    state = {
        "words.weight": kept["embeddings.word_embeddings.weight"],
        "places.weight": kept["embeddings.position_embeddings.weight"],
        "kind": kept["embeddings.token_type_embeddings.weight"][0],
        "norm.weight": kept["embeddings.LayerNorm.weight"],
        "norm.bias": kept["embeddings.LayerNorm.bias"],
    }
    for number in range(LAYERS):
        for ours, theirs in names.items():
            for part in ("weight", "bias"):
                state[f"layers.{number}.{ours}.{part}"] = kept[f"encoder.layer.{number}.{theirs}.{part}"]
    made = Encoder(labels)
    missing = made.load_state_dict(state, strict=False)
    if missing.unexpected_keys or any(not key.startswith("heads") for key in missing.missing_keys):
        raise SystemExit(f"the weights do not fit: {missing}")
    return made


def batches(lengths: list[int], chance: random.Random, size: int = BATCH) -> Iterator[list[int]]:
    """Rows of like length together, in random order."""
    order = sorted(range(len(lengths)), key=lambda i: lengths[i] + chance.random() * 6)
    cut = [order[i : i + size] for i in range(0, len(order), size)]
    chance.shuffle(cut)
    yield from cut


def padded(ids: list[list[int]]) -> tuple[Tensor, Tensor]:
    longest = max(len(each) for each in ids)
    rows = torch.tensor([each + [0] * (longest - len(each)) for each in ids])
    return rows, (rows != 0).float()


def roughened(text: str, chance: random.Random) -> str:
    """As people also write it: two texts in five get slips, lost vowels, lost spaces, or signs for letters."""
    draw = chance.random()
    for share, spoil in SPOILING:
        if draw < share:
            return spoil(text, chance)
        draw -= share
    return text


def misspelt(text: str, chance: random.Random) -> str:
    """One slip in about twelve letters."""
    letters = list(text)
    for i in range(len(letters) - 1):
        if letters[i].isalpha() and chance.random() < 0.08:
            slip = chance.random()
            if slip < 0.4:
                letters[i], letters[i + 1] = letters[i + 1], letters[i]
            elif slip < 0.7:
                letters[i] = ""
            else:
                letters[i] += letters[i]
    return "".join(letters)


def clipped(text: str, chance: random.Random) -> str:
    """Some words lose a vowel inside, and nothing is punctuated."""
    words = re.sub(r"[.,;:!?'\"]", "", text).split(" ")
    return " ".join(
        re.sub(r"(?<=\w)[aeiou](?=\w)", "", word, count=1)
        if len(word) > 3 and chance.random() < 0.25
        else word
        for word in words
    )


def joined(text: str, chance: random.Random) -> str:
    """Some spaces are lost, and some words are tags."""
    words = [f"#{word}" if word.isalpha() and chance.random() < 0.08 else word for word in text.split(" ")]
    return "".join(word + ("" if chance.random() < 0.06 else " ") for word in words).rstrip()


def masked(text: str, chance: random.Random) -> str:
    """In some words a sign stands for a letter, or a letter is drawn out."""
    words = text.split(" ")
    for i, word in enumerate(words):
        if len(word) > 3 and word.isalpha() and chance.random() < 0.15:
            at = chance.randrange(1, len(word) - 1)
            sign = chance.choice(("*", ".", "", word[at] * 3, SIGNS.get(word[at].lower(), "*")))
            words[i] = word[:at] + sign + word[at + 1 :]
    return " ".join(words)


SIGNS = {"a": "4", "e": "3", "i": "1", "o": "0", "s": "$"}
SPOILING = ((0.16, misspelt), (0.1, clipped), (0.06, joined), (0.08, masked))


def loss_of(logits: Tensor, truth: Tensor, weight: Tensor, rarity: Tensor) -> Tensor:
    """Cross entropy over the labels known of each row; the types also against each other. Unknown is -1."""
    known = (truth >= 0).float()
    each = functional.binary_cross_entropy_with_logits(logits, truth.clamp(0, 1), reduction="none") * known
    emphasis = torch.ones(logits.shape[1])
    emphasis[:2] = 3.0  # incident and incident_any
    alone = (each * emphasis * weight[:, None]).sum() / (known * emphasis).sum().clamp(1)
    typed = truth[:, TYPES].max(1).values > 0
    if not typed.any():
        return alone
    kind = truth[typed][:, TYPES].argmax(1)
    among = functional.cross_entropy(logits[typed][:, TYPES], kind, reduction="none")
    counts = weight[typed] * rarity[kind]
    return alone + 0.7 * (among * counts).mean()


def rarity_of(truth: Tensor) -> Tensor:
    """How much a text of each type counts: the rarer the more, by the square root, none over three."""
    often = (truth > 0).sum(0).clamp(1).float()
    return (often.median() / often).sqrt().clamp(0.5, 3.0)


def vocabulary(weights: Path) -> list[str]:
    """The published word pieces, by number."""
    pieces: dict[str, int] = json.loads((weights / "tokenizer.json").read_text(encoding="utf-8"))["model"][
        "vocab"
    ]
    return sorted(pieces, key=lambda piece: pieces[piece])


def pace(name: str) -> float:
    """How fast a parameter learns: the heads fastest, a layer slower the deeper it lies."""
    if name.startswith("heads"):
        return 8.0
    at = int(name.split(".")[1]) if name.startswith("layers.") else -1
    return float(DEEPER ** (LAYERS - 1 - at))


def take_step(
    loss: Tensor,
    model: nn.Module,
    optimiser: torch.optim.Optimizer,
    schedule: torch.optim.lr_scheduler.LRScheduler,
) -> None:
    optimiser.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimiser.step()
    schedule.step()


def learn(rows: list[dict[str, Any]], labels: list[str], weights: Path, rounds: int) -> Encoder:
    torch.manual_seed(SEED)
    chance = random.Random(SEED)  # noqa: S311  reproducible, not secret
    pieces = WordPieces(vocabulary(weights))
    model = published(weights, len(labels)).train()
    torch.manual_seed(SEED)  # what is drawn from here on does not hang on how many labels there are
    truth = torch.tensor([[row["truth"].get(label, -1.0) for label in labels] for row in rows])
    weight = torch.tensor([row["weight"] for row in rows])
    rarity = rarity_of(truth[:, TYPES])
    steps = rounds * math.ceil(len(rows) / BATCH)
    optimiser = torch.optim.AdamW(
        [{"params": [each], "lr": RATE * pace(name)} for name, each in model.named_parameters()],
        weight_decay=0.01,
    )
    warm = max(1, int(WARM * steps))
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda step: min((step + 1) / warm, max(0.0, (steps - step) / (steps - warm)))
    )
    start, done = time.monotonic(), 0
    for _ in range(rounds):
        ids = [pieces.numbers(roughened(row["text"], chance), LONGEST) for row in rows]
        for batch in batches([len(each) for each in ids], chance):
            tokens, mask = padded([ids[i] for i in batch])
            with torch.autocast("cpu", dtype=torch.bfloat16):
                logits = model(tokens, mask)
            loss = loss_of(logits.float(), truth[batch], weight[batch], rarity)
            take_step(loss, model, optimiser, schedule)
            done += 1
            if done % 50 == 0:
                print(
                    f"step {done} of {steps}, loss {loss.item():.3f}, {time.monotonic() - start:.0f} s",
                    file=sys.stderr,
                )
    return model.eval()


def export_encoder(model: Encoder, pieces: list[str], labels: list[str], out: Path) -> None:
    """encoder.onnx with 8-bit weights, the vocabulary, and the labels in order."""
    out.mkdir(parents=True, exist_ok=True)
    write_onnx(model, out / "encoder.onnx", answer="logits")
    (out / "vocabulary.txt").write_text("\n".join(pieces), encoding="utf-8")
    (out / "encoder.json").write_text(json.dumps({"labels": labels, "longest": LONGEST}), encoding="utf-8")


def write_onnx(model: nn.Module, path: Path, *, answer: str) -> None:
    """A model of `ids` and `mask` with 8-bit weights; `answer` names what it gives for each text."""
    sizes = {0: "texts", 1: "pieces"}
    texts = {"ids": torch.ones(2, 8, dtype=torch.int64), "mask": torch.ones(2, 8)}
    export(model, path, texts, {"ids": sizes, "mask": sizes}, answer=answer, rows="texts")


def export(
    model: nn.Module,
    path: Path,
    example: dict[str, Tensor],
    sizes: dict[str, dict[int, str]],
    *,
    answer: str,
    rows: str,
) -> None:
    """A model with 8-bit weights: what it reads by name, which of their sizes vary, and what its answer has rows of."""
    whole = path.with_suffix(".whole")
    torch.onnx.export(
        model,
        tuple(example.values()),
        str(whole),
        input_names=list(example),
        output_names=[answer],
        dynamic_axes={**sizes, answer: {0: rows}},
        opset_version=17,
        dynamo=False,
    )
    quantize_dynamic(whole, path, weight_type=QuantType.QInt8, per_channel=True)
    whole.unlink()


def main() -> None:
    rows_file, weights, out = (Path(each) for each in sys.argv[1:4])
    rounds = int(sys.argv[4]) if len(sys.argv) > 4 else ROUNDS
    lines = rows_file.read_text(encoding="utf-8").splitlines()
    labels: list[str] = json.loads(lines[0])["labels"]
    model = learn([json.loads(line) for line in lines[1:]], labels, weights, rounds)
    torch.save(model.state_dict(), out.with_suffix(".pt"))
    export_encoder(model, vocabulary(weights), labels, out)


if __name__ == "__main__":
    main()
