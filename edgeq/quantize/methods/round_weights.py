"""Weights rounded for the least error of a layer's sums, not for the least error of each weight.

What rounding one weight adds to a sum, another that multiplies a like input can take back. With H, the second moments
of a layer's inputs on the samples, the error of the sums is e·H·eᵀ; columns are rounded one after the other, and what
each loses is handed on to those that follow (Frantar et al., "GPTQ", 2022, in the form of Chee et al., "QuIP", 2023,
which needs one decomposition H = U·D·Uᵀ and no inverse).

Two things are different here. The inputs are those of the integer model, whose layers before are rounded already, and
what is approached is not the float weights but those with which these inputs give the float model's sums best. And the
bias takes the mean, so that inputs count as far as they vary.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from math import gcd

import numpy as np

from edgeq.errors import UsageError
from edgeq.executor import Executor, Operands
from edgeq.ir.graph import GraphEditor, Node, Value
from edgeq.ir.op import Op
from edgeq.ir.quant_rule import Product
from edgeq.ir.tensor import SIGNED, Array, DType, QParams, Shape, TensorType
from edgeq.numerics.fixedpoint import Numerics
from edgeq.quantize.calibrate import choose
from edgeq.quantize.codebook import levels_for
from edgeq.quantize.config import QuantConfig, WeightRounding, Weights
from edgeq.quantize.convert import convert
from edgeq.quantize.float_values import FloatValues
from edgeq.quantize.groups import chosen_groups, group_of, has_zero_points
from edgeq.quantize.groups import in_groups as by_groups
from edgeq.quantize.methods.correct_biases import EditedIntegers
from edgeq.quantize.methods.learn_rounding import learned
from edgeq.quantize.moments import Moments, approached, damping_of, dot, moments
from edgeq.quantize.octaves import has_few
from edgeq.quantize.operands import float_products, operand, rule_of, weight_type, with_operand
from edgeq.quantize.ranges import Levels
from edgeq.quantize.rounder import PASSES, Rounder
from edgeq.quantize.statistics import Floats
from edgeq.quantize.step import Draft, Step
from edgeq.quantize.trellis import NEAR as TRELLIS_NEAR
from edgeq.quantize.trellis import check
from edgeq.quantize.weights import NEAR, Around, Judge, quantize_bias, quantize_weights

DAMPING = 0.05
"""Part of the mean second moment that is added to all of them, so that directions without any do not decide."""
DOUBT = 2.0
"""What makes up for errors of the layers before is learned from the samples. For every tap, as a part of the sums that
were looked at, so much is added, too: where sums are few, weights are approached that are near those in float."""
LEAST_ROWS, MOST_ROWS, ROWS_PER_TAP = 4096, 32768, 32
"""Sums of a layer to look at: so many for each weight of a sum, within bounds."""
MOST_MISSED = 3
"""Of so many places of an image one at least is among them. On vww a third of the places is as good as all."""
FAR_ZERO = 128
"""A zero-point beyond this is that of an activation far from zero; inputs then count from the middle of their type."""
DESCENT_PASSES = 20
"""At most so often where nothing else decides, as long as one changes (coordinate descent)."""


@dataclass(frozen=True, eq=False)
class Rounded:
    """The integers of a layer.

    Attributes:
        weights: in the shape of the layer's.
        dtype: their element type.
        q: their parameters.
        bias: (C,) in real numbers.
    """

    weights: Array
    dtype: DType
    q: QParams
    bias: Floats


@dataclass(frozen=True, eq=False)
class _Layer:
    """A layer whose weights are to be rounded, with the scales around it.

    Attributes:
        node: the layer.
        product: its only product.
        input, output: parameters of its activations.
        signed: whether scales may be negative if the type of the weights allows it (docs/adr/0036).
    """

    node: Node
    product: Product
    input: QParams
    output: QParams
    signed: bool = False


def layers_of(draft: Draft) -> dict[str, _Layer]:
    """The layers whose weights are float constants of their own and are to be rounded by this method."""
    graph, found = draft.graph, {}
    for node in graph.nodes:
        rule = rule_of(graph, node)
        if not draft.config.for_layer(node.name).rounds_by_sums or len(rule.products) != 1:
            continue
        (product,) = rule.products
        source, weight = str(node.inputs[product.input]), str(node.inputs[product.weight])
        own = product in float_products(graph, node) and graph.data(source) is None and product.axis is not None
        if not own or len(graph.consumers[weight]) != 1 or weight in graph.outputs:
            continue
        if node.op.factors(np.zeros(graph.type(source).shape, np.int8), graph.type(weight).shape) is not None:
            x, y = (draft.parameters[name] for name in (source, node.outputs[0]))
            signed = draft.numerics is Numerics.FAST and draft.config.weights is Weights.PER_CHANNEL
            found[node.name] = _Layer(node, product, x, y, signed)
    return found


def apart(sums: int, least: int) -> int:
    """Every how many sums one is looked at, `least` or a few more, so that places all over an image come up.

    What it and the `sums` of a sample have as a common divisor is how many times fewer places there are: every fifth of
    25 rows of 5 is always one of the same column, sample after sample.
    """
    every = least | 1
    while gcd(every, sums) > MOST_MISSED:
        every += 2
    return every


def _rows(layer: _Layer, shape: Shape, x: Array, every: int) -> Array:
    """Factors (groups, sums, taps) of samples x (samples, N, …): every so many sums."""
    found = []
    for k, sample in enumerate(x):
        rows = layer.node.op.factors(sample, shape)
        assert rows is not None
        found.append(rows[:, -k * rows.shape[1] % every :: every])
    return np.concatenate(found, axis=1)


def _origin(q: QParams) -> int:
    """What inputs are counted from: far from zero there is no padding, so that anything will do."""
    return q.zp if abs(q.zp) <= FAR_ZERO else 0


def _known(layer: _Layer, shape: Shape, integers: Array, reals: Array) -> list[Moments]:
    """The moments of each group's inputs; arguments as those of `round_layer`, with the shape of the weights."""
    op, q = layer.node.op, layer.input
    origin, taps = _origin(q), op.by_group(np.zeros(shape, np.int8)).shape[2]
    most = min(MOST_ROWS, max(LEAST_ROWS, ROWS_PER_TAP * taps))
    sums = layer_sums(op, integers[0], shape)
    every = apart(sums, -(-sums * len(integers) // most))
    seen = _rows(layer, shape, integers.astype(np.int16) - np.int16(origin), every)
    meant = _rows(layer, shape, (reals.astype(np.float64) / q.s + float(q.zp - origin)).astype(np.float32), every)
    return [moments(a, b, integers.dtype == np.int16) for a, b in zip(seen, meant, strict=True)]


def _starts(
    wanted: Floats,
    scales: Floats,
    second: Floats,
    levels: Levels,
    factors: Floats | None,
    points: Floats | float,
    config: QuantConfig,
    where: str,
) -> tuple[list[Floats | None], int]:
    """Integers of each group to begin with, None where columns are rounded one by one, and passes over them.

    Args:
        wanted: (groups, outputs, taps) weights.
        scales: (groups, outputs, 1).
        second: (groups, taps, taps) moments.
        levels: what integers may be.
        factors, points: (groups, outputs, taps) of groups of weights: multiples of a scale, and zero-points.
        config: of the layer.
        where: the layer, for messages.
    """
    if config.chosen_rounding is WeightRounding.ADAROUND:
        if levels.table:
            raise UsageError(
                "whether weights go up or down is not learned for codebooks",
                hint="use --rounding hessian, their default",
                where=where,
            )
        steps = wanted / scales if factors is None else wanted / scales + points * factors
        return list(learned(steps, second, levels, factors)), PASSES
    if config.chosen_rounding is WeightRounding.DESCENT:
        steps = scales if factors is None else scales * factors
        return list(levels.nearest(wanted / steps + points)), DESCENT_PASSES
    return [None] * len(wanted), PASSES


def round_layer(
    layer: _Layer, weights: Array, bias: Array | None, integers: Array, reals: Array, config: QuantConfig
) -> Rounded:
    """Decide the integers of a layer.

    Args:
        layer: the layer.
        weights, bias: in float.
        integers: inputs of the integer model (samples, …).
        reals: the same of the float model.
        config: of the layer.
    """
    op, q = layer.node.op, layer.input
    away = float(q.zp - _origin(q))
    shape, taps = weights.shape, op.by_group(weights).shape[2]
    sums = layer_sums(op, integers[0], shape)
    groups = op.by_group(weights.astype(np.float64))
    wide = integers.dtype == np.int16
    known = _known(layer, shape, integers, reals)
    damping = [damping_of(group, DAMPING) for group in known]
    shy = [damping_of(group, DAMPING + DOUBT * taps / group.rows) for group in known]
    wanted = np.stack([approached(w, m, d) for w, m, d in zip(groups, known, shy, strict=True)])
    dtype, where = weight_type(layer.node, config), f"{layer.node.name} ({op.kind})"
    target, size = op.from_groups(wanted, shape), group_of(layer.node, shape, config)
    check(dtype, wide, config, where)
    levels = levels_for(by_groups(target, size) if size else target, layer.product.axis, dtype, config)
    heavy = np.stack([np.diagonal(m.second) + d for m, d in zip(known, damping, strict=True)])
    importance = op.from_groups(np.broadcast_to(heavy[:, None], wanted.shape), shape)
    few = has_few(shape, layer.product.axis, (sums, shape[layer.product.axis or 0]), 1)
    around, method = Around(q.s, layer.output.s, wide, few=few), config.weight_scale
    zeros = has_zero_points(layer.node, config)
    shared = chosen_groups(target, size, levels, importance, dtype, wide, method, zeros) if size else None
    factors = None if shared is None else op.by_group(shared.spread(shape))
    points = 0.0 if shared is None else op.by_group(shared.spread_zeros(shape).astype(np.float64))
    offsets = None if factors is None else points * factors
    rounders = [
        Rounder.of(w, m.second + d * np.eye(taps), levels, *(None if x is None else x[k] for x in (factors, offsets)))
        for k, (w, m, d) in enumerate(zip(wanted, known, damping, strict=True))
    ]
    axis = layer.product.axis or 0

    def in_groups(each: Floats) -> Floats:
        """Values (C,) or (1,) of channels as (groups, outputs)."""
        wide = np.broadcast_to(each.reshape([-1 if k == axis else 1 for k in range(len(shape))]), shape)
        return op.by_group(wide)[:, :, 0]

    def of_channels(each: Floats) -> Floats:
        """Values (groups, outputs) as (C,)."""
        wide = op.from_groups(np.broadcast_to(each[:, :, None], wanted.shape), shape)
        return np.moveaxis(wide, axis, 0).reshape(shape[axis], -1)[:, 0]

    def scaled(sign: float) -> tuple[QParams, Judge]:
        """Parameters for the weights, or for their opposites, and what they were chosen by."""
        mine = [r.times(np.full(len(r.weights), sign)) for r in rounders]

        def error(scales: Floats) -> Floats:
            """The error of every channel, or of all together if they share a scale."""
            found = [r.round(s)[1] for r, s in zip(mine, in_groups(scales), strict=True)]
            each = of_channels(np.stack(found))
            return each if len(scales) == len(each) else np.cumsum(each)[-1:]

        judge = Judge(importance, error, TRELLIS_NEAR if levels.trellis else NEAR)
        along = layer.product.axis
        return quantize_weights(sign * target, along, bias, around, config, where, dtype, judge, levels, shared), judge

    params, judge = scaled(1.0)
    signs = np.ones(shape[axis])
    if layer.signed and dtype in SIGNED and shared is None and not around.wide:
        opposite, other = scaled(-1.0)
        less = other.error(np.asarray(opposite.scale)) < judge.error(np.asarray(params.scale))
        params = replace(params, scale=tuple(np.where(less, opposite.scale, params.scale).tolist()))
        signs = np.where(less, -1.0, 1.0)
    scales, signed = in_groups(np.asarray(params.scale)), in_groups(signs)
    rounders = [r.times(s) for r, s in zip(rounders, signed, strict=True)]
    wanted = wanted * signed[:, :, None]
    second = np.stack([m.second + d * np.eye(taps) for m, d in zip(known, damping, strict=True)])
    starts, passes = _starts(wanted, scales[:, :, None], second, levels, factors, points, config, where)
    rounded = np.stack([r.integers(s, start, passes) for r, s, start in zip(rounders, scales, starts, strict=True)])
    rounded *= signed[:, :, None]
    shift = np.stack(
        [
            dot(w, m.real_mean - away)
            - s * dot(r if factors is None or offsets is None else r * factors[k] - offsets[k], m.mean - away)
            for k, (w, s, m, r) in enumerate(zip(groups, scales, known, rounded, strict=True))
        ]
    )
    moved = of_channels(q.s * shift)
    old = np.zeros(len(moved)) if bias is None else bias.astype(np.float64)
    return Rounded(op.from_groups(rounded, shape).astype(dtype.numpy), dtype, params, old + moved)


def layer_sums(op: Op, sample: Array, shape: Shape) -> int:
    """Sums of each channel for one sample."""
    rows = op.factors(sample, shape)
    assert rows is not None
    return rows.shape[1]


def _put(layer: _Layer, done: Rounded, changed: GraphEditor, trial: GraphEditor, node: Node) -> Node:
    """Store a layer's integers in the float model, and in the integer model, whose changed node is returned."""
    product, name = layer.product, str(layer.node.inputs[layer.product.weight])
    type = TensorType(tuple(done.weights.shape), done.dtype, done.q)
    done.weights.flags.writeable = False
    for editor, own in ((changed, name), (trial, str(node.inputs[product.weight]))):
        editor.values[own] = Value(own, type, done.weights)
    if product.bias is None:
        return node
    hint = operand(layer.node, product.bias) or f"{layer.node.name}_bias"
    real = changed.constant(hint, done.bias)
    changed.replace_node(layer.node.name, with_operand(layer.node, product.bias, real))
    integers, q = quantize_bias(np.asarray(changed.values[real].data), None, layer.input.s, done.q)
    node = with_operand(node, product.bias, trial.constant(hint, integers, q))
    trial.replace_node(node.name, node)
    return node


def round_weights(draft: Draft) -> Draft:
    """Decide the integers of weights, layer by layer, with the inputs that the rounded layers before them give.

    They become constants with parameters; `convert` takes these as they are. The float model that the integers stand
    for stays what it is.
    """
    layers, graph = layers_of(draft), draft.graph
    assert draft.samples is not None
    integer = convert(graph, draft.parameters, draft.config, draft.numerics, draft.types)
    changed, trial = graph.edit(), integer.edit()
    samples = [draft.samples[k] for k in choose(draft.reference, len(draft.samples))]
    reals = {n: np.stack([np.asarray(s[n], graph.type(n).dtype.numpy) for s in samples]) for n in graph.inputs}
    types = {n: integer.type(n) for n in graph.inputs}
    floats = FloatValues(graph, reals, Counter(str(x.node.inputs[x.product.input]) for x in layers.values()))

    def rounded(node: Node, operands: Operands) -> Node:
        layer = layers.get(node.name)
        if layer is None:
            return node
        source, weight = str(node.inputs[layer.product.input]), str(layer.node.inputs[layer.product.weight])
        bias = operand(layer.node, layer.product.bias)
        x = operands[layer.product.input]
        real = graph.data(weight)
        assert x is not None and real is not None
        done = round_layer(layer, real, graph.data(bias), x, floats.take(source), draft.config.for_layer(node.name))
        return _put(layer, done, changed, trial, node)

    ends = {n: x if types[n].q is None else types[n].qp.quantize(x, types[n].dtype) for n, x in reals.items()}
    for _ in Executor(integer, EditedIntegers(trial)).walk(ends, rounded):
        pass
    return replace(draft, graph=changed.finish())


def _applies(draft: Draft) -> bool:
    return draft.samples is not None and len(draft.samples) > 0 and bool(layers_of(draft))


STEP = Step("round_weights", round_weights, _applies)
