"""What can be wrong with a file: every failed look is one of these, with its cause and what to do.

VideoError
├── NotFootage     not a video or picture of a kind we read (text named .mp4, sound only, nothing at all)
├── Damaged        says it is one, but no frame can be decoded
├── TooBig         more bytes, pixels or memory than we give one file
├── TookTooLong    the time for one file ran out
└── ToolMissing    there is no ffmpeg for this machine
"""


class VideoError(Exception):
    """A file could not be looked at. The text says what happened; `remedy` what a person can do."""

    remedy = "Ask for the original file, or describe it by hand"

    def __init__(self, cause: str, *, remedy: str | None = None) -> None:
        super().__init__(cause)
        self.cause = cause
        self.remedy = remedy or type(self).remedy


class NotFootage(VideoError):
    """Not a video or picture of a kind we read."""

    remedy = (
        "Check that the right file was attached; MP4, MOV, WebM, MKV, AVI, GIF, JPEG, PNG and WebP are read"
    )


class Damaged(VideoError):
    """Says it is a video or picture, but no frame of it can be decoded."""

    remedy = "The file is cut short or broken: fetch or upload it again"


class TooBig(VideoError):
    """More bytes, pixels or memory than one file is given."""

    remedy = "Upload a smaller copy; shrinking a video does not stop its other copies from being found"


class TookTooLong(VideoError):
    """The time one file is given ran out; what was started for it has been ended."""

    remedy = "Upload a shorter part of it. A file made to keep machines busy looks like this too"


class ToolMissing(VideoError):
    """There is no ffmpeg for this machine."""

    remedy = "Install ffmpeg and name it in IMAGEIO_FFMPEG_EXE, on every machine that looks at files"


KINDS = {kind.__name__: kind for kind in (NotFootage, Damaged, TooBig, TookTooLong, ToolMissing)}
