"""The arena of a build folder over time: figures, and a drawing of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from edgeq.codegen.arena import Peak, covered, peak, present
from edgeq.codegen.manifest import read_manifest
from edgeq.codegen.places import region_at
from edgeq.codegen.program import Occupant
from edgeq.errors import UsageError
from edgeq.memory import Share


@dataclass(frozen=True)
class MemoryMap:
    """Where everything lies in the arena, and when.

    Attributes:
        name: the model's name.
        target: what it was built for.
        arena_bytes: size of the arena.
        arena_bound: bytes below which no plan can go.
        layers: name and operator of every call, in order of execution.
        arena: what lies there; offsets go on from one arena to the next where there are several.
        arenas: the arenas, each in a region of memory of its own.
    """

    name: str
    target: str
    arena_bytes: int
    arena_bound: int
    layers: tuple[tuple[str, str], ...]
    arena: tuple[Occupant, ...]
    arenas: tuple[Share, ...] = ()

    @property
    def extent(self) -> int:
        """Bytes of all arenas, one behind the other."""
        return max((share.end for share in self.arenas), default=self.arena_bytes)

    def share(self, occupant: Occupant) -> Share:
        """The arena in which something lies."""
        return region_at(self.arenas, occupant.offset) if self.arenas else Share("ram", 0, self.arena_bytes)

    def occupant(self, occupant: Occupant) -> dict[str, Any]:
        """For `--json`: its offset is that in its own arena."""
        share = self.share(occupant)
        return {
            "value": occupant.value,
            "kind": occupant.kind,
            "offset": occupant.offset - share.base,
            "bytes": occupant.bytes,
            "region": share.room,
        }

    @property
    def peak(self) -> Peak:
        """The step at which the arena is fullest."""
        return peak(self.arena)

    def moment(self, layer: int) -> str:
        """The name of a step: a layer's, or that of the time before or after all layers."""
        if 0 <= layer < len(self.layers):
            return self.layers[layer][0]
        return "(input)" if layer < 0 else "(output)"

    def to_dict(self) -> dict[str, Any]:
        """For `--json`: bytes in use and tensors at each step, and the peak."""
        steps = [
            {
                "layer": name,
                "op": op,
                "live_bytes": covered(present(self.arena, index)),
                "tensors": [self.occupant(o) for o in present(self.arena, index)],
            }
            for index, (name, op) in enumerate(self.layers)
        ]
        peak = self.peak
        return {
            "name": self.name,
            "target": self.target,
            "arena_bytes": self.arena_bytes,
            "arena_bound": self.arena_bound,
            "peak": {
                "layer": self.moment(peak.layer),
                "index": peak.layer,
                "live_bytes": peak.bytes,
                "tensors": [self.occupant(o) for o in peak.occupants],
            },
            "steps": steps,
        }


def memory_map(manifest: Mapping[str, Any], where: str = "") -> MemoryMap:
    """What a manifest says about the arena.

    Raises:
        UsageError: it says nothing about it: the folder was made by an earlier version.
    """
    try:
        return MemoryMap(
            name=manifest["name"],
            target=manifest["target"],
            arena_bytes=manifest["arena_bytes"],
            arena_bound=manifest["arena_bound"],
            layers=tuple((layer["name"], layer["op"]) for layer in manifest["layers"]),
            arena=tuple(
                Occupant(o["value"], o["kind"], o["offset"], o["bytes"], o["first"], o["last"])
                for o in manifest["arena"]
            ),
            arenas=tuple(Share(s["region"], s["offset"], s["bytes"]) for s in manifest.get("arenas", ())),
        )
    except (KeyError, TypeError) as error:
        raise UsageError("its manifest does not say how memory is used", hint="build it again", where=where) from error


def read_memory_map(folder: Path) -> MemoryMap:
    """The memory map of a build folder.

    Raises:
        UsageError: it is not a build folder, or one of an earlier version.
    """
    return memory_map(read_manifest(folder), str(folder))


def save_svg(memory: MemoryMap, path: Path) -> None:
    """Write the drawing.

    Raises:
        UsageError: the file cannot be written.
    """
    try:
        path.write_text(draw(memory), encoding="utf-8", newline="\n")
    except OSError as error:
        raise UsageError(f"cannot be written: {error.strerror}", where=str(path)) from error


