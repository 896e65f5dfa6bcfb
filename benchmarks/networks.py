"""Writes larger networks for `benchmarks.host`, with random weights, which cost as much as trained ones.

    python -m benchmarks.networks FOLDER [--only mobilenet_v2,resnet18] [--size 224]

Each is written as NAME_float.onnx and, quantized by onnxruntime, as NAME_qdq_int8.onnx.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper

from benchmarks.cores import listed
from benchmarks.quantize_time import Maker, mobilenet_v2, with_onnxruntime

STAGES = ((64, 1), (128, 2), (256, 2), (512, 2))
"""Channels and first stride of the stages of two blocks each (He et al. 2016, table 1, 18 layers)."""


def resnet18(path: Path, size: int) -> None:
    """Write ResNet-18 for images of `size` rows and columns as ONNX, input `x` (1, 3, size, size)."""
    make = Maker()
    x = make.add("Relu", [make.conv("x", "stem", (64, 3, 7), 2, False, False)], "stem_relu")
    x = make.add("MaxPool", [x], "stem_pool", kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4)
    channels = 64
    for stage, (outputs, first_stride) in enumerate(STAGES):
        for block in range(2):
            stride, name, shortcut = first_stride if block == 0 else 1, f"stage{stage}_{block}", x
            y = make.conv(x, f"{name}_first", (outputs, channels, 3), stride, False, False)
            y = make.add("Relu", [y], f"{name}_first_relu")
            y = make.conv(y, f"{name}_second", (outputs, outputs, 3), 1, False, False)
            if stride != 1 or channels != outputs:
                shortcut = make.conv(x, f"{name}_shortcut", (outputs, channels, 1), stride, False, False)
            x = make.add("Relu", [make.add("Add", [shortcut, y], f"{name}_add")], f"{name}_relu")
            channels = outputs
    x = make.add("Flatten", [make.add("GlobalAveragePool", [x], "pool")], "flat")
    dense = make.constant("dense_weights", make.rng.normal(size=(1000, 512)) * np.sqrt(1.0 / 512))
    make.add("Gemm", [x, dense, make.constant("dense_bias", np.zeros(1000))], "y", transB=1)
    graph = helper.make_graph(
        make.nodes,
        "resnet18",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, size, size])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 1000])],
        make.weights,
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), str(path))


NETWORKS: Mapping[str, Callable[[Path, int], None]] = {"mobilenet_v2": mobilenet_v2, "resnet18": resnet18}


def write(name: str, folder: Path, size: int) -> tuple[Path, Path]:
    """Write a network, float and quantized; returns both paths."""
    model, quantized, samples = (folder / f"{name}{end}" for end in ("_float.onnx", "_qdq_int8.onnx", "_samples.npz"))
    NETWORKS[name](model, size)
    x = np.random.default_rng(1).normal(size=(2, 3, size, size)).astype(np.float32)
    np.savez(samples, x=x)
    with_onnxruntime(model, samples, quantized)
    samples.unlink()
    return model, quantized


def main(arguments: Sequence[str] | None = None) -> int:
    """Write them; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", type=listed(tuple(NETWORKS)), default=tuple(NETWORKS), help="a list (all)")
    parser.add_argument("--size", type=int, default=224, help="rows and columns of the images")
    options = parser.parse_args(arguments)
    options.folder.mkdir(parents=True, exist_ok=True)
    for name in options.only:
        for path in write(name, options.folder, options.size):
            print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
