"""edgeq: quantize neural networks and generate verified C for small processors.

    graph = edgeq.load("model.onnx")
    model = edgeq.quantize(graph, "calibration.npz")
    edgeq.build(edgeq.BuildOptions(model="model.onnx", target="cortex-m4", calibration="calibration.npz"))

The names below are the public API; see docs/api.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgeq.lazy import lazy

__version__ = "0.2.0"

if TYPE_CHECKING:
    from edgeq.api import (
        BuildOptions,
        Calibration,
        Dataset,
        QuantizedModel,
        build,
        build_models,
        inspect,
        load,
        load_compiled,
        profile,
        quantize,
        run,
        verify,
        with_states,
    )
    from edgeq.errors import EdgeqError
    from edgeq.frontend import Frontend, MelFrontend, MotionFrontend
    from edgeq.ir.graph import Graph
    from edgeq.quantize.config import LayerConfig, QuantConfig
    from edgeq.quantize.input_spec import InputSpec
    from edgeq.warnings import EdgeqWarning

__all__ = [
    "BuildOptions",
    "Calibration",
    "Dataset",
    "EdgeqError",
    "EdgeqWarning",
    "Frontend",
    "Graph",
    "InputSpec",
    "LayerConfig",
    "MelFrontend",
    "MotionFrontend",
    "QuantConfig",
    "QuantizedModel",
    "__version__",
    "build",
    "build_models",
    "inspect",
    "load",
    "load_compiled",
    "profile",
    "quantize",
    "run",
    "verify",
    "with_states",
]

__getattr__, __dir__ = lazy(
    __name__,
    {
        "edgeq.api": "build build_models inspect load load_compiled profile run verify with_states",
        "edgeq.api.data": "Dataset",
        "edgeq.api.flow": "QuantizedModel",
        "edgeq.api.project": "BuildOptions",
        "edgeq.errors": "EdgeqError",
        "edgeq.frontend": "Frontend MelFrontend MotionFrontend",
        "edgeq.ir.graph": "Graph",
        "edgeq.quantize.config": "LayerConfig QuantConfig",
        "edgeq.quantize.input_spec": "InputSpec",
        "edgeq.quantize.statistics": "Calibration",
        "edgeq.warnings": "EdgeqWarning",
    },
    called={"quantize": "edgeq.api.flow"},
)
