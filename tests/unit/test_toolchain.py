"""Processes, compilers and CMake; generated programs are built and give the simulator's bits."""

from __future__ import annotations

import shutil
import sys
from dataclasses import replace
from pathlib import Path

import needs
import pytest
from cmake_project import build_project
from small_net import record, samples, small_net

from edgeq.codegen import emit, lower
from edgeq.errors import CapacityError, ToolError, UsageError
from edgeq.runners import Job, way_to_run
from edgeq.simulator import run_int
from edgeq.target import Region, load_target
from edgeq.target.model import System
from edgeq.toolchain import (
    Toolchain,
    available,
    build,
    build_profile,
    compilers,
    find_cmake,
    find_generator,
    find_toolchain,
    find_zig,
    program_path,
    run,
)
from edgeq.toolchain import cmake as cmake_module

HOST, M4 = load_target("host"), load_target("cortex-m4")
CORES = ("cortex-m0plus", "cortex-m3", "cortex-m4", "cortex-m7", "cortex-m33", "cortex-m55")


def test_output_is_captured() -> None:
    code = "import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)"
    done = run([sys.executable, "-c", code], check=False)
    assert (done.code, done.output, done.errors) == (3, "out\n", "err\n")
    assert done.last_lines == "out\nerr"


def test_failure_shows_command_and_last_lines() -> None:
    with pytest.raises(ToolError, match="failed with exit code 4") as caught:
        run([sys.executable, "-c", "print('\\n'.join(map(str, range(50)))); raise SystemExit(4)"])
    assert "raise SystemExit(4)" in caught.value.hint
    assert caught.value.hint.endswith("48\n49")
    assert "\n30\n" not in caught.value.hint


def test_missing_program() -> None:
    with pytest.raises(ToolError, match="'no-such-tool' is not installed") as caught:
        run(["no-such-tool"], install="apt-get install tool")
    assert caught.value.hint == "apt-get install tool"
    assert caught.value.exit_code == 6


def test_program_that_cannot_run(tmp_path: Path) -> None:
    (tmp_path / "tool").write_text("text")
    with pytest.raises(ToolError, match="cannot be run: Permission denied"):
        run([tmp_path / "tool"])


def test_timeout() -> None:
    with pytest.raises(ToolError, match="did not end within 0"):
        run([sys.executable, "-c", "import time; time.sleep(30)"], timeout=0.5)


def test_environment_does_not_steer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CFLAGS", "-DX")
    code = "import os; print(os.environ.get('CFLAGS'), os.environ['EXTRA'])"
    assert run([sys.executable, "-c", code], environment={"EXTRA": "1"}).output == "None 1\n"


def test_order_of_compilers(monkeypatch: pytest.MonkeyPatch) -> None:
    places = {"arm-none-eabi-gcc": "/bin/arm-none-eabi-gcc", "gcc": "/bin/gcc", "cc": "/bin/cc"}
    monkeypatch.setattr(compilers, "find_zig", lambda: Path("/zig"))
    monkeypatch.setattr(shutil, "which", places.get)
    assert [t.kind for t in available(M4)] == ["gcc", "zig"]
    assert find_toolchain(M4) == Toolchain("gcc", Path("/bin/arm-none-eabi-gcc"))
    assert find_toolchain(M4, "zig") == Toolchain("zig", Path("/zig"))
    del places["arm-none-eabi-gcc"]
    assert find_toolchain(M4).kind == "zig"
    del places["gcc"]
    assert find_toolchain(HOST) == Toolchain("gcc", Path("/bin/cc"))


@pytest.mark.parametrize("system", ["linux", "none"])
def test_this_machines_compiler_is_for_this_machine(system: System, monkeypatch: pytest.MonkeyPatch) -> None:
    target = replace(HOST, name="pi", system=system, compilers={"gcc": "aarch64-linux-gnu-gcc"})
    monkeypatch.setattr(compilers, "find_zig", lambda: None)
    monkeypatch.setattr(shutil, "which", {"cc": "/bin/cc", "gcc": "/bin/gcc"}.get)
    assert available(target) == ()
    assert available(replace(target, system="native")) == (Toolchain("gcc", Path("/bin/cc")),)
    with pytest.raises(ToolError, match="there is no compiler for pi"):
        find_toolchain(target)


def test_no_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compilers, "find_zig", lambda: None)
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(ToolError, match="no compiler for cortex-m4") as caught:
        find_toolchain(M4)
    assert caught.value.hint == "apt-get install gcc-arm-none-eabi, or pip install edgeq[zig]"
    with pytest.raises(UsageError, match="'clang' cannot compile for cortex-m4"):
        find_toolchain(M4, "clang")


def test_missing_build_tools(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name, **more: None)
    monkeypatch.setattr(cmake_module, "_program_of_package", lambda *names: None)
    with pytest.raises(ToolError, match="CMake is not installed"):
        find_cmake()
    with pytest.raises(ToolError, match="neither Ninja nor Make"):
        find_generator()
    monkeypatch.setattr(shutil, "which", lambda name, **more: "/bin/make" if name == "make" else None)
    assert find_generator() == ("Unix Makefiles", Path("/bin/make"))


