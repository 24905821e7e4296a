"""GOV.UK Notify: text messages and e-mail by templates of its own (its REST API, version 2, read 2026-11).

Our id goes along as `reference`, so a message in doubt is looked for before it is sent again. Notify answers 201
when it took a message; whether it arrived is asked for later, by the id it gave: within three days Notify knows.
"""

import json
import re
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlencode

from joserfc import jwt
from joserfc.jwk import OctKey

from collector.http import Answer, Http
from responders.channels.channel import (
    TAKEN,
    ChannelError,
    Letter,
    Outcome,
    Refused,
    Sent,
    Unknown,
    UnreadableError,
    Wait,
    asked,
)
from responders.channels.settings import NotifySettings
from responders.slack import told

UUID_LONG = 36
LONGEST_TEXT = 600  # characters, four parts of a text message; Notify takes 918
PHONE = re.compile(r"\+?[0-9]{7,15}")
LOST = ("technical-failure", "temporary-failure", "permanent-failure")
ARRIVED = ("delivered", "sent")  # "sent": to a number abroad, of which Notify learns no more


class Notify:
    """One way of Notify's: "sms" or "email", with one template that has the places ((subject)) and ((text))."""

    def __init__(self, settings: NotifySettings, http: Http, way: str, template: str) -> None:
        key = settings.key.get_secret_value() if settings.key else ""
        self._service, self._secret = key[-2 * UUID_LONG - 1 : -UUID_LONG - 1], key[-UUID_LONG:]
        self._base = settings.base_url.rstrip("/")
        self._http, self._way, self._template = http, way, template

    def send(self, letter: Letter, address: str, *, now: datetime) -> Outcome:
        to = re.sub(r"[ ()-]", "", address) if self._way == "sms" else address
        if self._way == "sms" and not PHONE.fullmatch(to):
            return Refused("not a phone number")
        body = {
            "phone_number" if self._way == "sms" else "email_address": to,
            "template_id": self._template,
            "personalisation": {"subject": letter.headline, "text": _short(letter, self._way)},
            "reference": str(letter.key),
        }
        sent = json.dumps(body).encode()
        headers = {"Authorization": self._bearer(now), "Content-Type": "application/json"}
        url = f"{self._base}/v2/notifications/{self._way}"
        answer = asked(lambda: self._http.post(url, sent, headers=headers, success=TAKEN, now=now))
        if not isinstance(answer, Answer):
            return answer
        receipt = _read(answer).get("id")
        return Sent(str(receipt), arrived=False) if receipt else Unknown("an answer without id")

    def find(self, letter: Letter, address: str, *, since: datetime, now: datetime) -> Sent | None:  # noqa: ARG002
        """A message that Notify itself lost counts as not there: it is sent again."""
        wanted = urlencode({"reference": str(letter.key), "template_type": self._way})
        answer = self._get(f"/v2/notifications?{wanted}", now)
        if not isinstance(answer, Answer):
            raise UnreadableError(told(answer))
        seen = _read(answer).get("notifications")
        if not isinstance(seen, list):
            raise UnreadableError("an answer without notifications")
        ours = [each for each in seen if isinstance(each, dict) and each.get("reference") == str(letter.key)]
        there = [each for each in ours if each.get("status") not in LOST]
        return Sent(str(there[0].get("id")), arrived=False) if there else None

    def report(self, receipt: str, *, now: datetime) -> Sent | Refused | None:
        answer = self._get(f"/v2/notifications/{quote(receipt, safe='')}", now)
        if not isinstance(answer, Answer):
            raise UnreadableError(told(answer))
        status = _read(answer).get("status")
        if not isinstance(status, str):
            raise UnreadableError("an answer without status")
        if status in LOST:
            return Refused(status)
        return Sent(receipt) if status in ARRIVED else None

    def greet(self, *, now: datetime) -> str:
        answer = self._get(f"/v2/template/{self._template}", now)
        if isinstance(answer, Answer):
            found = _read(answer)
            missing = [place for place in ("text",) if f"(({place}))" not in str(found.get("body"))]
            if missing:
                raise ChannelError(
                    f"the template for {self._way} has no place (({missing[0]})); add it in Notify"
                )
            return f"Notify has the template {str(found.get('name'))[:60]} for {self._way}"
        if isinstance(answer, Refused) and answer.code in ("http 401", "http 403"):
            raise ChannelError(
                "Notify refuses the key: set GOLDENHOUR_NOTIFY__KEY, and check this machine's clock"
            )
        if isinstance(answer, Refused) and answer.code == "http 404":
            setting = f"GOLDENHOUR_NOTIFY__{self._way.upper()}_TEMPLATE"
            raise ChannelError(f"Notify has no template of this id: set {setting}")
        raise ChannelError(f"Notify is not reached: {told(answer)}; check the network")

    def _get(self, path: str, now: datetime) -> Answer | Refused | Wait | Unknown:
        headers = {"Authorization": self._bearer(now)}
        return asked(lambda: self._http.get(f"{self._base}{path}", headers=headers, now=now))

    def _bearer(self, now: datetime) -> str:
        """Good for half a minute either way, by Notify's clock."""
        claims = {"iss": self._service, "iat": int(now.timestamp())}
        return f"Bearer {jwt.encode({'alg': 'HS256', 'typ': 'JWT'}, claims, OctKey.import_key(self._secret))}"


def _short(letter: Letter, way: str) -> str:
    """A text message holds the line and its link, an e-mail all there is."""
    if way == "email":
        return letter.text
    told = f"{letter.headline}\n{letter.text}"
    if len(told) <= LONGEST_TEXT:
        return told
    link = letter.link or ""
    return f"{told[: LONGEST_TEXT - len(link) - 2].rstrip()}…\n{link}".rstrip()


def _read(answer: Answer) -> dict[str, Any]:
    try:
        read = json.loads(answer.body)
    except (ValueError, RecursionError):
        return {}
    return read if isinstance(read, dict) else {}
