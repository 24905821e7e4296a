"""The command around the model that needs no database: assess texts."""

import sys
from pathlib import Path
from typing import Any

import msgspec
import typer

from classifier.model import Model
from config.cli import Complaint
from config.lines import batches
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
    for batch in batches(sys.stdin.buffer, Text, AT_ONCE):
        texts = [each for each in batch if each is not None]
        bad += len(batch) - len(texts)
        for text, assessed in zip(texts, model.assess([each.text for each in texts]), strict=True):
            out.write(encoder.encode({"id": text.id, **msgspec.to_builtins(assessed)}) + b"\n")
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
