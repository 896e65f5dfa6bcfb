"""Files whose weights have less than 8 bits: the integers that they say, kept in so few bits."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator
from onnx_models import check, model_of, weights
from onnx_reference import session
from tflite_file import Operator, Tensor, build

from edgeq.errors import ModelError
from edgeq.exporters.qdq import to_qdq
from edgeq.importers import load
from edgeq.importers.narrow import unpacked
from edgeq.importers.tflite import import_bytes
from edgeq.ir.graph import Graph
from edgeq.ir.tensor import Array, DType
from edgeq.numerics.fixedpoint import Numerics
from edgeq.quantize import QuantConfig, quantize
from edgeq.report.accuracy import quantize_inputs
from edgeq.simulator import run_int
from edgeq.warnings import EdgeqWarning

RANGES = {"INT8": 127, "INT4": 7, "INT2": 1}


def network(dtype: str, size: int = 7) -> bytes:
    """Convolution, depthwise and fully connected layers of a .tflite file with weights of one type."""
    rng = np.random.default_rng(5)

    def layer(name: str, shape: tuple[int, ...], axis: int) -> tuple[Tensor, Tensor]:
        data = rng.integers(-size, size + 1, shape)
        scales, count = rng.uniform(0.01, 0.02, shape[axis]).tolist(), shape[axis]
        bias = rng.integers(-200, 200, count)
        kernel = Tensor(name, shape, dtype, data, scales, [0] * count, axis)
        return kernel, Tensor(f"{name}_bias", (count,), "INT32", bias, [0.05 * s for s in scales], [0] * count)

    tensors = [
        Tensor("x", (1, 6, 5, 3), "INT8", scale=0.05, zero=-3),
        *layer("conv", (5, 3, 3, 3), 0),
        Tensor("a", (1, 6, 5, 5), "INT8", scale=0.003 * size, zero=4),
        *layer("depthwise", (1, 3, 3, 5), 3),
        Tensor("b", (1, 6, 5, 5), "INT8", scale=0.0015 * size, zero=-5),
        *layer("dense", (9, 150), 0),
        Tensor("y", (1, 9), "INT8", scale=0.0004 * size, zero=7),
    ]
    strides = {"StrideH": 1, "StrideW": 1, "DilationHFactor": 1, "DilationWFactor": 1, "Padding": 0}
    ops = [
        Operator("CONV_2D", [0, 1, 2], [3], "Conv2DOptions", strides),
        Operator("DEPTHWISE_CONV_2D", [3, 4, 5], [6], "DepthwiseConv2DOptions", {**strides, "DepthMultiplier": 1}),
        Operator("FULLY_CONNECTED", [6, 7, 8], [9], "FullyConnectedOptions"),
    ]
    return build(tensors, ops, [0], [9])


def results(graph: Graph, x: Array) -> Array:
    (name,) = graph.inputs
    integer = quantize(graph, None, numerics=Numerics.TFLITE)
    return run_int(integer, {name: x})[graph.outputs[0]]


def stored(graph: Graph) -> list[DType]:
    return [v.type.dtype for v in graph.values.values() if v.data is not None and v.type.dtype is not DType.INT32]


@pytest.mark.parametrize("dtype", ["INT4", "INT2"])
def test_weights_of_tflite_files(dtype: str) -> None:
    """The same as with the same integers in bytes, and as LiteRT where that is installed (which has no 2 bits)."""
    narrow = import_bytes(network(dtype, RANGES[dtype]), "net")
    plain = import_bytes(network("INT8", RANGES[dtype]), "net")
    assert stored(narrow) == [DType(dtype.lower())] * 3
    assert stored(plain) == [DType.INT8] * 3
    rng = np.random.default_rng(1)
    samples = [rng.integers(-128, 128, (1, 6, 5, 3)).astype(np.int8) for _ in range(8)]
    found = np.concatenate([results(narrow, x) for x in samples])
    np.testing.assert_array_equal(found, np.concatenate([results(plain, x) for x in samples]))
    assert np.unique(found).size > 20
    if dtype == "INT4":
        np.testing.assert_array_equal(found, np.concatenate(by_litert(network(dtype), samples)))


def by_litert(content: bytes, samples: list[Array]) -> list[Array]:
    litert = pytest.importorskip("ai_edge_litert.interpreter", reason="needs LiteRT: pip install ai-edge-litert")
    resolver = litert.OpResolverType.BUILTIN_REF
    interpreter = litert.Interpreter(model_content=content, experimental_op_resolver_type=resolver)
    interpreter.allocate_tensors()
    x, y = interpreter.get_input_details()[0]["index"], interpreter.get_output_details()[0]["index"]
    found = []
    for sample in samples:
        interpreter.set_tensor(x, sample)
        interpreter.invoke()
        found.append(interpreter.get_tensor(y))
    return found


def test_a_constant_of_too_few_bytes() -> None:
    content = network("INT4")
    kernel = np.random.default_rng(5).integers(-7, 8, (5, 3, 3, 3)).astype(np.int8)
    packed = (kernel.ravel()[:-1:2] & 15) | (kernel.ravel()[1::2] << 4)
    assert content.count(packed.tobytes()[:40]) == 1
    at = content.index(packed.tobytes()[:40]) - 4
    assert int.from_bytes(content[at : at + 4], "little") == 68
    with pytest.raises(ModelError, match=r"INT4 \(5, 3, 3, 3\), has 67 bytes of data"):
        import_bytes(content[:at] + (67).to_bytes(4, "little") + content[at + 4 :], "net")


def test_bits_of_a_byte() -> None:
    stored = np.array([0x8F, 0x21], np.uint8)
    assert unpacked(stored, 4).tolist() == [-1, -8, 1, 2]
    assert unpacked(stored, 4, signed=False).tolist() == [15, 8, 1, 2]
    assert unpacked(stored, 2).tolist() == [-1, -1, 0, -2, 1, 0, -2, 0]


def qdq(kind: int, zero: int, low: int, high: int, block: int = 0) -> onnx.ModelProto:
    """x, quantized · weights of a narrow type, dequantized; Relu keeps the output's parameters its own."""
    rng = np.random.default_rng(3)
    dtype = helper.tensor_dtype_to_np_dtype(kind)
    shape = (6, 10)
    scales = rng.uniform(0.02, 0.05, (6, -(-10 // block)) if block else 6).astype(np.float32)
    constants: dict[str, Any] = {
        "w": rng.integers(low, high + 1, shape).astype(dtype),
        "w_scale": scales,
        "w_zero": np.full(scales.shape, zero).astype(dtype),
        "s": np.float32(0.03),
        "z": np.uint8(120),
        "t": np.float32(0.08),
    }
    attributes = {"axis": 1, "block_size": block} if block else {"axis": 0}
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "s", "z"], ["x_q"]),
        helper.make_node("DequantizeLinear", ["x_q", "s", "z"], ["x_r"]),
        helper.make_node("DequantizeLinear", ["w", "w_scale", "w_zero"], ["w_r"], **attributes),
        helper.make_node("Gemm", ["x_r", "w_r"], ["g"], transB=1),
        helper.make_node("QuantizeLinear", ["g", "t", "z"], ["g_q"]),
        helper.make_node("DequantizeLinear", ["g_q", "t", "z"], ["y"]),
    ]
    model = model_of(nodes, {"x": [1, 10]}, ["y"], constants, opset=25 if "2" in dtype.name else 21)
    model.ir_version = 13 if "2" in dtype.name else 10
    return model


