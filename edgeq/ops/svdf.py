"""A fully connected layer over time, of low rank."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from edgeq.ir.kernel import Kernel, Param
from edgeq.ir.op import Arrays, Op, Sample, Shapes
from edgeq.ir.quant_rule import ACTIVATION, QuantRule, Real, State, Weight
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array, DType, QParams, Shape
from edgeq.ir.traits import TRAITS, Trait
from edgeq.numerics import float32
from edgeq.numerics.fixedpoint import Multiplier, Numerics, multiply
from edgeq.ops._matrix import MATRICES, PRODUCTS, are_products, in_floats, matrix, matrix_scratch, matrix_sums
from edgeq.ops._real import REAL
from edgeq.ops._real import bounds as real_bounds
from edgeq.ops._recurrent import centred, check_rows, check_vector, complete, factors, folded, product, reach
from edgeq.ops._requant import NO_CLAMP, Clamp, clamp_float, finish, output_range

TYPES = frozenset({DType.INT8, DType.INT16})
"""Element types of the activations: the state has one of them, all else is int8."""


def time_weights(site: Site) -> tuple[npt.NDArray[np.int64], QParams]:
    """Integers (filters, memory) of the weights over time, one scale for all: int16, or int8 for an int8 state.

    Unless the model prescribes the scale, sums of products stay within 2²⁸, whatever the features.
    """
    op = site.op
    assert isinstance(op, Svdf)
    real, bits = site.const(2), site.outputs[1].dtype.bits
    most = 2 ** (bits - 1) - 1
    units = np.abs(real.astype(np.float64)).reshape(len(real) // op.rank, -1).sum(axis=1)
    least = float(units.max(initial=0.0)) * 2.0 ** (bits - 1 - 28)
    scale = op.time_scale or max(float(np.abs(real).max(initial=0.0)) / most, least) or 1.0
    q = QParams.per_tensor(scale, 0)
    return np.clip(np.rint(real.astype(np.float64) / q.s), -most - 1, most).astype(np.int64), q


def integers(site: Site) -> tuple[npt.NDArray[np.int32], Multiplier, npt.NDArray[np.int64], Multiplier]:
    """Folded bias and factors of the features; bias (units) and factor of the sums over time."""
    weights, (_, q) = centred(site, 1), time_weights(site)
    state, y = site.outputs[1].qp, site.outputs[0]
    offset = folded(site, weights, site.input(0).qp.zp, None)
    bias = site.const_or_none(3)
    units = y.shape[1]
    steps = np.zeros(units, np.int64)
    if bias is not None:
        steps = np.rint(bias.astype(np.float64) / (state.s * q.s)).astype(np.int64)
    return (
        offset,
        factors(site, site.input(0).qp, site.input(1).qp, len(weights), state.s),
        np.clip(steps, -(2**31) + 1, 2**31 - 1),
        factors(site, state, q, 1, y.qp.s),
    )


def bounds(site: Site) -> Clamp:
    """The clamp of the output. TensorFlow Lite leaves a fused ReLU to the output's parameters."""
    assert isinstance(site.op, Svdf)
    return site.op.clamp if site.numerics is Numerics.FAST else NO_CLAMP


