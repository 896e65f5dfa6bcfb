"""What layers get from Espressif's ESP-NN, which of them, and how much scratch memory."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from small_net import Q, small_net

from edgeq.codegen import lower, render
from edgeq.codegen.manifest import make_manifest
from edgeq.ir.graph import GraphEditor
from edgeq.ir.op import Op
from edgeq.ir.site import Site
from edgeq.ir.tensor import DType, QParams, TensorType
from edgeq.kernels.choice import Wanted
from edgeq.kernels.esp_nn.windows import Window, conv_bytes, depthwise_bytes, fits_window
from edgeq.numerics.fixedpoint import Numerics
from edgeq.ops.average_pool2d import AveragePool2D
from edgeq.ops.conv2d import Conv2D
from edgeq.ops.depthwise_conv2d import DepthwiseConv2D
from edgeq.ops.fully_connected import FullyConnected
from edgeq.ops.max_pool2d import MaxPool2D
from edgeq.ops.softmax import OUTPUT, Softmax
from edgeq.target import load_target

SAME = (1, 1, 1, 1)
X = QParams.per_tensor(0.05, 7)


def site(op: Op, *shapes: tuple[int, ...], weight_zero: int = 0, bias: int = 99, out: QParams = Q) -> Site:
    """A site under TFLM; of several shapes, those after the first are weights and bias."""
    edit = GraphEditor("one")
    edit.numerics = Numerics.TFLM
    names = [edit.input("x", TensorType(shapes[0], DType.INT8, X))]
    rng = np.random.default_rng(3)
    for k, shape in enumerate(shapes[1:]):
        data = rng.integers(-99, 99, shape).astype(np.int8) if k == 0 else np.full(shape, bias, np.int32)
        q = QParams.per_tensor(0.01, weight_zero) if k == 0 else QParams.per_tensor(0.0005, 0)
        names.append(edit.constant(f"c{k}", data, q))
    edit.outputs = list(edit.add(op, names, "node", types=[TensorType(op.out_shapes(shapes)[0], DType.INT8, out)]))
    graph = edit.finish()
    return graph.site(graph.nodes[0])


def function(made: Site) -> str:
    """What a program that asks for the library calls."""
    found = Wanted(library="esp-nn").choose(made)
    assert found is not None
    return found.function


def test_what_is_taken() -> None:
    pixels = (1, 6, 6, 4)
    made = site(Conv2D(padding=SAME), pixels, (8, 3, 3, 4), (8,))
    assert function(made) == "eq_conv2d_esp_nn"
    assert function(replace(made, numerics=Numerics.FAST)) != function(made)
    own = Wanted().choose(made)
    assert own is not None and own.library == "edgeq"
    taken = {
        "eq_conv2d_esp_nn": site(Conv2D(stride=(2, 2), padding=(0, 0, 1, 1)), pixels, (8, 3, 3, 4)),
        "eq_depthwise_conv2d_esp_nn": site(DepthwiseConv2D(padding=SAME), pixels, (3, 3, 8)),
        "eq_fully_connected_esp_nn": site(FullyConnected(), (1, 12), (5, 12)),
        "eq_max_pool2d_esp_nn": site(MaxPool2D((2, 2)), pixels),
        "eq_average_pool2d_esp_nn": site(AveragePool2D((3, 3), padding=SAME), pixels),
        "eq_softmax_esp_nn": site(Softmax(1), (1, 511), out=OUTPUT),
    }
    assert {name: function(made) for name, made in taken.items()} == {name: name for name in taken}
    left = [
        site(Conv2D(), pixels, (8, 3, 3, 4), weight_zero=3),
        site(Conv2D(dilation=(2, 2)), pixels, (8, 3, 3, 4)),
        site(Conv2D(groups=2), pixels, (8, 3, 3, 2)),
        site(Conv2D(padding=(1, 1, 0, 0)), pixels, (8, 3, 3, 4)),
        site(Conv2D(padding=SAME), pixels, (8, 1, 1, 4)),
        site(Conv2D(), pixels, (8, 3, 3, 4), (8,), bias=2**30),
        site(DepthwiseConv2D(padding=(2, 2, 3, 3)), pixels, (2, 2, 4)),
        site(MaxPool2D((2, 2), dilation=(2, 2)), pixels),
        site(AveragePool2D((3, 3), padding=SAME, count_include_pad=True), pixels),
        site(Softmax(1), (1, 512), out=OUTPUT),
    ]
    assert [function(made) for made in left if function(made).endswith("esp_nn")] == []


def up(value: int, to: int) -> int:
    return -(-value // to) * to


def conv_of_s3(w: Window) -> int:
    """`esp_nn_get_conv_scratch_size` of release 1.2.3 for ESP32-S3."""
    (h, width), (kh, kw), (top, side) = w.image, w.kernel, w.padding[:2]
    if w.kernel == (1, 1) and not top and not side and w.stride == (1, 1):
        channels = up(w.in_c, 8)
        transposed = 16 * channels if h * width >= 8 else 0
        return (h * width * channels if w.in_c % 8 else 0) + channels * w.out_c + transposed + 64
    taps = kh * kw * w.in_c
    if kw * w.in_c < 16 <= taps:
        return 4 * w.out_c + 32 + (w.out_c + 1) * up(taps, 16) + 64
    padded = (width + 2 * side) * (h + 2 * top) * w.in_c if top or side else 0
    right, below = (max(0, w.out[k] * w.stride[k] + w.kernel[k] - 1 - w.image[k]) for k in (1, 0))
    beyond = (width + right) * (h + below) * w.in_c if right or below else 0
    filters = kh * kw * up(w.in_c, 16) * w.out_c + up(kw * w.in_c, 16) * kh * w.out_c
    return padded + beyond + filters + 4 * w.out_c + 64


def depthwise_of_s3(w: Window) -> int:
    """The most that `esp_nn_get_depthwise_conv_scratch_size` of release 1.2.3 gives for ESP32-S3."""
    (h, width), taps, made = w.image, w.kernel[0] * w.kernel[1], w.out[0] * w.out[1]
    beyond = [max(0, w.out[k] * w.stride[k] + w.kernel[k] - 1 - w.image[k]) + 2 * w.padding[k] for k in (0, 1)]
    of_bytes = up(w.out_c, 16) * (taps + (h + beyond[0]) * (width + beyond[1]) + made) + 64
    words = up(up(2 * taps * up(w.out_c, 8), 16) + 2 * h * width * up(w.out_c, 8), 16)
    return max(of_bytes, up(words + made * up(w.out_c, 8), 16) + 12 * up(w.out_c, 8) + 16)


def test_scratch_is_enough_for_the_chip_that_asks_for_most() -> None:
    rng, tried = np.random.default_rng(4), 0
    for _ in range(3000):
        image, kernel, stride = ((int(rng.integers(1, 12)), int(rng.integers(1, 12))) for _ in range(3))
        top, left = int(rng.integers(0, 3)), int(rng.integers(0, 3))
        pads = (top, left, top + int(rng.integers(0, 2)), left + int(rng.integers(0, 2)))
        out = tuple((image[k] + pads[k] + pads[k + 2] - kernel[k]) // stride[k] + 1 for k in (0, 1))
        channels, made = int(rng.integers(1, 40)), int(rng.integers(1, 40))
        w = Window(image, channels, (out[0], out[1]), made, kernel, stride, pads)
        if min(out) < 1 or not fits_window(w):
            continue
        tried += 1
        assert conv_bytes(w) >= conv_of_s3(w), w
        same = replace(w, out_c=channels)
        assert depthwise_bytes(same) >= depthwise_of_s3(same), same
    assert tried > 300


@pytest.mark.parametrize("library", ["esp-nn", "edgeq"])
def test_generated_code(library: str) -> None:
    target = replace(load_target("host"), isa=frozenset())
    program = lower(small_net(Numerics.TFLM), target, "Net", kernels=library)  # type: ignore[arg-type]
    files = render(program, target)
    called = library == "esp-nn"
    assert program.calls_esp_nn is called and (make_manifest(program, target)["esp_nn"] is None) is not called
    assert ("eq_conv2d_esp_nn(&net_body_params, " in files["src/net.c"]) is called
    assert ("kernels/esp_nn/conv2d.c" in files) is called
    assert any("esp_nn" in text for text in files.values()) is called
