"""Models called from Python: packages that `--emit python` writes, and `edgeq.load_compiled`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import needs
import numpy as np
import pytest
from command_line import DIGITS, SINE, contents, edgeq, succeeds
from elftools.elf.elffile import ELFFile
from onnx import helper
from onnx_models import model_of, weights

import edgeq as api
from edgeq.ir.tensor import Array
from edgeq.ir.text import load_graph
from edgeq.simulator import run_int
from edgeq.target import load_target
from edgeq.toolchain import find_zig

NAMES = ("image", "pair", "filter")
SPEC = api.InputSpec(mean=(20.0, 10.0), std=(60.0, 50.0))


def _data(name: str, count: int) -> dict[str, Array]:
    """Real samples; for `filter` two sequences."""
    rng = np.random.default_rng(7)
    if name == "image":
        return {"x": rng.normal(size=(count, 2, 6, 5)).astype(np.float32)}
    if name == "pair":
        return {n: rng.normal(size=(count, 4)).astype(np.float32) for n in ("p", "q")}
    return {"x": rng.normal(size=(2, count, 3)).astype(np.float32)}


def _quantized(place: Path) -> Iterator[tuple[api.BuildOptions, api.QuantizedModel]]:
    """A network that takes raw bytes of images in another layout, one with two inputs and outputs, one with a state."""
    conv = [
        helper.make_node("Conv", ["x", "w"], ["a"], pads=[1] * 4),
        helper.make_node("GlobalAveragePool", ["a"], ["g"]),
        helper.make_node("Flatten", ["g"], ["y"]),
    ]
    pair = [helper.make_node("Add", ["p", "q"], ["s"]), helper.make_node("Mul", ["p", "q"], ["m"])]
    step = [
        helper.make_node("Concat", ["x", "before"], ["c"], axis=1),
        helper.make_node("Gemm", ["c", "w"], ["y"]),
        helper.make_node("Identity", ["x"], ["after"]),
    ]
    models = {
        "image": model_of(conv, {"x": (1, 2, 6, 5)}, ["y"], {"w": weights(3, 2, 3, 3)}),
        "pair": model_of(pair, {"p": (1, 4), "q": (1, 4)}, ["s", "m"], {}),
        "filter": model_of(step, {"x": (1, 3), "before": (1, 3)}, ["y", "after"], {"w": weights(6, 2)}),
    }
    for name, model in models.items():
        file = place / f"{name}.onnx"
        file.write_bytes(model.SerializeToString())
        graph = api.load(file)
        if name == "filter":
            graph = api.with_states(graph, {"before": "after"})
        image = name == "image"
        made = api.quantize(
            graph,
            _data(name, 30),
            input=SPEC if image else None,
            input_layout="nhwc" if image else None,
            model_layout="nchw",
        )
        yield api.BuildOptions(file, optimize="size", compile=True), made


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The build folder of all three, and the package of all three."""
    place = tmp_path_factory.mktemp("python")
    options, models = zip(*_quantized(place), strict=True)
    for emit, output in (("firmware", "out"), ("python", "package")):
        chosen = [o.override(emit=emit, output=place / output) for o in options]
        api.build_models(chosen, quantized_models=models)
    return place / "out", place / "package"


@pytest.mark.parametrize("name", NAMES)
def test_a_loaded_model_computes_what_the_simulator_does(built: tuple[Path, Path], name: str) -> None:
    folder, _ = built
    model, data = api.load_compiled(folder, name), _data(name, 9)
    graph = load_graph(folder / "models" / name / "reference" / "integer")
    assert [p["name"] for p in model.inputs] == list(graph.public_inputs)
    found = model.predict(*data.values())
    found = found if isinstance(found, tuple) else (found,)
    for output, expected in zip(found, api.run(folder, data, model=name).values(), strict=True):
        np.testing.assert_array_equal(output, expected)
    rng = np.random.default_rng(3)
    state = {s.input: np.full(graph.type(s.input).shape, graph.type(s.input).qp.zp, np.int8) for s in graph.states}
    for _ in range(5):
        kinds = {n: graph.type(n) for n in graph.public_inputs}
        inputs = {n: rng.integers(*t.dtype.range, t.shape).astype(t.dtype.numpy) for n, t in kinds.items()}
        values = run_int(graph, {**inputs, **state})
        outputs = model.run_raw(*inputs.values())
        for output, n in zip(outputs if isinstance(outputs, tuple) else (outputs,), graph.public_outputs, strict=True):
            np.testing.assert_array_equal(output, values[n], strict=True)
        state = {s.input: values[s.output] for s in graph.states}


