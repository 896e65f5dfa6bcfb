"""What rows of int16 activations with weights of 8 bits ask for."""

from __future__ import annotations

import numpy as np

from edgeq.ir.condition import Condition
from edgeq.ir.site import Site
from edgeq.numerics.fixedpoint import Multiplier
from edgeq.ops import mul
from edgeq.ops._requant import effective_multiplier
from edgeq.ops.fully_connected import FullyConnected, multiplier

MOST_SHIFT = -2
"""Factors below 1/4, so that the upper word of a product holds the result and the bit that rounds it."""


def factors_of(site: Site) -> Multiplier:
    """Of every output channel; what is nothing is not shifted to the left."""
    if isinstance(site.op, FullyConnected):
        found = multiplier(site)
    else:
        found = effective_multiplier(site, site.outputs[0].shape[-1])
    return Multiplier(found.mantissa, np.where(found.mantissa == 0, MOST_SHIFT, found.shift).astype(np.int32))


def _has_small_product(site: Site) -> bool:
    return bool((mul.factor(site).shift <= MOST_SHIFT).all())


SMALL_PRODUCT = Condition("The factor of the product is below 1/4", _has_small_product)


def _has_small_factors(site: Site) -> bool:
    return bool((factors_of(site).shift <= MOST_SHIFT).all())


SMALL_FACTORS = Condition("Factors are below 1/4", _has_small_factors)
