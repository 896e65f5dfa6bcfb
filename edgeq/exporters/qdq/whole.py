"""Arithmetic of whole numbers: ONNX's operators on int32."""

from __future__ import annotations

import numpy as np
from onnx import TensorProto

from edgeq.errors import ModelError
from edgeq.exporters.qdq.registry import exports
from edgeq.exporters.qdq.writer import QdqWriter
from edgeq.ir.graph import Node
from edgeq.ops.real_to_whole import RealToWhole
from edgeq.ops.whole_pair import WIDTH, Pair, WholePair
from edgeq.ops.whole_product import WholeProduct

KINDS: dict[Pair, str] = {
    "add": "Add",
    "sub": "Sub",
    "mul": "Mul",
    "div": "Div",
    "mod": "Mod",
    "fmod": "Mod",
    "minimum": "Min",
    "maximum": "Max",
    "power": "Pow",
    "less": "Less",
    "equal": "Equal",
}
TYPES = {(8, True): TensorProto.INT8, (8, False): TensorProto.UINT8} | {
    (16, True): TensorProto.INT16,
    (16, False): TensorProto.UINT16,
}
"""ONNX's types of results that wrap, by bits and sign."""


@exports(WholePair)
def pair(w: QdqWriter, node: Node, op: WholePair) -> None:
    """The operator of two int32 tensors, and a cast there and back where its result has fewer bits.

    Raises:
        ModelError: it works on bits, which ONNX has of unsigned numbers, or of none.
    """
    if op.function not in KINDS or (op.bits < WIDTH and (op.bits, op.signed) not in TYPES):
        raise ModelError(
            f"{op.function} of whole numbers has no form in this file", hint="build and verify the model without it"
        )
    attributes = {"fmod": 1} if op.function == "fmod" else {}
    (y,) = w.add(KINDS[op.function], [w.read(str(name)) for name in node.inputs], node.name, **attributes)
    if op.bits < WIDTH:
        (y,) = w.add("Cast", [y], f"{node.name}_bits", to=TYPES[op.bits, op.signed])
    if op.bits < WIDTH or op.function in ("less", "equal"):
        (y,) = w.add("Cast", [y], f"{node.name}_int32", to=TensorProto.INT32)
    w.write(node.outputs[0], y)


@exports(WholeProduct)
def product(w: QdqWriter, node: Node, op: WholeProduct) -> None:
    """MatMul takes int32."""
    w.write(node.outputs[0], w.add("MatMul", [w.read(str(name)) for name in node.inputs], node.name)[0])


@exports(RealToWhole)
def whole(w: QdqWriter, node: Node, op: RealToWhole) -> None:
    """A cast within bounds; float32 does not hold the greatest int32."""
    low, high = (w.constant(f"{node.name}_{k}", np.array(v, np.int32)) for k, v in (("low", op.low), ("high", op.high)))
    (y,) = w.add("Cast", [w.first(node)], f"{node.name}_int32", to=TensorProto.INT32)
    (y,) = w.add("Clip", [y, low, high], f"{node.name}_bounds")
    w.write(node.outputs[0], y)
