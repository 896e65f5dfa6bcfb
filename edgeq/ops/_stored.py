"""Weights of real layers that are stored in fewer bits: float16, or integers with a scale for every so many inputs."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from edgeq.ir.condition import Condition
from edgeq.ir.kernel import INT8, Param
from edgeq.ir.op import Site
from edgeq.ir.tensor import Array, DType
from edgeq.numerics import float32
from edgeq.numerics.float32 import F, Floats
from edgeq.ops._packed import PACKED, stream
from edgeq.ops._real import finish_params

STORED = frozenset({DType.FLOAT16}) | INT8 | PACKED
MOST = 127
"""Greatest magnitude of activations that are quantized at run time."""
LONGEST = 1 << 17
"""Products of two int8 numbers of which a sum fits 32 bits."""


def _dynamic(site: Site) -> bool:
    return bool(getattr(site.op, "dynamic", False)) and site.input(1).shape[1] < LONGEST


is_dynamic = Condition("Activations are quantized at run time, and sums fit 32 bits", _dynamic)
is_plain = Condition("Activations are not quantized", lambda site: not getattr(site.op, "dynamic", False))


def _scales(site: Site) -> tuple[Floats, int]:
    """Scales (channels, groups) of integer weights (channels, K), and the inputs of a group."""
    type = site.input(1)
    count, depth = type.shape
    scales = np.asarray(type.qp.scale, np.float32)
    if type.qp.block is not None:
        return scales.reshape(count, -1), type.qp.block
    return np.broadcast_to(scales.reshape(-1, 1), (count, 1)), depth


def lower_stored(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_fully_connected_stored_ref` and `eq_fully_connected_dynamic_ref`."""
    w, dtype = site.const(1), site.input(1).dtype
    members: dict[str, Param] = {
        "rows": site.outputs[0].size // w.shape[0],
        "in_c": w.shape[1],
        "out_c": w.shape[0],
        "group": w.shape[1],
        "scales": 0,
        **finish_params(site),
    }
    if dtype is DType.FLOAT16:
        return {**members, "weights": np.ravel(w).astype("<f2").view(np.uint8), "weight_bits": 16}
    scales, members["group"] = _scales(site)
    members["scales"] = scales.ravel()
    if dtype is DType.INT8:
        return {**members, "weights": np.ravel(w).view(np.uint8), "weight_bits": 8}
    return {**members, **stream(w, dtype)}


def stored_sums(rows: Floats, site: Site) -> Floats:
    """Sums (M, channels) of rows (M, K) times weights: of a group unscaled, then scaled and added to those before."""
    w = site.const(1)
    if site.input(1).dtype is DType.FLOAT16:
        return float32.products(rows, w.astype(np.float32).T)
    scales, group = _scales(site)
    total = np.zeros((len(rows), len(w)), np.float32)
    with np.errstate(all="ignore"):
        for k in range(scales.shape[1]):
            part = slice(k * group, (k + 1) * group)
            total = total + float32.products(rows[:, part], w[:, part].astype(np.float32).T) * scales[:, k]
    return total


def in_steps(rows: Floats) -> tuple[Array, Floats]:
    """Rows (M, K) as integers −127 … 127, and the step of each (M, 1); what is not a number counts as the least."""
    magnitude = np.abs(rows)
    greatest = np.where(np.isnan(magnitude), F(0), magnitude).max(axis=1, keepdims=True, initial=0.0)
    step = float32.quotient(greatest, F(MOST))
    steps = float32.bounded(float32.quotient(rows, step), F(-MOST), F(MOST))
    return np.where(step > 0, float32.to_nearest(steps), F(0)).astype(np.int64), step


def dynamic_sums(rows: Floats, site: Site) -> Floats:
    """As `stored_sums`, with rows as integers: the sums of groups are exact; the row's step comes last."""
    w = site.const(1).astype(np.int64)
    integers, step = in_steps(rows)
    scales, group = _scales(site)
    total = np.zeros((len(rows), len(w)), np.float32)
    with np.errstate(all="ignore"):
        for k in range(scales.shape[1]):
            part = slice(k * group, (k + 1) * group)
            total = total + (integers[:, part] @ w[:, part].T).astype(np.float32) * scales[:, k]
        return np.asarray(total * step, np.float32)
