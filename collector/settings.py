"""What each room can be set to is declared by the room; this is the ground they share, and the collector's part."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, field_validator
from pydantic_settings import NoDecode


class Section(BaseModel):
    """A part of the settings: frozen, and a misspelt name is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class HttpSettings(Section):
    """The guarded client that fetches everything. `allow` is written `host:port,host:port` in the environment."""

    allow: Annotated[tuple[str, ...], NoDecode] = ()
    contact: str = "https://github.com/golden-hour"
    connect_s: float = 10.0
    read_s: float = 10.0
    total_s: float = 20.0
    largest_bytes: int = 15_000_000
    redirects: int = 5

    @field_validator("allow", mode="before")
    @classmethod
    def _listed(cls, allow: Any) -> Any:
        if isinstance(allow, str):
            return tuple(each.strip() for each in allow.split(",") if each.strip())
        return allow


class CollectSettings(Section):
    """How sources are watched."""

    fetches_at_once: int = 8
    lease_s: int = 60
    flush_s: float = 0.05
    longest_backoff_s: int = 24 * 3600
