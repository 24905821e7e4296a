"""The tables of the model card, written between two marks in a page of docs."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

BEGIN, END = "<!-- figures: written by `goldenhour evaluate --card` -->", "<!-- end of figures -->"
LABELS = {"incident_any": "any encounter", "incident": "core"}


def write_card(page: Path, report: Mapping[str, Any]) -> None:
    """Put a report's tables between the marks of a page. Raises ValueError when it has none."""
    text = page.read_text(encoding="utf-8")
    if BEGIN not in text or END not in text:
        raise ValueError(f"{page} has no place for figures; add the lines {BEGIN} and {END}")
    before, rest = text.split(BEGIN, 1)
    after = rest.split(END, 1)[1]
    page.write_text(f"{before}{BEGIN}\n\n{tables(report)}\n{END}{after}", encoding="utf-8")


def tables(report: Mapping[str, Any]) -> str:
    """Markdown: by set, over the sets of each domain, and by slice."""
    parts = [f"Model `{report['model']}`.", "", *by_set(report["sets"]), ""]
    parts += ["Over all held-back texts of a domain, every label:", "", *by_label(report["together"])]
    for name, slices in report["slices"].items():
        if not slices:
            continue
        parts += ["", f"By {name}, any encounter at 0.5, texts with a type by careful reading:", ""]
        parts += by_value(slices)
    parts += of_fairness(report.get("fairness", {}))
    parts += of_others(report)
    if curve := report.get("learning_curve"):
        parts += ["", "The gate's average precision by number of labelled texts:", "", *by_size(curve)]
    return "\n".join(parts) + "\n"


def by_set(sets: Mapping[str, Any]) -> list[str]:
    head = [
        "set",
        "label",
        "texts",
        "pos.",
        "AP (95%)",
        "TF-IDF",
        "P",
        "R (95%)",
        "ECE (by chance)",
        "raised",
    ]
    lines = []
    for name, found in sets.items():
        for label, shown in LABELS.items():
            if row := found.get(label):
                cells = [
                    name,
                    shown,
                    row["texts"],
                    row["positives"],
                    _with_interval(row, "average_precision"),
                    _share(row.get("reference_average_precision")),
                    _share(row["precision"]),
                    _with_interval(row, "recall"),
                    f"{_share(row['calibration_error'])} ({_share(row['calibration_by_chance'])})",
                    _share(row["raised"]),
                ]
                lines.append(cells)
        if found.get("type_macro_f1") is not None:
            lines.append(
                [name, "type, macro-F1", found["texts"], "", _share(found["type_macro_f1"]), *[""] * 5]
            )
    return _table(head, lines)


def by_label(domains: Mapping[str, Any]) -> list[str]:
    head = ["domain", "label", "texts", "pos.", "AP (95%)", "ECE (by chance)"]
    lines = []
    for name, found in domains.items():
        for label, row in found.items():
            if isinstance(row, dict):
                error = f"{_share(row['calibration_error'])} ({_share(row['calibration_by_chance'])})"
                precision = _with_interval(row, "average_precision")
                lines.append([name, label, row["texts"], row["positives"], precision, error])
        lines.append([name, "type, macro-F1", found["texts"], "", _share(found.get("type_macro_f1")), ""])
    return _table(head, lines)


def by_value(slices: Mapping[str, Any]) -> list[str]:
    head = ["", "incidents", "found (95%)", "others", "raised (95%)"]
    lines = [
        [value, row["incidents"], _with_interval(row, "found"), row["others"], _with_interval(row, "raised")]
        for value, row in slices.items()
        if row["incidents"] + row["others"] >= FEW
    ]
    return _table(head, lines)


