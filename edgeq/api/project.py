"""What to build and how: options, from the command line or from `edgeq.toml`."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, TypeVar

from edgeq.codegen.names import symbol_prefix
from edgeq.codegen.weights import WEIGHTS_IN, WeightsIn
from edgeq.errors import UsageError
from edgeq.ir.kernel import GOALS, LIBRARIES, Goal, Library
from edgeq.ir.tensor import Shape
from edgeq.numerics.fixedpoint import Numerics
from edgeq.quantize.config import QuantConfig
from edgeq.quantize.preprocess import InputSpec
from edgeq.target import is_file_name, target_name

if sys.version_info >= (3, 11):
    import tomllib
else:  # pragma: no cover
    import tomli as tomllib

FILE = "edgeq.toml"
Name = TypeVar("Name", bound=str)


@dataclass(frozen=True)
class BuildOptions:
    """Everything `edgeq build` can be told. Paths are as given, relative ones against the working directory.

    Attributes:
        model: model file or SavedModel folder.
        target: name or alias of a target, or a TOML file that describes one.
        calibration: .npz with calibration samples, or None.
        output: build folder; by default `build/<name>-<target>`.
        name: C name of the model; by default made from the model's file name.
        numerics: arithmetic; by default what the model was made for.
        optimize: speed, balanced or size.
        kernels: edgeq or cmsis-nn.
        weights_in: where weights lie: inline (among the code), section or file.
        weights_address: where the file of weights is programmed; by default the target's memory for weights.
        cmsis_nn_root: a copy of CMSIS-NN for kernels cmsis-nn; None: CMake fetches it.
        ram_budget: most bytes of the arena, for which layers are computed in stripes if need be; or None.
        toolchain: gcc, clang or zig; None takes the first that is found.
        sanitize: build the host program with AddressSanitizer and UndefinedBehaviorSanitizer.
        simulate: a target, as above, whose kernels the host program runs, or None.
        compile: run CMake; otherwise the folder is only generated.
        input_shapes: shapes for inputs with dynamic dimensions.
        quantize: how to quantize.
        input: preprocessing of raw sensor data, or None.
    """

    model: Path
    target: str = "host"
    calibration: Path | None = None
    output: Path | None = None
    name: str | None = None
    numerics: Numerics | None = None
    optimize: Goal = "balanced"
    kernels: Library = "edgeq"
    weights_in: WeightsIn = "inline"
    weights_address: int | None = None
    cmsis_nn_root: Path | None = None
    ram_budget: int | None = None
    toolchain: str | None = None
    sanitize: bool = False
    simulate: str | None = None
    compile: bool = True
    input_shapes: Mapping[str, Shape] = field(default_factory=dict)
    quantize: QuantConfig = field(default_factory=QuantConfig)
    input: InputSpec | None = None

    @property
    def model_name(self) -> str:
        """A C identifier for the model."""
        return symbol_prefix(self.name or self.model.resolve().name.split(".")[0] or "model")

    @property
    def folder(self) -> Path:
        """The build folder."""
        return self.output or Path("build") / f"{self.model_name}-{target_name(self.target)}"

    def override(self, **given: Any) -> BuildOptions:
        """These options with those of `given` that are not None."""
        return replace(self, **{k: v for k, v in given.items() if v is not None})


def choice(value: str, allowed: tuple[Name, ...], what: str, where: str = "") -> Name:
    """`value` if it is allowed.

    Raises:
        UsageError: it is not.
    """
    for name in allowed:
        if name == value:
            return name
    raise UsageError(f"{what} {value!r} is unknown", hint=f"choose one of {', '.join(allowed)}", where=where)


def parse_numerics(value: str, where: str = "") -> Numerics:
    """The arithmetic called `value`."""
    return Numerics(choice(value, tuple(n.value for n in Numerics), "numerics", where))


def parse_shape(text: str) -> tuple[str, Shape]:
    """`name=1,3,224,224` → (name, shape).

    Raises:
        UsageError: it is something else.
    """
    name, _, dims = text.rpartition("=")
    parts = dims.replace("x", ",").split(",")
    if not name or not all(p.strip().isdigit() and int(p) > 0 for p in parts):
        raise UsageError(f"{text!r} is not an input shape", hint="write it as NAME=1,3,224,224")
    return name, tuple(int(p) for p in parts)


def load_project(path: Path) -> BuildOptions:
    """Options from `edgeq.toml` (or the folder that holds it); paths in it are relative to it.

    Raises:
        UsageError: the file is missing or wrong.
    """
    file = path / FILE if path.is_dir() else path
    try:
        table = tomllib.loads(file.read_text("utf-8"))
    except OSError as error:
        raise UsageError("cannot be read", hint=f"give a model, or a folder with {FILE}", where=str(file)) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"not valid TOML: {error}", where=str(file)) from error
    where = str(file)
    known = {f.name for f in fields(BuildOptions)}
    unknown = sorted(set(table) - known)
    if unknown:
        raise UsageError(f"unknown key {unknown[0]!r}", hint=f"known keys: {', '.join(sorted(known))}", where=where)
    if not isinstance(table.get("model"), str):
        raise UsageError("`model` is missing", hint='add a line like model = "network.onnx"', where=where)
    return BuildOptions(model=file.parent / table["model"], **_typed(table, file.parent, where))


_WORDS: Mapping[type, str] = {
    bool: "true or false",
    dict: "a table",
    int: "a whole number greater than 0",
    str: "a text in quotes",
}


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _shape(name: str, value: object, where: str) -> Shape:
    if not isinstance(value, list) or not all(_is_count(d) for d in value):
        raise UsageError(f"the input shape of {name!r} is {value!r}", hint="write it as [1, 3, 224, 224]", where=where)
    return tuple(value)


def _typed(table: Mapping[str, Any], base: Path, where: str) -> dict[str, Any]:
    wanted = {
        "sanitize": bool,
        "compile": bool,
        "ram_budget": int,
        "weights_address": int,
        "input_shapes": dict,
        "quantize": dict,
        "input": dict,
    }
    for key, value in table.items():
        kind = wanted.get(key, str)
        if not isinstance(value, kind) or (kind is int and not _is_count(value)):
            raise UsageError(f"`{key}` must be {_WORDS[kind]}, not {value!r}", where=where)
    found: dict[str, Any] = {k: v for k, v in table.items() if k != "model"}
    for key in ("calibration", "output", "cmsis_nn_root"):
        if key in found:
            found[key] = base / found[key]
    for key in ("target", "simulate"):
        if key in found and is_file_name(found[key]):
            found[key] = str(base / found[key])
    if "numerics" in found:
        found["numerics"] = parse_numerics(found["numerics"], where)
    if "optimize" in found:
        found["optimize"] = choice(found["optimize"], GOALS, "optimize", where)
    if "kernels" in found:
        found["kernels"] = choice(found["kernels"], LIBRARIES, "kernels", where)
    if "weights_in" in found:
        found["weights_in"] = choice(found["weights_in"], WEIGHTS_IN, "weights_in", where)
    if "input_shapes" in found:
        found["input_shapes"] = {k: _shape(k, v, where) for k, v in found["input_shapes"].items()}
    if "quantize" in found:
        found["quantize"] = QuantConfig.from_dict(found["quantize"])
    if "input" in found:
        found["input"] = InputSpec.from_dict(found["input"])
    return found
