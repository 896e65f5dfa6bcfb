"""The plain recurrent layer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Literal

import numpy as np
import numpy.typing as npt

from edgeq.ir.kernel import Kernel, Param
from edgeq.ir.op import Arrays, Sample, Shapes
from edgeq.ir.quant_rule import ACTIVATION, Bias, QuantRule, State, Weight
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array, Shape
from edgeq.numerics import float32, gates
from edgeq.numerics.fixedpoint import Ints, Multiplier, Numerics, Rounding, multiply, quantize_multiplier
from edgeq.numerics.float32 import Floats
from edgeq.numerics.gates import FRACTION_BITS, Function, Table, interpolate, saturate16
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
    initial_state,
    order,
    product,
    symmetric,
)

Activated = Literal["tanh", "sigmoid", "relu"]
BOUNDED: Mapping[str, Function] = {"tanh": np.tanh, "sigmoid": gates.sigmoid}
"""Functions that are tabulated."""
REAL_FUNCTIONS: Mapping[str, Callable[[Floats], Floats]] = {
    "tanh": float32.tanh,
    "sigmoid": float32.sigmoid,
    "relu": lambda x: np.where(x < 0, np.float32(0.0), x),
}
"""Functions of real numbers, in the order by which the kernel knows them."""
RELU_BITS = 7
"""A pre-activation under relu has steps of the output's scale divided by 2⁷: 16 bits hold all outputs."""


def bounded(x: Ints) -> Ints:
    """Clamp to ±2³⁰, so that the sum of two fits 32 bits."""
    return np.clip(x, -(1 << 30), 1 << 30)


@dataclass(frozen=True)
class Integers(_recurrent.Integers):
    """What the integer arithmetic of a site needs, from its scales."""

    @cached_property
    def op(self) -> SimpleRnn:
        op = self.site.op
        assert isinstance(op, SimpleRnn)
        return op

    @cached_property
    def units(self) -> int:
        return self.site.outputs[1].shape[1]

    @property
    def step(self) -> float:
        q = self.site.outputs[1].qp
        return 2.0**-FRACTION_BITS if self.op.function in BOUNDED else q.s * 2.0**-RELU_BITS

    @cached_property
    def table(self) -> Table | None:
        """Values of the function with 15 bits after the point; None: it is relu."""
        function = BOUNDED.get(self.op.function)
        return None if function is None else gates.table(function, FRACTION_BITS)

    @cached_property
    def narrowed(self) -> Multiplier:
        """From what the function gives to steps of the hidden state."""
        real = 2.0**-RELU_BITS if self.table is None else 2.0**-15 / self.site.outputs[1].qp.s
        return quantize_multiplier(real, Rounding.FAST)

    @cached_property
    def clip(self) -> int:
        """The greatest absolute value of a pre-activation."""
        return clip_steps(self.op.clip, self.step)

    def next_hidden(self, z: Ints) -> Ints:
        """The hidden state (int8) of pre-activations (int16)."""
        z = np.clip(z, -self.clip - 1, self.clip)
        made = np.maximum(z, 0) if self.table is None else interpolate(self.table, z)
        return np.clip(multiply(made, self.narrowed, Rounding.FAST) + self.site.outputs[1].qp.zp, -128, 127)


