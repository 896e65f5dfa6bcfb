"""What the rows of Arm's CMSIS-NN share: how the library is compiled, and when its arithmetic is the simulator's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum

import numpy as np
import numpy.typing as npt

from edgeq.ir.condition import Condition, Predicate, all_of
from edgeq.ir.kernel import Kernel, Param, no_scratch
from edgeq.ir.op import Site
from edgeq.ir.tensor import Array
from edgeq.kernels._shared.site import flat_weights, is_symmetric
from edgeq.numerics.fixedpoint import INT32_MAX, Multiplier, Numerics
from edgeq.ops._requant import folded_bias

LARGEST = 2**15 - 1
"""The largest size, stride or padding that the library's 16-bit variables hold."""


class Variant(Enum):
    """The three libraries that its sources compile to, by the features that the target has and must not have."""

    MVE = (frozenset({"mve"}), frozenset[str]())
    DSP = (frozenset({"dsp"}), frozenset({"mve"}))
    PLAIN = (frozenset[str](), frozenset({"dsp", "mve"}))


Lower = Callable[[Site, Variant], Mapping[str, Param]]
Fits = Callable[[Variant], Predicate]
Bytes = Callable[[Site, Variant], int]


def _is_tflm(site: Site) -> bool:
    """The arithmetic is that of TensorFlow Lite Micro."""
    return site.numerics is Numerics.TFLM


def everywhere(*predicates: Predicate) -> Fits:
    """The same conditions for every variant."""
    return lambda variant: all_of(*predicates)


def library_rows(
    name: str, header: str, struct: str, lower: Lower, fits: Fits, scratch: Bytes | None = None, file: str = ""
) -> tuple[Kernel, ...]:
    """The rows `eq_<name>_cmsis_nn`, one for each variant of the library; only for TFLM, whose arithmetic it follows.

    Args:
        name: of the C function.
        header: file below firmware/include/eq, without `_cmsis_nn.h`.
        struct: C type of the parameters.
        lower: their members.
        fits: for each variant, further conditions on the site.
        scratch: bytes of scratch memory, or None if the C function takes none.
        file: name of the adapter's source, without extension; by default `name`.
    """

    def row(variant: Variant) -> Kernel:
        isa, lacks = variant.value
        return Kernel(
            f"eq_{name}_cmsis_nn",
            (f"cmsis_nn/{file or name}.c",),
            f"eq/{header}_cmsis_nn.h",
            struct,
            lambda site: lower(site, variant),
            isa=isa,
            fits=all_of(_is_tflm, fits(variant)),
            scratch=no_scratch if scratch is None else lambda site: scratch(site, variant),
            library="cmsis-nn",
            lacks=lacks,
        )

    return tuple(row(variant) for variant in Variant)


def raw_bias(site: Site) -> npt.NDArray[np.int32]:
    """The bias as the model has it; zeros if there is none, since the library relies on one."""
    bias = site.const_or_none(2)
    return np.zeros(site.outputs[0].shape[-1], np.int32) if bias is None else bias.astype(np.int32)


def fits_sums(multiplier_of: Callable[[Site], Multiplier]) -> Predicate:
    """The weights are symmetric, and no accumulator overflows when it is shifted left, where the library would wrap."""

    def holds(site: Site) -> bool:
        w = flat_weights(site).astype(np.int64)
        most = np.abs(folded_bias(site, w, len(w)).astype(np.int64)) + 128 * np.abs(w).sum(axis=1)
        return bool((most << np.maximum(multiplier_of(site).shift.astype(np.int64), 0)).max() <= INT32_MAX)

    return all_of(is_symmetric, Condition("No accumulator overflows 32 bits when it is shifted left", holds))


def channel_params(site: Site, multiplier: Multiplier, whole: int = 1) -> Mapping[str, Array]:
    """The members `bias, multiplier, shift`, each filled up to whole vectors of `whole` channels."""

    def filled(values: Array) -> Array:
        return np.pad(values.astype(np.int32), (0, -len(values) % whole))

    return {
        "bias": filled(raw_bias(site)),
        "multiplier": filled(multiplier.mantissa),
        "shift": filled(multiplier.shift),
    }
