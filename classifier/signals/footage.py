"""Signal: there is video, how long it is said to be, and whether it is said to be cut short."""

import re
from collections.abc import Iterator

from classifier.reading import Finding, Reading

LENGTH = re.compile(
    r"\b(\d{1,3})[ -]?(seconds?|secs?|minutes?|mins?)[ -](?:of )?(?:long )?(?:video|clip|footage|recording)"
)


def find(reading: Reading) -> Iterator[Finding]:
    yield from reading.findings("footage")
    if reading.hits("footage") and (said := LENGTH.search(reading.lowered)):
        because = f"says how long the video is: {said[1]} {said[2]}"
        yield Finding(reading.signal("video_length", said.start(), said.end(), 0.6, because))