@pytest.mark.parametrize(
    ("kind", "zero", "low", "high", "dtype"),
    [
        (TensorProto.INT4, 0, -8, 7, DType.INT4),
        (TensorProto.UINT4, 8, 0, 15, DType.INT4),
        (TensorProto.UINT4, 5, 0, 15, DType.INT4),
        (TensorProto.INT4, 7, -8, 7, DType.INT4),
        (TensorProto.UINT2, 0, 0, 3, DType.INT2),
        (TensorProto.INT2, 0, -2, 1, DType.INT2),
    ],
)
def test_weights_of_onnx_files(kind: int, zero: int, low: int, high: int, dtype: DType, tmp_path: Path) -> None:
    """Integers keep their bits; around the middle they are symmetric weights, others have a zero-point."""
    model = qdq(kind, zero, low, high)
    path = tmp_path / "model.onnx"
    path.write_bytes(model.SerializeToString())
    graph = load(path)
    assert stored(graph) == [dtype]
    integer = quantize(graph, None)
    assert [integer.type(str(n.inputs[1])).qp.is_symmetric for n in integer.nodes] == [zero == (low + high + 1) // 2]
    for sample in np.random.default_rng(2).normal(size=(20, 1, 10)).astype(np.float32):
        found = run_int(integer, quantize_inputs(integer, {"x": sample}))["y"]
        if dtype is DType.INT2:  # onnxruntime does not have it everywhere: what ONNX defines
            (expected,) = ReferenceEvaluator(model).run(None, {"x": sample})
        else:
            (expected,) = session(path).run(None, {"x": sample})
        assert np.abs(np.rint(expected / np.float32(0.08)) - 8 - found).max() <= 1


@pytest.mark.parametrize("kind", ["MatMul", "Add"])
def test_scales_of_blocks(kind: str, tmp_path: Path) -> None:
    """In ONNX's own form, beside onnxruntime: products keep the integers, what has no groups takes real numbers."""
    rng = np.random.default_rng(4)
    constants = {
        "w": rng.integers(-8, 8, (7, 6)).astype(helper.tensor_dtype_to_np_dtype(TensorProto.INT4)),
        "s": rng.uniform(0.1, 0.2, (3, 6)).astype(np.float32),
    }
    nodes = [
        helper.make_node("DequantizeLinear", ["w", "s"], ["r"], axis=0, block_size=3, name="blocks"),
        helper.make_node(kind, ["x", "r"], ["y"]),
    ]
    model = model_of(nodes, {"x": [2, 7] if kind == "MatMul" else [7, 6]}, ["y"], constants, opset=21)
    model.ir_version = 10
    if kind == "Add":
        with pytest.warns(EdgeqWarning, match="every 3 neighbours are taken as real numbers and quantized anew"):
            check(model, tmp_path)
        return
    graph = check(model, tmp_path)
    assert stored(graph) == [DType.INT4]
    samples = [{"x": x} for x in rng.normal(size=(20, 2, 7)).astype(np.float32)]
    integer = quantize(graph, samples)
    (node,) = integer.nodes
    q = integer.type(str(node.inputs[1])).qp
    assert q.groups is not None and q.groups.size == 3
    scales = np.asarray(q.scale)[:, None] * q.groups.table(6)
    np.testing.assert_allclose(scales, constants["s"].T, rtol=0.005)
    np.testing.assert_array_equal(integer.data(str(node.inputs[1])), constants["w"].astype(np.int8).T)


@pytest.mark.parametrize("bits", [2, 4, 8])
@pytest.mark.parametrize("zeros", ["none", "packed", "real"])
def test_mat_mul_n_bits(bits: int, zeros: str, tmp_path: Path) -> None:
    """A row of 40 in blocks of 16: the last one is not full."""
    rng = np.random.default_rng(bits)
    n, k, block, blocks = 5, 40, 16, 3
    whole = rng.integers(0, 1 << bits, (n, blocks, block)).astype(np.uint8)
    scales = rng.uniform(0.05, 0.1, (n, blocks)).astype(np.float32)
    middle = np.full((n, blocks), 1 << (bits - 1), np.uint8)
    points = middle if zeros == "none" else rng.integers(0, 1 << bits, (n, blocks)).astype(np.uint8)

    def packed(values: Array) -> Array:
        row = np.unpackbits(values[..., None], axis=-1, bitorder="little")[..., :bits]
        return np.packbits(row.reshape(*values.shape[:-1], -1), axis=-1, bitorder="little")

    constants = {"w": packed(whole), "s": scales, "b": weights(n)}
    inputs = ["x", "w", "s", "", "", "b"]
    if zeros != "none":
        constants["z"] = packed(points) if zeros == "packed" else points.astype(np.float32)
        inputs[3] = "z"
    attributes = {"K": k, "N": n, "bits": bits, "block_size": block}
    model = model_of(
        [helper.make_node("MatMulNBits", inputs, ["y"], domain="com.microsoft", **attributes)],
        {"x": [2, k]}, ["y"], constants, opset=21,
    )  # fmt: skip
    path = tmp_path / "model.onnx"
    path.write_bytes(model.SerializeToString())
    beyond_bytes = bits == 8 and zeros != "none"  # less their zero-points
    with pytest.warns(EdgeqWarning, match="every 16 neighbours") if beyond_bytes else nullcontext():
        graph = load(path)
    real = np.repeat((whole.astype(np.float64) - points[..., None]) * scales[..., None], 1).reshape(n, -1)[:, :k]
    (kernel,) = [v for v in graph.values.values() if v.data is not None and v.data.shape == (n, k)]
    q, data = kernel.type.q, np.asarray(kernel.data)
    assert (q is None) == beyond_bytes
    np.testing.assert_allclose(data if q is None else q.dequantize(data), real, rtol=1e-6)
    if not beyond_bytes:
        assert kernel.type.dtype is {2: DType.INT2, 4: DType.INT4, 8: DType.INT8}[bits]
    if bits == 4:
        check(model, tmp_path)
    if bits < 8:
        integer = quantize(graph, [{"x": x} for x in rng.normal(size=(20, 2, k)).astype(np.float32)])
        (node,) = integer.nodes
        type, kept = integer.type(str(node.inputs[1])), np.asarray(integer.data(str(node.inputs[1])))
        assert type.dtype is kernel.type.dtype and type.qp.groups is not None and type.qp.groups.size == block
        np.testing.assert_array_equal(kept + (1 << bits - 1), whole.reshape(n, -1)[:, :k])
        assert type.qp.groups.zeros == (() if zeros == "none" else tuple((points.astype(int) - middle).ravel()))
        np.testing.assert_allclose(type.qp.dequantize(kept), real, rtol=0.005)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"K": 41}, "are not"),
        ({"bits": 3}, "3 bits in blocks of 16 are no weights"),
        ({"block_size": 0}, "in blocks of 0 are no weights"),
        ({"K": 1 << 40}, "are no weights"),
        ({"N": -1}, "are no weights"),
    ],
)
def test_contradictions(changed: dict[str, int], message: str, tmp_path: Path) -> None:
    constants = {"w": np.zeros((5, 2, 8), np.uint8), "s": np.ones((5, 2), np.float32)}
    attributes = {"K": 32, "N": 5, "bits": 4, "block_size": 16, **changed}
    node = helper.make_node(
        "MatMulNBits", ["x", "w", "s"], ["y"], domain="com.microsoft", name="the_node", **attributes
    )
    path = tmp_path / "model.onnx"
    if "K" in changed and changed["K"] < 100:
        constants["w"] = np.zeros((5, 2, 7), np.uint8)
    path.write_bytes(model_of([node], {"x": [1, 32]}, ["y"], constants, opset=21).SerializeToString())
    with pytest.raises(ModelError) as caught:
        load(path)
    assert message in caught.value.message and "the_node" in str(caught.value)


