"""What the rows of Arm's CMSIS-NN share: how the library is compiled, and when its arithmetic is the simulator's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum

from edgeq.ir.condition import Predicate, all_of
from edgeq.ir.kernel import Kernel, Param, no_scratch
from edgeq.ir.site import Site
from edgeq.kernels._shared.other_library import is_tflm

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
            fits=all_of(is_tflm, fits(variant)),
            scratch=no_scratch if scratch is None else lambda site: scratch(site, variant),
            library="cmsis-nn",
            lacks=lacks,
        )

    return tuple(row(variant) for variant in Variant)