def of_fairness(found: Mapping[str, Any]) -> list[str]:
    """Slang beside standard English, and named communities beside none."""
    if not found:
        return []
    told = {"London slang beside standard English": found["slang"]}
    told |= {f"{topic} named beside nobody": row for topic, row in found["topics"].items()}
    lines = [
        [
            name,
            row["found_of"],
            _share(row.get("found_before")),
            _with_interval(row, "found_after"),
            _with_interval(row, "gap"),
            row["raised_of"],
            _share(row.get("raised_before")),
            _share(row.get("raised_after")),
            _share(row.get("severity_error")),
            _share(row.get("severity_shift")),
        ]
        for name, row in told.items()
    ]
    head = ["", "incidents", "found", "found in the other telling (95%)", "gap (95%)"]
    head += ["others", "raised", "raised in the other", "severity apart", "severity more"]
    said = "The same told twice, at 0.5, in texts written in pairs for this and never learnt from:"
    return ["", said, "", *_table(head, lines)]


def of_others(report: Mapping[str, Any]) -> list[str]:
    """Rumours, places, disguises and claims, as far as they were measured."""
    lines: list[str] = []
    if found := report.get("rumours"):
        lines += [
            "",
            "Rumours of events never seen, beside words and letters learnt from the same posts:",
            "",
        ]
        lines += _table(
            ["", "posts", "rumours", "macro-F1 (95%)", "AUC (95%)", "ECE"],
            [
                [
                    name,
                    row["texts"],
                    row["rumours"],
                    _with_interval(row, "macro_f1"),
                    _with_interval(row, "auc"),
                    _share(row["calibration_error"]),
                ]
                for name, row in found.items()
                if name != "events"
            ],
        )
        lines += [
            "",
            "AUC by event: " + ", ".join(f"{name} {row['auc']:.2f}" for name, row in found["events"].items()),
        ]
    if found := report.get("places"):
        lines += [
            "",
            "Places in posts; of posts from anywhere `held` are the names that the gazetteer has:",
            "",
        ]
        names = ("exact_f1", "overlap_f1", "borough_right", "held_recall")
        lines += _table(
            [
                "",
                "posts",
                "named",
                "found",
                "F1, same span (95%)",
                "F1, overlap (95%)",
                "boroughs",
                "right (95%)",
                "held",
                "found of those (95%)",
            ],
            [
                [
                    name,
                    row["posts"],
                    row["named"],
                    row["found"],
                    *(_with_interval(row, each) for each in names[:2]),
                    row.get("boroughs", ""),
                    _with_interval(row, names[2]),
                    row.get("held", ""),
                    _with_interval(row, names[3]),
                ]
                for name, row in found.items()
            ],
        )
    if found := report.get("disguises"):
        lines += [
            "",
            "Disguises, over held-back posts; recall falls by points of any encounter, and of urgent posts"
            " raised:",
            "",
        ]
        lines += _table(
            [
                "",
                "texts",
                "label kept (95%)",
                "type kept",
                "incidents",
                "recall falls",
                "urgent",
                "raised falls",
            ],
            [
                [
                    name,
                    row["texts"],
                    _with_interval(row, "kept"),
                    _share(row["type_kept"]),
                    row["incidents"],
                    _share(row["recall_falls"]),
                    row["urgent"],
                    _share(row["urgent_raised_falls"]),
                ]
                for name, row in found.items()
            ],
        )
    if found := report.get("claims"):
        lines += [
            "",
            f"Claims: {found['posts']} posts among {found['claims']:,} known claims, MAP@5"
            f" {found['map_at_5']:.3f}; TF-IDF {found['reference_map_at_5']:.3f}.",
        ]
    return lines


def by_size(curve: Sequence[Mapping[str, Any]]) -> list[str]:
    names = [name for name in curve[0] if name != "labelled"]
    return _table(
        ["labelled", *names], [[point["labelled"], *map(_share, map(point.get, names))] for point in curve]
    )


FEW = 8  # slices of fewer texts say nothing


def _table(head: Sequence[str], lines: Sequence[Sequence[Any]]) -> list[str]:
    return [f"| {' | '.join(map(str, line))} |" for line in (head, ["---"] * len(head), *lines)]


def _share(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _with_interval(row: Mapping[str, Any], name: str) -> str:
    if row.get(name) is None:
        return ""
    low, high = row[f"{name}_interval"]
    return f"{row[name]:.3f} ({low:.2f} to {high:.2f})"
