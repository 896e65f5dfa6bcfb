"""Which layers can have other bits, and what their weights take then."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from edgeq.api.searching.problem import Problem
from edgeq.ir.tensor import DType, TensorType
from edgeq.quantize.config import QuantConfig
from edgeq.quantize.operands import WEIGHT_TYPES, weight_type
from edgeq.search.space import Bits


def narrowable(problem: Problem, config: QuantConfig, kinds: Sequence[Bits]) -> dict[str, dict[int | str, int]]:
    """By layer whose weights can have fewer bits, and number of bits, what the weights take, in bits."""
    narrow = problem.quantized(replace(config, weight_bits=4, rounding=None)).graph
    found: dict[str, dict[int | str, int]] = {}
    for node in narrow.nodes:
        shapes = [
            narrow.type(name).shape
            for name in node.inputs
            if name is not None and narrow.data(name) is not None and narrow.type(name).dtype.bits < 8
        ]
        if not shapes:
            continue
        found[node.name] = {
            bits: 8 * sum(TensorType(shape, WEIGHT_TYPES[bits]).nbytes for shape in shapes)
            for bits in dict.fromkeys(kind.weight_bits for kind in kinds)
            if bits == 8 or weight_type(node, replace(config, weight_bits=bits)) is not DType.INT8
        }
    return found


def widenable(problem: Problem, config: QuantConfig) -> tuple[str, ...]:
    """The inputs and layers whose outputs can have 16 bits."""
    wide = problem.quantized(replace(config, activation_bits=16)).graph
    names = [name for name in wide.inputs if wide.type(name).dtype is DType.INT16]
    return (*names, *(node.name for node in wide.nodes if wide.type(node.outputs[0]).dtype is DType.INT16))


def bits_taken(weight_bits: int | str) -> float:
    """Bits of a weight, on average, in a large tensor."""
    return TensorType((1 << 20,), WEIGHT_TYPES[weight_bits]).nbytes * 8 / (1 << 20)


def weights_of(layers: Mapping[str, Mapping[int | str, int]]) -> float:
    """How many weights layers have together, as their sizes tell."""
    return sum(next(iter(sizes.values())) / bits_taken(next(iter(sizes))) for sizes in layers.values())


def count(sizes: Mapping[int | str, int] | None) -> int:
    """How many weights take these sizes."""
    if not sizes:
        return 0
    bits, size = next(iter(sizes.items()))
    return round(size / bits_taken(bits))
