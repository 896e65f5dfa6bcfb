"""The Python API: what the command line calls, and what `import edgeq` offers (docs/api.md)."""

from edgeq.api.check import inspect, profile, run, save_outputs, verify
from edgeq.api.doctor import doctor
from edgeq.api.flow import QuantizedModel, build, load, quantize, quantize_report
from edgeq.api.project import BuildOptions
from edgeq.passes.with_states import with_states
from edgeq.quantize.statistics import Calibration

__all__ = [
    "BuildOptions",
    "Calibration",
    "QuantizedModel",
    "build",
    "doctor",
    "inspect",
    "load",
    "profile",
    "quantize",
    "quantize_report",
    "run",
    "save_outputs",
    "verify",
    "with_states",
]
