"""Signal: a call to gather, or disorder forming. Not misinformation: a sign of tension."""

from collections.abc import Iterator

from classifier.reading import Finding, Reading


def find(reading: Reading) -> Iterator[Finding]:
    yield from reading.findings("gathering")
