"""Plain text from what sources send: no markup, no control characters, no half characters, and not without end."""

import html
import re

import nh3

LONGEST_HTML = 300_000
LONGEST_TEXT = 20_000
CUT = " [cut here: {} more characters]"

_BLOCK = re.compile(
    r"<\s*/?\s*(?:p|div|br|li|ul|ol|h[1-6]|tr|td|th|table|blockquote|section|article|figure|figcaption|pre|hr)\b",
    re.IGNORECASE,
)
# The elements of HTML. The sanitiser drops all others, such as those of drawings and formulas, with their words
_HTML = (
    "a|abbr|acronym|address|applet|area|article|aside|audio|b|bdi|bdo|big|blockquote|body|br|button|canvas|caption"
    "|center|cite|code|col|colgroup|dd|del|details|dfn|dialog|dir|div|dl|dt|em|fieldset|figcaption|figure|font"
    "|footer|form|h[1-6]|head|header|hr|html|i|iframe|img|input|ins|kbd|label|legend|li|link|main|map|mark|menu|meta"
    "|nav|ol|option|p|picture|pre|q|rp|rt|ruby|s|samp|script|section|select|small|source|span|strike|strong|style"
    "|sub|summary|sup|table|tbody|td|textarea|tfoot|th|thead|time|tr|tt|u|ul|var|video|wbr"
)
_FOREIGN = re.compile(rf"</?(?!(?:{_HTML})[\s/>])[a-z][^<>]*>", re.IGNORECASE)
# What only looks like a doctype
_UNCLOSED = re.compile(r"<!(?!--)(?![^<>]*>)")
_SPACES = re.compile(r"[^\S\n]+")
_BREAKS = re.compile(r"\s*\n\s*")
# C0 controls except tab and line feed, lone surrogates, and non-characters. C1 stays: a later step mends
# mis-decoded text by it
_UNFIT = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff\ufffe\uffff]")


def plain(markup: str) -> str:
    """The text of a piece of HTML: blocks on lines of their own, scripts and styles gone, entities resolved."""
    markup = markup[:LONGEST_HTML]
    if "<" in markup:
        apart = _BLOCK.sub(lambda found: "\n" + found[0], _FOREIGN.sub(" ", _UNCLOSED.sub("&lt;!", markup)))
        markup = nh3.clean(apart, tags=set(), clean_content_tags={"script", "style"})
    return tidy(html.unescape(markup))


def tidy(text: str) -> str:
    """Text with runs of space as one, line breaks kept, and nothing a database or a page cannot hold."""
    return _BREAKS.sub("\n", _SPACES.sub(" ", clean(text))).strip()


def clean(text: str) -> str:
    """Text without NUL and other control characters, lone surrogates, and non-characters."""
    return _UNFIT.sub(lambda found: "\n" if found[0] == "\r" else "", text.replace("\r\n", "\n"))


def shortened(text: str, longest: int = LONGEST_TEXT) -> str:
    """Text of at most `longest` characters and a note of how many are missing."""
    if len(text) <= longest:
        return text
    return text[:longest] + CUT.format(len(text) - longest)
