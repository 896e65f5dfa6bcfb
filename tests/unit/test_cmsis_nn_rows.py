"""What layers get from Arm's CMSIS-NN, which of them, and how much scratch memory."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from small_net import Q, small_net

from edgeq.codegen import Program, lower, render
from edgeq.codegen.cmsis_nn import COMMIT, REPOSITORY, TAG
from edgeq.codegen.manifest import make_manifest
from edgeq.ir.graph import GraphEditor
from edgeq.ir.kernel import Kernel
from edgeq.ir.op import Op
from edgeq.ir.site import Site
from edgeq.ir.tensor import DType, QParams, TensorType
from edgeq.kernels import rows
from edgeq.kernels.choice import Wanted
from edgeq.kernels.cmsis_nn.convolutions import Window, conv_bytes, depthwise_bytes
from edgeq.kernels.cmsis_nn.library import Variant
from edgeq.numerics.fixedpoint import Numerics
from edgeq.ops.average_pool2d import AveragePool2D
from edgeq.ops.conv2d import Conv2D
from edgeq.ops.depthwise_conv2d import DepthwiseConv2D
from edgeq.ops.fully_connected import FullyConnected
from edgeq.ops.max_pool2d import MaxPool2D
from edgeq.ops.softmax import OUTPUT, Softmax
from edgeq.target import load_target

PLAIN, DSP, MVE = (load_target(core).isa for core in ("cortex-m0plus", "cortex-m4", "cortex-m55"))
SAME = (1, 1, 1, 1)
X = QParams.per_tensor(0.05, 7)


def window(kernel: int, channels: int, out_c: int, size: int = 8, padding: int = 0, stride: int = 1) -> Window:
    """A square window on a square image."""
    out = (size + 2 * padding - kernel) // stride + 1
    pads = (padding,) * 4
    return Window(
        1, (size, size), channels, (out, out), out_c, (kernel, kernel), (stride, stride), (1, 1), pads, groups=1
    )


def row(width: int, kernel: int, channels: int, left: int, right: int, stride: int = 1) -> Window:
    """A window on one row of pixels."""
    out = (width + left + right - kernel) // stride + 1
    geometry = ((1, out), 5, (1, kernel), (1, stride), (1, 1), (0, left, 0, right))
    return Window(1, (1, width), channels, *geometry, groups=1)


@pytest.mark.parametrize(
    ("made", "plain", "dsp", "mve"),
    [
        (window(1, 64, 64), 0, 0, 0),
        (window(3, 16, 32, padding=1), 576, 576, 576),  # two columns of 144 int16; four of 144 bytes
        (window(3, 3, 8, padding=1, stride=2), 112, 112, 128),  # 27 up to 28; up to 32
        (row(20, 3, 4, 1, 1), 48, 48, 16),  # a window and its padding
        (row(20, 4, 4, 1, 2), 64, 64, 20),
        (row(3, 3, 4, 2, 2), 48, 48, 20),
        (row(1, 3, 4, 1, 1), 48, 48, 64),  # the ends are more than the row: windows are gathered
        (row(20, 3, 3, 1, 1), 48, 48, 64),  # pixels that are no words
    ],
)
def test_scratch_of_convolutions(made: Window, plain: int, dsp: int, mve: int) -> None:
    assert [conv_bytes(made, v) for v in (Variant.PLAIN, Variant.DSP, Variant.MVE)] == [plain, dsp, mve]


@pytest.mark.parametrize(
    ("made", "plain", "dsp", "mve"),
    [
        (window(3, 64, 64, padding=1), 0, 0, 4464),  # four windows of 124 channels
        (window(3, 64, 64, padding=2), 0, 1152, 4464),  # the 3×3 function takes one pixel of padding
        (window(5, 6, 6, padding=2), 0, 300, 12400),
        (window(3, 4, 8, padding=1), 0, 0, 0),
        (window(3, 1, 8, padding=1), 0, 0, 136),  # an ordinary convolution, and its weights
        (replace(window(3, 4, 4, padding=1), batch=2), 0, 0, 0),
    ],
)
def test_scratch_of_depthwise_convolutions(made: Window, plain: int, dsp: int, mve: int) -> None:
    assert [depthwise_bytes(made, v) for v in (Variant.PLAIN, Variant.DSP, Variant.MVE)] == [plain, dsp, mve]


def site(op: Op, *shapes: tuple[int, ...], scales: int = 1, weight_zero: int = 0, out: QParams = Q) -> Site:
    """A site under TFLM; of several shapes, those after the first are weights and bias."""
    edit = GraphEditor("one")
    edit.numerics = Numerics.TFLM
    names = [edit.input("x", TensorType(shapes[0], DType.INT8, X))]
    rng = np.random.default_rng(3)
    for k, shape in enumerate(shapes[1:]):
        q = QParams.per_channel(np.linspace(0.01, 0.02, scales), weight_zero, 0)
        if scales == 1:
            q = QParams.per_tensor(0.01, weight_zero)
        data = rng.integers(-99, 99, shape).astype((np.int8, np.int32)[k])
        names.append(edit.constant(f"c{k}", data, q if k == 0 else QParams.per_tensor(0.0005, 0)))
    y = op.out_shapes(shapes)[0]
    edit.outputs = list(edit.add(op, names, "node", types=[TensorType(y, DType.INT8, out)]))
    graph = edit.finish()
    return graph.site(graph.nodes[0])


def chosen(isa: frozenset[str], made: Site) -> Kernel:
    """The kernel of a program that asks for the library."""
    found = Wanted(isa, library="cmsis-nn").choose(made)
    assert found is not None
    return found


def names(made: Site) -> list[str]:
    """Whose kernel is taken, on the three kinds of cores."""
    return [chosen(isa, made).library for isa in (PLAIN, DSP, MVE)]


LIBRARY, OWN = ["cmsis-nn"] * 3, ["edgeq"] * 3


def test_only_under_tflm_and_on_request() -> None:
    made = site(Conv2D(padding=SAME), (1, 6, 6, 4), (8, 3, 3, 4), (8,))
    assert names(made) == LIBRARY
    for numerics in (Numerics.FAST, Numerics.TFLITE):
        assert names(replace(made, numerics=numerics)) == OWN
    own = Wanted(DSP).choose(made)
    assert own is not None and own.library == "edgeq"


@pytest.mark.parametrize("isa", [PLAIN, DSP, MVE])
def test_one_row_for_each_core(isa: frozenset[str]) -> None:
    """Where two rows ran on one core, the wrong one's scratch memory could be taken."""
    for op in (Conv2D, DepthwiseConv2D, AveragePool2D, MaxPool2D, Softmax):
        assert len([k for k in rows(op) if k.library == "cmsis-nn" and k.runs_on(isa)]) == 1


