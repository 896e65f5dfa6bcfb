"""Keeps of what `check_operators.py` converted the files that say something new, as vectors for the suite.

    python tests/ops/litert/make_converted.py FOLDER

There is one converted/<conversion>.npz for each conversion, with the arrays `<case>/model`, `<case>/x00` … (inputs) and
`<case>/y00` … (outputs), samples first. A case is kept if edgeq equals LiteRT, or is within the tolerance of float32,
and if it has an operator with types and options that none before has, in the conversions with the same activations.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[2])]

from check_operators import compared  # noqa: E402
from conversions import CONVERSIONS, INTEGERS  # noqa: E402

from edgeq.importers.tflite.reader import read  # noqa: E402

SAMPLES = 2
LOOPS = ("gru_loop.float16", "lstm.float16", "large_lstm.dynamic")
"""Recurrent layers that the converter makes loops of, with constants that are not real numbers."""
LARGEST = 16_000
"""Bytes of a file that is kept."""


def forms(content: bytes) -> set[str]:
    """The operators of a file with the types that they take and give, and their options."""
    model = read(content, "net")

    def types(indices: tuple[int, ...]) -> str:
        return ",".join("" if k < 0 else model.tensors[k].dtype for k in indices)

    return {f"{op.kind} {types(op.inputs)} {types(op.outputs)} {dict(op.options)}" for op in model.ops}


def shortened(name: str, file: Path) -> dict[str, np.ndarray]:
    """A case's arrays with few samples."""
    with np.load(file) as stored:
        return {f"{name}/{k}": a if k == "model" else a[:SAMPLES] for k, a in stored.items() if k[0] in "mxy"}


def main(folder: Path) -> None:
    """Write the vectors."""
    (HERE / "converted").mkdir(exist_ok=True)
    loops: dict[str, np.ndarray] = {}
    for name in LOOPS:
        loops |= shortened(name, folder / f"{name}.npz")
    np.savez_compressed(HERE / "converted" / "loops.npz", **loops)
    seen: dict[bool, set[str]] = {True: set(), False: set()}
    for conversion in CONVERSIONS:
        known = seen[conversion in INTEGERS]
        kept: dict[str, np.ndarray] = {}
        for file in sorted(folder.glob(f"*.{conversion}.npz")):
            with np.load(file) as stored:
                arrays = dict(stored)
            content = arrays["model"].tobytes() if "model" in arrays else b""
            if not 0 < len(content) <= LARGEST or forms(content) <= known:
                continue
            if compared(conversion, arrays)[0] in ("equal", "close"):
                known |= forms(content)
                name = file.name.split(".")[0]
                kept |= shortened(name, file)
        np.savez_compressed(HERE / "converted" / f"{conversion}.npz", **kept)
        print(conversion, len({key.split("/")[0] for key in kept}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
