"""edgeq beside onnxruntime's static quantizer: output SQNR in dB, a table in Markdown.

    python benchmarks/quantizers.py residual=net.onnx,calibration.npz,evaluation.npz …

Arguments and figures are those of `observers.py`. onnxruntime quantizes to QDQ with int8 activations and weights of a
scale per channel, after its own preparation of the model, once with each of its calibration methods.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

from benchmarks.observers import OBSERVERS, Case, begun, parser_of, title
from edgeq.report.accuracy import accuracy

METHODS = ("MinMax", "Entropy", "Percentile")
OURS: tuple[dict[str, Any], ...] = (*OBSERVERS, {"rounding": "hessian"})


class Reader(CalibrationDataReader):  # type: ignore[misc]
    """Calibration samples, one at a time."""

    def __init__(self, model: str, x: Any) -> None:
        session = onnxruntime.InferenceSession(model)
        (port,) = session.get_inputs()
        shape = [d if isinstance(d, int) else 1 for d in port.shape]
        self._samples: Iterator[dict[str, Any]] = iter(
            {port.name: sample.reshape(shape).astype(np.float32)} for sample in x
        )

    def get_next(self) -> dict[str, Any] | None:
        """The next sample."""
        return next(self._samples, None)


def onnxruntime_cell(model: str, case: Case, method: str) -> str:
    """The SQNR of onnxruntime's quantizer with a calibration method."""
    with tempfile.TemporaryDirectory() as folder:
        ready, done = f"{folder}/ready.onnx", f"{folder}/done.onnx"
        quant_pre_process(model, ready, skip_symbolic_shape=True)
        quantize_static(
            ready,
            done,
            Reader(ready, case.calibration),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            activation_type=QuantType.QInt8,
            weight_type=QuantType.QInt8,
            calibrate_method=CalibrationMethod[method],
        )
        session, reader = onnxruntime.InferenceSession(done), Reader(done, case.x)
        found = []
        while (sample := reader.get_next()) is not None:
            found.append(session.run(None, sample)[0].ravel())
    return f"{accuracy(case.reference, np.stack(found), case.y)['sqnr_db']:.1f}"


def main() -> None:
    """Print the table."""
    parser = parser_of(__doc__)
    parser.add_argument("--only", default="", help="rows in whose title this stands")
    arguments = parser.parse_args()
    cases = begun(arguments)
    models = [str(Path(text.partition("=")[2].split(",")[0])) for text in arguments.cases]
    for method in (m for m in METHODS if arguments.only in f"onnxruntime {m}"):
        cells = (onnxruntime_cell(m, c, method) for m, c in zip(models, cases, strict=True))
        print(f"| onnxruntime {method} | " + " | ".join(cells) + " |")
    for settings in (row for row in OURS if arguments.only in title(row)):
        print(f"| {title(settings)} | " + " | ".join(c.row(settings) for c in cases) + " |")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
