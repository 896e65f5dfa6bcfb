"""Gated recurrent units."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from edgeq.ir.kernel import Kernel, Param
from edgeq.ir.op import Arrays, Sample, Shapes
from edgeq.ir.quant_rule import ACTIVATION, Bias, QuantRule, Real, State, Weight
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array, Shape
from edgeq.numerics import float32, gates
from edgeq.numerics.fixedpoint import Ints, Multiplier, Numerics, Rounding, multiply, quantize_multiplier
from edgeq.numerics.gates import FRACTION_BITS, interpolate, saturate16, scaled16
from edgeq.ops import _recurrent
from edgeq.ops._matrix import (
    MATRICES,
    PRODUCTS,
    are_products,
    biased,
    clipped,
    in_floats,
    limit,
    matrix,
    matrix_scratch,
    matrix_sums,
)
from edgeq.ops._real import REAL
from edgeq.ops._recurrent import (
    RecurrentOp,
    centred,
    check_rows,
    check_state,
    check_vector,
    clip_steps,
    folded,
    initial_state,
    order,
    product,
    stepped_bias,
    symmetric,
)

UPDATE, RESET, CANDIDATE = range(3)
"""Gates, in the order of the weights' rows."""


@dataclass(frozen=True)
class Integers(_recurrent.Integers):
    """What the integer arithmetic of a site needs, from its scales."""

    @cached_property
    def units(self) -> int:
        return self.site.outputs[1].shape[1]

    @cached_property
    def recurrent_bias(self) -> npt.NDArray[np.int32]:
        state = self.site.outputs[1].qp
        return folded(self.site, centred(self.site, 2), state.zp, stepped_bias(self.site, 4, state, 2))

    @cached_property
    def hidden_bits(self) -> int:
        """Bits after the point of the hidden state within the operator: as many as leave room for the int8 one."""
        q = self.site.outputs[1].qp
        greatest = q.s * max(128 + q.zp, 127 - q.zp)
        return 15 - min(max(int(np.ceil(np.log2(greatest))), 0), 15)

    @cached_property
    def widened(self) -> Multiplier:
        """From steps of the int8 hidden state to those of the int16 one."""
        return quantize_multiplier(self.site.outputs[1].qp.s * 2.0**self.hidden_bits, Rounding.FAST)

    @cached_property
    def narrowed(self) -> Multiplier:
        """From steps of the int16 hidden state to those of the int8 one."""
        return quantize_multiplier(2.0**-self.hidden_bits / self.site.outputs[1].qp.s, Rounding.FAST)

    @cached_property
    def clip(self) -> int:
        """The greatest absolute value of a pre-activation."""
        op = self.site.op
        assert isinstance(op, Gru)
        return clip_steps(op.clip)

    def to_int8(self, hidden: Ints) -> Ints:
        """The int8 hidden state that stands for an int16 one."""
        return np.clip(multiply(hidden, self.narrowed, Rounding.FAST) + self.site.outputs[1].qp.zp, -128, 127)

    def to_int16(self, hidden: Ints) -> Ints:
        """The int16 hidden state of an int8 one."""
        return saturate16(multiply(hidden - self.site.outputs[1].qp.zp, self.widened, Rounding.FAST))

    def sigmoid(self, x: Ints) -> Ints:
        return interpolate(gates.table(gates.sigmoid, FRACTION_BITS), np.clip(x, -self.clip - 1, self.clip))

    def tanh(self, x: Ints) -> Ints:
        return interpolate(gates.table(np.tanh, FRACTION_BITS), np.clip(x, -self.clip - 1, self.clip))

    def next_hidden(self, hidden: Ints, z: Ints, n: Ints) -> Ints:
        """z · hidden + (1 − z) · n."""
        other = ((32768 - z) * n) >> (15 - self.hidden_bits)
        return saturate16((z * hidden + other + (1 << 14)) >> 15)


