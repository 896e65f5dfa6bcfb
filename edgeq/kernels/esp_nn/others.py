"""Rows of fully connected layers, sums, products and Softmax by Espressif's ESP-NN."""

from __future__ import annotations

from collections.abc import Mapping

from edgeq.ir.kernel import Kernel, Param
from edgeq.ir.site import Site
from edgeq.kernels._shared.other_library import (
    add_params,
    fits_sums,
    fully_connected_params,
    has_few_columns,
    has_one_factor,
    has_several_factors,
    is_shifted_left,
    mul_params,
    of_one_shape,
    softmax_params,
)
from edgeq.kernels.esp_nn.library import EXACT, LARGEST, library_row
from edgeq.ops._addsub import has_small_factors
from edgeq.ops._broadcast import both_computed
from edgeq.ops._softmax import columns, fits_double
from edgeq.ops.fully_connected import multiplier
from edgeq.ops.mul import factor


def _is_small(site: Site) -> bool:
    """It has at most 32,767 inputs and outputs."""
    return max(site.const(1).shape) <= LARGEST


def fully_connected_rows() -> tuple[Kernel, ...]:
    """The rows, that of layers with one factor first."""
    name, sums = "fully_connected", fits_sums(multiplier, EXACT)
    return (
        library_row(name, name, fully_connected_params, _is_small, has_one_factor, sums),
        library_row(
            f"{name}_per_channel", name, fully_connected_params, _is_small, has_several_factors, sums, file=name
        ),
    )


def add_rows() -> tuple[Kernel, ...]:
    """The row of Add."""
    return (library_row("add", "add", add_params, both_computed, of_one_shape, has_small_factors),)


def _is_shifted_right(site: Site) -> bool:
    """The product's factor is below one."""
    return int(factor(site).shift[0]) <= 0


def mul_rows() -> tuple[Kernel, ...]:
    """The row of Mul."""
    return (library_row("mul", "mul", mul_params, both_computed, of_one_shape, _is_shifted_right),)


def _softmax_bytes(site: Site) -> int:
    """`esp_nn_get_softmax_scratch_size`, of the optimized functions."""
    return 4 * columns(site)


def _lower_softmax(site: Site) -> Mapping[str, Param]:
    return {**softmax_params(site), "scratch_bytes": _softmax_bytes(site)}


def softmax_rows() -> tuple[Kernel, ...]:
    """The row of Softmax."""
    fits = (fits_double, has_few_columns, is_shifted_left)
    return (library_row("softmax", "softmax", _lower_softmax, *fits, scratch=_softmax_bytes),)
