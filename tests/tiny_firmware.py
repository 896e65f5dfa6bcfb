"""A model written by hand, of three layers that misbehave on request, and the program around it: tests of the platform
and of the runners need no generated code."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from platform_parts import platform_texts

from edgeq.ir.tensor import Array
from edgeq.runners import Port, Program
from edgeq.target import Target
from edgeq.toolchain import find_toolchain, run

A, B = Port("a", (1, 5), "int8"), Port("b", (1, 3), "int8")
SPIN, UNALIGNED, BAD_ADDRESS, DEEP, UNDEFINED, FAILING = range(101, 107)
"""First element of `a`: what the model is to do."""

HEADER = """
#include <stddef.h>
#include <stdint.h>
#define EQ_MODEL_ARENA_BYTES 64
#define EQ_MODEL_ARENA_ALIGNMENT 16
#define EQ_MODEL_INPUTS 2
#define EQ_MODEL_OUTPUTS 2
#define EQ_MODEL_LAYERS 3
#define EQ_MODEL_NAME "tiny"
#define EQ_MODEL_IDENTITY 0x0123456789abcdefu
extern const uint32_t eq_model_inputs[EQ_MODEL_INPUTS];
extern const uint32_t eq_model_outputs[EQ_MODEL_OUTPUTS];
int eq_model_run(void *arena, const void *const *inputs, void *const *outputs);
void *eq_model_input_in_arena(void *arena, uint32_t index);
const void *eq_model_output_in_arena(const void *arena, uint32_t index);
#ifdef EQ_PROFILE
void eq_model_layer_hook(int32_t layer);
extern void (*const eq_model_layer_hook_entry)(int32_t layer);
#endif
"""

MODEL = """
#include "edgeq_model.h"
const uint32_t eq_model_inputs[2] = {5, 3};
const uint32_t eq_model_outputs[2] = {5, 3};
#ifdef EQ_PROFILE
void (*const eq_model_layer_hook_entry)(int32_t layer) = eq_model_layer_hook;
#define HOOK(layer) eq_model_layer_hook(layer)
#else
#define HOOK(layer) ((void)0)
#endif

/* Two instructions for each unit of n. */
__attribute__((noinline)) static void spin(uint32_t n)
{
#ifdef __arm__
    __asm__ volatile(".syntax unified\\n1: subs %0, %0, #1\\n\\tbne 1b" : "+l"(n) : : "cc");
#else
    while (n--) {
        __asm__ volatile("");
    }
#endif
}

__attribute__((noinline)) static int deep(int n)
{
    volatile char room[64];
    room[n & 63] = (char)n;
    return n < 0 ? 0 : deep(n + 1) + room[0];
}

/* In the arena: what it works on, inputs, outputs. */
void *eq_model_input_in_arena(void *arena, uint32_t index)
{
    return (uint8_t *)arena + (index ? 24 : 16);
}

const void *eq_model_output_in_arena(const void *arena, uint32_t index)
{
    return (const uint8_t *)arena + (index ? 40 : 32);
}

int eq_model_run(void *arena, const void *const *inputs, void *const *outputs)
{
    const int8_t *a = inputs[0] ? inputs[0] : eq_model_input_in_arena(arena, 0);
    const int8_t *b = inputs[1] ? inputs[1] : eq_model_input_in_arena(arena, 1);
    int8_t *m = arena;
    int8_t *x = outputs[0] ? outputs[0] : m + 32;
    int8_t *y = outputs[1] ? outputs[1] : m + 40;
    switch (a[0]) {
    case 102:
        return (int)*(volatile uint32_t *)(void *)(m + 1);
    case 103:
        return (int)*(volatile uint32_t *)0xB0000004u;
    case 104:
        return deep(0);
    case 105:
        __asm__ volatile(".short 0xde00");
        break;
    case 106:
        return 1;
    default:
        break;
    }
    HOOK(0);
    for (int i = 0; i < 5; i++) {
        m[i] = (int8_t)(a[i] + 3);
    }
    HOOK(1);
    if (a[0] == 101) {
        spin((uint32_t)(uint8_t)b[0] | (uint32_t)(uint8_t)b[1] << 8 | (uint32_t)(uint8_t)b[2] << 24);
    }
    for (int i = 0; i < 5; i++) {
        x[i] = (int8_t)-m[i];
    }
    HOOK(2);
    for (int i = 0; i < 3; i++) {
        y[i] = (int8_t)(b[i] ^ m[i]);
    }
    HOOK(3);
    return 0;
}
"""

HOST_MODEL = MODEL.replace("0xB0000004u", "(uintptr_t)0x10000").replace('".short 0xde00"', '"ud2"')


def build_tiny(folder: Path, target: Target, kind: str, profile: bool = False, family: str = "") -> Program:
    """Compile it for a target with a kind of compiler, without CMake; `family` is the C of a chip family's part."""
    folder.mkdir(parents=True)
    compiler = find_toolchain(target, kind)
    command = [str(compiler.program), *(("cc", "-fno-sanitize=undefined") if kind == "zig" else ())]
    flags = [*target.flags[kind], "-O2", "-Wall", "-Wextra", "-ffunction-sections", "-fdata-sections"]
    defines = [f"-D{d}" for d in (*target.platform_defines, *(["EQ_PROFILE"] if profile else []))]
    files = {"src/edgeq_model.h": HEADER, "src/tiny.c": MODEL if target.bare_metal else HOST_MODEL}
    files |= {"platform/family.c": family} if family else {}
    files |= {f"platform/{name}": text for name, text in platform_texts(target, "tiny").items()}
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    objects = []
    for name in sorted(n for n in files if n.endswith((".c", ".S"))):
        objects.append(f"./{name}.obj")
        places = ["-Isrc", "-Iplatform", *(["-idirafter", "platform/libc"] if target.bare_metal else [])]
        run([*command, *flags, *defines, *places, "-Werror", "-c", name, "-o", objects[-1]], cwd=folder)
    link = [*target.link.get(kind, ()), *(["-T", "platform/link.ld"] if target.bare_metal else [])]
    run([*command, *flags, *objects, *link, "-Wl,--gc-sections", "-o", "tiny.elf"], cwd=folder)
    return Program(folder / "tiny.elf", target, (A, B), (A, B))


def expected(a: Array, b: Array) -> tuple[Array, Array]:
    """What the model computes of a (N, 5) and b (N, 3)."""
    with np.errstate(over="ignore"):
        m = a + np.int8(3)
        return -m, b ^ m[:, :3]


def asking(what: int, count: int = 0) -> list[Array]:
    """Inputs that make the model misbehave, or spin `count` times (with bits 16 to 23 zero)."""
    b = np.array([[count & 255, count >> 8 & 255, count >> 24 & 255]], np.uint8).view(np.int8)
    return [np.array([[what, 0, 0, 0, 0]], np.int8), b]