def _emit(folder: Path, target_name: str) -> None:
    target = load_target(target_name)
    emit(lower(small_net(), target, "net"), small_net(), None, target, folder)


def _expected() -> tuple[bytes, bytes]:
    """Inputs and outputs of some inferences, one after the other."""
    graph = small_net()
    given = samples(graph)
    results = [run_int(graph, inputs) for inputs in given]
    return (
        b"".join(record(graph, inputs, graph.inputs) for inputs in given),
        b"".join(record(graph, values, graph.outputs) for values in results),
    )


@pytest.mark.parametrize(("kind", "sanitize"), [("gcc", True), ("clang", True), ("zig", False)])
def test_host_program(kind: str, sanitize: bool, tmp_path: Path) -> None:
    needs.compiler(HOST, kind)
    _emit(tmp_path / "out", "host")
    built = build(tmp_path / "out", "net", HOST, kind, sanitize=sanitize, werror=True)
    assert built.library.is_file()
    assert built.toolchain.kind == kind
    assert built.toolchain.version
    given, expected = _expected()
    (tmp_path / "x").write_bytes(given)
    run([built.program, "run", tmp_path / "x", tmp_path / "y"])
    assert (tmp_path / "y").read_bytes() == expected
    assert build_profile(tmp_path / "out", "net", HOST).is_file()


@pytest.mark.slow
@pytest.mark.qemu
@pytest.mark.parametrize("kind", ["gcc", "zig"])
@pytest.mark.parametrize("core", CORES)
def test_bare_metal_program(core: str, kind: str, tmp_path: Path) -> None:
    target = load_target(core)
    needs.compiler(target, kind)
    _emit(tmp_path / "out", core)
    built = build(tmp_path / "out", "net", target, kind, werror=True)
    assert built.program.name == "net.elf"
    given, expected = _expected()
    (tmp_path / "x").write_bytes(given)
    done = way_to_run(target).run(Job(built.program, ("run", "x", "y"), tmp_path, timeout=60))
    assert done.code == 0
    assert (tmp_path / "y").read_bytes() == expected


@pytest.mark.parametrize("kind", ["gcc", "zig"])
def test_too_large_for_the_memory(kind: str, tmp_path: Path) -> None:
    needs.compiler(M4, kind)
    small = replace(M4, memory={"flash": Region(0, 0x1000), "ram": M4.memory["ram"]})
    emit(lower(small_net(), small, "net"), small_net(), None, small, tmp_path / "out")
    with pytest.raises(CapacityError, match=r"[\d,]+ bytes more than the 4,096 of flash"):
        build(tmp_path / "out", "net", small, kind)


def test_sanitizers_are_for_the_host(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="sanitizers are not offered for cortex-m4"):
        build(tmp_path, "net", M4, sanitize=True)
    if find_zig() is not None:
        with pytest.raises(ToolError, match="zig has no AddressSanitizer"):
            build(tmp_path, "net", HOST, "zig", sanitize=True)


def test_compile_error_is_shown(tmp_path: Path) -> None:
    _emit(tmp_path / "out", "host")
    (tmp_path / "out" / "src" / "net.c").write_text("#error broken on purpose\n")
    with pytest.raises(ToolError, match="cannot be compiled for host") as caught:
        build(tmp_path / "out", "net", HOST)
    assert "broken on purpose" in caught.value.hint


def test_same_program_wherever_it_is_built(tmp_path: Path) -> None:
    target = next((load_target(c) for c in ("cortex-m4",) if available(load_target(c))), HOST)
    programs = []
    for name in ("a", "another/place"):
        _emit(tmp_path / name, target.name)
        programs.append(build(tmp_path / name, "net", target).program.read_bytes())
    assert programs[0] == programs[1]
    assert str(tmp_path).encode() not in programs[0]


def test_moved_folder_is_configured_anew(tmp_path: Path) -> None:
    _emit(tmp_path / "a", "host")
    build(tmp_path / "a", "net", HOST)
    (tmp_path / "a").rename(tmp_path / "b")
    assert build_profile(tmp_path / "b", "net", HOST).is_file()
    assert program_path(tmp_path / "b", "net", HOST).is_file(), "what was there before is there again"


def test_in_another_project(tmp_path: Path) -> None:
    _emit(tmp_path / "net", "host")
    (tmp_path / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.16)\nproject(app C)\nadd_subdirectory(net)\n"
        "add_executable(app main.c)\ntarget_link_libraries(app PRIVATE net)\n"
    )
    (tmp_path / "main.c").write_text(
        '#include "net.h"\n#include <stdlib.h>\n'
        "int main(void)\n{\n"
        "    char *arena = aligned_alloc(NET_ARENA_ALIGNMENT, (NET_ARENA_BYTES + 15) / 16 * 16);\n"
        "    int bad = net_run(arena, 0, 0, 0, 0) != NET_OK;\n"
        "    bad |= net_run(arena + 4, 0, 0, 0, 0) != NET_ERROR_ARENA || net_run(0, 0, 0, 0, 0) != NET_ERROR_ARENA;\n"
        "    return bad;\n}\n"
    )
    build_project(tmp_path, tmp_path / "build")
    run([tmp_path / "build" / "app"])
