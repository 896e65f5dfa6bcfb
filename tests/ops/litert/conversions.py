"""Makes the files that `check_operators.py` compares: operators.py's cases, converted, with what LiteRT computes.

python tests/ops/litert/conversions.py                                  # the names of all cases
python tests/ops/litert/conversions.py FOLDER CONVERSION,… NAME …
"""

from __future__ import annotations

import os
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

CONVERSIONS = ("float", "int8", "int16x8", "dynamic", "float16")
INTEGERS = ("int8", "int16x8")
"""Conversions whose activations are integers."""
SAMPLES = 8


def drawn(rng: np.random.Generator, shape: tuple[int, ...], whole: int) -> np.ndarray:
    """An input in real numbers, or in whole ones below `whole`."""
    if whole:
        return rng.integers(0, whole, (1, *shape)).astype(np.int32)
    return rng.normal(size=(1, *shape)).astype(np.float32)


def converter_of(tf: Any, case: Any, seed: int) -> tuple[Any, Any]:
    """A converter of a case, whose weights are the same in each run, and the layers, which have to stay alive."""
    tf.keras.utils.set_random_seed(seed)
    kind = tf.int32 if case.whole else tf.float32
    specs = [tf.TensorSpec((1, *shape), kind) for shape in case.shapes]
    inner = case.make()
    inner(*(tf.constant(drawn(np.random.default_rng(0), shape, case.whole)) for shape in case.shapes))
    made = tf.function(inner, input_signature=specs).get_concrete_function()
    return (inner, made), tf.lite.TFLiteConverter.from_concrete_functions([made])


def settings(tf: Any, converter: Any, conversion: str, case: Any) -> None:
    """Set a converter to one of the conversions."""
    lite = tf.lite
    if conversion == "float":
        return
    converter.optimizations = [lite.Optimize.DEFAULT]
    if conversion == "float16":
        converter.target_spec.supported_types = [tf.float16]
    if conversion not in INTEGERS:
        return

    def data() -> Iterator[list[np.ndarray]]:
        rng = np.random.default_rng(1)
        for _ in range(20):
            yield [drawn(rng, shape, case.whole) for shape in case.shapes]

    converter.representative_dataset = data
    wide = lite.OpsSet.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8
    own = wide if conversion == "int16x8" else lite.OpsSet.TFLITE_BUILTINS_INT8
    converter.target_spec.supported_ops = [own, lite.OpsSet.TFLITE_BUILTINS]
    if conversion == "int8" and not case.whole:  # files with int16 inputs have operators that read them as real numbers
        converter.inference_input_type = tf.int8


def converted(tf: Any, converter: Any, conversion: str, case: Any) -> bytes:
    """The file, with 8-bit outputs; they stay real or whole where the converter does not quantize them."""
    settings(tf, converter, conversion, case)
    if conversion == "int8":
        converter.inference_output_type = tf.int8
        try:
            content: bytes = converter.convert()
            return content
        except Exception:
            converter.inference_output_type = tf.float32
    real: bytes = converter.convert()
    return real


def interpreter(content: bytes, optimized: bool) -> Any:
    """LiteRT's reference kernels, or those for this computer, which have a few operators more."""
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    kinds = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES if optimized else OpResolverType.BUILTIN_REF
    made = Interpreter(model_content=content, experimental_op_resolver_type=kinds, num_threads=1)
    made.allocate_tensors()
    return made


def run(content: bytes, case: Any, optimized: bool = False) -> dict[str, np.ndarray]:
    """The model, inputs x… and outputs y… by their places."""
    reference = interpreter(content, optimized)
    rng = np.random.default_rng(2)
    arrays: dict[str, list[np.ndarray]] = {}
    for _ in range(SAMPLES):
        for k, (entry, shape) in enumerate(zip(reference.get_input_details(), case.shapes, strict=True)):
            x = drawn(rng, shape, case.whole)
            if entry["dtype"] in (np.int8, np.int16):
                most = np.iinfo(entry["dtype"]).max
                x = rng.integers(-most - 1 if most < 200 else -30000, most + 1 if most < 200 else 30000, x.shape)
            reference.set_tensor(entry["index"], x.astype(entry["dtype"]))
            arrays.setdefault(f"x{k:02}", []).append(x.astype(entry["dtype"]))
        reference.invoke()
        for k, entry in enumerate(reference.get_output_details()):
            arrays.setdefault(f"y{k:02}", []).append(reference.get_tensor(entry["index"]).copy())
    return {"model": np.frombuffer(content, np.uint8), **{name: np.stack(all) for name, all in arrays.items()}}


def computed(content: bytes, case: Any) -> dict[str, np.ndarray]:
    """What `run` gives; with outputs z… of the optimized kernels where they differ from the reference's."""
    try:
        arrays = run(content, case)
    except ValueError as error:
        if "Didn't find op" not in str(error):
            raise
        return run(content, case, optimized=True)
    for name, array in run(content, case, optimized=True).items():
        if name.startswith("y") and not np.allclose(array, arrays[name], rtol=0, atol=1e-3 * np.abs(array).max()):
            arrays[f"z{name[1:]}"] = array
    return arrays


def first_line(error: Exception) -> str:
    """What an error says, in a line."""
    text = " ".join(str(error).split())
    at = text.find("error:")
    return f"{type(error).__name__}: {text[at if at > 0 else 0 :][:200]}"


def main(folder: Path, conversions: list[str], names: list[str]) -> None:
    """Make the files that are not there; `running` in the folder says which one is being made."""
    import tensorflow as tf
    from operators import CASES

    for name in names:
        case, seed = CASES[name], zlib.crc32(name.encode())
        missing = [c for c in conversions if not (folder / f"{name}.{c}.npz").exists()]
        for conversion in missing:
            (folder / "running").write_text(f"{name} {conversion}")
            stage = "converter"
            try:
                _alive, converter = converter_of(tf, case, seed)
                content = converted(tf, converter, conversion, case)
                stage = "litert"
                arrays = computed(content, case)
            except Exception as error:
                arrays = {"error": np.array(f"{stage}: {first_line(error)}")}
            np.savez_compressed(folder / f"{name}.{conversion}.npz", **arrays)
        (folder / "running").unlink(missing_ok=True)


if __name__ == "__main__":
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    os.environ["CUDA_VISIBLE_DEVICES"] = ""
    if len(sys.argv) > 3:
        main(Path(sys.argv[1]), sys.argv[2].split(","), sys.argv[3:])
    else:
        from operators import CASES

        print("\n".join(CASES))
