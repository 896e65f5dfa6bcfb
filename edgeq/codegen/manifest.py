"""`manifest.json`: what a build folder holds, for people and programs. Its keys only ever grow."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgeq import __version__
from edgeq.codegen import esp_nn
from edgeq.codegen.cmsis_nn import VERSION
from edgeq.codegen.names import project_name
from edgeq.codegen.weights import FILE as WEIGHTS_FILE
from edgeq.errors import UsageError, suggestion
from edgeq.exporters.projects.kinds import FIRMWARE
from edgeq.target import Target, load_target, load_target_file

if TYPE_CHECKING:
    from edgeq.codegen.program import Kept, KernelCall, Port, Program, Streaming

FILE = "manifest.json"
TARGET_FILE = "target.toml"
"""The target that the folder was built for, all in one file: the files that described it may be gone."""
INTERFACE = 1
"""Version of the generated header: what is written for it compiles with every header of the same version."""


def _port(port: Port | Kept) -> dict[str, Any]:
    q = port.type.q
    called: tuple[str, ...] = getattr(port, "names", ())
    names = {"names": list(called)} if called else {}
    return {
        "name": port.name,
        "shape": list(port.type.shape),
        "dtype": port.type.dtype.value,
        "scale": q.s if q else None,
        "zero_point": q.zp if q else None,
        **names,
    }


def _state(state: Kept) -> dict[str, Any]:
    return {
        **_port(state),
        "becomes": state.after.value,
        "offset": state.offset,
        "bytes": state.type.nbytes,
    }


def regions(program: Program, target: Target) -> dict[str, dict[str, int]]:
    """Bytes of arenas and weights in each region of a microcontroller's memory; code is known once it is linked."""
    weights = {name: program.constants_in(name) for name in target.memory}
    usual = program.weights.region
    if usual in weights:
        weights[usual] += program.constant_bytes - sum(weights.values())
    return {name: {"arena": program.arena_in(name), "weights": weights[name], "code": 0} for name in target.memory}


def _streaming(streaming: Streaming | None) -> dict[str, Any] | None:
    if streaming is None:
        return None
    return {
        "layers": list(streaming.layers),
        "stripes": len(streaming.heights),
        "extra_macs": streaming.extra_macs,
        "extra_macs_percent": streaming.extra_macs_percent,
    }


MODELS = "models"
"""The folder with the manifests and records of models that share a build folder."""


LISTED = "name numerics macs weights_bytes arena_bytes state_bytes flash_bytes ram_bytes stack_bytes accuracy"
"""What the common manifest repeats of each of several models."""


def model_place(name: str) -> str:
    """Where the records of one of several models are, below the build folder."""
    return f"{MODELS}/{name}"


def model_folder(folder: Path, model: str | None = None) -> Path:
    """Where manifest and records of a model are: the build folder itself, or one in it if there are several models.

    Args:
        folder: a build folder.
        model: the model's name; None where there is one.

    Raises:
        UsageError: it is no build folder, has no such model, or several and none was named.
    """
    check_no_project(folder)
    several = model_names(folder)
    names = several or (str(read_manifest(folder).get("name")),)
    if model is None and several:
        raise UsageError(f"it has several models: {', '.join(names)}", f"say which: --model {names[0]}", str(folder))
    if model is not None and model not in names:
        raise UsageError(f"it has no model {model!r}", suggestion(model, names, "its models"), str(folder))
    return folder / model_place(str(model)) if several else folder


def check_no_project(folder: Path) -> None:
    """Make sure that a folder is not a project for other tools, which has nothing that edgeq could run.

    Raises:
        UsageError: it is, or it is no build folder.
    """
    manifest = read_manifest(folder)
    kind, name = manifest.get("emit", FIRMWARE), manifest.get("name")
    if kind != FIRMWARE:
        use = f"import the package {name}, or" if kind == "python" else "see its README.md;"
        hint = f"{use} build the model once more without --emit for this"
        raise UsageError(f"is a project of the kind {kind}, and no build folder", hint=hint, where=str(folder))


def make_common_manifest(programs: Sequence[Program], target: Target) -> dict[str, Any]:
    """The manifest of a folder with several models before it is compiled; see `make_manifest`."""
    names = [program.name for program in programs]
    return {
        "edgeq_version": __version__,
        "name": project_name(names),
        "target": target.name,
        "cpu": target.cpu,
        "toolchain": None,
        "interface": INTERFACE,
        "kernels": programs[0].kernels,
        "optimize": programs[0].optimize,
        "models": [],
        "macs": sum(program.macs for program in programs),
        "weights_bytes": sum(program.weights_bytes for program in programs),
        "arena_bytes": max(program.arena_bytes for program in programs),
        "state_bytes": sum(program.state_bytes for program in programs),
        "weights_in": programs[0].weights.kind,
        "weights_region": _one([program.weights.region for program in programs]),
        "ram_bytes": None,
        "flash_bytes": None,
        "stack_bytes": None,
        "warnings": [],
        "files": {},
    }


def _one(regions: Sequence[str]) -> str | None:
    """What all are; None if they are not one, or not known."""
    return regions[0] or None if len(set(regions)) == 1 else None


def model_names(folder: Path) -> tuple[str, ...]:
    """The names of a build folder's models; empty if it has one model, whose manifest is the folder's own.

    Raises:
        UsageError: it is no build folder.
    """
    return tuple(str(entry["name"]) for entry in read_manifest(folder).get("models") or ())


