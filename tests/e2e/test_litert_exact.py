"""Every tensor of the int8 benchmark models, over all evaluation data, equals LiteRT's reference resolver."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgeq.importers.tflite import import_raw
from edgeq.importers.tflite.reader import read
from edgeq.ir.tensor import Array
from edgeq.numerics.fixedpoint import Numerics
from edgeq.quantize import quantize
from edgeq.simulator import FloatExecutor, IntExecutor

litert = pytest.importorskip("ai_edge_litert.interpreter", reason="needs LiteRT: pip install ai-edge-litert")

pytestmark = [pytest.mark.shared, pytest.mark.slow]


def interpreter(content: bytes) -> litert.Interpreter:
    """LiteRT with its reference kernels; all tensors stay readable."""
    found = litert.Interpreter(
        model_content=content,
        experimental_op_resolver_type=litert.OpResolverType.BUILTIN_REF,
        experimental_preserve_all_tensors=True,
        num_threads=1,
    )
    found.allocate_tensors()
    return found


def samples(data: Path, model: str) -> Array:
    """The evaluation data of a model, as its input wants it: real values, batch first."""
    with np.load(data / f"{model}_eval.npz") as arrays:
        return arrays["x"]


@pytest.mark.parametrize("model", ["kws", "vww", "ic", "ad"])
def test_every_tensor_of_an_int8_model(model: str, shared_models: Path, shared_data: Path) -> None:
    content = (shared_models / f"{model}_int8.tflite").read_bytes()
    raw = read(content, model)
    graph, values = import_raw(raw, model)
    assert graph.preferred is Numerics.TFLITE
    ours = IntExecutor(quantize(graph, None, numerics=Numerics.TFLITE))
    theirs = interpreter(content)
    (name,) = graph.inputs
    q = graph.type(name).qp
    scale, zero = np.float32(q.s), q.zp
    outputs = [t for op in raw.ops for t in op.outputs]
    assert len(outputs) == len(raw.ops)
    differing: dict[str, int] = {}
    for real in samples(shared_data, model):
        x = np.clip(np.rint(real.astype(np.float32) / scale) + zero, -128, 127).astype(np.int8)
        x = x.reshape(graph.type(name).shape)
        theirs.set_tensor(raw.inputs[0], x)
        theirs.invoke()
        found = ours.run({name: x})
        for index in outputs:
            expected = theirs.get_tensor(index)
            got = found[values[index]]
            assert got.dtype == expected.dtype and got.shape == expected.shape
            if not np.array_equal(got, expected):
                differing[values[index]] = differing.get(values[index], 0) + int(np.sum(got != expected))
    assert not differing


@pytest.mark.parametrize("model", ["kws", "vww", "ic", "ad"])
def test_float_model(model: str, shared_models: Path, shared_data: Path) -> None:
    content = (shared_models / f"{model}_float.tflite").read_bytes()
    raw = read(content, model)
    graph, values = import_raw(raw, model)
    assert graph.preferred is Numerics.FAST and not graph.ports
    ours, theirs = FloatExecutor(graph), interpreter(content)
    (name,) = graph.inputs
    for real in samples(shared_data, model)[:20]:
        x = real.astype(np.float32).reshape(graph.type(name).shape)
        theirs.set_tensor(raw.inputs[0], x)
        theirs.invoke()
        found = ours.run({name: x})
        for index in (t for op in raw.ops for t in op.outputs):
            expected = theirs.get_tensor(index)
            bound = 1e-4 * max(1.0, float(np.abs(expected).max()))
            assert float(np.abs(found[values[index]] - expected).max()) <= bound
