"""Odd things that callers send: what both signed doors must refuse without falling over."""


def odd_times(now: int) -> tuple[str, ...]:
    """Times of signing that are no whole number of seconds, or not written as one."""
    digits = "١٢٣٤٥٦٧٨٩٠"
    return (f"{now}.0", "1e9", f"+{now}", digits, "9" * 5000, "9" * 12, f"{now} {now}", "0x5f", "²")


# Seconds off that are too many. The window is five minutes; half a minute more leaves room for a slow machine.
TOO_FAR = (330, -330, 3600, -3600, 10**9, -(10**9))
