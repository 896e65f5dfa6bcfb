"""Small files that ask for much: nodes, bytes, time, other files. Each error names its limit, and comes at once."""

from __future__ import annotations

import os
import resource
import time
import zipfile
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import tflite_file
from onnx import TensorProto, helper, numpy_helper
from onnx_models import ints, model_of
from tflite_file import Operator, Tensor

from edgeq.api.data import load_data
from edgeq.errors import EdgeqError, ModelError, UsageError
from edgeq.importers import load
from edgeq.ir import limits
from edgeq.passes.pipeline import optimize_float

node = helper.make_node
MEMORY = 3 << 30
"""Bytes of address space more than there are in use; what is refused takes less."""


@pytest.fixture(autouse=True)
def _little(request: pytest.FixtureRequest) -> Iterator[None]:
    """What is refused takes neither long nor much memory."""
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, before[1]))
    begun = time.process_time()
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)
    assert time.process_time() - begun < 10


def _refused(model: onnx.ModelProto, tmp_path: Path) -> EdgeqError:
    path = tmp_path / "model.onnx"
    path.write_bytes(model.SerializeToString())
    with pytest.raises(ModelError) as caught:
        optimize_float(load(path))
    assert len(str(caught.value)) < 2000
    return caught.value


# Nodes


def _functions(bodies: dict[str, list[onnx.NodeProto]], top: str) -> onnx.ModelProto:
    opsets = [helper.make_opsetid("", 13), helper.make_opsetid("L", 1)]
    model = model_of([node(top, ["x"], ["y"], domain="L")], {"x": (1, 4)}, ["y"], {})
    model.opset_import.append(opsets[1])
    model.functions.extend(helper.make_function("L", f, ["a"], ["b"], nodes, opsets) for f, nodes in bodies.items())
    return model


def _doubling(depth: int, first: list[onnx.NodeProto]) -> onnx.ModelProto:
    """Functions each of which calls the one before twice."""
    bodies = {"f0": first}
    for k in range(1, depth):
        calls = [node(f"f{k - 1}", [a], [b], domain="L") for a, b in (("a", "t"), ("t", "b"))]
        bodies[f"f{k}"] = calls
    return _functions(bodies, f"f{depth - 1}")


def test_functions_that_multiply(tmp_path: Path) -> None:
    error = _refused(_doubling(25, [node("Relu", ["a"], ["b"])]), tmp_path)
    assert error.message == "the model has 16,777,216 nodes or more; the limit is 20,000"
    error = _refused(_doubling(90, [node("Relu", ["a"], ["b"])]), tmp_path)
    assert "nodes or more; the limit is 20,000" in error.message


def test_functions_in_branches_that_multiply(tmp_path: Path) -> None:
    bodies = {"f0": [node("Relu", ["a"], ["b"])]}
    for k in range(1, 25):
        calls = [node(f"f{k - 1}", ["a"], ["t"], domain="L"), node(f"f{k - 1}", ["t"], ["u"], domain="L")]
        inner = helper.make_graph(calls, "inner", [], [helper.make_tensor_value_info("u", 1, None)])
        condition = node("Constant", [], ["c"], value=numpy_helper.from_array(np.array(True)))
        bodies[f"f{k}"] = [condition, node("If", ["c"], ["b"], then_branch=inner, else_branch=inner)]
    assert "the limit is 20,000" in _refused(_functions(bodies, "f24"), tmp_path).message


def test_functions_that_multiply_bytes(tmp_path: Path) -> None:
    """Fewer nodes than the limit, each with a copy of the same tensor."""
    large = numpy_helper.from_array(np.ones(1 << 18, np.float32), "k")
    first = [node("Constant", [], ["k"], value=large), node("ReduceSum", ["k"], ["r"]), node("Add", ["a", "r"], ["b"])]
    error = _refused(_doubling(12, first), tmp_path)
    assert error.message == "the model stores 2.001 GiB or more; the limit is 1 GiB"


