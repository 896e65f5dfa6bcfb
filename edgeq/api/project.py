"""What to build and how: options, from the command line or from `edgeq.toml`."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from edgeq.codegen.names import file_prefix, project_name, symbol_prefix
from edgeq.codegen.weights import WEIGHTS_IN, WeightsIn
from edgeq.errors import UsageError
from edgeq.exporters.projects.kinds import EMITS, Emit
from edgeq.frontend import AnyFrontend, Frontend, MelFrontend, MotionFrontend
from edgeq.ir.goals import GOALS, LIBRARIES, Goal, Library
from edgeq.ir.layouts import LAYOUTS, Layout
from edgeq.numerics.modes import FLOAT, Float, Numerics
from edgeq.options import Document, Kind, Option, Origin, Section, choice, read_table
from edgeq.options.kind import ADDRESS, BYTES, INTEGER, NAMES, OFF, ON, PAIRS, PATH, PLACES, SHAPES, TEXT
from edgeq.quantize.config import QUANTIZING, QuantConfig
from edgeq.quantize.input_spec import InputSpec
from edgeq.target import is_file_name, load_board, target_name

if sys.version_info >= (3, 11):
    import tomllib
else:  # pragma: no cover
    import tomli as tomllib

if TYPE_CHECKING:
    from edgeq.api.data import Samples
else:
    Samples = Any  # annotations are evaluated, and its module takes long to import

FILE = "edgeq.toml"


BUILD = ("build",)
SEARCH = ("build", "search")
"""Commands that build."""
READING = ("build", "quantize", "inspect", "boards")
"""Commands that read a model."""
STEPPING = ("build", "quantize", "boards")
"""Commands for which a model's states matter."""
FITTING = ("build", "boards")
"""Commands that know how large a program is."""
SAMPLES = (*QUANTIZING, "boards", "search")
"""Commands that take samples to calibrate with."""
OWN = "the model's own"


def _target(value: Any, origin: Origin) -> str:
    """The name of a target, or the path of a file that describes one."""
    text = str(TEXT.from_toml(value, origin))
    return str(origin.folder / text) if is_file_name(text) else text


def _board(value: Any, origin: Origin) -> str:
    """The target of a board."""
    text = _target(value, origin)
    return text if is_file_name(text) else load_board(text, origin.where).name


_GOAL = choice(GOALS)


def _goals(value: Any, origin: Origin) -> dict[str, Any]:
    """What layers are optimized for, by name."""
    if not isinstance(value, Mapping):
        raise UsageError(
            f"{value!r} is not a table", hint='write a line such as "conv*" = "size" in a table', where=origin.where
        )
    return {
        str(name): _GOAL.from_toml(goal, replace(origin, where=f"{origin.where} {name}"))
        for name, goal in value.items()
    }


def _goal_text(value: str, origin: Origin) -> tuple[str, Any]:
    name, _, goal = value.rpartition("=")
    if not name:
        raise UsageError(f"{value!r} names no layer", hint="write it as conv_1=size", where=origin.where)
    return name, _GOAL.from_text(goal, origin)


GOAL_OF = replace(PAIRS, from_text=_goal_text, from_toml=_goals, toml='{{ LAYER = "GOAL" }}', metavar="LAYER=GOAL")
"""Goals by name of a layer; on the command line the option is repeated."""
TARGET = Kind(_target, _target, metavar="T")
BOARD = Kind(_board, _board, metavar="B")


