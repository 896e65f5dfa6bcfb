"""Long short-term memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from edgeq.ir.kernel import Kernel, Param
from edgeq.ir.op import Arrays, Sample, Shapes
from edgeq.ir.quant_rule import ACTIVATION, Bias, QuantRule, Real, Role, State, Weight
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array, DType, QParams, Shape
from edgeq.numerics import gates, gemmlowp16
from edgeq.numerics.fixedpoint import (
    Ints,
    Multiplier,
    Numerics,
    Rounding,
    multiply,
    quantize_multiplier,
    rounding_divide_by_pot,
)
from edgeq.numerics.gates import FRACTION_BITS, interpolate, saturate16, scaled16
from edgeq.ops import _recurrent
from edgeq.ops._lstm_real import CELL, FORGET, INPUT, OUTPUT, lower_real, run_real
from edgeq.ops._matrix import MATRICES, PRODUCTS, are_products, in_floats, matrix_scratch
from edgeq.ops._real import REAL
from edgeq.ops._recurrent import (
    RecurrentOp,
    centred,
    check_rows,
    check_state,
    check_vector,
    complete,
    factors,
    folded,
    fraction_bits,
    initial_state,
    order,
    product,
    stepped_bias,
    symmetric,
)

UNIT = 2.0**-7
"""Scale of a hidden state that is projected, unless the model prescribes one: it is within ±1."""
CELLS = frozenset({DType.INT8, DType.INT16})
"""Element types of the activations: int16 cells, all else int8."""


@dataclass(frozen=True)
class Integers(_recurrent.Integers):
    """What the integer arithmetic of a site needs, from its scales."""

    @cached_property
    def units(self) -> int:
        return self.site.outputs[2].shape[1]

    @cached_property
    def cell_bits(self) -> int:
        """Bits after the point of a cell."""
        return fraction_bits(self.site, self.site.outputs[2].qp)

    @cached_property
    def hidden(self) -> QParams:
        """Parameters of the hidden state before it is projected; of the output, where it is not."""
        op = self.site.op
        assert isinstance(op, Lstm)
        if self.projected:
            return QParams.per_tensor(op.hidden_scale or UNIT, op.hidden_zero_point)
        return self.site.outputs[1].qp

    @property
    def projected(self) -> bool:
        return self.site.const_or_none(7) is not None

    @cached_property
    def peephole(self) -> tuple[Ints, Multiplier] | None:
        """Integers (3, units) and a factor for each row: from weight times cell to a pre-activation."""
        real, op = self.site.const_or_none(6), self.site.op
        assert isinstance(op, Lstm)
        if real is None:
            return None
        greatest = np.abs(real).max(axis=1)
        own = [s or float(np.float32(g / 32767)) or 1.0 for s, g in zip(op.peephole_scales, greatest, strict=True)]
        scales = np.array(own, np.float32)
        q = np.clip(np.rint(real.astype(np.float64) / scales[:, None]), -32767, 32767).astype(np.int64)
        real_factors = scales.astype(np.float64) * 2.0 ** (FRACTION_BITS - self.cell_bits)
        return q, quantize_multiplier(real_factors, self.site.rounding)

    @cached_property
    def cell_clip(self) -> int:
        """The greatest absolute value of a cell; 0: it is not clipped."""
        op = self.site.op
        assert isinstance(op, Lstm)
        return int(min(float(np.float32(op.cell_clip) / np.float32(self.site.outputs[2].qp.s)), 32767.0))

    @cached_property
    def hidden_factor(self) -> Multiplier:
        """From output gate times tanh of the cell, with 30 bits after the point (FAST: 15), to the hidden state."""
        fraction = 15 if self.site.rounding is Rounding.FAST else 30
        real = np.float32(2.0**-fraction / self.hidden.s)
        return quantize_multiplier(float(real), self.site.rounding)

    @cached_property
    def projection(self) -> tuple[Ints, npt.NDArray[np.int32], Multiplier]:
        """Centred weights (outputs, units), the folded bias, and factors to the output."""
        q, scale, site = centred(self.site, 7), self.site.input(7).qp, self.site
        made = folded(site, q, self.hidden.zp, stepped_bias(site, 8, self.hidden, 7))
        return q, made, factors(site, self.hidden, scale, len(q), site.outputs[1].qp.s)

    @property
    def products(self) -> list[tuple[Ints, npt.NDArray[np.int32]]]:
        return [*super().products, *([self.projection[:2]] if self.projected else [])]

    @cached_property
    def output_range(self) -> tuple[int, int]:
        """Bounds of a projected output. LiteRT disregards the zero-point."""
        op, q = self.site.op, self.site.outputs[1].qp
        assert isinstance(op, Lstm)
        if not op.projection_clip or not self.projected:
            return -128, 127
        steps = int(min(float(np.float32(op.projection_clip) / np.float32(q.s)), 127.0))
        zero = q.zp if self.site.numerics is Numerics.FAST else 0
        return max(-128, zero - steps), min(127, zero + steps)

    def sigmoid(self, x: Ints) -> Ints:
        if self.site.rounding is Rounding.FAST:
            return interpolate(gates.table(gates.sigmoid, FRACTION_BITS), x)
        return gemmlowp16.logistic(x)

    def tanh(self, x: Ints, fraction_bits: int) -> Ints:
        if self.site.rounding is Rounding.FAST:
            return interpolate(gates.table(np.tanh, fraction_bits), x)
        return gemmlowp16.tanh(x, 15 - fraction_bits)

    def next_cell(self, cell: Ints, i: Ints, f: Ints, g: Ints) -> Ints:
        """f · cell + i · g."""
        if self.site.rounding is Rounding.FAST:
            found = saturate16((f * cell + ((i * g) >> (15 - self.cell_bits)) + (1 << 14)) >> 15)
        else:
            kept = rounding_divide_by_pot(f * cell, np.asarray(15, np.int64))
            added = rounding_divide_by_pot(i * g, np.asarray(30 - self.cell_bits, np.int64))
            found = saturate16(kept + added)
        return np.clip(found, -self.cell_clip, self.cell_clip) if self.cell_clip else found

    def next_hidden(self, o: Ints, squashed: Ints) -> Ints:
        """o · tanh(cell) as int8."""
        both = o * squashed
        if self.site.rounding is Rounding.FAST:
            both = (both + (1 << 14)) >> 15
        return np.clip(multiply(both, self.hidden_factor, self.site.rounding) + self.hidden.zp, -128, 127)


def lower_ref(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_lstm_ref`."""
    op, n = site.op, Integers(site)
    assert isinstance(op, Lstm)
    batch, steps, depth = site.input(0).shape
    outputs = site.outputs[1].shape[1]
    fast = site.rounding is Rounding.FAST
    hole = n.peephole
    projection = n.projection if n.projected else None
    qmin, qmax = n.output_range

    return {
        "batch": batch,
        "steps": steps,
        "in_c": depth,
        "units": n.units,
        "out_c": outputs,
        "reverse": int(op.reverse),
        "weights": site.const(1),
        "recurrent": site.const(2),
        "bias": n.bias,
        "recurrent_bias": n.recurrent_bias,
        "mantissa": n.factors.mantissa,
        "shift": n.factors.shift.astype(np.int8),
        "recurrent_mantissa": n.recurrent_factors.mantissa,
        "recurrent_shift": n.recurrent_factors.shift.astype(np.int8),
        "initial_hidden": initial_state(site, 4, 1),
        "initial_cell": initial_state(site, 5, 2),
        "peephole": 0 if hole is None else hole[0].astype(np.int16),
        "peephole_mantissa": (0, 0, 0) if hole is None else tuple(int(m) for m in hole[1].mantissa),
        "peephole_shift": (0, 0, 0) if hole is None else tuple(int(s) for s in hole[1].shift),
        "cell_bits": n.cell_bits,
        "cell_clip": n.cell_clip,
        "hidden_mantissa": int(n.hidden_factor.mantissa[0]),
        "hidden_shift": int(n.hidden_factor.shift[0]),
        "hidden_zero_point": n.hidden.zp,
        "projection": 0 if projection is None else site.const(7),
        "projection_bias": 0 if projection is None else projection[1],
        "projection_mantissa": 0 if projection is None else projection[2].mantissa,
        "projection_shift": 0 if projection is None else projection[2].shift.astype(np.int8),
        "zero_point": site.outputs[1].qp.zp,
        "qmin": qmin,
        "qmax": qmax,
        "sigmoid": gates.table(gates.sigmoid, FRACTION_BITS) if fast else 0,
        "tanh": gates.table(np.tanh, FRACTION_BITS) if fast else 0,
        "cell_tanh": gates.table(np.tanh, n.cell_bits) if fast else 0,
    }


