"""The Python API: what the command line calls, and what `import edgeq` offers (docs/api.md)."""

from typing import TYPE_CHECKING

from edgeq.lazy import lazy

if TYPE_CHECKING:
    from edgeq.api.boards import boards
    from edgeq.api.building import build, build_models
    from edgeq.api.check import profile, run, save_outputs, verify
    from edgeq.api.compiled import load_compiled
    from edgeq.api.data import Dataset
    from edgeq.api.doctor import doctor, udev_rules
    from edgeq.api.flashing import flash
    from edgeq.api.flow import QuantizedModel, load, quantize, quantize_report
    from edgeq.api.inspection import inspect
    from edgeq.api.project import BuildOptions
    from edgeq.api.reach import open_port
    from edgeq.api.reporting import report
    from edgeq.api.searching import search, search_all
    from edgeq.passes.with_states import with_states
    from edgeq.quantize.statistics import Calibration

__all__ = [
    "BuildOptions",
    "Calibration",
    "Dataset",
    "QuantizedModel",
    "boards",
    "build",
    "build_models",
    "doctor",
    "flash",
    "inspect",
    "load",
    "load_compiled",
    "open_port",
    "profile",
    "quantize",
    "quantize_report",
    "report",
    "run",
    "save_outputs",
    "search",
    "search_all",
    "udev_rules",
    "verify",
    "with_states",
]

__getattr__, __dir__ = lazy(
    __name__,
    {
        "edgeq.api.boards": "boards",
        "edgeq.api.check": "profile run save_outputs verify",
        "edgeq.api.inspection": "inspect",
        "edgeq.api.data": "Dataset",
        "edgeq.api.compiled": "load_compiled",
        "edgeq.api.doctor": "doctor udev_rules",
        "edgeq.api.flashing": "flash",
        "edgeq.api.reach": "open_port",
        "edgeq.api.building": "build build_models",
        "edgeq.api.flow": "QuantizedModel load quantize quantize_report",
        "edgeq.api.project": "BuildOptions",
        "edgeq.api.reporting": "report",
        "edgeq.api.searching": "search search_all",
        "edgeq.passes.with_states": "with_states",
        "edgeq.quantize.statistics": "Calibration",
    },
)