@dataclass(frozen=True)
class BuildOptions:
    """Everything `edgeq build` can be told; the same words are options of the command line and keys of edgeq.toml.

    What each means: docs/options.md. Paths, which may be texts, are as given, relative ones against the working
    directory. In Python, calibration may also be an array, arrays by name, or samples (`edgeq.api.data.load_data`).
    """

    model: Annotated[
        str | Path,
        Option("ONNX, TFLite or Keras file, or SavedModel folder; on the command line MODEL", PATH, metavar="M"),
    ]
    target: Annotated[
        str,
        Option("What to build for: see `edgeq targets`, or T.toml", TARGET, SEARCH, short="-t"),
        Option(
            "In place of --target a board, or B.toml: its memory, its clock", BOARD, SEARCH, short="-b", key="board"
        ),
    ] = "host"
    calibration: Annotated[
        Samples | None,
        Option(
            "Calibration samples: array x, batch first, real values; or a folder of images or .wav files",
            PATH,
            SAMPLES,
            metavar="X.npz",
            each=SEARCH,
        ),
    ] = None
    output: Annotated[
        str | Path | None, Option("Build folder", PATH, BUILD, short="-o", metavar="DIR", default="build/NAME-TARGET")
    ] = None
    key: Annotated[
        str | None, Option("Which array the samples of a model's only input are", TEXT, SAMPLES, default="x")
    ] = None
    numerics: Annotated[
        Numerics | Float | None,
        Option(
            "Arithmetic",
            choice(
                (*Numerics, FLOAT),
                {"tflite": "as LiteRT", "tflm": "as TFLite Micro", "float": "float32, nothing is quantized"},
                "MODE",
            ),
            (*QUANTIZING, "boards"),
            default="fast, tflite for a quantized .tflite, float for trees that 8 bits do not suffice for",
        ),
    ] = None
    emit: Annotated[Emit, Option("What is written", choice(EMITS, EMITS, "KIND"), BUILD)] = "firmware"
    optimize: Annotated[Goal, Option("What the program is made for", choice(GOALS, metavar="GOAL"), FITTING)] = (
        "balanced"
    )
    optimize_layers: Annotated[
        Mapping[str, Goal],
        Option(
            "What the kernels of a layer, or of layers of names like it (conv_*), are chosen for; the first that fits "
            "counts",
            GOAL_OF,
            BUILD,
            flag="--optimize-layer",
            default="as --optimize",
        ),
    ] = field(default_factory=dict)
    kernels: Annotated[Library, Option("Whose kernels are called", choice(LIBRARIES, metavar="SET"), BUILD)] = "edgeq"
    weights_in: Annotated[
        WeightsIn,
        Option(
            "Where weights lie",
            choice(
                WEIGHTS_IN,
                {
                    "inline": "among the code",
                    "section": "one of their own, for a linker script to place",
                    "file": "weights.bin",
                },
                "PLACE",
            ),
            BUILD,
        ),
    ] = "inline"
    weights_address: Annotated[
        int | None,
        Option(
            "Where weights.bin is programmed, such as 0x90000000",
            ADDRESS,
            BUILD,
            default="the target's memory for weights",
            each=BUILD,
        ),
    ] = None
    cmsis_nn_root: Annotated[
        str | Path | None,
        Option("A copy of CMSIS-NN for --kernels cmsis-nn", PATH, BUILD, metavar="DIR", default="fetched"),
    ] = None
    ram_budget: Annotated[
        int | None,
        Option(
            "Keep the arena to N bytes, such as 65536 or 64K: compute layers in stripes if need be, fail if that is "
            "not enough",
            BYTES,
            FITTING,
        ),
    ] = None
    flash: Annotated[
        int | None,
        Option(
            "Flash of your chip, such as 256K: shows how much of it the model takes, fails if it is more", BYTES, SEARCH
        ),
    ] = None
    ram: Annotated[
        int | None,
        Option("RAM of your chip, such as 64K: likewise, with the stack of an inference", BYTES, SEARCH),
    ] = None
    place: Annotated[
        Mapping[str, tuple[str, ...]],
        Option(
            "Region of the board's memory for arena, weights, code (of kernels) or stack, or for one tensor or layer "
            "(arena.NAME, weights.NAME); of several regions the first that has room",
            PLACES,
            BUILD,
            default="the board's `[place]`",
        ),
    ] = field(default_factory=dict)
    require_fast: Annotated[
        bool,
        Option(
            "Refuse layers left to a portable kernel where the target has faster ones for their operators",
            ON,
            BUILD,
        ),
    ] = False
    toolchain: Annotated[
        str | None,
        Option("gcc, clang or zig", TEXT, SEARCH, metavar="C", default="the first that is found"),
    ] = None
    name: Annotated[str | None, Option("C name of the model", TEXT, SEARCH, default="the file's", each=SEARCH)] = None
    quantize: Annotated[QuantConfig, Section("How to quantize; see [quantization](quantization.md).", QuantConfig)] = (
        field(default_factory=QuantConfig)
    )
    input: Annotated[
        InputSpec | None,
        Section("The device takes raw sensor bytes, and the model sees (raw * scale - mean) / std.", InputSpec),
    ] = None
    frontend: Annotated[
        AnyFrontend | None,
        Section(
            "The device takes samples of sound or of a sensor, and the model sees [features](frontends.md) of them.",
            Frontend,
            kinds={"log-mel": MelFrontend, "mfcc": MelFrontend, "motion": MotionFrontend},
        ),
    ] = None
    input_shapes: Annotated[
        Mapping[str, tuple[int, ...]],
        Option("Shape of an input with dynamic dimensions", SHAPES, (*READING, "init", "search"), flag="--input-shape"),
    ] = field(default_factory=dict)
    inputs: Annotated[
        tuple[str, ...],
        Option(
            "Cut the model: take this tensor, or what this node computes, as an input in place of what comes before",
            NAMES,
            READING,
            default="the model's inputs",
        ),
    ] = ()
    outputs: Annotated[
        tuple[str, ...],
        Option(
            "Cut the model: take this tensor, or what this node computes, as an output, and leave out what comes after",
            NAMES,
            READING,
            default="the model's outputs",
        ),
    ] = ()
    state: Annotated[
        Mapping[str, str],
        Option(
            "Keep this output from one run to the next, where it becomes this input: neither is the caller's",
            PAIRS,
            STEPPING,
            default="the file's own states",
        ),
    ] = field(default_factory=dict)
    stream: Annotated[
        bool,
        Option(
            "The model sees a window in time: make it one that takes the window's newest row at each step and keeps "
            "what it needs of those before; its outputs are exactly the window's",
            ON,
            STEPPING,
        ),
    ] = False
    stream_step: Annotated[int, Option("With --stream, rows that a step takes", INTEGER, STEPPING)] = 1
    stream_axis: Annotated[
        int | None,
        Option(
            "With --stream, the dimension of the input that is time, counted from 0, the batch",
            INTEGER,
            STEPPING,
            default="the first along which a layer reaches over several rows",
        ),
    ] = None
    stream_padding: Annotated[
        Literal["window", "stream"],
        Option(
            "With --stream, what layers meet beyond the window's ends",
            choice(
                ("window", "stream"),
                {
                    "window": "the model's padding, so that outputs are the window's",
                    "stream": "rows of the stream: a longer window without padding, of which nothing is computed twice",
                },
                "P",
            ),
            STEPPING,
        ),
    ] = "window"
    input_layout: Annotated[
        Layout | None,
        Option("Layout in which the C caller hands images over", choice(LAYOUTS, metavar="L"), BUILD, default=OWN),
    ] = None
    output_layout: Annotated[
        Layout | None,
        Option("Layout in which the C caller takes images", choice(LAYOUTS, metavar="L"), BUILD, default=OWN),
    ] = None
    simulate: Annotated[
        str | None,
        Option("Host only: run this target's kernels, instructions as C", TARGET, BUILD, metavar="TARGET"),
    ] = None
    isa: Annotated[
        str | None,
        Option(
            "Instruction set of the kernels: x86-64, avx2, avx-vnni or avx512-vnni for the host; several, such as "
            "avx2,avx512-vnni, or neon,dotprod for linux-aarch64: one library that chooses when it is loaded",
            TEXT,
            BUILD,
            metavar="NAME",
            default="this machine's",
        ),
    ] = None
    threads: Annotated[
        int,
        Option(
            "Computers only: how many threads share the work of a layer; the same bits whatever N",
            INTEGER,
            BUILD,
        ),
    ] = 1
    console: Annotated[
        str | None,
        Option(
            "What the firmware talks through: semihosting (debugger or emulator), uart (serial line) or rtt (memory "
            "that a debug probe reads and fills)",
            TEXT,
            BUILD,
            metavar="C",
            default="the board's",
        ),
    ] = None
    sanitize: Annotated[bool, Option("Host only: AddressSanitizer and UndefinedBehaviorSanitizer", ON, BUILD)] = False
    dump_ir: Annotated[
        str | Path | None,
        Option("Write the graph there as text after every step that changed it", PATH, READING, metavar="DIR"),
    ] = None
    report: Annotated[
        str | Path | None,
        Option(
            "Write a report there, .html, .md or .json: see [reports](reports.md)", PATH, QUANTIZING, metavar="FILE"
        ),
    ] = None
    strict: Annotated[bool, Option("Make warnings errors, before anything is written", ON, QUANTIZING)] = False
    compile: Annotated[bool, Option("Only generate the folder", OFF, BUILD)] = True

    def __post_init__(self) -> None:
        for name in ("model", "calibration", "output", "cmsis_nn_root", "dump_ir", "report"):
            value = getattr(self, name)
            if isinstance(value, str):
                object.__setattr__(self, name, Path(value))

    @property
    def model_path(self) -> Path:
        """The model's file or folder."""
        return Path(self.model)

    @property
    def model_name(self) -> str:
        """A C identifier for the model."""
        return symbol_prefix(self.name) if self.name else file_prefix(self.model_path)

    @property
    def folder(self) -> Path:
        """The build folder."""
        return Path(self.output or f"build/{self.model_name}-{_suffix(self)}")

    def override(self, **changes: Any) -> BuildOptions:
        """These options, changed to those of `changes` that are not None."""
        return replace(self, **{k: v for k, v in changes.items() if v is not None})


