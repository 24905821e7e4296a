"""What the channels beside Slack can be set to. A channel is used once its address and secret are set."""

from datetime import time
from typing import Annotated, Literal, Self

from pydantic import Field, SecretStr, field_validator, model_validator

from collector.settings import Section
from responders.channels.webhook import key_of

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,39}$")]
HERE = ("127.0.0.1", "::1", "localhost")


class MailSettings(Section):
    """E-mail over SMTP, used when `host` is set. `security` "none" is for a server on this machine only."""

    host: str = ""
    port: int = 587
    security: Literal["starttls", "tls", "none"] = "starttls"
    user: str = ""
    password: SecretStr | None = None
    sender: str = ""
    gap_s: float = Field(default=0.2, ge=0)

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.host and "@" not in self.sender:
            raise ValueError("give `sender`, the address that e-mail comes from")
        if self.security == "none" and self.host and self.host not in HERE:
            raise ValueError(
                '`security` "none" would send alerts readable by anybody on the way; use "starttls"'
            )
        return self


class NotifySettings(Section):
    """GOV.UK Notify, used when `key` is set: text messages with `sms_template`, e-mail with `email_template`."""

    key: SecretStr | None = None
    sms_template: str = ""
    email_template: str = ""
    base_url: str = "https://api.notifications.service.gov.uk"
    gap_s: float = Field(default=0.05, ge=0)

    @field_validator("key")
    @classmethod
    def _whole(cls, key: SecretStr | None) -> SecretStr | None:
        if key is not None and len(key.get_secret_value()) < 73:
            raise ValueError("give the whole key, as <name>-<service id>-<secret>")
        return key


class TeamsSettings(Section):
    """Workflows of Microsoft Teams, by a name of ours. Who knows a workflow's address can post: it is a secret."""

    workflows: dict[Name, SecretStr] = Field(default_factory=dict)
    gap_s: float = Field(default=1.0, ge=0)


class Hook(Section):
    """Where a webhook goes and what it is signed with. While `old_secret` is set both sign, so that keys can change."""

    url: SecretStr
    secret: SecretStr
    old_secret: SecretStr | None = None

    @field_validator("secret", "old_secret")
    @classmethod
    def _is_key(cls, secret: SecretStr | None) -> SecretStr | None:
        if secret is not None:
            key_of(secret.get_secret_value())
        return secret

    @property
    def keys(self) -> tuple[bytes, ...]:
        """The keys to sign with, the newest first."""
        secrets = (self.secret, self.old_secret)
        return tuple(key_of(each.get_secret_value()) for each in secrets if each is not None)


class WebhookSettings(Section):
    """Systems that are told by a signed call, by a name of ours."""

    hooks: dict[Name, Hook] = Field(default_factory=dict)
    gap_s: float = Field(default=0.2, ge=0)


class AlertSettings(Section):
    """When alerts go another way, and how it is proven that they arrive.

    Alerts as grave as `fall_back_severity` that Slack has not taken for `fall_back_minutes` are sent by their desk's
    fall-back channels. Every channel is tried at `test_at`, London time. An alert without a next step, and a message
    that is overdue, are alarms after `audit_minutes`. `watcher` is an address that is called every minute while all
    that matters is alive.
    """

    fall_back_minutes: float = Field(default=3.0, ge=0)
    fall_back_severity: int = Field(default=2, ge=1, le=5)
    timeout_s: float = Field(default=10.0, gt=0)
    settle_s: float = Field(default=10.0, ge=0)
    deadline_s: float = Field(default=60.0, ge=0)
    test_at: tuple[time, ...] = (time(7, 15), time(19, 15))
    audit_minutes: float = Field(default=5.0, gt=0)
    watcher: SecretStr | None = None
