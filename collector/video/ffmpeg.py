"""Asks ffmpeg what a file holds, and for its frames as small grey pictures.

Only demuxers of real containers are allowed: a playlist or a concat script that calls itself .mp4 could
name other files of this machine. The file is handed over by descriptor, so its name means nothing.
(`-protocol_whitelist`, `-format_whitelist`, `-max_pixels`: ffmpeg documentation, formats and codecs.)
"""

import re
import signal
import subprocess
from typing import NamedTuple

import imageio_ffmpeg
import numpy as np
from numpy.typing import NDArray

from collector.video.errors import Damaged, NotFootage, TooBig, TookTooLong, ToolMissing
from collector.video.probed import Limits

GREY = 160  # frames are read GREY by GREY, whatever their shape
CONTAINERS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,flv,mpegts,mpeg,ogg,asf,gif,"
    "jpeg_pipe,png_pipe,webp_pipe,webp_anim,bmp_pipe"
)
PICTURES = ("jpeg_pipe", "png_pipe", "webp_pipe", "bmp_pipe")
SPARSE_AFTER_S = 1200.0  # of longer files only the frames that stand alone are decoded

_CONTAINER = re.compile(r"^Input #0, (\S+), from ", re.MULTILINE)
_LENGTH = re.compile(r"^  Duration: (\d+):(\d\d):(\d\d(?:\.\d+)?)", re.MULTILINE)
_PICTURES = re.compile(r"^  Stream #0:\d+\S*: Video: (\w+)(?!.*attached pic).*?, (\d+)x(\d+)\b", re.MULTILINE)
_UNREADABLE = re.compile(r"^  Stream #0:\d+\S*: Video: (?!.*attached pic)", re.MULTILINE)
_SOUND = re.compile(r"^  Stream #0:\d+\S*: Audio: ", re.MULTILINE)
_TURNED = re.compile(r"display ?matrix: rotation of (-?\d+)", re.IGNORECASE)
_CUT_SHORT = re.compile(rb": partial file$|File ended prematurely|\boverread \d+", re.MULTILINE)
_REFUSED = re.compile(r"Picture size (\d+)x(\d+) is invalid")


class Header(NamedTuple):
    """What a file says of itself; sizes as displayed, in pixels. `duration_s` is None for a picture."""

    container: str
    codec: str
    width: int
    height: int
    duration_s: float | None
    has_sound: bool

    @property
    def is_picture(self) -> bool:
        return self.container in PICTURES


def program() -> str:
    """Where ffmpeg is: a wheel brings it for the usual machines. Raises ToolMissing."""
    try:
        return str(imageio_ffmpeg.get_ffmpeg_exe())
    except RuntimeError as error:
        raise ToolMissing("no ffmpeg was found on this machine") from error


def read_header(file: int, limits: Limits) -> Header:
    """What the file open at this descriptor says of itself. Raises NotFootage, Damaged or TooBig."""
    said = _run([*_input(file, limits)], limits).stderr.decode("utf-8", "replace")
    container, video = _CONTAINER.search(said), list(_PICTURES.finditer(said))
    for wide, high in _REFUSED.findall(said):
        _check_size(int(wide), int(high), limits)
    if "moov atom not found" in said or "Truncat" in said:
        raise Damaged("the file is cut short: its index is missing")
    if container is None:
        raise NotFootage(f"not a video or picture we read ({_last_line(said)})")
    if not video and _UNREADABLE.search(said):
        raise Damaged("its pictures have no size that can be read")
    if not video:
        raise NotFootage("holds no pictures, only sound or text")
    codec, width, height = video[0][1], int(video[0][2]), int(video[0][3])
    _check_size(width, height, limits)
    turned = _TURNED.search(said)
    if turned and int(turned[1]) % 180 == 90:
        width, height = height, width
    name = container[1].rstrip(",")
    return Header(name, codec, width, height, _length(said, name), bool(_SOUND.search(said)))


