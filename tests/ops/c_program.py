"""One C program that holds all cases and calls the kernels with them, on the host or on an emulated microcontroller."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from cases import Case
from platform_parts import OF_MODELS, platform_texts

from edgeq.codegen import esp_nn
from edgeq.codegen.cmsis_nn import SOURCES
from edgeq.codegen.literals import Constant, array_definition, pointer_type, split_params, struct_definition
from edgeq.ir.kernel import BYTES, Kernel, Library, Param
from edgeq.ir.tensor import Array, TensorType
from edgeq.kernels import rows
from edgeq.memory import ALIGNMENT
from edgeq.resources import folder
from edgeq.target import Target
from edgeq.toolchain import Finished, Toolchain, run

HERE = Path(__file__).resolve().parent
WARNINGS = ("-std=c99", "-Wall", "-Wextra", "-Wconversion", "-Werror")
CONTRACT = "-ffp-contract=off"
"""As in build folders: sums of products in float32 are rounded twice, whatever the processor could do."""
END = "all cases have run"
LENIENT = ("-fno-sanitize=undefined",)
"""For the code of others: CMSIS-NN shifts negative numbers to the left."""


@dataclass(frozen=True, eq=False)
class Call:
    """A case under one of the kernels that take it."""

    case: Case
    kernel: Kernel

    @property
    def function(self) -> str:
        """The C function."""
        kernel = self.kernel
        return f"{kernel.function}_{self.case.site.rounding.value}" if kernel.rounded else kernel.function

    @property
    def name(self) -> str:
        """How a failure is reported."""
        return f"{self.case.name} {self.function}"


def calls(cases: Iterable[Case], isa: frozenset[str], library: Library = "edgeq") -> tuple[Call, ...]:
    """Every case under every kernel that an instruction set has and that takes it; what is the same in C comes once."""
    found: dict[tuple[object, ...], Call] = {}
    for case in cases:
        for kernel in rows(type(case.node.op)):
            offered = kernel.library == library and kernel.runs_on(isa) and kernel.takes(case.site)
            if offered and kernel.fits(case.site):
                call = Call(case, kernel)
                data = tuple(array.tobytes() for array in case.inputs.values())
                found.setdefault((call.function, _content(kernel.params(case.site)), data), call)
    return tuple(found.values())


def _content(params: Mapping[str, Param]) -> object:
    return tuple((k, v.tobytes() if isinstance(v, np.ndarray) else v) for k, v in params.items())


class _Writer:
    """Collects the text; arrays of the same content are one."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self._names: dict[tuple[str, bytes], str] = {}

    def array(self, constant: Constant) -> str:
        key = (constant.array.dtype.name, constant.array.tobytes())
        if key not in self._names:
            self._names[key] = f"a{len(self._names)}"
            self.parts.append(array_definition(Constant(self._names[key], constant.array)))
        return self._names[key]

    def operand(self, data: Array) -> str:
        """An input or expected output, aligned as the memory planner aligns it."""
        key = ("operand", data.tobytes())
        if key not in self._names:
            self._names[key] = f"x{len(self._names)}"
            plain = array_definition(Constant(self._names[key], data.ravel().view(np.int8)))
            self.parts.append(plain.replace("EQ_ALIGN(4)", f"EQ_ALIGN({ALIGNMENT})"))
        return self._names[key]

    def params(self, number: int, call: Call) -> str:
        constants, members = split_params(f"p{number}", call.kernel.params(call.case.site))
        names = {c.name: self.array(c) for c in constants}
        renamed = {k: names.get(v, v) if isinstance(v, str) else v for k, v in members.items()}
        self.parts.append(struct_definition(call.kernel.struct, f"p{number}", renamed))
        return f"p{number}"


def _pointer(operand: str, type: TensorType, const: str) -> str:
    """An operand as the kernel sees it; the program holds all of them as bytes."""
    element = pointer_type(type.dtype)
    return operand if element == "int8_t" else f"({const}{element} *)({const}void *){operand}"