def test_left_to_edgeq() -> None:
    """What the library refuses or computes otherwise."""
    only_helium, not_helium = ["edgeq", "edgeq", "cmsis-nn"], ["cmsis-nn", "cmsis-nn", "edgeq"]
    pixels, weights = (1, 6, 6, 4), (8, 1, 1, 4)
    assert names(site(Conv2D(), pixels, weights, weight_zero=3)) == OWN
    assert names(site(Conv2D(padding=(0, 0, 1, 0)), pixels, weights)) == OWN
    assert names(site(Conv2D(groups=2), pixels, (8, 1, 1, 2))) == OWN
    assert names(site(Conv2D(groups=2), pixels, (8, 3, 3, 2))) == LIBRARY
    assert names(site(Conv2D(dilation=(2, 2)), pixels, (8, 3, 3, 4))) == LIBRARY
    assert names(site(Conv2D(stride=(1, 2)), (1, 1, 8, 4), (8, 1, 3, 4))) == not_helium
    assert names(site(DepthwiseConv2D(padding=(1, 1, 2, 2)), pixels, (3, 3, 4))) == only_helium
    assert names(site(DepthwiseConv2D(padding=(3, 0, 0, 0)), pixels, (3, 1, 4))) == OWN
    assert names(site(MaxPool2D((2, 2), dilation=(2, 2)), pixels)) == OWN
    assert names(site(AveragePool2D((3, 3), padding=SAME, count_include_pad=True), pixels)) == OWN
    assert names(site(AveragePool2D((3, 3), padding=SAME), pixels)) == LIBRARY
    assert names(site(FullyConnected(), (1, 12), (5, 12), scales=5)) == LIBRARY
    assert names(site(FullyConnected(), (1, 12), (5, 12))) == LIBRARY
    assert names(site(Softmax(1), (1, 511), out=OUTPUT)) == LIBRARY
    assert names(site(Softmax(1), (1, 512), out=OUTPUT)) == OWN


