"""A program as a project of the tools that people use: one table of kinds, one file for each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from edgeq.errors import UsageError
from edgeq.exporters.projects.content import Content
from edgeq.exporters.projects.kinds import Emit
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
    """

    make: Make
    systems: tuple[str, ...]
    advice: str
    shared: bool = False
    cpus: tuple[str, ...] = ()


COMPUTERS = ("native", "linux")

PROJECTS: Mapping[Emit, Project] = {
    "python": Project(python_package, COMPUTERS, "--target host, or one of the rpi and linux targets", shared=True),
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
