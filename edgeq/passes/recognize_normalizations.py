"""Find normalizations in the arithmetic that exporters spell them out in.

In integers the spelling is a disaster: deviations, squares and roots of large and small rows share scales. Exporters,
and versions of them, spell a normalization in many ways, so nothing is matched by its form. Around every square root
that depends on a sum or mean, the nodes between one value x and another one y of its shape are computed for a few
numbers, and compared with the operators that there are: scale and bias follow from the numbers, the epsilon is one of
the constants between. The farthest x and y that fit are taken.

What follows an operator that normalizes, multiplication and addition by constants, becomes part of its scale and bias.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from math import prod, sqrt

import numpy as np
import numpy.typing as npt

from edgeq.ir.graph import Graph, Node
from edgeq.ir.op import Op
from edgeq.ir.tensor import Array, Shape
from edgeq.ir.traits import NO_CLAMP, Clamp, inverse
from edgeq.ops._normalize import Normalize, without_ones
from edgeq.ops._reduce import Reduction, Summation
from edgeq.ops.add import Add
from edgeq.ops.clip import Clip
from edgeq.ops.concat import Concat
from edgeq.ops.div import Div
from edgeq.ops.group_norm import GroupNorm
from edgeq.ops.instance_norm import InstanceNorm
from edgeq.ops.l2_norm import L2Norm
from edgeq.ops.layer_norm import LayerNorm
from edgeq.ops.mul import Mul
from edgeq.ops.pow import Pow
from edgeq.ops.reshape import Reshape
from edgeq.ops.rms_norm import RMSNorm
from edgeq.ops.rsqrt import Rsqrt
from edgeq.ops.sqrt import Sqrt
from edgeq.ops.sub import Sub
from edgeq.ops.transpose import Transpose
from edgeq.passes._layout import is_elementwise
from edgeq.passes._rewrite import View, rewrite

Floats = npt.NDArray[np.float64]
Axes = tuple[int, ...]
LIMIT = 24
"""The most nodes that one normalization is spelled with."""
REACH = 12
"""The most nodes above and below a root that are looked at for its ends."""
TOLERANCE = 2e-4
"""Of results, relative to the greatest one of a probe: float32 in another order."""
LARGE = 50.0
"""Factor of a probe in which no usual epsilon is seen."""
SMALL = 1e-6
"""Factor of a probe in which every usual epsilon is seen."""
INVISIBLE = 1e-5
"""The greatest epsilon that may as well be added, squared, to the variance as to the standard deviation."""
MAX_ELEMENTS = 2**24
"""Larger tensors are not computed for a comparison."""


def _is_root(op: Op) -> bool:
    return isinstance(op, (Sqrt, Rsqrt)) or (isinstance(op, Pow) and abs(op.exponent) == 0.5)


def _is_inside(node: Node) -> bool:
    """Whether a node may lie between the ends. Some exporters repeat statistics where they could broadcast them."""
    repeats = isinstance(node.op, Concat) and len(set(node.inputs)) == 1
    return repeats or is_elementwise(node.op) or isinstance(node.op, (Summation, Reshape))


@dataclass(frozen=True, eq=False)
class _Span:
    """The nodes between two values, in the order of execution.

    Attributes:
        x, y: the values.
        nodes: the nodes; the last one without an activation that is fused into it.
        clamp: that activation.
    """

    x: str
    y: str
    nodes: tuple[Node, ...]
    clamp: Clamp


def _span(view: View, x: str, y: str) -> _Span | None:
    """What computes y from x and constants; None if something else is needed, or inner values prescribe parameters."""
    order: dict[str, Node] = {}

    def visit(name: str) -> bool:
        if name == x or view.is_const(name):
            return name == x or view.is_real(name)
        node = view.producer(name)
        if node is None or not _is_inside(node) or (name != y and not view.is_real(name)):
            return False
        if node.name not in order:
            if not all(visit(i) for i in node.inputs if i is not None):
                return False
            order[node.name] = node
        return len(order) <= LIMIT

    if not visit(y):
        return None
    *inner, last = order.values()
    clamp = last.op.fused_clamp
    if clamp is None or clamp == NO_CLAMP:
        return _Span(x, y, (*inner, last), NO_CLAMP)
    return _Span(x, y, (*inner, replace(last, op=last.op.with_clamp(NO_CLAMP))), clamp)


def _above(view: View, root: Node) -> list[str]:
    """Computed values that a root depends on, the farthest first."""
    found: dict[str, None] = {}
    level = [str(root.inputs[0])]
    for _ in range(REACH):
        level = [n for n in dict.fromkeys(level) if not view.is_const(n)]
        for name in level:
            found.pop(name, None)
            found[name] = None
        makers = [m for n in level if (m := view.producer(n)) is not None and _is_inside(m)]
        level = [i for m in makers for i in m.inputs if i is not None]
    return list(reversed(found))


def _below(view: View, root: Node) -> list[str]:
    """Values that depend on a root, the farthest first."""
    found: dict[str, None] = {}
    level = list(root.outputs)
    for _ in range(REACH):
        for name in level:
            found.pop(name, None)
            found[name] = None
        readers = [r for n in level for r in view.consumers(n) if _is_inside(r)]
        level = list(dict.fromkeys(o for r in readers for o in r.outputs))
    return list(reversed(found))


def _run(view: View, span: _Span, x: Array) -> Floats:
    """The value of y for one of x."""
    values = {span.x: x.astype(np.float32)}
    for node in span.nodes:
        operands = [None if i is None else values[i] if i in values else view.data(i) for i in node.inputs]
        with np.errstate(all="ignore"):
            values[node.outputs[0]] = np.asarray(node.op.run_float(operands)[0], np.float32)
    return values[span.y].astype(np.float64)


def _constants(view: View, span: _Span) -> Iterator[Array]:
    names = dict.fromkeys(i for node in span.nodes for i in node.inputs if i is not None and view.is_const(i))
    yield from (data for n in names if (data := view.data(n)) is not None)
    yield from (np.asarray(node.op.low, np.float32) for node in span.nodes if isinstance(node.op, Clip))


def _axes(view: View, span: _Span) -> Axes | None:
    """The axes of more than one element over which x is summed; None if that is not always the same."""
    shape = view.shape(span.x)
    sums = [n for n in span.nodes if isinstance(n.op, Reduction)]
    if not sums or any(view.shape(str(n.inputs[0])) != shape for n in sums if n.inputs[0] is not None):
        return None
    axes = {tuple(a for a in n.op.axes if shape[a] != 1) for n in sums if isinstance(n.op, Reduction)}
    return axes.pop() if len(axes) == 1 else None


def _varying(view: View, span: _Span) -> Axes:
    """The axes along which a constant may differ."""
    rank = len(view.shape(span.x))
    shapes = [c.shape for c in _constants(view, span)]
    return tuple(k for k in range(rank) if any(len(s) >= rank - k and s[k - rank] != 1 for s in shapes))


def _candidates(epsilons: Sequence[float], count: int) -> Iterator[tuple[Normalize, float]]:
    """Operators over all axes that a span with these constants may be, and for each the factor of a probe that tells
    its epsilon: where it matters in a variance as much as the rest, and where it is all as a bound of a length."""
    for e in (*epsilons, 0.0):
        for mean in dict.fromkeys((e, e / count)):
            yield LayerNorm(mean, axis=0), sqrt(mean) or SMALL
            yield RMSNorm(mean, axis=0), sqrt(mean) or SMALL
        for length in dict.fromkeys((e, sqrt(e))):
            yield L2Norm(length, axis=0), length / count or SMALL
    # Added to the root instead, where no set of integers is so even that it could be told from the square inside.
    for e in epsilons:
        if e <= INVISIBLE:
            yield LayerNorm(e * e, axis=0), 1 / 4
            yield RMSNorm(e * e, axis=0), 1 / 4


@dataclass(frozen=True, eq=False)
class _Found:
    """What a span computes: an operator over `axes`, times a scale, plus a bias, both of x's rank."""

    op: Normalize
    axes: Axes
    scale: Floats
    bias: Floats


