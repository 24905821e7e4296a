"""The command around the model that needs no database: assess texts."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import msgspec
import typer

from classifier.model import Model
from config.cli import Complaint
from config.settings import Settings, read_settings

app = typer.Typer()

AT_ONCE = 256  # lines read before their assessments are written


class Text(msgspec.Struct):
    """One line in. Other keys are welcome and ignored."""

    id: Any
    text: str
    title: str | None = None


@app.callback()
def root() -> None:
    """The commands around the model."""


@app.command("assess")
def assess() -> None:
    """Assess texts: JSON lines {"id", "text"} on stdin, one assessment a line on stdout, in order.

    Needs no database. A line that cannot be read is named on stderr and skipped; then the exit code is 1.
    """
    model = load_model(read_settings())
    out = sys.stdout.buffer
    encoder, bad = msgspec.json.Encoder(), 0
    for batch in _batches(sys.stdin.buffer):
        texts = [each for each in batch if isinstance(each, Text)]
        bad += len(batch) - len(texts)
        for text, assessed in zip(texts, model.assess([each.text for each in texts]), strict=True):
            out.write(encoder.encode({"id": text.id, **msgspec.structs.asdict(assessed)}) + b"\n")
        out.flush()
    if bad:
        raise Complaint(f"{bad} lines were not JSON objects with id and text; they were skipped")


def load_model(settings: Settings) -> Model:
    """The model the settings name, with the lexicons and the gazetteer of the configuration."""
    return Model.load(
        Path(settings.classifier.model) if settings.classifier.model else None,
        gazetteer_files=settings.files("gazetteer/*.csv"),
        lexicon_files=settings.files("lexicons/signals*.toml"),
    )


def _batches(stream: BinaryIO) -> Iterator[list[Text | None]]:
    """Lines as texts, a few hundred at a time; None for a line that is none."""
    batch: list[Text | None] = []
    for number, line in enumerate(stream, 1):
        if not line.strip():
            continue
        batch.append(_text(line, number))
        if len(batch) == AT_ONCE:
            yield batch
            batch = []
    if batch:
        yield batch


def _text(line: bytes, number: int) -> Text | None:
    try:
        return msgspec.json.decode(line, type=Text)
    except (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError) as error:
        refused = str(error)
    try:  # json reads lone surrogates, which posts do contain
        return msgspec.convert(json.loads(line), Text)
    except (ValueError, RecursionError):
        print(f"line {number}: {refused}", file=sys.stderr)
        return None
