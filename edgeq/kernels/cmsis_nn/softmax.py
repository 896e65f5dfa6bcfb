"""Rows of Softmax by Arm's CMSIS-NN."""

from __future__ import annotations

from collections.abc import Mapping

from edgeq.ir.kernel import Kernel, Param
from edgeq.ir.op import Site
from edgeq.kernels._shared.other_library import is_unmasked
from edgeq.kernels.cmsis_nn.library import Variant, everywhere, library_rows
from edgeq.ops._softmax import columns, fits_double, fixed_differences

MOST_COLUMNS = 511
"""The sum of their exponentials leaves four bits, without which the library shifts by more than 31."""


def _has_few_columns(site: Site) -> bool:
    """It is over at most 511 values."""
    return columns(site) <= MOST_COLUMNS


def _is_shifted_left(site: Site) -> bool:
    """The factor of the differences is at least 1/2."""
    return int(fixed_differences(site).factor.shift[0]) >= 0


def _lower(site: Site, variant: Variant) -> Mapping[str, Param]:
    differences = fixed_differences(site)
    return {
        "rows": site.outputs[0].size // columns(site),
        "columns": columns(site),
        "multiplier": int(differences.factor.mantissa[0]),
        "shift": int(differences.factor.shift[0]),
        "least": differences.least,
    }


def softmax_rows() -> tuple[Kernel, ...]:
    """The rows."""
    return library_rows(
        "softmax",
        "softmax",
        "eq_softmax_cmsis_nn_params",
        _lower,
        everywhere(is_unmasked, fits_double, _has_few_columns, _is_shifted_left),
    )