def _normalized(op: Normalize, x: Array, axes: Axes) -> Floats:
    """An operator, which is over all axes, over some of them instead."""
    last = tuple(range(x.ndim - len(axes), x.ndim))
    moved = np.moveaxis(x, axes, last)
    flat = moved.reshape(-1, prod(x.shape[a] for a in axes))
    (y,) = replace(op, axis=1).run_float([flat])  # type: ignore[call-arg]  # of a family that has it
    return np.moveaxis(y.reshape(moved.shape), last, axes).astype(np.float64)


def _probes(shape: Shape, axes: Axes) -> Iterator[Array]:
    """Numbers whose sets differ in mean and size."""
    rng = np.random.default_rng(list(shape))
    sets = [1 if k in axes else n for k, n in enumerate(shape)]
    while True:
        spread, shift = np.exp(rng.uniform(-0.5, 0.5, sets)), rng.uniform(-0.5, 0.5, sets)
        yield (rng.normal(0.0, 1.0, shape) * spread + shift).astype(np.float32)


def _identify(view: View, span: _Span) -> _Found | None:
    """What a span computes, if it is a normalization: scale and bias fit one probe, all must fit another one."""
    shape, axes = view.shape(span.x), _axes(view, span)
    if axes is None or not axes or prod(shape) > MAX_ELEMENTS or view.shape(span.y) != shape:
        return None
    x, other = islice(_probes(shape, axes), 2)
    there, opposite = _run(view, span, x), _run(view, span, -x)
    if not (np.isfinite(there).all() and np.isfinite(opposite).all()):
        return None
    varying, count = _varying(view, span), prod(shape[a] for a in axes)
    others = tuple(k for k in range(len(shape)) if k not in varying)
    odd, bias = (there - opposite) / 2, ((there + opposite) / 2).mean(axis=others, keepdims=True)
    singles = {float(str(np.float32(c.reshape(())))) for c in _constants(view, span) if c.size == 1}
    runs: dict[float, Floats] = {}
    for op, telling in _candidates(sorted(c for c in singles if 0.0 < c < 1.0), count):
        y = _normalized(op, x, axes)
        size = (y * y).sum(axis=others, keepdims=True)
        scale = np.divide((odd * y).sum(axis=others, keepdims=True), size, out=np.zeros_like(size), where=size > 0)
        for factor in (1.0, LARGE, telling):
            given = other * np.float32(factor)
            if factor not in runs:
                runs[factor] = _run(view, span, given)
            expected = _normalized(op, given, axes) * scale
            most = float(np.abs(expected).max()) + TOLERANCE * float(np.abs(bias).max()) + 1e-30
            if not np.abs(runs[factor] - expected - bias).max() <= TOLERANCE * most:
                break
        else:
            return _Found(op, axes, _even(scale), _even(bias))
    return None


