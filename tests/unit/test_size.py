"""Sizes: stack depth against the compiler's own figures, sections against the linked file."""

from __future__ import annotations

import re
from pathlib import Path

import needs
import pytest
from elftools.elf.elffile import ELFFile
from small_net import small_net

from edgeq.codegen.emit import emit
from edgeq.codegen.lower import lower
from edgeq.errors import ToolError
from edgeq.report.a32 import a32_frame_and_calls
from edgeq.report.callgraph import Function, call_graph, deepest, reachable
from edgeq.report.riscv import riscv_frame_and_calls
from edgeq.report.size import Size, measure
from edgeq.report.thumb import frame_and_calls
from edgeq.target import list_targets, load_target
from edgeq.toolchain import build, find_toolchain, run

CORES = [t.name for t in list_targets() if t.family == "cortex-m"]

FRAMES = """
#include <stdint.h>
int sink(volatile int *p);
__attribute__((noinline)) int leaf(int a) { return a * 3; }
__attribute__((noinline)) int small(int a) { volatile int v[3] = {a}; return sink(v) + leaf(a); }
__attribute__((noinline)) int medium(int a) { volatile int v[100]; v[a] = a; return sink(v) + small(a); }
__attribute__((noinline)) int large(int a) { volatile int v[1000]; v[a] = a; return sink(v) + medium(a); }
__attribute__((noinline)) int huge(int a) { volatile int v[20000]; v[a] = a; return sink(v) + large(a); }
__attribute__((noinline)) int64_t wide(int64_t a, int64_t b) { return a / b; }
__attribute__((noinline)) int sink(volatile int *p) { return p[1]; }
__attribute__((noinline)) int recursive(int a) { volatile int v[10]; v[a] = a; return a ? recursive(a - 1) + v[1] : 0; }
__attribute__((noinline)) double floating(double a, double b, double c)
{
    volatile int v[5]; v[1] = (int)a;
    for (int i = 0; i < v[1]; i++) { a = a * b + c; b = b - a; c = c * a + floating(b, c, a); }
    return a + b + c;
}
int main(int argc, char **argv)
{
    (void)argv;
    return huge(argc) + (int)wide(argc, argc) + recursive(argc) + (int)floating(argc, argc, argc);
}
void _exit(int code) { for (;;) (void)code; }
"""


@pytest.mark.parametrize("core", [*CORES, "host"])
@pytest.mark.parametrize("level", ["-O2", "-Os", "-O0"])
def test_frames_are_those_that_the_compiler_tells(core: str, level: str, tmp_path: Path) -> None:
    target = load_target(core)
    gcc = needs.compiler(target, "gcc")
    (tmp_path / "frames.c").write_text(FRAMES)
    flags = [*target.flags["gcc"], level, "-fstack-usage", "-ffunction-sections", "-fno-ipa-ra"]
    run([gcc.program, *flags, "-c", "frames.c", "-o", "frames.o"], cwd=tmp_path)
    link = [*target.link.get("gcc", ()), *(["-Wl,-e,main"] if target.bare_metal else [])]
    run([gcc.program, *flags, "frames.o", *link, "-o", "frames.elf"], cwd=tmp_path)
    told = {
        name: int(size) for name, size in re.findall(r":(\w+)\t(\d+)\tstatic", (tmp_path / "frames.su").read_text())
    }
    with (tmp_path / "frames.elf").open("rb") as file:
        graph = call_graph(ELFFile(file))
    found = {f.name: f.frame for f in graph.values() if f.name in told and f.name != "_exit"}
    assert {"leaf", "small", "medium", "large", "huge", "recursive", "main"} <= set(found)
    # Unwind tables of computers count the return address; the compiler does not where nothing else is there.
    slack = 0 if target.bare_metal else 56
    for name, frame in found.items():
        assert told[name] <= frame <= told[name] + slack, name
    by_name = {f.name: f for f in graph.values()}
    called = {graph[c].name for c in by_name["huge"].calls}
    assert called == {"sink", "large"}
    path = ("main", "huge", "large", "medium", "small")
    assert deepest(graph, by_name["main"].start) == sum(found[n] for n in path) + max(
        deepest(graph, callee) for callee in by_name["small"].calls
    )


