"""Models of scikit-learn other than trees, and ONNX's operators for them, against onnxruntime."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from onnx_models import imported
from onnx_reference import reference

from edgeq.errors import ModelError
from edgeq.ir.tensor import Array
from edgeq.passes.pipeline import optimize_float
from edgeq.quantize.pipeline import quantize
from edgeq.report.accuracy import quantize_inputs
from edgeq.simulator import IntExecutor, run_float

RNG = np.random.default_rng(3)
ML = "ai.onnx.ml"


def flowers() -> tuple[Array, Array]:
    from sklearn.datasets import load_iris

    x, y = load_iris(return_X_y=True)
    return x.astype(np.float32), y


def models() -> dict[str, Any]:
    """Each with whether it is a classifier, by name."""
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import Normalizer, StandardScaler
    from sklearn.svm import SVC, SVR

    return {
        "logistic": make_pipeline(StandardScaler(), LogisticRegression()),
        "ridge": make_pipeline(Normalizer("l1"), Ridge(0.01)),
        "rbf": SVC(),
        "poly": make_pipeline(StandardScaler(), SVC(kernel="poly", coef0=1.0)),
        "linear": make_pipeline(Normalizer(), SVC(kernel="linear", C=30)),
        "svr": make_pipeline(Normalizer("max"), SVR()),
    }


@pytest.mark.slow
@pytest.mark.parametrize("name", ["logistic", "ridge", "rbf", "poly", "linear", "svr"])
def test_models_of_scikit_learn(name: str, tmp_path: Path) -> None:
    """In float as onnxruntime, in integers the same class of almost every flower."""
    convert = pytest.importorskip("skl2onnx").to_onnx
    x, y = flowers()
    model = models()[name].fit(x, y)
    is_classifier = hasattr(model, "classes_")
    made = convert(model, x[:1], target_opset=18, options={"zipmap": False} if is_classifier else None)
    graph = optimize_float(imported(made, tmp_path))
    for row in x[::25]:
        found = run_float(graph, {"X": row[None]})
        for output, wanted in zip(graph.outputs, reference(made, {"X": row[None]}), strict=True):
            np.testing.assert_allclose(found[output], wanted, rtol=1e-4, atol=2e-4)
    small = quantize(graph, [{"X": row[None]} for row in x[::3]])
    results = IntExecutor(small).outputs([quantize_inputs(small, {"X": row[None]}) for row in x[1::3]])
    if is_classifier:
        labels = np.array([r[graph.outputs[0]].item() for r in results])
        assert (labels == model.predict(x[1::3])).mean() >= 0.96
    else:
        real = small.type(graph.outputs[0]).qp.dequantize([r[graph.outputs[0]].item() for r in results])
        assert np.abs(real - model.predict(x[1::3])).mean() < 0.03


def one(
    kind: str, inputs: dict[str, Array], output: int, constants: dict[str, Array], **attributes: Any
) -> onnx.ModelProto:
    """A model of one operator."""
    names = [*inputs, *constants]
    info = helper.make_tensor_value_info
    types = {name: helper.np_dtype_to_tensor_dtype(x.dtype) for name, x in inputs.items()}
    body = helper.make_graph(
        [helper.make_node(kind, names, ["y"], domain=ML, **attributes)],
        "one",
        [info(name, types[name], x.shape) for name, x in inputs.items()],
        [info("y", output, None)],
        [onnx.numpy_helper.from_array(data, name) for name, data in constants.items()],
    )
    return helper.make_model(body, opset_imports=[helper.make_opsetid(ML, 3)], ir_version=9)


REAL = RNG.uniform(-2, 2, (3, 4)).astype(np.float32)
REAL[0, 1] = 0.5
WHOLE = np.array([[3, -7, 5, 4]], np.int64)


@pytest.mark.parametrize(
    ("kind", "x", "output", "constants", "attributes"),
    [
        ("Scaler", REAL, TensorProto.FLOAT, {}, {"offset": [1.0, 2.0, 0.0, -1.0], "scale": [2.0, 1.0, 0.5, 3.0]}),
        ("Imputer", REAL, TensorProto.FLOAT, {}, {"imputed_value_floats": [9.0], "replaced_value_float": 0.5}),
        ("Binarizer", REAL, TensorProto.FLOAT, {}, {"threshold": 0.5}),
        ("ArrayFeatureExtractor", REAL, TensorProto.FLOAT, {"i": np.array([[2, 0]], np.int64)}, {}),
        ("LabelEncoder", WHOLE, TensorProto.INT64, {}, {"keys_int64s": [3, 5], "values_int64s": [30, 50]}),
    ],
)
def test_operators(
    kind: str, x: Array, output: int, constants: dict[str, Array], attributes: dict[str, Any], tmp_path: Path
) -> None:
    """Also in files that name no version of ONNX's own operators."""
    model = one(kind, {"x": x}, output, constants, **attributes)
    (expected,) = reference(model, {"x": x})
    np.testing.assert_allclose(run_float(imported(model, tmp_path), {"x": x})["y"], expected, rtol=1e-6)


def test_missing_values_are_the_callers(tmp_path: Path) -> None:
    model = one("Imputer", {"x": REAL}, 1, {}, imputed_value_floats=[9.0, 1.5, 0.0, 2.0], replaced_value_float=np.nan)
    with pytest.warns(UserWarning, match=r"integers have no NaN.*\(9, 1.5, 0, 2\) where a feature is missing"):
        graph = imported(model, tmp_path)
    np.testing.assert_array_equal(run_float(graph, {"x": REAL})["y"], REAL)


def test_names_of_classes(tmp_path: Path) -> None:
    """skl2onnx looks them up in a table, which has no place in C: the header has them."""
    x = WHOLE.copy()
    model = one("LabelEncoder", {"x": x}, TensorProto.STRING, {}, keys_int64s=[1, 0], values_strings=["b", "a"])
    graph = imported(model, tmp_path)
    assert graph.nodes[0].op.class_names == ("a", "b")
    with pytest.raises(ModelError, match="its keys are not 0, 1, …"):
        imported(one("LabelEncoder", {"x": x}, 8, {}, keys_int64s=[1, 2], values_strings=["b", "a"]), tmp_path)


@pytest.mark.parametrize(
    ("kind", "attributes", "message"),
    [
        ("LinearRegressor", {"coefficients": [1.0] * 3}, "3 coefficients do not fit 4 features"),
        ("LinearClassifier", {"coefficients": [1.0] * 8, "classlabels_ints": [1]}, "8 coefficients do not fit"),
        ("SVMRegressor", {"coefficients": [1.0] * 4, "rho": [0.0]}, "there are no support vectors that fit"),
        ("Normalizer", {"norm": "L3"}, "norm 'L3' is unknown"),
    ],
)
def test_what_does_not_fit(kind: str, attributes: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=message):
        imported(one(kind, {"x": REAL}, 1, {}, **attributes), tmp_path)