def test_raw_bytes_are_as_the_program_takes_them(built: tuple[Path, Path]) -> None:
    folder, _ = built
    data = np.random.default_rng(1).integers(0, 256, (4, 2, 6, 5)).astype(np.uint8)
    expected = api.run(folder, {"x": data}, model="image")["y"]
    np.testing.assert_array_equal(api.load_compiled(folder, "image").predict(data), expected)


def test_arrays_are_used_where_they_are_and_checked(built: tuple[Path, Path]) -> None:
    pair, image = (api.load_compiled(built[0], name) for name in ("pair", "image"))
    p, q = (np.arange(4, dtype=np.int8)[None] * k for k in (3, 5))
    expected = pair.run_raw(p, q)
    p.flags.writeable = False
    out = [np.zeros((1, 4), np.int8) for _ in range(2)]
    for given in (pair.run_raw(p, np.asfortranarray(q)), pair.run_raw(p, q, out=out), out):
        assert all((a == b).all() for a, b in zip(given, expected, strict=True))
    assert all(a is b for a, b in zip(pair.run_raw(p, q, out=out), out, strict=True))
    assert not np.shares_memory(expected[0], pair.run_raw(q, q)[0])
    with pytest.raises(TypeError, match="takes 2 arrays, not 1"):
        pair.run_raw(p)
    with pytest.raises(ValueError, match=r"pair takes int8 \(1, 4\), int8 \(1, 4\), not int16 \(1, 4\), int8 \(1, 3\)"):
        pair.run_raw(p.astype(np.int16), q[:, :3])
    with pytest.raises(ValueError, match="not contiguous"):
        image.run_raw(np.zeros((1, 6, 5, 4), np.uint8)[..., ::2], out=np.zeros((1, 3), np.int8))
    with pytest.raises(ValueError, match=r"in place of \(samples, 2, 6, 5\)"):
        image.predict(np.zeros((2, 6, 5)))
    with pytest.raises(ValueError, match="NaN"):
        pair.predict(np.full((1, 4), np.nan), np.zeros((1, 4)))
    with pytest.raises(ValueError, match=r"different numbers of samples: \[1, 2\]"):
        pair.predict(np.zeros((1, 4)), np.zeros((2, 4)))


def test_threads_do_not_disturb_each_other(built: tuple[Path, Path]) -> None:
    image = api.load_compiled(built[0], "image")
    rows = np.random.default_rng(5).integers(0, 256, (200, 1, 6, 5, 2)).astype(np.uint8)
    expected = [image.run_raw(row) for row in rows]
    with ThreadPoolExecutor(4) as pool:
        for _ in range(3):
            np.testing.assert_array_equal(list(pool.map(image.run_raw, rows)), expected)


USE = """
import json, sys
import numpy as np
import image_pair_filter as package
from image_pair_filter import image, pair, filter
data = np.load(sys.argv[1])
found = {"image": [image.predict(data["image_x"])], "pair": pair.predict(data["pair_p"], data["pair_q"]),
         "filter": [filter.predict(data["filter_x"])]}
filter.reset()
first = filter.run_raw(np.zeros((1, 3), np.int8))
filter.reset()
assert (filter.run_raw(np.zeros((1, 3), np.int8)) == first).all()
np.savez(sys.argv[2], **{f"{name}_{k}": y for name, ys in found.items() for k, y in enumerate(ys)})
print(json.dumps([sorted(m for m in sys.modules if m.split(".")[0] in ("edgeq", "onnx")), package.__all__]))
"""


