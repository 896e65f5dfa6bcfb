"""Files of other tools that edgeq does not read, by their suffixes: what makes a file of each that it does read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Foreign:
    """A kind of file.

    Attributes:
        kind: what it is, in a few words.
        export: the line of Python, or the step, that makes a model of it that edgeq reads.
    """

    kind: str
    export: str


def _torch(model: str) -> str:
    return f'in Python: torch.onnx.export({model}, (example_input,), "model.onnx")'


_TORCH = _torch("model.eval()")
_SKLEARN = 'open("model.onnx", "wb").write(skl2onnx.to_onnx(model, samples[:1]).SerializeToString())'
FOREIGN: Mapping[str, Foreign] = {
    **dict.fromkeys((".pt", ".pth", ".ckpt"), Foreign("a PyTorch file", _TORCH)),
    ".pt2": Foreign("a program of torch.export", _torch("torch.export.load(path).module()")),
    ".pte": Foreign("a program of ExecuTorch", _TORCH),
    ".safetensors": Foreign("a file of weights without their model", _TORCH),
    **dict.fromkeys((".pkl", ".pickle", ".joblib"), Foreign("a pickled object", f"of scikit-learn: {_SKLEARN}")),
    ".pb": Foreign("a TensorFlow graph", "give the folder of the SavedModel, which has saved_model.pb in it"),
    ".mlmodel": Foreign("a Core ML model", "export the model that it was made from to ONNX"),
    ".pdmodel": Foreign("a Paddle model", "paddle2onnx --model_dir DIR --model_filename FILE --save_file model.onnx"),
}
"""Suffixes, in lower case."""
