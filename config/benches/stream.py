"""A made-up day of a London keyword stream: what the prefilter lets in, one in twenty a report of an encounter.

Every text is put together from our own phrases and unlike every other. The kinds come about as often as in real
streams of police words: opinion and politics most, then sport, fiction and figures of speech, traffic, forces' own
posts, crime by others, court and history.
"""

from collections.abc import Iterator
from itertools import count
from random import Random
from typing import NamedTuple

from config.benches.posts import AREAS, PLACES


class Kind(NamedTuple):
    """Posts of one kind: how many in a hundred, and how they are told."""

    share: int
    tellings: tuple[str, ...]


INCIDENTS = Kind(
    5,
    (
        "police have just stopped and searched {who} on {place} for the second time this week, no reason given",
        "two officers had {who} on the floor outside {shop} on {place}, knee in his back, he kept saying get off me",
        "Man tasered by police on {place} in {area} {when}, he fell straight onto the kerb",
        "feds jumped out on {who} by {shop} in {area}, cuffs on before anyone said a word",
        "{who} got arrested on {place} {when} for filming the police. Filming. That is it",
        "A man has died after being restrained by officers in {area}, the watchdog is investigating",
        "Police car chasing a moped went into {who} on {place} {when}, they are both in hospital",
        "my {kin} got pulled over in {area} again, car searched, nothing found, not even an apology from the officers",
        "Watching six police hold one lad down near {shop}, {area}. He is about fourteen",
        "Officers sprayed {who} in the face at the {area} march {when}, people pouring milk over his eyes",
    ),
)

