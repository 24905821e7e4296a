"""Packs for panels and the public as a secretary finds them: one in every state."""

from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session

from tests.triage.review.kept import CYCLE
from triage.records import Person
from triage.review.pack_records import EditionState, PackEdition, PackFile

PERIOD = timedelta(days=14)
LEFT_OUT = [
    {"case": f"GH-{case}", "what": what, "how": how, "rule": rule, "number": number}
    for case in (1, 2, 5)
    for what, how, rule, number in (
        ("place, date and tactics", "said more broadly", "a description fits at least five cases", 1),
        ("first post and its address", "left out", "nobody is identified", 1),
        ("labels", "left out", "how we work stays with us", 7),
    )
]
PLACES = [
    {"form": form, "where": f"page {page}, themes and what followed", "why": "a telephone number"}
    for form in ("pdf", "html", "docx")
    for page in range(1, 6)
]


def seed_packs(session: Session, amira: Person, tom: Person, *, now: datetime) -> None:
    """Asked for, stopped by the linter, made by oneself and by another, released, refused."""
    made: dict[str, Any] = {"made_at": now, "manifest": {"left_out": LEFT_OUT}, "manifest_sha256": "5e" * 32}
    decided: dict[str, Any] = {"decided_by": tom.username, "decided_at": now}
    panels = CYCLE.panels.panel
    longest = max(panels, key=lambda each: len(each.title))
    editions = [
        _edition(longest.name, EditionState.ASKED, amira, now),
        _edition(panels[1].name, EditionState.STOPPED, amira, now, made_at=now, stopped_by=PLACES),
        _edition(panels[2].name, EditionState.MADE, amira, now, **made),
        _edition("", EditionState.MADE, tom, now, learning="Officers say their names first.", **made),
        _edition(panels[3].name, EditionState.RELEASED, amira, now, **made, **decided),
        _edition("", EditionState.REFUSED, amira, now, why="The learning is not agreed", **made, **decided),
    ]
    session.add_all(editions)
    session.flush()
    session.add_all(
        PackFile(edition_id=each.id, form=form, sha256="ab" * 32, content=b"as it was made")
        for each in editions
        if each.state in (EditionState.MADE, EditionState.RELEASED)
        for form in ("pdf", "html", "docx")
    )
    session.commit()


def _edition(panel: str, state: EditionState, who: Person, now: datetime, **given: Any) -> PackEdition:
    return PackEdition(
        audience="panel" if panel else "public", panel=panel, since=now - PERIOD, until=now, state=state,
        asked_by=who.username, asked_at=now - timedelta(hours=2), **given,
    )  # fmt: skip
