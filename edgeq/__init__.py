"""edgeq: quantize neural networks and generate verified C for small processors.

    graph = edgeq.load("model.onnx")
    model = edgeq.quantize(graph, "calibration.npz")
    edgeq.build(edgeq.BuildOptions(model="model.onnx", target="cortex-m4", calibration="calibration.npz"))

The names below are the public API; see docs/api.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgeq.lazy import lazy

__version__ = "0.1.0"

if TYPE_CHECKING:
    from edgeq.api import BuildOptions, Calibration, build, load, profile, quantize, run, verify, with_states

__all__ = [
    "BuildOptions",
    "Calibration",
    "__version__",
    "build",
    "load",
    "profile",
    "quantize",
    "run",
    "verify",
    "with_states",
]

__getattr__, __dir__ = lazy(
    __name__,
    {"edgeq.api": "BuildOptions Calibration build load profile run verify with_states"},
    called={"quantize": "edgeq.api.flow"},
)