def make_manifest(program: Program, target: Target, place: str = "") -> dict[str, Any]:
    """The manifest of a model before it is compiled: entries that only the linked program can tell are null.

    Args:
        program: the model.
        target: what it is for.
        place: the beginning of the paths of its records.
    """
    return {
        "edgeq_version": __version__,
        "name": program.name,
        "target": target.name,
        "cpu": target.cpu,
        "toolchain": None,
        "numerics": program.arithmetic,
        "interface": INTERFACE,
        "kernels": program.kernels,
        "cmsis_nn": VERSION if program.calls_cmsis_nn else None,
        "esp_nn": esp_nn.VERSION if program.calls_esp_nn else None,
        "optimize": program.optimize,
        "inputs": [_port(p) for p in program.inputs],
        "outputs": [_port(p) for p in program.outputs],
        "macs": program.macs,
        "weights_bytes": program.weights_bytes,
        "arena_bytes": program.arena_bytes,
        "ram_bytes": None,
        "flash_bytes": None,
        "stack_bytes": None,
        "layers": [
            {
                "name": call.name,
                "op": call.op,
                "kernel": call.function,
                "kernels": _by_isa(program, call),
                "macs": call.macs,
                "weights_bytes": call.weights_bytes,
                "output_shape": list(call.output_shape),
                "activation_dtype": call.output_dtype.value,
                "weight_bits": call.weight_bits,
                "float": call.output_dtype.is_float,
                "accumulator_bound": call.accumulator_bound,
                "accumulator_bits": call.accumulator_bits,
                "passed_over": [asdict(row) for row in call.passed_over],
                "parts": max(1, len(call.parts)),
            }
            for call in program.calls
        ],
        "arena_bound": program.arena_bound,
        "arenas": [{"region": s.room, "offset": s.base, "bytes": s.size} for s in program.arenas],
        "regions": regions(program, target),
        "arena": [asdict(occupant) for occupant in program.arena],
        "weights_in": program.weights.kind,
        "weights_region": program.weights.region or None,
        "weights_file": f"{place}{WEIGHTS_FILE}" if program.weights.kind == "file" else None,
        "weights_address": program.weights.address,
        "weights_emulated_address": program.weights.emulated,
        "weights_flash_bytes": program.image_bytes or program.constant_bytes,
        "streaming": _streaming(program.streaming),
        "states": [_state(s) for s in program.states],
        "state_bytes": program.state_bytes,
        "threads": program.threads,
        "isa": [{"name": n, "constant_bytes": program.constants_of(k)} for k, n in enumerate(program.variants)],
        "library_calls": [],
        "warnings": [],
        "chip": {"flash": None, "ram": None},
        "accuracy": None,
        "identity": None,
        "files": {},
    }


def _by_isa(program: Program, call: KernelCall) -> dict[str, str] | None:
    """The function of a layer for each of several instruction sets."""
    if not program.variants:
        return None
    return {name: (call.variants[k] if call.variants else call).function for k, name in enumerate(program.variants)}


def seal(files: Mapping[str, bytes]) -> dict[str, str]:
    """SHA-256 of every file, by path: the manifest's `files`."""
    return {path: hashlib.sha256(content).hexdigest() for path, content in files.items()}


def edited_files(folder: Path) -> tuple[str, ...]:
    """The generated files of a build folder that are no longer as they were generated, or no longer there.

    Raises:
        UsageError: the folder is not a build folder.
    """
    files = read_manifest(folder).get("files")  # folders of earlier versions have none
    if not isinstance(files, dict):
        return ()
    return tuple(str(path) for path, digest in files.items() if _digest(folder / str(path)) != digest)


def emulator_note(folder: Path) -> str:
    """A line that says where a file of weights lies in the emulator, if that is not where it lies on the hardware."""
    manifest = read_manifest(folder)
    file, address, elsewhere = (manifest.get(f"weights_{k}") for k in ("file", "address", "emulated_address"))
    return "" if elsewhere is None else f"the emulator has no memory at {address:#x}: {file} is at {elsewhere:#x} there"


def _digest(file: Path) -> str:
    """SHA-256 of a file; empty if it cannot be read."""
    try:
        return hashlib.sha256(file.read_bytes()).hexdigest()
    except OSError:
        return ""


def manifest_text(manifest: Mapping[str, Any]) -> str:
    """The file's contents."""
    return json.dumps(manifest, indent=2, ensure_ascii=False) + "\n"


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest of a build folder.

    Raises:
        UsageError: the folder is not a build folder.
    """
    try:
        data = json.loads((folder / FILE).read_text("utf-8"))
    except (OSError, ValueError):
        data = None
    if not isinstance(data, dict) or "edgeq_version" not in data:
        raise UsageError("not a build folder", hint="give the folder that `edgeq build` wrote", where=str(folder))
    return data


def read_target(folder: Path) -> Target:
    """The target that a build folder was built for.

    Raises:
        UsageError: the folder is not a build folder, or its description of the target is damaged.
    """
    name = read_manifest(folder).get("target")
    file = folder / TARGET_FILE
    if file.is_file():
        target = load_target_file(file)
        if target.name != name:
            raise UsageError(f"is for {target.name}, the manifest for {name}", "build it again", str(file))
        return target
    return load_target(str(name))  # folders of earlier versions have only their target's name


def update_manifest(folder: Path, **changes: Any) -> dict[str, Any]:
    """Change entries of a build folder's manifest; returns the whole.

    Raises:
        UsageError: the folder is not a build folder, or cannot be written.
    """
    data = {**read_manifest(folder), **changes}
    try:
        (folder / FILE).write_text(manifest_text(data), encoding="utf-8", newline="\n")
    except OSError as error:
        raise UsageError(f"cannot be written: {error.strerror}", where=str(folder / FILE)) from error
    return data
