"""Signal: the post names police, by any word for them."""

from collections.abc import Iterator

from classifier.reading import Finding, Reading


def find(reading: Reading) -> Iterator[Finding]:
    for hit in reading.hits("police")[:1]:
        yield reading.finding(hit)