def _even(values: Floats) -> Floats:
    """Values without differences along an axis that float32 makes."""
    for axis in range(values.ndim):
        mean = values.mean(axis=axis, keepdims=True)
        values = mean if np.abs(values - mean).max() <= 1e-5 * np.abs(values).max() else values
    return values


@dataclass(frozen=True)
class _Place:
    """How an operator is put into the graph: x is reshaped, transposed, normalized, transposed and reshaped back.

    Attributes:
        op: the operator.
        shape: what x is reshaped to.
        perm: of the Transpose after that.
        constants: how many of the last dimensions, after both, scale and bias have; the others must not vary.
    """

    op: Normalize
    shape: Shape
    perm: tuple[int, ...]
    constants: int


def _placed(found: _Found, shape: Shape) -> _Place:
    """The operator that computes what was found: over the last axes; over pixels; or over the last axes after a
    Transpose."""
    rank, axes = len(shape), sorted(found.axes)
    kept = [k for k in range(rank) if shape[k] != 1 and k not in axes]
    varied = {k for v in (found.scale, found.bias) for k in range(rank) if (v != v.take([0], k)).any()}
    trailing = all(k < axes[0] for k in kept)
    if trailing and varied <= {*axes} and (not varied or axes[-1] in varied):
        op = replace(found.op, axis=axes[0])  # type: ignore[call-arg]  # of a family that has it
        return _Place(op, shape, tuple(range(rank)), rank - axes[0])
    place = _over_pixels(found.op.epsilon, shape, axes, kept, varied) if isinstance(found.op, LayerNorm) else None
    if place is not None:
        return place
    rest = [k for k in range(rank) if k not in axes]
    op = replace(found.op, axis=len(rest))  # type: ignore[call-arg]
    return _Place(op, shape, (*rest, *axes), len(axes))


