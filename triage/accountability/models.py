"""The sheets of the model in use: its card and what it learnt from, both from the record training left with it."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlmodel import Session

from classifier.learning_records import ModelVersion
from classifier.promotion import bounds, in_use
from classifier.versions import shipped
from triage.accountability.known import Known
from triage.accountability.sheet import Section, Sheet, Table

LABELS = {"incident_any": "any encounter", "incident": "core encounter", "unverified": "unverified claim"}
MADE_FROM = "the record that training left in the model in use, and the table promotions"


def figures_in_use(session: Session) -> tuple[str, Mapping[str, Any]]:
    """The version in use and what it was measured at."""
    ours = shipped()
    version = in_use(session, ours.name)
    row = session.get(ModelVersion, version)
    return version, ours.figures if version == ours.name else (row.figures if row else {})


def model_card(session: Session, known: Known, *, now: datetime) -> Sheet:
    """What the model is for, how it was measured, and what it must show before it may be used."""
    words = known.purposes.record
    version, figures = figures_in_use(session)
    return Sheet(
        "model-card",
        f"Model card: {version}",
        "Raises public posts about police encounters to a person. It decides nothing about a person.",
        now,
        MADE_FROM,
        [
            Section(
                "Use",
                (
                    ("Meant for", words.meant_for),
                    ("Not meant for", words.not_meant_for),
                    ("Says of a claim", words.of_claims),
                    (
                        "Goes live",
                        "when no figure is below its bound and a second person agrees; the one before stays at hand",
                    ),
                ),
            ),
            Section("Figures on texts it never learnt from", tables=[_sets(figures.get("sets", {}))]),
            Section("Least figures before a version may be used", tables=[_bounds(bounds())]),
        ],
    )


def data_sheet(session: Session, *, now: datetime) -> Sheet:
    """What the model learnt from, as far as its record says."""
    version, figures = figures_in_use(session)
    learnt = figures.get("learnt", {})
    held = [(name, str(found.get("texts", ""))) for name, found in sorted(figures.get("sets", {}).items())]
    return Sheet(
        "data-sheet",
        f"Data sheet: what {version} learnt from",
        "Labelled texts, kept outside this service. The model holds no text that can be read back.",
        now,
        MADE_FROM,
        [
            Section(
                "Learnt from",
                (
                    ("Texts", f"{learnt.get('texts', 'not recorded')}"),
                    ("Texts weights and thresholds were tuned on", f"{learnt.get('tuned_on', 'not recorded')}"),
                    ("Labels", f"{learnt.get('labels', 'not recorded')}"),
                    ("SHA-256 over all of them", f"{learnt.get('data', 'not recorded')}"),
                    ("Acts of staff", "by post id, with a keyed digest of who decided; nobody gives more than a fifth"),
                ),
            ),
            Section("Held back", tables=[Table("Texts it was measured on", ("Set", "Texts"), held)]),
        ],
    )  # fmt: skip


def _sets(sets: Mapping[str, Mapping[str, Any]]) -> Table:
    rows = [
        (
            name,
            LABELS[label],
            f"{found[label].get('texts', '')}",
            f"{found[label].get('positives', '')}",
            *(_with_interval(found[label], each) for each in ("average_precision", "recall")),
        )
        for name, found in sorted(sets.items())
        for label in LABELS
        if isinstance(found.get(label), Mapping)
    ]
    return Table(
        "By set, with 95% intervals",
        ("Set", "Label", "Texts", "Positives", "Average precision", "Recall"),
        rows,
        none="This version came without figures.",
    )


def _bounds(found: Mapping[str, Any]) -> Table:
    return Table(
        "The least each figure must be; a gap and what is raised wrongly, the most",
        ("Figure", "Bound"),
        [(" / ".join(path), f"{value}") for path, value in _leaves(found)],
    )


def _leaves(found: Mapping[str, Any], path: tuple[str, ...] = ()) -> Iterable[tuple[tuple[str, ...], Any]]:
    for name, value in found.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, (*path, name))
        else:
            yield (*path, name.replace("_", " ")), value


def _with_interval(row: Mapping[str, Any], name: str) -> str:
    value, between = row.get(name), row.get(f"{name}_interval")
    if value is None:
        return "not measured"
    return f"{value:.2f} ({between[0]:.2f} to {between[1]:.2f})" if between else f"{value:.2f}"
