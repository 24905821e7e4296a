"""Signal: rumour, and the kind of false claim it may be. A hypothesis to check, never a verdict."""

from collections.abc import Iterator

from classifier.reading import Finding, Reading


def find(reading: Reading) -> Iterator[Finding]:
    yield from reading.findings("rumour")