OTHERS = (
    Kind(
        28,
        (
            "we do not need more police we need youth clubs, {area} has lost {number} of them since I was a kid",
            "The police budget goes up {number} million and still nobody comes when your bike is stolen",
            "Genuine question, why do politicians say defund the police when they mean fund everything else as well",
            "Body cameras will not change police culture, leadership will. Said so {when} and got shouted at",
            "Not all police officers are bad, my {kin} is one, but you cannot keep ignoring the reports",
            "the Met police commissioner should resign, {number} weeks of this and not one straight answer",
            "Every party promises {number} thousand more police. None says who will train them",
            "Stop and search powers are being debated {when}, I would rather they debated housing",
            "People trusting the police depends on who you are and where you live, {area} or {other}",
            "How is it that police unions get a bigger say than the people of {area}",
            "if police stopped bothering kids for standing around they would have time for burglaries",
            "The police federation wants {number} percent more. Nurses want it too, funny who gets heard",
            "I would rather have one police officer who knows {area} than {number} who do not",
            "Police and crime commissioner candidates answered {number} questions {when} and none of mine",
            "My {kin} says the police were better in the old days, my {kin} says that about everything",
            "You can support the police and still want them checked. That is not a contradiction",
            "Nobody joins the police for the money, read the pay scales, page {number}",
            "half of the police accounts on here are run by someone in marketing I swear",
            "Ask anyone in {area} what they want from the police and you get {number} answers",
        ),
    ),
    Kind(
        30,
        (
            "@{name} lol so you think the police are going to care about that",
            "@{name} the cops would never, come on, be serious",
            "@{name} @{name2} that is not what the officer said though is it",
            "ok officer whatever you say @{name}",
            "Acting like the tone police again @{name}, let people talk",
            "@{name} call the police then, see what happens",
            "imagine explaining this to a police officer @{name}",
            "@{name} exactly, and the police knew the whole time",
        ),
    ),
    Kind(
        7,
        (
            "The grammar police will arrest me for this but {number} is fewer not less",
            "My {kin} is the food police, one biscuit and I get a lecture",
            "Fashion police on {place} {when}, those shoes are a crime",
            "{who} stole my heart and now I am calling the cops",
            "That bassline should be illegal, somebody handcuff the DJ at {shop}",
            "I was arrested by the view from {place}, honestly stop and look up",
            "this new single is a murder scene, officers please, {number} plays already",
            "my cat patrols {place} like a police officer on overtime",
        ),
    ),
    Kind(
        8,
        (
            "Watched {number} episodes of that police drama, the detective from {area} did it, calling it now",
            "The Police at the O2, {number} pounds a ticket, but Every Breath You Take live",
            "new cop film is set in {area} and not one person in it sounds like they are from {area}",
            "Chapter {number}: the inspector shot the lights and ran. Writing a police thriller is hard",
            "Nobody plays a tired police officer like her, give that series its award",
            "In the game you are a police officer and do {number} hours of paperwork, so good",
            "Casting call: {number} police extras for a night shoot on {place}, uniforms provided",
        ),
    ),
    Kind(
        4,
        (
            "The ref policed that badly, {number} yellow cards and {area} still lost",
            "Great stop from the keeper, stopped and searched for the far post all day. {area} 1-0",
            "Police escort for the team bus to {area}, you would think they had won something",
            "Defence arrested in their own half, {number} shots against, sack everybody",
            "Extra police at the derby {when}, allow an hour from {place}",
            "police officer turned boxer from {area} wins on points, {number} rounds",
        ),
    ),
    Kind(
        10,
        (
            "Officers from our {area} team were at {shop} {when} to mark bikes. {number} marked, come and say hello",
            "Police are asking for help to find {who}, missing from {area} since {when}. Call 101 quoting {number}",
            "Our police cadets in {area} are recruiting, {number} places left for those aged 13 to 17",
            "PC {surname} and PC {surname2} on patrol around {place} {when}, reassuring residents",
            "Have you seen this stolen van? Taken from {place} {when}, contact police with reference {number}",
            "Beware of callers who say they are police officers and ask for your bank card",
            "Meet your local police at {shop}, {area}, every month on the {number}th",
            "Officers gave out {number} bike lights at {shop} {when}. Be seen, {area}",
        ),
    ),
    Kind(
        4,
        (
            "{place} closed both ways, police at the scene of a burst water main, buses diverted by {number} minutes",
            "Accident on {place} towards {area}, police and ambulance there, avoid",
            "Anyone know why there is a police helicopter over {area}? Been up there {number} minutes",
            "Police cordon at {place} {when}, says gas leak, they are sending everyone round by {shop}",
            "so many sirens in {area} tonight, three police cars and a fire engine went past {shop}",
            "A police horse on {place} {when}, my {kin} is made up",
        ),
    ),
    Kind(
        4,
        (
            "{who} was stabbed on {place} {when}, police are looking for two lads on bikes",
            "Burgled again. Police gave me a number and that is that, {number} days and nothing",
            "police say {number} phones were snatched around {place} last week, keep yours in your pocket",
            "Gang of {number} robbed {shop} in {area}, police arrived an hour later",
            "Somebody shot at a car in {area} {when}, nobody hurt, police want witnesses",
            "My {kin} got scammed by a man who said he was police, {number} pounds gone",
            "Fight outside {shop} on {place}, broken up before the police came",
        ),
    ),
    Kind(
        2,
        (
            "Former police officer from {area} sentenced to {number} months for selling data, court hears",
            "On this day in 1985 police raided a house in {other}, read the thread by our history group",
            "Inquest into a death in police custody in {number} years ago opens {when}, family want answers",
            "Three police officers face misconduct hearing over messages, {number} pages of them",
            "The watchdog cleared the officer in the {area} case, report of {number} pages is out",
        ),
    ),
    Kind(
        1,
        (
            "Vegas police shoot man at casino, {number} witnesses, video on US news",
            "Minneapolis officers on trial, day {number}, the defence rests {when}",
            "Police in Paris fired tear gas at the march {when}, my {kin} lives there",
            "Delhi police detained students again, {number} of them says the paper",
        ),
    ),
    Kind(
        3,
        (
            "Police auction of bikes and phones, {number} lots, viewing on {place} {when}",
            "Become a police call handler in {area}, starting on {number} thousand, apply by {when}",
            "Solicitor in {area}: know your rights if the police stop you, free leaflet of {number} pages",
            "Fancy dress hire on {place}: police, nurse, pirate, from {number} pounds",
            "Criminology at {area} college, study police powers and youth justice, {number} places",
        ),
    ),
)
WHO = (
    "a delivery rider", "my neighbour", "a schoolboy", "a young mum", "this lad", "a bus driver", "some man",
    "a girl of 15", "the guy from the barber's", "an old boy", "a student", "a street trader", "two brothers",
)  # fmt: skip
KIN = ("mum", "brother", "cousin", "uncle", "nan", "sister", "flatmate", "dad", "best mate", "boss")
SHOPS = (
    "the chicken shop", "Lidl", "the bakery", "the tube station", "the mosque", "the library", "Greggs", "the market",
)  # fmt: skip
WHEN = (
    "today",
    "this morning",
    "last night",
    "just now",
    "on Saturday",
    "after work",
    "yesterday",
    "at lunch",
)
OTHER = ("Kensington", "Leeds", "Surrey", "Glasgow", "Kent", "Richmond", "Bristol", "Essex")
FIRST = ("kay", "dre", "nad", "lou", "ish", "bex", "tom", "zee", "mo", "fi")
SURNAMES = ("Marlow", "Okafor", "Pryce", "Sandhu", "Teller", "Whitcombe", "Ashdown", "Lindqvist")
TWICE = 0.2  # posts that say two things
OPENERS = ("", "", "", "", "", "ngl ", "honestly ", "Thread. ", "So ", "omg ", "update: ", "Hot take: ")
TAILS = (
    "", "", "", ". Make of it what you will", " smh", " 😂", " 🙄🙄", ". Been saying this for years", " https://t.example/{number}",
    ". Who is with me", " #london", " #{tag}", ", long day", ". And it is only Tuesday", " and that is the truth",
    ". Anyone else?", " https://news.example/{number}/{tag}", ". No further questions", " lol", " fr",
)  # fmt: skip