def _over_pixels(
    epsilon: float, shape: Shape, axes: Sequence[int], kept: Sequence[int], varied: set[int]
) -> _Place | None:
    """As (batch, pixels, groups, inner) or (batch, groups, inner, pixels), of which batch, pixels and inner may be
    several dimensions or none; None if it is neither."""
    last = kept[-1] if kept else None
    group = last if last is not None and (last in varied or axes[0] < last) else None
    batch = [k for k in kept if k != group]
    before = [k for k in axes if group is not None and k < group]
    after = [k for k in axes if k not in before]
    inside = len(after) if before else max((i + 1 for i, k in enumerate(after) if k in varied), default=0)
    inner, pixels = after[:inside], before or after[inside:]
    own = [*([] if group is None else [group]), *inner]
    if not varied <= {*own} or (batch and max(batch) > min(*axes, *own)):
        return None
    groups = 1 if group is None else shape[group]
    channels, n, sizes = prod(shape[k] for k in own), prod(shape[k] for k in batch), [shape[k] for k in pixels]
    op: Normalize = GroupNorm(epsilon, groups=groups) if inner else InstanceNorm(epsilon)
    if before or not pixels:
        return _Place(op, (n, *sizes, channels), tuple(range(len(sizes) + 2)), 1)
    return _Place(op, (n, channels, *sizes), (0, *range(2, len(sizes) + 2), 1), 1)


def _constant_of(place: _Place, values: Floats, shape: Shape) -> Array | None:
    """A scale or bias as the operator takes it; None if it varies along other dimensions than the last ones."""
    whole = np.broadcast_to(values, shape).reshape(place.shape).transpose(place.perm)
    own = whole[(0,) * (whole.ndim - place.constants)]
    if not np.array_equal(np.broadcast_to(own, whole.shape), whole):
        return None
    for axis in range(own.ndim):
        first = own.take([0], axis)
        own = first if (own == first).all() else own
    return own.reshape(without_ones(own.shape) or (1,)).astype(np.float32)


def _recognize(view: View, root: Node) -> bool:
    """Replace the largest span around a root that is a normalization."""
    if not _is_root(root.op) or not view.is_real(root.outputs[0]):
        return False
    lower = _below(view, root)
    for x in _above(view, root):
        for y in lower:
            if view.shape(x) != view.shape(y):
                continue
            span = _span(view, x, y)
            if span is None or root.name not in {n.name for n in span.nodes}:
                continue
            found = _identify(view, span)
            if found is not None:
                _replace(view, span, found)
                return True
    return False


def _is_neutral(values: Floats, neutral: float) -> bool:
    return bool(np.abs(values - neutral).max() <= 1e-6 * max(1.0, float(np.abs(values).max())))


