"""Makes the two pictures the case page shows of a file. Run as a child process by `look.read_stills`."""

from collector.video.errors import Damaged
from collector.video.ffmpeg import jpeg, read_header
from collector.video.probed import Order, Stills

MOMENTS, ACROSS, DOWN = 6, 3, 2
FIT = "scale={0}:{0}:force_original_aspect_ratio=decrease:force_divisible_by=2"
SMALL, LARGE = 320, 960
# 12 pixels across, spread out again: where things are, and not who
BLUR = "scale=12:12:flags=area,gblur=sigma=1,scale=320:180:flags=bicubic,gblur=sigma=10"


def task(file: int, order: Order) -> Stills:
    """Both pictures of the file open at this descriptor. Raises VideoError."""
    header = read_header(file, order.limits)
    length = header.duration_s or 0.0
    if header.is_picture or length <= 0:
        shown = FIT.format(LARGE)
    else:
        shown = f"fps={MOMENTS / length:.6f}:round=up,{FIT.format(SMALL)},tile={ACROSS}x{DOWN}"
    sheet = jpeg(file, header, shown, 0.0, order.limits)
    if not sheet:  # shorter than one step
        sheet = jpeg(file, header, FIT.format(LARGE), 0.0, order.limits)
    blurred = jpeg(file, header, BLUR, length / 2, order.limits) or jpeg(
        file, header, BLUR, 0.0, order.limits
    )
    if not sheet or not blurred:
        raise Damaged("no frame of it can be decoded")
    return Stills(sheet, blurred)
