"""How programs that are not Python's are installed on this system. Elsewhere they go by their names in Debian."""

from __future__ import annotations

import sys
from collections.abc import Mapping

_MACOS: Mapping[str, str] = {
    "gcc": "xcode-select --install",
    "clang": "xcode-select --install",
    "gcc-arm-none-eabi": "brew install --cask gcc-arm-embedded",
    "qemu-system-arm": "brew install qemu",
    "openocd": "brew install open-ocd",
    "dfu-util": "brew install dfu-util",
}
_WINDOWS: Mapping[str, str] = {
    "clang": "winget install LLVM.LLVM",
    "gcc-arm-none-eabi": "winget install Arm.GnuArmEmbeddedToolchain",
    "qemu-system-arm": "winget install SoftwareFreedomConservancy.QEMU",
    "openssh-client": "the optional feature OpenSSH client of Windows",
}
_LINUX_ONLY = ("qemu-user", "gcc-aarch64-linux-gnu", "gcc-arm-linux-gnueabihf", "gcc-riscv64-linux-gnu")
_TABLES = {"darwin": _MACOS, "win32": _WINDOWS}


def install_command(package: str) -> str:
    """What installs a package, or says where it is to be had, on this system.

    Args:
        package: its name in Debian.
    """
    table = _TABLES.get(sys.platform)
    if table is None:
        return f"apt-get install {package}"
    if package in table:
        return table[package]
    return (
        f"{package}: for Linux only"
        if package.split()[0] in _LINUX_ONLY
        else f"install {package}, and have it on the PATH"
    )
