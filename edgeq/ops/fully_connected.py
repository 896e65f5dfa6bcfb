"""Fully connected layer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from edgeq.ir.condition import Predicate, all_of, parts_of
from edgeq.ir.kernel import INT8, Kernel, Param
from edgeq.ir.op import IMAGE_ROWS, Arrays, Op, Rows, Sample, Shapes, Stripe, apart_from
from edgeq.ir.quant_rule import QuantRule, weighted
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array, DType, Shape
from edgeq.ir.traits import Commuted, Linear, Perm, Trait
from edgeq.numerics import float32
from edgeq.numerics.exact import activations, rounded_product, weights
from edgeq.numerics.fixedpoint import INT32_MAX, Multiplier, Numerics, Rounding
from edgeq.numerics.trellis import TABLE, codes_of
from edgeq.ops._int16 import as_int16, weighted_rows
from edgeq.ops._linear import LinearOp, Sums, factors_of
from edgeq.ops._overlap import Overlaps, in_rows, in_tiles
from edgeq.ops._packed import PACKED, SYMMETRIC, pack, packed_row, stored_weights
from edgeq.ops._real import LANES, REAL, REALS, finish_params, finished, in_fours, third
from edgeq.ops._requant import (
    NO_CLAMP,
    Clamp,
    effective_multiplier,
    folded_bias,
    requant_params,
    weight_params,
)
from edgeq.ops._stored import (
    AT_ONCE,
    PIXELS,
    STORED,
    dynamic_sums,
    is_dynamic,
    is_plain,
    lower_stored,
    widened_bytes,
)
from edgeq.ops._window import check_bias


def multiplier(site: Site) -> Multiplier:
    """One factor per output channel. TensorFlow Lite Micro multiplies two single scales in float32, LiteRT does not."""
    channels, single = site.outputs[0].shape[-1], site.numerics is Numerics.TFLM
    return effective_multiplier(site, channels, single_precision=single)


def lower_ref(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_fully_connected_ref`: weights as they are, (OC, K)."""
    op, y, w = site.op, site.outputs[0], site.const(1)
    assert isinstance(op, FullyConnected)
    return {
        "rows": y.size // w.shape[0],
        "in_c": w.shape[1],
        "out_c": w.shape[0],
        **weight_params(site, w.shape[0]),
        "bias": folded_bias(site, factors_of(site, 0), w.shape[0]),
        **requant_params(site, multiplier(site), op.clamp),
    }