def lower_ref(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_simple_rnn_ref`."""
    n = Integers(site)
    batch, steps, depth = site.input(0).shape
    return {
        "batch": batch,
        "steps": steps,
        "in_c": depth,
        "units": n.units,
        "reverse": int(n.op.reverse),
        "weights": site.const(1),
        "recurrent": site.const(2),
        "bias": n.bias,
        "recurrent_bias": n.recurrent_bias,
        "mantissa": n.factors.mantissa,
        "shift": n.factors.shift.astype(np.int8),
        "recurrent_mantissa": n.recurrent_factors.mantissa,
        "recurrent_shift": n.recurrent_factors.shift.astype(np.int8),
        "initial_hidden": initial_state(site, 4, 1),
        "clip": n.clip,
        "hidden_mantissa": int(n.narrowed.mantissa[0]),
        "hidden_shift": int(n.narrowed.shift[0]),
        "zero_point": site.outputs[1].qp.zp,
        "table": 0 if n.table is None else n.table,
    }


def scratch_ref(site: Site) -> int:
    """Pre-activations of a step."""
    return -(-2 * site.outputs[1].shape[1] // 4) * 4


def lower_real(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_simple_rnn_float32_ref`."""
    op, bias = site.op, site.const_or_none(3)
    assert isinstance(op, SimpleRnn)
    batch, steps, depth = site.input(0).shape
    return {
        "batch": batch,
        "steps": steps,
        "in_c": depth,
        "units": site.outputs[1].shape[1],
        "reverse": int(op.reverse),
        "function": tuple(REAL_FUNCTIONS).index(op.function),
        **matrix(site, "weights", 1),
        **matrix(site, "recurrent", 2),
        "bias": 0 if bias is None else np.ravel(bias),
        "initial_hidden": initial_state(site, 4, 1),
        "clip": limit(op.clip),
    }


REAL_ROW = Kernel(
    "eq_simple_rnn_float32_ref",
    ("ref/simple_rnn_float32.c", *PRODUCTS),
    "eq/simple_rnn_float32.h",
    "eq_simple_rnn_float32_params",
    lower_real,
    elements=REAL,
    weights=MATRICES,
    fits=are_products,
    scratch=lambda site: matrix_scratch(site, 2 * site.outputs[1].shape[1]),
    variadic="inputs",
)


@dataclass(frozen=True)
class SimpleRnn(RecurrentOp):
    """A plain recurrent layer over a sequence: h = f(W x + b + R h).

    Elman: "Finding Structure in Time", 1990.

    Inputs: x (batch, steps, inputs), W (units, inputs), R (units, units), b (units) or absent, the first h (batch or 1,
    units). Outputs: h of every step (batch, steps, units), the last h (batch, units).

    Attributes:
        function: f.
        reverse: the sequence is taken from its end; results are at the places of their steps.
        clip: arguments of f stay within ± this; 0: they are free.
        dynamic: real vectors are multiplied as integers, each with a scale of its own; the weights are integers, too.
    """

    function: Activated = "tanh"
    reverse: bool = False
    clip: float = 0.0
    dynamic: bool = False

    kernels: ClassVar = (
        Kernel(
            "eq_simple_rnn_ref",
            ("ref/simple_rnn.c",),
            "eq/simple_rnn.h",
            "eq_simple_rnn_params",
            lower_ref,
            fits=symmetric,
            scratch=scratch_ref,
            variadic="inputs",
        ),
        REAL_ROW,
    )

    def out_shapes(self, shapes: Shapes) -> tuple[Shape, ...]:
        x, w, r, bias, h = shapes
        if x is None or len(x) != 3 or w is None or len(w) != 2:
            raise ValueError(
                f"an RNN needs a sequence (batch, steps, inputs) and weights (units, inputs), not {x} and {w}"
            )
        units = w[0]
        check_rows("input weights", w, units, x[2])
        check_rows("recurrent weights", r, units, units)
        check_vector("a bias", bias, units)
        check_state("a hidden state", h, x[0], units)
        return (*x[:2], units), (x[0], units)

    def rounding(self, numerics: Numerics) -> Rounding:
        return Rounding.FAST

    def integers(self, site: Site) -> Integers:
        return Integers(site)

    def _apply(self, z: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        z = np.clip(z, -self.clip, self.clip) if self.clip else z
        function = BOUNDED.get(self.function)
        return np.maximum(z, 0.0) if function is None else function(z)

    def run_float(self, inputs: Arrays) -> tuple[Array, ...]:
        x, w, r, bias, h = inputs
        assert x is not None and w is not None and r is not None and h is not None
        units, (batch, steps, _) = len(w), x.shape
        given = product(x, w, bias)
        h = np.broadcast_to(h, (batch, units))
        sequence = np.empty((batch, steps, units), np.float32)
        for t in order(steps, self.reverse):
            h = self._apply((given[:, t] + product(h, r)).astype(np.float64)).astype(np.float32)
            sequence[:, t] = h
        return sequence, h

    @np.errstate(all="ignore")
    def run_float32(self, site: Site, inputs: Arrays) -> tuple[Array, ...]:
        """What W makes of x has the bias added, then what R makes of h."""
        x, _, _, bias, h = inputs
        assert x is not None and h is not None
        h = np.broadcast_to(h, (len(x), h.shape[1]))
        sequence = np.empty((*x.shape[:2], h.shape[1]), np.float32)
        for t in order(x.shape[1], self.reverse):
            z = biased(matrix_sums(site, 1, x[:, t]), bias) + matrix_sums(site, 2, h)
            h = float32.number(REAL_FUNCTIONS[self.function](clipped(z, self.clip)))
            sequence[:, t] = h
        return sequence, h

    def run_int(self, site: Site, inputs: Arrays) -> tuple[Array, ...]:
        n, x, h = Integers(site), inputs[0], inputs[4]
        assert x is not None and h is not None
        batch, steps, _ = x.shape
        given = bounded(multiply(x.astype(np.int64) @ centred(site, 1).T + n.bias, n.factors, Rounding.FAST))
        recurrent = centred(site, 2).T
        hidden = np.broadcast_to(h, (batch, n.units)).astype(np.int64)
        sequence = np.empty((batch, steps, n.units), np.int8)
        for t in order(steps, self.reverse):
            own = multiply(hidden @ recurrent + n.recurrent_bias, n.recurrent_factors, Rounding.FAST)
            hidden = n.next_hidden(saturate16(given[:, t] + bounded(own)))
            sequence[:, t] = hidden
        return sequence, hidden.astype(np.int8)

    def quant_rule(self, shapes: Shapes) -> QuantRule:
        roles = (ACTIVATION, Weight(0), Weight(0, input=4), Bias(of=1), State(output=1))
        return QuantRule(roles=roles, alike=((0, 1),))

    @classmethod
    def samples(cls) -> tuple[Sample, ...]:
        def case(name: str, op: SimpleRnn, batch: int, steps: int, depth: int, units: int) -> Sample:
            shapes = ((batch, steps, depth), (units, depth), (units, units), (units,), (batch, units))
            return Sample(name, op, shapes, const=(1, 2, 3), low=-1.0, high=1.0)

        still = Sample("still", cls(), ((2, 3, 6), (5, 6), (5, 5), None, (1, 5)), const=(1, 2, 4), low=-1.0, high=1.0)
        return (
            case("tanh", cls(), 1, 2, 9, 6),
            case("sigmoid", cls("sigmoid"), 2, 4, 5, 11),
            case("relu", cls("relu"), 1, 1, 8, 7),
            case("one", cls(), 1, 1, 1, 1),
            case("reverse", cls(reverse=True), 1, 5, 12, 8),
            case("clipped", cls("relu", clip=0.5), 2, 4, 4, 5),
            still,
            *in_floats(
                (
                    case("sigmoid", cls("sigmoid", True), 2, 3, 5, 6),
                    case("relu", cls("relu", clip=0.5), 1, 2, 8, 7),
                    still,
                ),
                case("tanh", cls(), 2, 3, 5, 7),
                cls(dynamic=True),
            ),
        )
