"""Signal: what looks like ours and may not be: fiction, sport, figures of speech, adverts, other uniforms."""

from collections.abc import Iterator

from classifier.reading import Finding, Reading


def find(reading: Reading) -> Iterator[Finding]:
    yield from reading.findings("traps", denied_too=True)
