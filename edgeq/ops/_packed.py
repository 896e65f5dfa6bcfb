"""Portable rows for weights of less than 8 bits, which are packed without gaps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from edgeq.ir.condition import Condition
from edgeq.ir.kernel import Kernel, Param
from edgeq.ir.op import Site
from edgeq.ir.tensor import Array, DType

PACKED = frozenset({DType.INT4, DType.INT3, DType.INT2, DType.TERNARY})
"""Types whose elements are two's complement integers of so many bits."""


def pack(integers: Array, bits: int) -> npt.NDArray[np.uint8]:
    """Integers (any shape) of `bits` bits as a stream of bytes (eq/packed.h): low bits first, a spare byte last."""
    values = integers.ravel().astype(np.int8).view(np.uint8)
    each = np.unpackbits(values[:, None], axis=1, bitorder="little")[:, :bits]
    return np.append(np.packbits(each.ravel(), bitorder="little"), np.uint8(0))


def _is_symmetric(site: Site) -> bool:
    return not any(site.input(1).qp.zero_point)


SYMMETRIC = Condition("The weights are symmetric", _is_symmetric)


def packed_row(row: Kernel) -> Kernel:
    """The row of an operator's portable kernel that takes packed weights instead of its own (operand 1)."""
    lower: Callable[[Site], Mapping[str, Param]] = row.lower

    def packed(site: Site) -> Mapping[str, Param]:
        bits = site.input(1).dtype.bits
        members = {key: value for key, value in lower(site).items() if key != "weight_zero_point"}
        return {**members, "weights": pack(site.const(1), bits), "weight_bits": bits}

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
    )
