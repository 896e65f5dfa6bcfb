"""Weights and multipliers of the x86 kernels, unpacked again."""

from __future__ import annotations

import numpy as np
import pytest

from edgeq.ir.tensor import Array
from edgeq.kernels._shared.site import padded
from edgeq.kernels.x86.depthwise import block_of, pack_taps, step_channels
from edgeq.kernels.x86.isa import BYTES, VECTORS, Vectors
from edgeq.kernels.x86.pack import pack_parts, pack_steps, pair_order, parts_of, right_shift, takes_multiplier
from edgeq.numerics.fixedpoint import Rounding, quantize_multiplier

BY_NAME = pytest.mark.parametrize("vectors", VECTORS, ids=lambda v: v.name)


def weights_of(shape: tuple[int, ...]) -> Array:
    return np.random.default_rng(sum(shape)).integers(-127, 128, shape).astype(np.int8)


@BY_NAME
@pytest.mark.parametrize("shape", [(1, 1), (7, 4), (8, 5), (16, 9), (17, 33), (40, 48)])
def test_steps(vectors: Vectors, shape: tuple[int, int]) -> None:
    """Read as the kernels read them: a vector of channels after another, a step of each channel."""
    weights = weights_of(shape)
    channels, depth = padded(shape[0], vectors.lanes), padded(shape[1], vectors.step)
    packed = pack_steps(weights, vectors)
    assert packed.size == channels * depth
    found = np.zeros((channels + 1, depth), np.int8)  # the last row is for lanes without a channel
    values, order = iter(packed.tolist()), pair_order(shape[0], vectors)
    for c in range(0, channels, vectors.lanes):
        for k in range(0, depth, vectors.step):
            for lane in range(vectors.lanes):
                found[order[c + lane], k : k + vectors.step] = [next(values) for _ in range(vectors.step)]
    np.testing.assert_array_equal(found[: shape[0], : shape[1]], weights)
    assert not found[shape[0] :].any() and not found[:, shape[1] :].any()


def test_no_pair_of_a_part_leaves_16_bits() -> None:
    """Of all pairs of weights: 255 times those of one sign is what the instruction adds in 16 bits."""
    every = np.stack(np.meshgrid(np.arange(-128, 128), np.arange(-128, 128)), axis=-1).reshape(1, -1).astype(np.int8)
    first, rest = parts_of(every)
    np.testing.assert_array_equal(first.astype(int) + rest, every)
    for part in (first, rest):
        pairs = part.reshape(-1, 2).astype(int) * 255
        assert np.maximum(pairs, 0).sum(axis=1).max() <= 32767 and np.minimum(pairs, 0).sum(axis=1).min() >= -32768


@pytest.mark.parametrize("shape", [(1, 4), (8, 8), (16, 12), (17, 32), (40, 48)])
def test_steps_in_two_parts(shape: tuple[int, int]) -> None:
    """Every pair of vectors adds up to the weights, at the offsets that its steps have."""
    weights, offsets = weights_of(shape), np.arange(0, shape[1], BYTES.step, dtype=np.int32)
    packed, steps, strips = pack_parts(weights, offsets, BYTES)
    order, found = pair_order(shape[0], BYTES), np.zeros((shape[0] + 1, shape[1]), np.int64)
    values, lanes = iter(packed.tolist()), BYTES.lanes
    for pair, (begin, count) in enumerate(strips.reshape(-1, 2)):
        for c in range(pair * 2 * lanes, min((pair + 1) * 2 * lanes, len(order)), lanes):
            for at in steps[begin : begin + count]:
                for lane in range(lanes):
                    found[order[c + lane], at : at + 4] += [next(values) for _ in range(4)]
    np.testing.assert_array_equal(found[:-1], weights)
    assert next(values, None) is None and strips[0] == 0 and strips[-2] + strips[-1] == len(steps)


def interleaved(vectors: Vectors, block: Array) -> Array:
    """Vectors of sums as instructions pack them into bytes: four of each within every 128 bits."""
    return block.reshape(vectors.step, -1, 4).transpose(1, 0, 2).ravel()


@BY_NAME
@pytest.mark.parametrize("channels", [1, 8, 16, 19, 40, 65])
def test_packing_restores_the_order_of_channels(vectors: Vectors, channels: int) -> None:
    blocks = step_channels(channels, False, vectors).reshape(-1, block_of(vectors))
    found = np.concatenate([interleaved(vectors, block) for block in blocks])
    np.testing.assert_array_equal(found[:channels], np.arange(channels))
    assert (found[channels:] == -1).all()


@BY_NAME
@pytest.mark.parametrize("channels", [1, 8, 24, 32])
def test_joined_pixels_repeat_their_channels(vectors: Vectors, channels: int) -> None:
    blocks = step_channels(channels, True, vectors).reshape(-1, block_of(vectors))
    found = np.concatenate([interleaved(vectors, block) for block in blocks])
    np.testing.assert_array_equal(found, np.tile(np.arange(channels), len(found) // channels))


@BY_NAME
@pytest.mark.parametrize("shape", [(3, 3, 16), (2, 5, 7), (1, 1, 33), (5, 2, 40)])
def test_taps(vectors: Vectors, shape: tuple[int, int, int]) -> None:
    """The taps of every element of a block, a group of them after another."""
    weights, order = weights_of(shape), step_channels(shape[2], False, vectors)
    element = np.int8 if vectors.unsigned else np.int16
    packed = pack_taps(weights, order, vectors).view(element)
    packed = packed.reshape(len(order) // block_of(vectors), -1, block_of(vectors), vectors.step)
    taps = shape[0] * shape[1]
    for position, channel in enumerate(order):
        block, lane = divmod(position, block_of(vectors))
        found = packed[block, :, lane].ravel()
        expected = weights[:, :, channel].ravel() if channel >= 0 else np.zeros(taps)
        np.testing.assert_array_equal(found[:taps], expected)
        assert not found[taps:].any()


@BY_NAME
def test_pairs_of_vectors(vectors: Vectors) -> None:
    """Packed as instructions do it, two vectors have their channels in order; one that is left has them already."""
    pair = 2 * vectors.lanes
    assert pair_order(3, vectors).tolist() == [0, 1, 2, *[-1] * (vectors.lanes - 3)]
    order = pair_order(pair + 5, vectors)
    packed = order[:pair].reshape(2, -1, 4).transpose(1, 0, 2).ravel()
    assert packed.tolist() == list(range(pair))
    assert order[pair:].tolist() == [*range(pair, pair + 5), *[-1] * (vectors.lanes - 5)]


@pytest.mark.parametrize(
    ("factor", "rounding", "taken", "shift"),
    [
        (0.9, Rounding.FAST, True, 0),
        (1.5, Rounding.FAST, False, 0),
        (0.2, Rounding.SINGLE, True, 1),
        (0.3, Rounding.SINGLE, False, 0),
        (0.3, Rounding.DOUBLE, True, 1),
        (0.6, Rounding.DOUBLE, False, 0),
        (2.0**-30, Rounding.DOUBLE, True, 29),
        (2.0**-32, Rounding.DOUBLE, False, 31),
    ],
)
def test_multipliers(factor: float, rounding: Rounding, taken: bool, shift: int) -> None:
    multiplier = quantize_multiplier(np.array([factor]), rounding)
    assert takes_multiplier(multiplier, rounding) == taken
    if rounding is not Rounding.FAST:
        assert right_shift(multiplier, rounding).tolist() == [shift]
