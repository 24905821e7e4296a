"""What each room can be set to is declared by the room; this is the ground they share, and the collector's part."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator
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
    largest_file_bytes: int = 100_000_000
    file_s: float = 45.0

    @field_validator("allow", mode="before")
    @classmethod
    def _listed(cls, allow: Any) -> Any:
        if isinstance(allow, str):
            return tuple(each.strip() for each in allow.split(",") if each.strip())
        return allow


class CollectSettings(Section):
    """How sources are watched. Keys come from the environment; a kind without its key says which is missing."""

    fetches_at_once: int = 64
    visit_s: float = 24.0
    lease_s: int = 60
    flush_s: float = 0.01
    longest_backoff_s: int = 24 * 3600
    youtube_key: SecretStr | None = None
    reddit_id: SecretStr | None = None
    reddit_secret: SecretStr | None = None
    x_token: SecretStr | None = None
    threads_token: SecretStr | None = None
    mail_user: str | None = None
    mail_password: SecretStr | None = None
    quarantine: str | None = None
    timestamp_url: str | None = None
    read_captions: bool = True
    keep_files_days: int = 90
    sample_refused: int = Field(default=50, ge=0, le=200)

    def keys(self) -> dict[str, str]:
        """The credentials that are set, by name, for the kinds that ask for them."""
        secrets = {
            "youtube": self.youtube_key,
            "reddit_id": self.reddit_id,
            "reddit_secret": self.reddit_secret,
            "x": self.x_token,
            "threads": self.threads_token,
            "mail": self.mail_password,
        }
        found = {name: value.get_secret_value() for name, value in secrets.items() if value is not None}
        return found | ({"mail_user": self.mail_user} if self.mail_user else {})


class TipSettings(Section):
    """The form for the public, and the signed calls of partners.

    `open` false closes both. Between `least_s` seconds and `longest_h` hours lie between a form and its answer.
    `partners` are the secrets they sign with, by the name of their source with `_` for `-`.
    """

    open: bool = True
    an_address_an_hour: int = Field(default=20, ge=1)  # one address may be a whole mobile network
    all_an_hour: int = Field(default=1_000, ge=1)
    a_partner_a_minute: int = Field(default=60, ge=1)
    least_s: float = Field(default=3.0, ge=0)
    longest_h: float = Field(default=24.0, gt=0)
    partners: dict[str, Annotated[SecretStr, Field(min_length=32)]] = {}

    def secret_of(self, source: str) -> str | None:
        """The secret of the partner whose source this is."""
        secret = self.partners.get(source.replace("-", "_"))
        return secret.get_secret_value() if secret else None
