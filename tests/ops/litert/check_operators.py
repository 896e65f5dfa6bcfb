"""Converts operators.py's layers and functions in five ways, and compares edgeq with LiteRT's reference resolver.

    python tests/ops/litert/check_operators.py [--folder FOLDER] [--json FILE] [--only CONVERSION …] [NAME …]

It needs TensorFlow, tf-keras and `ai-edge-litert`. What is converted is kept in the folder together with what LiteRT
computes of eight samples, and converted no more by the next run. Files are made in processes of their own, and a case
that ends one is left out by the next.

Of each case and conversion it says: equal, or equal within the tolerance of float32; refused by edgeq, with the
message; refused by the converter or by LiteRT; that LiteRT's reference is wrong, and how that shows; or WRONG, with how
many elements differ.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

sys.path[:0] = [str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parents[3])]

from conversions import CONVERSIONS, INTEGERS  # noqa: E402

from edgeq.api.flow import quantize  # noqa: E402
from edgeq.errors import EdgeqError  # noqa: E402
from edgeq.importers.tflite import import_bytes  # noqa: E402
from edgeq.importers.tflite.reader import read  # noqa: E402
from edgeq.ir.graph import Graph  # noqa: E402
from edgeq.ir.tensor import TensorType  # noqa: E402
from edgeq.numerics.fixedpoint import Numerics  # noqa: E402
from edgeq.sequence import run_sequences  # noqa: E402
from edgeq.simulator import IntExecutor  # noqa: E402

RELATIVE = {"dynamic": 2e-2}
"""Of the greatest output: what LiteRT loses where it quantizes activations at run time. Edgeq keeps them in float32."""
FLOAT32 = 2e-5
"""What float32 loses in these models where sums and functions are computed in another order."""
NEAR = 0.03
"""How near results must be to those of LiteRT's optimized kernels, by the range of these, where the reference is wrong:
steps of 8 bits that rounding in another place makes."""
WRONG_REFERENCE = {
    "SUM": "the reference adds up single bytes as if they had no sign; the optimized kernels round once more",
    "SELECT": "LiteRT chooses among 16-bit integers of different scales as if they had one",
    "ONE_HOT": "LiteRT fills in the integers of the values for on and off, whose scales differ",
    "LOCAL_RESPONSE_NORMALIZATION": "the reference leaves out the last channel of the window",
    **dict.fromkeys(
        ("TILE", "ELU", "CEIL", "ROUND"),
        "the reference has no such kernel, and the others' for layers beside it round differently",
    ),
}
KINDS = ("equal", "close", "refused", "converter", "litert", "reference", "WRONG")
"""Equal; real numbers within the tolerance; refused by edgeq, the converter, LiteRT; the reference is wrong or lacks a
kernel; wrong."""


def computed(
    content: bytes, conversion: str, samples: list[list[np.ndarray]]
) -> tuple[list[list[np.ndarray]], list[TensorType]]:
    """What the program that edgeq makes of a file computes, sample for sample, and the types of its outputs."""
    graph = import_bytes(content, "net")
    integers = conversion in INTEGERS and graph.preferred is Numerics.TFLITE
    found = quantize(graph, numerics=None if integers else "float").graph
    outputs = [name for name in found.outputs if name not in {state.output for state in found.states}]
    named = [dict(zip(found.public_inputs, sample, strict=True)) for sample in samples]
    inside = [{name: given(found.type(name), x) for name, x in sample.items()} for sample in named]
    run = run_sequences(IntExecutor(found), inside)
    return [[values[name] for name in outputs] for values in run], [found.type(name) for name in outputs]


def given(type: TensorType, x: np.ndarray) -> np.ndarray:
    """An input as the program takes it: one that the file quantizes first is quantized."""
    return type.qp.quantize(x, type.dtype) if x.dtype.kind == "f" and type.q is not None else x


def real(type: TensorType, y: np.ndarray) -> np.ndarray:
    """An output as the file gives it that dequantizes it at the end."""
    return type.qp.dequantize(y)


def compared(conversion: str, stored: Mapping[str, Any], original: bytes = b"") -> tuple[str, str]:
    """How a file is computed: a kind of KINDS, and more about it. `original`: the file of the model in float."""
    if "error" in stored:
        kind, text = str(stored["error"]).split(": ", 1)
        return kind, text
    inputs, expected, optimized = (
        [stored[name] for name in sorted(stored) if name.startswith(letter)] for letter in "xyz"
    )
    content = stored["model"].tobytes()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            samples = [list(sample) for sample in zip(*inputs, strict=True)]
            values, types = computed(content, conversion, samples)
    except EdgeqError as error:
        return "refused", error.message.replace("\n", " ")
    except Exception as error:  # a fault of edgeq: told with the others
        return "WRONG", f"{type(error).__name__}: {error}"
    found = [np.stack(arrays) for arrays in zip(*values, strict=True)]
    for k, (y, t) in enumerate(zip(expected, types, strict=False)):
        if y.dtype.kind == "f" and t.q is not None:
            found[k] = real(t, found[k])
    tolerance = RELATIVE.get(conversion, FLOAT32)
    kind, more = difference(expected, found, tolerance)
    if kind != "WRONG":
        return kind, more
    kind, more = blamed(content, optimized or expected, found, more)
    if kind == "WRONG" and original and conversion in INTEGERS:
        return nearer(original, import_bytes(content, "net"), samples, types, expected, found, more)
    return kind, more


def nearer(
    original: bytes,
    graph: Graph,
    samples: list[list[np.ndarray]],
    types: list[TensorType],
    expected: list[np.ndarray],
    found: list[np.ndarray],
    more: str,
) -> tuple[str, str]:
    """Whether results are much nearer to the model in float than the reference's."""
    kinds = sorted({type(node.op).__name__ for node in graph.nodes} & {"Select", "Compare"})
    inputs = [graph.type(name) for name in graph.public_inputs]
    reals = [
        [real(t, x) if t.q and x.dtype.kind == "i" else x for t, x in zip(inputs, s, strict=True)] for s in samples
    ]
    truth = [np.stack(arrays) for arrays in zip(*computed(original, "float", reals)[0], strict=True)]

    def away(outputs: list[np.ndarray]) -> float:
        named = zip(types, outputs, truth, strict=True)
        return max(float(np.abs((real(t, y) if t.q and y.dtype.kind == "i" else y) - z).mean()) for t, y, z in named)

    own, other = away(found), away(expected)
    if not kinds or own * 4 > other:
        return "WRONG", more
    return "reference", f"{own:.2g} from the model in float on average, the reference {other:.2g}"


