"""The public Python API: its names, and that the documentation's snippets run."""

from __future__ import annotations

import inspect
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from command_line import DIGITS, succeeds
from onnx import helper
from onnx_models import model_of, weights

import edgeq
from edgeq import api, errors

CHECKOUT = DIGITS.parent.parent
NAMES = {
    "BuildOptions",
    "Calibration",
    "Dataset",
    "EdgeqError",
    "EdgeqWarning",
    "Frontend",
    "Graph",
    "InputSpec",
    "LayerConfig",
    "MelFrontend",
    "MotionFrontend",
    "QuantConfig",
    "QuantizedModel",
    "__version__",
    "build",
    "build_models",
    "inspect",
    "load",
    "load_compiled",
    "profile",
    "quantize",
    "run",
    "verify",
    "with_states",
}


def test_names() -> None:
    assert set(edgeq.__all__) == NAMES, "a name that goes breaks programs; one that comes is to be documented"
    for name in NAMES:
        assert getattr(edgeq, name) is not None
    with pytest.raises(AttributeError, match="'invented'"):
        edgeq.invented  # noqa: B018
    assert set(edgeq.__all__) <= set(dir(edgeq))
    for name in api.__all__:
        assert getattr(api, name) is not None


LAZY = ("edgeq", "edgeq.api", "edgeq.codegen", "edgeq.quantize", "edgeq.runners")


@pytest.mark.parametrize("package", LAZY)
def test_names_that_are_imported_late(package: str) -> None:
    """Every one is there whatever was imported before, such as a module of the same name; and no others."""
    code = (
        f"import importlib, pkgutil, {package} as package\n"
        "assert set(package.__all__) <= set(dir(package))\n"
        "if package.__name__ != 'edgeq':\n"
        "    for found in pkgutil.iter_modules(package.__path__, package.__name__ + '.'):\n"
        "        importlib.import_module(found.name)\n"
        "named = {name: getattr(package, name) for name in package.__all__}\n"
        "print(*sorted(name for name, value in named.items() if type(value).__name__ == 'module'))\n"
        "package.invented"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=CHECKOUT)
    assert f"AttributeError: module {package!r} has no attribute 'invented'" in done.stderr
    assert done.stdout == "\n"