def grey_frames(file: int, header: Header, per_s: float, most: int, limits: Limits) -> NDArray[np.uint8]:
    """Up to `most` frames, `per_s` of them a second, each 160 by 160 grey: (frames, 160, 160).

    Raises Damaged when there is not one.
    """
    sparse = ["-skip_frame", "nokey"] if (header.duration_s or 0) > SPARSE_AFTER_S else []
    steady = "" if header.is_picture else f"fps={per_s:.6f},"
    frames = _decode(file, f"{steady}scale={GREY}:{GREY}:flags=area,format=gray", most, sparse, limits)
    if not len(frames):  # shorter than one step
        frames = _decode(file, f"scale={GREY}:{GREY}:flags=area,format=gray", 1, [], limits)
    if not len(frames):
        raise Damaged("no frame of it can be decoded")
    return frames


def picture(file: int, at_s: float, width: int, limits: Limits) -> NDArray[np.uint8] | None:
    """One frame in colour, `width` pixels wide and as high as its shape asks: (height, width, 3), BGR."""
    answer = _run(
        [
            *("-ss", f"{at_s:.3f}", *_input(file, limits), "-map", "0:V:0", "-frames:v", "1"),
            *("-vf", f"scale={width}:-2,crop={width}:min(ih\\,{4 * width}),format=bgr24"),
            *("-f", "rawvideo", "pipe:1"),
        ],
        limits,
    ).stdout
    height = len(answer) // (width * 3)
    return np.frombuffer(answer, np.uint8).reshape(height, width, 3) if height else None


def jpeg(file: int, header: Header, filters: str, at_s: float, limits: Limits) -> bytes:
    """The first picture that these filters make, from a moment on; nothing when they make none."""
    sparse = ["-skip_frame", "nokey"] if (header.duration_s or 0) > SPARSE_AFTER_S else []
    seek = [] if header.is_picture else ["-ss", f"{at_s:.3f}"]
    return _run(
        [
            *(*seek, *sparse, *_input(file, limits), "-map", "0:V:0", "-an", "-sn", "-dn", "-vf", filters),
            *(
                "-frames:v",
                "1",
                "-c:v",
                "mjpeg",
                "-pix_fmt",
                "yuvj420p",
                "-q:v",
                "5",
                "-f",
                "image2pipe",
                "pipe:1",
            ),
        ],
        limits,
    ).stdout


def _decode(file: int, filters: str, most: int, sparse: list[str], limits: Limits) -> NDArray[np.uint8]:
    answer = _run(
        [
            *(*sparse, *_input(file, limits), "-map", "0:V:0", "-an", "-sn", "-dn", "-vf", filters),
            *("-fps_mode", "vfr", "-frames:v", str(most), "-f", "rawvideo", "pipe:1"),
        ],
        limits,
    )
    if _CUT_SHORT.search(answer.stderr):
        raise Damaged("the file is cut short")
    if not answer.stdout and answer.returncode in (-signal.SIGXCPU, -signal.SIGKILL):
        raise TookTooLong(f"no frame within {limits.cpu_s} s of processor time")
    whole = len(answer.stdout) // GREY**2 * GREY**2
    return np.frombuffer(answer.stdout[:whole], np.uint8).reshape(-1, GREY, GREY)


def _check_size(width: int, height: int, limits: Limits) -> None:
    if width * height > limits.pixels:
        raise TooBig(f"frames of {width:,} by {height:,} pixels, more than {limits.pixels:,} in all")


def _input(file: int, limits: Limits) -> list[str]:
    return [
        *("-protocol_whitelist", "file", "-format_whitelist", CONTAINERS),
        *("-max_pixels", str(limits.pixels), "-threads", "1", "-t", f"{limits.length_s:g}"),
        *("-i", f"file:/dev/fd/{file}"),
    ]


def _run(arguments: list[str], limits: Limits) -> "subprocess.CompletedProcess[bytes]":
    quiet = ["-loglevel", "error"] if "-f" in arguments else []
    return subprocess.run(
        [program(), "-nostdin", "-hide_banner", *quiet, *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        pass_fds=(int(arguments[arguments.index("-i") + 1].rsplit("/", 1)[1]),),
        timeout=limits.wall_s,
        check=False,
    )


def _length(said: str, container: str) -> float | None:
    found = _LENGTH.search(said)
    if container in PICTURES or found is None:
        return None
    return int(found[1]) * 3600 + int(found[2]) * 60 + float(found[3])


def _last_line(said: str) -> str:
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    return re.sub(r"file:/dev/fd/\d+: ?", "", lines[-1])[:200] if lines else "no word from the reader"