def blamed(content: bytes, optimized: list[np.ndarray], found: list[np.ndarray], more: str) -> tuple[str, str]:
    """Whether it is the reference that is wrong: its other kernels then give what edgeq does, but for roundings."""
    kinds = sorted({op.kind for op in read(content, "net").ops} & set(WRONG_REFERENCE))
    away = max(float(np.abs(y.astype(np.float64) - z).max()) for y, z in zip(optimized, found, strict=True))
    range = max(float(np.ptp(y.astype(np.float64))) for y in optimized)
    if not kinds or away > NEAR * range:
        return "WRONG", more
    return (
        "reference",
        f"{', '.join(kinds)}: {away:.3g} from the optimized kernels, whose results range over {range:.3g}",
    )


def difference(expected: list[np.ndarray], found: list[np.ndarray], tolerance: float) -> tuple[str, str]:
    """How far outputs are from those of LiteRT."""
    if [array.shape for array in expected] != [array.shape for array in found]:
        return "WRONG", f"shapes {[a.shape for a in found]} for {[a.shape for a in expected]}"
    pairs = list(zip(expected, found, strict=True))
    differ = sum(int(((y != z) & ~((y != y) & (z != z))).sum()) for y, z in pairs)
    if not differ:
        return "equal", ""
    away = [float(np.abs(y.astype(np.float64) - z).max()) for y, z in pairs]
    most = max(a / max(float(np.abs(y).max()), 1e-9) for a, (y, _) in zip(away, pairs, strict=True))
    if all(array.dtype.kind == "f" for array in expected) and most <= tolerance:
        return "close", f"within {most:.0e}"
    total = sum(y.size for y in expected)
    return "WRONG", f"{differ} of {total} differ, by up to {max(away):.3g} ({most:.1e} of the greatest)"


def converted(folder: Path, names: list[str], only: list[str]) -> None:
    """Have the files made that are not there."""
    while todo := [n for n in names if not all((folder / f"{n}.{c}.npz").exists() for c in only)]:
        command = [sys.executable, str(Path(__file__).with_name("conversions.py")), str(folder), ",".join(only), *todo]
        ended = subprocess.run(command, check=False, capture_output=True, text=True)
        if ended.returncode == 0:
            return
        running = folder / "running"
        if not running.exists():
            sys.exit(ended.stderr[-2000:])
        name, conversion = running.read_text().split()
        running.unlink()
        np.savez_compressed(
            folder / f"{name}.{conversion}.npz", error=f"litert: it ends the process ({ended.returncode})"
        )


def rows(folder: Path, names: list[str], only: list[str]) -> Iterator[tuple[str, str, str, str]]:
    """Name, conversion, kind and more, of everything."""
    for name in names:
        for conversion in only:
            with np.load(folder / f"{name}.{conversion}.npz") as stored:
                yield name, conversion, *compared(conversion, dict(stored), original(folder, name))


def original(folder: Path, name: str) -> bytes:
    """The file of a model in float, if it was made."""
    file = folder / f"{name}.float.npz"
    if not file.exists():
        return b""
    with np.load(file) as stored:
        return bytes(stored["model"].tobytes()) if "model" in stored else b""


def all_names() -> list[str]:
    """The names of the table, told by a process that may load TensorFlow."""
    command = [sys.executable, str(Path(__file__).with_name("conversions.py"))]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()


def main() -> None:
    """Say it of each, and how many there are of a kind."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "edgeq-operators")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--only", nargs="+", choices=CONVERSIONS, default=list(CONVERSIONS))
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    names = options.names or all_names()
    converted(options.folder, names, options.only)
    told, counts = [], {conversion: Counter[str]() for conversion in options.only}
    for name, conversion, kind, more in rows(options.folder, names, options.only):
        counts[conversion][kind] += 1
        told.append({"name": name, "conversion": conversion, "kind": kind, "more": more})
        if kind not in ("equal", "close"):
            print(f"{name:28} {conversion:8} {kind:9} {more[:150]}", flush=True)
    print(f"\n{len(names)} operators{'':4}" + "".join(f"{kind:>10}" for kind in KINDS))
    for conversion, count in counts.items():
        print(f"{conversion:16}" + "".join(f"{count[kind]:10}" for kind in KINDS))
    if options.json:
        options.json.write_text(json.dumps(told, indent=1))


if __name__ == "__main__":
    main()
