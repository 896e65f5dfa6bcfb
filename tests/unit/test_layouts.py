"""Layouts that the caller chooses: what the graph, the program and the files of samples have in them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from command_line import edgeq as command
from onnx import helper
from onnx_models import kinds, model_of, weights
from pass_graphs import Net

import edgeq
from edgeq.errors import UsageError
from edgeq.ir.graph import Graph
from edgeq.ir.layouts import Layout
from edgeq.ir.traits import inverse
from edgeq.ops.add import Add
from edgeq.ops.conv2d import Conv2D
from edgeq.ops.max_pool2d import MaxPool2D
from edgeq.ops.pad import Pad
from edgeq.ops.reshape import Reshape
from edgeq.ops.tanh import Tanh
from edgeq.ops.transpose import Transpose
from edgeq.passes.pipeline import optimize_float
from edgeq.passes.with_layouts import TO_NCHW, TO_NHWC, layout_of, with_layouts
from edgeq.quantize.input_spec import InputSpec
from edgeq.simulator import run_float

node = helper.make_node


def images(net: Net, *between: Any, shape: tuple[int, ...]) -> Graph:
    """input → operators → pool → the same undone."""
    y = net.input("x", *shape)
    for op in between:
        y = net.add(op, y)
    y = net.add(MaxPool2D((2, 2)), y)
    for op in reversed(between):
        y = net.add(Transpose(inverse(op.perm)) if isinstance(op, Transpose) else op, y)
    return net.finish(y)


@pytest.mark.parametrize(
    ("between", "shape", "layout"),
    [
        ((), (1, 4, 5, 3), "nhwc"),
        ((Tanh(),), (1, 4, 5, 3), "nhwc"),
        ((Transpose(TO_NHWC),), (1, 3, 4, 5), "nchw"),
        ((Tanh(), Transpose(TO_NHWC)), (1, 3, 4, 5), "nchw"),
        ((Transpose(TO_NCHW), Tanh(), Transpose(TO_NHWC)), (1, 4, 5, 3), "nhwc"),
    ],
)
def test_what_works_on_images_tells_the_layout(
    between: tuple[Any, ...], shape: tuple[int, ...], layout: Layout
) -> None:
    graph = images(Net(), *between, shape=shape)
    for otherwise in ("nhwc", "nchw"):
        assert layout_of(graph, "x", otherwise) == layout
        assert layout_of(graph, graph.outputs[0], otherwise) == layout


def test_where_nothing_tells_the_format_does() -> None:
    net = Net()
    graph = net.finish(net.add(Reshape((1, 12)), net.input("x", 1, 3, 2, 2)))
    assert [layout_of(graph, "x", o) for o in ("nhwc", "nchw")] == ["nhwc", "nchw"]


def test_other_layouts_at_the_border_cancel_the_transposes() -> None:
    graph = images(Net(), Transpose(TO_NHWC), shape=(1, 3, 4, 5))
    changed, perms = with_layouts(graph, "nhwc", "nhwc", "nchw")
    (y,) = graph.outputs
    assert perms == {"x": TO_NHWC, y: TO_NHWC} and changed.outputs == graph.outputs
    assert changed.type("x").shape == (1, 4, 5, 3) and changed.type(y).shape == (1, 3, 4, 3)
    assert kinds(optimize_float(changed)) == ["MaxPool2D"] and len(optimize_float(changed).nodes) == 1
    x = np.random.default_rng(0).normal(size=(1, 3, 4, 5)).astype(np.float32)
    expected = run_float(graph, {"x": x})[y].transpose(TO_NHWC)
    np.testing.assert_array_equal(run_float(changed, {"x": x.transpose(TO_NHWC)})[y], expected)


def test_the_layout_that_it_has_changes_nothing() -> None:
    graph = images(Net(), Transpose(TO_NHWC), shape=(1, 3, 4, 5))
    assert with_layouts(graph, "nchw", None, "nchw") == (graph, {})
    assert with_layouts(graph, None, None, "nchw") == (graph, {})


def test_vectors_beside_images_stay() -> None:
    net = Net()
    x, v = net.input("x", 1, 4, 4, 2), net.input("v", 1, 2)
    y = net.add(Add(), net.add(Conv2D(), x, net.const(2, 3, 3, 2), None), net.add(Reshape((1, 1, 1, 2)), v))
    graph = net.finish(y, net.add(Pad((0, 1), (0, 0)), v))
    changed, perms = with_layouts(graph, "nchw", "nchw", "nhwc")
    assert perms == {"x": TO_NCHW, y: TO_NCHW} and changed.type("v") == graph.type("v")


@pytest.mark.parametrize("side", ["input", "output"])
def test_without_images_a_layout_is_refused(side: str) -> None:
    net = Net()
    graph = net.finish(net.add(Tanh(), net.input("x", 1, 5)))
    with pytest.raises(UsageError, match=f"--{side}-layout: the model has no {side} of 4 dimensions"):
        with_layouts(graph, "nhwc" if side == "input" else None, "nhwc" if side == "output" else None, "nchw")


def camera(folder: Path, tail: bool = False) -> Path:
    """An NCHW model as PyTorch exports it: a convolution, and its features as they are or decoded."""
    nodes = [node("Conv", ["image", "w"], ["c"], pads=[1] * 4), node("Relu", ["c"], ["features"], name="last")]
    if tail:
        nodes.append(node("NonZero", ["features"], ["found"]))
    dtypes = {"found": onnx.TensorProto.INT64}
    outputs = ["found" if tail else "features"]
    model = model_of(nodes, {"image": (1, 3, 6, 5)}, outputs, {"w": weights(8, 3, 3, 3)}, dtypes=dtypes)
    onnx.save(model, folder / "camera.onnx")
    rng = np.random.default_rng(3)
    np.savez(folder / "x.npz", x=rng.uniform(0, 255, (24, 3, 6, 5)).astype(np.float32))
    return folder / "camera.onnx"


@pytest.mark.slow
def test_a_program_for_a_camera(tmp_path: Path) -> None:
    """NHWC for the caller, without a transpose; files and results stay in the model's own layout; manifest says so."""
    path, data = camera(tmp_path, tail=True), tmp_path / "x.npz"
    arguments = ("build", path, "--calibration", data, "--target", "host", "--output", tmp_path / "out", "--json")
    plain = command(*arguments, "--outputs", "features").json
    (tmp_path / "out").rename(tmp_path / "plain")
    built = command(*arguments, "--outputs", "last", "--input-layout", "nhwc", "--output-layout", "nhwc").json
    assert built["cut"] == {"inputs": [], "outputs": ["last"]}
    assert built["layouts"] == {"image": list(TO_NHWC), "features": list(TO_NHWC)}
    assert built["inputs"][0]["shape"] == [1, 6, 5, 3] and built["outputs"][0]["shape"] == [1, 6, 5, 8]
    assert [layer["op"] for layer in built["layers"]] == ["Conv2D"]
    assert [layer["op"] for layer in plain["layers"]] == ["Transpose", "Conv2D", "Transpose"]
    assert plain["layouts"] == {} and plain["inputs"][0]["shape"] == [1, 3, 6, 5]
    for folder in ("out", "plain"):
        found = edgeq.verify(tmp_path / folder, data)
        assert found["mismatches"] == 0 and found["sqnr_db"] > 35
    same = [edgeq.run(tmp_path / folder, data)["features"] for folder in ("out", "plain")]
    assert same[0].shape == (24, 8, 6, 5)
    np.testing.assert_array_equal(*same)
    raw = np.random.default_rng(2).integers(-128, 128, (3, 3, 6, 5)).astype(np.int8)
    np.savez(tmp_path / "raw.npz", x=raw)
    both = [edgeq.run(tmp_path / folder, tmp_path / "raw.npz", raw=True)["features"] for folder in ("out", "plain")]
    np.testing.assert_array_equal(*both)
    np.savez(tmp_path / "wrong.npz", x=raw.transpose(0, 2, 3, 1))
    with pytest.raises(UsageError, match="the model's input"):
        edgeq.run(tmp_path / "out", tmp_path / "wrong.npz")


