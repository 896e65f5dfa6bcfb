"""What zero-points of weights are worth on some models, by bits, groups and methods: a table in Markdown.

    python -m benchmarks.zero_points ad=ad.onnx,ad_calib.npz,ad_eval.npz kws=…  [--bits 4] [--groups 0,32]

Arguments and figures are those of `observers.py`; of accuracy only SQNR and the difference of top-1, without and with
zero-points.
"""

from __future__ import annotations

import sys
from typing import Any

from benchmarks.methods import cell
from benchmarks.observers import begun, parser_of

METHODS: dict[str, dict[str, Any]] = {
    "hessian": {"rounding": "hessian"},
    "nearest": {"rounding": "nearest"},
    "nearest, hqq": {"rounding": "nearest", "weight_scale": "hqq"},
    "hessian, hqq": {"rounding": "hessian", "weight_scale": "hqq"},
}


def main() -> None:
    """Print the table."""
    parser = parser_of(__doc__)
    parser.add_argument("--bits", default="4,3,2", help="of weights, with commas")
    parser.add_argument("--groups", default="0,128,64,32", help="inputs of a group, with commas; 0: all of a channel")
    parser.add_argument("--only", default="", help="rows in whose title this stands")
    arguments = parser.parse_args()
    cases = begun(arguments)
    for bits in map(int, arguments.bits.split(",")):
        for group in map(int, arguments.groups.split(",")):
            for name, method in METHODS.items():
                title = f"{bits} bits, {f'groups of {group}' if group else 'channels'}, {name}"
                settings = {"weight_bits": bits, "weight_group": group, **method}
                if arguments.only in title:
                    pairs = [[cell(c, {**settings, "weight_zero_points": z}) for z in (False, True)] for c in cases]
                    print(f"| {title} | " + " | ".join(" → ".join(pair) for pair in pairs) + " |")
                    sys.stdout.flush()


if __name__ == "__main__":
    main()