HEIGHT = 420
STRIP = 46
LEFT, RIGHT, TOP = 92, 28, 74
LABEL = 150
TENSORS = ("#8ecae6", "#a8d5a2", "#c9b6e4", "#f7c59f", "#9fd8cb", "#e8b4bc", "#b8c4e0", "#d9d57f")
INPUT, OUTPUT, PEAK, INK, FAINT = "#3a86c8", "#2a9d62", "#d1495b", "#22303c", "#8a97a3"
STYLE = f"""<style>
  text {{ font-family: 'Segoe UI', 'Helvetica Neue', 'DejaVu Sans', sans-serif; font-size: 12px; fill: {INK}; }}
  .title {{ font-size: 18px; font-weight: 600; }}
  .faint {{ fill: {FAINT}; }}
  .small {{ font-size: 11px; }}
  .peak {{ fill: {PEAK}; font-weight: 600; }}
  .light {{ fill: #ffffff; }}
</style>"""
HATCH = f"""<defs>
<pattern id="scratch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
  <rect width="6" height="6" fill="#eceff2"/><line x1="0" y1="0" x2="0" y2="6" stroke="{FAINT}" stroke-width="2"/>
</pattern>
</defs>"""


def _number(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def _short(name: str, room: float) -> str:
    """As much of the end of a name as fits into `room` pixels; ends tell more than beginnings."""
    count = int(room / 7.2)
    if len(name) <= count:
        return name
    return f"…{name[-(count - 1) :]}" if count >= 4 else ""


def _tick_distance(limit: int, steps: int) -> int:
    """A round distance between ticks: 1, 2 or 5 times a power of ten, or of 1024 times that."""
    unit = 1024 if limit >= 8 * 1024 else 1
    scale = unit
    while True:
        for factor in (1, 2, 5):
            if scale * factor * steps >= limit:
                return scale * factor
        scale *= 10


def _bytes(count: int) -> str:
    return f"{count // 1024} KiB" if count >= 1024 and count % 1024 == 0 else f"{count:,} B"


class _Canvas:
    """Collects the drawing's elements, and knows where layers and offsets lie in it."""

    def __init__(self, memory: MemoryMap) -> None:
        self.steps = len(memory.layers) + 2
        self.column = max(16.0, min(88.0, 1120 / self.steps))
        self.chart = self.column * self.steps
        self.width = max(LEFT + self.chart + RIGHT, 760.0)
        self.scale = HEIGHT / max(memory.extent, 1)
        self.top = TOP + STRIP + 12
        self.bottom = self.top + HEIGHT
        self.parts: list[str] = []

    def x(self, layer: float) -> float:
        """Left edge of a layer's column."""
        return LEFT + (layer + 1) * self.column

    def y(self, offset: float) -> float:
        """Height of an offset; the arena begins at the bottom."""
        return self.bottom - offset * self.scale

    def rect(
        self, x: float, y: float, width: float, height: float, fill: str, attributes: str = "", title: str = ""
    ) -> None:
        inner = f"<title>{escape(title)}</title>" if title else ""
        place = f'x="{_number(x)}" y="{_number(y)}" width="{_number(width)}" height="{_number(height)}"'
        self.parts.append(f'<rect {place} fill="{fill}"{attributes}>{inner}</rect>')

    def line(self, x1: float, y1: float, x2: float, y2: float, stroke: str, attributes: str = "") -> None:
        place = f'x1="{_number(x1)}" y1="{_number(y1)}" x2="{_number(x2)}" y2="{_number(y2)}"'
        self.parts.append(f'<line {place} stroke="{stroke}"{attributes}/>')

    def text(self, x: float, y: float, text: str, style: str = "", anchor: str = "start", turn: int = 0) -> None:
        place = f'x="{_number(x)}" y="{_number(y)}"'
        attributes = f' class="{style}"' if style else ""
        attributes += f' text-anchor="{anchor}"' if anchor != "start" else ""
        attributes += f' transform="rotate({turn} {_number(x)} {_number(y)})"' if turn else ""
        self.parts.append(f"<text {place}{attributes}>{escape(text)}</text>")


def _axes(canvas: _Canvas, memory: MemoryMap) -> None:
    right = LEFT + canvas.chart
    tick = _tick_distance(memory.extent, 8)
    for offset in range(0, memory.extent + 1, tick):
        canvas.line(LEFT, canvas.y(offset), right, canvas.y(offset), "#e6eaee")
        if canvas.y(offset) > canvas.top + 14:
            canvas.text(LEFT - 8, canvas.y(offset) + 4, _bytes(offset), "faint small", "end")
    for share in memory.arenas if len(memory.arenas) > 1 else ():
        canvas.line(LEFT, canvas.y(share.base), right, canvas.y(share.base), INK)
        canvas.text(right + 4, canvas.y(share.base) - 4, share.room, "small")
    every = max(1, round(22 / canvas.column))
    for layer in range(-1, len(memory.layers) + 1):
        x = canvas.x(layer)
        if layer >= 0:
            canvas.line(x, canvas.top, x, canvas.bottom, "#f0f3f5")
        if layer % every == 0 or layer in (-1, len(memory.layers), memory.peak.layer):
            style = "small peak" if layer == memory.peak.layer else "small"
            name = _short(memory.moment(layer), LABEL)
            canvas.text(x + canvas.column / 2 + 4, canvas.bottom + 16, name, style, "end", turn=-45)


def _strip(canvas: _Canvas, memory: MemoryMap) -> None:
    """Bytes in use at each step, as bars above the chart."""
    peak = memory.peak
    base = TOP + STRIP
    canvas.text(LEFT - 8, base - STRIP / 2 + 4, "in use", "faint small", "end")
    for layer in range(-1, len(memory.layers) + 1):
        used = covered(present(memory.arena, layer))
        height = STRIP * used / max(memory.arena_bytes, 1)
        fill = PEAK if layer == peak.layer else "#c5ced6"
        title = f"{memory.moment(layer)}: {used:,} bytes in use"
        canvas.rect(canvas.x(layer) + 1, base - height, canvas.column - 2, height, fill, title=title)


def _overlaps(occupant: Occupant, others: tuple[Occupant, ...]) -> bool:
    """Whether an occupant shares bytes, when it begins, with one that was there before."""
    return any(
        o.first < occupant.first <= o.last
        and o.offset < occupant.offset + occupant.bytes
        and occupant.offset < o.offset + o.bytes
        for o in others
    )


def _where(memory: MemoryMap, occupant: Occupant) -> str:
    """The offset of something, with the region if there are several."""
    share = memory.share(occupant)
    return f"{f'{share.room} ' if len(memory.arenas) > 1 else ''}{occupant.offset - share.base:,}"


def _fills(memory: MemoryMap) -> dict[tuple[str, str], str]:
    """The colour of everything in the arena, by value and kind; all parts of a tensor have the same."""
    tensors = list(dict.fromkeys(o.value for o in memory.arena if o.kind == "tensor"))
    others = {"input": INPUT, "output": OUTPUT, "scratch": "url(#scratch)"}
    fills = {(o.value, str(o.kind)): others.get(o.kind, "") for o in memory.arena}
    return fills | {(value, "tensor"): TENSORS[number % len(TENSORS)] for number, value in enumerate(tensors)}


def _tensors(canvas: _Canvas, memory: MemoryMap) -> None:
    fills, labels = _fills(memory), list[tuple[Occupant, float, str]]()
    for o in memory.arena:
        fill, style = fills[o.value, o.kind], "light" if o.kind in ("input", "output") else ""
        if o.bytes == 0:
            continue
        # An output that takes over its input's bytes does so while the layer runs, hence in the middle of the column.
        start = canvas.x(o.first + (0.5 if _overlaps(o, memory.arena) else 0))
        width, height = canvas.x(o.last + 1) - start, o.bytes * canvas.scale
        label = f"scratch of {o.value}" if o.kind == "scratch" else o.value
        span = f"{memory.moment(o.first)} to {memory.moment(o.last)}"
        title = f"{label}: {o.bytes:,} bytes at {_where(memory, o)}, {span}"
        attributes = ' stroke="#ffffff" stroke-width="1" rx="2"'
        canvas.rect(start, canvas.y(o.offset + o.bytes), width, height, fill, attributes, title)
        if o.kind != "scratch":
            labels.append((o, start, style))
    _peak(canvas, memory)
    for o, start, style in labels:
        _label(canvas, memory, o, start, style)


def _label(canvas: _Canvas, memory: MemoryMap, occupant: Occupant, start: float, style: str) -> None:
    """Name and size of a tensor, inside its rectangle: horizontal if it is wide enough, else vertical."""
    height, room = occupant.bytes * canvas.scale, _visible(canvas, memory, occupant, start) - start
    middle = canvas.y(occupant.offset + occupant.bytes / 2)
    bytes = f"{occupant.bytes:,} B"
    if room < 84 and height > room and room >= 16:
        foot = canvas.y(occupant.offset) - 6
        canvas.text(start + min(room / 2, 18) + 4, foot, _short(occupant.value, height - 12), style, turn=-90)
        if room >= 40 and height >= 80:
            canvas.text(start + min(room / 2, 18) + 20, foot, bytes, f"{style} small".strip(), turn=-90)
        return
    if height >= 14 and (text := _short(occupant.value, room - 8)):
        canvas.text(start + 5, middle + (0 if height >= 30 else 4), text, style)
        if height >= 30 and room >= 60:
            canvas.text(start + 5, middle + 14, bytes, f"{style} small".strip())


def _visible(canvas: _Canvas, memory: MemoryMap, occupant: Occupant, start: float) -> float:
    """Right edge of the part of a tensor that no later one covers."""
    right = canvas.x(occupant.last + 1)
    for o in memory.arena:
        shares = o.offset < occupant.offset + occupant.bytes and occupant.offset < o.offset + o.bytes
        if shares and occupant.first < o.first <= occupant.last:
            right = min(right, canvas.x(o.first + 0.5))
    return right


def _peak(canvas: _Canvas, memory: MemoryMap) -> None:
    peak = memory.peak
    x = canvas.x(peak.layer)
    attributes = f' fill-opacity="0" stroke="{PEAK}" stroke-width="2" rx="2"'
    canvas.rect(x, canvas.top - 2, canvas.column, HEIGHT + 4, "#ffffff", attributes)
    canvas.line(LEFT, canvas.top, LEFT + canvas.chart, canvas.top, INK)
    canvas.text(LEFT - 8, canvas.top + 4, f"{memory.arena_bytes:,} B", "small", "end")


def _explanation(canvas: _Canvas, memory: MemoryMap, y: float) -> float:
    """What makes up the peak, in words, and what the colours mean. Returns the height at which it ends."""
    peak, fills = memory.peak, _fills(memory)
    canvas.text(LEFT, y, f"Peak: {peak.bytes:,} bytes in use, at {memory.moment(peak.layer)}", "peak")
    for number, o in enumerate(peak.occupants):
        y += 20
        label = "scratch memory of the layer" if o.kind == "scratch" else o.value
        share = max(o.bytes / max(memory.arena_bytes, 1) * 160, 1)
        canvas.rect(LEFT, y - 10, share, 12, fills[o.value, o.kind], ' rx="2"')
        canvas.text(LEFT + 172, y, f"{o.bytes:,} B")
        canvas.text(LEFT + 252, y, f"at {_where(memory, o)}", "faint")
        canvas.text(LEFT + 342, y, _short(label, canvas.width - LEFT - 370))
        if number == 11 and len(peak.occupants) > 13:
            y += 20
            canvas.text(LEFT + 172, y, f"and {len(peak.occupants) - 12} more", "faint")
            break
    x, y = float(LEFT), y + 32
    for fill, label in ((INPUT, "input"), (OUTPUT, "output"), (TENSORS[0], "tensor"), ("url(#scratch)", "scratch")):
        canvas.rect(x, y - 10, 14, 12, fill, ' rx="2"')
        canvas.text(x + 20, y, label, "small")
        x += 84
    canvas.text(
        x, y, "time runs to the right, one column a layer; the height is the offset in the arena", "faint small"
    )
    return y


def draw(memory: MemoryMap) -> str:
    """The arena over time as SVG: tensors are rectangles, time runs to the right, offsets upwards; marks the peak."""
    canvas = _Canvas(memory)
    canvas.text(LEFT, 32, f"{memory.name}: arena of {memory.arena_bytes:,} bytes", "title")
    bound = "the least possible" if memory.arena_bytes <= memory.arena_bound else f"bound {memory.arena_bound:,} bytes"
    canvas.text(LEFT, 52, f"{bound} · {len(memory.layers)} layers · {memory.target}", "faint")
    _axes(canvas, memory)
    _strip(canvas, memory)
    _tensors(canvas, memory)
    longest = max((len(_short(memory.moment(i), LABEL)) for i in range(-1, len(memory.layers) + 1)), default=0)
    height = _explanation(canvas, memory, canvas.bottom + 52 + longest * 4.8) + 24
    size = f"{_number(canvas.width)} {_number(height)}"
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size}"'
    head += f' width="{_number(canvas.width)}" height="{_number(height)}">'
    background = f'<rect width="{_number(canvas.width)}" height="{_number(height)}" fill="#ffffff"/>'
    return "\n".join([head, STYLE, HATCH, background, *canvas.parts, "</svg>"]) + "\n"
