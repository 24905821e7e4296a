"""Signal: a complaint about police that is not about force."""

from collections.abc import Iterator

from classifier.reading import Finding, Reading


def find(reading: Reading) -> Iterator[Finding]:
    if reading.hits("police") or "101" in reading.text:
        yield from reading.findings("complaint")
