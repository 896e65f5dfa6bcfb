"""A network that takes token ids and truth values beside an image, and returns such: from a file to programs."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx_reference import reference

import edgeq

pytestmark = pytest.mark.slow
RNG = np.random.default_rng(11)


def network() -> onnx.ModelProto:
    """Ids choose rows of a table, whose mean scales the channels of an image that a mask names; pixels have classes."""
    constants = {
        "table": RNG.uniform(0.2, 1.0, (40, 6)).astype(np.float32),
        "w": RNG.normal(size=(6, 3, 3, 3)).astype(np.float32),
        "shape": np.array([0, 6, 1, 1], np.int64),
        "one": np.ones((1, 1), np.float32),
        "limit": np.full((1, 1), 8.0, np.float32),
    }
    nodes = [
        helper.make_node("Gather", ["table", "ids"], ["rows"]),
        helper.make_node("ReduceMean", ["rows"], ["mean"], axes=[1], keepdims=0),
        helper.make_node("Where", ["mask", "mean", "one"], ["shown"]),
        helper.make_node("Reshape", ["shown", "shape"], ["gain"]),
        helper.make_node("Conv", ["image", "w"], ["c"], pads=[1, 1, 1, 1]),
        helper.make_node("Mul", ["c", "gain"], ["scores"]),
        helper.make_node("ArgMax", ["scores"], ["classes"], axis=1, keepdims=0),
        helper.make_node("ReduceMax", ["scores"], ["most"], axes=[2, 3], keepdims=0),
        helper.make_node("ArgMin", ["most"], ["least"], axis=1),
        helper.make_node("Greater", ["most", "limit"], ["above"]),
    ]
    info = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes,
        "network",
        [
            info("ids", TensorProto.INT64, ["N", 5]),
            info("image", TensorProto.FLOAT, ["N", 3, 6, 7]),
            info("mask", TensorProto.BOOL, ["N", 6]),
        ],
        [
            info("classes", TensorProto.INT64, ["N", 6, 7]),
            info("least", TensorProto.INT64, ["N", 1]),
            info("above", TensorProto.BOOL, ["N", 6]),
        ],
        [numpy_helper.from_array(a, n) for n, a in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole")
    onnx.save(network(), str(folder / "net.onnx"))
    samples = {"ids": RNG.integers(0, 40, (24, 5)), "image": RNG.normal(size=(24, 3, 6, 7)).astype(np.float32)}
    samples["mask"] = RNG.random((24, 6)) < 0.5
    np.savez(folder / "samples.npz", **samples)
    return folder


def built(files: Path, target: str, **options: object) -> Path:
    folder = files / target / str(options.get("numerics", "int8"))
    samples = {} if options else {"calibration": str(files / "samples.npz")}
    edgeq.build(
        edgeq.BuildOptions(
            model=str(files / "net.onnx"),
            target=target,
            output=str(folder),
            **samples,
            **options,  # type: ignore[arg-type]
        )
    )
    return folder


def test_on_this_machine(files: Path) -> None:
    folder, samples = built(files, "host"), dict(np.load(files / "samples.npz"))
    found = edgeq.verify(folder, files / "samples.npz")
    assert found["mismatches"] == 0 and found["agreement"] > 90 and found["sqnr_db"] is None
    assert edgeq.verify(folder, samples=5)["mismatches"] == 0
    manifest = json.loads((folder / "manifest.json").read_text())
    assert [p["dtype"] for p in manifest["inputs"]] == ["int32", "int8", "bool"]
    assert [(p["dtype"], p["scale"]) for p in manifest["outputs"]] == [("int32", None), ("int32", None), ("bool", 1.0)]
    compiled = edgeq.load_compiled(folder)
    inputs = [samples[name] for name in ("ids", "image", "mask")]
    classes, least, above = compiled.predict(*inputs)
    assert (classes.dtype, classes.shape, least.shape) == (np.int32, (24, 6, 7), (24, 1))
    assert above.dtype == np.bool_ and 0.1 < above.mean() < 0.9
    expected = reference(network_of(files), samples)
    assert (classes == expected[0]).mean() > 0.9 and (least == expected[1]).mean() > 0.8
    assert (above == expected[2]).mean() > 0.95
    outputs = edgeq.run(folder, samples)
    np.testing.assert_array_equal(outputs["classes"], classes)
    np.testing.assert_array_equal(outputs["least"], least)
    np.testing.assert_array_equal(outputs["above"], above)
    with pytest.raises(ValueError, match="takes whole numbers from"):
        compiled.predict(samples["ids"] + 0.5, *inputs[1:])
    raw = compiled.run_raw(samples["ids"][:1].astype(np.int32), np.zeros((1, 3, 6, 7), np.int8), inputs[2][:1])
    assert [a.dtype for a in raw] == [np.int32, np.int32, np.bool_]


def network_of(files: Path) -> onnx.ModelProto:
    return onnx.load(str(files / "net.onnx"))


def test_in_float(files: Path) -> None:
    folder, samples = built(files, "host", numerics="float"), dict(np.load(files / "samples.npz"))
    assert edgeq.verify(folder, files / "samples.npz")["mismatches"] == 0
    expected, found = reference(network_of(files), samples), edgeq.run(folder, samples)
    np.testing.assert_array_equal(found["classes"], expected[0])
    np.testing.assert_array_equal(found["least"], expected[1])
    np.testing.assert_array_equal(found["above"] != 0, expected[2])


@pytest.mark.qemu
def test_on_a_microcontroller(files: Path) -> None:
    folder = built(files, "cortex-m4")
    assert edgeq.verify(folder, files / "samples.npz")["mismatches"] == 0


VECTORS = Path(__file__).resolve().parents[1] / "ops" / "litert" / "vectors" / "SOFTMAX.npz"


@pytest.mark.parametrize("target", ["host", pytest.param("cortex-m4", marks=pytest.mark.qemu)])
def test_int16_in_and_int32_out(target: str, tmp_path: Path) -> None:
    """What LiteRT gave for a file whose ports are wider than what lies between them."""
    with np.load(VECTORS) as file:
        (tmp_path / "wide.tflite").write_bytes(file["wide_1/model"].tobytes())
        x, y = file["wide_1/x0"].reshape(-1, 40), file["wide_1/y0"].reshape(-1, 40)
    folder = tmp_path / "out"
    edgeq.build(edgeq.BuildOptions(model=str(tmp_path / "wide.tflite"), target=target, output=str(folder)))
    np.testing.assert_array_equal(edgeq.run(folder, {"x0": x}, raw=True)["y0"], y)
    assert edgeq.verify(folder)["mismatches"] == 0
