"""The settings tree, read once at start: files under `config/`, a folder laid over them, the environment on top.

Each part is declared by the package that reads it. Secrets come from the environment or the secret file only.
"""

import hmac
import os
import re
import secrets
import tomllib
from pathlib import Path
from typing import Any

from pydantic import SecretStr, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)
from pydantic_settings.sources import InitSettingsSource

from classifier.settings import ClassifierSettings
from collector.retention import KeepSettings
from collector.settings import CollectSettings, HttpSettings, TipSettings
from config.backups.settings import BackupSettings
from config.exercise.settings import ExerciseSettings
from responders.channels.settings import (
    AlertSettings,
    MailSettings,
    NotifySettings,
    TeamsSettings,
    WebhookSettings,
)
from responders.settings import SlackSettings
from triage.settings import OidcSettings, TriageSettings, WebSettings

HERE = Path(__file__).resolve().parent
PREFIX = "GOLDENHOUR_"
# a sign of its own in the password would make the rest of it a host, and hosts are printed
DATABASE = re.compile(
    r"postgres(ql)?(\+psycopg)?://([^:/@]*(:[^/@]*)?@)?([^:/@,\[\]]*|\[[\da-fA-F:]+\])(:\d+)?/[^/@]*(\?.*)?"
)
DATABASE_AS = (
    "write it postgresql://user:password@host:5432/database, "
    "with @ : / ? # % of the password as %40 %3A %2F %3F %23 %25"
)


class ConfigError(Exception):
    """A setting or a file under `config/` is wrong; the message names file, key and reason."""


class Settings(BaseSettings):
    """Everything that can be set. docs/operating.md has a heading for each."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_nested_delimiter="__", frozen=True, extra="forbid"
    )

    production: bool = False
    data: Path = Path("var")
    config: Path | None = None
    database_url: SecretStr | None = None
    secret_file: Path | None = None
    vault_file: Path | None = None
    workers: int = 2
    log_level: str = "info"

    http: HttpSettings = HttpSettings()
    collect: CollectSettings = CollectSettings()
    tips: TipSettings = TipSettings()
    keep: KeepSettings = KeepSettings()
    classifier: ClassifierSettings = ClassifierSettings()
    triage: TriageSettings = TriageSettings()
    web: WebSettings = WebSettings()
    oidc: OidcSettings = OidcSettings()
    slack: SlackSettings = SlackSettings()
    alerts: AlertSettings = AlertSettings()
    mail: MailSettings = MailSettings()
    notify: NotifySettings = NotifySettings()
    teams: TeamsSettings = TeamsSettings()
    webhook: WebhookSettings = WebhookSettings()
    exercise: ExerciseSettings = ExerciseSettings()
    backup: BackupSettings = BackupSettings()

    @field_validator("database_url")
    @classmethod
    def _readable(cls, address: SecretStr | None) -> SecretStr | None:
        if address is not None and not DATABASE.fullmatch(address.get_secret_value()):
            raise ValueError(DATABASE_AS)
        return address

    @field_validator("exercise")
    @classmethod
    def _readable_too(cls, exercise: ExerciseSettings) -> ExerciseSettings:
        cls._readable(exercise.database_url)
        return exercise

    @classmethod
    def settings_customise_sources(  # the names are pydantic-settings' own
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        defaults = InitSettingsSource(settings_cls, init_kwargs=_read_defaults())
        return init_settings, EnvSettingsSource(settings_cls), defaults

    @property
    def address(self) -> str:
        """Where people reach the desk."""
        host = f"[{self.web.host}]" if ":" in self.web.host else self.web.host
        return self.web.base_url.rstrip("/") or f"http://{host}:{self.web.port}"

    def file(self, name: str) -> Path:
        """A file staff may edit, such as `sources.toml` or `statements/aware.md`: theirs, else ours."""
        if self.config is not None and (self.config / name).exists():
            return self.config / name
        return HERE / name

    def files(self, pattern: str) -> list[Path]:
        """All files matching a pattern such as `lexicons/*.toml`, by name, theirs replacing ours."""
        found = {path.relative_to(HERE).as_posix(): path for path in HERE.glob(pattern)}
        if self.config is not None:
            found |= {path.relative_to(self.config).as_posix(): path for path in self.config.glob(pattern)}
        return [found[name] for name in sorted(found)]

    @property
    def media(self) -> Path:
        """Where files are kept that are evidence; the same folder for every process that looks at or shows them."""
        return self.data / "media"

    @property
    def heads_file(self) -> Path:
        """Where a head of the log is kept every day."""
        return self.data / "audit" / "heads.jsonl"

    @property
    def retention(self) -> Path:
        """Where it is kept beside the database what went and which holds stand, for a restore."""
        return self.data.resolve() / "retention"

    @property
    def vault(self) -> Path:
        """The file with the keys of the vault, apart from all others: without it no author can be revealed."""
        return self.vault_file or self.data / "vault"

    def key(self, purpose: str) -> bytes:
        """32 bytes of key material for one purpose, derived from the secret file."""
        path = self.secret_file or self.data / "secret"
        return hmac.digest(_secret(path), purpose.encode(), "sha256")


def read_settings() -> Settings:
    """The settings of this process. Raises ConfigError naming what is wrong."""
    try:
        return Settings()
    except ValidationError as error:
        raise ConfigError("; ".join(_say(each) for each in error.errors())) from error
    except SettingsError as error:  # a section or a list that is not JSON; what it holds is not told
        raise ConfigError(
            f"{error}: write JSON, or one variable for each key ({PREFIX}SECTION__KEY)"
        ) from None


def unread_variables() -> list[str]:
    """Names in the environment that look like ours and that nothing reads: most likely misspelt."""
    known = {f"{PREFIX}{name}".upper() for name in Settings.model_fields}
    ours = [name for name in os.environ if name.startswith(PREFIX)]
    return sorted(name for name in ours if name.split("__")[0] not in known)


def _read_defaults() -> dict[str, Any]:
    overlay = os.environ.get(f"{PREFIX}CONFIG")
    path = HERE / "default.toml"
    if overlay and (Path(overlay) / "default.toml").exists():
        path = Path(overlay) / "default.toml"
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: {error}") from error


def _say(error: Any) -> str:
    where = "__".join(str(part) for part in error["loc"]).upper()
    return f"setting {PREFIX}{where} (or its key in default.toml): {error['msg']}"


def _secret(path: Path) -> bytes:
    if not path.exists():
        path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        try:
            made = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            return _secret(path)
        with os.fdopen(made, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(32))
    if path.stat().st_mode & 0o077:
        raise ConfigError(f"{path}: others can read this key file; run `chmod 600 {path}`")
    return path.read_bytes().strip()