def natural(number: int, *, seed: int = 11) -> list[str]:
    """That many posts, no two alike, the same for the same seed."""
    told: dict[str, None] = {}
    stream = tell(Random(seed))
    while len(told) < number:
        told[next(stream)[0]] = None
    return list(told)


def tell(dice: Random) -> Iterator[tuple[str, bool]]:
    """Posts without end, and whether each reports an encounter; every twentieth does."""
    kinds, shares = OTHERS, [kind.share for kind in OTHERS]
    for at in count():
        kind = INCIDENTS if at % 20 == 7 else dice.choices(kinds, shares)[0]
        telling = dice.choice(kind.tellings)
        if dice.random() < TWICE:
            telling = f"{telling}. {dice.choice(kind.tellings)}"
        yield _written(telling, dice), kind is INCIDENTS


def _written(telling: str, dice: Random) -> str:
    area = dice.choice(AREAS)
    said = f"{dice.choice(OPENERS)}{telling}{dice.choice(TAILS)}".format(
        number=dice.randrange(2, 9_000),
        place=dice.choice(PLACES),
        area=area,
        other=dice.choice(OTHER),
        who=dice.choice(WHO),
        kin=dice.choice(KIN),
        shop=dice.choice(SHOPS),
        when=dice.choice(WHEN),
        tag=f"{area}{dice.randrange(90)}".lower(),
        name=f"{dice.choice(FIRST)}{dice.randrange(9_000)}",
        name2=f"{dice.choice(FIRST)}_{dice.randrange(9_000)}",
        surname=dice.choice(SURNAMES),
        surname2=dice.choice(SURNAMES),
    )
    return said.lower() if dice.random() < 0.3 else said[0].upper() + said[1:]
