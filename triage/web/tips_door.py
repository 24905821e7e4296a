"""The door for partners' signed tips (docs/operating.md, tips). What is not provably a partner's, fresh, and seen for
the first time gets 401; signed, but not tips, gets 422 with what is wrong; everything or nothing of a call is kept.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import msgspec
import structlog
from fastapi import APIRouter
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from collector.batch import Item
from collector.boroughs import COVERABLE
from collector.dates import from_iso
from collector.entries import web_address
from collector.knocks import knock
from collector.plain import LONGEST_TEXT, tidy
from collector.settings import TipSettings
from collector.sources.tip import FORM
from collector.tips import Tip, is_open, item_of, take_in
from triage.web.signed import Doubt, Signed, all_of, check, first_time, read_signed

log = structlog.get_logger()

PATH = "/hooks/tips"
VERSION = b"v1"
PARTNER, TIMESTAMP, SIGNATURE = "X-Goldenhour-Partner", "X-Goldenhour-Timestamp", "X-Goldenhour-Signature"
LARGEST_BODY = 256 * 1024
MOST_TIPS = 100
LONGEST = {"id": 200, "text": LONGEST_TEXT, "place": 300, "when": 300}
MOST_LINKS = 5
MINUTE = timedelta(minutes=1)


class Told(msgspec.Struct, forbid_unknown_fields=True):
    """A tip as a partner writes it. `id` is the partner's own and makes it the same tip ever after."""

    id: str
    text: str
    place: str = ""
    borough: str = ""
    when: str = ""
    links: list[str] = []
    published: str | None = None


class Call(msgspec.Struct, forbid_unknown_fields=True):
    """The body of one call."""

    tips: list[Told]


class Wrong(ValueError):
    """Signed by a partner, but not tips; the text says what is wrong, for the partner."""


class TooMany(Exception):
    """A partner has called too often; `wait` is for how long it should not."""

    def __init__(self, wait: timedelta) -> None:
        super().__init__("too many calls")
        self.wait_s = max(1, round(wait.total_seconds()))


class Inside(NamedTuple):
    """What the door needs to know a partner and to keep what it brings."""

    engine: Engine
    settings: TipSettings
    key: bytes


def router(inside: Inside, *, now: Callable[[], datetime]) -> APIRouter:
    """The door at `/hooks/tips`. `inside.key` is the key that callers are counted under."""
    door = APIRouter()

    @door.post(PATH)
    async def tell(request: Request) -> Response:
        try:
            signed = await read_signed(
                request, timestamp=TIMESTAMP, signature=SIGNATURE, largest=LARGEST_BODY
            )
            kept = await run_in_threadpool(_take_in, inside, all_of(request, PARTNER), signed, now())
        except Doubt as doubt:
            log.warning("request at the tips door refused", why=str(doubt))
            return Response(status_code=401)
        except Wrong as wrong:
            return JSONResponse({"detail": str(wrong)}, 422)
        except TooMany as error:
            return JSONResponse({"detail": str(error)}, 429, headers={"Retry-After": str(error.wait_s)})
        except SQLAlchemyError as error:
            log.error("tips of a partner not written down", error=type(error).__name__)
            return JSONResponse({"detail": "nothing was kept; send it again"}, 503, {"Retry-After": "30"})
        return JSONResponse({"tips": kept}, 202)

    return door


def _take_in(inside: Inside, named: Sequence[bytes], signed: Signed, now: datetime) -> list[dict[str, Any]]:
    partner, secret = _partner(named, inside.settings)
    digest = check(signed, secret, version=VERSION, now=now)
    with Session(inside.engine) as session:
        if not (inside.settings.open and is_open(session, partner)):
            raise Doubt("the partner's source is switched off")
        most = inside.settings.a_partner_a_minute
        wait = knock(session, PATH, partner, most=most, within=MINUTE, key=inside.key, now=now)
        session.commit()
    if wait is not None:
        raise TooMany(wait)
    told = read_call(signed.body)
    items = [_item(each, partner) for each in told]
    with Session(inside.engine) as session:
        if not first_time(session, digest, now=now):
            raise Doubt("seen before")
        taken = take_in(session, partner, items, now=now)
        session.commit()
    log.info("tips of a partner taken in", source=partner, new=sum(each.new for each in taken))
    return [
        {"id": each.id, "reference": str(kept.post), "state": "new" if kept.new else "known"}
        for each, kept in zip(told, taken, strict=True)
    ]


def _partner(named: Sequence[bytes], settings: TipSettings) -> tuple[str, str]:
    """The source of whoever calls, and the secret it signs with. Raises Doubt."""
    if len(named) != 1:
        raise Doubt("no partner named, or several")
    source = named[0].decode("latin-1")
    secret = settings.secret_of(source)
    if secret is None or source == FORM:
        raise Doubt("no partner of this name")
    return source, secret


def read_call(body: bytes) -> list[Told]:
    """The tips of one call. Raises Wrong, naming the first thing that is."""
    try:
        told = msgspec.json.decode(body, type=Call).tips
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Wrong(f"the body is not tips: {error}") from error
    if not 1 <= len(told) <= MOST_TIPS:
        raise Wrong(f"between 1 and {MOST_TIPS} tips in one call, not {len(told)}")
    if len({each.id for each in told}) < len(told):
        raise Wrong("two tips of this call have the same id")
    faults = [f"$.tips[{number}].{fault}" for number, each in enumerate(told) for fault in _faults(each)]
    if faults:
        raise Wrong(faults[0])
    return told


def _faults(told: Told) -> Iterator[str]:
    """What is wrong with one tip: which key, and why."""
    for key, longest in LONGEST.items():
        if len(getattr(told, key)) > longest:
            yield f"{key}: longer than {longest:,} characters"
    for key in ("id", "text"):
        if not tidy(getattr(told, key)):
            yield f"{key}: says nothing"
    if told.published is not None and from_iso(told.published) is None:
        yield "published: is not a date and time, such as 2026-07-14T12:00:00Z"
    if told.borough not in {"", *COVERABLE}:
        yield "borough: is no London borough"
    if len(told.links) > MOST_LINKS or not all(web_address(each, "") for each in told.links):
        yield f"links: is not a list of up to {MOST_LINKS} web addresses"


def _item(told: Told, partner: str) -> Item:
    tip = Tip(
        what=told.text,
        place=told.place,
        borough=told.borough,
        when=told.when,
        links=tuple(link for each in told.links if (link := web_address(each, ""))),
    )
    return item_of(
        tip,
        tidy(told.id),
        scope=partner,
        published_at=from_iso(told.published),
    )
