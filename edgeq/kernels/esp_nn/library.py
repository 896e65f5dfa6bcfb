"""What the rows of Espressif's ESP-NN share.

Its arithmetic is that of TensorFlow Lite Micro. Its optimized functions requantize without the last saturation, which
is the same for accumulators of 31 bits (`EXACT`), to which rows are limited.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from edgeq.ir.condition import Predicate, all_of
from edgeq.ir.kernel import Kernel, Param, no_scratch
from edgeq.ir.site import Site
from edgeq.kernels._shared.other_library import is_tflm

LARGEST = 2**15 - 1
"""The largest size, stride or padding that the library's 16-bit variables hold."""
EXACT = 2**30 - 1
"""The largest accumulator, shifted left, that its optimized functions requantize exactly."""


def library_row(
    name: str,
    struct: str,
    lower: Callable[[Site], Mapping[str, Param]],
    *fits: Predicate,
    scratch: Callable[[Site], int] = no_scratch,
    file: str = "",
) -> Kernel:
    """The row `eq_<name>_esp_nn`; only for TFLM, whose arithmetic it follows.

    Args:
        name: of the C function.
        struct: C type of the parameters, without `eq_` and `_esp_nn_params`.
        lower: their members.
        fits: further conditions on the site.
        scratch: bytes of scratch memory.
        file: name of the adapter's source, without extension; by default `name`.
    """
    return Kernel(
        f"eq_{name}_esp_nn",
        (f"esp_nn/{file or name}.c",),
        "eq/esp_nn.h",
        f"eq_{struct}_esp_nn_params",
        lower,
        fits=all_of(is_tflm, *fits),
        scratch=scratch,
        library="esp-nn",
    )
