"""Signal: when it happened: now, lately, long ago, an anniversary."""

from collections.abc import Iterator

from classifier.reading import Finding, Reading


def find(reading: Reading) -> Iterator[Finding]:
    yield from reading.findings("recency")
