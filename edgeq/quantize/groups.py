"""Groups of weights that share a factor: which factors, and what a model's own scales of blocks become."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edgeq.errors import QuantizationError, UsageError
from edgeq.ir.graph import Graph, Node
from edgeq.ir.tensor import MOST_FACTOR, MOST_WITH_ZEROS, Array, DType, Groups, QParams, Shape
from edgeq.numerics.fixedpoint import INT32_MAX
from edgeq.quantize.config import QuantConfig, WeightScale
from edgeq.quantize.operands import operand, rule_of, weight_type
from edgeq.quantize.ranges import NARROWEST, Floats, Levels, sane_scales, weighted_scales
from edgeq.quantize.weights import INPUT_SPAN
from edgeq.quantize.zero_points import asymmetric, half_quadratic_zeros
from edgeq.warnings import listed, warn

MOST_FACTORS = (MOST_FACTOR, 127, 63, 31, 15, 7, 3, 1)
"""Greatest factors of a layer that are tried, until all sums fit 32 bits."""
LEAST_WIDE = 15
"""That of inputs of 16 bits, whose sums may have 64. Scales are near enough to the best with few factors, too."""
ROOM = 4
"""As a part of these, what sums may take: the rest is for biases, and for scales that are yet chosen."""
SAME = 1e-6
"""Relative errors of scales that differ by less are of the rounding to float32."""
EIGHT = 8
"""What groups of whole channels have a multiple of, with inputs that are not there: so kernels take them."""
ASYMMETRIC = frozenset({DType.INT4, DType.INT3, DType.INT2})
"""Types of weights whose groups may have zero-points."""
WIDE_SPAN = 1 << 15
"""What an input of 16 bits is at most."""


def group_of(node: Node, shape: Shape, config: QuantConfig) -> int:
    """Inputs that share a factor in a layer of weights (C, K); 0: its operator knows no groups, or one would do."""
    if len(shape) != 2 or not any(row.groups for row in node.op.kernels):
        return 0
    if 0 < config.weight_group < shape[1]:
        return config.weight_group
    return _whole(shape[1]) if has_zero_points(node, config) and shape[1] <= MOST_WITH_ZEROS - EIGHT else 0


def has_zero_points(node: Node, config: QuantConfig) -> bool:
    """Whether groups of a layer's weights, if it has any, have zero-points."""
    return config.weight_zero_points and weight_type(node, config) in ASYMMETRIC


def in_groups(weights: Array, size: int) -> Floats:
    """Weights (C, K) as (C · groups, size), the last group of each filled up with zeros."""
    filled = np.pad(np.asarray(weights, np.float64), ((0, 0), (0, -weights.shape[1] % size)))
    return filled.reshape(-1, size)


def chosen_groups(
    weights: Array,
    size: int,
    levels: Levels,
    importance: Array,
    dtype: DType,
    wide: bool,
    method: WeightScale,
    zeros: bool = False,
) -> Groups:
    """Factors for real weights (C, K), from scales that are best for each group by itself, and perhaps zero-points.

    Args:
        weights, importance: (C, K); how much the squared error of each weight counts.
        size: inputs of a group.
        levels, dtype: what the weights may be.
        wide: whether inputs have 16 bits.
        method: how scales are found.
        zeros: whether there are zero-points.
    """
    channels, depth = weights.shape
    rows, weighed = in_groups(weights, size), in_groups(np.broadcast_to(importance, weights.shape), size)
    narrowest = 1.0 if method is WeightScale.MAX else NARROWEST.get(dtype.bits, 0.5)
    own = np.zeros(len(rows))
    if zeros:
        scales, own = asymmetric(rows, levels, weighed, narrowest)
        if method is WeightScale.HQQ:
            filled = in_groups(np.ones(weights.shape), size)
            scales, own = half_quadratic_zeros(rows, scales, own, levels, filled)
    else:
        scales = weighted_scales(rows, levels, weighed, narrowest)
    steps, offsets = sane_scales(scales), own[:, None]
    integers = np.abs(levels.nearest(rows / steps[:, None] + offsets) - offsets).reshape(channels, -1)[:, :depth]
    groups = _factors(steps.reshape(channels, -1), integers, size, wide)[0]
    return replace(groups, zeros=tuple(own.astype(np.int64).tolist())) if own.any() else groups


