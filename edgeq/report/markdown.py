"""A report in Markdown."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from edgeq.report.words import COMPARED, KPIS, about, bytes_text, figure

_COLUMNS = "layer,operator,W,type,SQNR dB,alone,at output,noise %,clipped %,saturated %,weights,share %,arena,time %"
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>()#+!|~])")


def plain(text: object) -> str:
    """A text in which nothing is markup, in one line."""
    return _SPECIAL.sub(r"\\\1", " ".join(str(text).split()))


def _table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> list[str]:
    lines = [columns, ["---"] * len(columns), *rows]
    return ["| " + " | ".join("" if c is None else str(c) for c in line) + " |" for line in lines]


def document(builds: Sequence[Mapping[str, Any]]) -> str:
    """The document. The same builds give the same bytes."""
    names = ", ".join(dict.fromkeys(str(build["name"]) for build in builds))
    lines = [f"# {plain(names)}: edgeq report", ""]
    if len(builds) > 1:
        lines += ["## Side by side", "", *_side_by_side(builds), ""]
    for build in builds:
        lines += [f"## {plain(build['folder'])}: {plain(build['name'])} for {plain(build['target']['name'])}", ""]
        lines += [line for text in about(build) for line in (plain(text), "")]
        figures = [kpi(build["kpis"]) for kpi in KPIS]
        rows = [(plain(label), plain(text), plain(note)) for label, text, note in figures if text]
        lines += [*_table(("", "", ""), rows), ""]
        lines += [f"- {plain(w['message'])}" for w in build["warnings"]] + [""] * bool(build["warnings"])
        lines += ["### Layers", "", *_layers(build["layers"]), ""]
        advice = [f"- {plain(layer['name'])}: {plain(layer['advice'])}" for layer in build["layers"] if layer["advice"]]
        if advice:
            lines += ["### What would help", "", *advice, ""]
        for name, matrix in (build["confusion"] or {}).items():
            title = "float model" if name == "float" else "quantized model"
            lines += [f"### Confusion, {title}", "", "Rows: the label, columns: the answer.", ""]
            lines += [*_table(["", *map(str, range(len(matrix)))], [[k, *row] for k, row in enumerate(matrix)]), ""]
    return "\n".join(lines)


def _side_by_side(builds: Sequence[Mapping[str, Any]]) -> list[str]:
    rows = []
    for key, label, _ in COMPARED:
        values = [build["kpis"].get(key) for build in builds]
        if any(value is not None for value in values):
            rows.append([label, *("" if value is None else plain(figure(key, value)) for value in values)])
    return _table(["", *(plain(build["folder"]) for build in builds)], rows)


def _layers(layers: Sequence[Mapping[str, Any]]) -> list[str]:
    rows = [
        [
            plain(layer["name"]),
            layer["op"],
            layer["weight_bits"],
            layer["dtype"],
            *(_digits(layer[key], 1) for key in ("sqnr_db", "alone_db", "sensitivity_db", "noise_share")),
            *(_digits(layer[key], 3) for key in ("clipped", "saturated")),
            bytes_text(layer["weights_bytes"]),
            _digits(layer["weights_share"], 1),
            bytes_text(layer["live_bytes"]),
            _digits(layer["cost_share"], 1),
        ]
        for layer in layers
    ]
    return _table(_COLUMNS.split(","), rows)


def _digits(value: float | None, digits: int) -> str:
    return "" if value is None else f"{value:.{digits}f}"
