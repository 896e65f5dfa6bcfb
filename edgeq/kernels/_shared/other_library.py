"""What rows of other people's libraries share: when their arithmetic, TensorFlow Lite Micro's, is the simulator's."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

from edgeq.ir.condition import Condition, Predicate, all_of
from edgeq.ir.op import Site
from edgeq.ir.tensor import Array
from edgeq.kernels._shared.site import flat_weights, is_symmetric
from edgeq.numerics.fixedpoint import INT32_MAX, Multiplier, Numerics
from edgeq.ops._requant import folded_bias
from edgeq.ops.softmax import Softmax


def is_tflm(site: Site) -> bool:
    """The arithmetic is that of TensorFlow Lite Micro."""
    return site.numerics is Numerics.TFLM


def is_unmasked(site: Site) -> bool:
    """Nothing is masked: the libraries have the softmax of whole rows."""
    return type(site.op) is Softmax


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
