"""How many voices speak in a case, counted without keeping whose they are.

HyperLogLog (Flajolet and others, 2007) with 1,024 registers: of each voice's digest only the longest run of zeros in
its share is kept, so nobody can be listed or looked up, and the count is right within about 3 in 100.
"""

import math
from collections.abc import Iterable

BITS = 10
REGISTERS = 1 << BITS
NOBODY = bytes(REGISTERS)
_ALPHA = 0.7213 / (1 + 1.079 / REGISTERS)
_REST = 64 - BITS


def heard(registers: bytes, voices: Iterable[bytes]) -> bytes:
    """The registers after these voices, each given as a digest of at least eight bytes."""
    kept = bytearray(registers)
    for voice in voices:
        number = int.from_bytes(voice[:8], "big")
        place, rest = number >> _REST, number & ((1 << _REST) - 1)
        kept[place] = max(kept[place], _REST - rest.bit_length() + 1)
    return bytes(kept)


def count(registers: bytes) -> int:
    """About how many voices were heard."""
    silent = registers.count(0)
    if silent == REGISTERS:
        return 0
    harmonic = sum(registers.count(run) * 2.0**-run for run in range(max(registers) + 1))
    rough = _ALPHA * REGISTERS * REGISTERS / harmonic
    if silent and rough <= 2.5 * REGISTERS:
        return round(REGISTERS * math.log(REGISTERS / silent))
    return round(rough)
