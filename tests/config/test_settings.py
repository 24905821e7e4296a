"""The settings tree: what the environment says, and what it may not."""

import pytest

from config.settings import ConfigError, read_settings, unread_variables


def test_allowed_hosts_are_written_with_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOLDENHOUR_HTTP__ALLOW", "127.0.0.1:8080, feeds.internal:443,")
    assert read_settings().http.allow == ("127.0.0.1:8080", "feeds.internal:443")


def test_a_misspelt_nested_setting_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOLDENHOUR_WEB__PROT", "8001")
    with pytest.raises(ConfigError, match="GOLDENHOUR_WEB__PROT"):
        read_settings()


def test_a_misspelt_setting_is_listed_as_read_by_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOLDENHOUR_DATEBASE_URL", "postgresql://elsewhere")
    assert unread_variables() == ["GOLDENHOUR_DATEBASE_URL"]


def test_a_value_of_the_wrong_kind_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOLDENHOUR_WEB__PORT", "eighty")
    with pytest.raises(ConfigError, match="GOLDENHOUR_WEB__PORT"):
        read_settings()
