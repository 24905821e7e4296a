"""Figures as plain values: what `goldenhour review figures --json` prints, and what is compared when they are computed
again."""

from datetime import datetime
from typing import Any

from triage.review.figures import Cell, Figure, Figures, Period, RunChart, Table


def as_plain(figures: Figures) -> dict[str, Any]:
    """All of it, ready for JSON; rows as their ids."""
    return {
        "since": _at(figures.period.since),
        "until": _at(figures.period.until),
        "as_of": _at(figures.as_of),
        "entry": figures.entry,
        "definitions": figures.definitions,
        "figures": [_figure(each) for each in figures.figures],
        "before": [_figure(each) for each in figures.before],
        "tables": [_table(each) for each in figures.tables],
        "charts": [_chart(each) for each in figures.charts],
        "changes": [
            {
                "figure": each.figure,
                "row": each.row.id,
                "dated": _at(each.dated),
                "was": each.was,
                "now": each.now,
                "counted_at": _at(each.counted_at),
            }
            for each in figures.changes
        ],
        "statements": list(figures.statements),
    }


def _figure(figure: Figure) -> dict[str, Any]:
    return {
        "name": figure.name,
        "words": figure.definition.words,
        "shown": figure.shown,
        "unit": figure.unit.value,
        "n": figure.n,
        "of": figure.of,
        "value": figure.value,
        "low": figure.low,
        "high": figure.high,
        "definition": figure.definition._asdict(),
        **_period(figure.period),
        "numerator": [each.id for each in figure.numerator],
        "denominator": [each.id for each in figure.denominator],
    }


def _table(table: Table) -> dict[str, Any]:
    return {
        "name": table.name,
        "words": table.definition.words,
        "definition": table.definition._asdict(),
        **_period(table.period),
        "columns": list(table.columns),
        "lines": [{"label": each.label, "cells": _cells(each.cells)} for each in (*table.lines, table.total)],
    }


def _cells(cells: tuple[Cell, ...]) -> list[dict[str, Any]]:
    return [{"n": each.n, "rows": [row.id for row in each.rows]} for each in cells]


def _chart(chart: RunChart) -> dict[str, Any]:
    return {
        "name": chart.name,
        "words": chart.definition.words,
        "unit": chart.unit.value,
        "median": chart.median,
        "notes": list(chart.notes),
        "points": [
            {
                "since": _at(each.since),
                "until": _at(each.until),
                "n": each.n,
                "of": each.of,
                "value": each.value,
            }
            for each in chart.points
        ],
    }


def _period(period: Period) -> dict[str, str]:
    return {"since": _at(period.since), "until": _at(period.until)}


def _at(moment: datetime) -> str:
    return moment.isoformat()
