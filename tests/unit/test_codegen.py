"""Lowering and the emitted folder."""

from __future__ import annotations

import json
import os
import re
import sys
from dataclasses import replace
from pathlib import Path

import needs
import numpy as np
import pytest
from pass_graphs import Net
from small_net import small_net

from edgeq.codegen import Program, emit, lower, read_manifest, render, update_manifest
from edgeq.codegen.arena import Peak, covered, explain_peak, peak, present
from edgeq.codegen.folder import staging
from edgeq.codegen.program import Occupant
from edgeq.codegen.written import add_to_list
from edgeq.errors import CapacityError, InternalError, ModelError, UsageError
from edgeq.exporters.projects.binding import _pool_bytes
from edgeq.ir.graph import GraphEditor
from edgeq.ir.tensor import QParams
from edgeq.ir.text import load_graph, print_graph
from edgeq.numerics.fixedpoint import Numerics
from edgeq.ops.abs import Abs
from edgeq.ops.conv2d import Conv2D
from edgeq.passes.pipeline import optimize_integer
from edgeq.quantize import quantize
from edgeq.target import Region, load_target
from edgeq.toolchain import build, run

HOST = load_target("host")
WARNINGS = ("-std=c99", "-Wall", "-Wextra", "-Wconversion", "-Wpedantic", "-Werror")


LAYERS = ["stem/conv */", "gain/int8", "body", "residual", "head", "split", "swap", "mix"]


@pytest.fixture(scope="module")
def program() -> Program:
    return lower(small_net(), HOST, "Net")


def test_lower(program: Program) -> None:
    assert program.name == "net"
    assert [c.name for c in program.calls] == LAYERS
    assert [c.function for c in program.calls if c.op == "Conv2D"] == ["eq_conv2d_ref_fast"] * 2
    assert [p.id for p in program.inputs] == ["input_image_0", "input_gain"]
    assert [p.id for p in program.outputs] == ["output_mix", "output_head"]
    assert program.calls[0].macs == 4 * 4 * 6 * 27
    assert program.macs == sum(c.macs for c in program.calls)
    assert program.calls[0].weights_bytes == 6 * 27 + 6 * 4
    assert program.calls[0].inputs[0].port == 0
    residual, head = (next(c for c in program.calls if c.name == name) for name in ("residual", "head"))
    assert head.inputs[0].offset == residual.outputs[0].offset  # through the view
    assert program.arena_bound == program.arena_bytes == 304  # 384 in the graph's own order
    assert all(c.array.nbytes for c in program.constants)


def test_operands_as_arrays(program: Program) -> None:
    text = render(program, HOST)["src/net.c"]
    assert re.search(r"int8_t \*const outputs\[\] = \{memory \+ \d+, memory \+ \d+\};", text)
    assert re.search(r"eq_split_ref\(&net_split_params, memory \+ \d+, outputs\);", text)
    assert re.search(r"const int8_t \*const inputs\[\] = \{memory \+ \d+, memory \+ \d+\};", text)
    assert re.search(r"eq_concat_ref\(&net_swap_params, inputs, memory \+ \d+\);", text)


def test_equal_constants_are_stored_once() -> None:
    edit = GraphEditor("twins", small_net())
    names = [c.name for c in lower(edit.finish(), HOST).constants]
    assert len(names) == len(set(names))
    shifts = [name for name in names if name.endswith("_shift")]
    assert len(shifts) < 3


@pytest.mark.parametrize(
    ("numerics", "conv", "dense"),
    [(Numerics.FAST, "fast", "fast"), (Numerics.TFLITE, "double", "single"), (Numerics.TFLM, "double", "double")],
)
def test_rounding_is_part_of_the_function(numerics: Numerics, conv: str, dense: str) -> None:
    functions = {c.op: c.function for c in lower(small_net(numerics), HOST).calls}
    assert functions["Conv2D"] == f"eq_conv2d_ref_{conv}"
    assert functions["FullyConnected"] == f"eq_fully_connected_ref_{dense}"
    assert functions["Requantize"] == "eq_flip_ref"


def test_all_nodes_without_kernel_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    graph = small_net()
    monkeypatch.setattr(Conv2D, "kernels", ())
    with pytest.raises(ModelError, match=r"no kernel for stem/conv \*/ \(Conv2D: .*; body \(Conv2D"):
        lower(graph, HOST)
    assert lower(graph, load_target("cortex-m4")).calls[0].op == "Conv2D"