def lower_ref(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_gru_ref`."""
    op, n = site.op, Integers(site)
    assert isinstance(op, Gru)
    batch, steps, depth = site.input(0).shape
    return {
        "batch": batch,
        "steps": steps,
        "in_c": depth,
        "units": n.units,
        "reverse": int(op.reverse),
        "reset_after": int(op.reset_after),
        "weights": site.const(1),
        "recurrent": site.const(2),
        "bias": n.bias,
        "recurrent_bias": n.recurrent_bias,
        "mantissa": n.factors.mantissa,
        "shift": n.factors.shift.astype(np.int8),
        "recurrent_mantissa": n.recurrent_factors.mantissa,
        "recurrent_shift": n.recurrent_factors.shift.astype(np.int8),
        "initial_hidden": initial_state(site, 5, 1),
        "clip": n.clip,
        "hidden_bits": n.hidden_bits,
        "widen_mantissa": int(n.widened.mantissa[0]),
        "widen_shift": int(n.widened.shift[0]),
        "narrow_mantissa": int(n.narrowed.mantissa[0]),
        "narrow_shift": int(n.narrowed.shift[0]),
        "zero_point": site.outputs[1].qp.zp,
        "sigmoid": gates.table(gates.sigmoid, FRACTION_BITS),
        "tanh": gates.table(np.tanh, FRACTION_BITS),
    }


def scratch_ref(site: Site) -> int:
    """Pre-activations of a step, the hidden state in 16 bits, and what of it the reset gate lets through."""
    units = site.outputs[1].shape[1]
    return -(-9 * units // 4) * 4


def lower_real(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_gru_float32_ref`."""
    op = site.op
    assert isinstance(op, Gru)
    (batch, steps, depth), units = site.input(0).shape, site.outputs[1].shape[1]
    biases = {name: site.const_or_none(index) for name, index in (("bias", 3), ("recurrent_bias", 4))}
    return {
        "batch": batch,
        "steps": steps,
        "in_c": depth,
        "units": units,
        "reverse": int(op.reverse),
        "reset_after": int(op.reset_after),
        **matrix(site, "weights", 1),
        **matrix(site, "recurrent", 2, slice(CANDIDATE * units)),
        **matrix(site, "candidate", 2, slice(CANDIDATE * units, None)),
        **{name: 0 if data is None else np.ravel(data) for name, data in biases.items()},
        "initial_hidden": initial_state(site, 5, 1),
        "clip": limit(op.clip),
    }


REAL_ROW = Kernel(
    "eq_gru_float32_ref",
    ("ref/gru_float32.c", *PRODUCTS),
    "eq/gru_float32.h",
    "eq_gru_float32_params",
    lower_real,
    elements=REAL,
    weights=MATRICES,
    fits=are_products,
    scratch=lambda site: matrix_scratch(site, 7 * site.outputs[1].shape[1]),
    variadic="inputs",
)


@dataclass(frozen=True)
class Gru(RecurrentOp):
    """A layer of gated recurrent units over a sequence.

    Cho et al.: "Learning Phrase Representations using RNN Encoder-Decoder", 2014; its variant with the reset gate
    behind the product is that of cuDNN, PyTorch and Keras (`reset_after`).

        z, r = sigmoid(W x + b + R h + d)
        n = tanh(W x + b + R (r · h) + d), or with `reset_after` n = tanh(W x + b + r · (R h + d))
        h = (1 − z) · n + z · h

    Inputs: x (batch, steps, inputs), W (3·units, inputs), R (3·units, units) with the rows of the gates z, r, n one
    after the other, b (3·units) or absent, d (3·units) or absent, the first h (batch or 1, units). Outputs: h of every
    step (batch, steps, units), the last h (batch, units). Within the operator h has 16 bits.

    Attributes:
        reset_after: the reset gate multiplies what R makes of h, instead of h.
        reverse: the sequence is taken from its end; results are at the places of their steps.
        clip: arguments of sigmoid and tanh stay within ± this; 0: they are free.
        dynamic: real vectors are multiplied as integers, each with a scale of its own; the weights are integers, too.
    """

    reset_after: bool = False
    reverse: bool = False
    clip: float = 0.0
    dynamic: bool = False

    kernels: ClassVar = (
        Kernel(
            "eq_gru_ref",
            ("ref/gru.c",),
            "eq/gru.h",
            "eq_gru_params",
            lower_ref,
            fits=symmetric,
            scratch=scratch_ref,
            variadic="inputs",
        ),
        REAL_ROW,
    )

    def out_shapes(self, shapes: Shapes) -> tuple[Shape, ...]:
        x, w, r, bias, recurrent_bias, h = shapes
        if x is None or len(x) != 3 or w is None or len(w) != 2 or w[0] % 3:
            raise ValueError(
                f"a GRU needs a sequence (batch, steps, inputs) and weights (3·units, inputs), not {x} and {w}"
            )
        units = w[0] // 3
        check_rows("input weights", w, 3 * units, x[2])
        check_rows("recurrent weights", r, 3 * units, units)
        check_vector("a bias", bias, 3 * units)
        check_vector("a recurrent bias", recurrent_bias, 3 * units)
        check_state("a hidden state", h, x[0], units)
        return (*x[:2], units), (x[0], units)

    def rounding(self, numerics: Numerics) -> Rounding:
        return Rounding.FAST

    def integers(self, site: Site) -> Integers:
        return Integers(site)

    def run_float(self, inputs: Arrays) -> tuple[Array, ...]:
        x, w, r, bias, recurrent_bias, h = inputs
        assert x is not None and w is not None and r is not None and h is not None
        units, (batch, steps, _) = len(w) // 3, x.shape
        given = product(x, w, bias)
        h = np.broadcast_to(h, (batch, units))
        sequence = np.empty((batch, steps, units), np.float32)

        def free(values: Array) -> npt.NDArray[np.float64]:
            real = values.astype(np.float64)
            return np.clip(real, -self.clip, self.clip) if self.clip else real

        for t in order(steps, self.reverse):
            x_t, own = given[:, t].reshape(batch, 3, units), product(h, r, recurrent_bias).reshape(batch, 3, units)
            z, reset = (gates.sigmoid(free(x_t[:, gate] + own[:, gate])) for gate in (UPDATE, RESET))
            if self.reset_after:
                made = reset * own[:, CANDIDATE]
            else:
                rows = slice(CANDIDATE * units, None)
                offset = None if recurrent_bias is None else recurrent_bias[rows]
                made = product((reset * h).astype(np.float32), r[rows], offset).astype(np.float64)
            n = np.tanh(free(x_t[:, CANDIDATE] + made))
            h = ((1.0 - z) * n + z * h).astype(np.float32)
            sequence[:, t] = h
        return sequence, h

    @np.errstate(all="ignore")
    def run_float32(self, site: Site, inputs: Arrays) -> tuple[Array, ...]:
        """Each product has its bias added; what comes of x is the first addend."""
        x, _, _, bias, recurrent_bias, h = inputs
        assert x is not None and h is not None
        (batch, steps, _), (_, units) = x.shape, site.outputs[1].shape
        h = np.broadcast_to(h, (batch, units))
        sequence = np.empty((batch, steps, units), np.float32)
        for t in order(steps, self.reverse):
            given = biased(matrix_sums(site, 1, x[:, t]), bias).reshape(batch, 3, units)
            own = biased(matrix_sums(site, 2, h), recurrent_bias).reshape(batch, 3, units)
            z, reset = (float32.sigmoid(clipped(given[:, gate] + own[:, gate], self.clip)) for gate in (UPDATE, RESET))
            if self.reset_after:
                made = reset * own[:, CANDIDATE]
            else:
                rows = slice(CANDIDATE * units, None)
                made = biased(matrix_sums(site, 2, reset * h), recurrent_bias)[:, rows]
            n = float32.tanh(clipped(given[:, CANDIDATE] + made, self.clip))
            h = float32.number((np.float32(1.0) - z) * n + z * h)
            sequence[:, t] = h
        return sequence, h

    def run_int(self, site: Site, inputs: Arrays) -> tuple[Array, ...]:
        n, x, h = Integers(site), inputs[0], inputs[5]
        assert x is not None and h is not None
        batch, steps, _ = x.shape
        units = n.units
        given = scaled16(x.astype(np.int64) @ centred(site, 1).T + n.bias, n.factors, Rounding.FAST)
        recurrent, rows = centred(site, 2).T, slice(CANDIDATE * units, None)
        last = Multiplier(n.recurrent_factors.mantissa[rows], n.recurrent_factors.shift[rows])
        hidden = np.broadcast_to(h, (batch, units)).astype(np.int64)
        fine = n.to_int16(hidden)
        sequence = np.empty((batch, steps, units), np.int8)
        for t in order(steps, self.reverse):
            x_t = given[:, t].reshape(batch, 3, units)
            own = scaled16(hidden @ recurrent + n.recurrent_bias, n.recurrent_factors, Rounding.FAST)
            own = own.reshape(batch, 3, units)
            z, reset = (n.sigmoid(saturate16(x_t[:, gate] + own[:, gate])) for gate in (UPDATE, RESET))
            if self.reset_after:
                made = (reset * own[:, CANDIDATE] + (1 << 14)) >> 15
            else:
                let = n.to_int8((reset * fine + (1 << 14)) >> 15)
                made = scaled16(let @ recurrent[:, rows] + n.recurrent_bias[rows], last, Rounding.FAST)
            fine = n.next_hidden(fine, z, n.tanh(saturate16(x_t[:, CANDIDATE] + made)))
            hidden = n.to_int8(fine)
            sequence[:, t] = hidden
        return sequence, hidden.astype(np.int8)

    def quant_rule(self, shapes: Shapes) -> QuantRule:
        roles = (ACTIVATION, Weight(0), Weight(0, input=5), Bias(of=1), Real(), State(output=1))
        return QuantRule(roles=roles, alike=((0, 1),))

    @classmethod
    def samples(cls) -> tuple[Sample, ...]:
        def case(name: str, op: Gru, batch: int, steps: int, depth: int, units: int, biased: bool = True) -> Sample:
            rows = (3 * units,) if biased else None
            shapes = ((batch, steps, depth), (3 * units, depth), (3 * units, units), rows, rows, (batch, units))
            const = (1, 2, 3, 4) if biased else (1, 2)
            return Sample(name, op, shapes, const=const, low=-1.0, high=1.0)

        still = Sample(
            "still",
            cls(reset_after=True),
            ((2, 3, 6), (15, 6), (15, 5), (15,), None, (1, 5)),
            const=(1, 2, 3, 5),
            low=-1.0,
            high=1.0,
        )
        return (
            case("before", cls(), 1, 7, 9, 6),
            case("after", cls(reset_after=True), 1, 7, 9, 6),
            case("batch", cls(), 2, 3, 5, 11, biased=False),
            case("one", cls(reset_after=True), 1, 1, 1, 1),
            case("reverse", cls(reset_after=True, reverse=True), 1, 5, 12, 8),
            case("clipped", cls(clip=0.5, reverse=True), 2, 4, 4, 5),
            case("even", cls(reset_after=True), 1, 4, 16, 16),
            still,
            *in_floats(
                (case("before", cls(clip=1.5), 2, 3, 5, 6), case("after", cls(True, True), 2, 3, 5, 6), still),
                case("few", cls(), 2, 3, 5, 7, biased=False),
                cls(dynamic=True),
            ),
        )