def _replace(view: View, span: _Span, found: _Found) -> None:
    """Put what was found in the place of a span."""
    shape, node = view.shape(span.x), view.producer(span.y)
    assert node is not None
    place = _placed(found, shape)
    free, bounded = place.op, place.op.with_clamp(span.clamp)
    operands: list[str | None] = []
    left: list[tuple[Op, str]] = []  # what does not fit into the operator
    for name, values, neutral, op in (("scale", found.scale, 1.0, Mul()), ("bias", found.bias, 0.0, Add())):
        constant = None if _is_neutral(values, neutral) else _constant_of(place, values, shape)
        operands.append(None if constant is None or left else view.edit.constant(f"{node.name}_{name}", constant))
        if operands[-1] is None and not _is_neutral(values, neutral):
            left.append((op, view.edit.constant(f"{node.name}_{name}", values.astype(np.float32))))
    steps: list[tuple[Op, Sequence[str | None]]] = [(free if left else bounded, operands)]
    if place.perm != tuple(range(len(place.perm))):
        steps = [(Transpose(place.perm), ()), *steps, (Transpose(inverse(place.perm)), ())]
    if place.shape != shape:
        steps = [(Reshape(place.shape), ()), *steps, (Reshape(shape), ())]
    steps += [(op, (name,)) for op, name in left]
    if left:
        steps[-1] = (steps[-1][0].with_clamp(span.clamp), steps[-1][1])
    x = span.x
    for step, others in steps[:-1]:
        (x,) = view.edit.add(step, [x, *others], view.edit.unique(f"{node.name}_{step.kind.lower()}"))
    step, others = steps[-1]
    view.update(node, step, (x, *others))


def _addend_and_factor(view: View, node: Node) -> tuple[int, Floats, Floats] | None:
    """The computed operand of arithmetic with a constant, and the factor and addend that it means."""
    if not isinstance(node.op, (Add, Sub, Mul, Div)) or not view.is_real(*node.inputs):
        return None
    position = next((k for k in (0, 1) if view.is_const(node.inputs[k])), None)
    data = None if position is None else view.data(node.inputs[position])
    if position is None or data is None:
        return None
    c, one, zero = data.astype(np.float64), np.ones(1), np.zeros(1)
    if isinstance(node.op, Add):
        return 1 - position, one, c
    if isinstance(node.op, Mul):
        return 1 - position, c, zero
    if isinstance(node.op, Sub):
        return (0, one, -c) if position == 1 else (1, -one, c)
    return (0, 1.0 / c, zero) if position == 1 and c.all() else None


def _absorb(view: View, node: Node) -> bool:
    """A normalization, perhaps moved, times a constant or plus one: into its scale and bias."""
    read = _addend_and_factor(view, node)
    if read is None:
        return False
    position, factor, addend = read
    moves: list[Node] = []
    y = node.inputs[position]
    while (move := view.producer(y)) is not None and isinstance(move.op, (Transpose, Reshape)):
        if y is None or view.only_consumer(y) is None:
            return False
        moves.append(move)
        y = move.inputs[0]
    normalized = view.made_by(y, Normalize)
    if y is None or normalized is None or view.shape(str(node.inputs[position])) != view.shape(node.outputs[0]):
        return False
    maker, op = normalized
    if op.clamp != NO_CLAMP or not view.is_real(y, *(m.outputs[0] for m in moves)):
        return False
    shape = view.shape(y)

    def before(values: Floats) -> Floats:
        values = np.broadcast_to(values, view.shape(node.outputs[0]))
        for move in moves:
            inverted = inverse(move.op.perm) if isinstance(move.op, Transpose) else range(values.ndim)
            values = values.transpose(inverted).reshape(view.shape(str(move.inputs[0])))
        return values

    def given(index: int, neutral: float) -> Floats:
        data = view.data(maker.inputs[index]) if index < len(maker.inputs) else None
        return np.full((), neutral) if data is None else data.astype(np.float64)

    factor, addend = before(factor), before(addend)
    place = _Place(op, shape, tuple(range(len(shape))), op.constant_rank(shape))
    scale = _constant_of(place, given(1, 1.0) * factor, shape)
    bias = _constant_of(place, given(2, 0.0) * factor + addend, shape)
    if scale is None or bias is None:
        return False
    names = [view.edit.constant(f"{maker.name}_{n}", data) for n, data in (("scale", scale), ("bias", bias))]
    changed = op.with_clamp(node.op.fused_clamp or NO_CLAMP)
    q = view.type_of(node.outputs[0]).q
    if not moves:
        view.fuse(maker, node, changed, (maker.inputs[0], *names), q)
    else:
        view.update(maker, changed, (maker.inputs[0], *names))
        view.fuse(moves[0], node, moves[0].op, moves[0].inputs, q)
    return True