def models_folder(models: Sequence[BuildOptions]) -> Path:
    """The build folder of several models."""
    first = models[0]
    name = project_name([options.model_name for options in models])
    return Path(first.output or f"build/{name}-{_suffix(first)}")


def _suffix(options: BuildOptions) -> str:
    """How the name of a folder ends that nobody named."""
    target = target_name(options.target)
    return target if options.emit == "firmware" else f"{target}-{options.emit}"


def load_project(path: Path) -> BuildOptions:
    """Options from an `edgeq.toml` with one model (or the folder that holds it); paths in it are relative to it.

    Raises:
        UsageError: the file is missing or wrong, or has several models.
    """
    options = load_projects(path)
    if len(options) > 1:
        raise UsageError("it has several models", hint="this command takes one: give a model", where=str(path))
    return options[0]


def load_projects(path: Path) -> tuple[BuildOptions, ...]:
    """Options from an `edgeq.toml` (or the folder that holds it), one for each model; paths in it are relative to it.

    A table `[[model]]` has the same keys as the file, and prevails over them where both set one.

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
    document = Document(str(file), folder=file.parent)
    several = table.get("model")
    if not (isinstance(several, list) and several and all(isinstance(entry, dict) for entry in several)):
        return (read_table(BuildOptions, table, document),)
    common = {key: value for key, value in table.items() if key != "model"}
    numbered = (Document(f"{file}: [[model]] number {n}", folder=file.parent) for n in range(1, len(several) + 1))
    return tuple(
        read_table(BuildOptions, _over(common, entry), place) for entry, place in zip(several, numbered, strict=True)
    )


def _over(common: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """A table over another one, and so are tables in them. In keys `_` and `-` are the same."""
    both = {key for key in common if isinstance(common[key], dict) and isinstance(own.get(key), dict)}
    replaced = {key.replace("-", "_") for key in own if key not in common}
    kept = {key: value for key, value in common.items() if key.replace("-", "_") not in replaced}
    return {**kept, **own, **{key: _over(common[key], own[key]) for key in both}}
