"""Portable rows for weights of less than 8 bits, which are packed without gaps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from edgeq.ir.condition import Condition
from edgeq.ir.kernel import Kernel, Param
from edgeq.ir.site import Site
from edgeq.ir.tensor import TRITS, Array, DType

PACKED = frozenset(
    {DType.INT4, DType.INT3, DType.INT2, DType.TERNARY, DType.BINARY, DType.CODE4, DType.CODE2},
)
"""Types of less than 8 bits."""
POWERS = 3 ** np.arange(TRITS)


def stream(integers: Array, dtype: DType) -> Mapping[str, Param]:
    """The members `weights` and `weight_bits` of portable kernels: integers (any shape) as eq/packed.h has them."""
    if dtype is DType.TERNARY:
        return {"weights": pack_trits(integers), "weight_bits": 0}
    if dtype.is_code:
        return {"weights": pack_codes(integers, dtype.bits), "weight_bits": 16 + dtype.bits}
    if dtype is DType.BINARY:
        return {"weights": pack((integers - 1) // 2, 1), "weight_bits": 1}
    return {"weights": pack(integers, dtype.bits), "weight_bits": dtype.bits}


def stored_weights(site: Site) -> Mapping[str, Param]:
    """The same members for weights, operand 1, of 8 bits or less (`eq_weight`)."""
    weights, dtype = site.const(1), site.input(1).dtype
    if dtype is DType.INT8:
        return {"weights": weights.ravel().view(np.uint8), "weight_bits": 8}
    return stream(weights, dtype)


def pack_codes(integers: Array, bits: int) -> npt.NDArray[np.uint8]:
    """Integers of 8 bits (any shape), at most 2 to the power of `bits` different ones: their table, then codes."""
    table, codes = np.unique(integers.ravel().astype(np.int8), return_inverse=True)
    assert len(table) <= 1 << bits
    filled = np.pad(table, (0, (1 << bits) - len(table)))
    return np.concatenate([filled.view(np.uint8), pack(codes, bits)])


def pack_trits(integers: Array) -> npt.NDArray[np.uint8]:
    """Integers −1 … 1 (any shape), five in a byte, the first with the weight 1, the next with 3."""
    digits = integers.ravel().astype(np.int64) + 1
    filled = np.pad(digits, (0, -len(digits) % TRITS)).reshape(-1, TRITS)
    return (filled * POWERS).sum(axis=1).astype(np.uint8)


def pack(integers: Array, bits: int) -> npt.NDArray[np.uint8]:
    """Integers (any shape) of `bits` bits as a stream of bytes (eq/packed.h): low bits first, a spare byte last."""
    values = integers.ravel().astype(np.int8).view(np.uint8)
    each = np.unpackbits(values[:, None], axis=1, bitorder="little")[:, :bits]
    return np.append(np.packbits(each.ravel(), bitorder="little"), np.uint8(0))


def _is_symmetric(site: Site) -> bool:
    return site.input(1).qp.is_symmetric


SYMMETRIC = Condition("The weights are symmetric", _is_symmetric)


def packed_row(row: Kernel) -> Kernel:
    """The row of an operator's portable kernel that takes packed weights instead of its own (operand 1)."""
    lower: Callable[[Site], Mapping[str, Param]] = row.lower

    def packed(site: Site) -> Mapping[str, Param]:
        members = {key: value for key, value in lower(site).items() if key != "weight_zero_point"}
        return {**members, **stream(site.const(1), site.input(1).dtype)}

    stem = row.function.removesuffix("_ref")
    return replace(
        row,
        function=f"{stem}_packed_ref",
        sources=tuple(source.replace(".c", "_packed.c") for source in row.sources),
        header=row.header.replace(".h", "_packed.h"),
        struct=f"{stem}_packed_params",
        lower=packed,
        weights=PACKED,
        fits=SYMMETRIC,
        negative_scales=True,
    )
