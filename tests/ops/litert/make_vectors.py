"""Makes the vectors: runs small models in LiteRT's reference resolver and stores model, inputs and outputs.

    python tests/ops/litert/make_vectors.py [OPERATOR …]

It needs the package `ai-edge-litert`; the test that reads the vectors does not. The same version of it gives the same
files. For each operator there is one vectors/<OPERATOR>.npz; its arrays are `<case>/model` (the bytes of the .tflite
file) and `<case>/<tensor name>` (inputs and outputs, samples first).
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[1])]

import int16_models  # noqa: E402, F401 (registers its cases, some of them those of the others)
import island_models  # noqa: E402, F401 (registers its cases)
import movement_models  # noqa: E402, F401 (registers its cases)
import truth_models  # noqa: E402, F401 (registers its cases)
import whole_models  # noqa: E402, F401 (registers its cases)
from ai_edge_litert.interpreter import Interpreter, OpResolverType  # noqa: E402
from models import CASES, Model, models  # noqa: E402

SAMPLES = 4


def sample(model: Model, rng: np.random.Generator, number: int) -> list[np.ndarray]:
    """Inputs: sample 0 runs through all values, sample 1 sits at the ends of the range, the others are random."""
    found = []
    for index in model.inputs:
        tensor = model.tensors[index]
        if tensor.dtype == "INT16":
            size = int(np.prod(tensor.shape))
            ends = rng.choice([-32768, -1, 0, 32767], size)
            found.append(
                (ends if number == 1 else rng.integers(-20000, 20000, size)).reshape(tensor.shape).astype("int16")
            )
            continue
        low = -128 if tensor.dtype == "INT8" else 0
        size = int(np.prod(tensor.shape))
        if number == 0:
            flat = np.arange(size) % 256
        elif number == 1:
            flat = rng.choice([0, 1, 254, 255], size)
        else:
            flat = rng.integers(0, 256, size)
        found.append((flat + low).reshape(tensor.shape).astype("int8" if low else "uint8"))
    return found


def run(model: Model, seed: int) -> dict[str, np.ndarray]:
    """Model, inputs and outputs of one case."""
    content = model.file()
    interpreter = Interpreter(
        model_content=content, experimental_op_resolver_type=OpResolverType.BUILTIN_REF, num_threads=1
    )
    interpreter.allocate_tensors()
    rng = np.random.default_rng(seed)
    arrays: dict[str, list[np.ndarray]] = {}
    for number in range(SAMPLES):
        for index, x in zip(model.inputs, sample(model, rng, number), strict=True):
            interpreter.set_tensor(index, x)
            arrays.setdefault(model.tensors[index].name, []).append(x)
        interpreter.invoke()
        for index in model.outputs:
            arrays.setdefault(model.tensors[index].name, []).append(interpreter.get_tensor(index))
    return {"model": np.frombuffer(content, np.uint8), **{name: np.stack(a) for name, a in arrays.items()}}


def richness(model: Model, arrays: dict[str, np.ndarray]) -> int:
    """Different values among the outputs: random parameters can leave an output nothing but its bounds."""
    return min(len(np.unique(arrays[model.tensors[i].name])) for i in model.outputs)


def best(versions: list[Model]) -> dict[str, np.ndarray]:
    """The vectors of the version that says most."""
    found = [(model, run(model, number)) for number, model in enumerate(versions)]
    return max(found, key=lambda pair: richness(*pair))[1]


def main(wanted: list[str]) -> None:
    """Write the files of the wanted operators, or of all."""
    folder = HERE / "vectors"
    folder.mkdir(exist_ok=True)
    for kind in wanted or sorted(CASES):
        arrays = {f"{name}/{key}": a for name, versions in models(kind) for key, a in best(versions).items()}
        np.savez_compressed(folder / f"{kind}.npz", **arrays)


if __name__ == "__main__":
    main(sys.argv[1:])
