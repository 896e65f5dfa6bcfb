"""A program as a project of the tools that people use: one table of kinds, one file for each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from edgeq.errors import UsageError
from edgeq.exporters.projects.content import Content
from edgeq.exporters.projects.kinds import Emit
from edgeq.exporters.projects.library import library
from edgeq.exporters.projects.microcontrollers import (
    arduino,
    cmsis_pack,
    esp_idf,
    pico_sdk,
    platformio,
    stm32cube,
    zephyr,
)
from edgeq.exporters.projects.python import python_package
from edgeq.target import Target

Make = Callable[[Content], Mapping[str, bytes]]


@dataclass(frozen=True)
class Project:
    """A kind of project.

    Attributes:
        make: its files by path, from its content.
        systems: what its targets run on (`Target.system`).
        advice: which targets to take instead of others.
        shared: whether it holds a shared library, which is all that is compiled.
        cpus: the only CPUs that it is for; empty: any.
        archives: whether it holds static libraries, and for computers a shared one.
        portable: whether for this machine it has kernels in portable C, for any core.
    """

    make: Make
    systems: tuple[str, ...]
    advice: str
    shared: bool = False
    cpus: tuple[str, ...] = ()
    portable: bool = False
    archives: bool = False


COMPUTERS = ("native", "linux")
FIRMWARE = ("none", "native")
_CORTEX_M = "a Cortex-M target, or --target host, which gives portable C for any core"


def _firmware(make: Make, advice: str = _CORTEX_M, **more: Any) -> Project:
    """A kind that is for microcontrollers."""
    return Project(make, FIRMWARE, advice, portable=True, **more)


PICO = ("cortex-m0plus", "cortex-m33")

PROJECTS: Mapping[Emit, Project] = {
    "library": Project(library, (*COMPUTERS, "none"), "any target", archives=True),
    "python": Project(python_package, COMPUTERS, "--target host, or one of the rpi and linux targets", shared=True),
    "arduino": _firmware(arduino),
    "zephyr": _firmware(zephyr),
    "platformio": _firmware(platformio),
    "pico-sdk": _firmware(
        pico_sdk, "--target cortex-m0plus for the Pico, --target cortex-m33 for the Pico 2", cpus=PICO
    ),
    "stm32cube": Project(stm32cube, ("none",), "the Cortex-M target of your STM32"),
    "esp-idf": Project(
        esp_idf, ("native",), "--target host, which gives portable C for Xtensa and RISC-V", portable=True
    ),
    "cmsis-pack": _firmware(cmsis_pack),
}
"""Every kind but the build folder itself."""


def check_kind(kind: Emit, target: Target) -> None:
    """Make sure that a kind of project makes sense for a target.

    Raises:
        UsageError: it does not.
    """
    project = PROJECTS.get(kind)
    if project is None:
        return
    if target.system not in project.systems or (project.cpus and target.cpu not in project.cpus and not target.native):
        raise UsageError(f"--emit {kind} is not for {target.name}", hint=f"take {project.advice}")


def make_project(kind: Emit, content: Content) -> dict[str, bytes]:
    """The files of a project, by path.

    Args:
        kind: which.
        content: what it is made of.
    """
    return dict(sorted(PROJECTS[kind].make(content).items()))
