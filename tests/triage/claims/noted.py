"""Claims, and posts that may make them, as the tests of claims want them."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlmodel import Session, select, text

from classifier.claims import Claim, Claims, Match
from collector.records import Post, PostKey
from tests.make import NOON, make_assessment, make_post
from triage import claims, deciding
from triage.claim_forget import forget_claims
from triage.claim_records import ClaimState, KnownClaim
from triage.claim_types import Notice
from triage.records import Case, LogEntry, Membership, Person

LATER = NOON + timedelta(minutes=5)
CLAIM = "The man who was stopped on Rye Lane died in the van on the way to Peckham police station"
QUIET = Notice()


def post_in(session: Session, case: Case | None, words: str, **given: Any) -> Post:
    assessed = {key: given.pop(key) for key in ("claim", "labels", "force") if key in given}
    post = make_post(words, **given)
    session.add_all([post, make_assessment(post, **assessed)])
    session.add(PostKey(id=post.id, collected_at=post.collected_at))
    if case is not None:
        session.add(Membership(post_id=post.id, case_id=case.id, how="new", joined_at=NOON))
    session.commit()
    return post


def noted(session: Session, case: Case, who: Person, words: str = CLAIM, **given: Any) -> KnownClaim:
    claim = claims.note_claim(session, case.id, words=words, who=who, now=NOON, **given)
    session.commit()
    return claim


def number(claim: KnownClaim) -> int:
    assert claim.number is not None
    return claim.number


def jobs(session: Session, task: str) -> list[dict[str, Any]]:
    asked = text("SELECT args FROM procrastinate_jobs WHERE task_name = :task ORDER BY id")
    return list(session.scalars(asked, {"task": task}))


def lines(session: Session) -> list[str]:
    return [each.what for each in session.exec(select(LogEntry).order_by(LogEntry.seq))]  # type: ignore[arg-type]


def decided(session: Session, claim: KnownClaim, state: ClaimState, who: Person, **given: Any) -> Any:
    given = {"why": "Asked DPS", "evidence": ["DPS log 12", " "], "now": NOON, **given}
    made = deciding.decide(session, number(claim), state, QUIET, who=who, **given)
    session.commit()
    return made


def withdrawn(session: Session, post: Post) -> None:
    post.text, post.withdrawn_at = "", NOON
    session.commit()
    forget_claims(session, [post.id], now=LATER)
    session.commit()


class Repeats(Claims):
    """Stands in for the encoder: a post makes the claim whose first word it holds, as surely as it says."""

    def __init__(self, known: Sequence[Claim]) -> None:
        self.known = list(known)
        self.built: list[int] = []

    def nearest(self, posts: Sequence[str], top: int = 5) -> list[list[Match]]:
        found = []
        for post in posts:
            alike = 0.95 if "exactly" in post else 0.6 if "perhaps" in post else 0.1
            found.append([Match(each.id, 0.99, "shares words", alike) for each in self.known][:top])
        return found
