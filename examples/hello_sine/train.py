"""Train a tiny network on y = sin(x) with NumPy, and write what the example needs.

python train.py            writes hello_sine.onnx, calibration.npz and test.npz beside this file
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

HERE = Path(__file__).resolve().parent
SEED, STEPS, RATE, SIZES = 1, 20000, 5e-3, (1, 16, 16, 1)


def train() -> list[np.ndarray]:
    """Weights and biases of the three layers, by Adam on the squared error over the whole circle."""
    rng = np.random.default_rng(SEED)
    p = []
    for n, m in pairwise(SIZES):
        p += [rng.normal(0, (2 / n) ** 0.5, (n, m)), rng.normal(0, 0.5, m)]
    first, second = [np.zeros_like(v) for v in p], [np.zeros_like(v) for v in p]
    angle = np.linspace(0, 2 * np.pi, 512)[:, None]
    x, y = angle / np.pi - 1, np.sin(angle)  # the network is trained on -1 … 1
    for step in range(1, STEPS + 1):
        a1 = np.maximum(x @ p[0] + p[1], 0)
        a2 = np.maximum(a1 @ p[2] + p[3], 0)
        g3 = 2 * (a2 @ p[4] + p[5] - y) / len(x)
        g2 = (g3 @ p[4].T) * (a2 > 0)
        g1 = (g2 @ p[2].T) * (a1 > 0)
        gradients = [x.T @ g1, g1.sum(0), a1.T @ g2, g2.sum(0), a2.T @ g3, g3.sum(0)]
        rate = RATE * 0.5 * (1 + np.cos(np.pi * step / STEPS))
        for k, d in enumerate(gradients):
            first[k] = 0.9 * first[k] + 0.1 * d
            second[k] = 0.999 * second[k] + 0.001 * d * d
            p[k] -= rate * (first[k] / (1 - 0.9**step)) / (np.sqrt(second[k] / (1 - 0.999**step)) + 1e-8)
    p[1] -= p[0][0]
    p[0] /= np.pi  # from now on it takes the angle itself
    return [v.astype(np.float32) for v in p]


def main() -> None:
    """Train, report the error, write the files."""
    p = train()
    names = ["w1", "b1", "w2", "b2", "w3", "b3"]
    graph = helper.make_graph(
        [
            helper.make_node("Gemm", ["angle", "w1", "b1"], ["d1"], "dense1"),
            helper.make_node("Relu", ["d1"], ["r1"], "relu1"),
            helper.make_node("Gemm", ["r1", "w2", "b2"], ["d2"], "dense2"),
            helper.make_node("Relu", ["d2"], ["r2"], "relu2"),
            helper.make_node("Gemm", ["r2", "w3", "b3"], ["sine"], "dense3"),
        ],
        "hello_sine",
        [helper.make_tensor_value_info("angle", TensorProto.FLOAT, [1, 1])],
        [helper.make_tensor_value_info("sine", TensorProto.FLOAT, [1, 1])],
        [numpy_helper.from_array(v, n) for n, v in zip(names, p, strict=True)],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], producer_name="edgeq examples")
    model.ir_version = 8
    onnx.checker.check_model(model)
    onnx.save(model, HERE / "hello_sine.onnx")
    np.savez_compressed(HERE / "calibration.npz", x=np.linspace(0, 2 * np.pi, 256, dtype=np.float32)[:, None])
    x = np.random.default_rng(5).uniform(0, 2 * np.pi, (500, 1)).astype(np.float32)
    np.savez_compressed(HERE / "test.npz", x=x)
    hidden = np.maximum(np.maximum(x @ p[0] + p[1], 0) @ p[2] + p[3], 0)
    y = hidden @ p[4] + p[5]
    print(f"largest error against sin: {np.abs(y - np.sin(x)).max():.4f}")


if __name__ == "__main__":
    main()
