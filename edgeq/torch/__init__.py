"""Quantization-aware training with PyTorch: layers that compute with edgeq's integers, and distillation.

    import edgeq.torch

    model = edgeq.torch.distil("model.onnx", "samples.npz", weight_bits=2)
    edgeq.build(edgeq.BuildOptions(model="model.onnx", target="cortex-m4"), model=model)

A float model becomes a torch module whose weights, biases and ranges are learned, and comes back as an
`edgeq.QuantizedModel` with the very integers that were trained. Nothing else in edgeq imports this package, or torch.
"""

from __future__ import annotations

import importlib.util

from edgeq.errors import ToolError

if importlib.util.find_spec("torch") is None:
    raise ToolError("edgeq.torch needs PyTorch, which is not installed", hint="pip install 'edgeq[torch]'")

from edgeq.torch.distillation import Rates, distil
from edgeq.torch.fake_quantized import FakeQuantized, prepare
from edgeq.torch.float_network import FloatNetwork

__all__ = ["FakeQuantized", "FloatNetwork", "Rates", "distil", "prepare"]
