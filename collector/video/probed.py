"""What looking at one file brings back, and what looking may cost. The words of the child process."""

from typing import Literal

import msgspec


class Limits(msgspec.Struct, frozen=True):
    """What one file may cost. Over any of them the look ends in a VideoError, never in a hang.

    `pixels` is of one frame: enough for 8K video and for telephone photographs. `memory_bytes` is
    address space of each process, `cpu_s` processor time of each, `wall_s` time for all together.
    """

    size_bytes: int = 500_000_000
    pixels: int = 70_000_000
    memory_bytes: int = 2_000_000_000
    cpu_s: int = 60
    wall_s: float = 90.0
    length_s: float = 4 * 3600.0


class Area(msgspec.Struct, frozen=True, array_like=True):
    """The part of the picture that is footage, borders left out: shares of width and height, 0..1."""

    left: float = 0.0
    right: float = 1.0
    top: float = 0.0
    bottom: float = 1.0


class KeyFrame(msgspec.Struct, frozen=True, array_like=True):
    """One frame worth remembering: its moment in seconds, and its 256-bit hash (32 bytes)."""

    at_s: float
    hash: bytes


class Probe(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """One file, looked at. `frames` are what is stored; the thumbnails serve one lookup and are then dropped.

    `width` and `height` are as displayed. `duration_s` is None for a picture. `frames` is in order of
    time and empty when every frame is blank. `thumbs` holds 64 by 64 grey bytes for each of `thumbs_at`,
    of `area` only; `wholes` the same of the whole picture for each of `wholes_at`, empty when `area` is
    everything. `notes` are for people: what was not read, and why.
    """

    sha256: bytes
    size_bytes: int
    kind: Literal["video", "image"]
    container: str
    codec: str
    width: int
    height: int
    duration_s: float | None
    has_sound: bool
    method: str
    area: Area
    frames: list[KeyFrame]
    thumbs_at: list[float]
    thumbs: bytes
    wholes_at: list[float]
    wholes: bytes
    notes: list[str]


class Captions(msgspec.Struct, frozen=True, tag=True):
    """Words burnt into the picture, each line once, in order of time; `note` says when none could be read."""

    lines: list[str]
    note: str | None = None


class Provenance(msgspec.Struct, frozen=True, tag=True):
    """What a C2PA manifest in the file says, or that there is none. Absence proves nothing.

    `found` with `valid` false means that a manifest is there and does not hold; `trusted` that its
    signer is on a list we were given, which offline is rarely so.
    """

    found: bool
    note: str
    valid: bool | None = None
    trusted: bool | None = None
    signed_by: str | None = None
    made_with: str | None = None
    actions: list[str] = []


class Stills(msgspec.Struct, frozen=True, tag=True):
    """Two JPEG pictures: up to six moments on one sheet; and one moment so blurred that nobody is in it."""

    sheet: bytes
    blurred: bytes


class Trouble(msgspec.Struct, frozen=True, tag=True):
    """A VideoError on its way out of the child process; `kind` is the class's name."""

    kind: str
    cause: str
    remedy: str


class Order(msgspec.Struct, frozen=True):
    """What the child process is told beside the file on its standard input."""

    limits: Limits
    moments: list[float] = []
