"""What triage and the desk can be set to."""

from datetime import timedelta
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator

from collector.settings import Section


class TriageSettings(Section):
    """A claim holds for `claim_minutes`. A post joins a case by itself from `join_above` on, is suggested from
    `suggest_above` on, and only suggested when the case was last told of more than `window_days` ago
    (triage/similarity.py says how likely).
    """

    claim_minutes: int = Field(default=20, ge=1, le=24 * 60)
    join_above: float = 0.45
    suggest_above: float = 0.25
    window_days: int = 14

    @property
    def lease(self) -> timedelta:
        return timedelta(minutes=self.claim_minutes)


class WebSettings(Section):
    """Where the desk listens. `base_url` is the address people reach it at, when that is another one. What is wrong
    is looked up anew when a page was last shown it more than `banners_s` ago. Who has `metrics_token` may scrape.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    base_url: str = ""
    session_hours: int = 12
    idle_minutes: int = 60
    secure_cookies: bool = False
    banners_s: float = Field(default=0.0, ge=0.0, le=10.0)
    metrics_token: SecretStr | None = Field(default=None, min_length=32)


class OidcSettings(Section):
    """Signing in with accounts people have at work, where `issuer` is set. `name` is what the button calls them;
    with `only` no password signs in any more, a one-time link still does.
    """

    issuer: str = ""
    client_id: str = ""
    client_secret: SecretStr | None = None
    name: str = "work account"
    only: bool = False

    @field_validator("issuer")
    @classmethod
    def _private(cls, issuer: str) -> str:
        parts = urlsplit(issuer)
        here = parts.hostname in ("127.0.0.1", "localhost", "::1")
        if issuer and (not parts.hostname or parts.scheme != "https") and not here:
            raise ValueError("give the https address the provider calls itself by")
        return issuer
