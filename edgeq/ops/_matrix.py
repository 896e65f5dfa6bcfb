"""Products of real vectors with matrices of weights: real ones, stored in fewer bits, or multiplied as integers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from edgeq.ir.condition import Condition
from edgeq.ir.kernel import Param
from edgeq.ir.op import Op, Sample
from edgeq.ir.site import Site
from edgeq.ir.tensor import DType
from edgeq.numerics import float32
from edgeq.numerics.float32 import GREATEST, Floats
from edgeq.ops._real import REAL, REALS, in_fours
from edgeq.ops._stored import AT_ONCE, LONGEST, STORED, dynamic_sums, stored_rows, widened_bytes, within

MATRICES = REAL | STORED
"""Types of weights that a matrix may have."""

PRODUCTS = ("ref/matrix_float32.c", "ref/stored.c")
"""Files of kernels that multiply with them."""


def _is_dynamic(site: Site) -> bool:
    return site.op.reads_stored


def _weights(site: Site) -> list[int]:
    """The operands that are matrices of weights."""
    rule = site.op.quant_rule([None if t is None else t.shape for t in site.inputs])
    return [product.weight for product in rule.products if product.weight < len(site.inputs)]


def _fits(site: Site) -> bool:
    types = (site.input(k) for k in _weights(site))
    return not _is_dynamic(site) or all(not t.dtype.is_float and t.shape[-1] < LONGEST for t in types)


are_products = Condition(
    "Where activations are quantized at run time, all weights are integers, and sums fit 32 bits", _fits
)

are_dynamic = Condition(
    "Activations are quantized at run time, and sums fit 32 bits", lambda site: _is_dynamic(site) and _fits(site)
)


def matrix(site: Site, name: str, index: int, rows: slice = slice(None)) -> Mapping[str, Param]:
    """The members of an `eq_matrix`, itself the member `name`: some rows of constant `index`."""
    type, weights = site.input(index), site.const(index)
    if type.dtype is DType.FLOAT32:
        stored: Mapping[str, Param] = {"depth": weights.shape[1]}
        fours: Param = in_fours(weights[None, rows])
    else:
        stored, fours = stored_rows(weights, type, rows), 0
    count = len(weights[rows])
    members = {"rows": count, "fours": fours, **within("stored", stored), "dynamic": int(_is_dynamic(site))}
    return within(name, members)


def matrix_sums(site: Site, index: int, vectors: Floats) -> Floats:
    """The sums (M, N) of products of vectors (M, K) with constant weights (N, K), operand `index`."""
    weights = site.const(index)
    if _is_dynamic(site):
        return dynamic_sums(vectors, weights, site.input(index))
    return float32.products(vectors, weights.T)


def matrix_scratch(site: Site, numbers: int) -> int:
    """Scratch memory for so many real numbers, and for one product with any of a site's matrices."""
    longest = max(site.input(k).shape[-1] for k in _weights(site))
    return 4 * numbers + (-(-longest // 4) * 4 if _is_dynamic(site) else widened_bytes(AT_ONCE))


def biased(sums: Floats, bias: Floats | None) -> Floats:
    """Sums (…, N), plus a bias if there is one."""
    return np.asarray(sums + (np.float32(0.0) if bias is None else bias), np.float32)


def limit(clip: float) -> float:
    """The greatest absolute value of what is clipped to ± `clip`; 0: it is free."""
    return clip or float(GREATEST)


def clipped(x: Floats, clip: float) -> Floats:
    """x within ± `clip`; 0: it is free."""
    return float32.within(x, -limit(clip), limit(clip))


def in_floats(samples: Sequence[Sample], dynamic: Sample, run_time: Op) -> tuple[Sample, ...]:
    """Test cases with real elements: these samples with real weights, then one with weights of fewer bits.

    Args:
        samples: with integers.
        dynamic: the one with fewer bits.
        run_time: its operator where activations are quantized at run time.
    """

    def real(sample: Sample, what: str, weights: DType, op: Op) -> Sample:
        return replace(sample, name=f"{what}_{sample.name}", op=op, elements=REALS, weights=weights)

    stored = (DType.FLOAT16, DType.INT8, DType.INT3)
    return (
        *(real(sample, "real", DType.FLOAT32, sample.op) for sample in samples),
        *(real(dynamic, dtype.value, dtype, dynamic.op) for dtype in stored),
        *(real(dynamic, f"dynamic_{dtype.value}", dtype, run_time) for dtype in (DType.INT8, DType.INT4)),
    )