def test_export_and_back(tmp_path: Path) -> None:
    """Weights of 4 bits are INT4 in the exported file, which gives the same and is read back as the same integers."""
    nodes = [
        helper.make_node("Conv", ["x", "w", "b"], ["c"], pads=[1] * 4, name="conv"),
        helper.make_node("Relu", ["c"], ["r"]),
        helper.make_node("ReduceMean", ["r"], ["m"], axes=[2, 3], keepdims=0, name="mean"),
        helper.make_node("Gemm", ["m", "v", "d"], ["y"], transB=1, name="dense"),
    ]
    constants = {"w": weights(6, 3, 3, 3), "b": weights(6), "v": weights(4, 6), "d": weights(4)}
    path = tmp_path / "model.onnx"
    path.write_bytes(model_of(nodes, {"x": [1, 3, 8, 8]}, ["y"], constants).SerializeToString())
    data = [{"x": x} for x in np.random.default_rng(6).normal(size=(10, 1, 3, 8, 8)).astype(np.float32)]
    graph = quantize(load(path), data, QuantConfig.from_dict({"weight_bits": 4}))
    model = to_qdq(graph)
    assert model.ir_version == 10 and model.opset_import[0].version == 21
    narrow = [numpy_helper.to_array(t) for t in model.graph.initializer if t.data_type == TensorProto.INT4]
    assert sorted(a.shape for a in narrow if a.ndim > 1) == [(4, 6), (6, 3, 3, 3)]
    running = session(model)
    exported = tmp_path / "exported.onnx"
    exported.write_bytes(model.SerializeToString())
    again = quantize(load(exported), None)
    kept = [v.data for v in again.values.values() if v.data is not None and v.type.dtype is DType.INT4]
    assert sorted(k.shape for k in kept) == [(4, 6), (6, 3, 3, 3)]
    for sample in data:
        first = run_int(graph, quantize_inputs(graph, sample))[graph.outputs[0]]
        (real,) = running.run(None, sample)
        q = graph.type(graph.outputs[0]).qp
        assert np.abs(np.rint(real / np.float32(q.s)) + q.zp - first).max() <= 1
        second = run_int(again, quantize_inputs(again, sample))[again.outputs[0]]
        assert np.abs(second.astype(int) - first).max() <= 1


def test_small_integers_are_no_narrow_weights() -> None:
    """What a file has in bytes remains in bytes, however small."""
    assert stored(import_bytes(network("INT8", 1), "net")) == [DType.INT8] * 3