def scratch_ref(site: Site) -> int:
    """Pre-activations of a step, and a hidden state."""
    units = site.outputs[2].shape[1]
    return 8 * units + -(-units // 4) * 4


REAL_ROW = Kernel(
    "eq_lstm_float32_ref",
    ("ref/lstm_float32.c", *PRODUCTS),
    "eq/lstm_float32.h",
    "eq_lstm_float32_params",
    lower_real,
    elements=REAL,
    weights=MATRICES,
    fits=are_products,
    scratch=lambda site: matrix_scratch(site, 9 * site.outputs[2].shape[1]),
    variadic="inputs",
)


@dataclass(frozen=True)
class Lstm(RecurrentOp):
    """A layer of long short-term memory over a sequence.

    Hochreiter, Schmidhuber: "Long Short-Term Memory", 1997; with peepholes, Gers, Schraudolph, Schmidhuber 2002; with
    projection, Sak, Senior, Beaufays 2014.

        i, f, o = sigmoid(W x + R h + b [+ p · c]),  g = tanh(W x + R h + b)
        c = f · c + i · g,  h = [P] (o · tanh(c)) [+ d]

    where o sees the new cell, i and f the old one. Inputs: x (batch, steps, inputs), W (4·units, inputs), R (4·units,
    outputs) with the rows of the gates i, f, g, o one after the other, b (4·units) or absent, the first h (batch or 1,
    outputs) and c (batch or 1, units), peephole weights p (3, units) of i, f, o or absent, projection P (outputs,
    units) or absent, its bias d (outputs) or absent. Outputs: h of every step (batch, steps, outputs), the last h
    (batch, outputs), the last c (batch, units).

    Attributes:
        reverse: the sequence is taken from its end; results are at the places of their steps.
        cell_clip: c stays within ± this; 0: it is free.
        projection_clip: a projected h stays within ± this; 0: it is free.
        hidden_scale, hidden_zero_point: of the hidden state that is projected; scale 0: one that suits ±1.
        peephole_scales: of the integers that p stands for, a row each; 0: one that suits the row.
        dynamic: real vectors are multiplied as integers, each with a scale of its own; the weights are integers, too.
    """

    reverse: bool = False
    cell_clip: float = 0.0
    projection_clip: float = 0.0
    hidden_scale: float = 0.0
    hidden_zero_point: int = 0
    peephole_scales: tuple[float, float, float] = (0.0, 0.0, 0.0)
    dynamic: bool = False

    kernels: ClassVar = (
        Kernel(
            "eq_lstm_ref",
            ("ref/lstm.c",),
            "eq/lstm.h",
            "eq_lstm_params",
            lower_ref,
            elements=CELLS,
            fits=symmetric,
            scratch=scratch_ref,
            rounded=True,
            variadic="inputs",
        ),
        REAL_ROW,
    )

    matrices: ClassVar[tuple[int, ...]] = (1, 2, 7)

    def out_shapes(self, shapes: Shapes) -> tuple[Shape, ...]:
        x, w, r, bias, h, c, hole, projection, offset = complete(shapes, 9)
        if x is None or len(x) != 3 or w is None or len(w) != 2 or w[0] % 4:
            raise ValueError(
                f"an LSTM needs a sequence (batch, steps, inputs) and weights (4·units, inputs), not {x} and {w}"
            )
        units = w[0] // 4
        outputs = units if projection is None else projection[0]
        check_rows("input weights", w, 4 * units, x[2])
        check_rows("recurrent weights", r, 4 * units, outputs)
        check_vector("a bias", bias, 4 * units)
        check_state("a hidden state", h, x[0], outputs)
        check_state("a cell state", c, x[0], units)
        if hole is not None:
            check_rows("peephole weights", hole, 3, units)
        if projection is not None:
            check_rows("projection weights", projection, outputs, units)
        check_vector("a projection's bias", offset, outputs)
        return (*x[:2], outputs), (x[0], outputs), (x[0], units)

    def integers(self, site: Site) -> Integers:
        return Integers(site)

    def _walk(self, inputs: Arrays) -> tuple[Array, Array]:
        """Hidden states (batch, steps, outputs) and cells (batch, steps, units) of every step."""
        x, w, r, bias, h, c, hole, projection, offset = complete(inputs, 9)
        assert x is not None and w is not None and r is not None and h is not None and c is not None
        units, (batch, steps, _) = len(w) // 4, x.shape
        given = product(x, w, bias)
        h, c = np.broadcast_to(h, (batch, r.shape[1])), np.broadcast_to(c, (batch, units)).astype(np.float64)
        hidden = np.empty((batch, steps, r.shape[1]), np.float32)
        cells = np.empty((batch, steps, units), np.float32)
        p = np.zeros((3, units)) if hole is None else hole.astype(np.float64)
        for t in order(steps, self.reverse):
            z = (given[:, t] + product(h, r)).astype(np.float64).reshape(batch, 4, units)
            i, f = gates.sigmoid(z[:, INPUT] + p[0] * c), gates.sigmoid(z[:, FORGET] + p[1] * c)
            c = f * c + i * np.tanh(z[:, CELL])
            c = np.clip(c, -self.cell_clip, self.cell_clip) if self.cell_clip else c
            h = (gates.sigmoid(z[:, OUTPUT] + p[2] * c) * np.tanh(c)).astype(np.float32)
            if projection is not None:
                h = product(h, projection, offset)
                h = np.clip(h, -self.projection_clip, self.projection_clip) if self.projection_clip else h
            hidden[:, t], cells[:, t] = h, c
        return hidden, cells

    def run_float(self, inputs: Arrays) -> tuple[Array, ...]:
        hidden, cells = self._walk(inputs)
        last = 0 if self.reverse else -1
        return hidden, hidden[:, last], cells[:, last]

    def passing(self, inputs: Arrays) -> Mapping[int, Array]:
        return {2: self._walk(inputs)[1]}

    def run_float32(self, site: Site, inputs: Arrays) -> tuple[Array, ...]:
        return run_real(self, site, complete(inputs, 9))

    def run_int(self, site: Site, inputs: Arrays) -> tuple[Array, ...]:
        n, x, h, c = Integers(site), inputs[0], inputs[4], inputs[5]
        assert x is not None and h is not None and c is not None
        batch, steps, _ = x.shape
        units, rounding = n.units, site.rounding
        given = scaled16(x.astype(np.int64) @ centred(site, 1).T + n.bias, n.factors, rounding)
        recurrent = centred(site, 2).T
        hidden = np.broadcast_to(h, (batch, len(recurrent))).astype(np.int64)
        cell = np.broadcast_to(c, (batch, units)).astype(np.int64)
        hole = n.peephole
        sequence = np.empty((batch, steps, len(recurrent)), np.int8)

        def with_cell(z: Ints, row: int) -> Ints:
            if hole is None:
                return z
            factor = Multiplier(hole[1].mantissa[row : row + 1], hole[1].shift[row : row + 1])
            return saturate16(z + multiply(hole[0][row] * cell, factor, rounding))

        for t in order(steps, self.reverse):
            own = multiply(hidden @ recurrent + n.recurrent_bias, n.recurrent_factors, rounding)
            z = saturate16(given[:, t] + own).reshape(batch, 4, units)
            i, f = n.sigmoid(with_cell(z[:, INPUT], 0)), n.sigmoid(with_cell(z[:, FORGET], 1))
            cell = n.next_cell(cell, i, f, n.tanh(z[:, CELL], FRACTION_BITS))
            o = n.sigmoid(with_cell(z[:, OUTPUT], 2))
            hidden = n.next_hidden(o, n.tanh(cell, n.cell_bits))
            if n.projected:
                weights, bias, factor = n.projection
                made = multiply(hidden @ weights.T + bias, factor, rounding) + site.outputs[1].qp.zp
                hidden = np.clip(np.clip(made, -128, 127), *n.output_range)
            sequence[:, t] = hidden
        return sequence, hidden.astype(np.int8), cell.astype(np.int16)

    def quant_rule(self, shapes: Shapes) -> QuantRule:
        projected = len(shapes) > 7 and shapes[7] is not None
        roles: tuple[Role, ...] = (
            ACTIVATION,
            Weight(0),
            Weight(0, input=4),
            Bias(of=1),
            State(output=1),
            State(output=2),
            Real(),
            Weight(0, input=4) if projected else Real(),
            Real(),
        )
        return QuantRule(roles=roles, alike=((0, 1),), fine=frozenset({2}))

    @classmethod
    def samples(cls) -> tuple[Sample, ...]:
        def case(
            name: str, op: Lstm, batch: int, steps: int, depth: int, units: int, outputs: int = 0, hole: bool = False
        ) -> Sample:
            out = outputs or units
            shapes: tuple[Shape | None, ...] = (
                (batch, steps, depth),
                (4 * units, depth),
                (4 * units, out),
                (4 * units,),
                (batch, out),
                (batch, units),
                (3, units) if hole else None,
                (outputs, units) if outputs else None,
                (outputs,) if outputs else None,
            )
            const = tuple(k for k in (1, 2, 3, 6, 7, 8) if shapes[k] is not None)
            return Sample(name, op, shapes, const=const, low=-1.0, high=1.0)

        still = Sample(
            "still", cls(), ((2, 3, 6), (20, 6), (20, 5), None, (1, 5), (1, 5)), const=(1, 2, 4, 5), low=-1.0, high=1.0
        )
        return (
            case("plain", cls(), 1, 7, 9, 6),
            case("batch", cls(), 2, 3, 5, 11),
            case("one", cls(), 1, 1, 1, 1),
            case("reverse", cls(reverse=True), 1, 5, 12, 8),
            case("clipped", cls(cell_clip=0.5), 1, 6, 4, 5),
            case("peephole", cls(), 1, 6, 7, 9, hole=True),
            case("projected", cls(projection_clip=0.75), 1, 5, 8, 12, outputs=5),
            case("all", cls(True, 1.0, 0.0), 2, 4, 3, 6, outputs=7, hole=True),
            case("even", cls(), 1, 9, 16, 16),
            still,
            *in_floats(
                (
                    case("batch", cls(), 2, 3, 5, 11),
                    case("all", cls(True, 1.0, 0.75), 2, 4, 3, 6, outputs=7, hole=True),
                    still,
                ),
                case("projected", cls(), 2, 3, 5, 7, outputs=6),
                cls(dynamic=True),
            ),
        )