def _list(type: str, name: str, items: Sequence[object]) -> str:
    return f"static const {type} {name}[] = {{{', '.join(map(str, items)) or '0'}}};\n"


def _arguments(call: Call) -> str:
    gather, graph = call.kernel.variadic, call.case.graph
    inputs = [_pointer(f"in[{k}]", graph.type(n), "const ") for k, n in enumerate(call.case.inputs)]
    outputs = [_pointer(f"out[{k}]", graph.type(n), "") for k, n in enumerate(call.case.node.outputs)]
    element = pointer_type(graph.type(call.case.node.outputs[0]).dtype)
    cast = "" if element == "int8_t" else f"(const {element} *const *)(const void *)"
    out = "out" if element == "int8_t" else f"({element} *const *)(void *)out"
    first, second = [f"{cast}in"] if gather == "inputs" else inputs, [out] if gather == "outputs" else outputs
    return ", ".join([*first, *second, *(["scratch"] if call.kernel.takes_scratch else [])])


def _size_check(call: Call, params: str, scratch: int) -> str:
    """CMSIS-NN says itself how much memory it needs; where that is not the row's figure, nothing is computed."""
    if call.kernel.library != "cmsis-nn" or not call.kernel.takes_scratch:
        return ""
    return f"    if ({call.function}_bytes(&{params}) != {scratch}) {{\n        return;\n    }}\n"


def _computed(call: Call, allowed: Sequence[int | None]) -> list[int | None]:
    """What a row says of every input, for the computed ones."""
    return [allowed[i] for i, n in enumerate(call.case.node.inputs) if n in call.case.inputs]


Step = Callable[[Call], int]


def planned_step(call: Call) -> int:
    """Distances of which multiples are tried: as the planner gives them where elements or instructions need more than a
    byte's alignment."""
    bytes_alone = call.kernel.elements <= BYTES and all(a.itemsize == 1 for a in call.case.inputs.values())
    return 1 if not call.kernel.isa and bytes_alone else ALIGNMENT


