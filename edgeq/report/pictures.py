"""Small drawings of a report, as SVG that takes its colours from the page."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

WIDTH, HEIGHT = 420, 150
LEFT, RIGHT, FOOT, TOP = 8, 8, 22, 18
LANE, ROW, BOX, TALL = 9, 38, 300, 26
MOST_LANES = 8


def number(value: float) -> str:
    """A coordinate."""
    return f"{value:.1f}".removesuffix(".0")


def histogram(layer: Mapping[str, Any]) -> str:
    """How often the float model has which values (square roots of counts), and what the integers hold of them."""
    bars = layer["histogram"]
    if bars is None:
        return ""
    counts, width = bars["counts"], bars["width"]
    left, right = bars["low"], bars["low"] + width * len(counts)
    if layer["low"] is not None:
        spread = 0.6 * (right - left)
        left, right = max(min(left, layer["low"]), left - spread), min(max(right, layer["high"]), right + spread)
    span = (right - left) or 1.0
    inner, tallest = WIDTH - LEFT - RIGHT, math.sqrt(max(counts) or 1)

    def x(value: float) -> float:
        return LEFT + inner * (min(max(value, left), right) - left) / span

    bottom = HEIGHT - FOOT
    parts = []
    if layer["low"] is not None:
        low, high = x(layer["low"]), x(layer["high"])
        parts.append(_rect(low, TOP, max(high - low, 1), bottom - TOP, "var(--held)", "what the integers hold"))
        for value, anchor in ((layer["low"], "start"), (layer["high"], "end")):
            parts.append(
                f'<text x="{number(x(value))}" y="12" font-size="11" text-anchor="{anchor}">{value:.4g}</text>'
            )
    for index, count in enumerate(counts):
        if count:
            tall = max(1.0, (bottom - TOP) * math.sqrt(count) / tallest)
            start = bars["low"] + index * width
            title = f"{count:,} values from {start:.4g} to {start + width:.4g}"
            wide = max(inner * width / span - 0.5, 0.8)
            parts.append(_rect(x(start), bottom - tall, wide, tall, "var(--hist)", title))
    if left < 0 < right:
        at = number(x(0))
        parts.append(f'<line x1="{at}" y1="{TOP}" x2="{at}" y2="{bottom}" stroke="var(--faint)"/>')
    for value, place, anchor in ((left, LEFT, "start"), (right, WIDTH - RIGHT, "end")):
        parts.append(
            f'<text class="faint" x="{place}" y="{HEIGHT - 6}" font-size="11" text-anchor="{anchor}">{value:.4g}</text>'
        )
    return _svg(WIDTH, HEIGHT, f"Histogram of {layer['name']}", parts)


def network(layers: Sequence[Mapping[str, Any]]) -> str:
    """The layers one below the other, each with a line to what it reads; colours say how accurate they are."""
    edges = [(source, index) for index, layer in enumerate(layers) for source in layer["reads"]]
    far = [(a, b) for a, b in edges if b - a > 1]
    lanes = _lanes(far)
    left = 14 + LANE * (max(lanes.values(), default=-1) + 1)
    height = ROW * (len(layers) + 1) + 8

    def middle(index: int) -> float:
        return ROW * (index + 1) + TALL / 2 + 4

    parts = [f'<text x="{left + 10}" y="{number(middle(-1) + 4)}" font-size="12" class="faint">input</text>']
    centre = left + 24
    for source, index in edges:
        a, b = middle(source), middle(index)
        if (source, index) in lanes:
            lane = left - 6 - LANE * (lanes[source, index] + 1) + 4
            path = f"M{left} {number(a)}H{lane + 5}Q{lane} {number(a)} {lane} {number(a + 5)}"
            path += f"V{number(b - 5)}Q{lane} {number(b)} {lane + 5} {number(b)}H{left}"
        else:
            path = f"M{centre} {number(a + TALL / 2)}V{number(b - TALL / 2)}"
        parts.append(f'<path d="{path}" fill="none" stroke="var(--faint)" stroke-width="1.3"/>')
    for index, layer in enumerate(layers):
        y = middle(index) - TALL / 2
        shape = "×".join(map(str, layer["shape"]))
        sqnr = "" if layer["sqnr_db"] is None else f", {layer['sqnr_db']:.1f} dB"
        title = f"{layer['name']}: {layer['op']}, {shape}, {layer['macs']:,} MACs{sqnr}"
        colour = grade(layer["sqnr_db"])
        parts.append(
            f'<g><title>{escape(title)}</title><rect x="{left}" y="{number(y)}" width="{BOX}" height="{TALL}" rx="6"'
            f' fill="var(--track)" stroke="{colour}" stroke-width="1.6"/>'
            f'<text x="{left + 10}" y="{number(y + 17)}" font-size="12">{escape(layer["op"])}</text>'
            f'<text x="{left + BOX - 10}" y="{number(y + 17)}" font-size="11" class="faint" text-anchor="end">'
            f"{escape(shape)}{escape(sqnr)}</text></g>"
        )
    return _svg(left + BOX + 6, height, "The network", parts)


def _lanes(edges: Sequence[tuple[int, int]]) -> dict[tuple[int, int], int]:
    """A lane for each edge that passes layers, so that edges side by side are apart while there are lanes left."""
    ends: list[int] = []
    lanes: dict[tuple[int, int], int] = {}
    for edge in sorted(edges, key=lambda e: (e[0], -e[1])):
        free = next((k for k, end in enumerate(ends) if end <= edge[0]), len(ends))
        if free == len(ends) and len(ends) < MOST_LANES:
            ends.append(0)
        lane = min(free, MOST_LANES - 1)
        ends[lane] = max(ends[lane], edge[1])
        lanes[edge] = lane
    return lanes


def grade(sqnr: float | None) -> str:
    """A colour for an SQNR."""
    if sqnr is None:
        return "var(--line)"
    return "var(--bad)" if sqnr < 15 else "var(--b)" if sqnr < 25 else "var(--good)"


def scatter(
    points: Sequence[tuple[float, float, str]],
    across: str,
    up: str,
    others: Sequence[tuple[float, float]] = (),
) -> str:
    """Points with names: the further up and to the left, the better. `others` are beside them, faint."""
    if not points:
        return ""
    wide, tall, left, foot = 640, 280, 52, 40
    places = [(x, y) for x, y, _ in points] + list(others)
    xs, ys = [x for x, _ in places], [y for _, y in places]
    x0, x1, y0, y1 = min(xs), max(xs), min(ys), max(ys)
    dx, dy = (x1 - x0) or abs(x1) or 1.0, (y1 - y0) or abs(y1) or 1.0
    x0, x1, y0, y1 = x0 - 0.06 * dx, x1 + 0.22 * dx, y0 - 0.1 * dy, y1 + 0.1 * dy
    parts = []
    for step in range(5):
        y = 10 + (tall - foot - 10) * step / 4
        value = y1 - (y1 - y0) * step / 4
        parts.append(f'<line x1="{left}" x2="{wide - 8}" y1="{number(y)}" y2="{number(y)}" stroke="var(--line)"/>')
        label = f'<text x="{left - 6}" y="{number(y + 4)}" font-size="11" class="faint" text-anchor="end">'
        parts.append(f"{label}{value:.3g}</text>")
        x = left + (wide - left - 8) * step / 4
        at = x0 + (x1 - x0) * step / 4
        anchor = ("start", "middle", "middle", "middle", "end")[step]
        parts.append(
            f'<text x="{number(x)}" y="{tall - 24}" font-size="11" class="faint" text-anchor="{anchor}">'
            f"{at:,.0f}</text>"
        )
    marked = [(x, y, "", "var(--faint)", 3) for x, y in others] + [(*point, "var(--a)", 5) for point in points]
    for px, py, name, fill, radius in marked:
        x = left + (wide - left - 8) * (px - x0) / (x1 - x0)
        y = 10 + (tall - foot - 10) * (y1 - py) / (y1 - y0)
        label = f'<text x="{number(x + 8)}" y="{number(y + 4)}" font-size="12">{escape(name)}</text>' if name else ""
        parts.append(
            f"<g><title>{escape(f'{name}: {px:,.4g}, {py:.4g}')}</title>"
            f'<circle cx="{number(x)}" cy="{number(y)}" r="{radius}" fill="{fill}"/>{label}</g>'
        )
    parts.append(f'<text x="{wide - 8}" y="{tall - 6}" font-size="12" text-anchor="end">{escape(across)}</text>')
    parts.append(f'<text x="{left}" y="{tall - 6}" font-size="12" class="faint">up: {escape(up)}</text>')
    return _svg(wide, tall, f"{up} over {across}", parts, "wide")


def _rect(x: float, y: float, width: float, height: float, fill: str, title: str) -> str:
    place = f'x="{number(x)}" y="{number(y)}" width="{number(width)}" height="{number(height)}"'
    return f'<rect {place} fill="{fill}"><title>{escape(title)}</title></rect>'


def _svg(width: float, height: float, title: str, parts: Sequence[str], kind: str = "") -> str:
    """A drawing at its own size, smaller where there is less room."""
    return (
        f'<svg viewBox="0 0 {number(width)} {number(height)}" width="{number(width)}" height="{number(height)}" '
        f'class="{kind}" role="img" aria-label="{escape(title)}">{"".join(parts)}</svg>'
    )
