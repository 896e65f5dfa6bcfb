"""Decision trees, and what is made of their sums."""

from __future__ import annotations

import numpy as np
from onnx import TensorProto

from edgeq.exporters.qdq.registry import exports
from edgeq.exporters.qdq.writer import ML_DOMAIN, QdqWriter
from edgeq.ir.graph import Node
from edgeq.ops.label import Label
from edgeq.ops.relabel import Relabel
from edgeq.ops.tree_ensemble import TreeEnsemble, keys
from edgeq.ops.whole_to_real import WholeToReal


@exports(TreeEnsemble)
def trees(w: QdqWriter, node: Node, op: TreeEnsemble) -> None:
    """Sums as real numbers, and then whole; thresholds half-way between the integers that they tell apart."""
    x, inner = w.graph.type(str(node.inputs[0])), np.array(op.features) >= 0
    thresholds = np.asarray(op.thresholds, np.float32)
    if x.q is not None:
        held, _, _ = keys(w.graph.site(node))
        thresholds = np.asarray((held + 0.5 - x.qp.zp) * x.qp.s, np.float32)
    count = len(op.features)
    tree = np.zeros(count, np.int64)
    for number, root in enumerate(op.roots):
        waiting = [root]
        while waiting:
            at = waiting.pop()
            tree[at] = number
            waiting += [op.lefts[at], op.rights[at]] if inner[at] else []
    given = [
        (n, int(t), float(v))
        for n in np.flatnonzero(~inner).tolist()
        for row in [op.leaves[op.lefts[n]] or (0, 0)]
        for t, v in zip(row[::2], row[1::2], strict=True)
    ]
    leaves, targets, values = zip(*given, strict=True)
    (sums,) = w.add(
        "TreeEnsembleRegressor",
        [w.first(node)],
        node.name,
        domain=ML_DOMAIN,
        n_targets=op.targets,
        nodes_treeids=tree.tolist(),
        nodes_nodeids=list(range(count)),
        nodes_featureids=np.maximum(op.features, 0).tolist(),
        nodes_modes=["BRANCH_LEQ" if i else "LEAF" for i in inner],
        nodes_values=np.where(inner, thresholds, 0).tolist(),
        nodes_truenodeids=np.where(inner, op.lefts, 0).tolist(),
        nodes_falsenodeids=np.where(inner, op.rights, 0).tolist(),
        target_ids=list(targets),
        target_nodeids=list(leaves),
        target_treeids=tree[list(leaves)].tolist(),
        target_weights=list(values),
    )
    base = w.constant(f"{node.name}_base", np.array(op.base, np.float32))  # runtimes disagree on `base_values`
    (sums,) = w.add("Add", [sums, base], f"{node.name}_sums")
    (whole,) = w.add("Cast", [sums], f"{node.name}_int32", to=TensorProto.INT32)
    w.write(node.outputs[0], whole)


@exports(Label)
def label(w: QdqWriter, node: Node, op: Label) -> None:
    """The index of the greatest number, looked up among the labels."""
    (y,) = w.add("ArgMax", [w.first(node)], node.name, axis=-1, keepdims=0)
    if op.labels:
        labels = w.constant(f"{node.name}_labels", np.array(op.labels, np.int32))
        (found,) = w.add("Gather", [labels, y], f"{node.name}_label")
    else:
        (found,) = w.add("Cast", [y], f"{node.name}_int32", to=TensorProto.INT32)
    w.write(node.outputs[0], found)


@exports(Relabel)
def relabel(w: QdqWriter, node: Node, op: Relabel) -> None:
    """A Gather of places within the table."""
    given = w.first(node)
    for kind, number in (("Sub", op.first), ("Max", 0), ("Min", len(op.labels) - 1)):
        (given,) = w.add(kind, [given, w.constant(f"{node.name}_{kind}", np.array(number, np.int32))], node.name)
    table = w.constant(f"{node.name}_labels", np.array(op.labels, np.int32))
    (found,) = w.add("Gather", [table, given], f"{node.name}_label")
    w.write(node.outputs[0], found)


@exports(WholeToReal)
def real(w: QdqWriter, node: Node, op: WholeToReal) -> None:
    """A cast, the columns that are chosen, and the scale."""
    (y,) = w.add("Cast", [w.first(node)], f"{node.name}_real", to=TensorProto.FLOAT)
    if op.columns:
        columns = w.constant(f"{node.name}_columns", np.array(op.columns, np.int64))
        (y,) = w.add("Gather", [y, columns], f"{node.name}_chosen", axis=-1)
        for kind, values in (("Mul", op.directions), ("Add", op.addends)):
            (y,) = w.add(kind, [y, w.constant(f"{node.name}_{kind}", np.array(values, np.float32))], node.name)
    (y,) = w.add("Mul", [y, w.constant(f"{node.name}_scale", np.float32(op.scale))], f"{node.name}_scaled")
    w.finish(node, y)
