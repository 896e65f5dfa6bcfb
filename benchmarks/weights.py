"""What each type of weights, and each way of rounding them, measures on some models: a table in Markdown.

    python benchmarks/weights.py kws=kws.onnx,kws_calib.npz,kws_eval.npz ad=…  [--only ternary]

Arguments and figures are those of `observers.py`. Every setting has a row of its own, with the arithmetic `fast` and
8-bit activations; those of `REAL` are of whole models in float32, in which fully connected layers have such weights.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

import numpy as np

import edgeq.api
from benchmarks.observers import Case, begun, float_outputs, parser_of, samples
from edgeq.quantize import QuantConfig
from edgeq.report.accuracy import accuracy
from edgeq.simulator import IntExecutor

BITS = (4, 3, 2, "ternary", "binary", "codebook-16", "codebook-4", "trellis-2", "powers-of-two")
INTEGER: tuple[dict[str, Any], ...] = (
    {},
    *({"weight_bits": bits} for bits in BITS),
    *({"weight_bits": bits, "rounding": "adaround"} for bits in (4, 3)),
    *({"weight_bits": 4, "weight_group": group} for group in (128, 64, 32)),
    *({"weight_bits": bits, "weight_group": 32} for bits in (8, 3)),
    *({"weight_bits": bits, "weight_group": 32, "activation_bits": 16} for bits in (8, 4)),
)
REAL: tuple[dict[str, Any], ...] = (
    *({"float_weight_bits": bits} for bits in (16, 8, 4)),
    *({"float_weight_bits": 4, "weight_group": group} for group in (32, 64, 128)),
    *({"float_weight_bits": bits, "dynamic": True} for bits in (8, 4)),
)


def real_row(case: Case, settings: Mapping[str, Any]) -> str:
    """The cell of a model in float32."""
    model = edgeq.api.quantize(case.graph, numerics="float", config=QuantConfig.from_dict(dict(settings)))
    executor = IntExecutor(model.graph)
    found = np.stack([executor.run(s)[model.graph.outputs[0]].ravel() for s in samples(model.graph, case.x)])
    figures = accuracy(float_outputs(model.float_graph, case.x), found, case.y)
    return f"{figures['sqnr_db']:.1f}"


def main() -> None:
    """Print the table."""
    parser = parser_of(__doc__)
    parser.add_argument("--only", default="", help="rows in whose title this stands")
    arguments = parser.parse_args()
    cases = begun(arguments)
    for rows, cell in ((INTEGER, Case.row), (REAL, real_row)):
        for settings in rows:
            words = [f"{key.replace('_', ' ')} {value}" for key, value in settings.items()]
            name = ", ".join([*(["numerics float"] if rows is REAL else []), *words]) or "8 bits"
            if arguments.only in name:
                print(f"| {name} | " + " | ".join(cell(c, settings) for c in cases) + " |")
                sys.stdout.flush()


if __name__ == "__main__":
    main()
