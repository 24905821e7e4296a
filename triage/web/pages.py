"""The templates: escaped always, strict about what is missing, with the desk's words as filters."""

import hashlib
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path

import jinja2

from triage.permissions import Permission, may
from triage.records import OPEN
from triage.severity import RANGES
from triage.web import words
from triage.web.reading import sentence, unmentioned


@cache
def make_pages(static: Path) -> jinja2.Environment:
    """The environment all pages are rendered in, made once, as are the templates it read. Static files carry their
    content's version in the address.
    """
    pages = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    versions = {path.relative_to(static).as_posix(): _version(path) for path in static.rglob("*.*")}
    pages.globals.update(
        static=lambda name: f"/static/{name}?v={versions[name]}",
        SEVERITY=words.SEVERITY,
        TYPE=words.TYPE,
        STATUS=words.STATUS,
        FORCE=words.FORCE,
        DESK=words.DESK,
        BCU=words.BCU,
        OPEN=OPEN,
        RANGES=RANGES,
        UNVERIFIED_FROM=words.UNVERIFIED_FROM,
        may=lambda person, name: may(person, Permission(name)),
    )
    pages.filters.update(
        ago=words.ago,
        at=words.clock_time,
        written=datetime.fromisoformat,
        left=words.left,
        spell=words.spell,
        seconds=lambda number: words.spell(timedelta(seconds=number)),
        day=words.day,
        weekday=words.weekday,
        hour=words.hour,
        london=words.london_day,
        local=lambda moment: moment.astimezone(words.LONDON).strftime("%Y-%m-%dT%H:%M"),
        london_day=words.london_day,
        web=web_address,
        likely=words.likely,
        whether=words.whether,
        percent=words.percent,
        plain=words.plain,
        opening=words.opening,
        capital=words.capital,
        count=words.count,
        sentence=sentence,
        unmentioned=unmentioned,
    )
    return pages


def _version(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]


def web_address(address: str | None) -> str:
    """An address a link may carry: http or https, else nothing. Posts can hold any other kind."""
    return address if address and address.startswith(("https://", "http://")) else ""