def test_functions_that_call_each_other(tmp_path: Path) -> None:
    itself = {"f": [node("f", ["a"], ["b"], domain="L")]}
    circle = {"f": [node("g", ["a"], ["b"], domain="L")], "g": [node("f", ["a"], ["b"], domain="L")]}
    for bodies in (itself, circle):
        assert "calls itself" in _refused(_functions(bodies, "f"), tmp_path).message
    deep = {"f0": [node("Relu", ["a"], ["b"])]}
    deep |= {f"f{k}": [node(f"f{k - 1}", ["a"], ["b"], domain="L")] for k in range(1, 5000)}
    error = _refused(_functions(deep, "f4999"), tmp_path)
    assert error.message == "functions are nested more than 100 deep, which is the limit"


def test_functions_below_the_limits(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(_doubling(6, [node("Neg", ["a"], ["b"])]).SerializeToString())
    assert len(load(path).nodes) == 32


def test_too_many_nodes_and_ports(tmp_path: Path) -> None:
    nodes = [node("Neg", ["x"], [f"y{k}"]) for k in range(limits.NODES + 1)]
    error = _refused(model_of(nodes, {"x": (1, 4)}, ["y0"], {}), tmp_path)
    assert error.message == "the model has 20,001 nodes or more; the limit is 20,000"
    outputs = [f"y{k}" for k in range(limits.PORTS + 1)]
    error = _refused(model_of(nodes[: len(outputs)], {"x": (1, 4)}, outputs, {}), tmp_path)
    assert error.message == "the model has 1,001 outputs; the limit is 1,000"


def test_many_nodes_of_one_name(tmp_path: Path) -> None:
    count = 5000
    nodes = [node("Neg", ["x"], [f"y{k}"], "same") for k in range(count)]
    path = tmp_path / "model.onnx"
    path.write_bytes(model_of(nodes, {"x": (1, 4)}, ["y0"], {}).SerializeToString())
    assert load(path).nodes[0].name == "same"


@pytest.mark.parametrize("kind", ["Sigmoid", "Add"])
def test_long_chains_of_functions_of_one_element(kind: str, tmp_path: Path) -> None:
    """As one expression they would be nested too deeply, or be exponentially long."""
    names = ["x", *(f"t{k}" for k in range(300)), "y"]
    nodes = [node(kind, [a] * (2 if kind == "Add" else 1), [b]) for a, b in pairwise(names)]
    path = tmp_path / "model.onnx"
    path.write_bytes(model_of(nodes, {"x": (1, 4)}, ["y"], {}).SerializeToString())
    assert optimize_float(load(path)).outputs == ("y",)


# Bytes

N = 1 << 27
ROW, IMAGE = np.ones((1, 1 << 15), np.float32), np.ones((1, 1, 4, 4), np.float32)
LARGE = {
    "ConstantOfShape": ([node("ConstantOfShape", ["n"], ["k"])], {"n": ints(4 * N)}),
    "several": (
        [node("ConstantOfShape", ["n"], [f"k{j}"]) for j in range(9)]
        + [node("Sum", [f"k{j}" for j in range(9)], ["k"])],
        {"n": ints(N // 8)},
    ),
    "Expand": (
        [node("Expand", ["one", "n"], ["e"]), node("Mul", ["e", "e"], ["k"])],
        {"one": np.ones(1, np.float32), "n": ints(N + 1)},
    ),
    "Tile": ([node("Tile", ["row", "n"], ["k"])], {"row": ROW, "n": ints(1, N)}),
    "Range": (
        [node("Range", ["a", "n", "d"], ["integers"]), node("Cast", ["integers"], ["k"], to=1)],
        {"a": np.int64(0), "n": np.int64(N), "d": np.int64(1)},
    ),
    "a table": ([node("Add", ["row", "column"], ["k"])], {"row": ROW, "column": ROW.T}),
    "Gather": (
        [node("Gather", ["rows", "picks"], ["k"])],
        {"rows": np.concatenate([ROW, ROW]), "picks": np.zeros(1 << 13, np.int64)},
    ),
    "Concat": (
        [node("Tile", ["row", "n"], ["t"]), node("Concat", ["t"] * 8, ["k"], axis=0)],
        {"row": ROW, "n": ints(1, 1 << 10)},
    ),
    "Resize": (
        [node("Resize", ["image", "", "", "n"], ["k"], mode="nearest")],
        {"image": IMAGE, "n": ints(1, 1, 1 << 14, 1 << 14)},
    ),
    "Pad": ([node("Pad", ["image", "p"], ["k"])], {"image": IMAGE, "p": ints(0, 0, 0, 0, 0, 0, 0, N >> 2)}),
}


@pytest.mark.parametrize(("nodes", "constants"), LARGE.values(), ids=LARGE)
def test_constants_that_are_computed(nodes: list[onnx.NodeProto], constants: dict[str, Any], tmp_path: Path) -> None:
    used = [node("Reshape", ["k", "flat"], ["f"]), node("Slice", ["f", "zero", "four", "one_"], ["s"])]
    used.append(node("Add", ["x", "s"], ["y"]))
    numbers = {"flat": ints(1, -1), "zero": ints(0), "four": ints(4), "one_": ints(1)}
    error = _refused(model_of([*nodes, *used], {"x": (1, 4)}, ["y"], {**constants, **numbers}), tmp_path)
    assert "the limit is 512 MiB" in error.message and error.where


ASKED: dict[str, tuple[list[Any], dict[str, Any]]] = {
    "TopK": ([np.ones(4, np.float32), ints(2**31)], {}),
    "Pad": ([np.ones((1, 4), np.float32), ints(0, 2**31, 0, 0)], {}),
    "OneHot": ([ints(1, 2), ints(2**31), np.ones(2, np.float32)], {}),
    "HannWindow": ([ints(2**31).reshape(())], {}),
    "MelWeightMatrix": ([*(ints(n).reshape(()) for n in (2**16, 2**20, 16000)), *np.float32([0, 8000])], {}),
    "ConvInteger": ([np.ones((1, 1, 8, 8), np.uint8), np.ones((1, 1, 3, 3), np.uint8)], {"pads": [2**20] * 4}),
}


@pytest.mark.parametrize("kind", ASKED)
def test_numbers_that_ask_for_much(kind: str, tmp_path: Path) -> None:
    """What an operator on constants would compute is counted before it is made, also where no shape tells."""
    constants, attributes = ASKED[kind]
    named = {f"c{k}": np.asarray(data) for k, data in enumerate(constants)}
    nodes = [
        helper.make_node(kind, list(named), ["much"], "asks", **attributes),
        helper.make_node("Cast", ["much"], ["real"], to=TensorProto.FLOAT),
        helper.make_node("ReduceSum", ["real"], ["sum"], keepdims=0),
        helper.make_node("Add", ["x", "sum"], ["y"]),
    ]
    error = _refused(model_of(nodes, {"x": (1, 4)}, ["y"], named, opset=20), tmp_path)
    assert f"asks ({kind}): " in str(error) and "the limit is 512 MiB" in str(error)


@pytest.mark.parametrize(("mode", "nearest"), [("nearest", "round_prefer_ceil"), ("cubic", "floor")])
def test_channels_that_are_resized_to_many(mode: str, nearest: str, tmp_path: Path) -> None:
    attributes = {"mode": mode, "nearest_mode": nearest, "coordinate_transformation_mode": "asymmetric"}
    nodes = [helper.make_node("Resize", ["x", "", "", "sizes"], ["y"], "asks", **attributes)]
    error = _refused(model_of(nodes, {"x": (1, 2, 4, 4)}, ["y"], {"sizes": ints(1, 2**31 - 1, 5, 5)}), tmp_path)
    assert error.where == "asks (Resize)" and "the limit is 512 MiB" in error.message


def test_shapes_that_no_tensor_has(tmp_path: Path) -> None:
    for shape in ([1 << 62], [1 << 40, 1 << 40], [1 << 15, 1 << 14]):
        model = model_of([node("Relu", ["x"], ["y"])], {"x": tuple(shape)}, ["y"], {})
        path = tmp_path / "model.onnx"
        path.write_bytes(model.SerializeToString())
        with pytest.raises(UsageError, match="an input cannot have the shape"):
            load(path)
    padded = model_of([node("Pad", ["x", "p"], ["y"])], {"x": (1, 4)}, ["y"], {"p": ints(0, 0, 0, 1 << 30)})
    assert "the output would have the shape (1, 1073741828)" in _refused(padded, tmp_path).message


# External data


def _external(tmp_path: Path, location: str, shape: tuple[int, ...] = (1, 4), **more: int) -> onnx.ModelProto:
    model = model_of([node("Add", ["x", "w"], ["y"])], {"x": (1, 4)}, ["y"], {"w": np.zeros(4, np.float32)})
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.dims[:] = shape
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in {"location": location, **more}.items():
        tensor.external_data.add(key=key, value=str(value))
    return model


def test_external_data_elsewhere(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    (tmp_path / "secret").write_bytes(bytes(16))
    (folder / "link").symlink_to(tmp_path / "secret")
    (folder / "up").symlink_to(tmp_path)
    os.link(tmp_path / "secret", folder / "hard")
    os.mkfifo(folder / "pipe")
    (folder / "sub").mkdir()
    (folder / "sub" / "inside").write_bytes(np.arange(4, dtype=np.float32).tobytes())
    for location, why in (
        ("../secret", "outside the model's folder"),
        ("sub/../../secret", "outside the model's folder"),
        (str(tmp_path / "secret"), "outside the model's folder"),
        ("/dev/zero", "outside the model's folder"),
        ("link", "is a link"),
        ("up/secret", "is a link"),
        ("hard", "also has another name"),
        ("pipe", "no regular file"),
        ("sub", "no regular file"),
        ("nowhere", "is absent"),
        ("x" * 5000, "is absent"),
        ("", "outside the model's folder"),
        ("a\0b", "is absent"),
    ):
        assert why in _refused(_external(tmp_path, location), folder).message, location
    (folder / "model.onnx").write_bytes(_external(tmp_path, "sub/inside").SerializeToString())
    assert any(
        v.data is not None and v.data.tolist() == [[0, 1, 2, 3]] for v in load(folder / "model.onnx").values.values()
    )


def test_external_data_of_another_size(tmp_path: Path) -> None:
    with (tmp_path / "sparse").open("wb") as file:
        file.truncate(40 << 30)
    error = _refused(_external(tmp_path, "sparse"), tmp_path)
    assert "w: its external data is 40 GiB, and elements of its shape (1, 4) are 16 bytes" in error.message
    error = _refused(_external(tmp_path, "sparse", (1 << 28, 4)), tmp_path)
    assert "cannot have the shape" in error.message
    for place in ({"offset": -5}, {"length": -1}, {"offset": 1 << 62, "length": 16}, {"offset": 0, "length": 1 << 62}):
        assert "its external data is said to be" in _refused(_external(tmp_path, "sparse", **place), tmp_path).message


def test_external_data_in_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is read in all has a limit, too."""
    with (tmp_path / "sparse").open("wb") as file:
        file.truncate(1 << 20)
    monkeypatch.setattr(limits, "STORED_BYTES", 3 << 20)
    names = [f"w{k}" for k in range(3)]
    many = model_of([node("Sum", ["x", *names], ["y"])], {"x": (1, 1 << 18)}, ["y"], {})
    for name in names:
        many.graph.initializer.append(_external(tmp_path, "sparse", (1 << 18,)).graph.initializer[0])
        many.graph.initializer[-1].name = name
    error = _refused(many, tmp_path)
    assert error.message == "the model stores 3 MiB or more; the limit is 3 MiB"


# Other formats


def test_models_that_are_no_files(tmp_path: Path) -> None:
    for suffix in (".onnx", ".tflite", ".keras", ".h5"):
        os.mkfifo(tmp_path / f"pipe{suffix}")
        with pytest.raises(UsageError, match="is no regular file"):
            load(tmp_path / f"pipe{suffix}")


def _tflite(tensors: list[Tensor], ops: list[Operator], outputs: tuple[int, ...], tmp_path: Path) -> EdgeqError:
    path = tmp_path / "model.tflite"
    path.write_bytes(tflite_file.build(tensors, ops, (0,), outputs))
    with pytest.raises(ModelError) as caught:
        optimize_float(load(path))
    return caught.value


def test_tflite_constants_that_are_computed(tmp_path: Path) -> None:
    x = Tensor("x", (1, 4), "FLOAT32")
    fill = [
        Tensor("n", (1,), "INT32", data=[1 << 27]),
        Tensor("one", (), "FLOAT32", data=1.0),
        *(Tensor(f"k{j}", (1 << 27,), "FLOAT32") for j in range(3)),
        Tensor("y", (1, 4), "FLOAT32"),
    ]
    ops = [Operator("FILL", (1, 2), (3 + j,)) for j in range(3)]
    assert "the limit is 67,108,864" in _tflite([x, *fill], ops, (5,), tmp_path).message
    table = [
        Tensor("row", (1, 1 << 14), "FLOAT32", data=np.ones((1, 1 << 14))),
        Tensor("column", (1 << 14, 1), "FLOAT32", data=np.ones((1 << 14, 1))),
        Tensor("k", (1 << 14, 1 << 14), "FLOAT32"),
    ]
    assert "the limit is 67,108,864" in _tflite([x, *table], [Operator("ADD", (1, 2), (3,))], (3,), tmp_path).message
    several = [Tensor("n", (1,), "INT32", data=[1 << 25]), Tensor("one", (), "FLOAT32", data=1.0)]
    several += [Tensor(f"k{j}", (1 << 25,), "FLOAT32") for j in range(6)]
    ops = [Operator("FILL", (1, 2), (3 + j,)) for j in range(6)]
    assert "the limit is 512 MiB" in _tflite([x, *several], ops, (8,), tmp_path).message


def test_tflite_lists_that_are_too_long(tmp_path: Path) -> None:
    tensors = [Tensor("x", (1, 4), "FLOAT32"), Tensor("y", (1, 4), "FLOAT32")]
    error = _tflite(tensors, [Operator("ADD_N", (0,) * 5000, (1,))], (1,), tmp_path)
    assert error.message == "a list of 5,000 inputs of an operator; the limit is 4,096"


def test_samples_that_unpack_to_much(tmp_path: Path) -> None:
    path, graph_path = tmp_path / "x.npz", tmp_path / "model.onnx"
    graph_path.write_bytes(model_of([node("Relu", ["x"], ["y"])], {"x": (1, 4)}, ["y"], {}).SerializeToString())
    with zipfile.ZipFile(path, "w") as archive:
        info = zipfile.ZipInfo("x.npy")
        archive.writestr(info, b"\x93NUMPY")
        archive.filelist[0].file_size = 1 << 40
    with pytest.raises(UsageError, match=r"its arrays are 1 TiB; the limit is 8 GiB"):
        load_data(path, load(graph_path))


def test_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "SECONDS", -1.0)
    error = _refused(model_of([node("Relu", ["x"], ["y"])], {"x": (1, 4)}, ["y"], {}), tmp_path)
    assert error.message == "reading the model takes longer than -1 s"
    x, y = (Tensor(name, (1, 4), "FLOAT32") for name in "xy")
    assert "takes longer than" in _tflite([x, y], [Operator("RELU", (0,), (1,))], (1,), tmp_path).message


def test_sizes_for_people() -> None:
    shown = [limits.size(n) for n in (5, 1 << 10, 3 << 19, 40 << 30, 1 << 62, 1 << 90)]
    assert shown == ["5 bytes", "1 KiB", "1.5 MiB", "40 GiB", "4 EiB", "over 1024 EiB"]
