"""Signing in with the accounts people have at work: OpenID Connect, the code flow with PKCE, at one provider.

Who somebody is is told by issuer and subject alone, as they stand in a signed token made for us and for this very
attempt; never by an e-mail address or a name, which may be given to somebody else tomorrow.
"""

import hashlib
import secrets
import threading
from base64 import urlsafe_b64encode
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from urllib.parse import urlencode

import httpx
import msgspec
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from sqlmodel import Session, col, select

from triage.log import Line, note
from triage.records import Person
from triage.settings import OidcSettings

ALGORITHMS = [
    "RS256",
    "PS256",
    "ES256",
]  # signed with the provider's own key: `none` and shared secrets are not
LEEWAY_S = 60  # how far two clocks may be apart
KEYS_AGAIN = timedelta(minutes=1)  # between two looks for a key that was not there
TIMEOUT_S = 5.0
LARGEST = 256 * 1024


class OidcError(Exception):
    """The provider did not vouch for anyone; the reason is for the log, and holds nothing of a person."""


class Begun(msgspec.Struct, frozen=True):
    """What a browser must bring back from the provider, and what proves to it that we asked."""

    state: str
    nonce: str
    verifier: str
    next: str = ""
    connect: bool = False  # to an account that is signed in


class Identity(NamedTuple):
    """Who the provider vouches for."""

    issuer: str
    subject: str


class Provider:
    """One OpenID provider, asked for its addresses and keys when they are first needed. For several threads."""

    def __init__(self, settings: OidcSettings, *, back: str, now: Callable[[], datetime]) -> None:
        self.name, self.only = settings.name, settings.only
        self._settings, self._back, self._now = settings, back, now
        self._guard = threading.Lock()
        self._addresses: dict[str, str] = {}
        self._keys: KeySet | None = None
        self._asked_at: datetime | None = None

    def begin(self, *, next: str = "", connect: bool = False) -> tuple[str, Begun]:
        """Where to send the browser, and what it has to keep meanwhile. Raises OidcError."""
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        begun = Begun(state, nonce, verifier, next, connect)
        asked = {
            "response_type": "code",
            "client_id": self._settings.client_id,
            "redirect_uri": self._back,
            "scope": "openid",
            "state": begun.state,
            "nonce": begun.nonce,
            "code_challenge": _challenge(begun.verifier),
            "code_challenge_method": "S256",
        }
        address = self._address("authorization_endpoint")
        return f"{address}{'&' if '?' in address else '?'}{urlencode(asked)}", begun

    def finish(self, code: str, begun: Begun) -> Identity:
        """Who the code stands for. Raises OidcError unless everything about the answer is right."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._back,
            "client_id": self._settings.client_id,
            "code_verifier": begun.verifier,
        }
        if self._settings.client_secret is not None:
            form["client_secret"] = self._settings.client_secret.get_secret_value()
        answer = _asked("POST", self._address("token_endpoint"), form)
        token = answer.get("id_token")
        if not isinstance(token, str):
            raise OidcError("the answer holds no id token")
        return self._vouched(self._claims(token), begun)

    def _claims(self, token: str) -> dict[str, Any]:
        """What a token says once its signature is found right. The provider may have changed its keys since they were
        read: then they are asked for again."""
        wrong = ""
        for fresh in (False, True):
            try:
                return jwt.decode(token, self._key_set(fresh=fresh), algorithms=ALGORITHMS).claims
            except (JoseError, ValueError) as error:
                wrong = type(error).__name__
        raise OidcError(f"the id token is not signed by the provider: {wrong}")

    def _vouched(self, claims: dict[str, Any], begun: Begun) -> Identity:
        us = self._settings.client_id
        wanted = jwt.JWTClaimsRegistry(
            now=lambda: int(self._now().timestamp()),
            leeway=LEEWAY_S,
            iss={"essential": True, "value": self._settings.issuer},
            aud={"essential": True, "value": us},
            exp={"essential": True},
            iat={"essential": True},
            sub={"essential": True},
            nonce={"essential": True, "value": begun.nonce},
        )
        try:
            wanted.validate(claims)
        except (JoseError, ValueError, TypeError) as error:
            raise OidcError(f"the id token is not for this sign-in: {error}") from error
        several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
        if claims.get("azp", us) != us or (several and "azp" not in claims):
            raise OidcError("the id token was made for another application")
        if not isinstance(claims["sub"], str) or not 0 < len(claims["sub"]) <= 255:
            raise OidcError("the id token has no usable subject")
        return Identity(self._settings.issuer, claims["sub"])

    def _address(self, name: str) -> str:
        with self._guard:
            if not self._addresses:
                self._addresses = self._discovered()
            return self._addresses[name]

    def _discovered(self) -> dict[str, str]:
        issuer = self._settings.issuer
        found = _asked("GET", f"{issuer.rstrip('/')}/.well-known/openid-configuration")
        if found.get("issuer") != issuer:
            raise OidcError("the provider calls itself by another name than the one configured")
        addresses = {
            name: found.get(name) for name in ("authorization_endpoint", "token_endpoint", "jwks_uri")
        }
        for name, address in addresses.items():
            if not isinstance(address, str) or not address.startswith(
                ("https://", "http://" if issuer.startswith("http://") else "https://")
            ):
                raise OidcError(f"the provider's {name} is missing or not https")
        return {name: str(address) for name, address in addresses.items()}

    def _key_set(self, *, fresh: bool) -> KeySet:
        """The provider's keys; asked for again at most once a minute, whatever tokens name."""
        address = self._address("jwks_uri")
        with self._guard:
            now = self._now()
            lately = self._asked_at is not None and now - self._asked_at < KEYS_AGAIN
            if self._keys is None or (fresh and not lately):
                try:
                    keys = KeySet.import_key_set(_asked("GET", address))  # type: ignore[arg-type]
                except (JoseError, ValueError, KeyError, TypeError) as error:
                    raise OidcError("the provider's keys cannot be read") from error
                self._keys, self._asked_at = keys, now
            return self._keys


