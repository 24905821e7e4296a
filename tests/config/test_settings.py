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


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://goldenhour:pa@planted@db.example/goldenhour",
        "postgresql://goldenhour:pa/planted@db.example/goldenhour",
        "postgresql://goldenhour:pa:planted@db.example:port/goldenhour",
        "postgresql://goldenhour:planted:5432/goldenhour",
        "postgresql://goldenhour:pa[planted@db.example:5432",
        "goldenhour:planted@db.example/goldenhour",
        "mysql://goldenhour:planted@db.example/goldenhour",
    ],
)
@pytest.mark.parametrize("name", ["GOLDENHOUR_DATABASE_URL", "GOLDENHOUR_EXERCISE__DATABASE_URL"])
def test_an_address_of_a_database_that_is_read_wrongly_is_refused_without_being_quoted(
    monkeypatch: pytest.MonkeyPatch, name: str, address: str
) -> None:
    monkeypatch.setenv(name, address)
    with pytest.raises(ConfigError, match="%40") as refused:
        read_settings()
    assert name.split("__")[0] in str(refused.value)
    assert "planted" not in str(refused.value)


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://goldenhour:pa%40ss%2Fword@db.example:5432/goldenhour?sslmode=verify-full",
        "postgresql+psycopg://goldenhour@[::1]:5432/goldenhour",
        "postgres:///goldenhour?host=/var/run/postgresql",
    ],
)
def test_an_address_of_a_database_in_any_sound_form_is_taken(
    monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.setenv("GOLDENHOUR_DATABASE_URL", address)
    assert read_settings().database_url is not None


def test_a_list_that_is_no_json_is_refused_by_name_without_being_quoted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("GOLDENHOUR_TEAMS__WORKFLOWS", "{planted")
    with pytest.raises(ConfigError, match="teams") as refused:
        read_settings()
    assert "planted" not in str(refused.value)
