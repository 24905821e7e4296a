"""A document as one HTML page that loads nothing."""

import json
import re
from functools import lru_cache

from jinja2 import StrictUndefined, Template
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup

from responders.packs.document import Document, plain

PROLOGUE = re.compile(r"\A\s*(?:<\?xml.*?\?>|<!DOCTYPE.*?>|<!--.*?-->|\s)*", re.DOTALL)


def write_html(document: Document, template: str) -> bytes:
    """By `config/review/pack.html`."""
    return _template(template).render(document=plain(document)).encode()


@lru_cache(maxsize=4)
def _template(written: str) -> Template:
    environment = ImmutableSandboxedEnvironment(
        undefined=StrictUndefined, autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"css": _css, "drawing": _drawing}
    return environment.from_string(written)


def _css(text: str) -> Markup:
    """A string of a style sheet: no character of it ends the string or the sheet."""
    return Markup(json.dumps(text).replace("<", "\\3c "))  # noqa: S704  escaped for where it stands


def _drawing(svg: str) -> Markup:
    """A drawing made by us, put in as it is."""
    return Markup(PROLOGUE.sub("", svg))  # noqa: S704  made by our plots alone, with their text escaped
