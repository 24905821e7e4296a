"""Tunes the published sentence encoder so that a post points where the claim it makes points.

Runs in an environment of its own, with the packages of the extra `training`:
`python classifier/training/sentences.py DATA WEIGHTS_FOLDER OUT`. Writes OUT/sentences.onnx, and OUT/half0.onnx and
half1.onnx, each tuned without the pairs of that half: with them `goldenhour claims --learn` sees every pair as new.
Same data, same seed: same weights.
"""

import random
import re
import sys
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from classifier.training.encoder import Encoder, padded, published, vocabulary, write_onnx
from classifier.training.pairs import LEARNT, Pair, half_of, known_claims, pairs
from classifier.wordpiece import WordPieces

LONGEST = 96
BATCH, ROUNDS, RATE, WARM = 24, 4, 3e-5, 10
SHARPNESS = 20.0
NEIGHBOURS = 30  # claims that look alike, from which the wrong one beside the right one is drawn
SEED = 1

Numbers = list[list[int]]


class Directions(nn.Module):
    """The encoder's mean over the pieces of a text, at length 1."""

    def __init__(self, encoder: Encoder) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        e = self.encoder
        at = torch.arange(ids.shape[1], device=ids.device)
        x = e.drop(e.norm(e.words(ids) + e.places(at) + e.kind))
        far = (1.0 - mask)[:, None, None, :] * -1e4
        for layer in e.layers:
            x = layer(x, far)
        weight = mask[:, :, None]
        return functional.normalize((x * weight).sum(1) / weight.sum(1), dim=1)


def directions(model: Directions, numbers: Numbers) -> Tensor:
    order = sorted(range(len(numbers)), key=lambda i: len(numbers[i]))
    found = torch.zeros(len(numbers), 384)
    with torch.inference_mode():
        for start in range(0, len(order), 64):
            some = order[start : start + 64]
            found[some] = model(*padded([numbers[i] for i in some]))
    return found


def tune(
    model: Directions, posts: list[Pair], claims: list[tuple[str, str, str]], read: Callable[[str], list[int]]
) -> None:
    """Each post against its claim, the other posts' claims, and one claim that looks alike for each post."""
    chance = random.Random(SEED)  # noqa: S311  reproducible, not secret
    torch.manual_seed(SEED)
    place = {claim[0]: number for number, claim in enumerate(claims)}
    said = [re.sub(r"\W+", " ", claim[1].lower()).strip() for claim in claims]
    gold = [place[min(pair.claims, key=int)] for pair in posts]
    model.eval()
    whole = directions(model, [read(f"{title}. {text}") for _, text, title in claims])
    near = (
        (directions(model, [read(pair.post) for pair in posts]) @ whole.T).topk(NEIGHBOURS).indices.tolist()
    )
    model.train()
    optimiser = torch.optim.AdamW(model.parameters(), lr=RATE, weight_decay=0.01)
    steps = ROUNDS * (len(posts) // BATCH)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda step: min(1.0, (step + 1) / WARM) * (1 - step / steps)
    )
    order = list(range(len(posts)))

    def spoken(number: int) -> list[int]:
        _, text, title = claims[number]
        return read(chance.choice((text, f"{title}. {text}", f"{title}. {text}", title)))

    for _ in range(ROUNDS):
        chance.shuffle(order)
        for start in range(0, len(order) - BATCH + 1, BATCH):
            once = {said[gold[i]]: i for i in order[start : start + BATCH]}
            some = list(once.values())
            wrong = [chance.choice([n for n in near[i] if said[n] != said[gold[i]]]) for i in some]
            with torch.autocast("cpu", dtype=torch.bfloat16):
                ours = model(*padded([read(posts[i].post) for i in some]))
                theirs = model(*padded([spoken(n) for n in [*(gold[i] for i in some), *wrong]]))
            alike = SHARPNESS * ours.float() @ theirs.float().T
            loss = functional.cross_entropy(alike, torch.arange(len(some)))
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
    model.eval()


def main() -> None:
    data, weights, out = (Path(each) for each in sys.argv[1:4])
    out.mkdir(parents=True, exist_ok=True)
    pieces = WordPieces(vocabulary(weights))
    claims, posts = known_claims(data), pairs(data, LEARNT)
    for name, without in (("half0", 0), ("half1", 1), ("sentences", None)):
        model = Directions(published(weights, 1))
        tune(
            model,
            [pair for pair in posts if half_of(pair) != without],
            claims,
            lambda text: pieces.numbers(text, LONGEST),
        )
        write_onnx(model, out / f"{name}.onnx", answer="directions")
        print(f"{name}.onnx is in {out}", file=sys.stderr)


if __name__ == "__main__":
    main()
