"""Resizing images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import numpy.typing as npt

from edgeq.ir.kernel import INT16, Kernel, Param
from edgeq.ir.op import Arrays, Op, Sample, Shapes
from edgeq.ir.quant_rule import QuantRule, Scale
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array, Shape
from edgeq.ir.traits import Affine, Monotone, Tie, Trait
from edgeq.numerics import float32
from edgeq.numerics.fixedpoint import Ints, Numerics
from edgeq.ops._broadcast import require_same_scale
from edgeq.ops._int16 import INTS16
from edgeq.ops._interpolation import (
    FAST_BITS,
    LITERT_BITS,
    Coordinates,
    Line,
    RealLine,
    Rounding,
    interpolate,
    interpolate_real,
    line,
    line_fast,
    line_legacy,
    line_litert,
    line_real,
    nearest,
    nearest_litert,
)
from edgeq.ops._overlap import Overlaps, indices, of_elements
from edgeq.ops._real import REAL, REALS
from edgeq.ops._window import Pair

Mode = Literal["nearest", "bilinear"]
FLOAT_BITS = 24
"""Of a float32 number's significand."""
MAX_SIZE = 32767
"""The most rows and columns that the 16-bit entries of the tables can index."""


def legacy_lines(site: Site) -> tuple[RealLine, RealLine]:
    """Interpolation of rows and of columns of a uint8 model."""
    op, x = site.op, site.input(0).shape
    assert isinstance(op, Resize)
    return line_legacy(x[1], op.size[0], op.coordinates), line_legacy(x[2], op.size[1], op.coordinates)


def is_legacy(site: Site) -> bool:
    """The site interpolates as LiteRT does with uint8."""
    assert isinstance(site.op, Resize)
    return site.op.legacy and litert_arithmetic(site)


def whole_bits(site: Site) -> int | None:
    """Fraction bits with which integers compute exactly what LiteRT does with uint8; None: float32 is needed.

    It is exact while no product of an element and two weights has more bits than a float32 number.
    """
    rows, columns = (line.bits for line in legacy_lines(site))
    bits = max(rows, columns, 1)  # kernels round at one bit less than twice as many
    return bits if bits <= FAST_BITS and rows + columns <= FLOAT_BITS - 8 else None


def needs_float(site: Site) -> bool:
    """The site is bilinear and interpolates in float32."""
    assert isinstance(site.op, Resize)
    return site.op.mode == "bilinear" and is_legacy(site) and whole_bits(site) is None


def is_nearest(site: Site) -> bool:
    """The site takes the nearest element."""
    return isinstance(site.op, Resize) and site.op.mode == "nearest"


def is_bilinear(site: Site) -> bool:
    """The site interpolates."""
    return isinstance(site.op, Resize) and site.op.mode == "bilinear"


def needs_integers(site: Site) -> bool:
    """The site is bilinear and interpolates in integers."""
    return isinstance(site.op, Resize) and site.op.mode == "bilinear" and not needs_float(site)


def litert_arithmetic(site: Site) -> bool:
    """The site interpolates as LiteRT does."""
    assert isinstance(site.op, Resize)
    return site.numerics is not Numerics.FAST and site.op.coordinates != "pytorch_half_pixel"


def integer_lines(site: Site) -> tuple[Line, Line]:
    """Interpolation of rows and of columns in integers."""
    op, x = site.op, site.input(0).shape
    assert isinstance(op, Resize)
    if is_legacy(site):
        unit = 1 << (whole_bits(site) or 0)
        rows, columns = (
            # Where both neighbours are one element, its weights need not be between 0 and 1.
            Line(r.lower, r.upper, np.where(r.lower == r.upper, 0, (r.weight * unit).astype(np.int64)), unit)
            for r in legacy_lines(site)
        )
        return rows, columns
    make = line_litert if litert_arithmetic(site) else line_fast
    return make(x[1], op.size[0], op.coordinates), make(x[2], op.size[1], op.coordinates)


def integer_indices(site: Site) -> tuple[Ints, Ints]:
    """Rows and columns of the nearest elements."""
    op, x = site.op, site.input(0).shape
    assert isinstance(op, Resize)
    find = nearest if site.numerics is Numerics.FAST else nearest_litert
    return (
        find(x[1], op.size[0], op.coordinates, op.nearest_rounding),
        find(x[2], op.size[1], op.coordinates, op.nearest_rounding),
    )


def image_params(site: Site) -> Mapping[str, Param]:
    """The members that all kernels share."""
    x, y = site.input(0).shape, site.outputs[0].shape
    return {"batch": x[0], "in_h": x[1], "in_w": x[2], "out_h": y[1], "out_w": y[2], "channels": x[3]}


