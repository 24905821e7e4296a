"""What the service can say of itself, from the files: purposes, agreements, how long each class of data stays."""

from collections.abc import Sequence

from collector.agreements import Agreement, read_agreements
from config.settings import Settings
from triage.accountability.known import Known
from triage.accountability.purposes import read_purposes


def known_of(settings: Settings) -> Known:
    """Raises ValueError with file, key and reason."""
    purposes = read_purposes(settings.file("policy/purposes.toml"))

    def agreements() -> Sequence[Agreement]:
        return read_agreements(settings.file("agreements.toml"))

    return Known(purposes, agreements)
