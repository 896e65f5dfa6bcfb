"""Train a small CNN on scikit-learn's digits with NumPy alone, and write what the example needs.

    python train.py            writes digits.onnx, calibration.npz and test.npz beside this file

The network: 8x8 gray images 0…16 → conv 3x3 (12) → depthwise 3x3 → conv 1x1 (24) → max pool → conv 3x3 (32) →
mean → dense 10.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from sklearn.datasets import load_digits

HERE = Path(__file__).resolve().parent
EPOCHS, BATCH, RATE = 90, 32, 3e-3
Params = dict[str, np.ndarray]


def patches(x: np.ndarray) -> np.ndarray:
    """All 3x3 neighbourhoods of x (N, H, W, C), zero padded: (N, H, W, 3, 3, C)."""
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    view = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), (1, 2))
    return view.transpose(0, 1, 2, 4, 5, 3)


def scatter(g: np.ndarray) -> np.ndarray:
    """The adjoint of `patches`: (N, H, W, 3, 3, C) → (N, H, W, C)."""
    n, h, w, _, _, c = g.shape
    out = np.zeros((n, h + 2, w + 2, c), g.dtype)
    for i in range(3):
        for j in range(3):
            out[:, i : i + h, j : j + w] += g[:, :, :, i, j]
    return out[:, 1:-1, 1:-1]


def forward(p: Params, x: np.ndarray) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Logits (N, 10) of images (N, 8, 8, 1), and what the backward pass needs."""
    t: dict[str, np.ndarray] = {"x": x}
    t["p1"] = patches(x)
    t["a1"] = np.maximum(np.tensordot(t["p1"], p["w1"], 3) + p["b1"], 0)
    t["p2"] = patches(t["a1"])
    t["a2"] = np.maximum((t["p2"] * p["w2"]).sum((3, 4)) + p["b2"], 0)
    t["a3"] = np.maximum(t["a2"] @ p["w3"] + p["b3"], 0)
    n, h, w, c = t["a3"].shape
    t["cells"] = t["a3"].reshape(n, h // 2, 2, w // 2, 2, c)
    t["pool"] = t["cells"].max((2, 4))
    t["p4"] = patches(t["pool"])
    t["a4"] = np.maximum(np.tensordot(t["p4"], p["w4"], 3) + p["b4"], 0)
    t["mean"] = t["a4"].mean((1, 2))
    return t["mean"] @ p["w5"] + p["b5"], t


def backward(p: Params, t: dict[str, np.ndarray], g: np.ndarray) -> Params:
    """Gradients of all parameters, from the gradient of the logits."""
    d: Params = {"w5": t["mean"].T @ g, "b5": g.sum(0)}
    cells = t["a4"].shape[1] * t["a4"].shape[2]
    g4 = (g @ p["w5"].T)[:, None, None] / cells * (t["a4"] > 0)
    d["w4"], d["b4"] = np.tensordot(t["p4"], g4, ((0, 1, 2), (0, 1, 2))), g4.sum((0, 1, 2))
    pool = scatter(np.tensordot(g4, p["w4"], ((3,), (3,))))
    won = t["cells"] == t["pool"][:, :, None, :, None]
    g3 = (won * pool[:, :, None, :, None]).reshape(t["a3"].shape) * (t["a3"] > 0)
    d["w3"], d["b3"] = np.tensordot(t["a2"], g3, ((0, 1, 2), (0, 1, 2))), g3.sum((0, 1, 2))
    g2 = (g3 @ p["w3"].T) * (t["a2"] > 0)
    d["w2"], d["b2"] = (t["p2"] * g2[:, :, :, None, None]).sum((0, 1, 2)), g2.sum((0, 1, 2))
    g1 = scatter(g2[:, :, :, None, None] * p["w2"]) * (t["a1"] > 0)
    d["w1"], d["b1"] = np.tensordot(t["p1"], g1, ((0, 1, 2), (0, 1, 2))), g1.sum((0, 1, 2))
    return d


def moved(x: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """The images moved by up to one pixel, the border filled with background."""
    h, w = x.shape[1:3]
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    return padded[:, 1 + rows : 1 + rows + h, 1 + columns : 1 + columns + w]


def train(x: np.ndarray, y: np.ndarray) -> Params:
    """Adam on the cross entropy."""
    rng = np.random.default_rng(7)
    shapes = {"w1": (3, 3, 1, 12), "w2": (3, 3, 12), "w3": (12, 24), "w4": (3, 3, 24, 32), "w5": (32, 10)}
    fans = {"w1": 9, "w2": 9, "w3": 12, "w4": 216, "w5": 32}
    p = {k: rng.normal(0, (2 / fans[k]) ** 0.5, s).astype(np.float32) for k, s in shapes.items()}
    p |= {"b" + k[1:]: np.zeros(s[-1], np.float32) for k, s in shapes.items()}
    first, second, step = dict.fromkeys(p, 0.0), dict.fromkeys(p, 0.0), 0
    for epoch in range(EPOCHS):
        rate = RATE * 0.5 * (1 + np.cos(np.pi * epoch / EPOCHS))
        order = rng.permutation(len(x))
        for at in range(0, len(x), BATCH):
            pick = order[at : at + BATCH]
            logits, t = forward(p, moved(x[pick], *rng.integers(-1, 2, 2)) if epoch % 3 else x[pick])
            e = np.exp(logits - logits.max(1, keepdims=True))
            g = e / e.sum(1, keepdims=True)
            g[np.arange(len(pick)), y[pick]] -= 1
            step += 1
            for k, d in backward(p, t, g / len(pick)).items():
                first[k] = 0.9 * first[k] + 0.1 * d
                second[k] = 0.999 * second[k] + 0.001 * d * d
                p[k] -= (rate * (first[k] / (1 - 0.9**step)) / (np.sqrt(second[k] / (1 - 0.999**step)) + 1e-8)).astype(
                    np.float32
                )
        print(f"epoch {epoch + 1}/{EPOCHS}", end="\r")
    print()
    return p


def export(p: Params) -> onnx.ModelProto:
    """The network as ONNX: images (1, 1, 8, 8) in, probabilities (1, 10) out."""
    weights = {
        "w1": p["w1"].transpose(3, 2, 0, 1),
        "w2": p["w2"].transpose(2, 0, 1)[:, None],
        "w3": p["w3"].T[:, :, None, None],
        "w4": p["w4"].transpose(3, 2, 0, 1),
        "w5": p["w5"],
        **{k: v for k, v in p.items() if k[0] == "b"},
    }
    same = {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]}
    nodes = [
        helper.make_node("Conv", ["image", "w1", "b1"], ["c1"], "conv1", **same),
        helper.make_node("Relu", ["c1"], ["r1"], "relu1"),
        helper.make_node("Conv", ["r1", "w2", "b2"], ["c2"], "depthwise2", group=12, **same),
        helper.make_node("Relu", ["c2"], ["r2"], "relu2"),
        helper.make_node("Conv", ["r2", "w3", "b3"], ["c3"], "conv3", kernel_shape=[1, 1]),
        helper.make_node("Relu", ["c3"], ["r3"], "relu3"),
        helper.make_node("MaxPool", ["r3"], ["m3"], "pool3", kernel_shape=[2, 2], strides=[2, 2]),
        helper.make_node("Conv", ["m3", "w4", "b4"], ["c4"], "conv4", **same),
        helper.make_node("Relu", ["c4"], ["r4"], "relu4"),
        helper.make_node("GlobalAveragePool", ["r4"], ["g4"], "mean4"),
        helper.make_node("Flatten", ["g4"], ["f4"], "flatten4"),
        helper.make_node("Gemm", ["f4", "w5", "b5"], ["logits"], "dense5"),
        helper.make_node("Softmax", ["logits"], ["probabilities"], "softmax", axis=1),
    ]
    graph = helper.make_graph(
        nodes,
        "digits",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 1, 8, 8])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [1, 10])],
        [numpy_helper.from_array(np.ascontiguousarray(v, np.float32), k) for k, v in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], producer_name="edgeq examples")
    model.ir_version = 8
    onnx.checker.check_model(model)
    return model


def main() -> None:
    """Train, report float accuracy, write the files."""
    digits = load_digits()
    x, y = digits.images[..., None].astype(np.float32), digits.target
    order = np.random.default_rng(1).permutation(len(x))
    fit, test = order[:1297], order[1297:]
    p = train(x[fit], y[fit])
    print(f"float accuracy on {len(test)} test images: {(forward(p, x[test])[0].argmax(1) == y[test]).mean():.4f}")
    images = x.transpose(0, 3, 1, 2).astype(np.uint8)  # pixels are integers 0…16
    onnx.save(export(p), HERE / "digits.onnx")
    np.savez_compressed(HERE / "calibration.npz", x=images[fit[:200]])
    np.savez_compressed(HERE / "test.npz", x=images[test], y=y[test].astype(np.uint8))


if __name__ == "__main__":
    main()