def _lift(view: View, node: Node) -> bool:
    """A normalization of pixels behind a Transpose before which they are the last axes: LayerNorm, then Transpose."""
    above = view.producer(node.inputs[0])
    if not isinstance(node.op, (InstanceNorm, GroupNorm)) or above is None or not isinstance(above.op, Transpose):
        return False
    out, perm, x = node.outputs[0], above.op.perm, above.inputs[0]
    constants = [i for i in node.inputs[1:] if i is not None]
    if x is None or any(prod(view.shape(c)) != 1 for c in constants) or not view.is_real(node.inputs[0], out):
        return False
    shape, grouped = view.shape(x), isinstance(node.op, GroupNorm)
    if isinstance(node.op, GroupNorm) and node.op.groups != 1:
        return False
    axes = [perm[k] for k in range(1, len(perm) - (0 if grouped else 1)) if shape[perm[k]] != 1]
    if not axes or any(shape[k] != 1 and k not in axes for k in range(min(axes), len(shape))):
        return False
    op = LayerNorm(node.op.epsilon, node.op.clamp, min(axes))
    view.move_below(node, op, (x, *node.inputs[1:]), [(Transpose(perm), shape)], "lifted")
    return True


def _regroup(view: View, node: Node) -> bool:
    """Reshape(LayerNorm(Reshape(x))) of an image (N, C, …), where a row is a group of channels: GroupNorm."""
    normalized = view.made_by(node.inputs[0], LayerNorm) if isinstance(node.op, Reshape) else None
    split = view.made_by(normalized[0].inputs[0], Reshape) if normalized is not None else None
    if normalized is None or split is None or split[0].inputs[0] is None:
        return False
    maker, op = normalized
    x, shape = split[0].inputs[0], view.shape(node.outputs[0])
    constants = [i for i in maker.inputs[1:] if i is not None]
    if view.shape(x) != shape or len(shape) < 3 or not view.is_real(node.inputs[0], maker.inputs[0]):
        return False
    groups, rest = divmod(prod(view.shape(str(maker.inputs[0]))[: op.axis]), shape[0])
    if rest or not 1 <= groups < shape[1] or shape[1] % groups or any(prod(view.shape(c)) != 1 for c in constants):
        return False
    there = (0, *range(2, len(shape)), 1)
    (moved,) = view.edit.add(Transpose(there), [x], view.edit.unique(f"{maker.name}_moved"))
    grouped = GroupNorm(op.epsilon, op.clamp, groups)
    (y,) = view.edit.add(grouped, [moved, *maker.inputs[1:]], view.edit.unique(f"{maker.name}_groups"))
    view.update(node, Transpose(inverse(there)), (y,))
    return True


def recognize_normalizations(graph: Graph) -> Graph:
    """Replace arithmetic on real tensors that amounts to a normalization by that operator, with all that scales it."""
    return rewrite(graph, _recognize, _regroup, _lift, _absorb)
