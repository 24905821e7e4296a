"""The commands around learning: measure a model, train one. Apart from the rest, as they load what only they need."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from classifier.settings import ClassifierSettings
from classifier.training import measure as measuring
from classifier.training.measure import below_bounds, keep_figures, measure
from classifier.training.train import train, write_rows
from config.cli import Complaint
from config.commands.assessing import load_model
from config.settings import read_settings

app = typer.Typer()

GATE = Path(measuring.__file__).with_name("gate.json")


@app.command("evaluate")
def evaluate(
    folder: Annotated[Path, typer.Argument(metavar="DATA", help="A folder laid out like data/README.md.")],
    json_out: Annotated[bool, typer.Option("--json", help="Print the whole report as JSON.")] = False,
    reference: Annotated[bool, typer.Option(help="Learn and measure the reference beside it.")] = True,
    gate: Annotated[
        bool, typer.Option("--gate", help="Fail if a figure is below its bound in gate.json.")
    ] = False,
) -> None:
    """Measure the model on the held-back part of every set, beside words-and-letters TF-IDF in the same run."""
    if not folder.is_dir():
        raise Complaint(f"{folder} is no folder; name one laid out like data/README.md")
    report = measure(load_model(read_settings()), folder, say=say_so, reference=reference)
    if gate and (worse := below_bounds(report, json.loads(GATE.read_text(encoding="utf-8")))):
        raise Complaint("this model may not go live: " + "; ".join(worse))
    if json_out:
        print(json.dumps(report))
        return
    table = Table("set", "label", "texts", "pos.", "AP", "reference", "P", "R", "F1", "ECE", "raised")
    for name, found in report["sets"].items():
        for label, row in found.items():
            if isinstance(row, dict):
                table.add_row(name, label, *_cells(row))
        if "type_macro_f1" in found:
            table.add_row(
                name,
                "type, macro-F1",
                str(found["texts"]),
                "",
                "",
                "",
                "",
                "",
                f"{found['type_macro_f1']:.3f}",
            )
    for style, row in report["styles"].items():
        found = f"{row['found']:.3f} of {row['incidents']} found, {row['raised']:.3f} of {row['traps']} traps raised"
        print(f"London, {style}: {found}")
    Console(width=None if sys.stdout.isatty() else 150).print(table)


def _cells(row: dict[str, Any]) -> list[str]:
    names = (
        "average_precision",
        "reference_average_precision",
        "precision",
        "recall",
        "f1",
        "calibration_error",
    )
    shown = [row.get(name) for name in (*names, "raised")]
    return [
        str(row["texts"]),
        str(row["positives"]),
        *("" if each is None else f"{each:.3f}" for each in shown),
    ]


@app.command("train")
def train_model(
    folder: Annotated[Path, typer.Argument(metavar="DATA", help="A folder laid out like data/README.md.")],
    out: Annotated[Path, typer.Option(help="Where the model goes.")] = Path("build/model"),
    encoder: Annotated[Path | None, typer.Option(help="A fine-tuned encoder to go with it.")] = None,
    rows: Annotated[Path | None, typer.Option(help="Only write the rows an encoder is tuned on.")] = None,
    json_out: Annotated[bool, typer.Option("--json", help="Print the record as JSON.")] = False,
) -> None:
    """Train a model and measure it; the same data give the same model.

    Point GOLDENHOUR_CLASSIFIER__MODEL at it to use it.
    """
    if not folder.is_dir():
        raise Complaint(f"{folder} is no folder; name one laid out like data/README.md")
    if rows is not None:
        print(f"{write_rows(folder, rows):,} rows are in {rows}")
        return
    record = train(folder, out, encoder=encoder, say=say_so)
    settings = read_settings().model_copy(update={"classifier": ClassifierSettings(model=str(out))})
    keep_figures(out, measure(load_model(settings), folder, say=say_so))
    if json_out:
        print(json.dumps(record))
    else:
        print(f"model {record['version']} from {record['texts']:,} texts is in {out}")


def say_so(what: str) -> None:
    """One line of progress; training and measuring take minutes."""
    print(what, file=sys.stderr)
