"""An OpenID provider of our own on this machine: it signs people in at once, and lies when told to."""

import hashlib
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlencode

from joserfc import jwt
from joserfc.jwk import ECKey, OctKey

from tests.doubles.interface import Asked, Interface, Said, running_interface

Key = ECKey | OctKey


@dataclass
class Provider:
    """`subject` signs in. `claims` and `header` overlay what a token says; `token` replaces it."""

    interface: Interface
    client_id: str = "desk"
    subject: str = "s-1"
    claims: dict[str, Any] = field(default_factory=dict)
    header: dict[str, Any] = field(default_factory=dict)
    token: Callable[[dict[str, Any]], str] | None = None
    signing: Key = field(default_factory=lambda: ECKey.generate_key("P-256", {"kid": "k-1"}))
    published: list[Key] = field(default_factory=list)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    @property
    def issuer(self) -> str:
        return self.interface.url

    def consent(self, address: str) -> dict[str, str]:
        """What the browser brings back after a person agreed at this address."""
        asked = {name: values[0] for name, values in parse_qs(address.split("?", 1)[1]).items()}
        assert asked["code_challenge_method"] == "S256", "no proof key"
        code = secrets.token_urlsafe(8)
        self.codes[code] = asked
        return {"code": code, "state": asked["state"]}

    def address_of(self, brought: dict[str, str]) -> str:
        return f"/sign-in/oidc/back?{urlencode(brought)}"

    def exchange(self, asked: Asked) -> Said:
        """The token endpoint: a code counts once, for whoever holds the verifier of its challenge."""
        form = {name: values[0] for name, values in parse_qs(asked.body.decode()).items()}
        begun = self.codes.pop(form.get("code", ""), None)
        if begun is None or _challenge(form.get("code_verifier", "")) != begun["code_challenge"]:
            return Said({"error": "invalid_grant"}, 400)
        assert form["redirect_uri"] == begun["redirect_uri"]
        now = int(self.now().timestamp())
        claims: dict[str, Any] = {
            "iss": self.issuer,
            "aud": self.client_id,
            "sub": self.subject,
            "nonce": begun["nonce"],
        }
        claims |= {"iat": now, "exp": now + 300, "email": "shared@force.example", **self.claims}
        claims = {name: value for name, value in claims.items() if value is not None}
        return Said({"id_token": self.token(claims) if self.token else self.signed(claims)})

    def signed(self, claims: dict[str, Any]) -> str:
        header = {"alg": "ES256", "kid": self.signing.kid}
        return jwt.encode(header | self.header, claims, self.signing)

    def keys(self, _asked: Asked) -> Said:
        return Said(
            {
                "keys": [
                    key.as_dict(private=isinstance(key, OctKey)) for key in self.published or [self.signing]
                ]
            }
        )


@contextmanager
def provider() -> Iterator[Provider]:
    with running_interface() as door:
        made = Provider(door)
        door.says(
            "/.well-known/openid-configuration",
            {
                "issuer": door.url,
                "authorization_endpoint": f"{door.url}/authorize",
                "token_endpoint": f"{door.url}/token",
                "jwks_uri": f"{door.url}/keys",
            },
        )
        door.answers |= {"/token": made.exchange, "/keys": made.keys}
        yield made


def _challenge(verifier: str) -> str:
    return urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
