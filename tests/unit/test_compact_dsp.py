"""The kernels of `--optimize size` on cores with the DSP extension: packed weights, and when they are chosen."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from edgeq.ir.kernel import Goal
from edgeq.ir.op import Op
from edgeq.ir.site import Site
from edgeq.ir.tensor import DType, QParams, TensorType
from edgeq.kernels.choice import Wanted
from edgeq.kernels.dsp.compact import windows
from edgeq.kernels.dsp.depthwise_3x3 import rows_compact
from edgeq.kernels.dsp.pack import channel_groups, pack_weights
from edgeq.numerics.fixedpoint import Numerics
from edgeq.ops.conv2d import Conv2D
from edgeq.ops.depthwise_conv2d import DepthwiseConv2D
from edgeq.ops.fully_connected import FullyConnected, multiplier
from edgeq.ops.mean import Mean
from edgeq.target import load_target

ISA = load_target("cortex-m4").isa
SAME = (1, 1, 1, 1)


def site(
    op: Op, x: tuple[int, ...], w: tuple[int, ...], axis: int = 0, numerics: Numerics = Numerics.FAST, least: int = -127
) -> Site:
    """A site whose factors are far below 1/2."""
    weights = np.random.default_rng(5).integers(-127, 128, w).astype(np.int8)
    weights.flat[-1] = least
    count = w[axis]
    (y,) = op.out_shapes((x, w, (count,)))
    return Site(
        "node",
        op,
        (
            TensorType(x, DType.INT8, QParams.per_tensor(0.25, 3)),
            TensorType(w, DType.INT8, QParams.per_channel(np.linspace(0.1, 0.2, count), 0, axis)),
            TensorType((count,), DType.INT32, QParams.per_channel(np.linspace(0.025, 0.05, count), 0, 0)),
        ),
        (TensorType(y, DType.INT8, QParams.per_tensor(8.0, -5)),),
        (None, weights, np.zeros(count, np.int32)),
        numerics,
    )


def chosen(site: Site, goal: Goal) -> str:
    kernel = Wanted(ISA, goal).choose(site)
    assert kernel is not None
    return kernel.function


@pytest.mark.parametrize("mixed", [False, True])
@pytest.mark.parametrize("size", [2, 4])
@pytest.mark.parametrize("shape", [(4, 4), (5, 7), (6, 18), (11, 3)])
def test_unpacked_weights_are_the_same(shape: tuple[int, int], size: int, mixed: bool) -> None:
    weights = np.random.default_rng(sum(shape)).integers(-127, 128, shape).astype(np.int8)
    groups, fours = channel_groups(shape[0], size), -(-shape[1] // 4)
    words = pack_weights(weights, size, mixed).astype("<i4").reshape(len(groups), fours, 2, size // 2)
    halves = words[..., None].view("<i2").astype(np.int64)  # group, four, (0 2) or (1 3), pair of channels, half
    first = halves.astype(np.int8).astype(np.int64)
    second = (halves - first) >> 8 if mixed else halves >> 8
    both = np.stack([first, second], axis=4)
    unpacked = both.transpose(0, 3, 4, 1, 5, 2).reshape(len(groups), size, 4 * fours)
    for group, found in zip(groups, unpacked, strict=True):
        np.testing.assert_array_equal(found[:, : shape[1]], weights[group : group + size])
        assert not found[:, shape[1] :].any()


def test_chosen_for_size_only() -> None:
    conv = site(Conv2D(padding=SAME), (1, 6, 6, 8), (4, 3, 3, 8))
    assert chosen(conv, "size") == "eq_compact_conv2d_dsp_mixed"
    assert chosen(conv, "balanced") == chosen(conv, "speed") == "eq_conv2d_dsp_mixed"
    pointwise = site(Conv2D(), (1, 6, 6, 8), (4, 1, 1, 8))
    assert chosen(pointwise, "size") == "eq_compact_pointwise_dsp_mixed"
    assert chosen(pointwise, "balanced") == "eq_pointwise_dsp_mixed"
    depthwise = site(DepthwiseConv2D((2, 2), padding=SAME), (1, 6, 6, 8), (3, 3, 8), 2)
    assert chosen(depthwise, "size") == "eq_compact_depthwise_conv2d_dsp"
    assert chosen(depthwise, "balanced") == "eq_depthwise_conv2d_3x3_stride2_dsp_packed"


def test_short_rows_share_the_kernels_of_convolutions() -> None:
    short, long = (site(FullyConnected(), (1, 128), (count, 128)) for count in (7, 20))
    assert chosen(short, "size") == "eq_compact_pointwise_dsp_mixed"
    assert chosen(short, "balanced") == chosen(short, "speed") == "eq_fully_connected_dsp_mixed"
    assert chosen(long, "size") == "eq_compact_fully_connected_dsp_mixed"
    assert chosen(long, "balanced") == chosen(long, "speed") == "eq_fully_connected_dsp_mixed"


def test_weights_that_cannot_be_mixed_are_plain() -> None:
    """A channel that mixing would negate: its factor would have a sign."""
    conv = site(Conv2D(), (1, 6, 6, 8), (4, 1, 1, 8), least=-128)
    assert chosen(conv, "size") == "eq_compact_pointwise_dsp_plain"
    assert chosen(conv, "balanced") == "eq_pointwise_dsp_mixed"


def test_factors_of_one_and_more() -> None:
    """Sums of few bits have room to be shifted; entries have a byte more then. Octaves have no room for so many."""
    plain = site(FullyConnected(), (1, 128), (24, 128))
    weights = np.clip(np.asarray(plain.consts[1]), -8, 7)
    narrow = replace(plain.inputs[1], dtype=DType.INT4)
    for output, function, bytes_before in (
        (8.0, "eq_compact_fully_connected_dsp_int4", 0),
        (0.03, "eq_compact_fully_connected_dsp_int4", 1),
        (0.001, "eq_pointwise_int4_dsp", 0),
    ):
        y = replace(plain.outputs[0], q=QParams.per_tensor(output, -5))
        steep = replace(
            plain,
            inputs=(plain.inputs[0], narrow, plain.inputs[2]),
            outputs=(y,),
            consts=(None, weights, plain.consts[2]),
        )
        assert chosen(steep, "size") == function
        if function.startswith("eq_compact"):
            kernel = Wanted(ISA, "size").choose(steep)
            assert kernel is not None
            members = kernel.lower(steep)
            entries = np.asarray(members["gemm.entries"])
            assert members["gemm.shifted"] == bytes_before
            assert entries.shape[1] == members["gemm.entry.bytes"] + bytes_before
            if bytes_before:
                np.testing.assert_array_equal(entries[:, 0], multiplier(steep).shift)


def test_other_roundings_take_one_kernel_for_all_windows() -> None:
    for kernel in (1, 3):
        conv = site(Conv2D(), (1, 6, 6, 8), (4, kernel, kernel, 8), numerics=Numerics.TFLM)
        assert chosen(conv, "size") == "eq_conv2d_dsp"


def test_one_channel_is_no_pair() -> None:
    assert chosen(site(Conv2D(), (1, 6, 6, 8), (1, 1, 1, 8)), "size") == "eq_conv2d_dsp_mixed"


def test_members_that_do_not_fit_the_struct_are_refused() -> None:
    assert not windows(site(Conv2D(), (1, 1, 40000, 2), (2, 1, 2, 2))).is_small
    assert not windows(site(Conv2D(stride=(1, 128)), (1, 1, 400, 2), (2, 1, 2, 2))).is_small
    assert windows(site(Conv2D(), (1, 1, 4000, 2), (2, 1, 2, 2))).is_small


def test_rows_of_windows_are_filled_up() -> None:
    found = windows(site(Conv2D(), (1, 9, 9, 3), (4, 3, 3, 3)))
    assert (found.row, found.k, found.apart) == (9, 36, False)
    assert windows(site(Conv2D(padding=SAME), (1, 9, 9, 3), (4, 3, 3, 3))).apart


def test_depthwise_in_place() -> None:
    def depthwise(x: tuple[int, ...], stride: int, padding: tuple[int, int, int, int]) -> Site:
        return site(DepthwiseConv2D((stride, stride), padding=padding), x, (3, 3, x[3]), 2)

    row = rows_compact()[0]
    assert row.exactly(depthwise((1, 8, 8, 4), 1, SAME)) == (0, None, None)
    assert row.exactly(depthwise((1, 8, 8, 24), 2, (0, 0, 1, 1))) == (0, None, None)
    assert row.exactly(depthwise((1, 8, 8, 4), 1, (2, 2, 2, 2))) != (0, None, None)
    assert row.overlap(depthwise((1, 8, 8, 4), 1, SAME)) <= (0, None, None)


def test_mean() -> None:
    x, y = (TensorType(shape, DType.INT8, QParams.per_tensor(0.5, 3)) for shape in ((1, 5, 5, 8), (1, 8)))
    for numerics, goal, function in (
        (Numerics.FAST, "size", "eq_compact_mean_dsp"),
        (Numerics.FAST, "balanced", "eq_mean_dsp"),
        (Numerics.TFLM, "size", "eq_mean_dsp"),
    ):
        assert chosen(Site("mean", Mean((1, 2)), (x,), (y,), (None,), numerics), goal) == function  # type: ignore[arg-type]
