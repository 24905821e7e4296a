"""A chunk: some words of a finished file, such as a paragraph or a cell, and where they stand in it."""

from typing import NamedTuple

WHOLE = " whole"  # ends the place of a chunk that is a page once more, in one piece


class Chunk(NamedTuple):
    where: str
    text: str


class Extract(NamedTuple):
    """`pictures` counts what is neither words nor a drawing of lines."""

    chunks: list[Chunk]
    pictures: int
