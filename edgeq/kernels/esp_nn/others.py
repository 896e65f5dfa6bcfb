"""Rows of fully connected layers, sums, products and Softmax by Espressif's ESP-NN."""

from __future__ import annotations

from collections.abc import Mapping

from edgeq.ir.kernel import Kernel, Param
from edgeq.ir.op import Site
from edgeq.kernels._shared.other_library import channel_params, fits_sums, is_unmasked
from edgeq.kernels._shared.site import op_of, output_params
from edgeq.kernels.esp_nn.library import EXACT, LARGEST, library_row
from edgeq.numerics.fixedpoint import Multiplier
from edgeq.ops._addsub import LEFT_SHIFT, double_sum, has_small_factors
from edgeq.ops._broadcast import both_computed
from edgeq.ops._softmax import columns, fits_double, fixed_differences
from edgeq.ops.add import Add
from edgeq.ops.fully_connected import FullyConnected, multiplier
from edgeq.ops.mul import Mul, factor

MOST_COLUMNS = 511
"""The sum of their exponentials leaves four bits, without which the library shifts by more than 31."""


def _has_one_factor(site: Site) -> bool:
    """All channels have one factor of requantization."""
    factors = multiplier(site)
    return len({*zip(factors.mantissa.tolist(), factors.shift.tolist(), strict=True)}) == 1


def _has_several_factors(site: Site) -> bool:
    """Channels have factors of requantization of their own."""
    return not _has_one_factor(site)


def _is_small(site: Site) -> bool:
    """It has at most 32,767 inputs and outputs."""
    return max(site.const(1).shape) <= LARGEST


def _lower_fully_connected(site: Site) -> Mapping[str, Param]:
    weights, factors = site.const(1), multiplier(site)
    if _has_one_factor(site):
        factors = Multiplier(factors.mantissa[:1], factors.shift[:1])
    return {
        "rows": site.outputs[0].size // len(weights),
        "in_c": weights.shape[1],
        "out_c": len(weights),
        "input_offset": -site.input(0).qp.zp,
        "weights": weights,
        **channel_params(site, factors),
        **output_params(site, op_of(site, FullyConnected).clamp),
    }


def fully_connected_rows() -> tuple[Kernel, ...]:
    """The rows, that of layers with one factor first."""
    name, sums = "fully_connected", fits_sums(multiplier, EXACT)
    return (
        library_row(name, name, _lower_fully_connected, _is_small, _has_one_factor, sums),
        library_row(
            f"{name}_per_channel", name, _lower_fully_connected, _is_small, _has_several_factors, sums, file=name
        ),
    )


def _of_one_shape(site: Site) -> bool:
    """Both operands have the same shape."""
    return site.input(0).shape == site.input(1).shape


def _lower_add(site: Site) -> Mapping[str, Param]:
    factors = double_sum(site)
    (a, b), y = factors.inputs, factors.output
    return {
        "size": site.outputs[0].size,
        "a_offset": -site.input(0).qp.zp,
        "a_multiplier": int(a.mantissa[0]),
        "a_shift": int(a.shift[0]),
        "b_offset": -site.input(1).qp.zp,
        "b_multiplier": int(b.mantissa[0]),
        "b_shift": int(b.shift[0]),
        "left_shift": LEFT_SHIFT,
        "multiplier": int(y.mantissa[0]),
        "shift": int(y.shift[0]),
        **output_params(site, op_of(site, Add).clamp),
    }


def add_rows() -> tuple[Kernel, ...]:
    """The row of Add."""
    return (library_row("add", "add", _lower_add, both_computed, _of_one_shape, has_small_factors),)


def _is_shifted_right(site: Site) -> bool:
    """The product's factor is below one."""
    return int(factor(site).shift[0]) <= 0


def _lower_mul(site: Site) -> Mapping[str, Param]:
    y = factor(site)
    return {
        "size": site.outputs[0].size,
        "a_offset": -site.input(0).qp.zp,
        "b_offset": -site.input(1).qp.zp,
        "multiplier": int(y.mantissa[0]),
        "shift": int(y.shift[0]),
        **output_params(site, op_of(site, Mul).clamp),
    }


def mul_rows() -> tuple[Kernel, ...]:
    """The row of Mul."""
    return (library_row("mul", "mul", _lower_mul, both_computed, _of_one_shape, _is_shifted_right),)


def _has_few_columns(site: Site) -> bool:
    """It is over at most 511 values."""
    return columns(site) <= MOST_COLUMNS


def _is_shifted_left(site: Site) -> bool:
    """The factor of the differences is at least 1/2."""
    return int(fixed_differences(site).factor.shift[0]) >= 0


def _softmax_bytes(site: Site) -> int:
    """`esp_nn_get_softmax_scratch_size`, of the optimized functions."""
    return 4 * columns(site)


def _lower_softmax(site: Site) -> Mapping[str, Param]:
    differences = fixed_differences(site)
    return {
        "rows": site.outputs[0].size // columns(site),
        "columns": columns(site),
        "multiplier": int(differences.factor.mantissa[0]),
        "shift": int(differences.factor.shift[0]),
        "least": differences.least,
        "scratch_bytes": _softmax_bytes(site),
    }


def softmax_rows() -> tuple[Kernel, ...]:
    """The row of Softmax."""
    fits = (is_unmasked, fits_double, _has_few_columns, _is_shifted_left)
    return (library_row("softmax", "softmax", _lower_softmax, *fits, scratch=_softmax_bytes),)
