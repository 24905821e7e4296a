"""Signal: tactics of force, by the Home Office list. Of several Taser uses only the highest counts."""

from collections.abc import Iterator

from classifier.reading import Finding, Reading

TASER = ("ced_fired", "ced_aimed", "ced_drawn", "ced_mentioned")  # high to low


def find(reading: Reading) -> Iterator[Finding]:
    highest = next((name for name in TASER if name in reading.names("tactics")), None)
    for finding in reading.findings("tactics"):
        if finding.signal.name not in TASER or finding.signal.name == highest:
            yield finding