def test_parameters() -> None:
    made = site(Conv2D(padding=SAME, clamp=(0.0, 6.0)), (1, 6, 6, 4), (8, 3, 3, 4), (8,), scales=8)
    params = chosen(DSP, made).lower(made)
    assert np.array_equal(params["weights"], made.const(1))
    assert np.array_equal(params["bias"], made.const(2))  # the input's zero-point is not folded in
    assert (params["input_offset"], params["zero_point"], params["scratch_bytes"]) == (-7, Q.zp, 144)
    shift, multiplier = (np.asarray(params[k]).astype(np.float64) for k in ("shift", "multiplier"))
    factors = 0.05 * np.linspace(0.01, 0.02, 8) / Q.s
    assert np.allclose(multiplier / 2.0**31 * 2.0**shift, factors, rtol=1e-8)


def test_whole_vectors_on_helium() -> None:
    """The library reads four channels at a time, so as many have to be there."""
    made = site(DepthwiseConv2D(), (1, 6, 6, 5), (3, 3, 5), (5,))
    plain, helium = (chosen(isa, made).lower(made) for isa in (PLAIN, MVE))
    for key, length in (("weights", 45), ("bias", 5), ("multiplier", 5), ("shift", 5)):
        short, whole = np.ravel(plain[key]), np.ravel(helium[key])
        assert (short.size, whole.size) == (length, length + 3)
        assert np.array_equal(whole[:length], short) and not whole[length:].any()


def test_sums_on_helium() -> None:
    made = site(FullyConnected(), (1, 12), (5, 12), (5,))
    plain, helium = (chosen(isa, made).lower(made) for isa in (PLAIN, MVE))
    assert np.array_equal(plain["bias"], made.const(2)) and plain["sums"] == 0
    expected = made.const(2) - 7 * made.const(1).astype(np.int64).sum(axis=1)
    assert np.array_equal(helium["sums"], expected) and helium["bias"] == 0
    assert np.size(plain["multiplier"]) == np.size(plain["shift"]) == 1


@pytest.fixture(scope="module")
def program() -> Program:
    return lower(small_net(Numerics.TFLM), load_target("cortex-m4"), "Net", kernels="cmsis-nn")


def test_generated_folder(program: Program) -> None:
    target = load_target("cortex-m4")
    files = render(program, target)
    assert program.calls_cmsis_nn and program.kernels == "cmsis-nn"
    assert make_manifest(program, target)["cmsis_nn"] == TAG.removeprefix("v")
    cmake = files["CMakeLists.txt"]
    assert REPOSITORY in cmake and f"GIT_TAG {COMMIT} # {TAG}" in cmake and "set(CMSIS_NN_ROOT" in cmake
    assert "eq_conv2d_cmsis_nn(&net_body_params, " in files["src/net.c"]
    assert {"kernels/cmsis_nn/conv2d.c", "kernels/cmsis_nn/convert.h", "kernels/include/eq/conv_cmsis_nn.h"} <= set(
        files
    )
    assert not any("arm_" in name for name in files)
    assert "*lib*_cmsis_nn.a:*" in files["platform/link.ld"]


def test_no_trace_of_it_elsewhere() -> None:
    target = load_target("cortex-m4")
    program = lower(small_net(Numerics.TFLM), target, "Net")
    files = render(program, target)
    assert not any("cmsis" in text.lower() for text in files.values())
    assert make_manifest(program, target)["cmsis_nn"] is None
