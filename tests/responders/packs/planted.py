"""Made-up identifiers of many kinds, planted all over the material of cases. None of them is anybody's."""

from random import Random
from typing import NamedTuple

from sqlmodel import Session

from tests.make import NOON, make_assessment, make_case, make_person, make_post
from triage.claim_records import KnownClaim, Question
from triage.log import Line, note
from triage.records import Case, Membership
from triage.review.finding_records import Finding, Referral, ReferralBody
from triage.review.meeting_records import Review, ReviewItem
from triage.review.pack_records import SheetEntry
from triage.statement_records import CaseFact, Statement, StatementIssue
from triage.track_records import BodyWornVideo, Prompt

KINDS = ("phone", "email", "handle", "post", "postcode", "street", "vehicle", "officer", "reference", "name")
EACH = 30
LETTERS = "ABDEFGHJLNPQRSTUWXY"
GIVEN = ("Aisha", "Callum", "Imran", "Charlotte", "Kwame", "Fatima", "Gareth", "Hannah", "Jamal", "Isabella")
FAMILY = ("Penhallow", "Okonjwe", "Ravensdal", "Tuffrey", "Adeyinde", "Brackwell", "Quillfeather", "Mostyne")
STREETS = ("Marlpit", "Quennell", "Thornwick", "Bramblecote", "Larkhurst", "Osterley Old", "Vintry")


CODE = "POOR-COMMUNICATION"
CONCERN = "People ask why nobody explained what was happening."


class Planted(NamedTuple):
    kind: str
    words: str


def identifiers(seed: int = 7) -> list[Planted]:
    """Thirty of each kind."""
    dice = Random(seed)
    made = [Planted(kind, _made(kind, number, dice)) for number in range(EACH) for kind in KINDS]
    assert len({each.words for each in made}) == len(made) == 300
    return made


def _made(kind: str, number: int, dice: Random) -> str:
    digits = f"{dice.randrange(10**6):06}"
    letters = "".join(dice.choice(LETTERS) for _ in range(3))
    name = f"{dice.choice(GIVEN)} {FAMILY[number % len(FAMILY)]}{chr(97 + number // len(FAMILY))}"
    return {
        "phone": f"07700 9{digits[:2]} {number:03}" if number % 2 else f"+44 20 7946 {number:04}",
        "email": f"person.{letters.lower()}{number}@mail.example",
        "handle": f"@witness_{letters.lower()}{number}",
        "post": f"https://social.example/@{letters.lower()}/posts/{digits}{number}",
        "postcode": f"SE{number % 28 + 1} {number % 9 + 1}{dice.choice('ABDEFGH')}{dice.choice('ABDEFGH')}",
        "street": f"{number + 11} {STREETS[number % len(STREETS)]} {('Road', 'Street', 'Lane')[number % 3]}",
        "vehicle": f"{letters[:2]}{number + 20} {letters}",
        "officer": f"PC {number + 1100}{letters[:2]}",
        "reference": f"CAD {number + 4000}/14JUL26",
        "name": name,
    }[kind]


def plant(session: Session, words: list[str]) -> list[Case]:
    """Six cases of one unit on the list of one meeting, with the words in every place that takes text."""
    cases = [
        make_case(
            borough="Lambeth", bcu="AS", place=each, title=f"Use of force · {each}", severity=3, post_count=1
        )
        for each in words[:6]
    ]
    review = Review(meets_at=NOON, created_at=NOON)
    session.add_all([*cases, review, *(make_person(name=each) for each in words[:12])])
    session.flush()
    for number, case in enumerate(cases):
        mine = words[number::6]
        session.add_all(_rows(case, review, mine, " and then ".join(mine)))
        post = make_post(text=" / ".join(mine), url=mine[0], published_at=NOON, platform="mastodon")
        session.add_all([post, Membership(post_id=post.id, case_id=case.id, how="alone", joined_at=NOON)])
        signal = {
            "name": "tactic",
            "score": 0.8,
            "start": 0,
            "end": 7,
            "because": "speaks of a tactic: tasered",
        }
        session.add(
            make_assessment(post, signals=[signal], labels={"has_video": 0.9, "tactic:ced_fired": 0.9})
        )
        note(session, [Line("noted", case.id, each, {"said": each}) for each in mine], who=mine[0], now=NOON)
    session.commit()
    return cases


def _rows(case: Case, review: Review, mine: list[str], told: str) -> list[object]:
    line = Statement(
        case_id=case.id, template="aware", title=mine[0], text=told, drafted_at=NOON, number=None
    )
    return [
        ReviewItem(case_id=case.id, review_id=review.id, because=told, listed_at=NOON),
        *(
            SheetEntry(
                case_id=case.id, name=name, words=told, source=mine[1], entered_by=mine[2], entered_at=NOON,
                panel_words=CONCERN if name == "community_concern" else None,
            )
            for name in ("unit", "supervisor_account", "community_concern", "contact", "policy_questions", "asked")
        ),
        SheetEntry(
            case_id=case.id, name="tactics", choices=["CED (Taser)"], source=mine[0], entered_by="sam", entered_at=NOON
        ),
        SheetEntry(
            case_id=case.id, name="age_band", choices=["18 to 34"], source=mine[0], entered_by="sam", entered_at=NOON
        ),
        CaseFact(
            case_id=case.id, name="place", value=told, source=mine[0], noted_by="sam", noted_at=NOON, verified_by="ann",
            verified_at=NOON,
        ),
        BodyWornVideo(
            case_id=case.id, exists="yes", reference=mine[3], activated=mine[4], changed_at=NOON,
            viewings=[{"role": mine[5], "at": NOON.isoformat()}], encounter_s=600,
        ),
        KnownClaim(
            case_id=case.id, text=told, title=mine[6], noted_at=NOON, noted_by=mine[0], changed_at=NOON
        ),
        Question(case_id=case.id, text=told, answer=told, asked_at=NOON, asked_by=mine[0]),
        Prompt(case_id=case.id, name="apology", raised_at=NOON, because=told, why=told, answer="Given"),
        line,
        StatementIssue(
            statement_id=line.id, case_id=case.id, version=1, variant="long", place=mine[7], recipients=told,
            link=mine[8], at=NOON, entered_by=mine[0], entered_at=NOON,
        ),
        Finding(
            case_id=case.id, review_id=review.id, code=CODE, says={CODE: "Poor communication"},
            decision=told, why=told, went_well=told, dissent=[{"post": mine[0], "words": told}], entered_by=mine[0],
            entered_at=NOON,
        ),
        Referral(
            case_id=case.id, body=ReferralBody.DPS, by_post=mine[9], made_on=NOON.date(), reference=mine[10],
            entered_by=mine[0], entered_at=NOON,
        ),
    ]  # fmt: skip