def by_identity(session: Session, identity: Identity) -> Person | None:
    """The open account that is connected to this identity."""
    found = select(Person).where(
        Person.oidc_issuer == identity.issuer,
        Person.oidc_subject == identity.subject,
        col(Person.disabled_at).is_(None),
    )
    return session.exec(found).first()


def connect(session: Session, person: Person, identity: Identity, *, now: datetime) -> bool:
    """Let this identity sign in as this person from now on; False when it is somebody else's already."""
    taken = select(Person.id).where(
        Person.oidc_issuer == identity.issuer, Person.oidc_subject == identity.subject
    )
    if session.exec(taken.where(Person.id != person.id)).first() is not None:
        return False
    person.oidc_issuer, person.oidc_subject = identity
    note(session, [Line("work account connected")], who=person.username, now=now)
    session.flush()
    return True


def disconnect(session: Session, person: Person, *, by: str, now: datetime) -> None:
    """No work account signs in as this person any more."""
    person.oidc_issuer = person.oidc_subject = None
    detail = {"person": str(person.id)}
    note(session, [Line("work account disconnected", detail=detail)], who=by, now=now)
    session.flush()


def _challenge(verifier: str) -> str:
    return urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")


def _asked(method: str, address: str, form: dict[str, str] | None = None) -> dict[str, Any]:
    """The provider's answer as JSON. Raises OidcError."""
    body = b""
    try:
        with (
            httpx.Client(timeout=TIMEOUT_S, trust_env=False, follow_redirects=False) as client,
            client.stream(method, address, data=form, headers={"Accept": "application/json"}) as answer,
        ):
            for piece in answer.iter_bytes():
                body += piece
                if len(body) > LARGEST:
                    raise OidcError("the provider's answer is too large")
            status = answer.status_code
    except httpx.HTTPError as error:
        raise OidcError(f"the provider cannot be reached: {type(error).__name__}") from error
    if status != httpx.codes.OK:
        raise OidcError(f"the provider answered {status}")
    try:
        found = msgspec.json.decode(body)
    except msgspec.DecodeError as error:
        raise OidcError("the provider's answer is not JSON") from error
    if not isinstance(found, dict):
        raise OidcError("the provider's answer is not an object")
    return found
