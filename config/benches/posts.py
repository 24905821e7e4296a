"""Made-up posts for measuring: they speak of police, most report no incident, some do, some repeat each other."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random

from collector.batch import Item

PLACES = (
    "Rye Lane", "Mare Street", "Lewisham Way", "Kingsland Road", "Brixton Hill", "Walworth Road", "Upper Street",
    "Tooting Broadway", "Green Lanes", "Peckham Road", "Holloway Road", "Coldharbour Lane", "Barking Road",
    "Uxbridge Road", "Romford Road", "Harrow Road", "Wood Green High Road", "Croydon High Street",
)  # fmt: skip
AREAS = (
    "Peckham",
    "Hackney",
    "Lewisham",
    "Brixton",
    "Tottenham",
    "Croydon",
    "Ealing",
    "Newham",
    "Camden",
    "Barnet",
)
WHO = (
    "my cousin",
    "a lad I know",
    "some bloke",
    "a schoolboy",
    "my neighbour",
    "a delivery rider",
    "an older man",
)
WHEN = (
    "just now",
    "this morning",
    "last night",
    "an hour ago",
    "on my way home",
    "around half nine",
    "at lunch",
)
TAILS = (
    "no idea why", "traffic is mad", "people were filming", "make of it what you will", "felt off to be honest",
    "hope everyone is alright", "never seen that before", "kids were watching", "shops all shut", "buses diverted",
    "and nobody explained anything", "asking for a friend", "told my mum about it", "not the first time either",
)  # fmt: skip
NOTHING = (
    "The police federation asks for {number} percent more pay, heard it {when} on the radio, {tail}",
    "Watched that police drama again, episode {number}, filmed near {place} I think, {tail}",
    "The police commissioner spoke about budgets for {number} minutes {when}, {tail}",
    "New police station opening hours for {area} from the {number}th, read them {when}, {tail}",
    "{who} passed the police fitness test at attempt {number}, so proud, celebrating in {area}, {tail}",
    "Police say bike theft in {area} is down {number} percent, read it {when}, {tail}",
    "Police podcast episode {number} is about paperwork, {who} listened to it in {area}, {tail}",
    "New police uniforms cost {number} pounds each, says a paper I read {when}, {tail}",
    "Reading a crime novel with a police inspector from {area}, page {number}, {tail}",
    "Council wants {number} more police community officers for {area} by spring, {tail}",
    "Applied to the police as a data analyst in {area}, {number} people want the job, {tail}",
    "Quiz question {number}: which band was called The Police? {who} knew, {tail}",
)
INCIDENTS = (
    "Police stopped and searched {who} on {place} {when}, handcuffed him for {number} minutes, {tail}",
    "{number} officers pinned {who} to the ground on {place} {when}, he kept saying he could not breathe, {tail}",
    "Officers tasered {who} outside number {number} on {place}, {area} {when}, {tail}",
    "Police car hit {who} on {place} in {area} during a chase {when}, {number} people saw it, {tail}",
)
ECHOES = ("omg ", "look at this: ", "RT ", "shared without comment: ", "still thinking about this. ", "")

INCIDENT_SHARE, ECHO_SHARE = 0.05, 0.10


def made_up(count: int, *, now: datetime, seed: int = 7) -> Iterator[Item]:
    """That many posts over the last hour, the same for the same seed. About one in ten repeats an earlier one."""
    dice = Random(seed)
    told: list[str] = []
    start = now - timedelta(hours=1)
    for number in range(count):
        text = dice.choice(ECHOES) + dice.choice(told) if told and dice.random() < ECHO_SHARE else _tell(dice)
        told.append(text)
        yield Item(
            external_id=f"made-up/{seed}/{number}",
            platform="bench",
            text=text,
            payload=text.encode(),
            url=f"https://posts.example/{seed}/{number}",
            published_at=start + timedelta(seconds=3600 * number / count),
            author=f"writer-{dice.randrange(count)}",
            lang="en",
        )


def _tell(dice: Random) -> str:
    shape = dice.choice(INCIDENTS if dice.random() < INCIDENT_SHARE else NOTHING)
    said = shape.format(
        number=dice.randrange(2, 90),
        place=dice.choice(PLACES),
        area=dice.choice(AREAS),
        who=dice.choice(WHO),
        when=dice.choice(WHEN),
        tail=dice.choice(TAILS),
    )
    return f"{said[0].upper()}{said[1:]} ({dice.randrange(100_000)})"
