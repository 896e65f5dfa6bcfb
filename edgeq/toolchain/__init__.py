"""Finding and running compilers, CMake and other programs of the machine."""

from edgeq.toolchain.cmake import Built, build, build_profile, find_cmake, find_generator, profile_path, program_path
from edgeq.toolchain.compilers import Toolchain, available, find_toolchain, find_zig, install_hint
from edgeq.toolchain.process import Finished, run

__all__ = [
    "Built",
    "Finished",
    "Toolchain",
    "available",
    "build",
    "build_profile",
    "find_cmake",
    "find_generator",
    "find_toolchain",
    "find_zig",
    "install_hint",
    "profile_path",
    "program_path",
    "run",
]
