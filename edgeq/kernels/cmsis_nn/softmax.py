"""Rows of Softmax by Arm's CMSIS-NN."""

from __future__ import annotations

from collections.abc import Mapping

from edgeq.ir.kernel import Kernel, Param
from edgeq.ir.site import Site
from edgeq.kernels._shared.other_library import has_few_columns, is_shifted_left, softmax_params
from edgeq.kernels.cmsis_nn.library import Variant, everywhere, library_rows
from edgeq.ops._softmax import fits_double


def _lower(site: Site, variant: Variant) -> Mapping[str, Param]:
    return softmax_params(site)


def softmax_rows() -> tuple[Kernel, ...]:
    """The rows."""
    return library_rows(
        "softmax",
        "softmax",
        "eq_softmax_cmsis_nn_params",
        _lower,
        everywhere(fits_double, has_few_columns, is_shifted_left),
    )
