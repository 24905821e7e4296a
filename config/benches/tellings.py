"""Made-up posts in which the same incident is told several times over, copied with noise, between chatter."""

from collections.abc import Iterator
from random import Random

FIRST = (
    "Al", "Bar", "Cam", "Den", "East", "Fern", "Glen", "Har", "Ing", "Jes", "Kel", "Lang", "Mor", "Nor", "Oak",
    "Pen", "Quar", "Row", "Sal", "Thor", "Up", "Ver", "Wal", "Yor",
)  # fmt: skip
SECOND = (
    "bridge", "bury", "combe", "croft", "den", "field", "ford", "gate", "ham", "hurst", "land", "ley", "mere",
    "more", "side", "stead", "ton", "well", "wick", "wood",
)  # fmt: skip
WAYS = (
    "Road",
    "Lane",
    "Street",
    "Hill",
    "Green",
    "Park",
    "Avenue",
    "Gardens",
    "Market",
    "Station",
    "Broadway",
)
WHO = (
    "a delivery rider", "two teenagers", "a man with a dog", "a cyclist", "a woman with a pram", "a bus driver",
    "three schoolboys", "an older man", "a street trader", "a student",
)  # fmt: skip
DEEDS = (
    "held face down", "put in handcuffs", "searched against a wall", "sprayed in the eyes", "pulled off a bike",
    "tasered twice", "dragged from a car", "pinned by four officers", "bitten by a police dog", "knocked over",
)  # fmt: skip
DETAILS = (
    "his phone was smashed", "she kept asking why", "shopping all over the pavement", "people shouting to stop",
    "an ambulance came later", "the whole bus was filming", "he said he could not feel his arm",
    "they let everyone go after", "one shoe in the gutter", "a crowd of about fifty",
)  # fmt: skip
TELLINGS = (
    "Just saw {who} {deed} by police on {place}, {detail}",
    "Police on {place}: {who} {deed}. {detail}, anyone know what happened?",
    "{place} right now, {who} {deed}, {detail}",
    "Video from {place}: officers, {who} {deed}, and {detail}",
    "Witnesses say {who} was {deed} by officers on {place} and {detail}",
)
TAILS = ("", "😡😡", "disgraceful", "#london", "https://t.example/{number}", "share this", "RT if you saw it")
SAID = (
    "late again", "good coffee", "rain all day", "lovely pub garden", "bins not collected", "football tonight",
    "the kids are tired", "my knee hurts", "queue at the bakery", "buses diverted", "free piano", "new haircut",
    "broken lift", "wet socks", "choir practice", "fox in the yard", "lost a glove", "quiz night", "slow train",
    "rent going up", "tomato plants", "no signal", "noisy drill", "spilt tea", "street fair", "long shift",
)  # fmt: skip
CHATTER = (
    "Police helicopter over {place} for {number} minutes, {one}, {two}",
    "{one} and {two} near {place}, officers chatting by the van",
    "{two}. The new {name} police drama has {number} episodes and {one}",
    "Roadworks on {place} until the {number}th, police cones, {one}, {two}",
    "{one}, then {two}, then a police horse on {place}",
    "Handed a purse in at {name} police station, {one}, {two}",
)
RUNNING = 60  # incidents talked about at one time


def tell(posts: int, rng: Random) -> Iterator[tuple[str, int]]:
    """Texts with the number of the incident each is about; nothing else has its number."""
    running: list[tuple[int, dict[str, str], str]] = []
    for number in range(posts):
        chance = rng.random()
        if chance < 0.55:
            yield _chat(rng), number
        elif chance < 0.62 or len(running) < 3:
            yield _begin(number, running, rng), number
        else:
            incident, facts, last = rng.choice(running)
            told = last if rng.random() < 0.4 else rng.choice(TELLINGS).format(**facts)
            yield f"{told} {rng.choice(TAILS).format(number=number)}".strip(), incident


def _chat(rng: Random) -> str:
    one, two = rng.sample(SAID, 2)
    number = rng.randrange(900)
    return rng.choice(CHATTER).format(place=_place(rng), name=_word(rng), number=number, one=one, two=two)


def _begin(number: int, running: list[tuple[int, dict[str, str], str]], rng: Random) -> str:
    facts = {
        "who": rng.choice(WHO),
        "deed": rng.choice(DEEDS),
        "detail": rng.choice(DETAILS),
        "place": _place(rng),
    }
    told = rng.choice(TELLINGS).format(**facts)
    running.append((number, facts, told))
    if len(running) > RUNNING:
        running.pop(0)
    return told


def _word(rng: Random) -> str:
    return rng.choice(FIRST) + rng.choice(SECOND) + rng.choice(("", "", "s", "er"))


def _place(rng: Random) -> str:
    return f"{_word(rng)} {rng.choice(WAYS)}"
