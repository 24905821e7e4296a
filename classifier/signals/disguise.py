"""Signal: words were disguised, as people do to slip past filters."""

from collections.abc import Iterator

from classifier.reading import Finding, Reading


def find(reading: Reading) -> Iterator[Finding]:
    if reading.working.disguises:
        because = f"letters were disguised ({', '.join(reading.working.disguises)}) and read as meant"
        yield Finding(reading.signal("obfuscated", 0, len(reading.text), 0.6, because), "obfuscated")
