"""The queue `claims`: which posts make a known claim, and the words to search posts by. Its encoder is loaded with the
first claim, not before.
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from uuid import UUID

from sqlmodel import Session

from classifier.claims import Claim, Claims
from classifier.versions import SHIPPED
from config.service import House, Task
from triage.claim_jobs import look_back
from triage.claim_matching import Library, match_claims
from triage.claim_types import read_guide
from triage.searching import keep_words


def tasks(house: House) -> dict[str, Task]:
    settings = house.settings
    matching = read_guide(settings.file("claims.toml")).match
    folder = Path(settings.classifier.model) if settings.classifier.model else SHIPPED
    library = Library(partial(_build, folder=folder))

    def match(posts: list[str]) -> None:
        with Session(house.engine) as session:
            match_claims(session, [UUID(each) for each in posts], library, matching, now=house.clock())
            session.commit()

    def look_for(claim: str) -> None:
        with Session(house.engine) as session:
            look_back(session, UUID(claim), matching, now=house.clock())
            session.commit()

    def keep(posts: list[str]) -> None:
        with Session(house.engine) as session:
            keep_words(session, [UUID(each) for each in posts])
            session.commit()

    return {
        "match_claims": Task(match, each="posts"),
        "look_for_claim": Task(look_for),
        "keep_words": Task(keep, each="posts"),
    }


def _build(claims: Sequence[Claim], folder: Path) -> Claims:
    return Claims.of(claims, folder)
