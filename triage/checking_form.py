"""The form of a draft: what sort of line its own words say it is, where nobody has chosen one.

A line headed "If asked" waits for a question, unless it promises more
at no time; one that says an earlier one was wrong corrects it. Neither is held to what only a line that is put out, or
one that adds, must say.
"""

import re

from triage.checking_context import Context

IF_ASKED = re.compile(
    r"\s*[#*>(\[-]*\s*(?:(?:(?:only|lines?|for use|response) )*if (?:asked|pressed|raised|we are asked)|reactive"
    r"|q(?:uestion)? ?\d*[:.])",
    re.IGNORECASE,
)
HEADED = {
    "if_asked": IF_ASKED,
    "internal": re.compile(
        r"\W*(?:internal\b|(?:note |message |briefing )?(?:to|for) (?:all )?(?:officers|colleagues|staff|teams)\b"
        r"|(?:dear )?colleagues\b)",
        re.IGNORECASE,
    ),
}
VAGUE = re.compile(
    r"\b(?:updat\w+|more|further|say|follow|share|provide[ds]?|information|details?)\b[^.!?\n]{0,80}\b(?:in due course"
    r"|(?:when|once|if|as soon as|as and when) (?:we|it|they|there|more|this)(?:['’]\w+)? (?:\w+ ){0,3}?"
    r"(?:can|have|able|is|are|has|know|becomes?)|as soon as (?:possible|practicable)"
    r"|when (?:appropriate|available|possible)"
    r"|at the (?:appropriate|right) time|in (?:the )?(?:coming|next few|fullness)|soon|shortly)\b",
    re.IGNORECASE,
)
_WRONG = r"(?:wrong|incorrect|mistaken?|error|counted|should have|out of date|not right)"
CORRECTS = re.compile(
    r"\A\W*(?:correction|corrected|clarification)\b|\bfor the record\b|\bwe should(?:n['’]t| not) have\b"
    r"|\b(?:we|i|our|an|the) (?:\w+ ){0,3}?(?:correct(?:ed|ing)?|put(?:ting)? (?:it|this|that) right)\b"
    r"|\b(?:first|earlier|previous|last|original) (?:\w+ )?"
    rf"(?:statement|line|post|note|message|update|figure|report)\b[^.!?\n]{{0,60}}\b{_WRONG}\b"
    rf"|\b(?:we|i) (?:\w+ )?(?:said|told|gave|posted|wrote|reported|put)\b[^.!?\n]{{0,80}}\b{_WRONG}\b",
    re.IGNORECASE,
)


def read_as(text: str, context: Context) -> Context:
    """The context as the words of the draft themselves set it."""
    if context.variant == "long" and not VAGUE.search(text):
        variant = next((name for name, heading in HEADED.items() if heading.match(text)), "long")
        context = context._replace(variant=variant)
    if context.earlier and CORRECTS.search(text):
        context = context._replace(corrects=True)
    return context
