"""What tests need of the machine: they are skipped where it is absent, with a word on how to get it.

With `--require-cross` such a test fails instead, unless its reason begins with `OPTIONAL`.
"""

from __future__ import annotations

import shutil

import pytest

from edgeq.target import Target, load_target
from edgeq.toolchain import Toolchain, find_zig
from edgeq.toolchain.compilers import find_compiler

OPTIONAL = "optional: "
"""How the reason of a test begins that may be skipped anywhere."""
HOW = {
    "arm-none-eabi-gcc": "apt-get install gcc-arm-none-eabi libnewlib-arm-none-eabi",
    "qemu-system-arm": "apt-get install qemu-system-arm",
    "qemu-aarch64": "apt-get install qemu-user",
    "qemu-arm": "apt-get install qemu-user",
    "qemu-riscv64": "apt-get install qemu-user",
    "aarch64-linux-gnu-gcc": "apt-get install gcc-aarch64-linux-gnu libc6-dev-arm64-cross",
    "arm-linux-gnueabihf-gcc": "apt-get install gcc-arm-linux-gnueabihf libc6-dev-armhf-cross",
    "riscv64-linux-gnu-gcc": "apt-get install gcc-riscv64-linux-gnu libc6-dev-riscv64-cross",
    "gcc": "apt-get install gcc libc6-dev",
    "g++": "apt-get install g++",
    "ssh": "apt-get install openssh-client",
    "sshd": "apt-get install openssh-server",
    "nm": "apt-get install binutils",
    "clang": "apt-get install clang",
    "zig": "pip install ziglang",
}
"""The programs that tests call, and how to get them."""
MARKS = {"qemu": ("arm-none-eabi-gcc", "qemu-system-arm")}
"""What the tests that carry a mark need."""
SPARED = ("clang",)
"""Programs that nothing depends on: what they are for is also tested with others."""


def _found(name: str) -> bool:
    if name == "zig":
        return bool(find_zig())
    return bool(shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin"))


def missing(*programs: str) -> str:
    """Why a test that needs these programs is skipped; empty where all are there."""
    absent = [name for name in programs if not _found(name)]
    reasons = ", ".join(f"{name} is not installed ({HOW[name]})" for name in absent)
    return f"{OPTIONAL}{reasons}" if absent and set(absent) <= set(SPARED) else reasons


def programs(*names: str) -> None:
    """Skip the test unless these programs are there."""
    if reason := missing(*names):
        pytest.skip(reason)


def compiler(target: Target, kind: str) -> Toolchain:
    """A kind of compiler for a target; the test is skipped where it is absent."""
    tool = find_compiler(target, kind)
    if tool is None:
        name = target.compilers.get(kind, kind)
        pytest.skip(f"{OPTIONAL if kind in SPARED else ''}{name} is not installed ({HOW[name]})")
    return tool


def clang(target: Target) -> Toolchain:
    """Clang, or zig, which is Clang too and comes from PyPI."""
    return find_compiler(target, "clang") or compiler(target, "zig")


def warnings_of(name: str) -> list[str]:
    """The beginning of a command that compiles sources for their warnings alone: gcc, clang or a cross compiler."""
    if name == "clang":
        tool = clang(load_target("host"))
        return [str(tool.program), "cc", "-c"] if tool.kind == "zig" else [str(tool.program), "-fsyntax-only"]
    programs(name)
    return [name, "-fsyntax-only"]
