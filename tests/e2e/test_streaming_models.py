"""A streaming network that people deploy, over sequences: each target's program against LiteRT's reference kernels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import edgeq
from edgeq.ir.tensor import Array

litert = pytest.importorskip("ai_edge_litert.interpreter", reason="needs LiteRT: pip install ai-edge-litert")

SEQUENCES, STEPS = 200, 50


def sequences() -> Array:
    """Random bytes of a 3 × 40 spectrogram: of every kind of loudness, so that the outputs are of every kind, too."""
    rng = np.random.default_rng(11)
    level = rng.uniform(-160, 100, (SEQUENCES, STEPS, 1, 40)) + rng.uniform(-60, 60, (SEQUENCES, 1, 1, 40))
    spread = rng.uniform(1, 60, (SEQUENCES, 1, 1, 1))
    return np.clip(np.rint(rng.normal(level, spread, (SEQUENCES, STEPS, 3, 40))), -128, 127).astype(np.int8)


LAST = "model/flatten/Reshape"
"""The last window, 384 bytes that vary with everything before them; noise is no wake word, so that the output itself
hardly does."""


def reference(content: bytes, xs: Array) -> tuple[Array, Array]:
    """LiteRT's last window and output, each sequence with a new interpreter: resetting one keeps its variables."""
    windows, results = [], []
    for sequence in xs:
        found = litert.Interpreter(
            model_content=content,
            experimental_op_resolver_type=litert.OpResolverType.BUILTIN_REF,
            experimental_preserve_all_tensors=True,
            num_threads=1,
        )
        found.allocate_tensors()
        x, y = found.get_input_details()[0]["index"], found.get_output_details()[0]["index"]
        window = next(t["index"] for t in found.get_tensor_details() if t["name"] == LAST)
        for step in sequence:
            found.set_tensor(x, step[None])
            found.invoke()
            windows.append(found.get_tensor(window)[0])
            results.append(found.get_tensor(y)[0])
    return np.stack(windows).reshape(*xs.shape[:2], -1), np.stack(results).reshape(*xs.shape[:2], -1)


@pytest.mark.shared
@pytest.mark.slow
@pytest.mark.qemu
def test_a_wake_word_over_sequences_on_every_target(shared_models: Path, tmp_path: Path) -> None:
    path = shared_models / "wakeword_streaming_int8.tflite"
    xs = sequences()
    windows, expected = reference(path.read_bytes(), xs)
    assert len(np.unique(windows)) > 60 and len(np.unique(expected)) > 3
    np.savez(tmp_path / "x.npz", x=xs)
    for target in ("host", "cortex-m4", "cortex-m55"):
        options = edgeq.BuildOptions(
            path, target, output=tmp_path / target, outputs=(LAST, "StatefulPartitionedCall:0")
        )
        manifest = edgeq.build(options)
        assert sum(s["bytes"] for s in manifest["states"]) == 3472 <= manifest["state_bytes"]
        found = list(edgeq.run(tmp_path / target, tmp_path / "x.npz", raw=True).values())
        np.testing.assert_array_equal(found[0].reshape(windows.shape), windows)
        np.testing.assert_array_equal(found[1].reshape(expected.shape), expected)
