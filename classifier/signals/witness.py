"""Signal: someone offers what they saw, or asks who saw."""

from collections.abc import Iterator

from classifier.reading import Finding, Reading


def find(reading: Reading) -> Iterator[Finding]:
    yield from reading.findings("witness")
