"""Signal: whose voice it is: a witness, hearsay, a repost, a comment."""

from collections.abc import Iterator

from classifier.reading import Finding, Reading


def find(reading: Reading) -> Iterator[Finding]:
    yield from reading.findings("voice")
