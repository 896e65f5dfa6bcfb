"""Models on their way into a build folder: what options mean, and what speaks against them before any work."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from edgeq.api.flow import Advance, QuantizedModel, Step, quantized
from edgeq.api.paths import check_report, check_sources
from edgeq.api.project import BuildOptions
from edgeq.api.suitability import (
    check_threads,
    places_for,
    warn_of_idle_threads,
    warn_of_soft_floats,
    warn_of_unknown_processor,
)
from edgeq.codegen import cmsis_nn
from edgeq.codegen.capacity import check_chip
from edgeq.codegen.emit import Part
from edgeq.codegen.lower import lower
from edgeq.codegen.places import USUAL, Places
from edgeq.codegen.program import Program
from edgeq.codegen.weights import WeightsPlace, place_weights
from edgeq.errors import ToolError, UsageError
from edgeq.exporters.projects import PROJECTS, check_kind
from edgeq.exporters.projects.kinds import FIRMWARE
from edgeq.numerics.fixedpoint import Numerics
from edgeq.target import Target, isa_names, isa_variants, load_target, target_name, with_console, with_isa
from edgeq.toolchain.cmake import check_compilable
from edgeq.toolchain.compilers import find_toolchain, has_incbin


@dataclass(frozen=True, eq=False)
class Draft:
    """A model on its way into a build folder.

    Attributes:
        options: what to build and how.
        target: what for.
        lowered_for: the same, with the instruction set of the target that it simulates.
        place: where its weights lie.
        model: what was quantized before, or None.
        places: the regions of memory in which its parts lie.
        variants: the instruction sets between which it chooses when it is loaded, with their features.
        result: once it is lowered, what was quantized and the program.
    """

    options: BuildOptions
    target: Target
    lowered_for: Target
    place: WeightsPlace
    model: QuantizedModel | None
    places: Places = USUAL
    variants: Mapping[str, frozenset[str]] = field(default_factory=dict)
    result: tuple[QuantizedModel, Program] | None = None

    @property
    def quantized(self) -> QuantizedModel:
        """The quantized model."""
        assert self.result is not None
        return self.result[0]

    @property
    def program(self) -> Program:
        """The program."""
        assert self.result is not None
        return self.result[1]

    @property
    def part(self) -> Part:
        """The model as a part of a build folder."""
        return Part(self.program, self.quantized.graph, self.quantized.float_graph)

    @property
    def entries(self) -> dict[str, Any]:
        """What the manifest says of the options."""
        options = self.options
        return {
            "source": options.model_path.resolve().name,
            "cut": {"inputs": list(options.inputs), "outputs": list(options.outputs)},
            "layouts": {name: list(perm) for name, perm in self.quantized.layouts.items()},
            "preprocessing": self.quantized.input.to_dict() if self.quantized.input else None,
            "stream": None if self.quantized.window is None else self.quantized.window[1].to_dict(),
            "simulate": target_name(options.simulate) if options.simulate else None,
            "chip": {"flash": options.flash, "ram": options.ram},
            "emit": options.emit,
            "accuracy": self.quantized.accuracy,
        }


def draft_of(options: BuildOptions, model: QuantizedModel | None) -> Draft:
    """What options mean, looked at before any work.

    Raises:
        UsageError: they contradict each other, or the target, or files are missing.
    """
    target = _target(options)
    lowered_for = _kernel_target(target, options.simulate)
    if options.emit != FIRMWARE and PROJECTS[options.emit].portable and target.native:
        target = lowered_for = replace(load_target(options.target), isa=frozenset())
    options = _with_library(options, model)
    if options.sanitize and not target.native:
        raise UsageError(f"--sanitize is for --target host, not {target.name}", hint="leave one of them out")
    check_kind(options.emit, target)
    if options.emit != FIRMWARE and options.sanitize:
        raise UsageError(f"--sanitize is not for --emit {options.emit}", hint="leave one of them out")
    if options.emit not in (FIRMWARE, "python") and options.kernels == "cmsis-nn":
        raise UsageError(f"--kernels cmsis-nn is not for --emit {options.emit}", hint="leave one of them out")
    if options.emit != "esp-idf" and options.kernels == "esp-nn":
        raise UsageError("--kernels esp-nn is for --emit esp-idf", hint="add that, or leave it out")
    if options.emit != FIRMWARE and options.weights_in == "file":
        raise UsageError(f"--weights-in file is not for --emit {options.emit}", hint="take inline or section")
    if options.report is not None:
        check_report(Path(options.report), options.emit == FIRMWARE)
    check_threads(options, target)
    place = place_weights(options.weights_in, options.weights_address, target)
    # AddressSanitizer watches what lies beside arrays of C only.
    apart = options.emit == FIRMWARE and not options.sanitize and has_incbin(target)
    place = replace(place, included=apart)
    if model is None:
        check_sources(options)
    names = isa_names(options.isa)
    variants = dict(zip(names, isa_variants(load_target(options.target), names), strict=True))
    if variants and options.emit != FIRMWARE and PROJECTS[options.emit].portable:
        raise UsageError("one instruction set is for --emit firmware, library and python", hint="leave --isa out")
    return Draft(options, target, lowered_for, place, model, places_for(options, target), variants)


def check_tools(drafts: Sequence[Draft], folder: Path) -> None:
    """Make sure, before the work, that the result can be compiled.

    Raises:
        ToolError: a compiler or CMake is missing.
        UsageError: a path cannot be compiled in.
    """
    for draft in drafts:
        if draft.options.compile:
            kind = find_toolchain(draft.target, draft.options.toolchain).kind
            if is_shared(draft.options) and kind == "zig" and "arm-linux-musleabihf" in draft.target.flags[kind]:
                raise ToolError(
                    f"zig makes no shared library that Python on {draft.target.name} could load",
                    hint="write the sources with --no-compile, and `pip install` the folder on the device",
                )
            check_compilable(folder)
            if draft.options.cmsis_nn_root is not None:
                check_compilable(Path(draft.options.cmsis_nn_root), "--cmsis-nn-root")


def lowered(draft: Draft, place: WeightsPlace, step: Step, progress: Advance | None) -> Draft:
    """A draft whose model was read, quantized and turned into a program."""
    options = draft.options
    model = draft.model or quantized(options, step, progress)
    step(f"generating C for {draft.target.name}")
    program = lower(
        model.graph,
        draft.lowered_for,
        options.model_name,
        options.optimize,
        options.kernels,
        place,
        options.ram_budget,
        options.require_fast,
        options.threads,
        draft.places,
        draft.variants,
        options.optimize_layers,
    )
    check_chip(program, options.flash, options.ram)
    warn_of_soft_floats(program, draft.target)
    warn_of_idle_threads(program)
    warn_of_unknown_processor(options, draft.target)
    return replace(draft, result=(model, program))


def _target(options: BuildOptions) -> Target:
    """What is built for; this machine's own vectors are not for programs that run another processor's kernels.

    Raises:
        UsageError: there is no such target, or the instruction set is not one of its.
    """
    target = with_console(load_target(options.target), options.console)
    if options.simulate is None:
        return with_isa(target, options.isa)
    if options.isa is not None:
        raise UsageError("--isa chooses this machine's kernels, --simulate another's", hint="leave one of them out")
    return target


def _kernel_target(target: Target, simulate: str | None) -> Target:
    """The target, with the instruction set of the one that it simulates.

    Raises:
        UsageError: only the host can simulate.
    """
    if simulate is None:
        return target
    if not target.native:
        raise UsageError(f"--simulate is for --target host, not {target.name}", hint="leave one of them out")
    return replace(target, isa=load_target(simulate).isa)


def _with_library(options: BuildOptions, model: QuantizedModel | None) -> BuildOptions:
    """The options, adapted to the library whose kernels are called.

    Raises:
        UsageError: an option, or how the model was quantized, does not fit that library.
    """
    root = None if options.cmsis_nn_root is None else Path(options.cmsis_nn_root)
    if options.kernels != "cmsis-nn" and root is not None:
        raise UsageError("--cmsis-nn-root is for --kernels cmsis-nn", hint="add that, or leave it out")
    if options.kernels == "edgeq":
        return options
    name = {"cmsis-nn": "CMSIS-NN", "esp-nn": "ESP-NN"}[options.kernels]
    numerics = options.numerics if model is None else model.graph.numerics
    if numerics not in (None, Numerics.TFLM):
        asked = numerics.value if isinstance(numerics, Numerics) else numerics
        raise UsageError(
            f"{name} has no numerics {asked!r}",
            hint=f"--kernels {options.kernels} implies --numerics tflm: leave --numerics out",
        )
    if options.simulate is not None:
        raise UsageError(
            f"--simulate runs edgeq's kernels, not those of {name}",
            hint="leave --simulate out" + (": the host compiles CMSIS-NN as plain C" if name == "CMSIS-NN" else ""),
        )
    if root is not None and not cmsis_nn.is_copy(root):
        raise UsageError(
            f"is no copy of CMSIS-NN: there is no {cmsis_nn.HEADER}",
            hint=f"give the folder of release {cmsis_nn.VERSION}, or none, and it is fetched",
            where=str(root),
        )
    # ESP-IDF compiles its components itself, and has the library.
    return replace(options, numerics=Numerics.TFLM, compile=options.compile and options.kernels != "esp-nn")


def is_shared(options: BuildOptions) -> bool:
    """Whether a shared library is all that is compiled."""
    return options.emit != FIRMWARE and PROJECTS[options.emit].shared