def _overlaps(call: Call, step: int) -> list[object]:
    """For every computed input."""
    found = _computed(call, call.kernel.overlap(call.case.site))
    return ["NO_OVERLAP" if d is None else -(-d // step) * step for d in found]


def _exactly(call: Call) -> list[object]:
    """The one distance for every computed input."""
    return ["NO_OVERLAP" if d is None else d for d in _computed(call, call.kernel.exactly(call.case.site))]


def program_text(wanted: Sequence[Call], step: Step) -> str:
    """The C file with all calls."""
    headers = sorted({c.kernel.header for c in wanted})
    writer, entries = _Writer(), []
    for number, call in enumerate(wanted):
        inputs = [writer.operand(a) for a in call.case.inputs.values()]
        outputs = [writer.operand(a) for a in call.case.expected]
        params = writer.params(number, call)
        scratch = call.kernel.scratch(call.case.site)
        writer.parts += [
            f"static void call{number}(const int8_t *const *in, int8_t *const *out, void *scratch)\n{{\n"
            f"    (void)in;\n    (void)scratch;\n{_size_check(call, params, scratch)}"
            f"    {call.function}(&{params}, {_arguments(call)});\n}}\n",
            _list("int8_t *const", f"i{number}", inputs),
            _list("int8_t *const", f"o{number}", outputs),
            _list("uint32_t", f"is{number}", [a.nbytes for a in call.case.inputs.values()]),
            _list("uint32_t", f"os{number}", [a.nbytes for a in call.case.expected]),
            _list("int32_t", f"ov{number}", _overlaps(call, step(call))),
            _list("int32_t", f"ex{number}", _exactly(call)),
        ]
        entries.append(
            f'    {{"{call.name}", call{number}, i{number}, o{number}, is{number}, os{number}, ov{number}, ex{number}, '
            f"{len(inputs)}, {len(outputs)}, {scratch}, {step(call)}}},"
        )
    includes = [*(f'#include "{h}"' for h in headers), '#include "eq/align.h"', '#include "runner.h"', ""]
    table = ["const test_case test_cases[] = {", *entries, "};", f"const uint32_t test_case_count = {len(wanted)};", ""]
    return "\n".join([*includes, *writer.parts, *table])


def _platform(place: Path, target: Target) -> tuple[list[Path], list[str]]:
    """Write the platform's files; returns its sources and the options for the linker."""
    options: list[str] = []
    for name, text in platform_texts(target, "cases").items():
        path = place / "platform" / name
        if path.suffix == ".ld":
            options.append(f"-T{path}")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return [p for p in sorted((place / "platform").glob("*.c")) if p.name not in OF_MODELS], options


def compile_program(
    place: Path,
    wanted: Sequence[Call],
    target: Target,
    tool: Toolchain,
    extra: Sequence[str],
    library: Path | None = None,
    runner: str = "runner.c",
    step: Step = planned_step,
    optimize: str = "-O2",
    kept: Path | None = None,
) -> Path:
    """Compile the program for `wanted`, with warnings as errors.

    Args:
        place: an empty folder.
        wanted: the calls.
        target: what to compile for.
        tool: the compiler.
        extra: more options for compiler and linker.
        library: a copy of CMSIS-NN or ESP-NN, if kernels call it; its own warnings do not count.
        runner: the file with what is done with the calls.
        step: what a call's distances are rounded up to.
        optimize: the option for kernels.
        kept: a folder with the kernels that programs compiled in the same way have in common; they are added to it.

    Raises:
        ToolError: it does not compile.
    """
    (place / "cases.c").write_text(program_text(wanted, step), "utf-8")
    platform, linking = _platform(place, target)
    firmware = folder("firmware")
    zig = tool.kind == "zig"
    compiler = [str(tool.program), *(("cc", "-fno-sanitize=undefined") if zig else ())]
    common = [
        *target.flags[tool.kind],
        *extra,
        f"-I{firmware / 'include'}",
        f"-I{HERE}",
        f"-I{place / 'platform'}",
        *(f"-D{d}" for d in target.platform_defines),
        *(["-idirafter", str(place / "platform" / "libc")] if target.bare_metal else []),
    ]
    kernels = sorted({s for c in wanted for s in c.kernel.sources})
    sources: list[tuple[Path, tuple[str, ...]]] = [
        (firmware / "kernels" / s, (optimize, CONTRACT, *WARNINGS)) for s in kernels
    ]
    sources += [(place / "cases.c", ("-O0", *WARNINGS)), (HERE / runner, ("-O2", *WARNINGS))]
    sources += [(p, ("-O2", "-std=gnu99")) for p in platform]
    if library is not None:
        esp = esp_nn.is_copy(library)
        for place_of_headers in esp_nn.INCLUDES if esp else ("Include",):
            common += ["-isystem", str(library / place_of_headers)]
        patterns = esp_nn.SOURCES if esp else SOURCES
        sources += [(p, ("-O2", "-w", *LENIENT)) for pattern in patterns for p in sorted(library.glob(pattern))]

    def one(item: tuple[int, tuple[Path, tuple[str, ...]]]) -> Path:
        number, (source, options) = item
        made = place / f"{number}_{source.stem}.o"
        if kept is not None and source.is_relative_to(firmware):
            made = kept / f"{'_'.join(source.relative_to(firmware).parts)}.o"
            if made.exists():
                return made
        run([*compiler, *common, *options, "-ffunction-sections", "-c", source, "-o", made])
        return made

    with ThreadPoolExecutor(2) as pool:
        objects = list(pool.map(one, enumerate(sources)))
    program = place / ("cases.elf" if target.bare_metal else "cases")
    linking = [*target.link.get(tool.kind, ()), *linking]
    run([*compiler, *target.flags[tool.kind], *extra, *linking, *objects, "-Wl,--gc-sections", "-o", program])
    return program


def failures(done: Finished) -> list[str]:
    """The lines of a run that report failing cases; all of what it said if it did not come to its end."""
    said = f"{done.output}\n{done.errors}"
    found = [line for line in said.splitlines() if line.startswith("FAIL ")]
    return found if END in said and (found or done.code == 0) else [*found, f"exit code {done.code}", said]
