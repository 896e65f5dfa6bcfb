"""Integer test cases of every operator, made from the registry's samples.

A case is a graph of one node with quantization parameters, and inputs for it. Everything is drawn from generators that
the case's name seeds, so that the same case is the same in every process.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache, cached_property

import numpy as np

from edgeq.ir.graph import Graph, GraphEditor, Node, Value
from edgeq.ir.op import Sample, registry
from edgeq.ir.quant_rule import Bias, Index, QuantRule, Real, Scale, State, Weight
from edgeq.ir.site import Site
from edgeq.ir.tensor import MOST_FACTOR, SIGNED, Array, DType, Groups, QParams, TensorType
from edgeq.numerics.fixedpoint import INT32_MAX, Numerics
from edgeq.numerics.trellis import WAYS, integers_of
from edgeq.ops.shift import Shift
from edgeq.quantize.element_types import has_arithmetic16

PLAIN = "plain"
LOW, HIGH, ZERO = "zero_point_low", "zero_point_high", "zero_point_0"
STEEP, FLAT = "steep", "flat"
LEGACY = "weight_zero_point"
TENSOR = "per_tensor"
NEGATIVE, NEGATIVE_STEEP = "negative_scales", "negative_scales_steep"
LARGE, FULL = "large_accumulators", "full_accumulators"
"""Variants: zero-points at either end or at 0; outputs much finer or coarser than their range; weights with one scale,
with and without a zero-point; channels that are stored with a negative scale. And on request only: biases with which
accumulators reach a limit."""
LIMITS = {LARGE: 2**29 - 1, FULL: INT32_MAX}
"""Of accumulators: what the kernels for cores without SIMD take, and what any kernel does."""

ZERO_POINTS = {LOW: -128, HIGH: 127, ZERO: 0}
FINENESS = {STEEP: 1 / 12, FLAT: 5.0, NEGATIVE: 2.5, NEGATIVE_STEEP: 1 / 12}


MANY = 1 << 14
"""Of so many whole numbers it matters that there are small ones, too."""


def whole_numbers(rng: np.random.Generator, role: Index, shape: tuple[int, ...]) -> Array:
    """Whole numbers for an operand, and some beyond either end where its type has them."""
    low, high = role.dtype.range
    drawn = rng.integers(max(low, role.least - 2), min(high + 1, role.limit + 2), shape)
    if role.limit > MANY:
        drawn >>= rng.integers(0, role.limit.bit_length(), shape)
    return np.asarray(drawn, role.dtype.numpy)


@dataclass(frozen=True, eq=False)
class Case:
    """A graph of one node, and one array per graph input."""

    name: str
    graph: Graph
    inputs: Mapping[str, Array]

    @property
    def node(self) -> Node:
        """The only node."""
        return self.graph.nodes[0]

    @cached_property
    def site(self) -> Site:
        """The node's site."""
        return self.graph.site(self.node)

    @property
    def states(self) -> tuple[tuple[int, int], ...]:
        """Operands that the node itself computed one step before, with the outputs that become them."""
        return self.node.op.quant_rule([None if t is None else t.shape for t in self.site.inputs]).states

    @property
    def operands(self) -> list[Array | None]:
        """All inputs of the node, constants included."""
        return [None if n is None else self.inputs.get(n, self.graph.data(n)) for n in self.node.inputs]

    @cached_property
    def expected(self) -> tuple[Array, ...]:
        """What the normative integer reference computes."""
        with np.errstate(all="ignore"):
            return self.node.op.run(self.site, self.operands)


def generator(name: str) -> np.random.Generator:
    """A generator that depends on the name only."""
    return np.random.default_rng(int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "little"))


def range_params(low: float, high: float) -> QParams:
    """Asymmetric int8 parameters of a range, which is widened to hold zero."""
    low, high = min(low, 0.0), max(high, 0.0)
    scale = float(np.float32((high - low) / 255 or 1.0))
    return QParams.per_tensor(scale, int(np.clip(round(-128 - low / scale), -128, 127)))


def activation_params(variant: str, low: float, high: float, output: bool) -> QParams:
    """Plausible parameters of an activation that has this range, under a variant."""
    zero = ZERO_POINTS.get(variant)
    if zero is None:
        q = range_params(low, high)
        fineness = FINENESS.get(variant, 1.0) if output else 1.0
        return QParams.per_tensor(q.s * fineness, q.zp)
    if output and zero:
        zero = -128 if high > -low else 127  # the end that leaves more of the range
    reach = max(abs(low), abs(high)) or 1.0
    return QParams.per_tensor(reach / (127 if zero == 0 else 255), zero)


