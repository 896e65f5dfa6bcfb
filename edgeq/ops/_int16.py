"""The rows of int16 elements that operators share: symmetric, with the arithmetic of FAST (docs/numerics.md)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from edgeq.errors import QuantizationError
from edgeq.ir.condition import Condition, all_of
from edgeq.ir.kernel import INT8, INT16, Kernel, Param
from edgeq.ir.op import Op, Sample
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array, DType, QParams
from edgeq.numerics.fixedpoint import FROM_48_BITS, INT32_MAX, Multiplier, Rounding, quantize_multiplier
from edgeq.ops._packed import PACKED, SYMMETRIC, stored_weights
from edgeq.ops._requant import NO_CLAMP, Clamp, scalar_requant_params

INTS16 = (DType.INT16, DType.INT16)
"""Element types of a sample with int16 activations."""
FOREIGN = frozenset({"weight_zero_point", "pad_value", "zero_point"})
"""Members of int8 kernels that those of symmetric activations do not have."""


def _rounds_wide(site: Site) -> bool:
    return site.rounding in FROM_48_BITS


def _has_short_bias(site: Site) -> bool:
    return all(t is None or t.dtype is not DType.INT64 for t in site.inputs)


def _gives_fine(site: Site) -> bool:
    return 0 in site.op.quant_rule([None if t is None else t.shape for t in site.inputs]).fine


def _rounds_twice(site: Site) -> bool:
    return site.rounding is Rounding.DOUBLE


def _has_narrow_sums(site: Site) -> bool:
    bound = site.op.accumulator_bound(site)
    return bound is not None and bound <= INT32_MAX


ONCE = Condition("Sums of up to 48 bits are rounded once", _rounds_wide)
WIDE = all_of(ONCE, Condition("Biases fit 32 bits", _has_short_bias))
DOUBLE = Condition("Sums are rounded twice, as TensorFlow Lite does", _rounds_twice)
FINE = Condition("The model itself has this operator with 16 bits of 8", _gives_fine)
NARROW_SUMS = Condition("The weights' own sums prove that accumulators fit 32 bits", _has_narrow_sums)


Q15 = QParams.per_tensor(2.0**-15, 0)
"""Parameters of a function within ±1."""


def check_usual(site: Site) -> None:
    """Refuse a site of int16 whose output has not the parameters that its arithmetic gives.

    Raises:
        QuantizationError: it has others.
    """
    usual = site.op.quant_rule([None if t is None else t.shape for t in site.inputs]).usual16
    if usual is not None and site.outputs[0].q != usual:
        raise QuantizationError(
            f"{site.op.kind} with 16 bits gives multiples of {usual.s:g} in this arithmetic, not of "
            f"{site.outputs[0].qp.s:g}",
            hint="use the arithmetic fast",
            where=site.name,
        )


def bias_params(bias: Array) -> Mapping[str, Param]:
    """The members `bias`, its lower 32 bits, and `bias_upper`, those above them, or 0 where all fit 32 bits."""
    lower = bias.astype(np.int32)
    upper = (bias.astype(np.int64) - lower) >> 32
    return {"bias": lower, "bias_upper": upper.astype(np.int16) if upper.any() else 0}


def weighted_rows(row: Kernel) -> tuple[Kernel, Kernel]:
    """The rows of a product of int16 activations with weights of 8 bits or less, beside that of int8 activations:
    with accumulators of 32 bits where the weights prove them enough, else of 64. The results are the same.

    Operand 1 are the weights.
    """
    stem = row.function.removesuffix("_ref")

    def lower(site: Site) -> Mapping[str, Param]:
        members = {key: value for key, value in row.lower(site).items() if key not in FOREIGN}
        return {**members, **stored_weights(site), **bias_params(np.asarray(members["bias"]))}

    wide = replace(
        row,
        function=f"{stem}_int16_ref_wide",
        sources=tuple(source.replace(".c", "_int16.c") for source in row.sources),
        header=row.header.replace(".h", "_int16.h"),
        struct=f"{stem}_int16_params",
        lower=lower,
        elements=INT16,
        weights=INT8 | PACKED,
        fits=all_of(ONCE, SYMMETRIC),
        rounded=False,
    )
    return replace(wide, function=f"{stem}_int16_ref", fits=all_of(WIDE, SYMMETRIC, NARROW_SUMS)), wide


def step_ratio(site: Site) -> Multiplier:
    """s_in / s_out."""
    return quantize_multiplier(site.input(0).qp.s / site.outputs[0].qp.s, site.rounding)


def requantize_params(site: Site, clamp: Clamp = NO_CLAMP) -> Mapping[str, Param]:
    """Parameters of the kernels that give each element another quantization, within bounds."""
    factor = scalar_requant_params(site, step_ratio(site), clamp)
    return {"size": site.outputs[0].size, "in_zero_point": site.input(0).qp.zp, **factor}


def as_int16(sample: Sample, name: str = "") -> Sample:
    """A test case with int16 activations."""
    return replace(sample, name=name or f"int16_{sample.name}", elements=INTS16)


def pair_samples16(op: Op) -> tuple[Sample, ...]:
    """Test cases with two int16 operands."""
    image = (1, 5, 3, 7)
    return tuple(
        as_int16(sample)
        for sample in (
            Sample("same", op, (image, image)),
            Sample("channels", op, (image, (7,)), const=(1,)),
            Sample("first", op, ((1, 1, 3, 1), image), const=(0,)),
            Sample("both_ways", op, ((2, 1, 4, 1), (1, 5, 1, 3))),
        )
    )