def test_float_graph_is_refused() -> None:
    edit = small_net().edit()
    edit.numerics = None
    with pytest.raises(InternalError, match="only an integer graph"):
        lower(edit.finish(), HOST)


def test_constant_output_is_refused() -> None:
    edit = small_net().edit()
    edit.outputs.append(edit.constant("table", np.zeros((1, 4), np.int8), QParams.per_tensor(1.0, 0)))
    with pytest.raises(ModelError, match="'table' does not depend on any input"):
        lower(edit.finish(), HOST)


def test_capacity() -> None:
    board = load_target("cortex-m4")
    small = replace(board, memory={"flash": Region(0, 1000), "ram": Region(0x20000000, 512)}, stack_bytes=256)
    with pytest.raises(CapacityError, match=r"tables take [\d,]+ bytes of flash, which has 1,000") as caught:
        lower(small_net(), small)
    assert "stack (256)" in str(caught.value) and "bytes of RAM, which has 512" in str(caught.value)
    assert re.search(
        r"it is fullest in layer 'body', with scratch memory of the layer \(\d+ bytes\)", str(caught.value)
    )
    assert "a lower resolution or fewer channels of" in caught.value.hint
    assert caught.value.exit_code == 5


def test_arena_of_the_program(program: Program) -> None:
    names = [o.value for o in program.arena]
    assert sorted(names) == sorted({"image:0", "gain", *LAYERS, "split:1"})  # the view `flat` has no bytes of its own
    assert names[:2] == ["image:0", "gain"]
    by_name = {o.value: o for o in program.arena}
    assert (by_name["image:0"].kind, by_name["image:0"].first, by_name["image:0"].last) == ("input", -1, 0)
    assert (by_name["mix"].kind, by_name["mix"].last) == ("output", len(program.calls))
    assert by_name["body"].kind == "tensor"
    for index, call in enumerate(program.calls):
        there = {o.value: o.offset for o in present(program.arena, index)}
        for place in (*call.inputs, *call.outputs):
            assert there["residual" if place.value == "flat" else place.value] == place.offset
    scratch = [o for o in lower(small_net(), load_target("cortex-m4")).arena if o.kind == "scratch"]
    assert all(o.first == o.last and o.bytes for o in scratch)
    assert {o.value for o in scratch} >= {"stem/conv */", "body"}


def test_peak(program: Program) -> None:
    most = peak(program.arena)
    assert (most.layer, most.bytes) == (0, program.arena_bytes)
    assert [o.value for o in most.occupants] == ["image:0", "gain", "stem/conv */"]
    used = [covered(present(program.arena, i)) for i in range(-1, len(program.calls) + 1)]
    assert max(used) == most.bytes
    cause, cure = explain_peak(program)
    assert cause == (
        "it is fullest in layer 'stem/conv */', with input 'image:0' (192 bytes), input 'gain' (96 bytes), "
        "tensor 'stem/conv */' (96 bytes), which share bytes: 304 in all"
    )
    assert cure == "a lower resolution or fewer channels of 'image:0' help most"
    empty = replace(program, arena=())
    assert peak(empty.arena) == Peak(-1, 0, ())
    assert explain_peak(empty) == ("it is fullest before the first layer, with nothing", "take a smaller model")


def test_input_that_is_an_output_lies_in_the_arena() -> None:
    edit = small_net().edit()
    edit.outputs.append("gain")
    program = lower(edit.finish(), HOST, "net")
    assert [p.direct for p in program.inputs] == [True, False]
    text = render(program, HOST)["src/net.c"]
    assert "from_input_gain" not in text
    assert "memcpy(memory" in text


def test_folder(program: Program, tmp_path: Path) -> None:
    graph = small_net()
    manifest = emit(replace(program, optimize="size"), graph, None, HOST, tmp_path / "out")
    folder = tmp_path / "out"
    assert read_manifest(folder) == manifest
    assert " ".join(manifest) == (
        "edgeq_version name target cpu toolchain numerics interface kernels cmsis_nn esp_nn optimize inputs outputs "
        "macs weights_bytes arena_bytes ram_bytes flash_bytes stack_bytes layers arena_bound arenas regions arena "
        "weights_in weights_region weights_file weights_address weights_emulated_address weights_flash_bytes "
        "streaming states state_bytes threads isa library_calls warnings chip accuracy identity files"
    )
    assert manifest["inputs"][0] == {
        "name": "image:0",
        "shape": [1, 8, 8, 3],
        "dtype": "int8",
        "scale": float(np.float32(0.05)),
        "zero_point": -3,
    }
    assert (folder / "graph.txt").read_text("utf-8") == print_graph(graph)
    assert print_graph(load_graph(folder / "reference" / "integer")) == print_graph(graph)
    kernels = {p.relative_to(folder).as_posix() for p in (folder / "kernels").rglob("*.c")}
    assert kernels == {f"kernels/{s}" for s in program.sources}
    for file in folder.rglob("*.[ch]"):
        for header in re.findall(r'#include "(eq/[^"]+)"', file.read_text("utf-8")):
            assert (folder / "kernels" / "include" / header).is_file()
    assert "-Os" in (folder / "CMakeLists.txt").read_text("utf-8")
    assert [p.name for p in tmp_path.iterdir()] == ["out"]
    assert update_manifest(folder, flash_bytes=5)["flash_bytes"] == 5
    assert read_manifest(folder)["flash_bytes"] == 5


