"""Drafts as JSON lines: a text with what is known beside it, and for measuring and learning its one fault."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import msgspec

from config.cli import Complaint
from config.lines import records
from triage.checking_context import VARIANTS, Claimed, Context
from triage.checking_facts import Fact
from triage.checking_proof import FAULTS, Lesson

FLAGS = tuple(name for name, kind in Context.__annotations__.items() if kind is bool)
SAID = "the command"  # who vouches for facts that are given with a text


class About(msgspec.Struct, forbid_unknown_fields=True):
    """What is known beside a text (triage/checking_context.py). `facts` are verified, by name."""

    text: str = ""
    id: Any = None
    facts: dict[str, str] | None = None
    variant: str = "long"
    headline: str = ""
    home: tuple[str, ...] = ()
    earlier: tuple[str, ...] = ()
    claims: tuple[dict[str, str], ...] = ()
    flags: tuple[str, ...] = ()
    cleared: tuple[str, ...] = ()
    now: datetime | None = None
    expires_at: datetime | None = None


class Draft(About):
    """A draft to measure the checker with: its fault, empty for a clean one, and the words that hold it."""

    fault: str = ""
    planted: str = ""


Known = TypeVar("Known", bound=About)


def read_lines(stream: BinaryIO, kind: type[Known]) -> Iterator[Known]:
    for each in records(stream, kind):
        if each is None:
            raise Complaint("a line is no JSON object with a text and what is known beside it")
        yield each


def context_of(about: About) -> Context:
    for name in about.flags:
        if name not in FLAGS:
            raise Complaint(f"flags: {name!r} is none of {', '.join(FLAGS)}")
    if about.variant not in (*VARIANTS, "answer"):
        raise Complaint(f"variant: {about.variant!r} is none of {', '.join(VARIANTS)}, answer")
    seen = datetime.now(UTC)
    given = None if about.facts is None else about.facts.items()
    flags: dict[str, Any] = dict.fromkeys(about.flags, True)
    return Context(
        now=about.now,
        facts=None if given is None else tuple(Fact(name, value, SAID, SAID, seen) for name, value in given),
        variant=about.variant,
        headline=about.headline,
        home=about.home,
        earlier=about.earlier,
        claims=tuple(
            Claimed(each.get("words", ""), each.get("state", "unverified")) for each in about.claims
        ),
        expires_at=about.expires_at,
        cleared=frozenset(about.cleared),
    )._replace(**flags)


def read_drafts(stream: BinaryIO) -> Iterator[Draft]:
    """Drafts to learn from or to measure with. Raises Complaint naming the draft and what is wrong with it."""
    for draft in read_lines(stream, Draft):
        if draft.planted not in draft.text:
            raise Complaint(f"draft {draft.id!r}: `planted` is not in its text; copy the words from it")
        if draft.fault and draft.fault not in FAULTS:
            raise Complaint(
                f"draft {draft.id!r}: fault {draft.fault!r} is none of {', '.join(sorted(FAULTS))}"
            )
        yield draft


def read_lessons(path: Path) -> list[Lesson]:
    """The drafts of a file, to learn from. Raises Complaint."""
    with path.open("rb") as stream:
        return [Lesson(each.text, context_of(each), each.fault, each.planted) for each in read_drafts(stream)]
