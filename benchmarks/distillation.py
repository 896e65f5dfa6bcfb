"""What distillation gives models with weights of few bits: a table in Markdown. It needs PyTorch.

    python benchmarks/distillation.py kws=kws.onnx,kws_calib.npz,kws_eval.npz … [--bits 2 ternary] [--layers 'conv1=8']

For every model and number of bits: output SQNR in dB / top-1 minus float in points, as `edgeq.quantize` leaves it and
after so many epochs with the calibration inputs, without their labels. `--layers` have
bits of their own.
"""

from __future__ import annotations

import argparse

import edgeq.api
import edgeq.torch
from benchmarks.observers import Case, int_outputs
from edgeq.api.flow import QuantizedModel
from edgeq.report.accuracy import accuracy


def cell(case: Case, model: QuantizedModel) -> str:
    """The figures of a model."""
    figures = accuracy(case.reference, int_outputs(model.graph, case.x), case.y)
    text = f"{figures['sqnr_db']:.1f}"
    if figures["top1_float"] is not None and figures["top1_int8"] is not None:
        text += f" / {figures['top1_int8'] - figures['top1_float']:+.2f}"
    return text


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="+", metavar="NAME=MODEL,CALIBRATION,EVALUATION")
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--bits", nargs="+", default=["2", "ternary"])
    parser.add_argument("--layers", nargs="+", default=[], metavar="GLOB=BITS")
    arguments = parser.parse_args()
    layers = {glob: int(bits) for glob, bits in (text.rsplit("=", 1) for text in arguments.layers)}
    print("| | bits | quantized | trained |\n|---|---|---|---|")
    for case in (Case(text, None) for text in arguments.cases):
        for bits in (int(b) if b.isdigit() else b for b in arguments.bits):
            cells = [
                cell(case, edgeq.torch.distil(case.graph, case.calibration, epochs, bits, layers=layers))
                for epochs in (0, arguments.epochs)
            ]
            print(f"| {case.name} | {bits} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
