"""Operators that move elements, in the graph's own layout."""

from __future__ import annotations

import numpy as np

from edgeq.exporters.qdq.registry import exports
from edgeq.exporters.qdq.writer import QdqWriter
from edgeq.ir.graph import Node
from edgeq.ops.concat import Concat
from edgeq.ops.gather import Gather
from edgeq.ops.pad import Pad
from edgeq.ops.reshape import Reshape
from edgeq.ops.shift import Shift
from edgeq.ops.slice import Slice
from edgeq.ops.split import Split
from edgeq.ops.store import Store
from edgeq.ops.transpose import Transpose


@exports(Concat)
def concat(w: QdqWriter, node: Node, op: Concat) -> None:
    """The operator of the same name."""
    (y,) = w.add("Concat", [w.read(str(i)) for i in node.inputs], node.name, axis=op.axis)
    w.finish(node, y)


@exports(Split)
def split(w: QdqWriter, node: Node, op: Split) -> None:
    """Sizes are an input."""
    sizes = w.constant(f"{node.name}_sizes", np.array(op.sizes, np.int64))
    parts = w.add("Split", [w.first(node), sizes], node.name, outputs=len(node.outputs), axis=op.axis)
    for value, tensor in zip(node.outputs, parts, strict=True):
        w.write(value, tensor)


@exports(Slice)
def slice_(w: QdqWriter, node: Node, op: Slice) -> None:
    """To ONNX a negative end counts from the back; "before the first element" is a number far below."""
    ends = [e if e >= 0 else -(2**31) for e in op.end]
    if node.inputs[0] in w.batched:  # of the samples, all are taken
        ends[0] = 2**31 - 1
    lists = (op.begin, ends, range(len(op.begin)), op.step)
    bounds = [w.constant(f"{node.name}_bounds", np.array(list(v), np.int64)) for v in lists]
    (y,) = w.add("Slice", [w.first(node), *bounds], node.name)
    w.finish(node, y)


@exports(Gather)
def gather(w: QdqWriter, node: Node, op: Gather) -> None:
    """The operator of the same name; from the real numbers of a table that is stored in fewer bits."""
    (name, places), site = map(str, node.inputs), w.graph.site(node)
    stored, table = w.graph.data(places), w.graph.data(name)
    read = w.read(places) if stored is None else w.constant(f"{node.name}_places", stored.astype(np.int64))
    real = table is not None and site.is_float and site.input(0).is_stored
    x = w.constant(f"{node.name}_table", site.input(0).numbers(site.const(0))) if real else w.first(node)
    (y,) = w.add("Gather", [x, read], node.name, axis=op.axis)
    w.finish(node, y)


@exports(Pad)
def pad(w: QdqWriter, node: Node, op: Pad) -> None:
    """Widths and value are inputs."""
    inputs = [w.first(node), w.constant(f"{node.name}_pads", np.array([*op.before, *op.after], np.int64))]
    if op.mode == "constant":
        inputs.append(w.constant(f"{node.name}_value", np.float32(op.value)))
    (y,) = w.add("Pad", inputs, node.name, mode=op.mode)
    w.finish(node, y)


@exports(Shift)
def shift(w: QdqWriter, node: Node, op: Shift) -> None:
    """A subtraction of real numbers: beyond it, on the side of the model's caller, nothing is quantized."""
    (y,) = w.add("Sub", [w.first(node), w.constant(f"{node.name}_amount", np.float32(op.amount))], node.name)
    w.finish(node, y)


@exports(Reshape)
def reshape(w: QdqWriter, node: Node, op: Reshape) -> None:
    """The shape is an input."""
    shape = w.shape(f"{node.name}_shape", w.graph.type(str(node.inputs[0])).shape, op.shape)
    (y,) = w.add("Reshape", [w.first(node), shape], node.name)
    w.finish(node, y)


@exports(Transpose)
def transpose(w: QdqWriter, node: Node, op: Transpose) -> None:
    """The operator of the same name."""
    (y,) = w.add("Transpose", [w.first(node)], node.name, perm=op.perm)
    w.finish(node, y)


@exports(Store)
def store(w: QdqWriter, node: Node, op: Store) -> None:
    """No operator: the constant itself."""
    w.write(node.outputs[0], w.first(node))
