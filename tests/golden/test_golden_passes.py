"""What the passes make of a small NCHW network, word for word.

After an intended change, `python tests/golden/test_golden_passes.py` writes the files anew; look at the difference.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from pass_graphs import IntNet, Net

from edgeq.ir.graph import Graph
from edgeq.ir.text import print_graph
from edgeq.ops.add import Add
from edgeq.ops.clip import Clip
from edgeq.ops.conv2d import Conv2D
from edgeq.ops.fully_connected import FullyConnected
from edgeq.ops.mul import Mul
from edgeq.ops.pad import Pad
from edgeq.ops.reshape import Reshape
from edgeq.ops.transpose import Transpose
from edgeq.passes.pipeline import optimize_float, optimize_integer

FOLDER = Path(__file__).resolve().parent / "passes"
TO_NHWC, TO_NCHW = Transpose((0, 2, 3, 1)), Transpose((0, 3, 1, 2))


def network() -> Graph:
    """Pad, convolution, batch normalization, rectifier, residual sum, flattening: as an importer leaves them."""
    net = Net()

    def conv(source: str, name: str, inner: int, channels: int, kernel: int) -> str:
        y = net.add(TO_NHWC, source, name=f"{name}_nhwc")
        y = net.add(Conv2D(), y, net.const(channels, kernel, kernel, inner), None, name=name)
        y = net.add(TO_NCHW, y, name=f"{name}_nchw")
        y = net.add(Mul(), y, net.const(channels, 1, 1), name=f"{name}_scale")
        return net.add(Add(), y, net.const(channels, 1, 1), name=f"{name}_shift")

    x = net.input("image", 1, 2, 6, 6)
    y = net.add(Pad((0, 0, 1, 1), (0, 0, 1, 1)), x, name="pad")
    first = net.add(Clip(0.0, float("inf")), conv(y, "conv1", 2, 4, 3), name="relu1")
    y = net.add(Add(), conv(first, "conv2", 4, 4, 1), first, name="sum")
    y = net.add(Reshape((1, 144)), net.add(Clip(0.0, 6.0), y, name="relu2"), name="flat")
    return net.finish(net.add(FullyConnected(), y, net.const(3, 144), net.const(3), name="scores"))


def dying() -> Graph:
    """A quantized graph in which a rectifier keeps some channels at zero."""
    net = IntNet()
    x = net.input("image", 1, 6, 6, 2)
    w = net.weights((4, 3, 3, 2), dead=[1, 3])
    op = Conv2D(padding=(1, 1, 1, 1), clamp=(0.0, float("inf")))
    y = net.add(op, x, w, net.bias(x, w, [100, -(10**6), 0, 5000]), name="conv1", scale=0.1, zero=-128)
    v = net.weights((2, 1, 1, 4))
    z = net.add(Conv2D(), y, v, net.bias(y, v, [0, 0]), name="conv2", scale=0.5)
    return net.finish(net.add(Clip(0.0, 6.0), z, name="relu2", scale=0.5))


def texts() -> dict[str, str]:
    imported, quantized = network(), dying()
    graphs = {
        "float_before": imported,
        "float_after": optimize_float(imported),
        "integer_before": quantized,
        "integer_after": optimize_integer(quantized),
    }
    return {f"{name}.txt": print_graph(graph) for name, graph in graphs.items()}


@pytest.fixture(scope="module")
def found() -> dict[str, str]:
    return texts()


@pytest.mark.parametrize("name", [f"{k}_{s}.txt" for k in ("float", "integer") for s in ("before", "after")])
def test_is_as_before(name: str, found: dict[str, str]) -> None:
    assert found[name] == (FOLDER / name).read_text("utf-8")


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, text in texts().items():
        (FOLDER / name).write_text(text, encoding="utf-8", newline="\n")