def test_depth_of_a_graph() -> None:
    graph = {
        1: Function("a", 1, 1, 10, frozenset({2, 3})),
        2: Function("b", 2, 1, 20, frozenset({4})),
        3: Function("c", 3, 1, 5, frozenset({4, 2})),
        4: Function("d", 4, 1, 1, frozenset({1})),
        5: Function("e", 5, 1, 1000, frozenset()),
    }
    assert deepest(graph, 1) == 10 + 5 + 20 + 1
    assert deepest(graph, 5) == 1000
    assert reachable(graph, [2]) == {1, 2, 3, 4}
    assert reachable(graph, []) == set()


@pytest.mark.parametrize(
    ("halfwords", "frame"),
    [
        ([0xB5F0], 20),  # push {r4-r7, lr}
        ([0xE92D, 0x4FF0], 36),  # push.w {r4-r11, lr}
        ([0xF84D, 0xED04], 4),  # str lr, [sp, #-4]!
        ([0xE96D, 0x4504], 16),  # strd r4, r5, [sp, #-16]!
        ([0xED2D, 0x8B10], 64),  # vpush {d8-d15}
        ([0xED2D, 0x8A02], 8),  # vpush {s16-s17}
        ([0xB0FF], 508),  # sub sp, #508
        ([0xF5AD, 0x7D00], 512),  # sub.w sp, sp, #512
        ([0xF6AD, 0x7D24], 3876),  # subw sp, sp, #3876
        ([0x4C00, 0x44A5, 0xFC00, 0xFFFF], 1024),  # ldr r4, [pc]; add sp, r4; literal -1024
        ([0xF641, 0x3458, 0xEBAD, 0x0D04], 7000),  # movw r4, #7000; sub.w sp, sp, r4
        ([0xF44F, 0x44C0, 0xEBAD, 0x0D04], 0x6000),  # mov.w r4, #0x6000; sub.w sp, sp, r4
        ([0xB004], 0),  # add sp, #16
        ([0xBDF0], 0),  # pop {r4-r7, pc}
        ([0xE8BD, 0x8FF0], 0),  # pop.w
        ([0xF1A4, 0x0D01], 0),  # sub.w sp, r4, #1 is no frame of fixed size
    ],
)
def test_thumb_frames(halfwords: list[int], frame: int) -> None:
    code = b"".join(h.to_bytes(2, "little") for h in halfwords)
    literal_at = 0x1004 if halfwords[0] == 0x4C00 else 0xFFFFFFFF
    assert frame_and_calls(0x1000, code, lambda address: address >= literal_at)[0] == frame


@pytest.mark.parametrize(
    ("halfwords", "target"),
    [
        ([0xF000, 0xF802], 0x1008),  # bl +4
        ([0xF7FF, 0xFFFE], 0x1000),  # bl -4
        ([0xF000, 0xB802], 0x1008),  # b.w +4
        ([0xE7FE], 0x1000),  # b -4
        ([0xF400, 0xD000], 0x1000 + 4 - 0x01000000),  # bl as far back as it goes
        ([0xF3FF, 0xD7FF], 0x1000 + 4 + 0x00FFFFFE),  # bl as far as it goes
        ([0xF85F, 0xF000, 0x0EB9, 0x1000], 0x10000EB8),  # ldr.w pc, [pc]; its address behind it
        ([0xF240, 0x2C01, 0xF2C1, 0x0C00, 0x4760], 0x10000200),  # movw ip, #0x201; movt ip, #0x1000; bx ip
        ([0x4801, 0x4684, 0x4760, 0xBF00, 0x0EB9, 0x1000], 0x10000EB8),  # ldr r0, [pc]; mov ip, r0; bx ip
    ],
)
def test_thumb_calls(halfwords: list[int], target: int) -> None:
    code = b"".join(h.to_bytes(2, "little") for h in halfwords)
    assert frame_and_calls(0x1000, code, lambda address: False) == (0, (target,))


