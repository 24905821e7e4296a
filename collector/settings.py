"""What each room can be set to is declared by the room; this is the ground they share, and the collector's part."""

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A part of the settings: frozen, and a misspelt name is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class HttpSettings(Section):
    """The guarded client that fetches everything."""

    allow: tuple[str, ...] = ()
    contact: str = "https://github.com/golden-hour"
    connect_s: float = 10.0
    read_s: float = 10.0
    total_s: float = 20.0
    largest_bytes: int = 15_000_000
    redirects: int = 5


class CollectSettings(Section):
    """How sources are watched."""

    fetches_at_once: int = 8
    lease_s: int = 60
    flush_s: float = 0.05
    longest_backoff_s: int = 24 * 3600
