"""What a rehearsal says, as it is kept and shown: figures, and the alerts and posts behind each."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec


class Ref(msgspec.Struct, frozen=True):
    """One alert behind a figure: its real case, if it has one, and posts of it."""

    desk: str
    rule: str
    at: datetime
    severity: int
    case: UUID | None
    number: int | None
    posts: list[UUID]


class Load(msgspec.Struct, frozen=True):
    """Alerts a day, and in the hour with the most."""

    alerts: int
    a_day: float
    peak_hour: int
    peak_at: datetime | None


class Changed(msgspec.Struct, frozen=True):
    """Alerts of one desk or rule: really raised, raised in the rehearsal, and of these gained, lost, the same."""

    really: int = 0
    then: int = 0
    kept: int = 0
    gained: int = 0
    lost: int = 0


class Shift(msgspec.Struct, frozen=True):
    """First alerts that would have come earlier or later, and by how many seconds half of them at least."""

    earlier: int
    later: int
    median_s: float


class Moved(msgspec.Struct, frozen=True):
    """Posts that another rule would have decided."""

    really: str
    then: str
    outcome_really: str
    outcome_then: str
    posts: int
    some: list[UUID]


class Rehearsed(msgspec.Struct, frozen=True):
    """Everything found. `gone` posts are no longer kept, `unknowable` alerts had only such posts; `otherwise` are
    differences that the rules in force make too: alerts they miss, and alerts that were not raised.
    """

    since: datetime
    until: datetime
    rules: str | None
    in_force: str | None
    model: str | None
    posts: int
    gone: int
    unknowable: int
    total: Changed
    missed_anyway: int
    more_anyway: int
    desks: dict[str, Changed]
    by_rule: dict[str, Changed]
    shift: Shift
    load_really: Load
    load_then: Load
    outcomes_really: dict[str, int]
    outcomes_then: dict[str, int]
    moved: list[Moved]
    moved_posts: int
    moved_anyway: int
    gained: list[Ref]
    lost: list[Ref]
    took_s: float = 0.0

    @property
    def same(self) -> bool:
        return not (self.total.gained or self.total.lost or self.moved_posts)


def as_kept(found: Rehearsed) -> dict[str, Any]:
    """As it is kept with a proposal, and printed."""
    written: dict[str, Any] = msgspec.to_builtins(found)
    return written


def read_kept(kept: Mapping[str, Any]) -> Rehearsed | None:
    """A rehearsal as it was kept; None where none was."""
    return msgspec.convert(dict(kept), Rehearsed) if kept else None