def wide_params(variant: str, low: float, high: float, output: bool) -> QParams:
    """Symmetric int16 parameters of a range, under a variant."""
    reach = max(abs(low), abs(high)) or 1.0
    return QParams.per_tensor(reach / 32767 * (FINENESS.get(variant, 1.0) if output else 1.0), 0)


def weight_params(variant: str, real: Array, axis: int | None, greatest: int) -> QParams:
    """Parameters of a weight of integers up to `greatest`: symmetric per output channel, or one for all."""
    if variant == LEGACY:
        return range_params(float(real.min()) * 0.7, float(real.max()) * 1.3)
    if variant == TENSOR or axis is None:
        return QParams.per_tensor(float(np.abs(real).max()) / greatest or 1.0, 0)
    other = tuple(i for i in range(real.ndim) if i != axis)
    return QParams.per_channel(np.maximum(np.abs(real).max(axis=other), 1e-3) / greatest, 0, axis)


def wider(q: QParams, dtype: DType) -> QParams:
    """Parameters of 8 bits as those of int32, if that is the type, which has no zero-point."""
    return QParams.per_tensor(q.s / 50_000, 0) if dtype is DType.INT32 else q


def sprinkle(rng: np.random.Generator, data: Array) -> Array:
    """The array with some elements at the ends of the type."""
    mask = rng.random(data.shape)
    ends = np.iinfo(data.dtype)
    return np.where(mask < 0.01, data.dtype.type(ends.min), np.where(mask > 0.99, data.dtype.type(ends.max), data))


def special(rng: np.random.Generator, data: Array) -> Array:
    """The array with some elements that are not numbers, or hardly: NaN, infinities, zeros, the least of all."""
    values = np.array([np.nan, np.inf, -np.inf, -0.0, 1e-45, -1e-45, 3.4e38], np.float32)
    chosen = rng.integers(0, 20 * len(values), data.shape)
    return np.where(chosen < len(values), values[chosen % len(values)], data)


def add_halves(editor: GraphEditor, name: str, halves: Array) -> str:
    """A constant that stays in float16. Returns its name."""
    made = editor.constant(name, halves)  # as float32
    editor.values[made] = Value(made, TensorType(halves.shape, DType.FLOAT16), halves)
    return made


def _negated(integers: Array, axis: int | None, dtype: DType) -> Array:
    """Two of three channels such that they have a negative scale: one integer is beyond the range of the type."""
    rows = np.moveaxis(integers, axis or 0, 0).copy()
    chosen = np.arange(len(rows)) % 3 != 1
    rows[chosen] = -rows[chosen]
    rows.reshape(len(rows), -1)[chosen, -1] = -dtype.range[0]
    return np.moveaxis(rows, 0, axis or 0)


