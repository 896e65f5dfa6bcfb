"""From a build folder to a project of another tool (`edgeq build --emit KIND`)."""

from __future__ import annotations

import sysconfig
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from edgeq import __version__
from edgeq.api.flow import QuantizedModel
from edgeq.codegen import esp_nn
from edgeq.codegen.emit import optimization
from edgeq.codegen.manifest import FILE, manifest_text, seal
from edgeq.codegen.names import project_name
from edgeq.codegen.program import Port as ProgramPort
from edgeq.codegen.program import Program
from edgeq.exporters.projects import PROJECTS, make_project
from edgeq.exporters.projects.content import Content, Model, Port
from edgeq.exporters.projects.kinds import Emit
from edgeq.quantize.preprocess import raw_bytes
from edgeq.resources import license_text
from edgeq.target import Target

FOLDERS = ("include", "src", "kernels")
"""What a project takes of a build folder besides its CMakeLists.txt."""


def write_project(
    kind: Emit,
    models: Sequence[tuple[Program, QuantizedModel, str]],
    target: Target,
    built: Path,
    manifest: Mapping[str, Any],
    folder: Path,
    library: Path | None = None,
    flags: Sequence[str] = (),
    archives: Sequence[Path] = (),
) -> dict[str, Any]:
    """Write a project, with a manifest.

    Args:
        kind: of the project.
        models: programs, what they were made of, and the names of the models' files.
        target: what they are for.
        built: their build folder.
        manifest: its manifest.
        folder: where to write; it is empty.
        library: the compiled shared library, for kinds that hold one.
        archives: the compiled static libraries, likewise.
        flags: the compiler's flags for the target.

    Returns:
        The project's manifest.
    """
    texts = {
        path: (built / path).read_text("utf-8")
        for path in manifest["files"]
        if path == "CMakeLists.txt" or path.startswith("platform/libc/") or path.split("/", 1)[0] in FOLDERS
    }
    programs = [program for program, _, _ in models]
    name = project_name([program.name for program in programs])
    content = Content(
        name=name,
        models=tuple(_model(*model) for model in models),
        files=texts,
        identity=seal({"": "".join(seal({p: t.encode() for p, t in sorted(texts.items())}).values()).encode()})[""],
        version=__version__,
        target=target.name,
        cpu=target.cpu,
        description="any 32-bit core" if PROJECTS[kind].portable and target.native else target.description,
        isa=tuple(sorted(frozenset[str]().union(*(program.isa for program in programs)))),
        flags=tuple(flags),
        optimization=optimization(programs[0], target),
        license=license_text(),
        is_bare=target.bare_metal,
        archives={path.name: path.read_bytes() for path in archives},
        library=None if library is None else library.read_bytes(),
        library_name=f"lib{name}.so" if library is None else library.name,
        platform_tag=platform_tag(target),
        dependencies={esp_nn.COMPONENT: esp_nn.VERSION} if any(program.calls_esp_nn for program in programs) else {},
    )
    files = make_project(kind, content)
    for path, data in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    compiled = {content.library, *content.archives.values()}
    kept = {path: data for path, data in files.items() if data not in compiled and not path.endswith(".whl")}
    made = {**manifest, "emit": kind, "files": seal(kept)}
    (folder / FILE).write_text(manifest_text(made), encoding="utf-8", newline="\n")
    return made


def platform_tag(target: Target) -> str:
    """The name that Python has for the machines of a target (PEP 425)."""
    name = sysconfig.get_platform() if target.native or not target.machines else f"linux-{target.machines[0]}"
    return name.replace("-", "_").replace(".", "_")


def _model(program: Program, model: QuantizedModel, source: str) -> Model:
    return Model(
        name=program.name,
        source=source,
        numerics=program.arithmetic,
        inputs=tuple(_port(port, model) for port in program.inputs),
        outputs=tuple(_port(port, None) for port in program.outputs),
        arena_bytes=program.arena_bytes,
        state_bytes=program.state_bytes,
        macs=program.macs,
        weights_bytes=program.constant_bytes,
        layouts={name: tuple(perm) for name, perm in model.layouts.items()},
        threads=program.threads,
    )


def _port(port: ProgramPort, model: QuantizedModel | None) -> Port:
    """A port; of inputs, with the preprocessing of a model that they belong to."""
    q = port.type.q
    return Port(
        name=port.name,
        id=port.id,
        c_type=port.c_type,
        dtype=str(port.type.dtype.numpy),
        shape=tuple(port.type.shape),
        scale=None if q is None else float(q.s),
        zero_point=None if q is None else int(q.zp),
        range=None if port.type.dtype.is_float else port.range,
        raw=None if model is None or model.input is None else raw_bytes(model.float_graph, model.input, port.name),
    )