def test_raw_pixels_and_samples_in_memory(tmp_path: Path) -> None:
    """Preprocessing per channel, with samples that are no file: the model's own layout, too."""
    path = camera(tmp_path)
    pre = InputSpec(mean=(0.1, 0.2, 0.3), std=(0.5, 0.6, 0.7), scale=(1 / 255,))
    x = np.load(tmp_path / "x.npz")["x"].astype(np.uint8)
    np.savez(tmp_path / "bytes.npz", x=x)
    files = [edgeq.quantize(path, tmp_path / "bytes.npz", input=pre, input_layout=layout) for layout in (None, "nhwc")]
    assert files[1].layouts == {"image": TO_NHWC}
    assert files[1].graph.type("image").shape == (1, 6, 5, 3) and files[0].graph.type("image").shape == (1, 3, 6, 5)
    assert "Transpose" not in [n.op.kind for n in files[1].graph.nodes[:2]]
    plain = edgeq.quantize(path, [{"image": one[None].astype(np.float32)} for one in x], input_layout="nhwc")
    assert plain.graph.type("image").shape == (1, 6, 5, 3)


def test_commands_that_read_models_cut_them(tmp_path: Path) -> None:
    path = camera(tmp_path, tail=True)
    shown = command("inspect", path, "--outputs", "c", "--json").json
    assert [p["name"] for p in shown["outputs"]] == ["c"]
    options = ("--calibration", tmp_path / "x.npz", "--output", tmp_path / "q.onnx", "--json")
    command("quantize", path, "--outputs", "features", *options)
    assert [o.name for o in onnx.load(tmp_path / "q.onnx").graph.output] == ["features"]
    (tmp_path / "edgeq.toml").write_text('model = "camera.onnx"\ninputs = ["c"]\noutputs = ["features"]\n')
    shown = command("inspect", tmp_path, "--json").json
    assert [p["name"] for p in shown["inputs"]] == ["c"] and [e["op"] for e in shown["layers"]] == ["Clip"]
    ended = command("inspect", path, "--outputs", "feature")
    assert ended.code == 2 and "did you mean 'features'" in ended.err
