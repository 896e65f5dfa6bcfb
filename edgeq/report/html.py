"""A report as one HTML file that needs nothing else: no network, no library, and no script but for its two buttons."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import Any

from edgeq.report.pictures import grade, histogram, network, scatter
from edgeq.report.style import CSS, SCRIPT
from edgeq.report.words import COMPARED, KPIS, MOST_OF_RANGE, about, bytes_text, figure, layer_facts

Build = Mapping[str, Any]
HIGHEST_DB = 60.0
"""The end of the bars that show an SQNR."""
MOST_SHOWN = 24
"""Classes up to which counts stand in the fields of a confusion matrix."""


def page(builds: Sequence[Build]) -> str:
    """The page. The same builds give the same bytes; all names are escaped, and nothing in them can become a script."""
    script = base64.b64encode(hashlib.sha256(SCRIPT.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src 'sha256-{script}'"
    names = ", ".join(dict.fromkeys(str(build["name"]) for build in builds))
    version = builds[0]["edgeq_version"] if builds else ""
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{escape(policy)}">',
        '<meta name="viewport" content="width=device-width,initial-scale=1">',
        f"<title>{escape(names)}: edgeq report</title><style>{CSS}</style></head><body><main>",
        f"<header><div><h1>{escape(names)}</h1>",
        f'<p class="faint">Report by edgeq {escape(version)}</p></div>',
        '<div><button id="all">all layers</button> <button id="theme">dark / light</button></div></header>',
        _side_by_side(builds) if len(builds) > 1 else "",
        *(_build(build, number, len(builds)) for number, build in enumerate(builds)),
        f"</main><script>{SCRIPT}</script></body></html>",
    ]
    return "\n".join(part for part in parts if part) + "\n"


def title_of(build: Build, builds: int) -> str:
    """What a build is called beside others."""
    name = f"{build['name']} for {build['target']['name']}"
    return f"{build['folder']}: {name}" if builds > 1 else name


def _side_by_side(builds: Sequence[Build]) -> str:
    """The figures of several builds, the best of each marked, and how accurate they are for their size."""
    head = "".join(
        f'<th><a href="#b{number}">{escape(build["folder"])}</a><br><span class="faint small">'
        f"{escape(build['name'])}, {escape(build['target']['name'])}</span></th>"
        for number, build in enumerate(builds)
    )
    rows = []
    for key, label, better in COMPARED:
        values = [build["kpis"].get(key) for build in builds]
        known = [v for v in values if isinstance(v, int | float)]
        if not known and not any(values):
            continue
        best = (max if better > 0 else min)(known) if known and better and len(set(known)) > 1 else None
        cells = "".join(
            f"<td{_marked(value, best)}>{escape(figure(key, value)) if value is not None else '–'}</td>"
            for value in values
        )
        rows.append(f"<tr><td>{escape(label)}</td>{cells}</tr>")
    points = [
        (float(k["flash_bytes"]), float(k["sqnr_db"]), str(build["folder"]))
        for build in builds
        for k in (build["kpis"],)
        if k["flash_bytes"] is not None and k.get("sqnr_db") is not None
    ]
    drawing = f"<h3>SQNR over flash</h3>{scatter(points, 'flash, bytes', 'SQNR, dB')}" if len(points) > 1 else ""
    table = f"<table><thead><tr><th></th>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
    inside = f'<div class="scroll">{table}</div><div class="scroll">{drawing}</div>'
    return f'<h2>Side by side</h2><div class="card two">{inside}</div>'


def _marked(value: Any, best: Any) -> str:
    return ' class="best"' if best is not None and value == best else ""


def _build(build: Build, number: int, builds: int) -> str:
    heading = f'<h2 id="b{number}">{escape(title_of(build, builds))}</h2>'
    parts = [heading, *(f'<p class="faint small">{escape(line)}</p>' for line in about(build))]
    cards = "".join(
        f'<div class="kpi"><span>{escape(label)}</span><b>{escape(text)}</b><span>{escape(note)}</span></div>'
        for label, text, note in (kpi(build["kpis"]) for kpi in KPIS)
        if text
    )
    parts.append(f'<div class="kpis">{cards}</div>')
    parts.append(_warnings(build["warnings"]))
    parts.append(f"<h3>Layers</h3>{_layers(build)}")
    parts.append(_advice(build["layers"]))
    matrices = _confusion(build["confusion"])
    drawing = f'<div class="card"><h3>The network</h3>{_legend()}{network(build["layers"])}</div>'
    parts.append(f'<div class="two" style="margin-top:14px">{drawing}{matrices}</div>')
    if not build["arena"]:
        return f"<section>{''.join(parts)}</section>"
    image = base64.b64encode(build["arena"].encode()).decode()
    alt = f"The arena of {build['name']} over time: tensors as rectangles, layers from left to right"
    parts.append(
        f'<h3>The arena over time</h3><div class="card scroll"><img class="arena" alt="{escape(alt)}"'
        f' src="data:image/svg+xml;base64,{image}"></div>'
    )
    return f"<section>{''.join(parts)}</section>"


def _warnings(warnings: Sequence[Mapping[str, Any]]) -> str:
    if not warnings:
        return ""
    rows = []
    for warning in warnings:
        where = f"{warning['where']}: " if warning.get("where") else ""
        hint = f'<br><span class="faint">{escape(warning["hint"])}</span>' if warning.get("hint") else ""
        rows.append(f"<li>{escape(where + str(warning['message']))}{hint}</li>")
    return f'<div class="card"><b class="advice">Doubts</b><ul>{"".join(rows)}</ul></div>'


def _advice(layers: Sequence[Mapping[str, Any]]) -> str:
    """What would make the model more accurate, the layers with the most noise first."""
    told = sorted((layer for layer in layers if layer["advice"]), key=lambda layer: -(layer["noise_share"] or 0.0))
    if not told:
        return ""
    rows = "".join(f"<li><b>{escape(layer['name'])}</b>: {escape(layer['advice'])}</li>" for layer in told)
    return f'<h3>What would help</h3><div class="card"><ul>{rows}</ul></div>'


def _legend() -> str:
    keys = (("var(--good)", "25 dB and more"), ("var(--b)", "15 to 25 dB"), ("var(--bad)", "below 15 dB"))
    spans = "".join(f'<span><i class="dot" style="background:{c}"></i>{escape(t)}</span>' for c, t in keys)
    return f'<div class="key">{spans}</div>'


_COLUMNS = ("layer", "bits", "SQNR", "output noise", "weights", "arena", "time")


def _layers(build: Build) -> str:
    head = "".join(f"<span>{escape(c)}</span>" for c in _COLUMNS)
    fullest = max((layer["live_bytes"] or 0 for layer in build["layers"]), default=1) or 1
    rows = "".join(_layer(layer, fullest) for layer in build["layers"])
    key = (
        '<div class="key"><span><i class="dot" style="background:var(--a)"></i>SQNR with the errors of all layers '
        "before</span><span>| of the layer alone</span><span>output noise: this layer's part of the error of the "
        "model's output</span></div>"
    )
    return f'<div class="card">{key}<div class="row head">{head}</div>{rows}</div>'


def _layer(layer: Mapping[str, Any], fullest: int) -> str:
    bits = _bits(layer)
    cells = [
        f'<span class="name">{escape(layer["name"])}<br><small>{escape(layer["op"])} '
        f"{escape('×'.join(map(str, layer['shape'])))}</small></span>",
        f'<span class="cell" data-of="bits">{escape(bits)}</span>',
        _decibels(layer),
        _share("output noise", layer["noise_share"], "warn" if (layer["noise_share"] or 0) >= 25 else ""),
        _share("weights", layer["weights_share"], note=bytes_text(layer["weights_bytes"])),
        _share("arena", _part(layer["live_bytes"], fullest), note=bytes_text(layer["live_bytes"])),
        _share("time", layer["cost_share"]),
    ]
    facts = "".join(f"<dt>{escape(label)}</dt><dd>{escape(text)}</dd>" for label, text in layer_facts(layer))
    advice = f'<p class="advice">{escape(layer["advice"])}</p>' if layer["advice"] else ""
    drawing = histogram(layer)
    note = f'<p class="faint small">{escape(MOST_OF_RANGE)}</p>' if drawing else ""
    return (
        f'<details><summary class="row">{"".join(cells)}</summary>'
        f'<div class="inside"><div>{drawing}{note}</div><div>{advice}<dl>{facts}</dl></div></div></details>'
    )


def _part(count: int | None, whole: int) -> float | None:
    return None if count is None else 100.0 * count / whole


def _bits(layer: Mapping[str, Any]) -> str:
    activations = {"int8": "8", "uint8": "8", "int16": "16", "float32": "float"}.get(str(layer["dtype"]), "–")
    return f"W{layer['weight_bits']} A{activations}" if layer["weight_bits"] else f"A{activations}"


def _decibels(layer: Mapping[str, Any]) -> str:
    total, alone = layer["sqnr_db"], layer["alone_db"]
    if total is None:
        return '<span class="cell" data-of="SQNR">–</span>'
    tick = f'<i class="tick" style="left:{_percent(alone)}"></i>' if alone is not None else ""
    fill = f'<i class="fill" style="width:{_percent(total)};background:{grade(total)}"></i>'
    return f'<span class="cell" data-of="SQNR">{total:.1f} dB<span class="track">{fill}{tick}</span></span>'


def _percent(decibels: float) -> str:
    return f"{min(max(100.0 * decibels / HIGHEST_DB, 0.0), 99.0):.1f}%"


def _share(label: str, percent: float | None, style: str = "", note: str = "") -> str:
    if percent is None:
        return f'<span class="cell" data-of="{label}">–</span>'
    text = note or f"{percent:.1f} %"
    fill = f'<i class="fill {style}" style="width:{min(percent, 100.0):.1f}%"></i>'
    return f'<span class="cell" data-of="{label}">{escape(text)}<span class="track">{fill}</span></span>'


def _confusion(matrices: Mapping[str, Sequence[Sequence[int]]] | None) -> str:
    if matrices is None:
        return ""
    titles = {"float": "float model", "int8": "quantized model"}
    return "".join(
        f'<div class="card"><h3>Confusion, {escape(titles.get(name, name))}</h3>{_matrix(matrix)}</div>'
        for name, matrix in matrices.items()
    )


def _matrix(matrix: Sequence[Sequence[int]]) -> str:
    """Counts, samples of the class of a row taken for that of a column; the darker, the larger a part of the row."""
    shown = len(matrix) <= MOST_SHOWN
    head = "".join(f"<th>{k}</th>" for k in range(len(matrix))) if shown else ""
    rows = []
    for true, row in enumerate(matrix):
        whole = sum(row) or 1
        cells = "".join(_field(count, whole, true == k, true, k, shown) for k, count in enumerate(row))
        rows.append(f"<tr><th>{true if shown else ''}</th>{cells}</tr>")
    right = sum(matrix[k][k] for k in range(len(matrix)))
    total = sum(map(sum, matrix)) or 1
    return (
        f'<div class="scroll"><table class="matrix"><tr><th></th>{head}</tr>{"".join(rows)}</table></div>'
        f'<p class="faint small">rows: the label, columns: the answer; {right:,} of {total:,} right</p>'
    )


def _field(count: int, whole: int, right: bool, true: int, found: int, shown: bool) -> str:
    part = round(100.0 * count / whole)
    colour = "var(--good)" if right else "var(--bad)"
    style = f' style="background:color-mix(in srgb,{colour} {round(0.6 * part)}%,transparent)"' if count else ""
    title = f' title="{true} taken for {found}: {count:,} ({part} %)"'
    return f"<td{style}{title}>{count if shown and count else ''}</td>"


def snippet(title: str, facts: Sequence[tuple[str, str]], columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A short table for notebooks, in their own colours."""
    cell: Callable[[str, str], str] = lambda tag, text: f'<{tag} style="text-align:left">{escape(text)}</{tag}>'  # noqa: E731
    told = "".join(f"<li>{escape(label)}: {escape(text)}</li>" for label, text in facts)
    head = "".join(cell("th", column) for column in columns)
    body = "".join(f"<tr>{''.join(cell('td', text) for text in row)}</tr>" for row in rows)
    return (
        f"<div><b>{escape(title)}</b><ul>{told}</ul><details><summary>{len(rows)} layers</summary>"
        f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></details></div>"
    )
