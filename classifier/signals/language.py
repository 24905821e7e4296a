"""Signal: a language that is not assessed. Said aloud, because silence would look like no."""

from collections.abc import Iterator

from classifier.reading import Finding, Reading

ASSESSED = 0.5  # of the letters must be Latin


def find(reading: Reading) -> Iterator[Finding]:
    if reading.text.isascii():
        return
    letters = [each for each in reading.text if each.isalpha()]
    latin = sum(each < "\u0250" for each in letters)
    if len(letters) >= 5 and latin < ASSESSED * len(letters):
        because = "most of it is in a script this model was not taught: not assessed"
        yield Finding(
            reading.signal("language_not_assessed", 0, len(reading.text), 1.0, because),
            "language_not_assessed",
        )
