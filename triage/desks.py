"""The desks and where each is told, read from a file."""

import re
import tomllib
from datetime import datetime
from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from triage.escalation_ladder import Quiet
from triage.notification_records import ChannelKind
from triage.records import Desk, Severity

MAILBOX, NAME = r"[^@\s<>,;]+@[^@\s<>,;]+\.[^@\s<>,;.]+", r"[a-z][a-z0-9_-]{0,39}"
ADDRESSES = {
    ChannelKind.EMAIL: MAILBOX,
    ChannelKind.NOTIFY_EMAIL: MAILBOX,
    ChannelKind.SMS: r"\+?[0-9][0-9 ]{6,19}",
    ChannelKind.TEAMS: NAME,
    ChannelKind.WEBHOOK: NAME,
}


class DesksError(ValueError):
    """The desks cannot be read; the message names file, desk, key and reason."""


class FallBack(BaseModel):
    """Where a desk is told when Slack does not take its alerts: an e-mail address, a phone number, or the name of a
    workflow of Teams or of a webhook."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: ChannelKind
    address: Annotated[str, Field(min_length=1, max_length=200)]

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.kind not in ADDRESSES:
            raise ValueError(f"kind: write one of {', '.join(ADDRESSES)}")
        if not re.fullmatch(ADDRESSES[self.kind], self.address):
            raise ValueError(f"address: this is none for {self.kind}")
        return self


class ChannelQuiet(Quiet):
    """Quiet hours of a desk's own channel: an alert of this severity, or a less grave one, waits there."""

    severity: Severity

    def due(self, severity: int, at: datetime) -> datetime:
        """When an alert raised at this moment is told in the channel."""
        return self.hold(at) if severity >= self.severity else at


class DeskPost(BaseModel):
    """Where one desk is reached. `channel` is a Slack channel's name or id, empty for none; it is `quiet` through some
    hours of what is not grave."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Desk
    title: Annotated[str, Field(min_length=1, max_length=60)]
    channel: Annotated[str, Field(pattern=r"^(#?[a-z0-9_-]{1,80}|[CGD][A-Z0-9]{6,20})?$")] = ""
    quiet: ChannelQuiet | None = None
    fall_back: tuple[FallBack, ...] = ()


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    desk: tuple[DeskPost, ...]


def read_desks(path: Path) -> dict[Desk, DeskPost]:
    """Every desk by name. Raises DesksError, also when one is missing or there twice."""
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
        read = _File.model_validate(raw)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise DesksError(f"{path}: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise DesksError(f"{path}: {where}: {first['msg']}") from error
    desks = {each.name: each for each in read.desk}
    missing = [desk for desk in Desk if desk not in desks]
    if missing or len(desks) != len(read.desk):
        what = f"desk {missing[0].value!r} is missing" if missing else "a desk is there twice"
        raise DesksError(f"{path}: {what}")
    return desks
