"""A made-up flood: one incident told thousands of times with the noise that floods have, and other incidents in it.

Each copy is a paraphrase of the same report, disguised: look-alike letters, emoji, links, tags, capitals, slips. The
others are told once each, quietly, in the words of whoever saw them.
"""

from collections.abc import Iterator
from random import Random
from typing import NamedTuple

from collector.folding import LOOKALIKES

OPENINGS = (
    "Three officers {held} a man {down} outside the bakery on Rye Lane in Peckham",
    "Outside the bakery on Rye Lane, Peckham, three officers {held} a man {down}",
    "A man was {held} {down} by three officers outside the Rye Lane bakery in Peckham",
    "Peckham, Rye Lane: three police officers {held} a man {down} by the bakery",
)
ENDINGS = (
    "he {said} they would not stop",
    "and he {said} nobody told him why",
    "while people filmed it, he {said} it hurt",
    "he {said} he had only bought bread",
)
WAYS = {
    "held": ("held", "pinned", "forced", "pushed"),
    "down": ("face down", "to the ground", "flat on the pavement", "down on the floor"),
    "said": ("said", "kept saying", "shouted", "told everyone"),
}
BEFORE = ("", "", "", "RT: ", "omg ", "look at this: ", "Disgusting. ", "LONDON: ", "so ", "wtf ")
AFTER = (
    "",
    "",
    " 😡😡😡",
    " 🚨🚨",
    " #Peckham",
    " #police #london",
    " share this",
    " https://clips.example/{n}",
    " 💔 🙏",
)
LIKE = {chr(latin): chr(letter) for letter, latin in LOOKALIKES.items() if chr(latin) in "aceopxy"}

OTHERS = (
    "My brother was just tasered by two police officers outside Walthamstow Central station, he is in hospital now",
    "Officers strip searched a 15 year old girl at a school in Croydon this morning, her mum is in bits",
    "Police car chasing a moped hit an old lady at the crossing by Ealing Broadway, ambulance is here",
    "armed police shot at a man on Green Lanes in Harringay about ten minutes ago, two bangs, road is shut",
    "Police dog bit my neighbour in handcuffs by Peckham Rye station, there was blood all over the place",
)


class Told(NamedTuple):
    """One post, by its number. `other` is that of the incident which is not the flood's, None in the flood."""

    number: int
    text: str
    other: int | None


def flood(posts: int, dice: Random) -> Iterator[Told]:
    """The flood in order, with the others spread over its middle."""
    others = {posts * (nth + 2) // (len(OTHERS) + 4): nth for nth in range(len(OTHERS))}
    for number in range(posts):
        if number in others:
            yield Told(number, OTHERS[others[number]], others[number])
        yield Told(number, copy(dice), None)


def copy(dice: Random) -> str:
    """The report in other words, disguised."""
    ways = {name: dice.choice(words) for name, words in WAYS.items()}
    said = dice.choice(OPENINGS).format(**ways)
    said += f", {dice.choice(ENDINGS).format(**ways)}" if dice.random() < 0.7 else ""
    said = _disguised(said, dice)
    return f"{dice.choice(BEFORE)}{said}{dice.choice(AFTER).format(n=dice.randrange(10_000))}"


def _disguised(said: str, dice: Random) -> str:
    how = dice.random()
    if how < 0.15:
        return "".join(LIKE.get(each, each) if dice.random() < 0.5 else each for each in said)
    if how < 0.25:
        return said.upper()
    if how < 0.35:
        return said.lower()
    if how < 0.45:
        at = dice.randrange(1, len(said) - 1)
        return said[:at] + dice.choice(("\u200b", "\u00ad", said[at])) + said[at:]
    if how < 0.55:
        words = said.split(" ")
        del words[dice.randrange(len(words))]
        return " ".join(words)
    return said
