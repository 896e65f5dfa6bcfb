"""What each method of quantization measures on some models, by bits of weights: a table in Markdown.

    python -m benchmarks.methods kws=kws.onnx,kws_calib.npz,kws_eval.npz ad=…  [--bits 4,3] [--only smooth]

Arguments and figures are those of `observers.py`; of accuracy only SQNR and the difference of top-1.
"""

from __future__ import annotations

import sys
from typing import Any

from benchmarks.observers import Case, begun, parser_of

METHODS: dict[str, dict[str, Any]] = {
    "defaults": {},
    "nearest": {"rounding": "nearest"},
    "nearest, hqq": {"rounding": "nearest", "weight_scale": "hqq"},
    "hessian": {"rounding": "hessian"},
    "adaround": {"rounding": "adaround"},
    "descent": {"rounding": "descent"},
    "no equalization": {"equalize": False},
    "no bias correction": {"bias_correction": False},
    "smooth": {"smooth": True},
    "learned ranges": {"learn_ranges": True},
    "rotate": {"rotate": True},
    "outliers 4": {"outliers": 4},
    "reconstruct": {"reconstruct": True},
}


def cell(case: Case, settings: dict[str, Any]) -> str:
    """SQNR in dB, and the difference of top-1 in points where there are labels."""
    return " / ".join(case.row(settings).split(" / ")[:2])


def main() -> None:
    """Print the table."""
    parser = parser_of(__doc__)
    parser.add_argument("--only", default="", help="rows in whose title this stands")
    parser.add_argument("--bits", default="8,4", help="bits of weights, with commas")
    arguments = parser.parse_args()
    cases = begun(arguments)
    for text in arguments.bits.split(","):
        bits = int(text) if text.isdigit() else text
        for name, settings in METHODS.items():
            title = f"{text} bits, {name}"
            if arguments.only in title:
                print(f"| {title} | " + " | ".join(cell(c, {"weight_bits": bits, **settings}) for c in cases) + " |")
                sys.stdout.flush()


if __name__ == "__main__":
    main()
