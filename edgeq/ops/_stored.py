"""Weights of real layers that are stored in fewer bits: float16, or integers with a scale for every so many inputs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from edgeq.ir.condition import Condition
from edgeq.ir.kernel import INT8, Kernel, Param
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array, DType, TensorType
from edgeq.numerics import float32
from edgeq.numerics.float32 import F, Floats
from edgeq.ops._matmul import int_matmul
from edgeq.ops._overlap import Ints, Overlaps, in_tiles
from edgeq.ops._packed import PACKED, stream
from edgeq.ops._real import LANES, Lower

STORED = frozenset({DType.FLOAT16}) | INT8 | PACKED
MOST = 127
"""Greatest magnitude of activations that are quantized at run time."""
LONGEST = 1 << 17
"""Products of two int8 numbers of which a sum fits 32 bits."""


AT_ONCE = 16
"""Inputs of a row whose weights are widened at once where no other row needs them (EQ_STORED_AT_ONCE)."""
PIXELS = 16
"""Pixels of an image, or rows of a matrix, for which weights are widened once."""


def _dynamic(site: Site) -> bool:
    return bool(getattr(site.op, "dynamic", False)) and site.input(1).shape[-1] < LONGEST


is_dynamic = Condition("Activations are quantized at run time, and sums fit 32 bits", _dynamic)
is_plain = Condition("Activations are not quantized", lambda site: not getattr(site.op, "dynamic", False))


def _group(type: TensorType, depth: int) -> int:
    """Neighbours in a row of a matrix that share a scale."""
    block = None if type.q is None else type.q.block
    return depth if block is None else block


def stored_rows(matrix: Array, type: TensorType, rows: slice = slice(None)) -> Mapping[str, Param]:
    """The members of an `eq_stored`: some rows of a matrix (N, K) of elements of a type of any shape."""
    count, depth = matrix.shape
    some = matrix[rows]
    members: dict[str, Param] = {"depth": depth, "group": _group(type, depth), "scales": 0}
    if type.dtype is DType.FLOAT16:
        return {**members, "elements": some.ravel().astype("<f2").view(np.uint8), "bits": 16}
    scales = np.asarray(type.qp.scale, np.float32)
    each = np.repeat(scales, count) if len(scales) == 1 else scales
    members["scales"] = each.reshape(count, -1)[rows].ravel()
    if type.dtype is DType.INT8:
        return {**members, "elements": some.ravel().view(np.uint8), "bits": 8}
    packed = stream(some, type.dtype)
    return {**members, "elements": packed["weights"], "bits": packed["weight_bits"]}


def stored_params(site: Site, index: int, axis: int = 0) -> Mapping[str, Param]:
    """The members of an `eq_stored`: constant `index` as a matrix with a row for each position along `axis`."""
    rows = np.moveaxis(site.const(index), axis, 0)
    return stored_rows(rows.reshape(len(rows), -1), site.input(index))


def within(prefix: str, members: Mapping[str, Param]) -> Mapping[str, Param]:
    """Members of a struct that is itself a member of one."""
    return {f"{prefix}.{name}": value for name, value in members.items()}


def lower_stored(lower: Lower, axis: int) -> Lower:
    """Parameters of a kernel with stored weights, operand 1, from those of the one with real weights."""

    def both(site: Site) -> Mapping[str, Param]:
        members = {name: value for name, value in lower(site).items() if name != "weights"}
        return {**within("layer", members), **within("weights", stored_params(site, 1, axis))}

    return both


def widened_bytes(count: int) -> int:
    """Scratch memory for so many weights of each of four output channels as real numbers."""
    return 4 * LANES * count


def in_grouped_tiles(site: Site, first: Ints, groups: int) -> Overlaps:
    """The distances where output channels are in as many groups as input channels, and each needs those of its own."""
    of_input, own = site.input(0).shape[-1] // groups, site.outputs[0].shape[-1] // groups
    last = (own - 1) // LANES * LANES
    return in_tiles(site, first, PIXELS, [(group * own + last, group * of_input) for group in {0, groups - 1}])


def stored_row(row: Kernel, axis: int) -> Kernel:
    """The row of a kernel of real images with stored weights, all of which are widened before anything is computed.

    Args:
        row: of real weights, operand 1.
        axis: of the weights' output channels.
    """
    return replace(
        row,
        function=row.function.replace("float32", "stored"),
        struct=row.struct.replace("float32", "stored"),
        lower=lower_stored(row.lower, axis),
        weights=STORED,
        scratch=lambda site: 4 * site.input(1).size,
    )


def tiled_row(row: Kernel, overlap: Callable[[Site], Overlaps]) -> Kernel:
    """The same with weights (channels, …), of which those of four output channels are widened for `PIXELS` pixels.

    Args:
        row: of real weights, operand 1.
        overlap: of the new row.
    """
    made = stored_row(row, 0)
    return replace(
        made,
        lower=lambda site: {**made.lower(site), "at_once": PIXELS},
        scratch=lambda site: widened_bytes(site.input(1).size // site.input(1).shape[0]),
        overlap=overlap,
    )


def in_steps(rows: Floats) -> tuple[Array, Floats]:
    """Rows (M, K) as integers −127 … 127, and the step of each (M, 1); what is not a number counts as the least."""
    magnitude = np.abs(rows)
    greatest = np.where(np.isnan(magnitude), F(0), magnitude).max(axis=1, keepdims=True, initial=0.0)
    step = float32.quotient(greatest, F(MOST))
    steps = float32.bounded(float32.quotient(rows, step), F(-MOST), F(MOST))
    return np.where(step > 0, float32.to_nearest(steps), F(0)).astype(np.int64), step


def dynamic_sums(rows: Floats, weights: Array, type: TensorType) -> Floats:
    """Sums (M, channels) of rows (M, K) as integers times integer weights (channels, K): those of groups are exact,
    scaled, and added one group after the other; the row's step comes last."""
    w = weights.astype(np.int64)
    integers, step = in_steps(rows)
    group = _group(type, w.shape[1])
    scales = np.asarray(type.qp.scale, np.float32)
    scales = np.broadcast_to(scales.reshape(-1, max(1, len(scales) // len(w))), (len(w), -(-w.shape[1] // group)))
    total = np.zeros((len(rows), len(w)), np.float32)
    with np.errstate(all="ignore"):
        for k in range(scales.shape[1]):
            part = slice(k * group, (k + 1) * group)
            total = total + int_matmul(integers[:, part], w[:, part].T).astype(np.float32) * scales[:, k]
        return np.asarray(total * step, np.float32)
