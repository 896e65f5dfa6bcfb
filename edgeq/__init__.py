"""edgeq: quantize neural networks and generate verified C for small processors.

    graph = edgeq.load("model.onnx")
    model = edgeq.quantize(graph, "calibration.npz")
    edgeq.build(edgeq.BuildOptions(model=Path("model.onnx"), target="cortex-m4", calibration=Path("calibration.npz")))

The names below are the public API; see docs/api.md.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

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


def __getattr__(name: str) -> Any:
    # The API pulls in every layer; a module that only wants edgeq.errors must not pay for that.
    if name in __all__:
        from edgeq import api

        return getattr(api, name)
    raise AttributeError(f"module 'edgeq' has no attribute {name!r}")


class _Package(ModuleType):
    """This package. `edgeq.quantize` is the function, also once the sub-package of that name was imported."""

    def __setattr__(self, name: str, value: Any) -> None:
        if not (name in __all__ and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
