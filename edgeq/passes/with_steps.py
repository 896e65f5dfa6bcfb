"""Turn a network over a window into the network of one step, which keeps what the next windows need again.

A window moves on by some rows of its time axis at every step, and most rows of a layer's output are rows of the window
before, moved: those that depend on rows of the input alone and not on where the window ends. They are kept as states
(ADR 15), and only the newest are computed. Rows near an end of the window that see its padding differ from window to
window; they are computed anew, and no others. So every output is exactly the window's, in whatever arithmetic.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import gcd, prod
from typing import Literal

from edgeq.errors import UsageError
from edgeq.ir.graph import Graph, GraphEditor, Node, State
from edgeq.ir.op import Op, Rows
from edgeq.ir.tensor import TensorType
from edgeq.ops.concat import Concat
from edgeq.ops.reshape import Reshape
from edgeq.ops.slice import Slice
from edgeq.passes._time import Line, axis_of, lines_of, reads_in_time, stripe_in_time
from edgeq.passes._time import time_axis as time_axis

Beyond = Literal["window", "stream"]
"""What layers meet beyond the ends of a window: the padding that they have, or rows of the stream."""


@dataclass(frozen=True)
class Kept:
    """What is done with a value's rows in each step.

    Attributes:
        above, below: the rows that are computed, at the beginning and at the end of the window; empty: none.
        kept: the rows that come from an earlier step.
        moved: by how many rows the window moves on until they are used again.
        steps: in how many steps it does.
    """

    above: Rows
    kept: Rows
    below: Rows
    moved: int
    steps: int


@dataclass(frozen=True, eq=False)
class Steps:
    """The network of a step.

    Attributes:
        graph: the network, with its states.
        axis: the dimension of the window's inputs along which it moves.
        rows: rows of the inputs that a step takes.
        window: rows of the window.
        phases: how many sets of states take turns, because a layer has a stride that a step is no multiple of.
        macs, window_macs: multiply-accumulates of one step, and of one window.
        padding: what layers meet beyond the ends of a window.
        whole: the first node that reads all rows in time, so that what follows is computed for the whole window in
            every step; "" if there is none.
    """

    graph: Graph
    axis: int
    rows: int
    window: int
    phases: int
    macs: int
    window_macs: int
    padding: Beyond = "window"
    whole: str = ""

    @property
    def warm_up(self) -> int:
        """The first step, counted from 1, whose outputs are those of a window: the one that fills it."""
        return -(-self.window // self.rows)

    def to_dict(self) -> dict[str, int | str]:
        """What `manifest.json` says of it."""
        return {
            "axis": self.axis,
            "rows": self.rows,
            "window": self.window,
            "warm_up": self.warm_up,
            "phases": self.phases,
            "window_macs": self.window_macs,
            "padding": self.padding,
        }


def macs(graph: Graph) -> int:
    """Multiply-accumulates of a graph."""
    return sum(node.op.macs(graph.site(node)) for node in graph.nodes)


def with_steps(graph: Graph, rows: int = 1, axis: int | None = None) -> Steps:
    """The network that takes the newest rows of a window, and gives what the network over the whole window gives.

    Operators whose outputs have no rows of the window any more, such as a mean over time or a dense layer over all of
    it, compute what they did, in every step. An output that has rows in time is given as its newest ones alone: those
    by which it moves on in a step.

    Args:
        graph: a network over a window, in float or quantized, without states.
        rows: rows of the window that a step takes.
        axis: the dimension of the inputs that is time. None: the first one along which a layer has more than one
            row in its reach; the first but the batch if there is none.

    Raises:
        UsageError: the graph has states or several samples, or there is no such axis, or the window is no longer than a
            step.
    """
    chosen = time_axis(graph) if axis is None else axis
    window = check_window(graph, rows, chosen)
    lines = lines_of(graph, chosen)
    plan = _plan(graph, lines, rows)
    stepped = _Writer(graph, lines, plan, rows).written()
    phases = max((kept.steps for kept in plan.values() if kept.kept[0] < kept.kept[1]), default=1)
    whole = (n for n in graph.nodes if n.outputs[0] not in lines and any(name in lines for name in n.inputs))
    first = next((f"{node.name} ({node.op.kind})" for node in whole), "")
    return Steps(stepped, chosen, rows, window, phases, macs(stepped), macs(graph), whole=first)


def check_window(graph: Graph, rows: int, axis: int) -> int:
    """How many rows the window of a network has.

    Raises:
        UsageError: as `with_steps`.
    """
    if graph.states:
        raise UsageError("it is the network of a step already: it has states", where=graph.name)
    windows = {_rows_of_input(graph, name, axis) for name in graph.inputs}
    if len(windows) != 1:
        sizes = " and ".join(map(str, sorted(windows)))
        raise UsageError(
            f"the inputs have {sizes} rows along dimension {axis}, where a window has one length",
            hint="say which dimension is time: --stream-axis",
            where=graph.name,
        )
    (window,) = windows
    if not 0 < rows < window:
        raise UsageError(
            f"a step of {rows} rows is not shorter than the window of {window} along dimension {axis}",
            hint="--stream-step takes fewer rows; --stream-axis says which dimension is time",
            where=graph.name,
        )
    return window


def _rows_of_input(graph: Graph, name: str, axis: int) -> int:
    shape = graph.type(name).shape
    if not 0 < axis < len(shape):
        raise UsageError(
            f"the input {name!r} of shape {list(shape)} has no dimension {axis} that could be time",
            hint="dimensions count from 0, which is the batch",
            where=graph.name,
        )
    if prod(shape[:1]) != 1:
        raise UsageError(
            f"the input {name!r} holds {shape[0]} samples, and a stream is one",
            hint="export the model for a batch of 1",
            where=graph.name,
        )
    return shape[axis]


def _plan(graph: Graph, lines: Mapping[str, Line], step: int) -> dict[str, Kept]:
    """What is done with the rows of each value in time that are needed; from the outputs upwards."""
    needed: dict[str, set[int]] = {name: set() for name in lines}
    plan: dict[str, Kept] = {}

    def need(node: Node, rows: Rows | None) -> None:
        for name, part in zip(node.inputs, reads_in_time(graph, lines, node, rows), strict=True):
            if name is not None and part is not None:
                needed[name].update(range(*part))

    for name in graph.outputs:
        if name in lines:
            line = lines[name]
            needed[name].update(range(line.rows - min(_newest(line, step), line.rows), line.rows))
    for node in reversed(graph.nodes):
        out = node.outputs[0]
        if out not in lines:
            need(node, None)
            continue
        if not needed[out]:
            continue
        plan[out] = _kept(lines[out], needed[out], step)
        for rows in (plan[out].above, plan[out].below):
            if rows[0] < rows[1]:
                need(node, rows)
    for name in graph.inputs:
        plan[name] = _kept(lines[name], needed[name] or {lines[name].rows - 1}, step)
    return plan


def _newest(line: Line, step: int) -> int:
    """By how many rows a value moves on in a step, at least one."""
    return max(step // line.stride, 1)


def _kept(line: Line, needed: set[int], step: int) -> Kept:
    steps = line.stride // gcd(line.stride, step)
    moved = steps * step // line.stride
    first, last = line.inner
    fresh = max(last - moved, first)
    above = sorted(row for row in needed if row < first)
    kept = min((row for row in needed if first <= row < fresh), default=fresh)
    below = [row for row in needed if row >= fresh]
    nothing = (fresh, fresh)
    if kept == fresh and not below:
        return Kept((above[0], above[-1] + 1), nothing, nothing, moved, steps)
    begin = fresh if kept < fresh else min(below)
    return Kept(
        above=(above[0], above[-1] + 1) if above else nothing,
        kept=(kept, fresh),
        below=(begin, max([*below, last - 1 if kept < fresh else begin]) + 1),
        moved=moved,
        steps=steps,
    )


class _Writer:
    """Makes the network of a step."""

    def __init__(self, graph: Graph, lines: Mapping[str, Line], plan: Mapping[str, Kept], rows: int) -> None:
        self.graph, self.lines, self.plan, self.rows = graph, lines, plan, rows
        self.editor = GraphEditor(graph.name)
        self.editor.numerics, self.editor.preferred = graph.numerics, graph.preferred
        self.editor.ports = dict(graph.ports)
        for name, value in graph.values.items():
            if value.data is not None:
                self.editor.values[name] = value
        self.pieces: dict[str, list[tuple[Rows, str]]] = {}
        """For each value in time the rows that are there, and where."""
        self.cuts: dict[tuple[str, Rows], str] = {}

    def written(self) -> Graph:
        """The network."""
        editor, graph = self.editor, self.graph
        for name in graph.inputs:
            editor.input(name, self.some(name, self.rows))
        for name in graph.inputs:
            self.keep(name, {self.fresh(name): name})
        for node in graph.nodes:
            if node.outputs[0] in self.lines:
                self.compute(node)
            else:
                self.whole(node)
        kept = {state.output for state in editor.states}
        outputs = []
        for name in map(self.newest, graph.outputs):
            if name in kept or name in outputs:  # a state has an output of its own, and so has the caller
                type = editor.values[name].type
                name = self.add(Reshape(type.shape), [name], f"{name}_newest", type)
            outputs.append(name)
        for name, newest in zip(graph.outputs, outputs, strict=True):
            if name != newest and name in editor.ports:
                editor.ports[newest] = editor.ports.pop(name)
        editor.outputs[:0] = outputs
        return editor.finish()

    def whole(self, node: Node) -> None:
        """Compute a node whose output has no rows in time as the window does."""
        graph, op = self.graph, node.op
        reads = reads_in_time(graph, self.lines, node)
        axis = axis_of(graph, self.lines, node) if any(reads) else None
        if axis is not None:
            stripe = stripe_in_time(graph, self.lines, node, (0, graph.type(node.outputs[0]).shape[axis]))
            op = op if stripe is None else stripe.op
        pairs = zip(node.inputs, reads, strict=True)
        operands = [n if part is None or n is None else self.read(n, part) for n, part in pairs]
        self.editor.add(op, operands, node.name, node.outputs, [graph.type(n) for n in node.outputs])

    def fresh(self, name: str) -> Rows:
        """The rows of an input that a step brings."""
        count = self.lines[name].rows
        return count - self.rows, count

    def some(self, name: str, rows: int) -> TensorType:
        """The type of so many rows of a value."""
        type, axis = self.graph.type(name), self.lines[name].axis
        return type.reshaped((*type.shape[:axis], rows, *type.shape[axis + 1 :]))

    def compute(self, node: Node) -> None:
        """Compute the rows of a node's output that are new."""
        out = node.outputs[0]
        if out not in self.plan:
            return
        new: dict[Rows, str] = {}
        plan = self.plan[out]
        for rows, label in ((plan.above, " (begin)"), (plan.below, "")):
            if rows[0] == rows[1]:
                continue
            stripe = stripe_in_time(self.graph, self.lines, node, rows)
            assert stripe is not None
            pairs = zip(node.inputs, stripe.rows, strict=True)
            operands = [n if part is None or n is None else self.read(n, part) for n, part in pairs]
            name = self.editor.unique(f"{out}{label}") if label else out
            type = self.some(out, rows[1] - rows[0])
            (new[rows],) = self.editor.add(stripe.op, operands, f"{node.name}{label}", [name], [type])
        self.keep(out, new)

    def keep(self, name: str, new: Mapping[Rows, str]) -> None:
        """Join what was kept of a value with its new rows, and keep what the step after needs."""
        plan, axis, editor = self.plan[name], self.lines[name].axis, self.editor
        pieces = dict(new)
        (first, last), end = plan.kept, self.lines[name].inner[1]
        if first < last:
            chain = [
                editor.input(editor.unique(f"{name}_kept"), self.some(name, last - first)) for _ in range(plan.steps)
            ]
            ((rows, fresh),) = [(rows, n) for rows, n in new.items() if rows[0] == last]
            joined = self.add(Concat(axis), [chain[0], fresh], f"{name}_rows", self.some(name, rows[1] - first))
            pieces = {rows: n for rows, n in new.items() if n != fresh} | {(first, rows[1]): joined}
            after = self.cut(joined, (first, rows[1]), (first + plan.moved, end), name)
            for before, following in zip(chain, (*chain[1:], after), strict=True):
                out = following
                if following in chain:  # a state has an output of its own, here a view that costs nothing
                    type = editor.values[following].type
                    out = self.add(Reshape(type.shape), [following], f"{following}_on", type)
                editor.outputs.append(out)
                editor.states.append(State(before, out))
        self.pieces[name] = sorted((rows, n) for rows, n in pieces.items())

    def add(self, op: Op, inputs: Sequence[str], hint: str, type: TensorType) -> str:
        """Add a node that is none of the window's."""
        name = self.editor.unique(hint)
        return self.editor.add(op, inputs, name, [name], [type])[0]

    def cut(self, held: str, rows: Rows, wanted: Rows, name: str) -> str:
        """Some rows of a piece of the value `name`; the piece itself if those are all."""
        if rows == wanted:
            return held
        if (held, wanted) not in self.cuts:
            axis, shape = self.lines[name].axis, self.editor.values[held].type.shape
            begin, end = [0] * len(shape), list(shape)
            begin[axis], end[axis] = wanted[0] - rows[0], wanted[1] - rows[0]
            type = self.some(name, wanted[1] - wanted[0])
            op = Slice(tuple(begin), tuple(end), (1,) * len(shape))
            self.cuts[held, wanted] = self.add(op, [held], f"{name}_rows_{wanted[0]}_to_{wanted[1] - 1}", type)
        return self.cuts[held, wanted]

    def read(self, name: str, wanted: Rows) -> str:
        """Some rows of a value."""
        if (name, wanted) not in self.cuts:
            found = []
            for rows, held in self.pieces[name]:
                part = max(rows[0], wanted[0]), min(rows[1], wanted[1])
                if part[0] < part[1]:
                    found.append(self.cut(held, rows, part, name))
            joined = found[0]
            if len(found) > 1:
                type = self.some(name, wanted[1] - wanted[0])
                joined = self.add(Concat(self.lines[name].axis), found, f"{name}_joined", type)
            self.cuts[name, wanted] = joined
        return self.cuts[name, wanted]

    def newest(self, name: str) -> str:
        """What a step gives of an output."""
        if name not in self.lines:
            return name
        line = self.lines[name]
        return self.read(name, (line.rows - min(_newest(line, self.rows), line.rows), line.rows))
