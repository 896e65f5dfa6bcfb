"""The models that are measured, and the data that belong to them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import edgeq
from edgeq.api import QuantizedModel
from edgeq.errors import UsageError
from edgeq.numerics.fixedpoint import Numerics

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
MLPERF_TINY = ("kws", "vww", "ic", "ad")
"""The models of the benchmark MLPerf Tiny, by the names of their files."""


@dataclass(frozen=True)
class Case:
    """A model with its data.

    Attributes:
        name: what its figures are filed under.
        model: ONNX, TFLite or Keras file, or SavedModel folder.
        calibration: .npz with calibration samples, for models that are not quantized.
        evaluation: .npz with the samples that results are compared on.
    """

    name: str
    model: Path
    calibration: Path
    evaluation: Path


def examples() -> tuple[Case, ...]:
    """The models of the examples."""
    return tuple(
        Case(name, folder / f"{name}.onnx", folder / "calibration.npz", folder / "test.npz")
        for name, folder in ((name, EXAMPLES / name) for name in ("digits", "hello_sine"))
    )


def case_of(model: Path, data: Path, name: str | None = None) -> Case:
    """The case of a file such as kws_float.onnx, whose data are kws_calib.npz and kws_eval.npz.

    Raises:
        UsageError: one of the files is missing.
    """
    prefix = model.name.split(".")[0].split("_")[0]
    case = Case(name or model.name, model, data / f"{prefix}_calib.npz", data / f"{prefix}_eval.npz")
    for path in (case.model, case.calibration, case.evaluation):
        if not path.exists():
            raise UsageError("no such file", hint="benchmarks/README.md says how they are called", where=str(path))
    return case


def float_models(models: Path, data: Path, names: Iterable[str] = MLPERF_TINY) -> tuple[Case, ...]:
    """The float models of a folder, under their short names.

    Raises:
        UsageError: a file is missing.
    """
    return tuple(case_of(models / f"{name}_float.onnx", data, name) for name in names)


@cache
def quantized(case: Case, numerics: Numerics | None = None) -> QuantizedModel:
    """A case's model, quantized once for all targets.

    Args:
        case: the model; its calibration is used unless it is quantized already.
        numerics: the arithmetic; by default what the model was made for.
    """
    graph = edgeq.load(case.model)
    is_quantized = any(graph.type(name).q for name in graph.inputs)
    return edgeq.quantize(graph, None if is_quantized else case.calibration, numerics=numerics)
