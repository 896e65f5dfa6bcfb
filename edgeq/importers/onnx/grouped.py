"""Weights whose scales hold for blocks of neighbours: fully connected layers keep those of less than 8 bits with their
zero-points, and symmetric ones. Others are real numbers, which edgeq quantizes anew."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod

import numpy as np

from edgeq.errors import ModelError
from edgeq.importers.narrow import unpacked
from edgeq.importers.onnx.handlers import handles
from edgeq.importers.onnx.linear import fully_connected
from edgeq.importers.onnx.model import NARROW
from edgeq.importers.onnx.node import Constant, OnnxNode
from edgeq.ir.limits import TENSOR_ELEMENTS
from edgeq.ir.tensor import MOST_WITH_ZEROS, Array, QParams, Shape
from edgeq.warnings import warn

_AGAIN = "the node contradicts itself: export the model again"


def dequantized_blocks(
    node: OnnxNode, x: Constant, scales: Array, zeros: Array | None, axis: int, block: int, bits: int = 8
) -> Constant:
    """What a tensor of integers with one scale per `block` neighbours along `axis` stands for, as real numbers.

    With the integers behind them, where these have few bits, or are symmetric, or around the middle of an unsigned
    type.

    Args:
        node: that brings them.
        x: the integers, of any type and shape.
        scales: float, of x's shape but for the axis, which has ⌈n / block⌉ entries.
        zeros: zero-points of the same shape; None: 0.
        axis: not negative.
        block: elements that share a scale.
        bits: of the integers, which are unsigned if less than 8, unless their type says so.

    Raises:
        ModelError: shapes do not fit, or scales are no positive numbers.
    """
    entries = tuple(-(-n // block) if k == axis else n for k, n in enumerate(x.data.shape))
    if scales.shape != entries or (zeros is not None and zeros.shape != entries):
        raise ModelError(f"scales of shape {scales.shape} do not fit {x.data.shape} in blocks of {block}", hint=_AGAIN)
    if not np.isfinite(scales).all() or np.any(scales <= 0):
        raise ModelError("a scale is not a positive number", hint="export the model again")
    offsets: Array = np.zeros(entries, np.int64) if zeros is None else zeros.astype(np.int64)
    real = QParams.per_block(scales, offsets, axis, block).dequantize(x.data.astype(np.int16))
    node.builder.blocks[x.name] = block
    few = _few(node, x, scales, offsets, axis, block, bits)
    return Constant(x.name, real, blocks=few or _symmetric(node, x, scales, offsets, axis, block))


def _few(
    node: OnnxNode, x: Constant, scales: Array, offsets: Array, axis: int, block: int, bits: int
) -> Constant | None:
    """Matrices of integers of less than 8 bits as they are, but signed, with zero-points of their type; None where
    there are none."""
    named = NARROW.get(x.data.dtype.name)
    bits = bits if named is None else (named[1] - named[0] + 1).bit_length() - 1
    middle = 1 << bits - 1 if named is None else (sum(named) + 1) // 2
    zeros = offsets - middle
    fits = zeros.size and -(1 << bits - 1) <= zeros.min() and zeros.max() < 1 << bits - 1
    if bits == 8 or x.data.ndim != 2 or block > MOST_WITH_ZEROS or not fits:
        return None
    node.builder.narrow.add(bits)
    integers = (x.data.astype(np.int16) - middle).astype(np.int8)
    return Constant(x.name, integers, QParams.per_block(scales, zeros, axis, block))


def _symmetric(node: OnnxNode, x: Constant, scales: Array, offsets: Array, axis: int, block: int) -> Constant | None:
    """Matrices of int8 without zero-points that stand for the same numbers; None where there are none."""
    centred = x.data.astype(np.int64) - np.repeat(offsets, block, axis)[tuple(slice(n) for n in x.data.shape)]
    least, most = int(centred.min(initial=0)), int(centred.max(initial=0))
    if x.data.ndim != 2 or least < -128 or most > 127 or x.data.size == 0:
        return None
    if x.data.dtype.name in NARROW or most - least < 16:
        node.builder.narrow.add(2 if least >= -2 and most <= 1 else 4)
    return Constant(x.name, centred.astype(np.int8), QParams.per_block(scales, 0, axis, block))


def warn_of_blocks(blocks: Mapping[str, int]) -> None:
    """Tell of weights that were taken as real numbers, by name, with how many neighbours shared a scale."""
    for name, block in blocks.items():
        warn(
            f"weights with a scale for every {block} neighbours are taken as real numbers and quantized anew",
            hint="compare with edgeq verify; --weight-bits says how many bits they get",
            where=name,
            strict=ModelError,
        )


def _bits(node: OnnxNode, index: int, shape: Shape, bits: int, what: str) -> Array:
    """A packed operand as unsigned integers: rows of bytes, of which the last may be filled up.

    Raises:
        ModelError: it is not so many bytes.
    """
    stored = node.needed(index, what).data
    row = -(-shape[-1] * bits // 8)
    rows = prod(shape[:-1])
    if stored.dtype != np.uint8 or stored.size != rows * row:
        raise ModelError(f"{what}: {stored.size} × {stored.dtype.name} are not {shape} of {bits} bits", hint=_AGAIN)
    return unpacked(stored.ravel(), bits, signed=False).reshape(rows, -1)[:, : shape[-1]].reshape(shape)


@handles("MatMulNBits", domain="com.microsoft")
def mat_mul_n_bits(node: OnnxNode) -> None:
    """x (…, K) times weights (N, K) of 2, 4 or 8 bits in blocks along K; optional zero-points and bias (N)."""
    k, n = node.attr_int("K", 0), node.attr_int("N", 0)
    bits, block = node.attr_int("bits", 4), node.attr_int("block_size", 0)
    if not (k > 0 and n > 0 and k * n <= TENSOR_ELEMENTS and 0 < block <= TENSOR_ELEMENTS) or bits not in (2, 4, 8):
        raise ModelError(f"K = {k}, N = {n}, {bits} bits in blocks of {block} are no weights", hint=_AGAIN)
    if node.has(4):
        raise ModelError("blocks in an order of their own (g_idx) are not supported", hint="export without reordering")
    blocks = -(-k // block)
    whole = _bits(node, 1, (n, blocks, block), bits, "the weight tensor").reshape(n, -1)[:, :k]
    scales = node.needed(2, "the scales").real()
    if scales.size != n * blocks:
        raise ModelError(f"{scales.size} scales do not fit {n} × {blocks} blocks", hint=_AGAIN)
    zeros: Array = np.full((n, blocks), 1 << (bits - 1), np.int64)
    if node.has(3):
        given = node.needed(3, "the zero points").data
        zeros = given if given.dtype.kind == "f" else _bits(node, 3, (n, blocks), bits, "the zero points")
        if zeros.size != n * blocks or np.any(zeros != np.rint(zeros)):
            raise ModelError("zero points between integers, or of another number than scales", hint="round them")
    name = node.needed(1, "the weight tensor").name
    weights = dequantized_blocks(
        node, Constant(name, whole), scales.reshape(n, blocks), zeros.reshape(n, blocks), 1, block, bits
    )
    bias = node.store("bias", node.reals(5, "the bias").reshape(n).astype(np.float32)) if node.has(5) else None
    node.result(fully_connected(node, node.value(0), weights, bias))
