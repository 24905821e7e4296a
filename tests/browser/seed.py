"""A busy night in an invented city: cases, posts, clocks, alerts and drafts, all written for these tests."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import NamedTuple
from uuid import UUID, uuid4

from sqlmodel import Session

from collector.records import Grade, Post, SourceRow, Tally, minute_of
from tests.make import make_assessment, make_case, make_post
from triage import people
from triage.records import (
    Alert,
    AlertState,
    Case,
    Clock,
    Delivery,
    DeliveryState,
    Desk,
    Heartbeat,
    LogEntry,
    Membership,
    Person,
    Review,
    ReviewItem,
    Routing,
    Statement,
    Status,
)

PASSWORD = "three calm lamps"


class Told(NamedTuple):
    """One invented case: what it is, the words of its first post, and the words in them that raise it."""

    title: str
    place: str
    borough: str
    bcu: str
    type: str
    severity: int
    text: str
    signals: Sequence[tuple[str, str]]
    posts: int
    minutes: int
    status: str = "detected"


NIGHT = (
    Told(
        "Person unresponsive after restraint",
        "Brixton Road",
        "Lambeth",
        "AS",
        "death_or_firearms",
        1,
        "They had him face down on Brixton Road and he was not breathing. Knee on his neck the whole time, "
        "people shouting at them to get off. Ambulance only just here.",
        (
            ("not breathing", "reports that someone is not breathing"),
            ("Knee on his neck", "names a restraint at the neck"),
        ),
        412,
        3,
    ),
    Told(
        "Shots heard during armed stop",
        "Seven Sisters Road",
        "Haringey",
        "NA",
        "death_or_firearms",
        1,
        "Armed police stopped a car on Seven Sisters Road, two shots fired, whole road closed.",
        (("Armed police", "names armed officers"), ("two shots fired", "reports a police shooting")),
        96,
        17,
        "confirmed",
    ),
    Told(
        "Use of force on a school pupil",
        "Walthamstow Market",
        "Waltham Forest",
        "NE",
        "use_of_force",
        2,
        "Just watched officers take a lad in school uniform to the ground at Walthamstow Market. They cuffed him, "
        "he's 12 his friend keeps saying.",
        (
            ("take a lad in school uniform to the ground", "reports someone taken to the ground"),
            ("cuffed him", "reports handcuffs"),
            ("he's 12", "says a child is involved"),
        ),
        38,
        12,
    ),
    Told(
        "Taser used in a flat above shops",
        "Rye Lane",
        "Southwark",
        "AS",
        "use_of_force",
        2,
        "Taser going off twice above the shops on Rye Lane, man screaming he can't see.",
        (("Taser going off twice", "reports Taser fired"),),
        61,
        29,
        "triaged",
    ),
    Told(
        "Strip search of a girl alleged",
        "Hackney Central",
        "Hackney",
        "CE",
        "stop_search",
        2,
        "My neighbour's daughter says they strip searched her at the station, no adult there, she is 15.",
        (
            ("strip searched her", "alleges a strip search"),
            ("no adult there", "says no appropriate adult was present"),
            ("she is 15", "says a child is involved"),
        ),
        17,
        40,
        "confirmed",
    ),
    Told(
        "Police van and cyclist collide",
        "Old Kent Road",
        "Southwark",
        "AS",
        "pursuit_collision",
        2,
        "Police van on blues hit a cyclist by the Old Kent Road Tesco, rider not moving much.",
        (
            ("hit a cyclist", "reports a collision with a police vehicle"),
            ("not moving much", "suggests serious injury"),
        ),
        44,
        9,
    ),
    Told(
        "Stop and search outside the station",
        "Ilford Station",
        "Redbridge",
        "EA",
        "stop_search",
        3,
        "Six of them round one kid outside Ilford Station, searched him for nothing again, no reason given.",
        (
            ("searched him for nothing", "reports a stop and search"),
            ("no reason given", "says no grounds were given"),
        ),
        12,
        35,
    ),
    Told(
        "Dog bite during an arrest",
        "Harlesden High Street",
        "Brent",
        "NW",
        "use_of_force",
        3,
        "police dog still hanging off his arm after he was on the floor, harlesden high street",
        (("police dog still hanging off his arm", "reports a police dog used"),),
        21,
        75,
        "triaged",
    ),
    Told(
        "Batons drawn at a street party",
        "Notting Hill Gate",
        "Kensington and Chelsea",
        "AW",
        "use_of_force",
        3,
        "Batons out at the corner by Notting Hill Gate. Was a party until ten minutes ago.",
        (("Batons out", "names batons"),),
        33,
        44,
    ),
    Told(
        "Driver pulled from car",
        "Uxbridge Road",
        "Ealing",
        "WA",
        "use_of_force",
        3,
        "They smashed his window and dragged him out on Uxbridge Road, kids were in the back.",
        (("dragged him out", "reports force"), ("kids were in the back", "says children were there")),
        19,
        160,
        "triaged",
    ),
    Told(
        "Pursuit ends in garden wall",
        "Purley Way",
        "Croydon",
        "SN",
        "pursuit_collision",
        3,
        "Chase finished in someone's front wall off Purley Way, three police cars, one on its side.",
        (("Chase finished", "reports a pursuit"),),
        27,
        150,
        "triaged",
    ),
    Told(
        "Handcuffed during a welfare visit",
        "Kingston town centre",
        "Kingston upon Thames",
        "SW",
        "use_of_force",
        3,
        "Called them because my brother was unwell. He ended up in cuffs on the pavement in Kingston.",
        (("in cuffs on the pavement", "reports handcuffs"),),
        8,
        170,
        "watch",
    ),
    Told(
        "Officer hit by thrown bottle",
        "Leicester Square",
        "Westminster",
        "AW",
        "officer_harmed",
        3,
        "Officer got a bottle to the head at Leicester Square, carried out by her mates.",
        (("bottle to the head", "reports an officer hurt"),),
        15,
        63,
        "confirmed",
    ),
    Told(
        "Repeated searches of one group",
        "Wood Green",
        "Haringey",
        "NA",
        "stop_search",
        3,
        "Third time this week they stop the same boys in Wood Green. Same officers too.",
        (("stop the same boys", "reports a stop and search"),),
        9,
        64,
    ),
    Told(
        "Spit hood used on the night bus",
        "Lewisham",
        "Lewisham",
        "SE",
        "use_of_force",
        3,
        "put a bag over her head on the night bus in lewisham, she was crying",
        (("a bag over her head", "describes a spit guard"),),
        31,
        21,
    ),
    Told(
        "Stop of a delivery rider",
        "Camden High Street",
        "Camden",
        "CN",
        "stop_search",
        4,
        "Delivery rider stopped and searched on Camden High Street, food everywhere.",
        (("stopped and searched", "reports a stop and search"),),
        4,
        180,
    ),
    Told(
        "Arrest outside a match",
        "Wembley Park",
        "Brent",
        "NW",
        "arrest_detention",
        4,
        "Couple of arrests outside Wembley Park after the match, nothing heavy.",
        (("arrests outside", "reports an arrest"),),
        6,
        420,
    ),
    Told(
        "Raised voices at a traffic stop",
        "A13, Barking",
        "Barking and Dagenham",
        "EA",
        "other_encounter",
        4,
        "Argument between a driver and traffic police on the A13, he's filming them.",
        (("traffic police", "names police"),),
        3,
        260,
    ),
    Told(
        "Old clip shared again as new",
        "Oxford Circus",
        "Westminster",
        "AW",
        "use_of_force",
        4,
        "LOOK what they did at Oxford Circus today!! (this is the clip from two years ago isn't it)",
        (
            ("what they did at Oxford Circus", "places it"),
            ("clip from two years ago", "says the clip is old"),
        ),
        140,
        70,
        "watch",
    ),
    Told(
        "Search of a home at dawn",
        "Tottenham Hale",
        "Haringey",
        "NA",
        "other_encounter",
        4,
        "Door went in at 5 this morning in Tottenham Hale. Wrong flat, they say now.",
        (("Door went in", "reports a forced entry"), ("Wrong flat", "alleges a mistake")),
        11,
        350,
    ),
    Told(
        "Queue moved on outside a club",
        "Vauxhall",
        "Lambeth",
        "AS",
        "other_encounter",
        4,
        "Police moving everyone on outside the arches in Vauxhall.",
        (("Police moving everyone on", "names police"),),
        2,
        500,
    ),
    Told(
        "Held for an hour at the gate",
        "Stratford",
        "Newham",
        "NE",
        "arrest_detention",
        4,
        "Held us an hour at the gate in Stratford and then just let us go.",
        (("Held us an hour", "reports detention"),),
        5,
        610,
    ),
    Told(
        "Complaint about a rude call",
        "Bromley",
        "Bromley",
        "SN",
        "officer_conduct",
        4,
        "Rang them twice from Bromley, could not have been ruder.",
        (("Rang them twice", "reports a call"),),
        1,
        700,
    ),
    Told(
        "Search of a bag at the ferry",
        "Woolwich",
        "Greenwich",
        "SE",
        "stop_search",
        4,
        "Bag searched at the Woolwich ferry, all polite, on my way in five minutes.",
        (("Bag searched", "reports a search"),),
        1,
        800,
    ),
)

CLOCKS = {
    1: (
        ("acknowledge", "comms", 5),
        ("chair_told", "oversight", 15),
        ("first_line", "comms", 15),
        ("line_issued", "comms", 60),
        ("bwv_preserved", "oversight", 1440),
    ),
    2: (
        ("acknowledge", "comms", 15),
        ("first_line", "comms", 45),
        ("line_issued", "comms", 120),
        ("bwv_preserved", "oversight", 1440),
    ),
    3: (
        ("acknowledge", "comms", 60),
        ("first_line", "comms", 240),
        ("supervisor_account", "oversight", 4320),
    ),
    4: (("acknowledge", "comms", 1080),),
}
PLATFORMS = ("bluesky", "mastodon", "feed")


class Seeded(NamedTuple):
    """Who is there to sign in, and the cases, gravest first as in NIGHT."""

    officer: Person
    secretary: Person
    cases: list[Case]


@cache
def password_hash() -> str:
    """Made once: it is slow on purpose."""
    return people.digest_password(PASSWORD)


def seed_people(session: Session, *, now: datetime) -> tuple[Person, Person]:
    """Two people with the same password: a comms officer and the oversight secretary."""
    made = (
        Person(
            username="amira",
            name="Amira K.",
            desks=["comms", "oversight"],
            created_at=now,
            password_hash=password_hash(),
        ),
        Person(
            username="tom", name="Tom B.", desks=["oversight"], created_at=now, password_hash=password_hash()
        ),
    )
    session.add_all(made)
    session.commit()
    return made


def seed_watch(session: Session, *, now: datetime, blind: bool = False) -> None:
    """Sources and parts that are alive; with `blind`, one source that has failed for forty minutes."""
    for number, name in enumerate(("hackney-herald", "lambeth-eye", "mastodon-london", "bluesky")):
        lost = blind and name == "mastodon-london"
        session.add(
            SourceRow(
                name=name,
                kind="feed",
                url=f"https://news.example/{name}",
                every_s=180,
                grade=Grade.B,
                boroughs=["Hackney", "Lambeth"][number : number + 1],
                basis="written for tests",
                due_at=now,
                last_success_at=now - timedelta(minutes=40 if lost else 1),
                failures=9 if lost else 0,
                error="the server does not answer" if lost else None,
            )
        )
        for minutes in (2, 30, 600):
            session.add(
                Tally(
                    source=name,
                    minute=minute_of(now - timedelta(minutes=minutes)),
                    seen=400,
                    stored=12,
                    known=8,
                    dropped=380,
                )
            )
    for part in ("web", "schedule", "listen", "work-1", "work-2"):
        session.add(Heartbeat(part=part, host="desk-1", pid=100, beat_at=now))
    session.commit()


def seed_night(
    session: Session, officer: Person, other: Person, *, now: datetime, cases: int = 24
) -> list[Case]:
    """The cases of NIGHT with all that hangs on them."""
    made = [_seed_case(session, told, now=now) for told in NIGHT[:cases]]
    session.commit()
    for at, holder in (
        (1, other),
        (3, officer),
        (4, other),
        (7, officer),
        (9, other),
        (10, other),
        (12, officer),
    ):
        if at < len(made):
            made[at].claimed_by, made[at].claimed_until = holder.id, now + timedelta(minutes=7 + at)
    meeting = Review(meets_at=now + timedelta(days=6), created_at=now)
    session.add(meeting)
    session.flush()
    for each in made[:6]:
        session.add(
            ReviewItem(case_id=each.id, review_id=meeting.id, because="force is reported", listed_at=now)
        )
    _seed_dropped(session, now=now)
    session.commit()
    for each in made:
        session.refresh(each)
    return made


def seed(session: Session, *, now: datetime) -> Seeded:
    """Everything: people, sources, a full night."""
    officer, secretary = seed_people(session, now=now)
    seed_watch(session, now=now, blind=True)
    return Seeded(officer, secretary, seed_night(session, officer, secretary, now=now))


def _seed_case(session: Session, told: Told, *, now: datetime) -> Case:
    opened = now - timedelta(minutes=told.minutes)
    case = make_case(
        title=told.title,
        place=told.place,
        borough=told.borough,
        bcu=told.bcu,
        type=told.type,
        severity=told.severity,
        severity_parts={
            "harm": 5 - told.severity,
            "conduct": 2.0,
            "reach": 1.0,
            "score": 0.61,
            "triggers": [told.signals[0][0]] if told.severity == 1 else [],
        },
        incident=0.93 - told.severity / 10,
        force="met" if told.severity < 4 else "unknown",
        status=Status(told.status),
        desks=["comms", "oversight"] if told.severity < 4 else ["comms"],
        opened_at=opened,
        first_published_at=opened - timedelta(minutes=3),
        last_post_at=now - timedelta(minutes=told.minutes // 6),
        post_count=told.posts,
        source_count=min(told.posts, 3),
    )
    session.add(case)
    session.flush()
    _seed_posts(session, case, told, now=now)
    _seed_clocks(session, case, told, opened)
    _seed_alerts(session, case, told, opened, now)
    if told.severity < 4:
        session.add(_draft(case, told, opened))
    session.add(
        LogEntry(
            at=opened,
            case_id=case.id,
            who="golden hour",
            what="case opened",
            why="rule: force reported, Met likely",
        )
    )
    return case


def _seed_posts(session: Session, case: Case, told: Told, *, now: datetime) -> None:
    for number in range(min(told.posts, 14)):
        late = told.minutes * (number / 14) ** 0.5
        text = told.text if number % 3 else f"{told.text}{' Please share.' * (number // 3)}"
        post = make_post(
            text,
            platform=PLATFORMS[number % 3],
            source="bluesky",
            has_video=number == 0,
            author_key=bytes([number % 9]) * 8,
            url=f"https://social.example/posts/{uuid4().hex}",
            collected_at=now,
            published_at=now - timedelta(minutes=told.minutes + 3 - late),
        )
        session.add(post)
        session.add(
            Membership(
                post_id=post.id,
                case_id=case.id,
                sure=not (number and number == min(told.posts, 14) - 1 and told.severity < 3),
                score=0.82,
                how="same words" if number else "opened the case",
                joined_at=now,
            )
        )
        session.add(_assessment(post, told, now=now))
        session.add(_routing(post, case.id, now))


def _assessment(post: Post, told: Told, *, now: datetime) -> object:
    return make_assessment(
        post,
        at=now,
        incident=0.9 - told.severity / 20,
        severity=1 - told.severity / 5,
        type=told.type,
        unverified=0.7 if told.severity == 1 else 0.1,
        signals=[_signal(told.text, words, why) for words, why in told.signals],
        places=[{"text": told.place, "name": told.place, "borough": told.borough, "bcu": told.bcu, "p": 0.9}],
    )


def _signal(text: str, words: str, why: str) -> dict[str, object]:
    start = text.index(words)
    return {"name": "force", "score": 0.8, "start": start, "end": start + len(words), "because": why}


def _seed_clocks(session: Session, case: Case, told: Told, opened: datetime) -> None:
    for name, desk, minutes in CLOCKS[told.severity]:
        done = told.status != "detected" and name == "acknowledge"
        stopped = opened + timedelta(minutes=3) if done else None
        session.add(
            Clock(
                case_id=case.id,
                name=name,
                desk=Desk(desk),
                started_at=opened,
                due_at=opened + timedelta(minutes=minutes),
                stopped_at=stopped,
                stopped_by="tom" if done else None,
            )
        )


def _seed_alerts(session: Session, case: Case, told: Told, opened: datetime, now: datetime) -> None:
    for desk in case.desks:
        done = told.status != "detected"
        alert = Alert(
            case_id=case.id,
            desk=Desk(desk),
            priority="critical" if told.severity == 1 else "high",
            rule="force reported",
            raised_at=opened,
            state=AlertState.ACKNOWLEDGED if done else AlertState.OPEN,
            acknowledged_at=opened + timedelta(minutes=3) if done else None,
        )
        session.add(alert)
        session.flush()
        state = DeliveryState.FAILED if told.severity == 4 and told.posts == 140 else DeliveryState.DELIVERED
        session.add(
            Delivery(
                alert_id=alert.id,
                channel="slack:#golden-hour",
                state=state,
                due_at=opened,
                attempts=1,
                delivered_at=opened if state == "delivered" else None,
                error="channel_not_found" if state == "failed" else None,
            )
        )


def _draft(case: Case, told: Told, opened: datetime) -> Statement:
    return Statement(
        case_id=case.id,
        template="aware",
        drafted_at=opened,
        missing=["time of the encounter", "body-worn video reviewed"],
        text=f"We are aware of posts about an incident said to have happened at {told.place}, {told.borough}.\n\n"
        "We are establishing the facts and will say more when we can confirm them. If you saw what happened, "
        "please call 101.\n\nNext update: within the hour.",
        facts=[{"fact": "place", "value": told.place, "source": f"{told.posts} posts"}],
    )


def _routing(post: Post, case_id: UUID | None, now: datetime, rule: str = "force reported") -> Routing:
    outcome = "raised" if case_id else "dropped"
    return Routing(
        post_id=post.id,
        at=now,
        model="test-1",
        rule=rule,
        outcome=outcome,
        because="reports force by officers of the Met" if case_id else "reads as fiction",
        case_id=case_id,
    )


def _seed_dropped(session: Session, *, now: datetime) -> None:
    for number in range(7):
        post = make_post(
            f"New episode tonight: the police chase of series {number}, what a stunt",
            url=f"https://social.example/tv/{number}",
        )
        session.add(post)
        session.add(make_assessment(post, incident=0.08, severity=0.0, type="none"))
        session.add(_routing(post, None, now, rule="fiction"))