def lower_nearest(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_resize_nearest_ref`."""
    require_same_scale(site, site.input(0).qp)
    rows, columns = integer_indices(site)
    return {**image_params(site), "rows": rows.astype(np.int16), "columns": columns.astype(np.int16)}


def lower_bilinear(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_resize_bilinear_ref`."""
    require_same_scale(site, site.input(0).qp)
    params: dict[str, Param] = dict(image_params(site))
    for name, interpolation in zip(("row", "column"), integer_lines(site), strict=True):
        for part in ("lower", "upper", "weight"):
            params[f"{name}_{part}"] = getattr(interpolation, part).astype(np.int16)
    params["bits"] = weight_bits(site)
    params["away"] = int(away_from_zero(site))
    return params


def weight_bits(site: Site) -> int:
    """Fraction bits of the weights in integers."""
    if is_legacy(site):
        return whole_bits(site) or 0
    return LITERT_BITS if litert_arithmetic(site) else FAST_BITS


def away_from_zero(site: Site) -> bool:
    """How halves are rounded in integers; else up. The integers of uint8 models are positive in LiteRT."""
    return litert_arithmetic(site) and not is_legacy(site)


def line_params(lines: tuple[RealLine, RealLine]) -> Mapping[str, Param]:
    """The members of interpolation in float32."""
    params: dict[str, Param] = {}
    for name, real in zip(("row", "column"), lines, strict=True):
        params[f"{name}_lower"], params[f"{name}_upper"] = real.lower.astype(np.int16), real.upper.astype(np.int16)
        params[f"{name}_weight"], params[f"{name}_rest"] = real.weight, real.rest
    return params


def lower_legacy(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_resize_bilinear_legacy_ref`."""
    require_same_scale(site, site.input(0).qp)
    return {**image_params(site), **line_params(legacy_lines(site))}


def interpolate_legacy(x: Array, rows: RealLine, columns: RealLine) -> Array:
    """The output of a uint8 model's site, as int8, with LiteRT's order of operations; x: int8 (N, H, W, C)."""
    total = interpolate_real(x.astype(np.float32) + np.float32(128), rows, columns)
    return np.asarray((total + np.float32(0.5)).astype(np.int32) - 128).astype(np.int8)


def real_indices(site: Site) -> tuple[Ints, Ints]:
    """Rows and columns of the nearest elements, exactly."""
    op, x = site.op, site.input(0).shape
    assert isinstance(op, Resize)
    return (
        nearest(x[1], op.size[0], op.coordinates, op.nearest_rounding),
        nearest(x[2], op.size[1], op.coordinates, op.nearest_rounding),
    )


def real_lines(site: Site) -> tuple[RealLine, RealLine]:
    """Interpolation of rows and of columns in float32."""
    op, x = site.op, site.input(0).shape
    assert isinstance(op, Resize)
    return line_real(x[1], op.size[0], op.coordinates), line_real(x[2], op.size[1], op.coordinates)


def lower_nearest_real(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_resize_nearest_float32_ref`."""
    rows, columns = real_indices(site)
    return {**image_params(site), "rows": rows.astype(np.int16), "columns": columns.astype(np.int16)}


def lower_bilinear_real(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_resize_bilinear_float32_ref`."""
    return {**image_params(site), **line_params(real_lines(site))}


def overlap_nearest_real(site: Site) -> Overlaps:
    """One element after another."""
    rows, columns = real_indices(site)
    return of_elements(site, [indices(site.input(0).shape).take(rows, 1).take(columns, 2)])


def overlap_bilinear_real(site: Site) -> Overlaps:
    """One element after another; of the four that it needs, the upper left one comes first."""
    rows, columns = real_lines(site)
    return of_elements(site, [indices(site.input(0).shape).take(rows.lower, 1).take(columns.lower, 2)])


def overlap_nearest(site: Site) -> Overlaps:
    """One element after another."""
    rows, columns = integer_indices(site)
    return of_elements(site, [indices(site.input(0).shape).take(rows, 1).take(columns, 2)])


def overlap_bilinear(site: Site) -> Overlaps:
    """One element after another; of the four that it needs, the upper left one comes first."""
    rows, columns = legacy_lines(site) if is_legacy(site) else integer_lines(site)
    return of_elements(site, [indices(site.input(0).shape).take(rows.lower, 1).take(columns.lower, 2)])


@dataclass(frozen=True)
class Resize(Op):
    """Input: x (N, H, W, C). Output: (N, size[0], size[1], C).

    FAST, bilinear: weights of rows and columns with 11 bits, one 32-bit sum of four products, rounded once, halves up.
    Float32, bilinear: four products with float32 weights, added one after the other; nearest: the index is exact.
    TFLITE and TFLM, bilinear: weights with 10 bits, halves away from zero; in float32 if `legacy`. Nearest: an element
    is copied; the index is exact in FAST, and LiteRT's, which comes from float32, otherwise.

    Attributes:
        size: rows and columns of the output.
        mode: "nearest" or "bilinear".
        coordinates: where an output element lies in the input, as ONNX names it: "half_pixel", "asymmetric",
            "align_corners", "pytorch_half_pixel".
        nearest_rounding: how the mode "nearest" rounds that position: "floor", "ceil", "round_prefer_floor" or
            "round_prefer_ceil".
            TensorFlow Lite's RESIZE_NEAREST_NEIGHBOR is "floor" with "asymmetric", else "round_prefer_ceil".
        legacy: the layer comes from an older, uint8 .tflite.
    """

    size: Pair
    mode: Mode = "nearest"
    coordinates: Coordinates = "half_pixel"
    nearest_rounding: Rounding = "round_prefer_floor"
    legacy: bool = False

    kernels: ClassVar = (
        Kernel(
            "eq_resize_nearest_ref",
            ("ref/resize.c",),
            "eq/resize.h",
            "eq_resize_nearest_params",
            lower_nearest,
            fits=is_nearest,
            overlap=overlap_nearest,
        ),
        Kernel(
            "eq_resize_bilinear_ref",
            ("ref/resize.c",),
            "eq/resize.h",
            "eq_resize_bilinear_params",
            lower_bilinear,
            fits=needs_integers,
            overlap=overlap_bilinear,
        ),
        Kernel(
            "eq_resize_nearest_int16_ref",
            ("ref/resize_int16.c",),
            "eq/resize.h",
            "eq_resize_nearest_params",
            lower_nearest,
            elements=INT16,
            fits=is_nearest,
            overlap=overlap_nearest,
        ),
        Kernel(
            "eq_resize_bilinear_int16_ref",
            ("ref/resize_int16.c",),
            "eq/resize.h",
            "eq_resize_bilinear_params",
            lower_bilinear,
            elements=INT16,
            fits=needs_integers,
            overlap=overlap_bilinear,
        ),
        Kernel(
            "eq_resize_bilinear_legacy_ref",
            ("ref/resize_legacy.c",),
            "eq/resize.h",
            "eq_resize_bilinear_float32_params",
            lower_legacy,
            fits=needs_float,
            overlap=overlap_bilinear,
        ),
        Kernel(
            "eq_resize_nearest_float32_ref",
            ("ref/resize_float32.c",),
            "eq/resize.h",
            "eq_resize_nearest_params",
            lower_nearest_real,
            elements=REAL,
            fits=is_nearest,
            overlap=overlap_nearest_real,
        ),
        Kernel(
            "eq_resize_bilinear_float32_ref",
            ("ref/resize_float32.c",),
            "eq/resize.h",
            "eq_resize_bilinear_float32_params",
            lower_bilinear_real,
            elements=REAL,
            fits=is_bilinear,
            overlap=overlap_bilinear_real,
        ),
    )

    monotone: ClassVar[Monotone] = Monotone.RISING
    declines: ClassVar[frozenset[Trait]] = frozenset(
        {"pattern", "linear", "signs", "fused_clamp", "commute", "with_padding", "parts"}
    )

    def out_shapes(self, shapes: Shapes) -> tuple[Shape, ...]:
        if len(shapes) != 1 or shapes[0] is None or len(shapes[0]) != 4:
            raise ValueError(f"Resize needs one 4-D input, not {', '.join(str(s) for s in shapes)}")
        x = shapes[0]
        if min(self.size) < 1 or max(*self.size, x[1], x[2]) > MAX_SIZE:
            raise ValueError(f"cannot resize {x[1:3]} to {self.size}; sizes from 1 to {MAX_SIZE} are supported")
        known = {
            "mode": (self.mode, ("nearest", "bilinear")),
            "coordinates": (self.coordinates, ("half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel")),
            "nearest_rounding": (self.nearest_rounding, ("floor", "ceil", "round_prefer_floor", "round_prefer_ceil")),
        }
        for name, (value, values) in known.items():
            if value not in values:
                raise ValueError(f"unknown {name} {value!r}; known are {', '.join(values)}")
        return ((x[0], *self.size, x[3]),)

    def batched(self, shapes: Shapes, count: int) -> Op | None:
        return self

    def run_float(self, inputs: Arrays) -> tuple[Array, ...]:
        x = inputs[0]
        assert x is not None
        if self.mode == "nearest":
            rows = nearest(x.shape[1], self.size[0], self.coordinates, self.nearest_rounding)
            columns = nearest(x.shape[2], self.size[1], self.coordinates, self.nearest_rounding)
            return (x.take(rows, 1).take(columns, 2),)
        both = line(x.shape[1], self.size[0], self.coordinates), line(x.shape[2], self.size[1], self.coordinates)
        total = interpolate(x.astype(np.float64), *both)
        return ((total / (both[0].unit * both[1].unit)).astype(np.float32),)

    def run_float32(self, site: Site, inputs: Arrays) -> tuple[Array, ...]:
        x = inputs[0]
        assert x is not None
        if self.mode == "nearest":
            return self.run_float(inputs)
        with np.errstate(all="ignore"):
            return (float32.number(interpolate_real(x, *real_lines(site))),)

    def run_int(self, site: Site, inputs: Arrays) -> tuple[Array, ...]:
        x = inputs[0]
        assert x is not None
        require_same_scale(site, site.input(0).qp)
        if self.mode == "nearest":
            rows, columns = integer_indices(site)
            return (x.take(rows, 1).take(columns, 2),)
        if needs_float(site):
            return (interpolate_legacy(x, *legacy_lines(site)),)
        total: npt.NDArray[np.int64] = interpolate(x.astype(np.int64), *integer_lines(site))
        shift = 2 * weight_bits(site)
        half = (1 << shift) >> 1
        q = (total + half) >> shift
        if away_from_zero(site):
            q = np.where(total > 0, q, -((half - total) >> shift))
        return (q.astype(site.outputs[0].dtype.numpy),)

    def quant_rule(self, shapes: Shapes) -> QuantRule:
        return QuantRule(Scale.SAME)

    @property
    def homogeneous(self) -> bool:
        return True

    def is_copy(self, site: Site) -> bool:
        return site.input(0).shape == site.outputs[0].shape  # whatever the mode

    def tied_channels(self, site: Site) -> tuple[Tie, ...] | None:
        return (Tie.shifted(0, 0, site.outputs[0].shape[3]),)

    def affine(self, site: Site) -> Affine:
        return Affine.ANY

    @classmethod
    def samples(cls) -> tuple[Sample, ...]:
        image = (1, 5, 7, 3)
        ways: tuple[Coordinates, ...] = ("half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel")
        roundings: tuple[Rounding, ...] = ("floor", "ceil", "round_prefer_floor", "round_prefer_ceil")
        return (
            *(Sample(f"bilinear_{w}", cls((9, 4), "bilinear", w), (image,)) for w in ways),
            *(Sample(f"bilinear_one_{w}", cls((1, 1), "bilinear", w), (image,)) for w in ways),
            *(Sample(f"nearest_{w}", cls((9, 4), "nearest", w, "floor"), (image,)) for w in ways),
            *(Sample(f"nearest_{r}", cls((10, 7), "nearest", "half_pixel", r), (image,)) for r in roundings),
            Sample("nearest_twice", cls((10, 14), "nearest", "asymmetric", "floor"), (image,)),
            Sample("nearest_corners", cls((3, 13), "nearest", "align_corners", "round_prefer_ceil"), (image,)),
            Sample("real_nearest", cls((9, 4), "nearest", "half_pixel"), (image,), elements=REALS),
            *(Sample(f"real_bilinear_{w}", cls((9, 4), "bilinear", w), (image,), elements=REALS) for w in ways),
            Sample("int16_nearest", cls((9, 4), "nearest", "asymmetric", "floor"), (image,), elements=INTS16),
            Sample("int16_bilinear", cls((9, 4), "bilinear"), ((2, 5, 7, 3),), elements=INTS16),
            Sample("bilinear_twice", cls((10, 14), "bilinear"), ((2, 5, 7, 1),)),
            Sample("bilinear_from_one", cls((3, 2), "bilinear"), ((1, 1, 1, 5),)),
            Sample("bilinear_blocks", cls((5, 7), "bilinear"), ((1, 3, 4, 19),)),
            Sample("bilinear_away", cls((5, 6), "bilinear", "align_corners"), ((2, 2, 3, 8),)),
            Sample("bilinear_same", cls((5, 7), "bilinear"), (image,)),
            *(Sample(f"legacy_{w}", cls((11, 4), "bilinear", w, legacy=True), (image,)) for w in ways[:3]),
            Sample("legacy_whole", cls((9, 13), "bilinear", "align_corners", legacy=True), (image,)),
            Sample("legacy_pick", cls((2, 3), "bilinear", "asymmetric", legacy=True), ((1, 4, 6, 3),)),
        )
