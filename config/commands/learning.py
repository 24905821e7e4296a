"""The commands around learning: measure a model, train one. Apart from the rest, as they load what only they need."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from sqlmodel import Session

from classifier.promotion import below, bounds
from classifier.settings import ClassifierSettings
from classifier.training.card import of_fairness, of_others, write_card
from classifier.training.growth import learning_curve
from classifier.training.measure import keep_figures, measure
from classifier.training.sets import Row
from classifier.training.train import train, write_rows, write_texts
from config.cli import Complaint
from config.commands.assessing import load_model
from config.database import open_database
from config.settings import read_settings
from triage.teaching import FEWEST_PEOPLE, step
from triage.teaching import rows as teaching_rows

app = typer.Typer()


@app.command("evaluate")
def evaluate(
    data: Annotated[
        Path,
        typer.Argument(metavar="DATA", help="A folder laid out like data/README.md, or one labelled file."),
    ],
    json_out: Annotated[bool, typer.Option("--json", help="Print the whole report as JSON.")] = False,
    reference: Annotated[bool, typer.Option(help="Learn and measure the reference beside it.")] = True,
    slices: Annotated[
        bool, typer.Option("--slices", help="Also by style of writing, platform, borough and topic.")
    ] = False,
    others: Annotated[
        bool, typer.Option(help="Also rumours of unseen events, places, disguises and claims.")
    ] = True,
    curve: Annotated[
        bool, typer.Option("--learning-curve", help="Also the gate learnt from fewer labelled texts.")
    ] = False,
    card: Annotated[
        Path | None, typer.Option(help="Also write the tables into this page, docs/model-card.md.")
    ] = None,
    gate: Annotated[
        bool, typer.Option("--gate", help="Fail if a figure is below its bound in gate.json.")
    ] = False,
) -> None:
    """Measure the model on the held-back part of every set, beside words-and-letters TF-IDF in the same run.

    A file is measured whole, unless it is one of the sets of such a folder: then only its held-back part.
    """
    if not data.exists() or (curve and not data.is_dir()):
        raise Complaint(
            f"{data} is no folder laid out like data/README.md" + ("" if curve else ", and no file")
        )
    try:
        report = measure(load_model(read_settings()), data, say=say_so, reference=reference, others=others)
    except (ValueError, KeyError) as error:
        raise Complaint(f"{data} cannot be read as labelled texts: {error}") from error
    if not report["sets"]:
        raise Complaint(f"{data} holds no labelled texts to measure; docs/operating.md says what it may hold")
    if curve:
        report["learning_curve"] = learning_curve(data, say=say_so)
    if card:
        write_card(card, report)
    if gate and (worse := list(below(report, bounds()))):
        raise Complaint("this model may not go live: " + "; ".join(worse))
    if json_out:
        print(json.dumps(report))
        return
    console = Console(width=None if sys.stdout.isatty() else 160)
    console.print(_table(report["sets"]))
    if len(report["sets"]) > 1:
        console.print(_table(report["together"], title="together, by domain"))
    for name, found in report["slices"].items():
        if slices and found:
            console.print(_slices(name, found))
    for line in of_fairness(report.get("fairness", {})) + of_others(report):
        print(line.replace("|", " ").strip())
    for point in report.get("learning_curve", ()):
        print(", ".join(f"{name} {value}" for name, value in point.items()))


def _table(sets: dict[str, Any], *, title: str | None = None) -> Table:
    table = Table(
        "set",
        "label",
        "texts",
        "pos.",
        "AP (95%)",
        "reference",
        "P",
        "R (95%)",
        "F1",
        "ECE",
        "raised",
        title=title,
    )
    for name, found in sets.items():
        for label, row in found.items():
            if isinstance(row, dict):
                table.add_row(name, label, *_cells(row))
        if found.get("type_macro_f1") is not None:
            blank = [""] * 6
            table.add_row(
                name, "type, macro-F1", str(found["texts"]), "", f"{found['type_macro_f1']:.3f}", *blank
            )
    return table


def _cells(row: dict[str, Any]) -> list[str]:
    shown = {name: "" if value is None else f"{value:.3f}" for name, value in row.items() if _is_share(value)}
    for name in ("average_precision", "recall"):
        if between := row.get(f"{name}_interval"):
            shown[name] += f" ({between[0]:.2f}-{between[1]:.2f})"
    names = ("average_precision", "reference_average_precision", "precision", "recall", "f1")
    cells = [shown.get(name, "") for name in (*names, "calibration_error", "raised")]
    return [str(row["texts"]), str(row["positives"]), *cells]


def _is_share(value: Any) -> bool:
    return value is None or isinstance(value, float | int)


def _slices(name: str, found: dict[str, dict[str, Any]]) -> Table:
    table = Table(name, "incidents", "found (95%)", "others", "raised (95%)")
    for value, row in found.items():
        cells = []
        for share in ("found", "raised"):
            between = row[f"{share}_interval"]
            cells.append(f"{row[share]:.3f} ({between[0]:.2f}-{between[1]:.2f})" if between else "")
        table.add_row(value, str(row["incidents"]), cells[0], str(row["others"]), cells[1])
    return table


@app.command("train")
def train_model(
    folder: Annotated[Path, typer.Argument(metavar="DATA", help="A folder laid out like data/README.md.")],
    out: Annotated[Path, typer.Option(help="Where the model goes.")] = Path("build/model"),
    encoder: Annotated[Path | None, typer.Option(help="A fine-tuned encoder to go with it.")] = None,
    rows: Annotated[Path | None, typer.Option(help="Only write the rows an encoder is tuned on.")] = None,
    texts: Annotated[Path | None, typer.Option(help="Only write the texts a skimmer is taught on.")] = None,
    feedback: Annotated[
        bool,
        typer.Option(
            "--feedback", help="Learn also from what people decided, with its words as they are now."
        ),
    ] = False,
    json_out: Annotated[bool, typer.Option("--json", help="Print the record as JSON.")] = False,
) -> None:
    """Train a model and measure it; the same data give the same model.

    `goldenhour model add` brings it in; `goldenhour model promote` takes it into use.
    """
    if not folder.is_dir():
        raise Complaint(f"{folder} is no folder; name one laid out like data/README.md")
    if texts is not None:
        print(f"{write_texts(folder, texts):,} texts are in {texts}")
        return
    decided = read_feedback(rows) if feedback else []
    if rows is not None:
        print(f"{write_rows(folder, rows, decided):,} rows are in {rows}")
        return
    record = train(folder, out, encoder=encoder, feedback=decided, say=say_so)
    settings = read_settings().model_copy(update={"classifier": ClassifierSettings(model=str(out))})
    keep_figures(out, measure(load_model(settings), folder, feedback=decided, say=say_so))
    if json_out:
        print(json.dumps(record))
    else:
        print(f"model {record['version']} from {record['texts']:,} texts is in {out}")


def read_feedback(rows: Path | None) -> list[Row]:
    """What people decided, with the words of now. Words of real posts may only lie in the data folder."""
    settings = read_settings()
    if rows is not None and settings.data.resolve() not in rows.resolve().parents:
        raise Complaint(
            f"{rows} would hold words of real posts: with --feedback name a file in {settings.data.resolve()}, "
            "and delete it when the encoder is tuned"
        )
    with open_database(settings, pool=1) as engine, Session(engine) as session:
        made = step(session)
        if not made.lessons:
            raise Complaint(
                f"people have given no labels to learn from: {made.people} have decided so far, and with fewer than "
                f"{FEWEST_PEOPLE} one would give more than a fifth; leave --feedback away"
            )
        return teaching_rows(session, made)


def say_so(what: str) -> None:
    """One line of progress; training and measuring take minutes."""
    print(what, file=sys.stderr)
