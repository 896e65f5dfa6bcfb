"""Large constants that the assembler includes from a file: the same bytes, sizes and sections as those written as C."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import needs
import numpy as np
import pytest
from elftools.elf.elffile import ELFFile
from small_net import samples, small_net

from edgeq.api import load_compiled
from edgeq.api.building import build as build_model
from edgeq.api.flow import QuantizedModel
from edgeq.api.project import BuildOptions
from edgeq.codegen import emit, included, lower
from edgeq.codegen.emit import identity
from edgeq.codegen.program import Program
from edgeq.codegen.weights import INLINE, WeightsPlace
from edgeq.simulator import run_int
from edgeq.target import Target, load_target
from edgeq.toolchain import build, run
from edgeq.toolchain.cmake import shared_path

HOST, M4, A53 = load_target("host"), load_target("cortex-m4"), load_target("linux-aarch64")
SECTION = WeightsPlace("section", "flash")


@pytest.fixture(autouse=True)
def _small_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(included, "LEAST", 24)
    monkeypatch.setattr(included, "WORTHWHILE", 100)


def _program(target: Target, place: WeightsPlace) -> Program:
    return lower(small_net(), target, "net", weights=place)


def _constants(path: Path, program: Program) -> dict[str, tuple[Any, ...]]:
    """Of each constant in an object file: what of its section matters, its alignment there, size, bytes."""
    with path.open("rb") as file:
        elf = ELFFile(file)
        found = {}
        for constant in program.constants:
            (symbol,) = elf.get_section_by_name(".symtab").get_symbol_by_name(constant.name)
            section, start = elf.get_section(symbol["st_shndx"]), symbol["st_value"]
            assert start % constant.alignment == section["sh_addralign"] % constant.alignment == 0
            assert symbol["st_info"] == {"bind": "STB_GLOBAL", "type": "STT_OBJECT"}
            data = section.data()[start : start + symbol["st_size"]]
            found[constant.name] = (section.name, section["sh_type"], section["sh_flags"], data)
    return found


@pytest.mark.parametrize(
    ("target", "kind"), [(HOST, "gcc"), (HOST, "clang"), (HOST, "zig"), (M4, "gcc"), (M4, "zig"), (A53, "gcc")]
)
def test_objects(target: Target, kind: str, tmp_path: Path) -> None:
    """What the linker sees: every constant in a section of its own or that of weights, whatever it is made of."""
    tool = needs.compiler(target, kind)
    command = [tool.program, *(["cc"] if kind == "zig" else []), *target.flags[kind], "-g0"]
    flags = ["-std=c99", "-Os", "-Wall", "-Wextra", "-Wconversion", "-Werror", "-pedantic", "-fdata-sections", "-c"]
    for place in (INLINE, SECTION) if kind == "gcc" else (INLINE,):
        program, objects = _program(target, replace(place, included=True)), []
        for given in (place, program.weights):
            folder = tmp_path / f"{given.kind}{given.included:d}"
            emit(_program(target, given), small_net(), None, target, folder)
            assert (folder / "src" / "net_weights.bin").exists() == given.included
            source, made = folder / "src" / "net_weights.c", folder / "net_weights.o"
            run([*command, *flags, f"-I{folder / 'kernels/include'}", f"-I{folder / 'src'}", source, "-o", made])
            objects.append(_constants(made, program))
        assert objects[0] == objects[1]
        assert len(included.included(program)) >= 3
        assert all(found[0] == ".eq_weights" for found in objects[1].values()) == (place is SECTION)


def test_program(tmp_path: Path) -> None:
    """A folder that was moved compiles, also as a shared library, which shows no weights; the bits are the same."""
    needs.compiler(HOST, "gcc")
    graph = small_net()
    program = _program(HOST, replace(INLINE, included=True))
    emit(program, graph, None, HOST, tmp_path / "made")
    (tmp_path / "made").rename(tmp_path / "there it is")
    folder = tmp_path / "there it is"
    build(folder, "net", HOST, "gcc", werror=True)
    compiled = load_compiled(folder)
    for sample in samples(graph, 5):
        found, expected = compiled.run_raw(*(sample[name] for name in graph.inputs)), run_int(graph, sample)
        for name, one in zip(graph.outputs, found, strict=True):
            np.testing.assert_array_equal(one, expected[name])
    with shared_path(folder, "net").open("rb") as file:
        shown = {symbol.name for symbol in ELFFile(file).get_section_by_name(".dynsym").iter_symbols()}
    assert "net_run" in shown and not shown & {constant.name for constant in program.constants}


def test_which_are(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Large ones of programs that have many; never in a project, which is carried to any compiler, or under
    AddressSanitizer, which sees arrays of C only."""
    program = _program(M4, replace(INLINE, included=True))
    assert {c.name for c in included.included(program)} == {c.name for c in program.constants if c.array.nbytes >= 24}
    assert included.included(_program(M4, INLINE)) == ()
    monkeypatch.setattr(included, "WORTHWHILE", program.constant_bytes + 1)
    assert included.included(program) == ()
    monkeypatch.setattr(included, "WORTHWHILE", 100)
    model = QuantizedModel(small_net(), small_net())
    options = BuildOptions("net.onnx", "cortex-m4", output=tmp_path / "out", compile=False)
    changes: tuple[dict[str, Any], ...] = ({}, {"emit": "cmsis-pack"}, {"emit": "library", "target": "host"})
    for change in changes:
        made = build_model(replace(options, output=tmp_path / str(change.get("emit")), **change), model=model)
        files = [path for path in made["files"] if path.endswith("_weights.bin")]
        assert files == ([] if change else ["src/net_weights.bin"]), change


def test_identity() -> None:
    """Other weights are another model, also where the code does not hold them."""
    numbers = set()
    for seed in (7, 8):
        program = lower(small_net(seed=seed), M4, "net", weights=replace(INLINE, included=True))
        numbers.add(identity(program, {}))
    assert len(numbers) == 2
