"""The little of DER (ITU-T X.690) that a time stamp needs: values are written and read as tag, length, content."""

from collections.abc import Iterator
from typing import NamedTuple

INTEGER, OCTETS, NULL, OID, SEQUENCE, SET = 0x02, 0x04, 0x05, 0x06, 0x30, 0x31
BOOLEAN, TIME, INSIDE = 0x01, 0x18, 0xA0


class Value(NamedTuple):
    tag: int
    content: bytes

    def inside(self) -> Iterator["Value"]:
        """The values a constructed one is made of. Raises ValueError."""
        return read_all(self.content)


def write(tag: int, *parts: bytes) -> bytes:
    """One value of these parts."""
    content = b"".join(parts)
    size = len(content)
    if size < 0x80:
        return bytes([tag, size]) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + content


def write_integer(number: int) -> bytes:
    """A number that is not negative."""
    return write(INTEGER, number.to_bytes(number.bit_length() // 8 + 1, "big"))


def read_all(body: bytes) -> Iterator[Value]:
    """The values that stand one after another. Raises ValueError for what is no DER."""
    at = 0
    while at < len(body):
        if at + 2 > len(body):
            raise ValueError("a value breaks off")
        tag, size = body[at], body[at + 1]
        at += 2
        if size & 0x80:
            count = size & 0x7F
            if not 0 < count <= 4:
                raise ValueError("a length that DER does not have")
            size, at = int.from_bytes(body[at : at + count], "big"), at + count
        if at + size > len(body):
            raise ValueError("a value breaks off")
        yield Value(tag, body[at : at + size])
        at += size


def child(value: Value, *path: int) -> Value:
    """A value inside others, by its place in each. Raises ValueError when it is not there."""
    for place in path:
        inner = list(value.inside())
        if place >= len(inner):
            raise ValueError("a value is missing")
        value = inner[place]
    return value