def _factors(scales: Floats, integers: Array, size: int, wide: bool) -> tuple[Groups, Floats]:
    """Factors nearest to scales (C, groups), the greatest with which sums fit, and the channels' own scales (C,)."""
    greatest, reach = scales.max(axis=1), WIDE_SPAN if wide else INPUT_SPAN
    for most in MOST_FACTORS[: MOST_FACTORS.index(LEAST_WIDE) + 1] if wide else MOST_FACTORS:
        own = greatest / most
        factors = np.clip(np.rint(scales / own[:, None]), 1, most).astype(np.int64)
        each = np.repeat(factors, size, axis=1)[:, : integers.shape[1]]
        if reach * (np.abs(integers) * each).sum(axis=1).max() <= INT32_MAX // ROOM:
            break
    common = np.gcd.reduce(factors, axis=1)  # so that the same scales always are the same factors
    return Groups(size, tuple((factors // common[:, None]).ravel().tolist())), own * common


def refuse_unused(graph: Graph, config: QuantConfig) -> None:
    """Refuse groups that no layer of a final graph has; warn of layers of integers that do without where others have.

    Raises:
        UsageError: groups are asked for, of all layers or of some, and none has any.
    """
    _refuse_unused_zeros(graph, config)
    if not (config.weight_group or any(entry.weight_group for entry in config.layers)):
        return
    scales = (type.q for type in (graph.type(name) for name in graph.values) if type.q is not None)
    if not any(q.groups is not None or q.block is not None for q in scales):
        raise UsageError(
            "no layer can take scales for groups of weights",
            hint="fully connected layers with more inputs than a group can; those in float32 with "
            "--float-weight-bits 8, or fewer",
            where="--weight-group",
        )
    layers = [node for node in _layers(graph) if config.for_layer(node.name).weight_group]
    left = [f"{node.name} ({node.op.kind})" for node in layers if not any(row.groups for row in node.op.kernels)]
    if left:
        warn(
            f"{len(left)} of {len(layers)} layers of integers cannot take scales for groups of weights: "
            f"{listed(left)}; all weights of an output channel have one scale there",
            hint="fully connected layers can",
            where="--weight-group",
        )


def _refuse_unused_zeros(graph: Graph, config: QuantConfig) -> None:
    """The same of zero-points."""
    layers = [node for node in _layers(graph) if config.for_layer(node.name).weight_zero_points]
    able = [
        node
        for node in layers
        if any(row.groups for row in node.op.kernels) and has_zero_points(node, config.for_layer(node.name))
    ]
    asked = config.weight_zero_points or any(entry.weight_zero_points for entry in config.layers)
    if asked and not able:
        raise UsageError(
            "no layer can take zero-points of weights",
            hint="fully connected layers of integers with --weight-bits 4, 3 or 2 can",
            where="--weight-zero-points",
        )
    if len(able) < len(layers):
        left = [f"{node.name} ({node.op.kind})" for node in layers if node not in able]
        warn(
            f"{len(left)} of {len(layers)} layers of integers cannot take zero-points of weights: {listed(left)}; "
            "their weights stay symmetric",
            hint="fully connected layers with --weight-bits 4, 3 or 2 can",
            where="--weight-zero-points",
        )


def _layers(graph: Graph) -> list[Node]:
    """The nodes of integers that have weights."""

    def weighs(node: Node) -> bool:
        names = (operand(node, product.weight) for product in rule_of(graph, node).products)
        return any(graph.data(name) is not None for name in names)

    return [node for node in graph.nodes if not graph.site(node).is_float and weighs(node)]


def _exactly(own: Floats, factors: Array, scales: Floats) -> Floats:
    """Scales of channels near those given (C,), whose multiples round to the scales (C, groups) if any do."""
    base, wanted = own.astype(np.float32), scales.astype(np.float32)
    exact = base.astype(np.float64)
    for ulps in (2, -2, 1, -1, 0):
        tried = (base + np.float32(ulps) * np.spacing(base)).astype(np.float64)
        same = ((tried[:, None] * factors).astype(np.float32) == wanted).all(axis=1)
        exact = np.where(same, tried, exact)
    return exact


def given_groups(integers: Array, q: QParams, wide: bool, least: float, where: str) -> QParams:
    """Parameters with factors for integers (C, K) that a model brings with a scale for every block along K, and perhaps
    a zero-point.

    Of all multiples of a scale of the channel those that are nearest to the scales of its blocks are taken: exactly
    these, where they are multiples.

    Args:
        integers: as the model has them.
        q: parameters of blocks along axis 1.
        wide: whether inputs have 16 bits.
        least: scales of channels are no smaller.
        where: the layer, for messages.

    Raises:
        QuantizationError: sums do not fit 32 bits.
    """
    assert q.block is not None
    scales, reach = np.asarray(q.scale, np.float64).reshape(len(integers), -1), WIDE_SPAN if wide else INPUT_SPAN
    zeros, greatest = np.asarray(q.zero_point, np.int64).reshape(scales.shape), scales.max(axis=1)
    centred = np.abs(integers.astype(np.int64) - np.repeat(zeros, q.block, 1)[:, : integers.shape[1]])
    best = np.ones(scales.shape, np.int64)
    own, error = greatest.copy(), np.full(len(scales), np.inf)
    for most in range(1, MOST_FACTOR + 1):
        step = np.maximum(greatest / most, least)
        factors = np.clip(np.rint(scales / step[:, None]), 1, MOST_FACTOR).astype(np.int64)
        sums = reach * (centred * np.repeat(factors, q.block, 1)[:, : integers.shape[1]])
        fits = (sums.sum(axis=1) <= INT32_MAX // 2) | (wide & (most <= LEAST_WIDE))
        found = np.where(fits, np.abs(factors * step[:, None] / scales - 1.0).max(axis=1), np.inf)
        better = found < error - SAME
        best[better], own[better], error[better] = factors[better], step[better], found[better]
    if not np.isfinite(error).all():
        raise QuantizationError(
            "sums of groups of weights do not fit 32 bits", hint="quantize the model again with fewer bits", where=where
        )
    channels = QParams.per_channel(_exactly(own, best, scales), 0, 0)
    if not zeros.any():
        return replace(channels, groups=Groups(q.block, tuple(best.ravel().tolist())))
    size = q.block if q.block < integers.shape[1] else _whole(integers.shape[1])
    return replace(channels, groups=Groups(size, tuple(best.ravel().tolist()), tuple(zeros.ravel().tolist())))


def _whole(depth: int) -> int:
    """The size of a group of all inputs."""
    return -(-depth // EIGHT) * EIGHT


def whole_channels(q: QParams, shape: Shape) -> QParams:
    """Parameters of weights (C, K) with zero-points of channels, or one for all, as those of one group each."""
    channels, depth = shape
    scales, zeros = (np.broadcast_to(np.asarray(each), (channels,)) for each in (q.scale, q.zero_point))
    groups = Groups(_whole(depth), (1,) * channels, tuple(zeros.tolist()))
    return replace(QParams.per_channel(scales, 0, 0), groups=groups)
