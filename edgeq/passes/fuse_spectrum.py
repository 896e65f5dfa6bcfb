"""Let energies, magnitudes and sums over bands be made where their spectrum is: of one frame after the other.

A spectrum with real and imaginary parts is larger than the samples that it is made of; its bands are not.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edgeq.ir.graph import Graph, Node
from edgeq.ir.tensor import DType
from edgeq.ir.traits import NO_CLAMP
from edgeq.numerics.spectrum import in_bands
from edgeq.ops._spectrum import SpectrumOp
from edgeq.ops.add import Add
from edgeq.ops.fully_connected import FullyConnected
from edgeq.ops.mul import Mul
from edgeq.ops.pow import Pow
from edgeq.ops.reshape import Reshape
from edgeq.ops.slice import Slice
from edgeq.ops.sqrt import Sqrt
from edgeq.ops.square import Square
from edgeq.ops.sum import Sum
from edgeq.passes._rewrite import View, rewrite


def _squared(view: View, name: str | None) -> str | None:
    """What a value is the square of."""
    for op in (Mul, Square, Pow):
        made = view.made_by(name, op)
        if made is None:
            continue
        node, found = made
        if isinstance(found, Mul) and (node.inputs[0] != node.inputs[1] or found.fused_clamp != NO_CLAMP):
            return None
        return None if isinstance(found, Pow) and found.exponent != 2.0 else node.inputs[0]
    return None


def _part(view: View, name: str | None) -> tuple[str, int] | None:
    """The spectrum of which a value is the real (0) or imaginary part (1)."""
    while (view_of := view.made_by(name, Reshape)) is not None:
        name = view_of[0].inputs[0]
    made = view.made_by(name, Slice)
    if made is None:
        return None
    node, op = made
    source = node.inputs[0]
    if source is None or op.end[-1] - op.begin[-1] != 1 or any(op.begin[:-1]) or op.end[:-1] != view.shape(source)[:-1]:
        return None
    return source, op.begin[-1]


def _spectrum(view: View, name: str | None, readers: int = 1) -> tuple[Node, SpectrumOp] | None:
    """The producer of a spectrum that so many nodes read, and no caller."""
    node = view.producer(name)
    if node is None or name is None or not isinstance(node.op, SpectrumOp) or view.is_output(name):
        return None
    return (node, node.op) if len(view.consumers(name)) == readers else None


def _energies(view: View, node: Node) -> tuple[Node, SpectrumOp] | None:
    """The spectrum whose values' squares a node adds."""
    op, shape, source = node.op, view.shape(node.outputs[0]), None
    if isinstance(op, Sum) and not op.keepdims and node.inputs[0] is not None:
        source = _squared(view, node.inputs[0])
        made = _spectrum(view, source)
        last = len(view.shape(node.inputs[0])) - 1
        return made if made is not None and made[1].power == 0 and op.axes == (last,) else None
    if isinstance(op, Add) and op.fused_clamp == NO_CLAMP:
        parts = [_part(view, _squared(view, name)) for name in node.inputs]
        if None in parts or len({part[0] for part in parts if part}) != 1:
            return None
        known = [part for part in parts if part is not None]
        made = _spectrum(view, known[0][0], readers=2)
        fits = made is not None and made[1].power == 0 and shape == view.shape(known[0][0])[:-1]
        return made if fits and sorted(index for _, index in known) == [0, 1] else None
    return None


def _fuse(view: View, node: Node) -> bool:
    """Let a node be computed where the spectrum is that it reads."""
    if node.op.kind in ("Sum", "Add"):
        made = _energies(view, node)
        if made is None:
            return False
        view.update(node, replace(made[1], power=2), made[0].inputs)
        return True
    made = _spectrum(view, node.inputs[0]) if node.inputs else None
    if made is None or made[1].starts:
        return False
    spectrum, op = made
    if isinstance(node.op, Sqrt) and op.power == 2:
        view.update(node, replace(op, power=1), spectrum.inputs)
        return True
    if not isinstance(node.op, FullyConnected) or op.power == 0 or not _is_plain(view, node):
        return False
    bands = in_bands(np.asarray(view.data(node.inputs[1])).T)
    weights = view.edit.constant(view.edit.unique(f"{node.outputs[0]}_bands"), bands.weights)
    starts, widths = (tuple(int(v) for v in places) for places in (bands.starts, bands.widths))
    view.update(node, replace(op, starts=starts, widths=widths), [*spectrum.inputs, weights])
    return True


def _is_plain(view: View, node: Node) -> bool:
    """Whether a dense layer is a product with real constants, and nothing else."""
    op, weights = node.op, node.inputs[1]
    assert isinstance(op, FullyConnected)
    absent = len(node.inputs) < 3 or node.inputs[2] is None
    if weights is None or not absent or op.dynamic or op.clamp != NO_CLAMP:
        return False
    type = view.type_of(weights)
    return view.is_const(weights) and type.dtype is DType.FLOAT32 and type.q is None


def fuse_spectrum(graph: Graph) -> Graph:
    """Make magnitudes, energies and sums over bands of a spectrum with it."""
    return rewrite(graph, _fuse)