def lower_ref(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_svdf_ref`."""
    op, y = site.op, site.outputs[0]
    assert isinstance(op, Svdf)
    bias, first, steps, last = integers(site)
    weights, _ = time_weights(site)
    filters, depth = site.const(1).shape
    qmin, qmax = output_range(y.qp, bounds(site))
    initial = site.const_or_none(4)
    return {
        "batch": y.shape[0],
        "in_c": depth,
        "filters": filters,
        "memory": weights.shape[1],
        "rank": op.rank,
        "weights": site.const(1),
        "feature_bias": bias,
        "mantissa": first.mantissa,
        "shift": first.shift.astype(np.int8),
        "state_zero_point": site.outputs[1].qp.zp,
        "initial": 0 if initial is None else np.ascontiguousarray(np.broadcast_to(initial, site.outputs[1].shape)),
        "time": weights.astype(np.int16),
        "bias": steps.astype(np.int32),
        "out_mantissa": int(last.mantissa[0]),
        "out_shift": int(last.shift[0]),
        "zero_point": y.qp.zp,
        "qmin": qmin,
        "qmax": qmax,
    }


def _row(name: str, dtype: DType) -> Kernel:
    def fits(site: Site) -> bool:
        """Its weights are symmetric, and its state has the kernel's type"""
        return site.outputs[1].dtype is dtype and not any(site.input(1).qp.zero_point)

    return Kernel(
        name,
        ("ref/svdf.c",),
        "eq/svdf.h",
        "eq_svdf_params",
        lower_ref,
        elements=TYPES,
        fits=fits,
        rounded=True,
        variadic="inputs",
    )


def lower_real(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_svdf_float32_ref`."""
    op, time, bias, initial = site.op, site.const(2), site.const_or_none(3), site.const_or_none(4)
    assert isinstance(op, Svdf)
    low, high = real_bounds(op.clamp)
    return {
        "batch": site.outputs[0].shape[0],
        "in_c": site.input(0).shape[1],
        "filters": time.shape[0],
        "memory": time.shape[1],
        "rank": op.rank,
        **matrix(site, "weights", 1),
        "initial": 0 if initial is None else np.ravel(np.broadcast_to(initial, site.outputs[1].shape)),
        "time": np.ravel(time),
        "bias": 0 if bias is None else np.ravel(bias),
        "low": low,
        "high": high,
    }


REAL_ROW = Kernel(
    "eq_svdf_float32_ref",
    ("ref/svdf_float32.c", *PRODUCTS),
    "eq/svdf_float32.h",
    "eq_svdf_float32_params",
    lower_real,
    elements=REAL,
    weights=MATRICES,
    fits=are_products,
    scratch=lambda site: matrix_scratch(site, len(site.const(2))),
    variadic="inputs",
)


@dataclass(frozen=True)
class Svdf(Op):
    """Features of the input, and a filter of each over time; units are sums of `rank` filters.

    Nakkiran, Alvarez, Prabhavalkar, Parada: "Compressing Deep Neural Networks using a Rank-Constrained Topology", 2015.
    Inputs: x (batch, inputs), feature weights (filters, inputs), weights over time (filters, memory), bias (units) or
    absent, the features of the last steps (batch or 1, filters · memory), those of a filter one after the other, the
    latest last. Outputs: y (batch, units), the features after this step.

    Attributes:
        rank: filters in a unit.
        clamp: bounds of a fused activation.
        fine_state: whether features are 16-bit integers, not 8-bit ones.
        time_scale: of the integers that the weights over time stand for; 0: one that suits them.
        dynamic: real inputs are multiplied as integers, with a scale of their own; feature weights are integers, too.
    """

    rank: int = 1
    clamp: Clamp = NO_CLAMP
    fine_state: bool = True
    time_scale: float = 0.0
    dynamic: bool = False

    kernels: ClassVar = (_row("eq_svdf_ref", DType.INT16), _row("eq_svdf_bytes_ref", DType.INT8), REAL_ROW)

    declines: ClassVar[frozenset[Trait]] = frozenset(TRAITS)

    def out_shapes(self, shapes: Shapes) -> tuple[Shape, ...]:
        x, w, time, bias, state = complete(shapes, 5)
        if x is None or w is None or time is None or len(x) != 2 or len(w) != 2 or len(time) != 2:
            raise ValueError(
                f"an SVDF needs an input (batch, inputs) and weights (filters, …), not {x}, {w} and {time}"
            )
        filters = w[0]
        if self.rank < 1 or filters % self.rank:
            raise ValueError(f"{filters} filters do not make up units of rank {self.rank}")
        check_rows("feature weights", w, filters, x[1])
        check_rows("weights over time", time, filters, time[1])
        check_vector("a bias", bias, filters // self.rank)
        if state not in ((x[0], filters * time[1]), (1, filters * time[1])):
            raise ValueError(f"a state of shape {state} does not fit {filters} filters over {time[1]} steps")
        return (x[0], filters // self.rank), (x[0], filters * time[1])

    def batched(self, shapes: Shapes, count: int) -> Op | None:
        return self

    def run_float(self, inputs: Arrays) -> tuple[Array, ...]:
        x, w, time, bias, state = complete(inputs, 5)
        assert x is not None and w is not None and time is not None and state is not None
        batch, (filters, memory) = len(x), time.shape
        old = np.broadcast_to(state, (batch, filters * memory)).reshape(batch, filters, memory)
        new = np.concatenate([old[:, :, 1:], product(x, w)[:, :, None]], axis=2).astype(np.float32)
        y = (new.astype(np.float64) * time).reshape(batch, filters // self.rank, -1).sum(axis=2)
        y = y if bias is None else y + bias
        return clamp_float(y.astype(np.float32), self.clamp), new.reshape(batch, -1)

    @np.errstate(all="ignore")
    def run_float32(self, site: Site, inputs: Arrays) -> tuple[Array, ...]:
        """Products of a filter over time are added one after the other, then filters to their unit's bias."""
        x, _, time, bias, state = complete(inputs, 5)
        assert x is not None and time is not None and state is not None
        batch, (filters, memory) = len(x), time.shape
        old = np.broadcast_to(state, (batch, filters * memory)).reshape(batch, filters, memory)
        new = np.concatenate([old[:, :, 1:], float32.number(matrix_sums(site, 1, x))[:, :, None]], axis=2)
        sums = np.zeros((batch, filters), np.float32)
        for k in range(memory):
            sums = sums + new[:, :, k] * time[:, k]
        y = np.broadcast_to(np.float32(0.0) if bias is None else bias, (batch, filters // self.rank))
        for k in range(self.rank):
            y = y + sums[:, k :: self.rank]
        return float32.within(y, *real_bounds(self.clamp)), new.reshape(batch, -1)

    def run_int(self, site: Site, inputs: Arrays) -> tuple[Array, ...]:
        x, state = inputs[0], inputs[4]
        assert x is not None and state is not None
        bias, first, steps, last = integers(site)
        time, _ = time_weights(site)
        batch, (filters, memory), kept = len(x), time.shape, site.outputs[1]
        made = multiply(x.astype(np.int64) @ centred(site, 1).T + bias, first, site.rounding) + kept.qp.zp
        made = np.clip(made, *kept.dtype.range)
        old = np.broadcast_to(state, (batch, filters * memory)).reshape(batch, filters, memory).astype(np.int64)
        new = np.concatenate([old[:, :, 1:], made[:, :, None]], axis=2)
        sums = ((new - kept.qp.zp) * time).reshape(batch, filters // self.rank, -1).sum(axis=2)
        y = finish(site, sums, last, bounds(site), steps)
        return y, new.reshape(batch, -1).astype(kept.dtype.numpy)

    def accumulator_bound(self, site: Site) -> int | None:
        if site.is_float:
            return None
        bias, _, steps, _ = integers(site)
        time, _ = time_weights(site)
        most = 2 ** (site.outputs[1].dtype.bits - 1) + abs(site.outputs[1].qp.zp)
        over_time = np.abs(steps) + most * np.abs(time).reshape(len(steps), -1).sum(axis=1)
        return int(max(reach(centred(site, 1), bias).max(), over_time.max()))

    def quant_rule(self, shapes: Shapes) -> QuantRule:
        roles = (ACTIVATION, Weight(0), Real(), Real(), State(output=1))
        return QuantRule(roles=roles, fine=frozenset({1}) if self.fine_state else frozenset())

    def macs(self, site: Site) -> int:
        return site.outputs[0].shape[0] * (site.input(1).size + site.input(2).size)

    @classmethod
    def samples(cls) -> tuple[Sample, ...]:
        def case(
            name: str,
            op: Svdf,
            batch: int,
            depth: int,
            filters: int,
            memory: int,
            bias: bool = True,
            still: bool = False,
        ) -> Sample:
            shapes = (
                (batch, depth),
                (filters, depth),
                (filters, memory),
                (filters // op.rank,) if bias else None,
                (1 if still else batch, filters * memory),
            )
            const = tuple(k for k in (1, 2, 3, 4) if shapes[k] is not None and (k < 4 or still))
            return Sample(name, op, shapes, const=const, low=-1.0, high=1.0)

        relu = (0.0, float("inf"))
        real = case("real", cls(rank=2, clamp=relu), 2, 21, 8, 4)
        return (
            *in_floats(
                [real, case("still", cls(), 1, 3, 5, 1, bias=False, still=True)],
                real,
                cls(rank=2, clamp=relu, dynamic=True),
            ),
            case("alone", cls(), 1, 9, 6, 5),
            case("rank", cls(rank=2, clamp=relu), 2, 7, 8, 4),
            case("bytes", cls(clamp=relu, fine_state=False), 1, 12, 5, 8),
            case("bytes_rank", cls(rank=3, fine_state=False), 2, 2, 6, 3, bias=False),
            case("one", cls(), 1, 1, 1, 1, still=True),
            case("words", cls(clamp=(0.0, 6.0)), 1, 16, 8, 8),
        )