@pytest.mark.parametrize(
    ("words", "frame"),
    [
        ([0xE92D4FF0], 36),  # push {r4-r11, lr}
        ([0xE52DE004], 4),  # push {lr}
        ([0xED2D8B10], 64),  # vpush {d8-d15}
        ([0xE24DD014], 20),  # sub sp, sp, #20
        ([0xE24DDB01, 0xE24DD014], 1044),  # sub sp, sp, #1024; sub sp, sp, #20
        ([0xE28DD014, 0xE8BD8FF0], 0),  # add sp, sp, #20; pop {r4-r11, pc}
    ],
)
def test_a32_frames(words: list[int], frame: int) -> None:
    code = b"".join(w.to_bytes(4, "little") for w in words)
    assert a32_frame_and_calls(0x1000, code) == (frame, ())


@pytest.mark.parametrize(
    ("word", "target"), [(0xEB000002, 0x1010), (0xEAFFFFFE, 0x1000), (0xFA000000, 0x1008), (0xFB000000, 0x100A)]
)
def test_a32_calls(word: int, target: int) -> None:
    """bl, b, and blx to a word and to a halfword."""
    assert a32_frame_and_calls(0x1000, word.to_bytes(4, "little")) == (0, (target,))


@pytest.mark.parametrize(
    ("code", "frame", "targets"),
    [
        ("0111", 32, ()),  # addi sp, sp, -32, compressed
        ("5d71", 80, ()),  # addi sp, sp, -80, compressed as addi16sp
        ("130101f7", 144, ()),  # addi sp, sp, -144
        ("0561", 0, ()),  # addi sp, sp, 32
        ("ef008000", 0, (0x1008,)),  # jal +8
        ("eff0dfff", 0, (0x0FFC,)),  # jal -4
        ("97000000e7800001", 0, (0x1010,)),  # auipc ra, 0; jalr 16(ra)
        ("97f0ffffe78000ff", 0, (0x0FF0 - 0x1000 + 0x0,)),  # auipc ra, -1; jalr -16(ra)
    ],
)
def test_riscv(code: str, frame: int, targets: tuple[int, ...]) -> None:
    assert riscv_frame_and_calls(0x1000, bytes.fromhex(code)) == (frame, targets)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["gcc", "zig"])
@pytest.mark.parametrize("core", ["cortex-m0plus", "cortex-m4", "host"])
def test_sizes_of_a_program(core: str, kind: str, tmp_path: Path) -> None:
    target = load_target(core)
    needs.compiler(target, kind)
    graph = small_net()
    program = lower(graph, target, "net")
    emit(program, graph, None, target, tmp_path / "out")
    built = build(tmp_path / "out", "net", target, kind)
    size = measure(built.program, target)
    assert size.arena == size.ram_bytes == program.arena_bytes
    assert program.constant_bytes < size.model < program.constant_bytes + 4000
    assert 500 < size.kernels < 10_000
    assert 32 <= size.stack <= 1024
    assert size.flash_bytes == size.model + size.kernels + size.helpers
    assert size.manifest()["flash_bytes"] == size.flash_bytes
    if target.bare_metal:
        with built.program.open("rb") as file:
            loaded = sum(s["p_filesz"] for s in ELFFile(file).iter_segments("PT_LOAD"))
        # Gaps between sections, and what the linker makes of the file's header.
        assert 0 <= loaded - (size.flash_bytes + size.platform) < 64 or kind == "zig"
        assert size.platform < 8000
        assert size.helpers > 0
        assert target.stack_bytes < size.platform_ram < target.stack_bytes + 4096


def test_program_without_model(tmp_path: Path) -> None:
    host = load_target("host")
    (tmp_path / "text").write_text("no program")
    with pytest.raises(ToolError, match="cannot be measured"):
        measure(tmp_path / "text", host)
    (tmp_path / "x.c").write_text("int main(void) { return 0; }\n")
    run([find_toolchain(host, "gcc").program, "x.c", "-o", "x"], cwd=tmp_path)
    with pytest.raises(ToolError, match="it holds no model"):
        measure(tmp_path / "x", host)


def test_manifest_entries() -> None:
    entries = Size(1, 2, 4, 8, 16, 32, 64, 128).manifest()
    assert (entries["flash_bytes"], entries["ram_bytes"], entries["stack_bytes"]) == (135, 16, 64)
    parts = {"model": 1, "kernels": 2, "helpers": 4, "platform": 8, "platform_ram": 32, "weights": 128}
    assert entries["memory"] == parts
