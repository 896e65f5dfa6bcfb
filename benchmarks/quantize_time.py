"""CPU time of quantizing MobileNetV2, edgeq beside onnxruntime's `quantize_static`: a table in Markdown.

    python benchmarks/quantize_time.py --samples 100

Both read the same ONNX file and the same samples in one run of this program on one CPU core, take the least and
greatest value of every activation, quantize weights per channel, and write a QDQ model. edgeq also evens out channels
and corrects biases. The network has random weights, which cost as much as trained ones, and its batch norms are folded.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper
from threadpoolctl import threadpool_limits

import edgeq.api
from edgeq.exporters.qdq import save_qdq

BLOCKS = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))
"""Expansion, channels, repetitions and stride of the inverted residuals (Sandler et al. 2018, table 2)."""
Floats = npt.NDArray[np.float32]


class Maker:
    """Collects the nodes and weights of a network."""

    def __init__(self) -> None:
        self.rng = np.random.default_rng(0)
        self.nodes: list[Any] = []
        self.weights: list[Any] = []

    def constant(self, name: str, data: Any) -> str:
        self.weights.append(numpy_helper.from_array(np.asarray(data, np.float32), name))
        return name

    def add(self, kind: str, inputs: list[str], output: str, **attributes: Any) -> str:
        self.nodes.append(helper.make_node(kind, inputs, [output], name=output, **attributes))
        return output

    def conv(self, x: str, name: str, shape: tuple[int, int, int], stride: int, relu6: bool, depthwise: bool) -> str:
        """A convolution (output channels, input channels, kernel) with random weights of He's scale."""
        outputs, inputs, kernel = shape
        per_group = 1 if depthwise else inputs
        scale = np.sqrt(2.0 / (per_group * kernel * kernel))
        weights = self.rng.normal(size=(outputs, per_group, kernel, kernel)) * scale
        operands = [
            x,
            self.constant(f"{name}_weights", weights),
            self.constant(f"{name}_bias", self.rng.normal(size=outputs) * 0.1),
        ]
        y = self.add(
            "Conv",
            operands,
            name,
            kernel_shape=[kernel, kernel],
            strides=[stride, stride],
            pads=[kernel // 2] * 4,
            group=outputs if depthwise else 1,
        )
        return self.add("Clip", [y, "zero", "six"], f"{name}_relu6") if relu6 else y


def mobilenet_v2(path: Path, size: int) -> None:
    """Write MobileNetV2 1.0 for images of `size` rows and columns as ONNX, input `x` (1, 3, size, size)."""
    make = Maker()
    make.constant("zero", 0.0)
    make.constant("six", 6.0)
    x, channels, count = make.conv("x", "stem", (32, 3, 3), 2, True, False), 32, 0
    for expansion, outputs, repetitions, first_stride in BLOCKS:
        for repetition in range(repetitions):
            stride, name, wide, y = first_stride if repetition == 0 else 1, f"block{count}", channels * expansion, x
            if expansion > 1:
                y = make.conv(y, f"{name}_expand", (wide, channels, 1), 1, True, False)
            y = make.conv(y, f"{name}_depthwise", (wide, wide, 3), stride, True, True)
            y = make.conv(y, f"{name}_project", (outputs, wide, 1), 1, False, False)
            x = make.add("Add", [x, y], f"{name}_add") if stride == 1 and channels == outputs else y
            channels, count = outputs, count + 1
    x = make.conv(x, "head", (1280, channels, 1), 1, True, False)
    x = make.add("GlobalAveragePool", [x], "pool")
    x = make.add("Flatten", [x], "flat")
    dense = make.constant("dense_weights", make.rng.normal(size=(1000, 1280)) * np.sqrt(1.0 / 1280))
    make.add("Gemm", [x, dense, make.constant("dense_bias", np.zeros(1000))], "y", transB=1)
    graph = helper.make_graph(
        make.nodes,
        "mobilenet_v2",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, size, size])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 1000])],
        make.weights,
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), str(path))


def with_edgeq(model: Path, samples: Path, output: Path) -> None:
    """Quantize with edgeq."""
    save_qdq(edgeq.quantize(model, samples).graph, output)


def with_onnxruntime(model: Path, samples: Path, output: Path) -> None:
    """Quantize with onnxruntime."""
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, quantize_static

    class Reader(CalibrationDataReader):  # type: ignore[misc]
        """Yields one sample after another."""

        def __init__(self) -> None:
            self.rest: Iterator[Floats] = iter(np.load(samples)["x"])

        def get_next(self) -> dict[str, Floats] | None:
            sample = next(self.rest, None)
            return None if sample is None else {"x": sample[None]}

    quantize_static(str(model), str(output), Reader(), quant_format=QuantFormat.QDQ, per_channel=True)


def cpu_seconds(work: Callable[[Path, Path, Path], None], model: Path, samples: Path, output: Path) -> float:
    """CPU time of this process and its threads."""
    begin = time.process_time()
    with threadpool_limits(limits=1):
        work(model, samples, output)
    return time.process_time() - begin


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=100)
    parser.add_argument("--size", type=int, default=224, help="rows and columns of the images")
    arguments = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])  # onnxruntime takes a thread per core that it sees
    import onnxruntime.quantization  # noqa: F401  # what is imported is not timed

    with TemporaryDirectory() as folder:
        model, samples = Path(folder, "model.onnx"), Path(folder, "samples.npz")
        mobilenet_v2(model, arguments.size)
        rng = np.random.default_rng(1)
        shape = (arguments.samples, 3, arguments.size, arguments.size)
        np.savez(samples, x=rng.normal(size=shape).astype(np.float32))
        print(f"| MobileNetV2-{arguments.size}, {arguments.samples} samples | CPU seconds |\n|---|---|")
        for name, work in (("edgeq", with_edgeq), ("onnxruntime", with_onnxruntime)):
            seconds = cpu_seconds(work, model, samples, Path(folder, f"{name}.onnx"))
            print(f"| {name} | {seconds:.1f} |", flush=True)


if __name__ == "__main__":
    main()
