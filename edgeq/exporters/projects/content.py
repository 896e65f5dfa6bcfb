"""What projects are made of: the files of a program, and what is to be said of its models."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Port:
    """An input or output of a model.

    Attributes:
        name: the model's name for it.
        id: its identifier in the generated code.
        c_type: C type of the elements.
        dtype: the same as NumPy knows it.
        shape: of one inference.
        scale, zero_point: what integers mean; None for real numbers.
        range: least and greatest integer; None for real numbers.
        raw: of raw sensor bytes that the network sees through a linear function, its `gain` and `offset` along the
            dimension `axis`; else None.
    """

    name: str
    id: str
    c_type: str
    dtype: str
    shape: tuple[int, ...]
    scale: float | None
    zero_point: int | None
    range: tuple[int, int] | None
    raw: Mapping[str, Any] | None = None

    @property
    def about(self) -> dict[str, Any]:
        """What the Python binding needs to know."""
        about: dict[str, Any] = {key: getattr(self, key) for key in ("name", "dtype", "scale", "zero_point")}
        about["shape"] = list(self.shape)
        return about if self.raw is None else {**about, "raw": dict(self.raw)}


@dataclass(frozen=True)
class Model:
    """A model of a project.

    Attributes:
        name: its C name.
        source: the name of its file.
        numerics: its arithmetic.
        inputs, outputs: what the caller exchanges.
        arena_bytes, state_bytes: memory that the caller provides.
        macs: multiply-accumulates of one inference.
        weights_bytes: of its constants, as stored.
        layouts: see the manifest.
        threads: how many can share the work of a layer.
    """

    name: str
    source: str
    numerics: str
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    arena_bytes: int
    state_bytes: int
    macs: int
    weights_bytes: int
    layouts: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    threads: int = 1

    @property
    def about(self) -> dict[str, Any]:
        """What the Python binding needs to know."""
        return {
            "name": self.name,
            "arena_bytes": self.arena_bytes,
            "state_bytes": self.state_bytes,
            "threads": self.threads,
            "inputs": [port.about for port in self.inputs],
            "outputs": [port.about for port in self.outputs],
            "layouts": {name: list(perm) for name, perm in self.layouts.items()},
        }


@dataclass(frozen=True)
class Content:
    """All that a project is made of.

    Attributes:
        name: what the models are together.
        models: the models.
        files: C and CMake files by their path in a build folder, without the platform's.
        identity: hexadecimal digits by which one build can be told from another.
        version: of edgeq.
        target: the name of what the kernels are for.
        cpu: its CPU, as compilers know it.
        description: the same in words.
        isa: features that the kernels need.
        flags: the compiler's for that.
        optimization: the compiler's level.
        is_bare: whether it is for machines without an operating system.
        archives: compiled static libraries, by file name.
        library: the compiled shared library for a computer, and its file name; None if nothing was compiled.
        library_name: that name.
        platform_tag: Python's name for machines that load the library.
        license: the text of edgeq's licence.
        dependencies: other components that the models call, and which versions, by what ESP-IDF calls them.
    """

    name: str
    models: tuple[Model, ...]
    files: Mapping[str, str]
    identity: str
    version: str
    target: str
    cpu: str
    description: str
    isa: tuple[str, ...]
    flags: tuple[str, ...]
    optimization: str
    license: str
    is_bare: bool = False
    archives: Mapping[str, bytes] = field(default_factory=dict)
    library: bytes | None = None
    library_name: str = ""
    platform_tag: str = ""
    dependencies: Mapping[str, str] = field(default_factory=dict)

    @property
    def threaded(self) -> bool:
        """Whether a model has a pool of threads."""
        return any(model.threads > 1 for model in self.models)
