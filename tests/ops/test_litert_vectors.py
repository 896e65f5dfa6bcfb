"""The integer simulator against what LiteRT's reference resolver gave: every operator it has, tolerance 0.

The vectors are made by litert/make_vectors.py; LiteRT is not needed here.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgeq.importers.tflite import HANDLERS, import_bytes
from edgeq.importers.tflite.wide import INT16
from edgeq.ir.tensor import DType
from edgeq.numerics.fixedpoint import Numerics
from edgeq.quantize import quantize
from edgeq.simulator import IntExecutor

VECTORS = Path(__file__).parent / "litert" / "vectors"
CALLS = "compared over several calls, in tests/unit/test_tflite_recurrent.py"
STATES = "compared over several calls, in tests/unit/test_tflite_states.py"
REAL = "its results are real; tests/unit/test_tflite_detection.py"
NOT_WRITTEN = "no converter writes them: tests/unit/test_tflite_spelled.py"
CONVERTED = "in tests/ops/test_converted_operators.py"
NOT_IN_LITERT = {
    **dict.fromkeys(("DYNAMIC_UPDATE_SLICE", "L2_POOL_2D"), NOT_WRITTEN),
    **dict.fromkeys(
        ("ADD_N", "ATAN2", "CONV_3D", "CUMSUM", "FLOOR_DIV", "FLOOR_MOD", "GATHER_ND", "MATRIX_DIAG"), CONVERTED
    ),
    **dict.fromkeys(("MATRIX_SET_DIAG", "ONE_HOT", "REDUCE_ALL", "REDUCE_ANY", "REDUCE_PROD", "SCATTER_ND"), CONVERTED),
    **dict.fromkeys(("LOCAL_RESPONSE_NORMALIZATION", "REVERSE_SEQUENCE", "TOPK_V2"), CONVERTED),
    **dict.fromkeys(("LSTM", "UNIDIRECTIONAL_SEQUENCE_LSTM", "BIDIRECTIONAL_SEQUENCE_LSTM", "SVDF"), CALLS),
    **dict.fromkeys(("CALL_ONCE", "VAR_HANDLE", "READ_VARIABLE", "ASSIGN_VARIABLE", "CUSTOM CIRCULAR_BUFFER"), STATES),
    **dict.fromkeys((k for k in HANDLERS if k.startswith("CUSTOM Signal")), "not in LiteRT; tests/unit/test_signal.py"),
    **dict.fromkeys(("CUSTOM Convolution2DTransposeBias", "CUSTOM TFLite_Detection_PostProcess"), REAL),
    "CUSTOM PosenetDecoderOp": "not in LiteRT; tests/unit/test_tflite_pose.py",
    "EMBEDDING_LOOKUP": "rows are copied; tests/unit/test_whole_numbers.py",
    "WHILE": "becomes a recurrent layer, in tests/e2e/test_keras_recurrent.py",
    "DEQUANTIZE": "no arithmetic",
    "CAST": "no arithmetic",
    "SHAPE": "folded",
    "ZEROS_LIKE": "folded",
    "CEIL": "absent from the reference resolver",
    "ELU": "absent from the reference resolver",
    "ROUND": "absent from the reference resolver",
    "SIGN": "float only, and its three values say little",
}


def cases() -> list[tuple[str, str]]:
    """(operator, case) of every vector."""
    found = []
    for file in sorted(VECTORS.glob("*.npz")):
        with np.load(file) as arrays:
            found += [(file.stem, name) for name in sorted({key.split("/")[0] for key in arrays})]
    return found


@pytest.mark.parametrize(("kind", "name"), cases())
def test_equals_litert(kind: str, name: str) -> None:
    with np.load(VECTORS / f"{kind}.npz") as file:
        arrays = {key.removeprefix(f"{name}/"): file[key] for key in file if key.startswith(f"{name}/")}
    graph = quantize(import_bytes(arrays["model"].tobytes(), kind), None, numerics=Numerics.TFLITE)
    executor = IntExecutor(graph)
    assert {graph.type(port).dtype.numpy for port in graph.inputs} == {arrays[graph.inputs[0]].dtype}
    seen = set()
    for sample in range(len(arrays[graph.inputs[0]])):
        found = executor.run({port: arrays[port][sample] for port in graph.inputs})
        for port in graph.outputs:
            expected = arrays[port][sample]
            assert found[port].dtype == expected.dtype
            np.testing.assert_array_equal(found[port], expected)
            seen.update(np.unique(expected).tolist())
    assert len(seen) > 5, "the vector says nothing: its outputs are nearly constant"


def test_every_operator_has_vectors() -> None:
    stored = {file.stem for file in VECTORS.glob("*.npz")}
    assert set(HANDLERS) - stored == set(NOT_IN_LITERT)


def test_operators_of_16_bits_are_those_that_have_vectors() -> None:
    assert {kind for kind, name in cases() if name.startswith("int16")} == INT16


def test_uint8_files_have_uint8_ports() -> None:
    with np.load(VECTORS / "CONV_2D.npz") as file:
        graph = import_bytes(file["uint8_0/model"].tobytes(), "legacy")
    assert graph.ports == {"x0": DType.UINT8, "y0": DType.UINT8}
    weights = graph.values["w"]
    assert weights.data is not None and weights.data.dtype == np.int8 and weights.type.qp.zp != 0


def test_vectors_are_small() -> None:
    assert sum(file.stat().st_size for file in VECTORS.glob("*.npz")) < 2_000_000