def lower_grouped(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_fully_connected_grouped_ref`."""
    w, groups = site.const(1), site.input(1).qp.groups
    assert groups is not None
    members = {key: value for key, value in lower_ref(site).items() if key != "weight_zero_point"}
    factors = groups.table(len(w)).astype(np.uint8)
    return {**members, **stored_weights(site), "group": groups.size, "factors": factors}


def lower_real(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_fully_connected_float32_ref`."""
    assert isinstance(site.op, FullyConnected)
    w = site.const(1)
    return {
        "rows": site.outputs[0].size // w.shape[0],
        "in_c": w.shape[1],
        "out_c": w.shape[0],
        "weights": in_fours(w[None]),
        **finish_params(site),
    }


def _rows(site: Site) -> int:
    return site.outputs[0].size // site.input(1).shape[0]


def scratch_stored(site: Site) -> int:
    """Weights of four channels, all where several rows need them."""
    return widened_bytes(site.input(1).shape[1] if _rows(site) > 1 else AT_ONCE)


def lower_real_stored(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_fully_connected_stored_ref` and `eq_fully_connected_dynamic_ref`."""
    return {**lower_stored(lower_real, 0)(site), "at_once": min(_rows(site), PIXELS)}


def _sums(site: Site) -> Sums:
    assert isinstance(site.op, FullyConnected)
    return Sums.of(site, 0, multiplier(site), site.op.clamp)


def overlap(site: Site) -> Overlaps:
    """Rows in order, and their channels one by one, each of which reads the whole row."""
    return in_rows(site, site.outputs[0].shape[-1] - 1)


def overlap_dynamic(site: Site) -> Overlaps:
    """Rows in order, each of which is read before its results are written."""
    return in_rows(site, 0)


def overlap_real(site: Site) -> Overlaps:
    """Rows in order, and their channels four by four, each of which reads the whole row."""
    return in_rows(site, (site.outputs[0].shape[-1] - 1) // LANES * LANES)


def overlap_stored(site: Site) -> Overlaps:
    """Some rows in order, and their channels four by four."""
    channels = site.outputs[0].shape[-1]
    rows = np.arange(_rows(site), dtype=np.int64)[None]
    return in_tiles(site, rows, PIXELS, [((channels - 1) // LANES * LANES, 0)])


PORTABLE = Kernel(
    "eq_fully_connected_ref",
    ("ref/fully_connected.c",),
    "eq/fully_connected.h",
    "eq_fully_connected_params",
    lower_ref,
    overlap=overlap,
    rounded=True,
)


def has_zeros(site: Site) -> bool:
    """Groups of weights have zero-points."""
    groups = site.input(1).qp.groups
    return groups is not None and any(groups.zeros)


def _has_short_groups(site: Site) -> bool:
    """Sums of groups fit 32 bits before their zero-points are taken out"""
    groups, (low, _) = site.input(1).qp.groups, site.input(1).dtype.range
    return groups is not None and 2 * low * site.input(0).dtype.range[0] * groups.size <= INT32_MAX


GROUPED = Kernel(
    "eq_fully_connected_grouped_ref",
    ("ref/fully_connected_grouped.c",),
    "eq/fully_connected_grouped.h",
    "eq_fully_connected_grouped_params",
    lower_grouped,
    overlap=overlap,
    rounded=True,
    weights=INT8 | PACKED,
    fits=SYMMETRIC,
    groups=True,
)


def lower_trellis(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_fully_connected_trellis_ref`."""
    members = {key: value for key, value in lower_ref(site).items() if key != "weight_zero_point"}
    return {**members, "weights": pack(codes_of(site.const(1)), DType.TRELLIS.bits), "table": TABLE}


TRELLIS = Kernel(
    "eq_fully_connected_trellis_ref",
    ("ref/fully_connected_trellis.c",),
    "eq/fully_connected_trellis.h",
    "eq_fully_connected_trellis_params",
    lower_trellis,
    overlap=overlap,
    rounded=True,
    weights=frozenset({DType.TRELLIS}),
    fits=SYMMETRIC,
)


def groups_of(site: Site) -> int:
    """How many groups the weights of a channel have."""
    groups, depth = site.input(1).qp.groups, site.input(1).shape[1]
    assert groups is not None
    return -(-depth // groups.size)


def _with_zeros(row: Kernel, *fits: Predicate) -> Kernel:
    """The row of a kernel of groups that takes zero-points of them, too."""

    def lower(site: Site) -> Mapping[str, Param]:
        groups = site.input(1).qp.groups
        assert groups is not None
        zeros = groups.zeros_table(site.input(1).shape[0]).astype(np.int8)
        return {**{f"layer.{key}": value for key, value in row.lower(site).items()}, "zeros": zeros}

    return replace(
        row,
        function=row.function.replace("grouped", "grouped_zeros"),
        struct=row.struct.replace("grouped", "grouped_zeros"),
        lower=lower,
        weights=frozenset({DType.INT8, DType.INT4, DType.INT3, DType.INT2}),
        fits=all_of(has_zeros, *(part for part in parts_of(row.fits) if part is not SYMMETRIC), *fits),
        scratch=lambda site: 4 * groups_of(site),
    )


def _grouped() -> tuple[Kernel, ...]:
    """The rows of groups: of int8 and of int16 activations, with zero-points and without."""
    narrow, wide = weighted_rows(GROUPED)
    short = _with_zeros(narrow, _has_short_groups)
    return GROUPED, narrow, wide, _with_zeros(GROUPED), short, _with_zeros(wide)


DYNAMIC = Kernel(
    "eq_fully_connected_dynamic_ref",
    ("ref/fully_connected_stored.c", "ref/stored.c"),
    "eq/fully_connected_stored.h",
    "eq_fully_connected_stored_params",
    lower_real_stored,
    elements=REAL,
    weights=STORED - {DType.FLOAT16},
    fits=is_dynamic,
    scratch=lambda site: site.input(1).shape[1],
    overlap=overlap_dynamic,
)


@dataclass(frozen=True)
class FullyConnected(LinearOp):
    """Inputs: x (…, K), weights (OC, K), bias (OC) or absent. Output: (…, OC).

    Attributes:
        clamp: bounds of a fused activation.
        dynamic: real rows are multiplied as integers, each with a scale of its own; the weights are integers, too.
    """

    clamp: Clamp = NO_CLAMP
    dynamic: bool = False

    kernels: ClassVar = (
        PORTABLE,
        packed_row(PORTABLE),
        TRELLIS,
        *weighted_rows(PORTABLE),
        *_grouped(),
        Kernel(
            "eq_fully_connected_float32_ref",
            ("ref/fully_connected_float32.c",),
            "eq/fully_connected_float32.h",
            "eq_fully_connected_float32_params",
            lower_real,
            elements=REAL,
            weights=REAL,
            overlap=overlap_real,
        ),
        Kernel(
            "eq_fully_connected_stored_ref",
            ("ref/fully_connected_stored.c", "ref/stored.c"),
            "eq/fully_connected_stored.h",
            "eq_fully_connected_stored_params",
            lower_real_stored,
            elements=REAL,
            weights=STORED,
            fits=is_plain,
            scratch=scratch_stored,
            overlap=overlap_stored,
        ),
        DYNAMIC,
    )

    declines: ClassVar[frozenset[Trait]] = LinearOp.declines - {"commute"} | {"with_padding"}

    def out_shapes(self, shapes: Shapes) -> tuple[Shape, ...]:
        x, w = shapes[0], shapes[1]
        if x is None or w is None or not x or len(w) != 2:
            raise ValueError(f"a fully connected layer needs an input (…, K) and weights (OC, K), not {x} and {w}")
        if x[-1] != w[1]:
            raise ValueError(f"{x[-1]} input features do not fit weights {w}")
        check_bias(shapes[2] if len(shapes) > 2 else None, w[0])
        return ((*x[:-1], w[0]),)

    def stripe(self, shapes: Shapes, rows: Rows, axis: int = IMAGE_ROWS) -> Stripe | None:
        return apart_from(self, len(shapes[0] or ()) - 1, shapes, rows, axis)

    def batched(self, shapes: Shapes, count: int) -> Op | None:
        return self

    def run_float(self, inputs: Arrays) -> tuple[Array, ...]:
        x, w = inputs[0], inputs[1]
        assert x is not None and w is not None
        depth = w.shape[1]
        bias = inputs[2] if len(inputs) > 2 else None
        y = rounded_product(activations(x.reshape(-1, depth), depth, (1,)), weights(w, depth, (1,)).T, bias, self.clamp)
        return (y.reshape(*x.shape[:-1], len(w)),)

    def run_float32(self, site: Site, inputs: Arrays) -> tuple[Array, ...]:
        """Products are added in the order of the input's elements; then the bias."""
        x, w = inputs[0], site.const(1)
        assert x is not None
        rows = x.reshape(-1, w.shape[1])
        sums = dynamic_sums(rows, w, site.input(1)) if self.dynamic else float32.products(rows, w.T)
        return (finished(sums.reshape(*x.shape[:-1], len(w)), third(inputs), self.clamp),)

    def run_int(self, site: Site, inputs: Arrays) -> tuple[Array, ...]:
        x, w = inputs[0], site.const(1)
        assert x is not None
        sums = site.once(_sums)
        y = sums.of_rows(x.reshape(1, -1, w.shape[1]), sums.weights[None])
        return (y.reshape(*x.shape[:-1], w.shape[0]),)

    def sums(self, inputs: Arrays) -> Mapping[int, Array]:
        return {2: replace(self, clamp=NO_CLAMP).run_float(inputs)[0]}

    def factors(self, x: Array, weights: Shape) -> Array | None:
        return x.reshape(1, -1, weights[1])

    def by_group(self, weights: Array) -> Array:
        return weights[None]

    def from_groups(self, rows: Array, shape: Shape) -> Array:
        return rows.reshape(shape)

    def quant_rule(self, shapes: Shapes) -> QuantRule:
        return weighted(0)

    def macs(self, site: Site) -> int:
        return site.outputs[0].size * site.input(1).shape[1]

    def rounding(self, numerics: Numerics) -> Rounding:
        return Rounding.SINGLE if numerics is Numerics.TFLITE else super().rounding(numerics)

    def rounding16(self, numerics: Numerics) -> Rounding:
        return Rounding.REDUCED if numerics is Numerics.TFLM else Rounding.WIDE

    @property
    def linear(self) -> Linear | None:
        return Linear(0, 1, 1, complete=True)

    @property
    def fused_clamp(self) -> Clamp | None:
        return self.clamp

    def with_clamp(self, clamp: Clamp) -> FullyConnected:
        return replace(self, clamp=clamp)

    def commute(self, perm: Perm) -> Commuted | None:
        return Commuted(self, perm) if perm[-1] == len(perm) - 1 else None

    @staticmethod
    def _real(name: str, op: FullyConnected, depth: int = 37, rows: int = 3) -> Sample:
        """A test case with real elements."""
        return Sample(name, op, ((rows, depth), (5, depth), (5,)), const=(1, 2), elements=REALS)

    @classmethod
    def samples(cls) -> tuple[Sample, ...]:
        def case(name: str, op: FullyConnected, x: Shape, oc: int, bias: bool = True) -> Sample:
            return Sample(name, op, (x, (oc, x[-1]), (oc,) if bias else None), const=(1, 2) if bias else (1,))

        relu = (0.0, float("inf"))
        return (
            case("plain", cls(), (1, 33), 10),
            case("relu", cls(clamp=relu), (1, 64), 17),
            case("relu6", cls(clamp=(0.0, 6.0)), (1, 7), 5),
            case("no_bias", cls(clamp=(-1.0, 1.0)), (1, 15), 3, bias=False),
            case("batch", cls(), (2, 31), 4),
            case("batch_widening", cls(), (3, 2), 9),
            case("three_d", cls(), (2, 3, 13), 6),
            case("one_by_one", cls(), (1, 1), 1),
            case("one_channel", cls(clamp=relu), (1, 130), 1),
            case("vector", cls(), (12,), 8),
            case("wide_k", cls(), (1, 1030), 2),
            case("large_sums", cls(), (1, 2800), 4),
            case("even", cls(clamp=relu), (1, 96), 12),
            case("two_rows", cls(clamp=relu), (2, 44), 7),
            case("many_rows", cls(clamp=relu), (11, 18), 6),
            replace(case("int4", cls(clamp=relu), (2, 37), 6), weights=DType.INT4),
            replace(case("int4_row", cls(), (1, 94), 11), weights=DType.INT4),
            replace(case("int4_short_sums", cls(), (1, 8), 130), weights=DType.INT4),
            replace(case("int4_few", cls(), (1, 3), 2), weights=DType.INT4),
            replace(case("int3", cls(), (1, 20), 7), weights=DType.INT3),
            replace(case("int2", cls(), (1, 13), 3, bias=False), weights=DType.INT2),
            replace(case("ternary", cls(), (1, 9), 2), weights=DType.TERNARY),
            replace(case("binary", cls(), (2, 19), 3), weights=DType.BINARY),
            replace(case("int2_row", cls(clamp=relu), (1, 115), 9), weights=DType.INT2),
            replace(case("int2_rows", cls(), (5, 30), 6), weights=DType.INT2),
            replace(case("ternary_row", cls(), (1, 60), 7), weights=DType.TERNARY),
            replace(case("ternary_rows", cls(), (3, 9), 5), weights=DType.TERNARY),
            replace(case("binary_row", cls(), (1, 83), 13), weights=DType.BINARY),
            as_int16(replace(case("ternary", cls(), (1, 21), 3), weights=DType.TERNARY)),
            replace(case("codebook", cls(), (2, 21), 5), weights=DType.CODE4),
            replace(case("codebook_4", cls(), (1, 13), 3), weights=DType.CODE2),
            replace(case("trellis", cls(clamp=relu), (2, 23), 5), weights=DType.TRELLIS),
            replace(case("trellis_row", cls(), (1, 34), 3, bias=False), weights=DType.TRELLIS),
            replace(case("trellis_short", cls(), (1, 1), 1), weights=DType.TRELLIS),
            replace(case("groups", cls(clamp=relu), (2, 71), 6), weights=DType.INT4, group=32),
            replace(case("groups_int2", cls(), (1, 83), 7), weights=DType.INT2, group=32),
            replace(case("groups_ternary", cls(clamp=relu), (2, 40), 4), weights=DType.TERNARY, group=8),
            replace(case("groups_binary", cls(), (1, 70), 5), weights=DType.BINARY, group=64),
            replace(case("groups_binary_many", cls(clamp=relu), (2, 50), 101), weights=DType.BINARY, group=16),
            replace(case("groups_of_bytes", cls(), (1, 64), 5, bias=False), group=16),
            replace(case("groups_many", cls(), (1, 39), 103), weights=DType.INT4, group=16),
            replace(case("groups_odd", cls(), (2, 38), 9), weights=DType.INT4, group=13),
            replace(case("groups_of_many_bytes", cls(clamp=relu), (1, 81), 99), group=32),
            as_int16(replace(case("groups", cls(), (2, 70), 3), group=32)),
            as_int16(replace(case("groups_of_trits", cls(), (1, 9), 2), weights=DType.TERNARY, group=4)),
            replace(case("zeros", cls(clamp=relu), (2, 71), 6), weights=DType.INT4, group=32, zeros=True),
            replace(case("zeros_int3", cls(), (1, 50), 5), weights=DType.INT3, group=16, zeros=True),
            replace(case("zeros_int2", cls(), (1, 83), 7, bias=False), weights=DType.INT2, group=32, zeros=True),
            replace(case("zeros_many", cls(), (1, 39), 103), weights=DType.INT4, group=16, zeros=True),
            replace(case("zeros_of_channels", cls(), (2, 21), 5), weights=DType.INT4, group=24, zeros=True),
            as_int16(replace(case("zeros", cls(), (2, 70), 3), weights=DType.INT4, group=32, zeros=True)),
            as_int16(replace(case("zeros_of_many", cls(), (1, 300), 2), group=256, zeros=True)),
            as_int16(case("two_rows", cls(clamp=relu), (2, 44), 7)),
            as_int16(case("many", cls(), (1, 16), 103)),
            as_int16(case("large_sums", cls(), (1, 3000), 2, bias=False)),
            as_int16(replace(case("int3", cls(), (1, 20), 5), weights=DType.INT3)),
            Sample(
                "real", cls((0.0, 6.0)), ((3, 11), (5, 11), (5,)), const=(1, 2), elements=REALS, weights=DType.FLOAT32
            ),
            *(
                replace(cls._real(f"stored_{dtype.value}", cls()), weights=dtype)
                for dtype in (DType.FLOAT16, DType.INT8, DType.INT4, DType.TERNARY, DType.BINARY)
            ),
            replace(cls._real("stored_rows", cls(), 7, 35), weights=DType.INT8),
            *(
                replace(cls._real(f"stored_row_{dtype.value}", cls(), depth, 1), weights=dtype)
                for dtype, depth in ((DType.INT8, 18), (DType.FLOAT16, 19), (DType.INT4, 18), (DType.INT2, 20))
            ),
            replace(cls._real("dynamic", cls((0.0, 6.0), True)), weights=DType.INT8),
            replace(cls._real("dynamic_short", cls(dynamic=True), 10), weights=DType.INT8),
            replace(cls._real("dynamic_int4", cls(dynamic=True), 9), weights=DType.INT4),
            Sample("real_no_bias", cls(), ((2, 2, 7), (9, 7), None), const=(1,), elements=REALS, weights=DType.FLOAT32),
        )
