"""Signal: harm to a person: death, grave injury, no breath, unconscious, hurt."""

from collections.abc import Iterator

from classifier.reading import Finding, Reading


def find(reading: Reading) -> Iterator[Finding]:
    yield from reading.findings("harm")
