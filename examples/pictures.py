"""Pictures of the examples, as SVG: maps, lines and words on a white ground. No package is needed for them."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path

import numpy as np

COLOURS = ("#00796b", "#c62828", "#1565c0", "#ef6c00", "#6a1b9a", "#455a64")


class Picture:
    """A drawing of so many pixels, to which things are added from back to front."""

    def __init__(self, width: int, height: int) -> None:
        self.size = (width, height)
        self.parts: list[str] = []

    def text(self, x: float, y: float, words: str, size: int = 13, colour: str = "#222", anchor: str = "start") -> None:
        """Words, whose baseline begins (`anchor` "start"), is centred ("middle") or ends ("end") at a point."""
        style = f'font-size="{size}" fill="{colour}" text-anchor="{anchor}"'
        self.parts.append(f'<text x="{x:g}" y="{y:g}" {style}>{escape(words)}</text>')

    def lines(
        self, x: float, y: float, width: float, height: float, rows: Sequence[np.ndarray], low: float, high: float
    ) -> None:
        """Curves in a frame, each of a colour of its own, from `low` at the bottom to `high` at the top."""
        self.parts.append(f'<rect x="{x}" y="{y}" width="{width}" height="{height}" fill="none" stroke="#bbb"/>')
        for row, colour in zip(rows, COLOURS, strict=False):
            step = width / max(1, len(row) - 1)
            heights = height * (1 - (np.clip(row, low, high) - low) / (high - low))
            points = " ".join(f"{x + k * step:.1f},{y + h:.1f}" for k, h in enumerate(heights))
            self.parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.3"/>')

    def level(self, x: float, y: float, width: float, words: str) -> None:
        """A dashed line across, with words above its end."""
        self.parts.append(f'<path d="M{x:g} {y:g}h{width:g}" stroke="#222" stroke-dasharray="4 3"/>')
        self.text(x + width - 4, y - 4, words, 11, anchor="end")

    def map(self, x: float, y: float, width: float, height: float, values: np.ndarray, colour: str = "#004d40") -> None:
        """A matrix as cells, from white for its least to `colour` for its largest value; rows downwards."""
        span = float(np.ptp(values)) or 1.0
        steps = np.rint(9 * (values - values.min()) / span).astype(int)
        scale = f"translate({x} {y}) scale({width / values.shape[1]:.4f} {height / values.shape[0]:.4f})"
        for step in range(1, 10):  # cells of one shade are one path: small files
            edges = np.diff(np.pad(steps == step, ((0, 0), (1, 1))).astype(int))
            runs = zip(*np.nonzero(edges > 0), np.nonzero(edges < 0)[1], strict=True)
            cells = "".join(f"M{start} {row}h{end - start}v1h{start - end}z" for row, start, end in runs)
            style = f'fill="{colour}" fill-opacity="{step / 9:.2f}"'
            self.parts.append(f'<path transform="{scale}" d="{cells}" {style}/>')
        self.parts.append(f'<rect x="{x}" y="{y}" width="{width}" height="{height}" fill="none" stroke="#bbb"/>')

    def save(self, path: Path) -> None:
        """Write it."""
        width, height = self.size
        head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif">'
        ground = f'<rect width="{width}" height="{height}" fill="#fff"/>'
        path.write_text("\n".join([head, ground, *self.parts, "</svg>", ""]), encoding="utf-8")
