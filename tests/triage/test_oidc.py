"""What a provider says of who somebody is: believed only when it is signed, for us, and for this very attempt."""

from base64 import urlsafe_b64encode
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from joserfc.jwk import ECKey, OctKey
from pydantic import ValidationError

from tests.doubles.interface import Said
from tests.doubles.provider import Provider as Lying
from tests.doubles.provider import provider as running_provider
from triage.oidc import Identity, OidcError, Provider
from triage.settings import OidcSettings


class Ahead:
    """A clock that a test can move."""

    ahead = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


@pytest.fixture
def theirs() -> Iterator[Lying]:
    with running_provider() as made:
        yield made


@pytest.fixture
def clock() -> Ahead:
    return Ahead()


@pytest.fixture
def ours(theirs: Lying, clock: Ahead) -> Provider:
    settings = OidcSettings(issuer=theirs.issuer, client_id="desk")
    return Provider(settings, back="https://desk.example/sign-in/oidc/back", now=clock)


def vouched(ours: Provider, theirs: Lying) -> Identity:
    """Begin, agree, and come back."""
    address, begun = ours.begin()
    return ours.finish(theirs.consent(address)["code"], begun)


def test_who_somebody_is_is_issuer_and_subject(ours: Provider, theirs: Lying) -> None:
    theirs.claims = {"aud": ["desk"], "azp": "desk"}
    assert vouched(ours, theirs) == Identity(theirs.issuer, "s-1")


def test_a_code_is_worth_nothing_without_the_proof_key_it_began_with(ours: Provider, theirs: Lying) -> None:
    address, _ = ours.begin()
    _, another = ours.begin()
    with pytest.raises(OidcError, match="400"):
        ours.finish(theirs.consent(address)["code"], another)


@pytest.mark.parametrize(
    ("claims", "why"),
    [
        ({"aud": "another-application"}, "aud"),
        ({"aud": ["another", "third"]}, "aud"),
        ({"aud": ["desk", "another"]}, "another application"),
        ({"azp": "another-application"}, "another application"),
        ({"iss": "https://elsewhere.example"}, "iss"),
        ({"iss": None}, "iss"),
        ({"nonce": "of-another-attempt"}, "nonce"),
        ({"nonce": None}, "nonce"),
        ({"sub": None}, "sub"),
        ({"sub": ""}, "sub"),
        ({"sub": 7}, "sub"),
        ({"sub": "x" * 256}, "subject"),
        ({"exp": None}, "exp"),
        ({"exp": 1_000_000_000}, "expired"),
        ({"exp": "soon"}, "exp"),
        ({"iat": None}, "iat"),
        ({"nbf": 4_000_000_000}, "not yet valid"),
    ],
)
def test_a_token_that_is_not_for_this_sign_in_is_refused_and_the_reason_said(
    ours: Provider, theirs: Lying, claims: dict[str, Any], why: str
) -> None:
    theirs.claims = claims
    with pytest.raises(OidcError, match=why):
        vouched(ours, theirs)


def unsigned(claims: dict[str, Any]) -> str:
    parts = ({"alg": "none", "typ": "JWT"}, claims)
    return ".".join(urlsafe_b64encode(msgspec.json.encode(each)).decode().rstrip("=") for each in parts) + "."


def test_a_token_without_a_signature_is_refused(ours: Provider, theirs: Lying) -> None:
    theirs.token = unsigned
    with pytest.raises(OidcError, match="not signed by the provider"):
        vouched(ours, theirs)


def test_a_key_swapped_for_another_of_the_same_name_is_refused(ours: Provider, theirs: Lying) -> None:
    theirs.published = [theirs.signing]
    theirs.signing = ECKey.generate_key("P-256", {"kid": "k-1"})
    with pytest.raises(OidcError, match="not signed by the provider"):
        vouched(ours, theirs)


def test_a_token_signed_with_a_shared_secret_is_refused_even_when_the_provider_publishes_it(
    ours: Provider, theirs: Lying
) -> None:
    theirs.signing = OctKey.generate_key(256, {"kid": "k-1"})
    theirs.header = {"alg": "HS256"}
    with pytest.raises(OidcError, match="not signed by the provider"):
        vouched(ours, theirs)


def test_a_provider_that_changed_its_keys_is_asked_for_them_again_but_not_at_every_token(
    ours: Provider, theirs: Lying, clock: Ahead
) -> None:
    theirs.claims = {"exp": 4_000_000_000}
    vouched(ours, theirs)
    theirs.signing = ECKey.generate_key("P-256", {"kid": "k-2"})
    clock.ahead = timedelta(minutes=2)
    assert vouched(ours, theirs).subject == "s-1"
    asked = keys_asked(theirs)
    theirs.published, theirs.signing = [theirs.signing], ECKey.generate_key("P-256", {"kid": "k-3"})
    for _ in range(4):
        with pytest.raises(OidcError):
            vouched(ours, theirs)
    assert keys_asked(theirs) == asked


def keys_asked(theirs: Lying) -> int:
    return sum(each.path == "/keys" for each in theirs.interface.log)


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/token", Said({"error": "server"}, 500)),
        ("/token", Said(b"<html>not json", 200)),
        ("/token", Said([1, 2], 200)),
        ("/token", Said({"access_token": "x"}, 200)),
        ("/token", Said(b"{" + b" " * 300_000, 200)),
        ("/token", Said({}, 302, {"Location": "http://127.0.0.1:1/"})),
        ("/keys", Said({"keys": "none"}, 200)),
        ("/keys", Said({}, 200)),
        ("/.well-known/openid-configuration", Said({"issuer": "https://elsewhere.example"}, 200)),
        ("/.well-known/openid-configuration", Said(b"", 404)),
    ],
)
def test_a_provider_that_is_ill_is_said_to_be(ours: Provider, theirs: Lying, path: str, said: Said) -> None:
    theirs.interface.answers[path] = lambda _asked: said
    with pytest.raises(OidcError):
        vouched(ours, theirs)


def test_a_provider_that_is_away_is_said_to_be() -> None:
    away = OidcSettings(issuer="http://127.0.0.1:1", client_id="desk")
    with pytest.raises(OidcError, match="cannot be reached"):
        Provider(away, back="https://desk.example", now=lambda: datetime.now(UTC)).begin()


@pytest.mark.parametrize("issuer", ["http://login.example", "login.example/v2", "ftp://login.example"])
def test_a_provider_over_plain_http_is_refused_before_anything_starts(issuer: str) -> None:
    with pytest.raises(ValidationError, match="https"):
        OidcSettings(issuer=issuer)