class _Builder:
    """Builds the graph of one case."""

    def __init__(self, kind: str, sample: Sample, variant: str, numerics: Numerics) -> None:
        self.sample, self.variant, self.numerics = sample, variant, numerics
        self.rule: QuantRule = sample.op.quant_rule(list(sample.shapes))
        # Not of the numerics: what does not depend on them is the same case in all.
        self.rng = generator(f"{kind}/{sample.name}/{variant}")
        self.editor = GraphEditor("case")
        self.inputs: dict[str, Array] = {}
        self.shared = self._params(False, *self._range())
        self.outputs: dict[int, QParams] = {}
        """Parameters of outputs that become states, or are like another one."""

    def _like(self, output: int) -> tuple[DType, QParams]:
        """Element type and parameters of an output that a state has, too."""
        if output in self.rule.fine:
            self.outputs[output] = QParams.per_tensor(2.0**-13, 0)
            return DType.INT16, self.outputs[output]
        if output not in self.outputs:
            self.outputs[output] = activation_params(self.variant, *self._range(), output=True)
        self.outputs.update((first, self.outputs[output]) for first, other in self.rule.alike if other == output)
        return DType.INT8, self.outputs[output]

    def _params(self, output: bool, low: float, high: float) -> QParams:
        """Parameters of an activation that goes in, or comes out."""
        wide = self.sample.elements[output] is DType.INT16
        return (wide_params if wide else activation_params)(self.variant, low, high, output)

    def _range(self) -> tuple[float, float]:
        stretch = self.rng.uniform(0.8, 1.2, 2)
        return self.sample.low * float(stretch[0]), self.sample.high * float(stretch[1])

    def _activation(self) -> QParams:
        own = self._params(False, *self._range())
        converted = self.sample.op.converts and self.variant != PLAIN
        return self.shared if self.rule.output is Scale.SAME and not converted else own

    def _operand(self, index: int, shape: tuple[int, ...]) -> str:
        real = self.rng.uniform(self.sample.low, self.sample.high, shape)
        places = self.rule.role(index)
        if isinstance(places, Index) and index not in self.sample.const:
            name = self.editor.input(f"x{index}", TensorType(shape, places.dtype))
            self.inputs[name] = whole_numbers(self.rng, places, shape)
            return name
        if index not in self.sample.const and self.sample.elements[0].is_float:
            name = self.editor.input(f"x{index}", TensorType(shape))
            plain = real.astype(np.float32)
            self.inputs[name] = special(self.rng, plain)
            if self.rule.states:  # all of a sequence sees what is no number
                self.inputs[name][:1] = plain[:1]
            return name
        state = self.rule.role(index)
        if isinstance(state, State) and not self.sample.elements[0].is_float:
            dtype, q = self._like(state.output)
            data = q.quantize(real, dtype)
            if index in self.sample.const:
                return self.editor.constant(f"state{index}", data, q)
            name = self.editor.input(f"x{index}", TensorType(shape, dtype, q))
            self.inputs[name] = sprinkle(self.rng, data)
            return name
        if index not in self.sample.const:
            dtype = self.sample.elements[0]
            q = wider(self._activation(), dtype)
            name = self.editor.input(f"x{index}", TensorType(shape, dtype, q))
            self.inputs[name] = sprinkle(self.rng, q.quantize(real, dtype))
            return name
        role = self.rule.role(index)
        real_layer = self.sample.elements[0].is_float
        axis = self.rule.scales_along(index)
        if real_layer and axis is not None and self._has_stored():
            return self._stored(real, self.sample.weights, axis, f"weights{index}")
        if isinstance(role, Real) or (real_layer and isinstance(role, Weight | Bias | State)):
            return self.editor.constant(f"constant{index}", real.astype(np.float32))
        if isinstance(role, Index):
            whole = self.rng.integers(0, role.limit, shape)
            return self.editor.constant(f"index{index}", whole.astype(np.int8 if role.limit <= 128 else np.int32))
        if isinstance(role, Weight):
            real = self.rng.normal(0.0, 0.5, shape)
            dtype = self.sample.weights
            least, greatest = dtype.range
            q = self._grouped(weight_params(self.variant, real, role.axis, greatest), shape)
            narrow = dtype is not DType.INT8  # of which all integers are weights, those without an opposite too
            low = least if self.variant == LEGACY or narrow else max(least, -greatest)
            integers = q.quantize(real * 1.3 if narrow else real, dtype)
            if dtype is DType.TRELLIS:
                integers = integers_of(self.rng.integers(0, WAYS, shape))
            elif dtype.is_code:
                table = np.linspace(-greatest, greatest, 1 << dtype.bits).astype(np.int8)
                integers = table[np.abs(integers[..., None].astype(np.int16) - table).argmin(axis=-1)]
            integers = np.maximum(integers, np.int8(low))
            if self.variant in (NEGATIVE, NEGATIVE_STEEP):
                integers = _negated(integers, role.axis, dtype)
            name = self.editor.constant("weights", integers, q)
            self.editor.set_type(name, TensorType(shape, dtype, q))
            return name
        if isinstance(role, Bias):
            x, w = (self.editor.values[n].type.qp for n in ("x0", "weights"))  # those of the first product
            scale = np.broadcast_to(x.s * np.asarray(w.scale), shape)
            q = QParams.per_channel(scale, 0, 0)
            bias = q.quantize(self.rng.normal(0.0, 2.0, shape), DType.INT32)
            return self.editor.constant(
                "bias", self._reaching(bias, LIMITS[self.variant]) if self.variant in LIMITS else bias, q
            )
        if self.sample.elements[0].is_float:
            return self.editor.constant(f"constant{index}", real.astype(np.float32))
        q = wider(self._activation(), self.sample.elements[0])
        return self.editor.constant(f"constant{index}", q.quantize(real, self.sample.elements[0]), q)

    def _grouped(self, q: QParams, shape: tuple[int, ...]) -> QParams:
        """Parameters of weights (C, K) with a factor for each group, if the sample has groups."""
        if not self.sample.group:
            return q
        groups = -(-shape[1] // self.sample.group)
        factors = self.rng.integers(1, MOST_FACTOR + 1, shape[0] * groups)
        factors[0] = MOST_FACTOR
        scales = tuple(float(np.float32(s / 200)) for s in q.scale)
        made = Groups(self.sample.group, tuple(factors.tolist()))
        if self.sample.zeros:
            low, high = self.sample.weights.range
            made = replace(made, zeros=tuple(self.rng.integers(low, high + 1, shape[0] * groups).tolist()))
        return replace(q, scale=scales, groups=made)

    def _has_stored(self) -> bool:
        """Whether the sample is of a real layer whose weights are stored in another type."""
        real, wanted = DType.FLOAT32, self.sample.weights
        takes = any(wanted in row.weights and real in row.elements for row in self.sample.op.kernels)
        return takes and wanted is not real

    def _stored(self, real: Array, dtype: DType, axis: int, name: str) -> str:
        """Weights of a real layer in fewer bits; those of long sums, if a matrix, have a scale for every 16 inputs."""
        if dtype is DType.FLOAT16:
            halves = np.where(np.abs(real) < 0.1, real * 2.0**-13, real).astype(np.float16)  # subnormal ones, too
            return add_halves(self.editor, name, halves)
        block, shape = 16, real.shape
        q = QParams.per_channel(self.rng.uniform(0.01, 0.02, shape[axis]), 0, axis)
        if len(shape) == 2 and axis == 0 and shape[1] > 2 * block:
            q = QParams.per_block(self.rng.uniform(0.01, 0.02, (shape[0], -(-shape[1] // block))), 0, 1, block)
        integers = q.quantize(real / 0.02 * 0.015 * dtype.range[1] / 127, dtype)
        made = self.editor.constant(name, integers, q)
        self.editor.set_type(made, TensorType(shape, dtype, q))
        return made

    def _reaching(self, bias: Array, limit: int) -> Array:
        """The same, but every third one the greatest and every third one the least with which sums keep to a limit."""
        weights, x = self.editor.values["weights"].data, self.editor.values["x0"].type.qp
        product = self.rule.products[0]
        assert weights is not None and product.axis is not None
        flat = np.moveaxis(weights, product.axis, 0).reshape(len(bias), -1).astype(np.int64)
        groups = self.editor.values["weights"].type.qp.groups
        flat = flat if groups is None else groups.multiples(flat)
        folded, reach = -x.zp * flat.sum(axis=1), 128 * np.abs(flat).sum(axis=1)
        ends = np.stack([bias, limit - reach - folded, reach - limit - folded])
        return np.clip(ends[np.arange(len(bias)) % 3, np.arange(len(bias))], -INT32_MAX, INT32_MAX).astype(np.int32)

    def _output(self, real: Array) -> QParams:
        if self.rule.output is Scale.SAME:
            return self.shared
        if isinstance(self.sample.op, Shift):
            return self.sample.op.moved(self.editor.values["x0"].type.qp)
        wide = self.sample.elements[1] is DType.INT16
        if wide and self.rule.usual16 is not None and self.numerics is not Numerics.FAST:
            return self.rule.usual16
        if not wide and self.rule.usual is not None and (self.numerics is not Numerics.FAST or self.variant == PLAIN):
            return self.rule.usual
        finite = real[np.isfinite(real)]
        low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
        return self._params(True, low, high)

    def build(self, name: str) -> Case:
        shapes, op = self.sample.shapes, self.sample.op
        names = [None if s is None else self._operand(i, s) for i, s in enumerate(shapes)]
        reals = [None if n is None else self._real(n) for n in names]
        with np.errstate(all="ignore"):
            outputs = op.run_float(reals)
        plain = [TensorType(tuple(y.shape)) for y in outputs]
        if op.gives_whole:
            plain = [TensorType(t.shape, op.whole_type(k)) for k, t in enumerate(plain)]
        elif not self.sample.elements[1].is_float:
            plain = [
                t.quantized(DType.INT16, self.outputs.get(k) or self.rule.usual or QParams.per_tensor(2.0**-13, 0))
                if k in self.rule.fine
                else self._quantized(t, self.outputs[k] if k in self.outputs else self._output(y))
                for k, (t, y) in enumerate(zip(plain, outputs, strict=True))
            ]
        types = plain
        made = self.editor.add(op, names, "node", types=types)
        self.editor.outputs = list(made)
        self.editor.numerics = self.numerics
        return Case(name, self.editor.finish(), self.inputs)

    def _quantized(self, type: TensorType, q: QParams) -> TensorType:
        return type.quantized(self.sample.elements[1], wider(q, self.sample.elements[1]))

    def _real(self, name: str) -> Array:
        value = self.editor.values[name]
        data = self.inputs.get(name, value.data)
        assert data is not None
        return data if value.type.q is None else value.type.q.dequantize(data)


def variants(sample: Sample) -> tuple[str, ...]:
    """The variants that mean something for an operator."""
    rule = sample.op.quant_rule(list(sample.shapes))
    if sample.elements[0].is_float and sample.elements[1].is_float:
        return (PLAIN,)
    if DType.INT16 in sample.elements:
        biased = any(product.bias is not None for product in rule.products)
        tensor = [TENSOR] if biased and not sample.group else []
        return (PLAIN, *([STEEP, FLAT] if rule.output is Scale.FREE else []), *tensor)
    found = [PLAIN, LOW, HIGH]
    if rule.output is Scale.FREE:
        found += [ZERO, STEEP, FLAT]
    if any(product.bias is not None for product in rule.products) and not sample.group:
        found += [LEGACY, TENSOR] if len(rule.products) == 1 and sample.weights is DType.INT8 else [TENSOR]
    if sample.weights in SIGNED and not sample.group:
        found += [NEGATIVE, NEGATIVE_STEEP]
    return tuple(found)


def build(kind: str, sample: Sample, variant: str, numerics: Numerics) -> Case:
    """One case."""
    return _Builder(kind, sample, variant, numerics).build(f"{kind}/{sample.name}/{variant}/{numerics.value}")


def of_operator(kind: str) -> Iterator[Case]:
    """The cases of an operator: each sample plainly in all numerics, and each variant in one of them, by turns."""
    order = tuple(Numerics)
    for index, sample in enumerate(registry()[kind].samples()):
        for turn, variant in enumerate(variants(sample)):
            real = sample.elements[0].is_float and sample.elements[1].is_float  # the same in all numerics
            single = real or DType.INT16 in sample.elements
            if sample.elements == (DType.INT16, DType.INT16) and variant == PLAIN:
                yield build(kind, sample, variant, Numerics.TFLITE)
                if not has_arithmetic16(sample.op):
                    break
            fast = single or variant in (NEGATIVE, NEGATIVE_STEEP)
            others = (Numerics.FAST,) if fast else (order[(index + turn) % 3],)
            for numerics in order if variant == PLAIN and not single else others:
                yield build(kind, sample, variant, numerics)


def of_ports() -> Iterator[Case]:
    """A model's uint8 inputs and outputs: conversions that no other node makes."""
    requantize = registry()["Requantize"]()
    pairs = {
        "to_int8": (DType.UINT8, 140, 1.0, DType.INT8, 12),
        "to_uint8": (DType.INT8, -128, 1.0, DType.UINT8, 0),
        "from_int16": (DType.INT16, 0, 200.0, DType.INT8, -7),
        "to_int16": (DType.INT8, 5, 0.005, DType.INT16, 0),
        "int16_to_int32": (DType.INT16, -(2**15), 2.0, DType.INT32, 0),
        "to_int8_finer": (DType.UINT8, 0, 0.25, DType.INT8, -128),
        "to_uint8_coarser": (DType.INT8, 5, 3.0, DType.UINT8, 100),
    }
    for name, (from_type, from_zero, ratio, to_type, to_zero) in pairs.items():
        editor = GraphEditor("case")
        low, high = from_type.range
        data = generator(f"port/{name}").integers(low, high + 1, (1, 5, 3, 7)).astype(from_type.numpy)
        x = editor.input("x0", TensorType(data.shape, from_type, QParams.per_tensor(0.03, from_zero)))
        type = TensorType(data.shape, to_type, QParams.per_tensor(0.03 * ratio, to_zero))
        editor.outputs = list(editor.add(requantize, [x], "node", types=[type]))
        for numerics in Numerics:
            editor.numerics = numerics
            yield Case(f"{requantize.kind}/port_{name}/{numerics.value}", editor.finish(), {x: data})


@cache
def all_cases() -> tuple[Case, ...]:
    """Every case of every operator, in a fixed order."""
    return (*(case for kind in registry() for case in of_operator(kind)), *of_ports())


def dequantized(case: Case) -> list[Array | None]:
    """The node's operands as the real numbers they stand for."""
    types = [None if n is None else case.graph.type(n) for n in case.node.inputs]
    reals = [
        None if type is None or data is None else data if type.q is None else type.q.dequantize(data)
        for type, data in zip(types, case.operands, strict=True)
    ]
    return [None if x is None else x.astype(np.float32) if x.dtype == np.float16 else x for x in reals]
