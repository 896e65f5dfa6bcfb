"""Firmware without a model that answers on the console: tests of consoles and boards need no generated code."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from platform_parts import OF_MODELS, platform_texts

from edgeq.runners.table import ways
from edgeq.target import Target
from edgeq.toolchain import find_toolchain, run

ECHO = """
#include "eq_console.h"
#include "eq_platform.h"
#include <string.h>

static const uint8_t greeting[] = "ready\\n";
static uint8_t initialized = 1;

/* Answers every byte with its successor; q ends it, and f is a fault. */
int eq_main(int argc, const char *const *argv)
{
    (void)argc;
    (void)argv;
    eq_console_init();
    eq_console_write(greeting, sizeof greeting - 1);
    for (;;) {
        const int byte = eq_console_read_byte();
        if (byte == EQ_CONSOLE_NOTHING) {
            continue;
        }
        if (byte == 'q') {
            return 0;
        }
        if (byte == 'f') {
            __asm__ volatile(".short 0xde00");
        }
        const uint8_t answer = (uint8_t)(byte + initialized);
        eq_console_write(&answer, 1);
    }
}
"""


def build_echo(folder: Path, target: Target, kind: str, main: str = ECHO) -> Path:
    """Compile and link it for a target, with all warnings as errors, without CMake; returns the ELF file."""
    folder.mkdir(parents=True)
    compiler = find_toolchain(target, kind)
    command = [str(compiler.program), *(("cc", "-fno-sanitize=undefined") if kind == "zig" else ())]
    flags = [*target.flags[kind], "-O2", "-Wall", "-Wextra", "-Wconversion", "-Werror"]
    flags += ["-ffunction-sections", "-fdata-sections", *(f"-D{define}" for define in target.platform_defines)]
    platform = platform_texts(target, "echo")
    files = {name: text for name, text in platform.items() if Path(name).name not in OF_MODELS} | {"main.c": main}
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    sources = sorted(name for name in files if name.endswith((".c", ".S")))
    link = [*target.link.get(kind, ()), "-T", "link.ld", "-Wl,--gc-sections"]
    run([*command, *flags, "-I.", "-idirafter", "libc", *sources, *link, "-o", "echo.elf"], cwd=folder)
    return folder / "echo.elf"


@contextmanager
def emulated(target: Target, program: Path) -> Iterator[socket.socket]:
    """A context with the serial line of a program that runs in QEMU, time-outs of 10 s set."""
    spec = ways(target)[0].spec
    place = program.with_suffix(".socket")
    command = [spec.text("program"), "-machine", spec.text("machine"), "-display", "none", "-monitor", "none"]
    command += ["-serial", f"unix:{place.name},server=on,wait=on", "-kernel", program.name]
    emulator = subprocess.Popen(command, cwd=program.parent, stdin=subprocess.DEVNULL)
    try:
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(10)
            for _ in range(200):
                with suppress(OSError):
                    line.connect(str(place))
                    break
                time.sleep(0.05)
            yield line
    finally:
        emulator.kill()
        emulator.wait()


def answer(line: socket.socket, count: int) -> bytes:
    """The next `count` bytes of a line; fewer where no more come within its time-out."""
    got = b""
    with suppress(TimeoutError):
        while len(got) < count:
            more = line.recv(count - len(got))
            if not more:
                break
            got += more
    return got