@pytest.mark.parametrize("first", ["import edgeq.quantize.config", "from edgeq import quantize", ""])
def test_quantize_is_one_thing(first: str) -> None:
    """The package, which can be called as the function; however it is come by."""
    code = (
        f"{first}\nimport inspect, edgeq, edgeq.quantize as package\nfrom edgeq import quantize\n"
        "from edgeq.api import quantize as function\n"
        "assert edgeq.quantize is package is quantize, quantize\n"
        "assert inspect.signature(package) == inspect.signature(function)\n"
        "assert package.QuantConfig is package.config.QuantConfig\n"
        f"print(edgeq.quantize({str(DIGITS / 'digits.onnx')!r}, {str(DIGITS / 'calibration.npz')!r}).graph.numerics)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=CHECKOUT)
    assert done.stdout == "Numerics.FAST\n", done.stderr


def test_importing_edgeq_is_quick() -> None:
    """The layers come with the first use."""
    code = "import sys, edgeq; print([m for m in sys.modules if m.split('.')[0] in ('onnx', 'tflite', 'numpy')])"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout == "[]\n"


def test_commands_that_need_no_arrays_are_there_at_once(tmp_path: Path) -> None:
    """NumPy and the operators are not imported for lists, for a build folder's figures, or to find a path wrong."""
    succeeds("build", DIGITS, "--target", "host", "--no-compile", "--output", tmp_path / "out")
    out, absent = str(tmp_path / "out"), str(tmp_path / "absent")
    commands = [
        ["doctor"],
        ["targets"],
        ["boards"],
        ["inspect", out],
        ["inspect", out, "--kernels"],
        ["verify", absent],
    ]
    commands += [["build", f"{absent}.onnx"], ["run", out, "--input", f"{absent}.npz"], ["profile", absent]]
    code = (
        "import sys; from edgeq.cli.main import main; "
        f"codes = [main(command) for command in {commands!r}]; "
        "print(codes, [m for m in ('numpy', 'onnx', 'jinja2', 'edgeq.ir.op') if m in sys.modules])"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout.splitlines()[-1] == "[0, 0, 0, 0, 0, 2, 2, 2, 2] []"


def test_no_tensorflow_for_other_models(tmp_path: Path) -> None:
    code = f"import sys, edgeq; edgeq.load({str(DIGITS / 'digits.onnx')!r}); print('tensorflow' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout == "False\n"


def test_documented_signatures() -> None:
    """docs/api.md names every function with its arguments."""
    text = (CHECKOUT / "docs" / "api.md").read_text("utf-8")
    for name in NAMES - {"__version__"}:
        if inspect.isclass(getattr(edgeq, name)):
            assert f"`edgeq.{name}" in text, f"{name} is not documented"
            continue
        found = re.search(rf"`edgeq\.{name}\(([^)]*)\)`", text)
        assert found is not None, f"{name} is not documented"
        told = [part.split("=")[0].strip() for part in found[1].split(",")]
        assert told == list(inspect.signature(getattr(edgeq, name)).parameters)[: len(told)], name


def _snippets(path: Path) -> list[str]:
    return re.findall(r"```python\n(.*?)```", path.read_text("utf-8"), re.DOTALL)


def _run(code: str, folder: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_snippets_of_the_api_page(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Conv", ["image", "w"], ["c"], "conv", strides=[8, 8]),
        helper.make_node("GlobalAveragePool", ["c"], ["y"], "mean"),
    ]
    model = model_of(nodes, {"image": ("n", 3, "h", "w")}, ["y"], {"w": weights(4, 3, 8, 8)})
    (tmp_path / "model.onnx").write_bytes(model.SerializeToString())
    np.savez(tmp_path / "samples.npz", x=np.random.default_rng(1).uniform(0, 1, (2, 3, 224, 224)).astype(np.float32))
    given = "import numpy as np\nquantized_image = np.zeros((1, 3, 224, 224), np.int8)\n"
    snippets = _snippets(CHECKOUT / "docs" / "api.md")
    assert snippets
    for snippet in snippets:
        _run(given + snippet, tmp_path)


@pytest.mark.slow
@pytest.mark.qemu
def test_snippets_of_the_readme(tmp_path: Path) -> None:
    shutil.copy(DIGITS / "digits.onnx", tmp_path / "model.onnx")
    shutil.copy(DIGITS / "calibration.npz", tmp_path / "samples.npz")
    np.savez(tmp_path / "test.npz", x=np.load(DIGITS / "test.npz")["x"][:10])
    snippets = _snippets(CHECKOUT / "README.md")
    assert snippets
    for snippet in snippets:
        _run(snippet, tmp_path)


def test_every_error_has_its_exit_code() -> None:
    """As the docstring of edgeq.errors draws them."""
    told = dict(re.findall(r"── (\w+) +(\d+) ", errors.__doc__ or ""))
    kinds = {c.__name__: c for c in errors.EdgeqError.__subclasses__()}
    assert told.keys() == kinds.keys()
    assert {name: int(code) for name, code in told.items()} == {name: c.exit_code for name, c in kinds.items()}
    assert len(set(told.values())) == len(told)


def test_api_end_to_end(tmp_path: Path) -> None:
    """Build, verify, run and profile from Python."""
    options = edgeq.BuildOptions(
        model=DIGITS / "digits.onnx", calibration=DIGITS / "calibration.npz", output=tmp_path / "out"
    )
    steps: list[str] = []
    done: list[tuple[int, int]] = []
    made = edgeq.build(options, step=steps.append, progress=lambda n, total: done.append((n, total)))
    assert steps == ["reading digits.onnx", "quantizing", "generating C for host", "compiling"]
    assert done[-1] == (200, 200) and [n for n, _ in done] == sorted(n for n, _ in done)
    assert made["target"] == "host" and made["folder"] == str(tmp_path / "out")
    seen: list[int] = []
    found = edgeq.verify(tmp_path / "out", DIGITS / "test.npz", samples=25, progress=lambda n, total: seen.append(n))
    assert found["mismatches"] == 0 and seen == list(range(1, 26))
    np.save(tmp_path / "x.npy", np.load(DIGITS / "test.npz")["x"][:4])
    outputs = edgeq.run(tmp_path / "out", tmp_path / "x.npy")
    assert outputs["probabilities"].shape == (4, 10) and outputs["probabilities"].dtype == np.float32
    assert edgeq.run(tmp_path / "out", tmp_path / "x.npy", raw=True)["probabilities"].dtype == np.int8
    assert edgeq.profile(tmp_path / "out")["unit"] == "ns"


def test_str_paths_and_arrays(tmp_path: Path) -> None:
    """Whatever takes a path takes a text, and what takes samples takes arrays."""
    images, labels = (np.load(DIGITS / "test.npz")[name][:30] for name in "xy")
    options = edgeq.BuildOptions(
        str(DIGITS / "digits.onnx"),
        calibration={"x": images},
        output=str(tmp_path / "out"),
        dump_ir=str(tmp_path / "ir"),
    )
    assert isinstance(options.model, Path) and isinstance(options.output, Path)
    made = edgeq.build(options)
    assert (tmp_path / "ir" / "00_import.txt").is_file()
    folder = str(tmp_path / "out")
    found = edgeq.verify(folder, {"x": images, "y": labels}, min_agreement=50.0)
    assert (found["samples"], found["mismatches"]) == (30, 0) and found["top1_int8"] > 90
    assert found["gates"] == [{"name": "min_agreement", "limit": 50.0, "value": found["agreement"], "met": True}]
    by_array = edgeq.run(folder, images)
    np.testing.assert_array_equal(edgeq.run(folder, list(images))["probabilities"], by_array["probabilities"])
    assert edgeq.verify(folder, images)["confusion"] is None
    assert edgeq.inspect(folder)["name"] == made["name"] == "digits"


def test_a_quantized_model_predicts_what_the_program_computes(tmp_path: Path) -> None:
    images = np.load(DIGITS / "test.npz")["x"][:25]
    model = edgeq.quantize(str(DIGITS / "digits.onnx"), str(DIGITS / "calibration.npz"))
    edgeq.build(edgeq.BuildOptions("digits.onnx", output=tmp_path / "out"), model=model)
    found = model.predict(images)["probabilities"]
    assert found.dtype == np.float32 and found.shape == (25, 10)
    np.testing.assert_array_equal(found, edgeq.run(tmp_path / "out", images)["probabilities"])
    model.save_qdq(str(tmp_path / "q.onnx"))
    again = edgeq.quantize(tmp_path / "q.onnx")
    assert np.abs(again.predict(images)["probabilities"] - found).max() < 0.02


def test_layer_errors_of_a_quantized_model() -> None:
    model = edgeq.quantize(DIGITS / "digits.onnx", DIGITS / "calibration.npz")
    errors = model.layer_errors()
    assert [e["op"] for e in errors][1:3] == ["Conv2D", "DepthwiseConv2D"]
    assert all(e["sqnr_db"] is not None and 15 < e["sqnr_db"] < 80 and 0.9 < e["cosine"] <= 1 for e in errors)
    assert model.layer_errors(np.load(DIGITS / "calibration.npz")["x"][:32]) == errors
    assert model.layer_errors(samples=None) != errors
    without = edgeq.QuantizedModel(model.float_graph, model.graph)
    assert [e["name"] for e in without.layer_errors(samples=3)] == [e["name"] for e in errors]


def test_reprs_are_short() -> None:
    graph = edgeq.load(DIGITS / "digits.onnx")
    assert (
        repr(graph) == f"<Graph digits: image (1, 1, 8, 8) -> probabilities (1, 10), {len(graph.nodes)} nodes, float>"
    )
    model = edgeq.quantize(graph, np.load(DIGITS / "calibration.npz")["x"])
    assert repr(model) == f"<QuantizedModel of {model.graph!r}>" and "quantized, numerics fast" in repr(model)
    things = (model, model.samples, model.calibration, *model.graph.values.values())
    assert all(len(repr(thing)) < 250 for thing in things)
    assert repr(model.graph.values["image"]) == "<Value image: int8 (1, 1, 8, 8)>"
    assert repr(model.calibration).startswith("<Calibration: statistics of ")


def test_quantize_takes_samples_of_any_kind() -> None:
    """A file, a list of mappings, a generator."""
    graph = edgeq.load(DIGITS / "digits.onnx")
    images = np.load(DIGITS / "calibration.npz")["x"].astype(np.float32)
    kinds = [
        str(DIGITS / "calibration.npz"),
        [{"image": image[None]} for image in images],
        ({"image": image[None]} for image in images),
    ]
    made = [edgeq.quantize(graph, samples).graph for samples in kinds]
    assert made[0].type("probabilities") == made[1].type("probabilities")
    assert len({str({n: v.type for n, v in g.values.items()}) for g in made}) == 1
