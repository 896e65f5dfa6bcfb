"""Broken and unsupported ONNX models: one clear error that names every node, and never another exception."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from onnx_models import Case, imported, ints, model_of, single, weights

from edgeq.errors import EdgeqError, ModelError, UsageError
from edgeq.importers import load

X = (1, 3, 4, 6)


def relu(**inputs: Any) -> onnx.ModelProto:
    return model_of([helper.make_node("Relu", ["x"], ["y"], name="relu")], {"x": [1, 2], **inputs}, ["y"])


def failure(model: onnx.ModelProto, folder: Path, **shapes: tuple[int, ...]) -> ModelError:
    with pytest.raises(ModelError) as caught:
        imported(model, folder, **shapes)
    assert caught.value.hint
    return caught.value


def test_all_unsupported_nodes_are_reported_at_once(tmp_path: Path) -> None:
    branch = helper.make_graph([], "branch", [], [helper.make_tensor_value_info("r", 1, [1])])
    nodes = [
        helper.make_node("GlobalLpPool", ["x"], ["l"], name="norm"),
        helper.make_node("Relu", ["l"], ["r"], name="fine"),
        helper.make_node("If", ["x"], ["i"], name="choice", then_branch=branch, else_branch=branch),
        helper.make_node("Magic", ["r"], ["m"], name="spell", domain="custom"),
        helper.make_node("ConvTranspose", ["v", "k"], ["y"], name="conv3d"),
    ]
    constants = {"k": weights(2, 1, 2, 2, 2), "c": np.array(True)}
    inputs = {"x": [1, 1, 2], "v": [1, 1, 4, 4, 4]}
    error = failure(model_of(nodes, inputs, ["y", "m", "i"], constants), tmp_path)
    assert str(error) == "\n".join(
        [
            f"{tmp_path / 'model.onnx'}: 4 nodes cannot be imported:",
            "  norm (GlobalLpPool): operator GlobalLpPool is not supported",
            "  choice (If): operator If is not supported",
            "  spell (Magic): operator custom.Magic is not supported",
            "  conv3d (ConvTranspose): ConvTranspose of this rank is not supported: 3-D",
            "  GlobalLpPool: use ReduceL2 over rows and columns",
            "If: control flow is not supported: export without it, or fold it away with a model simplifier",
            "Magic: replace it by supported operators (`edgeq ops` lists them), or cut the model before it",
            "ConvTranspose: use a 1-D or 2-D operator",
        ]
    )
    assert error.exit_code == 3


def test_one_unsupported_node(tmp_path: Path) -> None:
    error = failure(single(Case("", "GlobalLpPool", [X])), tmp_path)
    assert (error.where, error.message) == ("the_node (GlobalLpPool)", "operator GlobalLpPool is not supported")
    assert error.hint == "use ReduceL2 over rows and columns"


def test_products_of_quantized_integers_ask_for_real_numbers(tmp_path: Path) -> None:
    constants = {"s": np.float32(0.1), "z": np.uint8(3), "w": np.ones((4, 2), np.int8)}
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "s", "z"], ["q"]),
        helper.make_node("MatMulInteger", ["q", "w", "z"], ["y"], name="product"),
    ]
    error = failure(model_of(nodes, {"x": [1, 4]}, ["y"], constants), tmp_path)
    assert error.where == "product (MatMulInteger)"
    assert error.hint.startswith("dequantize its inputs first (DequantizeLinear)")


NODES = {
    "run-time weights": (Case("", "Conv", [X, (2, 3, 3, 3)]), "the weight tensor is computed at run time"),
    "channels": (
        Case("", "Conv", [X, weights(2, 4, 3, 3)]),
        "3 channels do not fit weights (2, 4, 3, 3) in 1 group(s)",
    ),
    "kernel_shape": (
        Case("", "Conv", [X, weights(2, 3, 3, 3)], {"kernel_shape": [5, 5]}),
        "attribute kernel_shape (5, 5) does not fit the weights' (3, 3)",
    ),
    "zero stride": (
        Case("", "Conv", [X, weights(2, 3, 3, 3)], {"strides": [0, 1]}),
        "strides (0, 1) does not fit 2 dimension(s)",
    ),
    "negative padding": (
        Case("", "Conv", [X, weights(2, 3, 3, 3)], {"pads": [-1, 0, 0, 0]}),
        "padding (-1, 0, 0, 0) is not supported",
    ),
    "absurd padding": (
        Case("", "Conv", [X, weights(2, 3, 3, 3)], {"pads": [2**30, 2**30, 0, 0]}),
        "the output would have the shape (1, 1073741826, 1073741828, 2)",
    ),
    "window": (Case("", "MaxPool", [X], {"kernel_shape": [9, 9]}), "a window of 9 does not fit into 4 elements"),
    "pool padding": (
        Case("", "MaxPool", [X], {"kernel_shape": [2, 2], "pads": [2, 0, 0, 0]}),
        "padding (2, 0, 0, 0) is as large as the window",
    ),
    "wrong attribute": (
        Case("", "Conv", [X, weights(2, 3, 3, 3)], {"pads": 3}),
        "attribute 'pads' is not a list of integers",
    ),
    "broadcast": (Case("", "Add", [X, (5,)]), "shapes (1, 3, 4, 6) and (5,) do not broadcast against each other"),
    "reshape": (Case("", "Reshape", [X, ints(5, -1)]), "(1, 3, 4, 6) cannot be reshaped to (5, -1)"),
    "reshape at run time": (Case("", "Reshape", [X, (2,)]), "the target shape is computed at run time"),
    "axis": (Case("", "Softmax", [X], {"axis": 4}), "axes (4,) do not fit 4 dimensions"),
    "perm": (Case("", "Transpose", [X], {"perm": [0, 1, 1, 2]}), "(0, 1, 1, 2) does not permute 4 axes"),
    "empty slice": (Case("", "Slice", [X, ints(2), ints(2)]), "the slice takes nothing along axis 0 of (1, 3, 4, 6)"),
    "split": (
        Case("", "Split", [X, ints(1, 1)], {"axis": 1}, outputs=2),
        "(1, 3, 4, 6) cannot be split into (1, 1) along axis 1",
    ),
    "pad mode": (
        Case("", "Pad", [X, ints(*[1] * 8)], {"mode": "wrap"}, opset=19),
        "padding mode 'wrap' is not supported",
    ),
    "interpolation": (
        Case("", "Resize", [X, None, None, ints(1, 3, 8, 8)], {"mode": "lanczos"}),
        "interpolation 'lanczos' is unknown",
    ),
    "scatter": (
        Case("", "ScatterND", [(2, 3), ints(2, 0)[None], weights(1)], {}, opset=18),
        "indices are out of range; there are (2, 3) elements",
    ),
    "equation": (
        Case("", "Einsum", [(2, 3), (4, 5)], {"equation": "ij,jk->ik"}),
        "index 'j' is both 3 and 4",
    ),
    "exponents": (Case("", "Pow", [X, weights(6)]), "the exponents differ from element to element"),
    "clip": (
        Case("", "Clip", [X], {"min": 2.0, "max": 1.0}, opset=7),
        "the bounds 2.0 and 1.0 leave nothing between them",
    ),
    "training": (
        Case("", "BatchNormalization", [X, *[weights(3)] * 4], {"training_mode": 1}, opset=15),
        "batch normalization in training mode is not supported",
    ),
    "gather": (
        Case("", "Gather", [X, ints(0, 4, 1)], {"axis": 2}),
        "it picks elements [0, 4, 1] of 4",
    ),
    "missing input": (Case("", "Conv", [X]), "input 1 is missing"),
    "cast": (
        Case("", "Cast", [X], {"to": TensorProto.FLOAT8E5M2}),
        "a cast to float8e5m2 at run time is not supported",
    ),
    "huge constant": (
        Case("", "ConstantOfShape", [ints(2**40, 2**40)]),
        "constants that are computed while the model is read would take over 1024 EiB or more; the limit is 512 MiB",
    ),
}


@pytest.mark.parametrize("name", NODES)
def test_what_is_wrong_with_a_node(name: str, tmp_path: Path) -> None:
    case, message = NODES[name]
    error = failure(single(case), tmp_path)
    assert error.where == f"the_node ({case.op})"
    assert error.message == message


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_weights_that_are_not_finite_are_named(value: float, tmp_path: Path) -> None:
    w = weights(2, 3, 3, 3)
    w[1, 2, 0, 1] = value
    error = failure(single(Case("", "Conv", [X, w])), tmp_path)
    assert error.message == "x1: the tensor holds NaN or infinity"
    mean = np.full(3, value, np.float32)
    case = Case("", "BatchNormalization", [X, weights(3), weights(3), mean, weights(3, low=1, high=2)])
    assert failure(single(case), tmp_path).message == "x3: the tensor holds NaN or infinity"


def test_an_output_that_is_not_supported_matters_only_where_it_is_read(tmp_path: Path) -> None:
    node = helper.make_node("MaxPool", ["x"], ["y", "where"], name="pool", kernel_shape=[2, 2, 2])
    assert imported(model_of([node], {"x": [1, 1, 4, 4, 4]}, ["y"]), tmp_path).outputs == ("y",)
    error = failure(model_of([node], {"x": [1, 1, 4, 4, 4]}, ["y", "where"]), tmp_path)
    assert error.message == "its output 1 (where) is not supported"


def test_a_constant_output_of_integers(tmp_path: Path) -> None:
    node = helper.make_node("Neg", ["c"], ["y"])
    error = failure(model_of([node], {"x": [1]}, ["y"], {"c": ints(2, 2**40)}), tmp_path)
    assert (error.where, error.message) == ("y", "it holds whole numbers beyond 32 bits")


@pytest.mark.parametrize("kind", ["Relu", "Flatten"])
def test_integers_that_nothing_dequantizes_are_whole_numbers(kind: str, tmp_path: Path) -> None:
    node = helper.make_node(kind, ["x"], ["y"])
    model = model_of([node], {"x": [2, 2]}, ["y"], dtypes={"x": TensorProto.INT8, "y": TensorProto.INT8})
    graph = imported(model, tmp_path)
    assert graph.type("x").is_whole and graph.type("y").is_whole


def test_inputs_of_other_types(tmp_path: Path) -> None:
    node = helper.make_node("Gather", ["w", "x"], ["y"])
    model = model_of([node], {"x": [2]}, ["y"], {"w": weights(5, 3)}, dtypes={"x": TensorProto.COMPLEX64})
    assert failure(model, tmp_path).message == "an input of type complex64 is not supported"


def quantized(scale: Any, zero: Any, **attributes: Any) -> onnx.ModelProto:
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "s", "z"], ["q"], name="quantize", **attributes),
        helper.make_node("DequantizeLinear", ["q", "s", "z"], ["y"], name="dequantize", **attributes),
    ]
    return model_of(nodes, {"x": [2, 3]}, ["y"], {"s": np.asarray(scale, np.float32), "z": np.asarray(zero)}, opset=21)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (quantized(0.0, np.int8(0)), "a scale is not a positive number"),
        (quantized(np.nan, np.int8(0)), "a scale is not a positive number"),
        (quantized([1, 2, 3], np.int8([0, 0, 0])), "activations quantized per channel are not supported"),
        (quantized(1.0, np.int32(0)), "activations of type int32 are not supported"),
        (quantized([1, 2, 3], np.int8([0, 0])), "the zero point does not fit the scale, or scales are of blocks"),
    ],
    ids=["zero", "nan", "channels", "int32", "sizes"],
)
def test_parameters_that_activations_cannot_have(model: onnx.ModelProto, message: str, tmp_path: Path) -> None:
    error = failure(model, tmp_path)
    assert (error.where, error.message) == ("quantize (QuantizeLinear)", message)


def test_tensors_dequantized_with_other_parameters(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "s"], ["q"], name="quantize"),
        helper.make_node("DequantizeLinear", ["q", "t"], ["y"], name="dequantize"),
    ]
    constants = {"s": np.float32(1), "t": np.float32(2)}
    error = failure(model_of(nodes, {"x": [3]}, ["y"], {k: np.asarray(v) for k, v in constants.items()}), tmp_path)
    assert error.message == "the input was quantized with other parameters"


def test_dynamic_dimensions_need_a_shape(tmp_path: Path) -> None:
    model = relu(x=["n", 3, "h", "w"])
    with pytest.raises(UsageError) as caught:
        imported(model, tmp_path)
    assert caught.value.where == "x"
    assert caught.value.message == "dimension 2 of this input is not fixed: 1,3,?,?"
    assert caught.value.hint == "give the shape of every such input, as in --input-shape x=1,3,224,224"
    assert imported(model, tmp_path, x=(1, 3, 8, 8)).type("y").shape == (1, 3, 8, 8)


@pytest.mark.parametrize(
    ("shapes", "message"),
    [
        ({"z": (1, 2)}, "the model has no input 'z'"),
        ({"x": (1, 3)}, "the shape (1, 3) does not fit the model's 1,2"),
        ({"x": (1, 2, 3)}, "the shape (1, 2, 3) does not fit the model's 1,2"),
    ],
)
def test_shapes_that_do_not_fit(shapes: dict[str, tuple[int, ...]], message: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        imported(relu(), tmp_path, **shapes)
    assert caught.value.message == message


def test_inputs_without_any_shape_and_absurd_ones(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="does not say the shape"):
        imported(relu(x=None), tmp_path)
    with pytest.raises(UsageError, match="cannot have the shape"):
        imported(relu(x=[2**20, 2**20]), tmp_path)


def change(edit: Callable[[onnx.ModelProto], Any]) -> onnx.ModelProto:
    """A sound model, changed."""
    nodes = [
        helper.make_node("Add", ["x", "w"], ["a"], name="add"),
        helper.make_node("Relu", ["a"], ["y"], name="relu"),
    ]
    model = model_of(nodes, {"x": [1, 2]}, ["y"], {"w": weights(2)})
    edit(model)
    return model


def opset(version: int) -> Callable[[onnx.ModelProto], Any]:
    def edit(model: onnx.ModelProto) -> None:
        model.opset_import[0].version = version

    return edit


def dims(*sizes: int) -> Callable[[onnx.ModelProto], Any]:
    def edit(model: onnx.ModelProto) -> None:
        model.graph.initializer[0].dims[:] = sizes

    return edit


def external(model: onnx.ModelProto) -> None:
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="weights.bin")


def cyclic(model: onnx.ModelProto) -> None:
    model.graph.node[0].input[1] = "y"


DAMAGED = {
    "opset 6": (opset(6), "opset 6 is not supported"),
    "opset 99": (opset(99), "opset 99 is not supported"),
    "no opset": (lambda m: m.ClearField("opset_import"), "the model names no ONNX opset"),
    "no graph": (lambda m: m.ClearField("graph"), "the file holds no graph"),
    "no outputs": (lambda m: m.graph.ClearField("output"), "the model has no outputs"),
    "missing initializer": (lambda m: m.graph.ClearField("initializer"), "tensor 'w' is read but never given"),
    "missing node": (lambda m: m.graph.node.pop(0), "tensor 'a' is read but never given"),
    "unknown output": (lambda m: setattr(m.graph.output[0], "name", "q"), "this output is never computed"),
    "computed twice": (lambda m: m.graph.node.append(m.graph.node[0]), "tensor 'a' is computed twice"),
    "stored twice": (lambda m: m.graph.initializer.append(m.graph.initializer[0]), "two initializers have this name"),
    "two outputs": (lambda m: m.graph.output.append(m.graph.output[0]), "two outputs have the same name"),
    "two inputs": (lambda m: m.graph.input.append(m.graph.input[0]), "two inputs have the same name"),
    "cycle": (cyclic, "the node is part of a cycle"),
    "huge dims": (dims(2**20, 2**20), "w: a tensor cannot have the shape (1048576, 1048576)"),
    "wrong dims": (dims(7), "w: the tensor's data cannot be read"),
    "negative dims": (dims(-1), "w: a tensor cannot have the shape (-1,)"),
    "text": (lambda m: setattr(m.graph.initializer[0], "data_type", TensorProto.STRING), "w: "),
    "no external data": (external, "w: its external data 'weights.bin' is absent"),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_damaged_models(name: str, tmp_path: Path) -> None:
    edit, message = DAMAGED[name]
    assert failure(change(edit), tmp_path).message.startswith(message)


def test_files_that_are_no_models(tmp_path: Path) -> None:
    for name, content, kind, text in (
        ("a.onnx", b"", ModelError, "the file holds no graph"),
        ("b.onnx", b"certainly not a protobuf", ModelError, "this is not an ONNX file, or it is damaged"),
        ("c.txt", b"x", UsageError, "the suffix '.txt' is not that of a model"),
    ):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(kind) as caught:
            load(tmp_path / name)
        assert caught.value.message == text
        assert caught.value.hint
    with pytest.raises(UsageError, match="there is no such model"):
        load(tmp_path / "absent.onnx")
    with pytest.raises(UsageError, match="the folder is not a SavedModel"):
        load(tmp_path)


def test_mutants_of_a_model_raise_nothing_else(tmp_path: Path) -> None:
    """Truncated and bit-flipped files are imported or refused."""
    nodes = [
        helper.make_node("Conv", ["x", "w", "b"], ["c"], name="conv", pads=[1, 1, 1, 1], strides=[2, 2]),
        helper.make_node("Shape", ["c"], ["s"]),
        helper.make_node("Slice", ["s", "zero", "one"], ["n"]),
        helper.make_node("Concat", ["n", "rest"], ["t"], axis=0),
        helper.make_node("Reshape", ["c", "t"], ["f"]),
        helper.make_node("QuantizeLinear", ["f", "qs", "qz"], ["q"]),
        helper.make_node("DequantizeLinear", ["q", "qs", "qz"], ["d"]),
        helper.make_node("Gemm", ["d", "g"], ["y"], alpha=0.5),
    ]
    constants = {"w": weights(2, 3, 3, 3), "b": weights(2), "zero": ints(0), "one": ints(1), "rest": ints(-1),
                 "qs": np.asarray(0.1, np.float32), "qz": np.asarray(3, np.uint8), "g": weights(12, 2)}  # fmt: skip
    model = model_of(nodes, {"x": ["n", 3, 4, 6]}, ["y"], constants)
    imported(model, tmp_path)
    data = model.SerializeToString()
    rng = np.random.default_rng(5)
    path, refused = tmp_path / "mutant.onnx", 0
    for index in range(400):
        mutant = bytearray(data)
        if index % 4 == 0:
            mutant = mutant[: int(rng.integers(len(data)))]
        else:
            for _ in range(int(rng.integers(1, 4))):
                mutant[int(rng.integers(len(mutant)))] ^= 1 << int(rng.integers(8))
        path.write_bytes(mutant)
        try:
            load(path)
        except EdgeqError as error:
            assert isinstance(error, ModelError | UsageError)
            assert error.message
            assert error.hint
            refused += 1
    assert refused > 150


@pytest.mark.parametrize(
    ("dims", "example"), [(["n", "t"], "1,64"), (["n", 16, "t"], "1,16,64"), (["n", "c", "h", 8], "1,3,224,8")]
)
def test_an_example_of_a_shape_has_the_rank_of_the_input(dims: list[Any], example: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        imported(relu(x=dims), tmp_path)
    assert caught.value.hint == f"give the shape of every such input, as in --input-shape x={example}"


def test_an_extreme_that_is_the_same_for_every_input(tmp_path: Path) -> None:
    case = Case("", "Max", [X, np.array(np.inf, np.float32)])
    assert failure(single(case), tmp_path).message == "Max with inf is that for every input"


def test_an_input_without_elements(tmp_path: Path) -> None:
    node = helper.make_node("Relu", ["x"], ["y"])
    model = model_of([node], {"x": [1, 0, 4]}, ["y"])
    with pytest.raises(UsageError) as caught:
        imported(model, tmp_path)
    assert caught.value.message == "dimension 1 of this input has size 0: there would be nothing to compute"
    assert "--input-shape x=" in caught.value.hint
    assert imported(model, tmp_path, x=(1, 3, 4)).type("y").shape == (1, 3, 4)


def test_a_scale_that_two_definitions_read_differently(tmp_path: Path) -> None:
    """Of 5 elements times 0.7, ONNX's reference steps by 4 / 2.5 and runtimes by 4 / 2."""
    attributes = {"mode": "linear", "coordinate_transformation_mode": "align_corners"}
    case = Case("", "Resize", [(1, 1, 5, 5), None, np.array([1, 1, 0.7, 0.7], np.float32)], attributes)
    assert "does not give a whole size" in failure(single(case), tmp_path).message


def test_a_huge_result_of_constants_is_not_computed(tmp_path: Path) -> None:
    case = Case("", "MatMul", [np.ones((2**14, 1), np.float32), np.ones((1, 2**14), np.float32)])
    expected = "268,435,456 elements would be computed while the model is read; the limit for MatMul is 4,194,304"
    assert failure(single(case), tmp_path).message == expected
