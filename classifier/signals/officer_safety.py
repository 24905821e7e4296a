"""Signal: an officer may be identified or is threatened. Their numbers are never quoted in a reason."""

import re
from collections.abc import Iterator

from classifier.reading import Finding, Reading

# shoulder numbers: digits and one or two letters, beside a word that says so
NUMBER = re.compile(
    r"\b(?:pc|officer|constable|shoulder|collar|badge|number|no\.?) (?:number |no\.? )?"
    r"(\d{2,5} ?[a-z]{1,2}|[a-z]{1,2} ?\d{2,5})\b"
)


def find(reading: Reading) -> Iterator[Finding]:
    if not reading.hits("police"):
        return
    yield from reading.findings("officer_safety")
    if number := NUMBER.search(reading.lowered):
        shown = reading.signal(
            "officer_identified",
            number.start(1),
            number.end(1),
            0.8,
            "gives what looks like an officer's number",
        )
        yield Finding(shown, "officer_identified", "officer_safety", 1.0)