def test_a_wheel_needs_numpy_alone(built: tuple[Path, Path], tmp_path: Path) -> None:
    folder, package = built
    (wheel,) = (package / "dist").iterdir()
    tag = wheel.stem.split("-")[2:]
    assert tag[:2] == ["py3", "none"] and tag[2].startswith(sys.platform[:5])
    install = ["--no-deps", "--no-index", "--no-compile", "--quiet", "--target", tmp_path / "site"]
    subprocess.run([sys.executable, "-m", "pip", "install", wheel, *install], check=True, capture_output=True)
    np.savez(tmp_path / "in.npz", **{f"{n}_{key}": x for n in NAMES for key, x in _data(n, 6).items()})
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "site")}
    command = [sys.executable, "-c", USE, tmp_path / "in.npz", tmp_path / "out.npz"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [[], list(NAMES)]
    found = np.load(tmp_path / "out.npz")
    for name in NAMES:
        for k, expected in enumerate(api.run(folder, _data(name, 6), model=name).values()):
            np.testing.assert_array_equal(found[f"{name}_{k}"], expected)
    example = subprocess.run(
        [sys.executable, package / "example.py"], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert example.returncode == 0 and example.stdout.startswith("sample 0: class "), example.stderr
    assert (
        "Apache License" in (package / "LICENSE").read_text() and "pip install" in (package / "README.md").read_text()
    )


def test_always_the_same_package(tmp_path: Path) -> None:
    made = []
    for name in ("one", "other"):
        command = (
            "build",
            SINE,
            "--emit",
            "python",
            "--target",
            "host",
            "--optimize",
            "size",
            "--output",
            tmp_path / name,
        )
        told = succeeds(*command, "--json").json
        assert told["emit"] == "python" and told["toolchain"] and "hello_sine/_model.py" in told["files"]
        made.append(contents(tmp_path / name))
    assert made[0] == made[1]
    (wheel,) = (tmp_path / "one" / "dist").iterdir()
    with zipfile.ZipFile(wheel) as archive:
        assert archive.testzip() is None
        assert {"hello_sine/libhello_sine.so", "hello_sine/__init__.py"} <= set(archive.namelist())
    refused = edgeq("verify", tmp_path / "one")
    assert refused.code == 2 and "is a project of the kind python, and no build folder" in refused.err
    with pytest.raises(api.EdgeqError, match="import the package hello_sine"):
        api.load_compiled(tmp_path / "one")


@pytest.mark.slow
def test_another_build_at_the_same_place(tmp_path: Path) -> None:
    """A library that was loaded does not stand for the one that took its place."""
    x = np.linspace(0.1, 3.0, 20, dtype=np.float32)[:, None]
    for negative in (False, True):
        graph = model_of([helper.make_node("Neg" if negative else "Abs", ["x"], ["y"])], {"x": (1, 1)}, ["y"], {})
        (tmp_path / "net.onnx").write_bytes(graph.SerializeToString())
        options = api.BuildOptions(tmp_path / "net.onnx", calibration=x, output=tmp_path / "out", optimize="size")
        api.build(options)
        assert np.abs(api.load_compiled(tmp_path / "out").predict(x) - (-x if negative else x)).max() < 0.02


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["gcc", "zig"])
def test_for_another_machine(tmp_path: Path, kind: str) -> None:
    needs.compiler(load_target("rpi4"), kind)
    command = ("build", SINE, "--emit", "python", "--target", "rpi4", "--toolchain", kind, "--optimize", "size")
    succeeds(*command, "--output", tmp_path / "out")
    (wheel,) = (tmp_path / "out" / "dist").iterdir()
    assert wheel.name.endswith("-py3-none-linux_aarch64.whl")
    with (tmp_path / "out" / "hello_sine" / "libhello_sine.so").open("rb") as file:
        elf = ELFFile(file)
        assert elf["e_machine"] == "EM_AARCH64" and elf["e_type"] == "ET_DYN"
        dynamic = elf.get_section_by_name(".dynamic")
        assert {tag.needed for tag in dynamic.iter_tags("DT_NEEDED")} <= {"libc.so.6", "ld-linux-aarch64.so.1"}
        symbols = elf.get_section_by_name(".dynsym").iter_symbols()
        defined = [s.name for s in symbols if s["st_shndx"] != "SHN_UNDEF" and s["st_info"]["type"] == "STT_FUNC"]
        assert [name for name in defined if not name.startswith("_")] == ["hello_sine_run"]


def test_kinds_that_make_no_sense(tmp_path: Path) -> None:
    told = {
        ("--emit", "python", "--target", "cortex-m4"): ("--emit python is not for cortex-m4", "--target host"),
        ("--emit", "pyton"): ("'pyton' is not possible", "did you mean python?"),
        ("--emit", "python", "--target", "host", "--name", "numpy"): ("cannot be called 'numpy'", "--name"),
        ("--emit", "python", "--target", "host", "--sanitize"): ("--sanitize is not for --emit python", "leave one"),
    }
    for options, texts in told.items():
        ended = edgeq("build", DIGITS, *options, "--no-compile", "--output", tmp_path / "out")
        assert ended.code == 2 and all(text in ended.err for text in texts), ended.err
    zig = ("--emit", "python", "--target", "rpi-zero", "--toolchain", "zig", "--output", tmp_path / "out")
    if find_zig():
        ended = edgeq("build", DIGITS, *zig)
        assert ended.code == 6 and "--no-compile" in ended.err, ended.err
    assert not (tmp_path / "out").exists()


def test_uncompiled_packages_hold_their_source(tmp_path: Path) -> None:
    command = ("build", SINE, "--target", "host", "--emit", "python", "--no-compile", "--output", tmp_path / "out")
    made: Any = succeeds(*command, "--json").json
    assert {"pyproject.toml", "c/src/hello_sine.c", "c/CMakeLists.txt", "CMakeLists.txt"} <= set(made["files"])
    assert not list((tmp_path / "out").rglob("*.so")) and not (tmp_path / "out" / "dist").exists()
