"""Partners that are set up by half are told of, because nothing they send would be taken."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from collector.settings import TipSettings
from config.settings import Settings
from config.watches import unmatched_partners

PARTNER = '[[source]]\nname = "borough-watch"\nkind = "tip"\ngrade = "C"\nbasis = "sent under an agreement"\n'
FORM = PARTNER.replace("borough-watch", "tip-form")


@pytest.mark.parametrize(
    ("sources", "secrets", "said"),
    [
        (FORM, [], []),
        (FORM + PARTNER, ["borough_watch"], []),
        (
            FORM + PARTNER,
            [],
            ["source borough-watch: it has no secret, set GOLDENHOUR_TIPS__PARTNERS__BOROUGH_WATCH"],
        ),
        (FORM, ["bus_co"], ["GOLDENHOUR_TIPS__PARTNERS__BUS_CO: no source of kind tip has this name"]),
    ],
)
def test_a_partner_needs_a_source_and_a_secret(
    tmp_path: Path, sources: str, secrets: list[str], said: list[str]
) -> None:
    (tmp_path / "sources.toml").write_text(sources, encoding="utf-8")
    tips = TipSettings(partners={name: SecretStr("x" * 32) for name in secrets})
    assert unmatched_partners(Settings(config=tmp_path, tips=tips)) == said
