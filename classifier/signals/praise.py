"""Signal: praise for police."""

from collections.abc import Iterator

from classifier.reading import Finding, Reading


def find(reading: Reading) -> Iterator[Finding]:
    if reading.hits("police") or "101" in reading.text:
        yield from reading.findings("praise")
