"""What rows of other people's libraries share: when their arithmetic, TensorFlow Lite Micro's, is the simulator's."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

from edgeq.ir.condition import Condition, Predicate, all_of
from edgeq.ir.kernel import Param
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array
from edgeq.kernels._shared.site import flat_weights, is_symmetric, op_of, output_params
from edgeq.numerics.fixedpoint import INT32_MAX, Multiplier, Numerics
from edgeq.ops._addsub import LEFT_SHIFT, double_sum
from edgeq.ops._requant import folded_bias
from edgeq.ops._softmax import columns, fixed_differences
from edgeq.ops.add import Add
from edgeq.ops.fully_connected import FullyConnected, multiplier
from edgeq.ops.mul import Mul, factor


def is_tflm(site: Site) -> bool:
    """The arithmetic is that of TensorFlow Lite Micro."""
    return site.numerics is Numerics.TFLM


MOST_COLUMNS = 511
"""Of a softmax: the sum of their exponentials leaves four bits, without which libraries shift by more than 31."""


def has_few_columns(site: Site) -> bool:
    """It is over at most 511 values."""
    return columns(site) <= MOST_COLUMNS


def is_shifted_left(site: Site) -> bool:
    """The factor of the differences is at least 1/2."""
    return int(fixed_differences(site).factor.shift[0]) >= 0


def softmax_params(site: Site) -> Mapping[str, Param]:
    """The members of a softmax: sizes, and the factor of the differences."""
    differences = fixed_differences(site)
    return {
        "rows": site.outputs[0].size // columns(site),
        "columns": columns(site),
        "multiplier": int(differences.factor.mantissa[0]),
        "shift": int(differences.factor.shift[0]),
        "least": differences.least,
    }


def of_one_shape(site: Site) -> bool:
    """Both operands have the same shape."""
    return site.input(0).shape == site.input(1).shape


def add_params(site: Site) -> Mapping[str, Param]:
    """The members of a sum of two tensors of one shape."""
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


def mul_params(site: Site) -> Mapping[str, Param]:
    """The members of a product of two tensors of one shape."""
    y = factor(site)
    return {
        "size": site.outputs[0].size,
        "a_offset": -site.input(0).qp.zp,
        "b_offset": -site.input(1).qp.zp,
        "multiplier": int(y.mantissa[0]),
        "shift": int(y.shift[0]),
        **output_params(site, op_of(site, Mul).clamp),
    }


def has_one_factor(site: Site) -> bool:
    """All channels have one factor of requantization."""
    factors = multiplier(site)
    return len({*zip(factors.mantissa.tolist(), factors.shift.tolist(), strict=True)}) == 1


def has_several_factors(site: Site) -> bool:
    """Channels have factors of requantization of their own."""
    return not has_one_factor(site)


def fully_connected_params(site: Site) -> Mapping[str, Param]:
    """The members of a fully connected layer; one factor where all channels have the same."""
    weights, factors = site.const(1), multiplier(site)
    if has_one_factor(site):
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


def raw_bias(site: Site) -> npt.NDArray[np.int32]:
    """The bias as the model has it; zeros if there is none, since the libraries rely on one."""
    bias = site.const_or_none(2)
    return np.zeros(site.outputs[0].shape[-1], np.int32) if bias is None else bias.astype(np.int32)


def fits_sums(multiplier_of: Callable[[Site], Multiplier], most: int = INT32_MAX) -> Predicate:
    """The weights are symmetric, and no accumulator overflows when it is shifted left, where a library would wrap.

    Args:
        multiplier_of: the factors of a site's channels.
        most: the largest accumulator, shifted left, with which the library computes exactly.
    """

    def holds(site: Site) -> bool:
        w = flat_weights(site).astype(np.int64)
        largest = np.abs(folded_bias(site, w, len(w)).astype(np.int64)) + 128 * np.abs(w).sum(axis=1)
        return bool((largest << np.maximum(multiplier_of(site).shift.astype(np.int64), 0)).max() <= most)

    bits = most.bit_length() + 1
    return all_of(is_symmetric, Condition(f"No accumulator overflows {bits} bits when it is shifted left", holds))


def channel_params(site: Site, multiplier: Multiplier, whole: int = 1) -> Mapping[str, Array]:
    """The members `bias, multiplier, shift`, each filled up to whole vectors of `whole` channels."""

    def filled(values: Array) -> Array:
        return np.pad(values.astype(np.int32), (0, -len(values) % whole))

    return {
        "bias": filled(raw_bias(site)),
        "multiplier": filled(multiplier.mantissa),
        "shift": filled(multiplier.shift),
    }