def test_folder_is_replaced_whole_or_not_at_all(program: Program, tmp_path: Path) -> None:
    graph, folder = small_net(), tmp_path / "out"
    emit(program, graph, None, HOST, folder)
    (folder / "src" / "old.c").write_text("")
    add_to_list(folder, "src/old.c")
    (folder / "src" / "mine.c").write_text("")
    lacking = replace(program, calls=(replace(program.calls[0], sources=("ref/lacking.c",)), *program.calls[1:]))
    with pytest.raises(InternalError, match="the installation lacks"):
        emit(lacking, graph, None, HOST, folder)
    assert (folder / "src" / "old.c").exists()
    emit(program, graph, graph, HOST, folder)
    assert not (folder / "src" / "old.c").exists() and (folder / "src" / "mine.c").exists()
    assert (folder / "reference" / "float.txt").exists()


def test_foreign_folder_is_kept(program: Program, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(UsageError, match="not written by edgeq"):
        emit(program, small_net(), None, HOST, tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["notes.txt"]
    with pytest.raises(UsageError, match="is not a folder"):
        emit(program, small_net(), None, HOST, tmp_path / "notes.txt")
    with pytest.raises(UsageError, match="cannot be written"):
        emit(program, small_net(), None, HOST, tmp_path / "notes.txt" / "out")
    (tmp_path / "manifest.json").write_text("{}")
    with pytest.raises(UsageError, match="not a build folder"):
        read_manifest(tmp_path)


def test_unwritable_folder(program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Path, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(UsageError, match="No space left on device"):
        emit(program, small_net(), None, HOST, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_strange_names() -> None:
    edit = small_net().edit()
    node = edit.nodes["body"]
    edit.replace_node("body", replace(node, name='/* "quoted"?? \\ \n ü'))
    text = render(lower(edit.finish(), HOST, "1st model"), HOST)["src/m_1st_model.c"]
    assert '/* / * "quoted"?? \\ ? ü: Conv2D -> 1x4x4x6 */' in text
    assert '"/* \\"quoted\\"\\?\\? \\\\ \\012 \\303\\274",' in text


SCRIPT = """
import sys
from pathlib import Path
from small_net import small_net
from edgeq.codegen import emit, lower
from edgeq.target import load_target
target = load_target("cortex-m55")
emit(lower(small_net(), target), small_net(), small_net(), target, Path(sys.argv[1]))
"""


def test_same_bytes_whatever_the_hash_seed_and_folder(tmp_path: Path) -> None:
    contents = []
    for seed, name in (("1", "a"), ("77", "a longer name")):
        environment = {"PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent.parent)])}
        run([sys.executable, "-c", SCRIPT, tmp_path / name], environment=environment)
        files = sorted(p for p in (tmp_path / name).rglob("*") if p.is_file())
        contents.append({p.relative_to(tmp_path / name).as_posix(): p.read_bytes() for p in files})
    assert contents[0] == contents[1]
    assert "platform/startup.c" in contents[0]
    assert not any(str(tmp_path).encode() in data for data in contents[0].values())


@pytest.mark.parametrize("compiler", ["gcc", "clang", "arm-none-eabi-gcc"])
def test_no_warnings(compiler: str, program: Program, tmp_path: Path) -> None:
    command = needs.warnings_of(compiler)
    folder = tmp_path / "out"
    emit(program, small_net(), None, HOST, folder)
    sources = [*folder.glob("src/*.c"), *folder.glob("kernels/**/*.c")]
    includes = ("-I", folder / "include", "-I", folder / "kernels" / "include")
    run([*command, *WARNINGS, *includes, *sources], cwd=tmp_path)
    run([*command, *WARNINGS, "-DNET_PROFILE", "-DEQ_PROFILE", *includes, *sources], cwd=tmp_path)


QUANTIZE = """
#include "net.h"
#include <cstdio>
int main()
{
    float x;
    while (std::fread(&x, sizeof x, 1, stdin) == 1) {
        const uint8_t q = net_quantize_input_gain(x);
        const float back = net_dequantize_output_head(static_cast<int8_t>(q - 128));
        std::printf("%d %.9g\\n", q, static_cast<double>(back));
    }
    alignas(16) static unsigned char arena[NET_ARENA_BYTES];
    return net_input_gain_in_arena(arena) == nullptr || net_output_head_in_arena(arena) == nullptr;
}
"""


def test_helpers_from_cpp(program: Program, tmp_path: Path) -> None:
    needs.programs("g++")
    folder = tmp_path / "out"
    emit(program, small_net(), None, HOST, folder)
    (tmp_path / "main.cpp").write_text(QUANTIZE.replace("stdin) == 1", "in) == 1").replace("float x;", FILE))
    q = program.inputs[1].type.qp
    step = np.float32(q.s)
    ties = ((np.arange(-300, 300) + 0.5) * np.float64(step)).astype(np.float32)
    values = np.concatenate([np.linspace(-10, 10, 999, dtype=np.float32), ties, np.float32([np.inf, -np.inf, 1e30])])
    values.tofile(tmp_path / "values")
    run(
        [
            "g++",
            "-Wall",
            "-Wextra",
            "-Wconversion",
            "-Werror",
            "-I",
            folder / "include",
            tmp_path / "main.cpp",
            "-o",
            tmp_path / "main",
        ]
    )
    lines = run([tmp_path / "main"], cwd=tmp_path).output.splitlines()
    given = np.array([int(line.split()[0]) for line in lines])
    scaled = np.rint((values / step).astype(np.float64))
    assert given.tolist() == np.clip(scaled + q.zp, 0, 255).astype(int).tolist()
    output = program.outputs[1].type.qp
    assert [np.float32(line.split()[1]) for line in lines] == output.dequantize((given - 128).astype(np.int8)).tolist()


FILE = 'float x;\n    std::FILE *in = std::fopen("values", "rb");'


def test_manifest_is_readable_json(program: Program, tmp_path: Path) -> None:
    emit(program, small_net(), None, HOST, tmp_path / "out")
    data = json.loads((tmp_path / "out" / "manifest.json").read_text("utf-8"))
    assert [layer["kernel"] for layer in data["layers"]] == [c.function for c in program.calls]
    assert data["arena_bound"] == program.arena_bound
    assert [Occupant(**o) for o in data["arena"]] == list(program.arena)


def test_failed_build_leaves_what_was_there(program: Program, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    emit(program, small_net(), None, HOST, folder)
    update_manifest(folder, toolchain="old")
    with pytest.raises(ZeroDivisionError), staging(folder) as stage:
        emit(program, small_net(), None, HOST, stage)
        raise ZeroDivisionError
    assert read_manifest(folder)["toolchain"] == "old"
    with staging(folder) as stage:
        emit(program, small_net(), None, HOST, stage)
    assert read_manifest(folder)["toolchain"] is None
    assert [p.name for p in tmp_path.iterdir()] == ["out"]
    with pytest.raises(ZeroDivisionError), staging(tmp_path / "new") as stage:
        emit(program, small_net(), None, HOST, stage)
        raise ZeroDivisionError
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_inputs_that_nothing_reads(tmp_path: Path) -> None:
    """The C of such a network compiles without a warning, too."""
    net = Net(1)
    x, unread = net.input("x", 1, 4), net.input("unread", 1, 8)
    samples = [{"x": np.float32([[-1, 0, 0.5, 1]]), "unread": np.ones((1, 8))}]
    graph = optimize_integer(quantize(net.finish(net.add(Abs(), x, name="y")), samples))
    assert unread in graph.inputs
    emit(lower(graph, HOST, "net"), graph, None, HOST, tmp_path / "out")
    assert "(void)from_input_unread; /* no layer reads it */" in (tmp_path / "out" / "src" / "net.c").read_text()
    assert build(tmp_path / "out", "net", HOST, werror=True).program.is_file()


@pytest.mark.parametrize("threads", [2, 64])
def test_memory_of_a_pool(threads: int) -> None:
    """The header and Python's binding, which cannot read it, say the same."""
    header = render(lower(small_net(), HOST, "net", threads=threads), HOST)["include/net.h"]
    assert f"#define NET_POOL_BYTES {_pool_bytes(threads)}\n" in header
